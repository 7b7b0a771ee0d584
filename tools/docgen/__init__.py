"""Writes ``docs/reference`` from the code, so that the reference cannot say anything else than the code does.

One module per subject; each has ``pages() -> dict[str, str]``, file names in ``docs/reference`` to their text.
"""
