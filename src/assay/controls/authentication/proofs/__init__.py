"""Attacks on authentication, one family a file."""
