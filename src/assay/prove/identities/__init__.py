"""Identities: minted, fetched, signed in, or given; presented on requests; gone when the run ends."""

from assay.prove.identities.cast import Cast
from assay.prove.identities.given import EXAMPLES, given_identities, given_identity
from assay.prove.identities.sources import DevelopmentIssuer, Sources

__all__ = ["EXAMPLES", "Cast", "DevelopmentIssuer", "Sources", "given_identities", "given_identity"]
