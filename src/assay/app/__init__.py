"""Puts declaration, controls and engines together, for the command line and the console."""
