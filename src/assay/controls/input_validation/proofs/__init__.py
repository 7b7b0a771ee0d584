"""The probes of input validation: one family a file."""
