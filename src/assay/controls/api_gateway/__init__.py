"""Every exposed API is reached through one enforcement point, which routes only what its contract names."""
