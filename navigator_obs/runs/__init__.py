"""Stage 3. One execution → one summary: everything a run recorded becomes a journal, and by one fold its summary.json."""
