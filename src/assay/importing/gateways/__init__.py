"""Gateways that are there already: what their configuration enforces on each route, and what it leaves out."""
