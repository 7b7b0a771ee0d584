"""Attacks on routing, one family a file."""
