"""The command line: one file per command, one edge for every error."""
