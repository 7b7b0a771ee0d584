"""What remains at risk: inherent, claimed, and what evidence supports, each with the derivation of its numbers."""
