"""The probes of data classification: one family a file."""
