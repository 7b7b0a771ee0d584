"""Callers see no more of the data than their roles and their clearance allow."""
