"""Stage 1. One event → one line: a log call becomes a JSON line in a rotating file, and a readable one beside it."""
