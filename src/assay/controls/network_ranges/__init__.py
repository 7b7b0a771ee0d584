"""Calls come only from where the declaration says they may."""
