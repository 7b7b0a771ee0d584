"""Client certificates: the consumers' own, and two that must be refused."""

from __future__ import annotations

import shutil
from pathlib import Path

from assay.identity.files import present
from assay.identity.pki import CertificatePair, issue_client_certificate
from assay.prove.seams import ClientCertificate

UNKNOWN_AUTHORITY = "unknown-authority"
WRONG_SUBJECT = "wrong-subject"
STRANGER = "assay-prove-stranger.internal"
"""A name under which no consumer is declared; the development authority may sign for it."""


def issue(pki: Path, san: str) -> tuple[ClientCertificate, tuple[Path, ...]]:
    """A consumer's certificate by the development authority, and the files that were not there before. Blocking.

    Raises:
        AssayError: the authority may not sign for the name, or the disk refuses.
    """
    before = {path for path in pki.glob("client-*") if present(path)}
    pair = issue_client_certificate(pki, san)
    return _of(pair), tuple(path for path in (pair.certificate, pair.key) if path not in before)


def wrong_subject(pki: Path, directory: Path) -> ClientCertificate:
    """A certificate by the right authority for nobody who is declared. Its files are the run's. Blocking."""
    pair = issue_client_certificate(pki, STRANGER)
    moved = [Path(shutil.move(path, directory / path.name)) for path in (pair.certificate, pair.key)]
    return ClientCertificate(moved[0], moved[1])


def unknown_authority(directory: Path, san: str) -> ClientCertificate:
    """A certificate for a right name by an authority that nobody knows; made in the run's directory. Blocking."""
    return _of(issue_client_certificate(directory / UNKNOWN_AUTHORITY, san))


def _of(pair: CertificatePair) -> ClientCertificate:
    return ClientCertificate(pair.certificate, pair.key)
