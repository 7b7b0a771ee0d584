"""The machine as the controls and the gateway see it: certificates, issuer, keys, sockets."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import certifi
import msgspec

from assay.app.addresses import (
    Clock,
    keys_file,
    now,
    plan_site,
)
from assay.app.project import Project
from assay.controls.base import Site
from assay.declare.model import Issuer
from assay.domain import AssayError, IncompleteError
from assay.gateway.assemble import Policy
from assay.gateway.processor.bundle import build as processor_bundle
from assay.gateway.processor.bundle import keyset_names
from assay.gateway.runtime import Folders, KeyDigest, Runtime, Sockets
from assay.gateway.state import Paths
from assay.identity import api_keys, pki
from assay.identity.http import Reach
from assay.identity.issuer.signing import jwks as signing_jwks
from assay.identity.issuer.signing import load_signing_keys
from assay.identity.jwks import normalise, read_issuer_keys, read_jwks


def prepare_site(project: Project, paths: Paths) -> Site:
    """Makes what is missing: the development authority and certificates (also for declared mTLS consumers).

    Raises:
        AssayError: a certificate cannot be made or kept; or the declared one cannot be used, or not today.
    """
    model = project.declaration.model
    _usable(project)
    host = model.gateway.listen.rpartition(":")[0].strip("[]")
    names = tuple(dict.fromkeys((*pki.LOCAL_NAMES, *model.gateway.tls.names, *_served(host))))
    pki.ensure_ca(paths.pki)
    pki.ensure_server_certificate(paths.pki, names)
    if model.gateway.tls.client_ca is None:
        for consumer in model.consumers.values():
            if consumer.authenticate.mtls:
                pki.issue_client_certificate(paths.pki, consumer.authenticate.mtls.san)
    return plan_site(project)


def certificate_files(project: Project) -> tuple[Path, ...]:
    """The declared certificate, private key and clients' authority of the gateway, whose content may be renewed."""
    tls, root = project.declaration.model.gateway.tls, project.declaration.root
    declared = (*((tls.files.certificate, tls.files.key) if tls.files else ()), *filter(None, (tls.client_ca,)))
    return tuple(root / name for name in declared)


def _usable(project: Project) -> None:
    """Envoy would serve an expired certificate without a word, and callers would be told no reason."""
    gateway = project.declaration.model.gateway
    if gateway.plaintext or gateway.tls.files is None:
        return
    from assay.identity.certificates import check_pair  # commands without certificates need no cryptography

    certificate, key = certificate_files(project)[:2]
    try:
        check_pair(certificate, key, now=now())
    except AssayError as error:
        at = project.declaration.locate("gateway", "tls", "files", "certificate")
        raise IncompleteError(error.sentence, fix=error.fix, location=at) from error


def _digest(files: tuple[Path, ...]) -> str:
    """Of the files' contents, one that is absent included; empty when there are none."""
    if not files:
        return ""
    whole = hashlib.sha256()
    for file in files:
        try:
            content = file.read_bytes()
        except OSError:
            content = b""
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()[:16]


def _served(host: str) -> tuple[str, ...]:
    return () if host in ("0.0.0.0", "::") else (host,)  # noqa: S104 - compared, not bound


def ensure_keysets(policy: Policy, paths: Paths) -> None:
    """Makes the keysets that the policy's fields are encrypted and masked under.

    Raises:
        AssayError: a keyset cannot be made or read.
    """
    from assay.gateway import keysets  # a cryptographic library that commands without keys need not load

    for name in sorted(keyset_names(processor_bundle(policy))):
        keysets.ensure(paths.keys, name)


def system_authorities() -> str:
    """PEM file of the authorities this machine trusts, or those that ship with the HTTP client."""
    found = ssl.get_default_verify_paths().cafile
    return found if found and Path(found).exists() else certifi.where()


@dataclass
class Facts:
    """Gathers the run-time facts, again and again; remembers the last good key set of each issuer.

    Attributes:
        trouble: by issuer, why its keys could not be read the last time; empty when all is well.
    """

    project: Project
    paths: Paths
    concurrency: int = 2
    clock: Clock = now
    trouble: dict[str, str] = field(default_factory=dict)
    _jwks: dict[str, str] = field(default_factory=dict)

    @property
    def folders(self) -> Folders:
        """Where the files of the policy are."""
        return Folders(str(self.project.declaration.root.absolute()), str(self.paths.root.absolute()))

    def gather(self) -> Runtime:
        """The facts as they are now. An issuer that is down keeps its last known keys, or none."""
        for name, environment in self.project.declaration.model.environments.items():
            if environment.issuer:
                self._read(name, environment.issuer)
        return Runtime(
            sockets=Sockets(
                admin=str(self.paths.admin_socket),
                inspector=str(self.paths.inspector_socket),
                processor=str(self.paths.processor_socket),
            ),
            access_log=str(self.paths.access_log),
            configuration=str(self.paths.live),
            jwks=dict(self._jwks),
            keys=self._keys(),
            system_authorities=system_authorities(),
            concurrency=self.concurrency,
            folders=self.folders,
            certificates=_digest(certificate_files(self.project)),
        )

    def _read(self, name: str, issuer: Issuer) -> None:
        try:
            self._jwks[name] = self._keys_of(name, issuer)
            self.trouble.pop(name, None)
        except AssayError as error:
            kept = "those known before stay in use" if name in self._jwks else "until then its tokens are refused"
            self.trouble[name] = f"{error.sentence.removesuffix('.')}; {kept}"

    def _keys_of(self, name: str, issuer: Issuer) -> str:
        at = self.project.declaration.locate("environments", name, "issuer")
        if issuer.development:
            published = signing_jwks(load_signing_keys(self.paths.issuer), int(self.clock().timestamp()))
            return normalise(
                msgspec.json.encode(published), where="development issuer", algorithms=issuer.algorithms, location=at
            ).text()
        base = self.project.declaration.root
        reach = Reach(authorities=base / issuer.ca) if issuer.ca else Reach()
        if issuer.jwks:
            found = read_jwks(issuer.jwks, base=base, algorithms=issuer.algorithms, reach=reach, location=at)
            return found.text()
        return read_issuer_keys(issuer.url or "", algorithms=issuer.algorithms, reach=reach, location=at).text()

    def _keys(self) -> tuple[KeyDigest, ...]:
        moment = self.clock()
        usable = [k.record for k in api_keys.load(keys_file(self.paths.root)).list(moment)]
        return tuple(
            KeyDigest(
                id=r.id,
                consumer=r.consumer,
                sha256=r.sha256,
                not_before=int(r.not_before.timestamp()),
                expires=int(r.expires.timestamp()),
            )
            for r in usable
            if r.revoked_at is None and r.expires > moment
        )
