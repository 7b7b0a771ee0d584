"""Verdicts in the forms that people and machines read, one file per form."""
