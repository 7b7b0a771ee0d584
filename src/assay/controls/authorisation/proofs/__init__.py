"""Attacks on authorisation, one family a file."""
