"""Who is measured: one module per library, each a few lines of setup as the library's documentation gives it."""
