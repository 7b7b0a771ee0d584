"""How sensitive data is, alone and combined, and who can reach which of it."""
