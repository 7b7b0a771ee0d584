"""The probes of data exposure: one family a file."""
