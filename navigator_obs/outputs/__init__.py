"""Stage 5. One summary or finding → one message: text that people read, wherever they are told."""
