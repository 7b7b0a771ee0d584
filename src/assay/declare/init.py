"""A first declaration, drafted from a contract: it works as it stands, and every guess in it is marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from assay.declare.contract import Contract, Operation, Requirement
from assay.declare.init_data import GuessedData, guess_data, pointer_text, slug
from assay.declare.init_strict import forced_relaxations
from assay.declare.model import LEVELS, Gateway, Level
from assay.declare.selectors import is_pattern
from assay.declare.yaml_write import flow_text, scalar_text
from assay.domain import UsageError
from assay.identity.secrets import looks_like_secret

_URL = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")
_READING = ("GET", "HEAD", "OPTIONS")
_TOKEN_KINDS = ("oauth2", "openIdConnect")


def draft(
    contract: Contract,
    *,
    contract_path: str,
    upstream: str | None = None,
    name: str | None = None,
    listen: str = "127.0.0.1:8443",
) -> str:
    """The text of an `assay.yaml` for an API that has only a contract so far.

    Args:
        contract_path: how the declaration names the contract: a path relative to the declaration's directory.
        upstream: where the service answers; default: the contract's first server that is an absolute URL.
        name: id of the API; default: from the contract's title.

    Raises:
        UsageError: ``upstream`` is no URL that can be used, or there is none; ``listen`` is no address.
    """
    try:
        Gateway(listen=listen)
    except ValueError:
        raise UsageError(f"`{listen}` is no address to listen on.", fix="give --listen IP:PORT") from None
    api = slug(name or contract.title, "api")
    data = guess_data(contract)
    parts = [
        _head(contract, contract_path),
        _environment(api, listen),
        _api(contract, api, contract_path, _upstream(contract, upstream), data),
        _consumers(contract, data),
        _data(contract, contract_path, data),
        _objectives(api, data),
    ]
    return "\n".join(part for part in parts if part)


def _head(contract: Contract, contract_path: str) -> str:
    return f"""\
# {_comment(contract.title) or "An API"}: what exists, and what must hold.
#
# Drafted by `assay init` from {_comment(contract_path)}.
# It works as it stands: `assay check` tests it, `assay up` enforces it.
# What says "guess" was guessed: correct it, then take the word away. Keys that may stand here are in the JSON Schema
# of the declaration, which editors read; `assay explain` tells what each control means.

assay: 1

organisation: {{name: My organisation}}  # guess: your own; `subjects` takes how many people you hold data about
"""


def _environment(api: str, listen: str) -> str:
    return f"""\
gateway:
  listen: {scalar_text(listen)}  # where callers come, over TLS; a development certificate is made at first start

environments:
  development:
    tier: non-production
    issuer:
      development: true  # Assay's own token issuer, for trying things out; in production: `issuer: https://…`
      audience: {scalar_text(api)}
