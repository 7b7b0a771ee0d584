"""Calls go inwards, one layer at a time; what must not reach each other does not, however indirectly."""
