"""What a run is aimed at: the gateway of a project, the services behind it, or an API that Assay does not front."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import yaml

from assay.app.addresses import keys_file, plan_site
from assay.app.project import Project, open_project
from assay.app.stack import issuer_url, url_of
from assay.controls._lib.subjects import served_apis
from assay.controls.registry import compile_policy
from assay.declare.declaration import Declaration
from assay.declare.init_files import fetch_contract
from assay.declare.model import Issuer, ProveIdentity
from assay.domain import AssayError, IncompleteError, Secret, UsageError, did_you_mean
from assay.gateway.assemble import Policy
from assay.gateway.ir import Mode
from assay.gateway.state import prepare, read_applied
from assay.identity.certificates import load_certificates
from assay.identity.files import ensure_private_directory
from assay.identity.http import Reach, is_loopback
from assay.identity.issuer.config import CONFIG_FILE
from assay.identity.secrets import resolve
from assay.prove.identities.given import given_identities
from assay.prove.identities.sources import DevelopmentIssuer, Sources
from assay.prove.mirror import Mirroring
from assay.prove.personas import identities_of, personas_of
from assay.prove.scope import origin_of
from assay.prove.surface import Surface, Via, Way, targets_of

FOREIGN_API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Everything that a run needs to know about its target.

    Attributes:
        surface: what is tested, and what is claimed.
        target: where requests go.
        configuration: digest of the policy that is live; empty where there is none of ours.
        authority: PEM file of authorities to trust for the target.
        access_log: the gateway's log, when there is one to read.
        also: further origins that may be reached (the issuer).
    """

    project: Project
    surface: Surface
    environment: str
    target: str
    configuration: str = ""
    authority: Path | None = None
    access_log: Path | None = None
    also: tuple[str, ...] = ()
    given: Mapping[str, ProveIdentity] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def sources(self, directory: Path) -> Sources:
        """What identities are made of; ``directory`` is the run's own."""
        declaration = self.project.declaration
        environment = declaration.model.environments.get(self.environment)
        issuer = environment.issuer if environment else None
        own = self.surface.fronted or (self.project.state / "issuer" / CONFIG_FILE).is_file()
        state = self.project.state.resolve()
        return Sources(
            surface=self.surface,
            directory=directory,
            resolve=self._secret,
            issuer_url=(issuer.url or "") if issuer else "",
            issuer_jwks=_key_set(declaration.root, issuer),
            reach=Reach(authorities=declaration.root / issuer.ca) if issuer and issuer.ca else Reach(),
            issuer_key=told.secret if (told := declaration.model.prove.issuer_keys.get(self.environment)) else "",
            development=DevelopmentIssuer(state / "issuer") if issuer and issuer.development and own else None,
            keys_file=keys_file(state) if own else None,
            pki=state / "pki" if own and (state / "pki" / "ca.crt").is_file() else None,
            given=identities_of(declaration, self.given),
        )

    def mirroring(self, directory: Path) -> Mirroring | None:
        """What a mirror of the gateway is made of; None: none of ours is there. ``directory`` is the run's own."""
        if not self.surface.fronted or self.surface.via != "gateway":
            return None
        paths = prepare(self.project.state, environ=os.environ)
        return Mirroring(paths=paths, directory=directory)

    def trusting(self, authority: Path) -> Aim:
        """The same, with the authorities in a PEM file trusted for the target, and no others.

        Raises:
            UsageError: the file cannot be read, or holds no certificate.
        """
        return replace(self, authority=_authority(authority))

    def kept_in(self, state: Path) -> Aim:
        """The same, with its evidence in another directory, which is made for nobody else's eyes."""
        for directory in (state.parent.parent, state.parent, state):
            ensure_private_directory(directory)
        return replace(self, project=replace(self.project, state=state))

    def _secret(self, reference: str) -> Secret:
        return resolve(reference, environ=self.environ, base=self.project.declaration.root)


