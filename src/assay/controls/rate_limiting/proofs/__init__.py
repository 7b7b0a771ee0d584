"""The probes of rate limiting: one family a file."""
