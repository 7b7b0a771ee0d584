"""Data: what it is, how sensitive it becomes, who can put it together, and by which right it is processed."""
