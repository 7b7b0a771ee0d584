"""Where identities come from: everything a cast is given, and nothing it looks for itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assay.declare.model import ProveIdentity
from assay.domain import Secret
from assay.identity.http import Reach
from assay.prove.surface import Surface


@dataclass(frozen=True, slots=True)
class DevelopmentIssuer:
    """A development issuer of ours: its configuration, credentials and signing keys lie in ``state``."""

    state: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What identities are made of.

    Attributes:
        surface: what is tested; says who may call what, so that a new key can be tried.
        directory: the run's own directory (0700), where files of certificates are put and removed again.
        resolve: the secret behind a reference (``env:…``, ``file:…``). Raises AssayError.
        issuer_url: the issuer's URL, where it is not a development issuer of ours; empty: there is none.
        issuer_jwks: URL or path of its key set, where that is declared; empty: it says so itself.
        development: the development issuer, when its keys are ours to sign with.
        clients: secrets of OAuth clients, by client id, where the issuer is not ours; those that identities tell are
            looked up beside them.
        issuer_key: reference to the key that an issuer of somebody else's signs with, where it is declared for tests.
        keys_file: where the gateway's API keys are; None: no key can be issued.
        pki: the development authority's directory; None: no certificate can be issued.
        given: identities by hand, by the persona's name.
        reach: how the issuer may be reached.
        clock: seconds since the epoch.
    """

    surface: Surface
    directory: Path
    resolve: Callable[[str], Secret]
    issuer_url: str = ""
    issuer_jwks: str = ""
    development: DevelopmentIssuer | None = None
    clients: Mapping[str, Secret] = field(default_factory=dict)
    issuer_key: str = ""
    keys_file: Path | None = None
    pki: Path | None = None
    given: Mapping[str, ProveIdentity] = field(default_factory=dict)
    reach: Reach = field(default_factory=Reach)
    clock: Callable[[], float] = time.time