def at_project(
    project: Project,
    *,
    via: Via = "gateway",
    environment: str | None = None,
    identities: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Aim:
    """The gateway of a project, or with ``via`` direct the services behind it.

    ``environ`` is where references to secrets are looked up; default: the environment of this process.

    Raises:
        UsageError: no such environment; or its APIs have none.
        IncompleteError: nothing was ever applied, so there is no gateway to test.
    """
    declaration = project.declaration
    name = _environment(declaration, environment)
    policy = compile_policy(declaration, plan_site(project))
    served = [i for i, api in served_apis(declaration) if api.environment == name]
    given = given_identities(tuple(identities), base=Path())
    personas = personas_of(declaration, name, given=given)
    upstreams = {i: declaration.model.apis[i].upstream for i in served}
    tls = not declaration.model.gateway.plaintext
    bases = _bases(policy, via, served)
    surface = Surface(
        declaration=declaration,
        targets=targets_of(declaration, base_of=bases),
        personas=personas,
        via=via,
        fronted=True,
        declared_access=True,
        tls=tls if via == "gateway" else all(u.startswith("https:") for u in upstreams.values()),
        upstreams=upstreams,
        barred=_barred(policy) if via == "gateway" else frozenset(),
        others=_others(project.everything, name),
    )
    paths = prepare(project.state, environ=os.environ)
    issuer = declaration.model.environments[name].issuer
    also = [issuer.url] if issuer and issuer.url else []
    if issuer and issuer.development:
        also.append(issuer_url(project))
    live = read_applied(paths)
    if via == "gateway" and live is None:
        raise IncompleteError("no gateway of this declaration was ever started", fix="start it: `assay up`")
    authority = paths.pki / "ca.crt" if declaration.model.gateway.tls.files is None else None
    return Aim(
        project=project,
        surface=surface,
        environment=name,
        target=url_of(project) if via == "gateway" else next(iter(upstreams.values())),
        configuration=live.policy if live else "",
        authority=authority if authority and authority.is_file() else None,
        access_log=paths.access_log if via == "gateway" else None,
        also=tuple(also),
        given=given,
        environ=os.environ if environ is None else environ,
    )


def at_foreign(
    contract: str, target: str, *, identities: Iterable[str] = (), directory: Path, authority: Path | None = None
) -> Aim:
    """An API that Assay does not front, by its contract and address. ``directory`` is the run's own.

    Nothing but the contract is claimed about it: there are no roles, limits or masks to hold it to. A target that is
    not on this machine counts as production, so somebody must say that it may be tested. The authorities in a PEM file
    ``authority`` are trusted for it instead of the public ones, and beside them for a contract at a URL.

    Raises:
        UsageError: the contract or the target cannot be used.
    """
    origin = origin_of(target)
    if "://" in contract:
        with httpx.Client(verify=_trust(authority)) as client:
            text, name = fetch_contract(contract, client=client), "contract.yaml"
    elif Path(contract).is_file():
        text, name = Path(contract).read_bytes(), Path(contract).name
    else:
        raise UsageError(f"there is no file `{contract}`", fix="give the path of an OpenAPI document, or its URL")
    root = directory / "target"
    root.mkdir(mode=0o700, parents=True)
    where = Path(contract).resolve() if "://" not in contract else root / name
    if "://" in contract:
        where.write_bytes(text)
    tier = "non-production" if is_loopback(origin.host) else "production"
    declared = {
        "assay": 1,
        "organisation": {"name": str(origin)},
        "environments": {"target": {"tier": tier}},
        "apis": {
            FOREIGN_API: {
                "owner": "unknown",
                "exposure": "public",
                "environment": "target",
                "contract": str(where),
                "upstream": str(origin),
            }
        },
    }
    (root / "assay.yaml").write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    project = open_project(root)
    declaration = project.declaration
    given = given_identities(tuple(identities), base=Path())
    base = declaration.contracts[FOREIGN_API].base_path
    surface = Surface(
        declaration=declaration,
        targets=targets_of(declaration, base_of={FOREIGN_API: base}),
        personas=personas_of(declaration, "target", given=given),
        via="direct",
        fronted=False,
        declared_access=False,
        tls=origin.tls,
        upstreams={FOREIGN_API: str(origin)},
    )
    aim = Aim(project=project, surface=surface, environment="target", target=str(origin), given=given)
    return aim.trusting(authority) if authority else aim


def _trust(authority: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority is not None:
        context.load_verify_locations(str(_authority(authority)))
    return context


def _authority(path: Path) -> Path:
    """The file, if it holds certificates. Raises UsageError."""
    try:
        load_certificates(path)
    except AssayError as error:
        raise UsageError(
            error.sentence, fix="give a PEM file with the certificate of the target's authority"
        ) from error
    return path.resolve()


def _key_set(root: Path, issuer: Issuer | None) -> str:
    """Where the issuer's keys are declared to be: a URL, or a path that counts from the declaration's folder."""
    if issuer is None or not issuer.jwks:
        return ""
    return issuer.jwks if "://" in issuer.jwks else str(root / issuer.jwks)


def _environment(declaration: Declaration, wanted: str | None) -> str:
    known = dict.fromkeys(api.environment for _, api in served_apis(declaration))
    if wanted is not None:
        if wanted not in known:
            raise UsageError(
                f"no API that is served lives in environment `{wanted}`",
                fix=did_you_mean(wanted, known, what="environment"),
            )
        return wanted
    if not known:
        raise UsageError("no API is served, so there is nothing to prove", fix="declare one under `apis:`")
    if len(known) > 1:
        raise UsageError(
            f"APIs of several environments are served: {', '.join(known)}", fix="choose one: --environment NAME"
        )
    return next(iter(known))


def _others(declaration: Declaration, environment: str) -> dict[str, frozenset[Way]]:
    """The other environments that APIs are served in, and the ways in which their own consumers prove themselves."""
    found: dict[str, frozenset[Way]] = {}
    for name in dict.fromkeys(api.environment for _, api in served_apis(declaration)):
        if name != environment:
            personas = personas_of(declaration, name, given={})
            consumers = declaration.model.consumers
            own = (p for p in personas if p.consumer and consumers[p.consumer].environment == name and not p.given)
            found[name] = frozenset(p.ways[0] for p in own if len(p.ways) == 1)
    return found


def _barred(policy: Policy) -> frozenset[tuple[str, str]]:
    """(API, consumer) pairs that the gateway is to refuse before any access rule is looked at."""
    return frozenset(
        (piece.api, caller.consumer)
        for piece in policy.admissions
        if piece.mode is Mode.ENFORCE
        for caller in policy.callers
        if caller.consumer in piece.never or (piece.only is not None and caller.consumer not in piece.only)
    )


def _bases(policy: Policy, via: Via, served: Iterable[str]) -> dict[str, str]:
    """What URLs of each API begin with, on the side that is tested."""
    wanted = set(served)
    found: dict[str, str] = {}
    for operation in policy.operations:
        route = operation.route
        if route.api in wanted:
            found[route.api] = route.public_base if via == "gateway" else route.upstream_base
    return found
