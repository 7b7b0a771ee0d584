"""The steps of the verification, by what they look at; their order and numbers are those of ``verify.py``."""
