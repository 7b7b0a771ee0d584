"""A development issuer: OAuth 2.0 tokens for declared consumers and test users, on the machine that tests them.

It is not for production and says so in every response. Start it with ``python -m assay.identity.issuer CONFIG.json``.
"""

from assay.identity.issuer.config import (
    ClientSpec,
    Credentials,
    IssuerConfig,
    UserSpec,
    load_config,
    load_credentials,
    prepare_issuer,
)
from assay.identity.issuer.signing import rotate_signing_key
from assay.identity.issuer.tokens import IssuedToken, fetch_token, mint

__all__ = [
    "ClientSpec",
    "Credentials",
    "IssuedToken",
    "IssuerConfig",
    "UserSpec",
    "fetch_token",
    "load_config",
    "load_credentials",
    "mint",
    "prepare_issuer",
    "rotate_signing_key",
]
