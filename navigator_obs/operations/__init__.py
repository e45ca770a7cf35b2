"""Stage 2. One piece of work → one timing: a block of code becomes an OperationRecord and a share of the run's sums."""
