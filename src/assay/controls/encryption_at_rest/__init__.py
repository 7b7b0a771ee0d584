"""Every store of restricted data keeps it encrypted, under keys that are not kept with it."""
