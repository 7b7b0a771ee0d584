"""The private key of a person: an Ed25519 key in a file of OpenSSH or in PEM, readable by its owner alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from assay.domain import AssayError, Location, Secret, UsageError
from assay.identity.files import read_private

_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_PEM = b"-----BEGIN "
_PUBLIC = (b"ssh-", b"ecdsa-", b"sk-", b"-----BEGIN PUBLIC KEY-----")


def load_private_key(path: Path, passphrase: Callable[[], Secret | None]) -> Ed25519PrivateKey:
    """The key in a file.

    Args:
        passphrase: asked once, and only if the key is encrypted; None: there is nobody to ask.

    Raises:
        UsageError: it is no private key, none of the kind Ed25519, or it stays closed.
        AssayError: the file is not there, or others may read it.
    """
    path = path.expanduser()
    data = read_private(path, limit=64 << 10, what="private key")
    at = Location(str(path))
    if data.startswith(_PUBLIC):
        raise UsageError(f"`{path}` is a public key", fix="name the private one, without .pub", location=at)
    if not data.lstrip().startswith(_PEM):
        raise UsageError(f"`{path}` is no private key of OpenSSH or in PEM", fix="name the right file", location=at)
    key = _opened(data, None, path)
    if key is None:
        given = passphrase()
        if given is None:
            raise UsageError(
                f"`{path}` is protected by a passphrase, and there is nobody to ask for it",
                fix="call it on a terminal, or name where it is: --passphrase env:NAME or file:PATH",
                location=at,
            )
        key = _opened(data, given.reveal().encode(), path)
    if key is None:
        raise UsageError(f"the passphrase does not open `{path}`", fix="try again", location=at)
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"`{path}` is no Ed25519 key, and only those are accepted",
            fix="make one with `ssh-keygen -t ed25519`, and declare its public half",
            location=at,
        )
    return key


def _opened(data: bytes, passphrase: bytes | None, path: Path) -> object | None:
    """The key; None when the passphrase is missing or wrong."""
    try:
        if data.lstrip().startswith(_OPENSSH):
            return load_ssh_private_key(data, passphrase)
        return load_pem_private_key(data, passphrase)
    except TypeError:
        return None  # it is encrypted, and no passphrase was given
    except UnsupportedAlgorithm as error:
        fix = "write it anew with `ssh-keygen -p -f FILE`, or make another with `ssh-keygen -t ed25519`"
        raise UsageError(f"`{path}` is of a kind that cannot be read: {error}", fix=fix) from error
    except (ValueError, AssayError) as error:
        if passphrase is not None:
            return None
        raise UsageError(
            f"`{path}` is damaged, or no private key", fix="name the right file", location=Location(str(path))
        ) from error
