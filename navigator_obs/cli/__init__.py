"""On top. The command line: one file per verb, reading what runs left behind; the only place that may import
all.
"""
