"""Who may call: token issuers, consumers, accepted credentials, access rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.gateway import ir
from assay.gateway.compare.drafts import (
    ON,
    Context,
    Draft,
    coverage,
    members,
    mode_change,
    neutral,
    number,
    observed,
    opaque,
    same,
    single,
    switch,
)
from assay.gateway.plan import Effect


def _time(value: float) -> str:
    return f"{value:g} s"


def _issuer(old: ir.TokenIssuer, new: ir.TokenIssuer, _: Context) -> Iterator[Draft]:
    yield from opaque(f"the issuer of {ON}", old.url, new.url)
    yield from _ordered(
        old.audiences,
        new.audiences,
        "audience",
        added=lambda a: f"tokens of {ON} for the audience `{a}` are accepted",
        removed=lambda a: f"tokens of {ON} for the audience `{a}` are no longer accepted",
    )
    yield from _ordered(
        old.algorithms,
        new.algorithms,
        "algorithm",
        added=lambda a: f"tokens of {ON} signed with {a} are accepted",
        removed=lambda a: f"tokens of {ON} signed with {a} are no longer accepted",
    )
    lifetime = f"the longest lifetime of tokens of {ON}"
    yield from number(lifetime, old.max_lifetime_seconds, new.max_lifetime_seconds, higher="loosening", show=_time)
    skew = f"the clock skew allowed for tokens of {ON}"
    yield from number(skew, old.clock_skew_seconds, new.clock_skew_seconds, higher="loosening", show=_time)
    for name in ir.ClaimNames.__struct_fields__:
        before, after = getattr(old.claims, name), getattr(new.claims, name)
        yield from opaque(f"the claim of {ON} that names the {name}", _dotted(before), _dotted(after))
    yield from switch(
        old.introspection is not None,
        new.introspection is not None,
        on=f"opaque tokens of {ON} are accepted after introspection",
        off=f"opaque tokens of {ON} are no longer accepted",
        turning_on="loosening",
    )
    if old.introspection and new.introspection:
        a, b = old.introspection, new.introspection
        yield from opaque(f"the introspection endpoint of {ON}", a.url, b.url)
        yield from neutral(f"the client that introspects tokens of {ON}", a.client, b.client)
        yield from neutral(f"the credential that introspects tokens of {ON}", a.credential, b.credential)
        cache = f"the time a revoked opaque token of {ON} may still be accepted"
        yield from number(cache, a.cache_seconds, b.cache_seconds, higher="loosening", show=_time)
    yield from switch(
        old.development,
        new.development,
        on=f"{ON} accepts tokens of the development issuer",
        off=f"{ON} no longer accepts tokens of the development issuer",
        turning_on="loosening",
    )


def _ordered(old: tuple[str, ...], new: tuple[str, ...], what: str, **words: object) -> Iterator[Draft]:
    yield from members(old, new, more="loosening", **words)  # type: ignore[arg-type]
    if old != new and set(old) == set(new):
        yield from neutral(f"the {what} list of {ON}", old, new)


def _dotted(claim: tuple[str, ...] | None) -> str | None:
    return None if claim is None else ".".join(claim)


def _caller(old: ir.Caller, new: ir.Caller, _: Context) -> Iterator[Draft]:
    yield from opaque(f"the environment whose tokens {ON} uses", old.issuer, new.issuer)
    yield from _credential(old.client, new.client, "as OAuth client")
    yield from _credential(old.certificate_name, new.certificate_name, "with a certificate for")
    yield from switch(
        old.api_key,
        new.api_key,
        on=f"{ON} is accepted with an API key",
        off=f"{ON} is no longer accepted with an API key",
        turning_on="loosening",
    )
    yield from opaque(
        f"the kind of token of {ON}", "opaque" if old.opaque else "JWT", "opaque" if new.opaque else "JWT"
    )
    yield from _ordered(
        old.roles,
        new.roles,
        "role",
        added=lambda r: f"{ON} gets the role `{r}`",
        removed=lambda r: f"{ON} loses the role `{r}`",
    )
    yield from number(f"the clearance of {ON}", old.clearance, new.clearance, higher="loosening")
    yield from allowed(old.networks, new.networks)


def _credential(old: str | None, new: str | None, how: str) -> Iterator[Draft]:
    if old is None and new is not None:
        yield Draft("loosening", f"{ON} is accepted {how} `{new}`", "", new)
    elif old is not None and new is None:
        yield Draft("tightening", f"{ON} is no longer accepted {how} `{old}`", old, "")
    elif old != new:
        yield from opaque(f"the name under which {ON} is accepted {how}", old, new)


def allowed(old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Draft]:
    """A list of networks calls may come from, empty meaning anywhere."""
    if old == new:
        return
    if not old or not new:
        opened = not new
        yield Draft(
            "loosening" if opened else "tightening",
            f"{ON} may be called from anywhere" if opened else f"{ON} may be called from {', '.join(new)} only",
            ", ".join(old) or "anywhere",
            ", ".join(new) or "anywhere",
        )
        return
    more, fewer = coverage(old, new)
    for network in more:
        yield Draft("loosening", f"{ON} may be called from {network}", "", network)
    for network in fewer:
        yield Draft("tightening", f"{ON} may no longer be called from all of {network}", network, "")
    if not more and not fewer:
        yield from neutral(f"the spelling of the networks of {ON}", old, new)


def _proof(proof: ir.Proof) -> str:
    kind = {"token": "a token", "key": "an API key", "certificate": "a certificate"}[proof.kind]
    detail = f" of {proof.issuer}" if proof.issuer else ""
    detail += f" in {proof.header}" if proof.header else ""
    return kind + detail + (f" with {' '.join(proof.scopes)}" if proof.scopes else "")


def _alternative(proofs: tuple[ir.Proof, ...]) -> str:
    return " and ".join(map(_proof, proofs)) or "no credential"


def _asks_at_least(strong: tuple[ir.Proof, ...], weak: tuple[ir.Proof, ...]) -> bool:
    """Whether whoever satisfies ``strong`` satisfies ``weak`` too."""
    return all(
        any(
            (s.kind, s.issuer, s.header) == (w.kind, w.issuer, w.header) and set(s.scopes) >= set(w.scopes)
            for s in strong
        )
        for w in weak
    )


def _authentication(old: ir.Authentication, new: ir.Authentication, _: Context) -> Iterator[Draft]:
    found = False
    for alternative in new.alternatives:
        if not any(_asks_at_least(alternative, o) for o in old.alternatives):
            found = True
            text = _alternative(alternative)
            yield Draft("loosening", f"{ON} accepts {text}", "", text)
    for alternative in old.alternatives:
        if not any(_asks_at_least(alternative, n) for n in new.alternatives):
            found = True
            text = _alternative(alternative)
            yield Draft("tightening", f"{ON} no longer accepts just {text}", text, "")
    if not found and old.alternatives != new.alternatives:
        yield Draft("neutral", f"the credentials of {ON} are told differently and mean the same")


def _no_authentication(piece: ir.Authentication, _: Context) -> Iterator[Draft]:
    yield Draft(
        "loosening",
        f"what {ON} accepts as proof of identity starts or stops being declared, which cannot be shown to be tighter",
        certain=False,
    )


Grant = tuple[frozenset[str], frozenset[tuple[str, tuple[str, ...]]]]
"""Scopes and ownership conditions that a role must meet."""


def _grants(rules: Sequence[ir.AccessRule]) -> dict[str, set[Grant]]:
    """Per role the conditions under which it may call; the role ``""`` is everybody, anonymous callers included."""
    found: dict[str, set[Grant]] = {}
    for rule in rules:
        grant = (frozenset(rule.scopes), frozenset((o.parameter, o.claim) for o in rule.owns))
        for role in rule.roles or ("",):
            found.setdefault(role, set()).add(grant)
    return found


def _covered(grant: Grant, by: set[Grant]) -> bool:
    scopes, owns = grant
    return any(s <= scopes and o <= owns for s, o in by)


def _conditions(grant: Grant) -> str:
    scopes, owns = grant
    said = [f"scope {s}" for s in sorted(scopes)]
    said += [f"`{parameter}` equal to the token's `{'.'.join(claim)}`" for parameter, claim in sorted(owns)]
    return " with " + " and ".join(said) if said else ""


def access(old: Sequence[ir.AccessRule], new: Sequence[ir.AccessRule], _: Context) -> Iterator[Draft]:
    """All rules of one operation, compared role by role, however they are named or split."""
    watched_before = any(r.mode is ir.Mode.OBSERVE for r in old)
    watched_after = any(r.mode is ir.Mode.OBSERVE for r in new)
    if not old and watched_after:
        yield Draft("loosening", f"access to {ON} is only observed: whoever calls gets through", "", "observe")
    elif not new and watched_before:
        yield Draft("tightening", f"nobody may call {ON} any longer", "observe", "")
    else:
        if old and new:
            yield from mode_change(
                new[0].control, *(ir.Mode.OBSERVE if w else ir.Mode.ENFORCE for w in (watched_before, watched_after))
            )
        drafts = _roles(old, new)
        yield from observed(drafts) if watched_before or watched_after else drafts


def _roles(old: Sequence[ir.AccessRule], new: Sequence[ir.AccessRule]) -> Iterator[Draft]:
    before, after = _grants(old), _grants(new)
    found = False
    for role in sorted(before.keys() | after.keys()):
        who = f"role `{role}`" if role else "everybody"
        was = before.get(role, set()) | before.get("", set())
        will = after.get(role, set()) | after.get("", set())
        for grant in sorted(will - was, key=_conditions):
            if not _covered(grant, was):
                found = True
                yield Draft(
                    "loosening",
                    f"{who} may call {ON}{_conditions(grant)}",
                    "",
                    role,
                    piece=_rule_for(new, role),
                )
        for grant in sorted(was - will, key=_conditions):
            if not _covered(grant, will):
                found = True
                yield Draft(
                    "tightening",
                    f"{who} may no longer call {ON}{_conditions(grant)}",
                    role,
                    "",
                    piece=_rule_for(old, role),
                )
    if not found and [_meaning(r) for r in old] != [_meaning(r) for r in new]:
        yield Draft("neutral", f"the access rules of {ON} are told differently and mean the same")


def _meaning(rule: ir.AccessRule) -> tuple[object, ...]:
    return (rule.control, rule.name, rule.roles, rule.scopes, rule.owns)


def _rule_for(rules: Sequence[ir.AccessRule], role: str) -> ir.AccessRule | None:
    return next((r for r in rules if role in r.roles or not r.roles), None)


def unchanged(old: Sequence[ir.Piece], new: Sequence[ir.Piece]) -> bool:
    """Whether two groups of pieces say the same, in the same order."""
    return len(old) == len(new) and all(map(same, old, new))


def _admission(old: ir.Admission, new: ir.Admission, _: Context) -> Iterator[Draft]:
    before, after = _admitted(old), _admitted(new)
    if before[0] != after[0]:
        listed, barred = (before[1], after[1]) if before[0] else (after[1], before[1])
        clear = not listed & barred
        effect: Effect = "tightening" if after[0] and clear else "loosening"
        yield Draft(effect, f"{ON} is open to {_who(new)}", _who(old), _who(new), certain=clear)
    else:
        yield from members(
            before[1],
            after[1],
            more="loosening" if before[0] else "tightening",
            added=lambda c: f"{ON} is {'open' if before[0] else 'closed'} to consumer `{c}`",
            removed=lambda c: f"{ON} is no longer {'open' if before[0] else 'closed'} to consumer `{c}`",
        )
    yield from switch(
        old.only is None or old.anonymous,
        new.only is None or new.anonymous,
        on=f"{ON} is open to callers that have proven nothing",
        off=f"{ON} is closed to callers that have proven nothing",
        turning_on="loosening",
    )
    if before == after:
        yield from neutral(f"how it is told whom {ON} is open to", _told(old), _told(new))


def _admitted(piece: ir.Admission) -> tuple[bool, frozenset[str]]:
    """Whether the consumers are those who may call (else those who may not), and which they are."""
    if piece.only is None:
        return False, frozenset(piece.never)
    return True, frozenset(piece.only) - frozenset(piece.never)


def _who(piece: ir.Admission) -> str:
    listed, consumers = _admitted(piece)
    names = ", ".join(f"`{c}`" for c in sorted(consumers))
    if listed:
        return f"{names or 'no consumer'} only"
    return f"everybody but {names}" if names else "everybody"


def _told(piece: ir.Admission) -> tuple[str, ...]:
    if piece.only is None:
        return ("anybody", str(piece.anonymous), "never", *piece.never)
    return ("only", *piece.only, "never", *piece.never)


def _admission_alone(piece: ir.Admission) -> ir.Admission:
    return ir.Admission(control=piece.control, source=piece.source, api=piece.api, name=piece.name)


issuer = single(
    _issuer,
    lambda p, _: iter((Draft("loosening", f"tokens of {ON} are accepted", "", p.url),)),
    lambda p, _: iter((Draft("tightening", f"tokens of {ON} are no longer accepted", p.url, ""),)),
    modeless=True,
)
caller = single(
    _caller,
    lambda p, _: iter(
        (Draft("loosening", f"{ON} is let in, with the roles {', '.join(p.roles) or 'none'}", "", p.consumer),)
    ),
    lambda p, _: iter((Draft("tightening", f"{ON} is no longer let in", p.consumer, ""),)),
    modeless=True,
)
authentication = single(_authentication, _no_authentication, _no_authentication, permission=True)
admission = single(
    _admission,
    lambda p, c: _admission(_admission_alone(p), p, c),
    lambda p, c: _admission(p, _admission_alone(p), c),
)