"""


def _api(contract: Contract, api: str, contract_path: str, upstream: str, data: Sequence[GuessedData]) -> str:
    title = contract.title if contract.title and looks_like_secret(contract.title) is None else api
    lines = [
        "apis:",
        f"  {scalar_text(api)}:",
        f"    title: {_text(title)}",
        "    owner: my-team  # guess: who answers for this API",
        "    exposure: internal  # guess: public, partner or internal",
        "    environment: development",
        f"    contract: {_text(contract_path)}",
        f"    upstream: {_text(upstream)}  # the service itself; nobody but the gateway should reach it",
        *_security(contract),
        *_access(contract),
        *_reveal(data),
        "    limits:",
        "      default: 600/minute  # guess: each caller, all operations together",
        *_strict(contract),
    ]
    return "\n".join(lines) + "\n"


def _security(contract: Contract) -> list[str]:
    """`security: any` where the gateway could not let anybody in without it, and why."""
    anybody = _open(contract)
    closed = [o for o in contract.operations if o.id not in anybody]
    silent = sum(not any(o.security) for o in closed)
    unprovable = [o for o in closed if contract.unprovable(o.security)]
    lines = []
    if silent:
        lines += [f"    # {_share(silent, contract)} the contract names no way to prove who calls."]
    if unprovable:
        names = dict.fromkeys(r.scheme for o in unprovable for alternative in o.security for r in alternative)
        lines += [
            f"    # {_share(len(unprovable), contract)} it names only what no gateway can check for the service",
            f"    # ({_comment(', '.join(names))}), which the service may go on asking for.",
        ]
    if not lines:
        return []
    return [
        *lines,
        "    # With `any`, each credential of a consumer below will do there; without it, nobody could call.",
        "    # Better: let the contract say it, and remove this.",
        "    security: any",
    ]


def _share(count: int, contract: Contract) -> str:
    return "For all operations" if count == len(contract.operations) else f"For {count} operations"


def _open(contract: Contract) -> frozenset[str]:
    """Operations that the contract opens to everybody, as opposed to others.

    A contract that asks for no credential anywhere (many generators write `security: []` everywhere) has said nothing
    about who may call, and a draft must not give everything away.
    """
    if not any(map(_demands, contract.operations)):
        return frozenset()
    return frozenset(o.id for o in contract.operations if () in o.security)


def _demands(operation: Operation) -> bool:
    return any(operation.security)


def _access(contract: Contract) -> list[str]:
    anybody = _open(contract)
    anonymous = [o for o in contract.operations if o.id in anybody]
    reading = _readable(contract)
    lines = ["    # Who may do what. An operation that no rule names is refused."]
    lines += ["    access:"]
    if any(map(_can_be_named, reading)):
        lines += [
            "      # guess: everybody who is known may read; where records belong to somebody, say so with `owns`"
        ]
        lines += _rule("roles: [user]", reading)
    lines += ['      - {roles: [admin], operations: ["*"]}']
    if any(map(_can_be_named, anonymous)):
        lines += ["      # the contract says that these need no credential"]
        lines += _rule("anonymous: true", anonymous)
    left = sum(not _can_be_named(o) for o in (*anonymous, *reading))
    if left:
        lines += [
            f"      # {left} operations have `*` or `?` in their ids, would name others too, and are left to admins"
        ]
    return lines


def _readable(contract: Contract) -> list[Operation]:
    """Operations that read, need a credential, and do not ask for a scope meant for administrators."""
    anybody = _open(contract)
    reading = [o for o in contract.operations if o.method in _READING and o.id not in anybody]
    return [o for o in reading if not (_demands(o) and all(map(_for_admins, o.security)))]


def _for_admins(alternative: Iterable[Requirement]) -> bool:
    return any("admin" in re.split(r"[^a-z]+", scope.lower()) for r in alternative for scope in r.scopes)


def _can_be_named(operation: Operation) -> bool:
    return not is_pattern(operation.id)


def _rule(who: str, operations: Iterable[Operation]) -> list[str]:
    names = [_text(o.id) for o in operations if _can_be_named(o)]
    short = f"      - {{{who}, operations: [{', '.join(names)}]}}"
    if len(short) <= 110:
        return [short]
    return [f"      - {who}", "        operations:", *(f"          - {name}" for name in names)]


def _reveal(data: Sequence[GuessedData]) -> list[str]:
    classes = sorted({guess.category.split(".")[0] for item in data for guess in item.fields.values()})
    if not classes:
        return []
    return [
        "    # Who sees which class of data, and how; what nobody is given here is masked for everybody. Narrow it:",
        "    # {roles: [user], classes: [user.financial], form: last4}",
        "    reveal:",
        f"      - {{roles: [user, admin], classes: {flow_text(classes)}, form: clear}}  # guess",
    ]


def _strict(contract: Contract) -> list[str]:
    relaxed = forced_relaxations(contract)
    lines = ["    strict:"] if relaxed else []
    for key, why in relaxed.items():
        lines += [f"      {key}: false  # {_comment(why)}"]
    return lines


def _consumers(contract: Contract, data: Sequence[GuessedData]) -> str:
    level = highest(guess.level for item in data for guess in item.fields.values())
    app = {"oauth2": _oauth2("app", _scopes(contract, _readable(contract)))}
    admin = {"oauth2": _oauth2("admin-console", _scopes(contract, contract.operations))}
    lines = [
        "# Who calls. `assay token app` and `assay key issue partner` give each of them a credential.",
        "consumers:",
    ]
    lines += _consumer("app", "application", app, "user", level)
    lines += _consumer("admin-console", "application", admin, "admin", level)
    lines += ["  # With an API key. Data more sensitive than the clearance stays masked."]
    lines += _consumer("partner", "partner", {"api_key": {}}, "user", _at_most(level))
    if any(scheme.kind == "mutualTLS" for scheme in contract.security_schemes.values()):
        lines += ["  # With a client certificate, known by its subject alternative name."]
        lines += _consumer("machine", "service", {"mtls": {"san": "machine.internal"}}, "user", _at_most(level))
    return "\n".join(lines) + "\n"


def _consumer(name: str, kind: str, authenticate: Mapping[str, object], role: str, clearance: Level) -> list[str]:
    return [
        f"  {name}:  # guess",
        f"    kind: {kind}",
        f"    authenticate: {flow_text(authenticate)}",
        f"    roles: [{role}]",
        f"    clearance: {clearance}",
    ]


def _oauth2(client: str, scopes: Sequence[str]) -> Mapping[str, object]:
    return {"client": client} | ({"scopes": [scope.replace("${", "$${") for scope in scopes]} if scopes else {})


def _scopes(contract: Contract, operations: Iterable[Operation]) -> list[str]:
    """Scopes that tokens need for these operations."""
    found: dict[str, None] = {}
    for operation in operations:
        for requirement in (r for alternative in operation.security for r in alternative):
            scheme = contract.security_schemes.get(requirement.scheme)
            if scheme is not None and scheme.kind in _TOKEN_KINDS:
                found.update(dict.fromkeys(requirement.scopes))
    return list(found)


def _data(contract: Contract, contract_path: str, data: Sequence[GuessedData]) -> str:
    if not data:
        return ""
    lines = [
        "# What the API holds about people. Each field was guessed from its name, format, example or description, and",
        "# `guessed` says how surely. Correct it, then remove `guessed`: only then does it count as more than a claim.",
    ]
    if any(_is_encrypted(guess.level) for item in data for guess in item.fields.values()):
        lines += [
            "# The gateway can encrypt fields before the service stores them (AES-256-GCM), and does so from level",
            "# restricted up unless told otherwise. The service may hold plain values already, so here it is.",
        ]
    lines += ["data:"]
    for item in data:
        lines += [f"  {scalar_text(item.id)}:", "    from:"]
        lines += [f"      - {_text(pointer_text(ref, contract, contract_path))}" for ref in item.schemas]
        lines += ["    fields:"]
        for name, guess in item.fields.items():
            entry: dict[str, object] = {"category": guess.category, "level": guess.level}
            entry |= {"identifies": guess.identifies} if guess.identifies else {}
            entry |= {"bits": guess.bits} if guess.bits is not None else {}
            entry |= {"free_text": True} if guess.free_text else {}
            entry |= {"encrypt": False} if _is_encrypted(guess.level) else {}
            entry |= {"guessed": guess.confidence}
            lines += [f"      {scalar_text(name)}: {flow_text(entry)}  # guess: {guess.why} ({guess.confidence})"]
    return "\n".join(lines) + "\n"


def _objectives(api: str, data: Sequence[GuessedData]) -> str:
    scope = flow_text({"apis": [api]})
    text = f"""\
