"""Everything that is worth knowing about an account's rights, computed once for check, proof, table and proposal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from assay.declare.declaration import Declaration
from assay.declare.model import LEVELS, RIGHT_WORDS, Account, Duty, Level
from assay.domain import listed
from assay.privilege.declared import BY_HAND, granted, needs_of, rights_of
from assay.privilege.excess import MODERATE, SUPER, WINDOW, Excess, excess_of
from assay.privilege.reach import Blast, Reach
from assay.privilege.rights import Grant, Rights, Unclear, Uses, covers, touches
from assay.sensitivity import Closure, Principal, PrincipalReach, Reached, blend, closure

RESTRICTED = LEVELS.index("restricted")
_IDLE = "more than half of what it may do"
_CHANGING = ("write", "delete", "admin")
_OVER_ALL = ("server", "databases", "roles")
FLAGS = (
    "superuser",
    "wildcard",
    "impersonation",
    "excessive",
    "role-creep",
    "shared",
    "dormant",
    "orphaned",
    "duties-in-conflict",
    "credential-overdue",
    "no-justification",
    "above-clearance",
)


@dataclass(frozen=True, slots=True)
class Serving:
    """Whom an account serves: what names it as its account, and which accounts share its credential."""

    flows: tuple[str, ...] = ()
    ends: frozenset[frozenset[str]] = frozenset()
    sharing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Accounts:
    """The declaration's accounts with what refers to them, indexed once."""

    declaration: Declaration

    @cached_property
    def _flows(self) -> Mapping[str, tuple[tuple[str, frozenset[str]], ...]]:
        found: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
        for name, flow in self.declaration.model.flows.items():
            if flow.account is not None:
                found[flow.account].append((name, frozenset((flow.from_, flow.to))))
        return {account: tuple(flows) for account, flows in found.items()}

    @cached_property
    def _secrets(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name, account in self.declaration.model.accounts.items():
            if account.credential and account.credential.secret:
                found[account.credential.secret].append(name)
        return {secret: tuple(names) for secret, names in found.items()}

    @cached_property
    def _closed(self) -> Closure:
        return closure(self.declaration)

    def blend(self, name: str, data: Iterable[str]) -> Level | None:
        """How sensitive data sets of an account's system are when they are joined as far as keys allow (rule E3).

        None: there is nothing of it. Labels the whole declaration, at the first call.
        """
        account = self.declaration.model.accounts[name]
        held = self._closed.held.get(account.system, {})
        objects = tuple(
            Reached(d, f"systems.{account.system}", held[d].claimed.pieces, held[d].verified.pieces, ())
            for d in dict.fromkeys(data)
            if d in held
        )
        principal = Principal("account", name, account.clearance, ("accounts", name))
        blends = blend(PrincipalReach(principal, objects), self._closed.rules) if objects else ()
        return max((b.claimed.level for b in blends), key=LEVELS.index, default=None)

    def serving(self, name: str) -> Serving:
        """Whom an account serves."""
        account, flows = self.declaration.model.accounts[name], self._flows.get(name, ())
        secret = account.credential.secret if account.credential else None
        same = tuple(n for n in self._secrets.get(secret or "", ()) if n != name)
        return Serving(tuple(flow for flow, _ in flows), frozenset(ends for _, ends in flows), same)


@dataclass(frozen=True, slots=True)
class Review:
    """One account, judged.

    Attributes:
        rights: what it may do; None: it is read from its system, and was not.
        needs: what it needs, by the declaration.
        excess: of its rights over its needs.
        by_use: of its rights over what was used; None: that was not measured.
        blend: how sensitive what it reaches is together; None: it was not computed, or is nothing.
        superuser: why it is one, in words; empty: it is none, as far as its rights are known.
        creeping: roles that it is still in and that bring nothing it needs.
        shared: by whom, in words; empty: it is not.
        idle: days since it was last used, when that is longer than its window.
        last_used: when it was last used, declared or measured.
        overdue: days since its credential should have been replaced.
        conflicts: rules of duties that it breaks, each with the duties it holds.
    """

    name: str
    account: Account
    rights: Rights | None
    needs: tuple[Grant, ...]
    excess: Excess
    by_use: Excess | None
    uses: Uses | None
    blast: Blast
    blend: Level | None
    superuser: tuple[str, ...]
    creeping: tuple[str, ...]
    serving: Serving
    shared: tuple[str, ...]
    idle: int | None
    last_used: date | None
    overdue: int | None
    conflicts: tuple[tuple[str, Duty, tuple[str, ...]], ...]
    window: int = WINDOW
    unclear: tuple[Unclear, ...] = field(default=())

    @property
    def grants(self) -> tuple[Grant, ...]:
        """Its rights, as far as they are known."""
        return self.rights.grants if self.rights else ()

    @property
    def wildcards(self) -> tuple[Grant, ...]:
        """Rights over objects that nobody listed."""
        return tuple(g for g in self.grants if g.wildcard or "*" in g.right)

    @property
    def impersonating(self) -> tuple[Grant, ...]:
        """Rights to act as others."""
        return tuple(g for g in self.grants if g.operation == "impersonate")

    @property
    def level(self) -> Level | None:
        """The level of what it reaches, joined as far as that was computed; None: nothing that is declared."""
        return max((x for x in (self.blast.level, self.blend) if x is not None), key=LEVELS.index, default=None)

    @property
    def by_excess(self) -> tuple[str, ...]:
        """Those of the reasons in ``superuser`` that are no right of its own, but how much of all of them is idle."""
        return tuple(reason for reason in self.superuser if reason.startswith(_IDLE))

    @property
    def restricted(self) -> bool:
        """Whether it reaches data that is restricted or above."""
        return self.level is not None and LEVELS.index(self.level) >= RESTRICTED

    @property
    def above_clearance(self) -> bool:
        """Whether it reaches data above the clearance it was given."""
        level, clearance = self.level, self.account.clearance
        return level is not None and clearance is not None and LEVELS.index(level) > LEVELS.index(clearance)

    @property
    def unjustified(self) -> bool:
        """Whether it holds rights over others, or over restricted data, and nobody says why."""
        return not (self.account.justification or "").strip() and bool(self.superuser or self.restricted)

    @property
    def orphaned(self) -> bool:
        """Whether nothing in the declaration uses it."""
        return not self.account.used_by and not self.serving.flows

    @property
    def flags(self) -> tuple[str, ...]:
        """The words of :data:`FLAGS` that hold, in their order."""
        found = {
            "superuser": bool(self.superuser),
            "wildcard": bool(self.wildcards),
            "impersonation": bool(self.impersonating),
            "excessive": bool(self.needs) and (self.excess.index or 0.0) > MODERATE,
            "role-creep": bool(self.creeping),
            "shared": bool(self.shared),
            "dormant": self.idle is not None,
            "orphaned": self.orphaned,
            "duties-in-conflict": bool(self.conflicts),
            "credential-overdue": self.overdue is not None,
            "no-justification": self.unjustified,
            "above-clearance": self.above_clearance,
        }
        return tuple(flag for flag in FLAGS if found[flag])


def review(
    accounts: Accounts,
    name: str,
    *,
    today: date,
    rights: Rights | None = None,
    uses: Uses | None = None,
    last_used: date | None = None,
    blended: bool = False,
) -> Review:
    """Judges one account.

    Args:
        accounts: the declaration's, with what refers to them.
        rights: what was read from its system; None: what the declaration or an export says.
        uses: what was measured of its use.
        blended: join what it reaches, whatever it holds; else that is done only where the outcome depends on it.
        last_used: when it was last seen; the later of this and what is declared counts.
    """
    declaration = accounts.declaration
    account = declaration.model.accounts[name]
    held = rights if rights is not None else rights_of(declaration, name)
    needs = needs_of(declaration, name)
    grants = held.grants if held else ()
    reach = Reach(declaration.model, account, held)
    # Rounded up: a season of a year and some hours has another day in it.
    window = max(WINDOW, -(-account.seasonal // 86400)) if account.seasonal else WINDOW
    excess = excess_of(grants, needs, reach.weighing, today=today, window=window)
    by_use = (
        excess_of(_measured(grants, uses), uses.uses, reach.weighing, today=today, window=window)
        if uses is not None and uses.complete and uses.since and uses.since <= today - timedelta(days=window)
        else None
    )
    blast = reach.blast(grants)
    level = blast.level
    idle = bool(needs) and (excess.index or 0.0) > SUPER and level is not None and LEVELS.index(level) < RESTRICTED
    joined = accounts.blend(name, (d for d, _ in blast.data)) if blast.data and (blended or idle) else None
    level = max((x for x in (level, joined) if x is not None), key=LEVELS.index, default=None)
    seen = max((d for d in (account.last_used, last_used) if d is not None), default=None)
    serving = accounts.serving(name)
    return Review(
        name=name,
        account=account,
        rights=held,
        needs=needs,
        excess=excess,
        by_use=by_use,
        uses=uses,
        blast=blast,
        blend=joined,
        superuser=tuple(_superuser(held, level, excess if needs else None)),
        creeping=_creeping(excess, needs),
        serving=serving,
        shared=tuple(_shared(declaration, account, serving)),
        idle=(today - seen).days if seen and (today - seen).days > window else None,
        last_used=seen,
        overdue=_overdue(account, today),
        conflicts=tuple(_conflicts(declaration, name, account, grants)),
        window=window,
        unclear=held.unclear if held else (),
    )


def _measured(grants: tuple[Grant, ...], uses: Uses) -> tuple[Grant, ...]:
    """The rights whose use was watched."""
    return tuple(g for g in grants if not uses.measures or g.right in uses.measures)


def _superuser(rights: Rights | None, level: Level | None, excess: Excess | None) -> Iterable[str]:
    """The reasons for which an account counts as a superuser, the strongest first."""
    if rights is None:
        return
    for power in ("superuser", "bypassrls", "createrole", "createdb", "replication"):
        if power in rights.powers:
            yield f"it has the attribute {power.upper()}"
    over = [g for g in rights.grants if g.operation == "admin" and (g.wildcard or _whole(g))]
    if over:
        yield f"it administers {_objects(over)}"
    wide = [g for g in rights.grants if g.wildcard and g.operation in _CHANGING and g not in over]
    if wide:
        yield f"it may change {_objects(wide)}, whatever that comes to be"
    for operation, words in (("grant", "it may give rights to others"), ("impersonate", "it may act as others")):
        found = [g for g in rights.grants if g.operation == operation]
        if found:
            yield f"{words} ({_objects(found)})"
    index = excess.index if excess else None
    if index is not None and index > SUPER and level is not None and LEVELS.index(level) >= RESTRICTED:
        yield f"{_IDLE} is needed by nothing ({index:.2f}), and it reaches {level} data"


def _whole(grant: Grant) -> bool:
    return grant.object in _OVER_ALL or grant.object.startswith(("database ", "schema ", "realm "))


def _objects(grants: Iterable[Grant]) -> str:
    return listed(dict.fromkeys(g.object for g in grants), 3)


def _creeping(excess: Excess, needs: tuple[Grant, ...]) -> tuple[str, ...]:
    """Roles, groups and policies of which no right is needed, while others are: left over from another task."""
    if not needs:
        return ()
    unused = set(excess.unused)
    ways: dict[str, bool] = {}
    for grant in excess.judged:
        way = grant.via[0] if grant.via else ""
        ways[way] = ways.get(way, False) or grant not in unused
    useful = any(ways.values())
    own = {w for w in ways if w and w not in ("PUBLIC", "SUPERUSER") and not w.startswith(("SECURITY DEFINER", "SET "))}
    return tuple(way for way in ways if way in own and not ways[way]) if useful else ()


def _shared(declaration: Declaration, account: Account, serving: Serving) -> Iterable[str]:
    if account.kind == "shared":
        yield "several people or integrations, as it says itself"
    users = list(account.used_by)
    if account.narrowed_by is not None:
        # Its consumers act through the API that narrows them, which is then the one integration.
        api = account.narrowed_by.api
        users = [api, *(u for u in users if u != api and u not in declaration.model.consumers)]
    if len(users) > 1:
        yield ", ".join(f"`{u}`" for u in users)
    if len(serving.ends) > 1:
        yield f"the flows {', '.join(f'`{f}`' for f in serving.flows)}"
    system = declaration.model.systems.get(account.system)
    if system is not None and system.environment != account.environment:
        yield f"the environments `{account.environment}` and `{system.environment}` of its system"
    if serving.sharing:
        yield f"whoever has the credential of {', '.join(f'`{n}`' for n in serving.sharing)}, which is the same"


def _overdue(account: Account, today: date) -> int | None:
    """Days since the credential should have been replaced, or was to expire."""
    credential = account.credential
    if credential is None:
        return None
    days = [(today - credential.issued).days - credential.rotate // 86400]
    if credential.expires is not None:
        days.append((today - credential.expires).days)
    worst = max(days)
    return worst if worst > 0 else None


def _conflicts(
    declaration: Declaration, name: str, account: Account, grants: tuple[Grant, ...]
) -> Iterable[tuple[str, Duty, tuple[str, ...]]]:
    for rule_id, rule in declaration.model.duties.items():
        held: list[str] = []
        for duty in rule.never_together:
            if isinstance(duty, str):
                if duty in account.duties:
                    held.append(f"`{duty}`")
                continue
            wanted = [
                granted(name, word, written, account.platform, duty, BY_HAND)
                for word in RIGHT_WORDS
                for written in getattr(duty, word)
            ]
            # A right that amounts to a duty is one entry, whichever of its words is held.
            found = next((w for w in wanted if any(touches(g, w) or covers(g, w) for g in grants)), None)
            if found is not None:
                held.append(f"{found.right.lower() or found.operation} on `{found.object}`")
        if len(held) > 1:
            yield rule_id, rule, tuple(held)
