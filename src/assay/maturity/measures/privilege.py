"""Measures over accounts and the identities behind calls."""

from __future__ import annotations

from assay.declare.declaration import Declaration
from assay.maturity.facts import Facts
from assay.maturity.measures.common import Arguments, backed, many, names, nothing, percent, resolved, seconds, share
from assay.maturity.words import Found
from assay.privilege.excess import MODERATE
from assay.privilege.review import Review


def excess(facts: Facts, arguments: Arguments) -> Found:
    """The worst privilege excess index of an account; one whose rights or needs nobody knows is as bad as can be.

    Where rights are read from a system, a proof (``resolved_by``) says that no more than the allowed excess is idle.
    """
    if not facts.reviews:
        return nothing("no integration account is declared")
    worst, unknown = 0.0, []
    over: list[tuple[float, str]] = []
    known = resolved(facts, names(arguments, "resolved_by"))
    for review in facts.reviews:
        index = _index(review)
        if index is None and f"accounts.{review.name}" in known:
            index = MODERATE
        if index is None:
            unknown.append(f"accounts.{review.name}")
        else:
            worst = max(worst, index)
            over.append((index, f"accounts.{review.name}"))
    value = 1.0 if unknown else worst
    told = f"the excess of {many(len(over), 'accounts')} is {worst:.2f} at most"
    told += f"; of {len(unknown)} it is not known what they may do or need" if unknown else ""
    return backed(
        facts,
        Found(
            value,
            told,
            population=len(facts.reviews),
            sample=len(over),
            what="accounts",
            todo=(*unknown, *(name for index, name in sorted(over, reverse=True) if index > 0)),
        ),
        names(arguments, "proofs"),
    )


def _index(review: Review) -> float | None:
    """Of what was used where that was measured, else of what is needed; None: neither is known."""
    if review.by_use is not None:
        return review.by_use.index
    if review.rights is None or review.unclear or not review.needs:
        return None
    return review.excess.index


def credentials(facts: Facts, arguments: Arguments) -> Found:
    """The share of accounts whose credential is over-age, that are dormant, or of which neither is known."""
    if not facts.reviews:
        return nothing("no integration account is declared")
    overdue = [r for r in facts.reviews if r.overdue is not None]
    idle = [r for r in facts.reviews if r.idle is not None]
    unsaid = [r for r in facts.reviews if r.account.credential is None or r.last_used is None]
    bad = {f"accounts.{r.name}": None for r in (*overdue, *idle, *unsaid)}
    limit = seconds(arguments, "lifetime")
    long_ = [
        r.name for r in facts.reviews if r.restricted and r.account.credential and r.account.credential.rotate > limit
    ]
    of = len(facts.reviews)
    told = f"{many(len(overdue), 'credentials')} over-age, {many(len(idle), 'accounts')} dormant, of {of}"
    told += f"; of {len(unsaid)} nobody says when it was last used, or its credential issued" if unsaid else ""
    return Found(
        share(len(bad), of),
        f"{told} ({percent(share(len(bad), of))})",
        population=of,
        sample=of - len(unsaid),
        good=of - len(bad),
        what="accounts",
        topped=not long_,
        top_sentence=f"{len(long_)} accounts that reach restricted data keep a credential longer than "
        f"{int(limit // 3600)} hours",
        todo=tuple(bad) or tuple(f"accounts.{n}" for n in long_),
    )


def subject_tokens(facts: Facts, arguments: Arguments) -> Found:
    """The lowest level of an API by Curity's API security maturity model.

    0: calls are known by API keys, passwords or certificates alone; 1: tokens are verified; 2: what a token grants
    (roles, scopes) decides; 3: rules compare claims of the subject that a trusted issuer signed.
    """
    model = facts.declaration.model
    if not model.apis:
        return nothing("no API is declared")
    levels = {name: _curity(facts.declaration, name) for name in model.apis}
    worst = min(levels.values())
    low = tuple(f"apis.{n}" for n, level in levels.items() if level == worst)
    found = Found(
        float(worst),
        f"the lowest Curity level of {many(len(levels), 'APIs')} is {worst} ({', '.join(low[:3])})",
        population=len(levels),
        sample=len(levels),
        good=len(levels) - len(low) if worst < 3 else len(levels),
        what="APIs",
        todo=low if worst < 3 else (),
    )
    return backed(facts, found, names(arguments, "proofs"))


def _curity(declaration: Declaration, name: str) -> int:
    api = declaration.model.apis[name]
    tokens = declaration.issuer(api) is not None
    rules = [rule for rule in api.access if not rule.anonymous]
    if not tokens:
        return 0
    if not rules:
        return 1
    return 3 if any(rule.owns for rule in rules) else 2
