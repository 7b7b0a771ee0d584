"""Privilege: what accounts may do, what of it they need or use, how much is too much, and how to take it away."""
