"""Reads, weighs and proposes rights of a project's accounts: from files, from systems, and from the gateway's log."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from assay.app.observed import parsed, tail
from assay.app.project import Project
from assay.declare.declaration import Declaration
from assay.declare.model import Account
from assay.domain import AssayError, IncompleteError, Secret, UsageError, did_you_mean
from assay.gateway.decision import decide
from assay.gateway.state import Paths
from assay.identity.secrets import resolve
from assay.privilege.catalogue import Catalogue
from assay.privilege.declared import needs_of, reads_itself, role_of
from assay.privilege.narrowing import Narrowing, narrowings
from assay.privilege.proposal import aws_policy, patch
from assay.privilege.review import Accounts, Review, review
from assay.privilege.rights import Grant, Rights, Unclear, Uses
from assay.privilege.sql import Script, least_privilege

LOG_LIMIT = 16 * 1024 * 1024
"""Bytes of the log's end that are read."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One account's review. ``problem``: why its rights could not be read; nothing is claimed about them then."""

    review: Review
    problem: AssayError | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """How to take away what an account does not need: whichever of these fits its platform.

    Attributes:
        script: for PostgreSQL.
        policy: for AWS.
        files: the declaration's files after the patch, by name.
        revoke: the rights to take away, for every platform.
        narrowings: where they cannot be taken away, what an API can keep from those who act through the account.
    """

    review: Review
    script: Script | None = None
    policy: Mapping[str, Any] | None = None
    files: Mapping[str, str] | None = None
    revoke: tuple[Grant, ...] = ()
    narrowings: tuple[Narrowing, ...] = ()


def chosen(declaration: Declaration, names: Iterable[str]) -> tuple[str, ...]:
    """The accounts that are meant; all of them without names.

    Raises:
        UsageError: there is no such account.
    """
    known = declaration.model.accounts
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise UsageError(f"there is no account `{name}`", fix=did_you_mean(name, known, what="account"))
    return wanted or tuple(known)


def reviews(
    project: Project, names: Iterable[str], *, today: date, environ: Mapping[str, str] | None = None, used: bool = True
) -> Iterator[Reviewed]:
    """Each account with what it may really do, as far as that can be read. Blocking; yields as it goes.

    Args:
        used: measure use as well: by the statistics of the system, and by the gateway's log.
    """
    declaration = project.declaration
    accounts = Accounts(declaration)
    found = _Systems(declaration, os.environ if environ is None else environ)
    seen = last_calls(declaration, Paths(project.state, project.state / "run").access_log) if used else {}
    for name in names:
        account = declaration.model.accounts[name]
        rights: Rights | None = None
        uses: Uses | None = None
        problem: AssayError | None = None
        if reads_itself(account):
            try:
                rights = found.rights(name)
                uses = found.uses(name) if used else None
            except AssayError as error:
                problem = error
        last = max((seen[u] for u in account.used_by if u in seen), default=None)
        yield Reviewed(
            review(accounts, name, today=today, rights=rights, uses=uses, last_used=last, blended=used), problem
        )


class _Systems:
    """Rights from systems."""

    def __init__(self, declaration: Declaration, environ: Mapping[str, str]) -> None:
        self._declaration, self._environ = declaration, environ
        self._read: dict[str, Catalogue | AssayError] = {}

    def _dsn(self, account: Account) -> Secret:
        declaration = self._declaration
        system = declaration.model.systems[account.system]
        place = declaration.locate("systems", account.system)
        if system.connection is None or system.connection.kind != "postgresql":
            what = "has no `connection`" if system.connection is None else f"is of kind `{system.connection.kind}`"
            raise UsageError(
                f"rights are read from PostgreSQL alone, and system `{account.system}` {what}",
                fix="declare its connection, write the rights by hand, or name an export",
                location=place,
            )
        at = declaration.locate("systems", account.system, "connection", "dsn", "secret")
        return resolve(system.connection.dsn.secret, environ=self._environ, base=declaration.root, location=at)

    def rights(self, name: str) -> Rights:
        """See :func:`assay.privilege.postgresql.read_rights`; a system's catalogues are read once."""
        from assay.privilege.postgresql import read_catalogue, rights_in

        account = self._declaration.model.accounts[name]
        known = self._read.get(account.system)
        if known is None:
            try:
                known = read_catalogue(self._dsn(account))
            except AssayError as error:
                known = error  # a server that does not answer is not waited for again
                error.location = error.location or self._declaration.locate("systems", account.system, "connection")
            self._read[account.system] = known
        if isinstance(known, AssayError):
            raise known
        try:
            return rights_in(known, role_of(name, account))
        except AssayError as error:
            error.location = error.location or self._declaration.locate("accounts", name)
            raise

    def uses(self, name: str) -> Uses:
        """What was used; a system that does not say leaves that unclear."""
        from assay.privilege.postgresql import read_uses

        account = self._declaration.model.accounts[name]
        try:
            return read_uses(self._dsn(account), role_of(name, account))
        except AssayError as error:
            return Uses(unclear=(Unclear(error.sentence),))


