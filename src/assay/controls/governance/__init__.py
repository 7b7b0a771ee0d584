"""The control `governance`: who changed, reviewed and approved what the gateway does, and what changed without them."""
