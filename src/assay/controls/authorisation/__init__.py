"""Every call is allowed by a rule that names its role, its operation and, where objects have owners, the owner."""