def proposal(reviewed: Reviewed, declaration: Declaration) -> Proposal:
    """How to take away what an account does not need.

    Raises:
        AssayError: its rights could not be read.
        UsageError: nothing says what it needs, or what it may do.
        IncompleteError: where that is said cannot be read.
    """
    from assay.declare.patch import apply_edits

    found = reviewed.review
    if reviewed.problem is not None:
        raise reviewed.problem
    place = declaration.places.key("accounts", found.name)
    if not found.needs:
        raise UsageError(
            f"nothing says what `{found.name}` needs",
            fix="write it under `needs:`; without that, every right would be taken away",
            location=place,
        )
    if found.unclear and not found.grants:
        first = found.unclear[0]
        raise IncompleteError(
            f"what `{found.name}` may do is not known: {first.sentence}",
            fix="export it whole, or write its rights by hand",
            location=first.at or place,
        )
    if found.rights is None or not found.grants:
        raise UsageError(
            f"nothing says what `{found.name}` may do", fix="write `rights:`, or where they are read", location=place
        )
    needs = needs_of(declaration, found.name)
    revoke = (*found.excess.unused, *found.excess.too_wide)
    edits = patch(declaration, found.name)
    files = apply_edits(declaration.sources, edits) if edits and revoke else {}
    changed = {name: text for name, text in files.items() if text != declaration.sources[name]}
    return Proposal(
        found,
        least_privilege(role_of(found.name, found.account), found.rights, needs)
        if reads_itself(found.account)
        else None,
        aws_policy(found.rights, needs) if found.account.platform.lower() in ("aws", "aws-iam", "iam") else None,
        changed,
        revoke,
        narrowings(declaration, found.name) if revoke and found.account.narrowed_by is None else (),
    )


def last_calls(declaration: Declaration, log: Path, *, limit: int = LOG_LIMIT) -> Mapping[str, date]:
    """The day of the last call that was let through: by consumer, and by API. Empty where there is no log."""
    by_client: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for name, consumer in declaration.model.consumers.items():
        if consumer.authenticate.oauth2:
            by_client[consumer.authenticate.oauth2.client] = name
        if consumer.authenticate.mtls:
            by_name[consumer.authenticate.mtls.san] = name
    found: dict[str, date] = {}
    lines, _ = tail(log, limit)
    for record in filter(None, map(parsed, lines)):
        moment = _day(record.get("time"))
        if moment is None or decide(record).outcome != "allowed":
            continue
        caller = (
            by_client.get(str(record.get("client") or record.get("opaque_client") or ""))
            or str(record.get("key_consumer") or "")
            or by_name.get(str(record.get("certificate") or ""))
        )
        for who in (caller, str(record.get("operation", "")).partition("/")[0]):
            if who and found.get(who, moment) <= moment:
                found[who] = moment
    return found


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
