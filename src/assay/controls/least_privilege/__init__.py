"""Least privilege: accounts hold what they need, and nothing that makes them more than that."""
