"""Stage 3. One execution → one summary: what a run records becomes a journal, and by one fold its summary."""
