"""Every call proves who makes it, in one of the ways that the contract of the API names."""