# What must hold, and the controls that make it so. `assay explain CONTROL` tells what each of them does.
objectives:
  encrypted-in-transit:
    category: confidentiality
    statement: Every call is encrypted on its way.
    scope: {scope}
    controls: [transport_encryption]
  known-callers:
    category: authentication-authorisation
    statement: Only known callers get in, and each does only what its role allows.
    scope: {scope}
    controls: [authentication, authorisation]
  valid-input:
    category: integrity
    statement: The service receives only what the contract describes.
    scope: {scope}
    controls: [api_gateway, input_validation]
  bounded-use:
    category: availability
    statement: No caller can use up what the others need.
    scope: {scope}
    controls: [rate_limiting]
  accountable:
    category: non-repudiation
    statement: Every call is recorded with who made it and why it was allowed.
    scope: {scope}
    controls: [activity_logging]
"""
    classes = sorted({guess.category.split(".")[0] for item in data for guess in item.fields.values()})
    if classes:
        text += f"""\
  need-to-know:
    category: confidentiality
    statement: Callers see personal data only as far as their role and clearance go.
    scope: {flow_text({"apis": [api], "classes": classes})}
    controls: [data_exposure]
"""
    return text


def _upstream(contract: Contract, given: str | None) -> str:
    candidates = [given] if given is not None else list(contract.servers)
    for candidate in candidates:
        if _URL.fullmatch(candidate):
            return candidate
    if given is not None:
        raise UsageError(
            "The upstream is no URL that can be used.", fix="give --upstream http://HOST:PORT, without credentials"
        )
    raise UsageError(
        "The contract does not say where the service answers.", fix="give it with --upstream http://HOST:PORT"
    )


def highest(levels: Iterable[Level]) -> Level:
    """The most sensitive of some levels; `internal` when there are none."""
    return max(levels, key=LEVELS.index, default="internal")


def _at_most(level: Level) -> Level:
    return level if LEVELS.index(level) < LEVELS.index("confidential") else "confidential"


def _is_encrypted(level: Level) -> bool:
    return LEVELS.index(level) >= LEVELS.index("restricted")


def _text(value: str) -> str:
    """Text from the contract as a YAML value in which nothing is taken for a variable."""
    return scalar_text(value.replace("${", "$${"))


def _comment(text: str) -> str:
    """Text from the contract that is safe behind a `#`: one line, printable, not too long, and no secret."""
    plain = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:120]
    return "…" if any(looks_like_secret(word) for word in (plain, *plain.split())) else plain
