"""Every call leaves a record of who made it, what it was, how it ended, and which policy decided."""
