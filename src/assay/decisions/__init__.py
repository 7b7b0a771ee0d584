"""What named people decided, signed with keys of their own, in files beside the declaration."""
