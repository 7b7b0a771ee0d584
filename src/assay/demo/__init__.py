"""The walk through the Customer Data API: what an attacker gets from the bare service, and what through Assay."""
