"""Evidence: signed, logged, verifiable by a stranger. Start at :mod:`assay.evidence.ledger`."""
