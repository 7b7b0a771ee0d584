"""Tests of design on token issuers: real, pinned, and each for its own environment."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.declare.declaration import Declaration
from assay.declare.model import Environment, Issuer
from assay.domain import Verdict

_CONTROL = "authentication"
_DAY, _SKEW = 86_400, 300


def issuers(declaration: Declaration) -> Iterator[Verdict]:
    """Judges the issuer of every environment that has one."""
    for name, environment in declaration.model.environments.items():
        if environment.issuer:
            yield from _issuer(declaration, name, environment, environment.issuer)
    yield from _shared(declaration)


def _issuer(declaration: Declaration, name: str, environment: Environment, issuer: Issuer) -> Iterator[Verdict]:
    judge, subject, route = _judge(_CONTROL), f"environments.{name}", ("environments", name, "issuer")
    what = f"the issuer of environment `{name}`"
    at = declaration.locate(*route)

    if not issuer.development:
        sentence = f"{what} is {issuer.url}"
        yield judge.passed("development-issuer-in-production", subject, at, sentence)
    elif environment.tier == "production":
        sentence = f"{what}, a production environment, is the development issuer"
        where = declaration.locate(*route, "development")
        yield judge.failed("development-issuer-in-production", subject, where, sentence)
    else:
        sentence = f"{what} is the development issuer, and the environment is not production"
        yield judge.passed("development-issuer-in-production", subject, at, sentence)

    if any(a.strip() for a in issuer.audience):
        sentence = f"{what} must name the audience {' or '.join(issuer.audience)}"
        yield judge.passed("issuer-without-audience", subject, declaration.locate(*route, "audience"), sentence)
    else:
        yield judge.failed(
            "issuer-without-audience", subject, at, f"{what} has no audience: any of its tokens is taken"
        )

    where = declaration.locate(*route, "algorithms")
    if issuer.algorithms:
        sentence = f"{what} signs with {' or '.join(issuer.algorithms)} only"
        yield judge.passed("issuer-without-algorithms", subject, where, sentence)
    else:
        yield judge.failed("issuer-without-algorithms", subject, where, f"{what} may sign with any algorithm, or none")

    where = declaration.locate(*route, "max_lifetime")
    if issuer.max_lifetime > _DAY:
        sentence = f"tokens of {what} may live for {_long(issuer.max_lifetime)}"
        yield judge.failed("long-lived-token", subject, where, sentence)
    else:
        sentence = f"tokens of {what} live for {_long(issuer.max_lifetime)} at most"
        yield judge.passed("long-lived-token", subject, where, sentence)

    where = declaration.locate(*route, "clock_skew")
    if issuer.clock_skew > _SKEW:
        sentence = f"tokens of {what} are accepted for {_long(issuer.clock_skew)} after they expired"
        yield judge.failed("wide-clock-skew", subject, where, sentence)
    else:
        sentence = f"tokens of {what} are accepted for {_long(issuer.clock_skew)} after they expired, for wrong clocks"
        yield judge.passed("wide-clock-skew", subject, where, sentence)


def _shared(declaration: Declaration) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "issuer-shared-between-tiers"
    environments = declaration.model.environments.items()
    named = [(name, e.tier == "production", e.issuer) for name, e in environments if e.issuer and e.issuer.url]
    for name, production, issuer in named:
        if not production:
            continue
        subject, at = f"environments.{name}", declaration.locate("environments", name, "issuer")
        rivals = [other for other, also, its in named if not also and _interchangeable(issuer, its)]
        for other in rivals:
            sentence = f"environments `{name}` and `{other}` accept the same tokens: same issuer, same audience"
            related = (declaration.locate("environments", other, "issuer"),)
            yield judge.failed(check, subject, at, sentence, related=related)
        if not rivals:
            yield judge.passed(check, subject, at, f"no other environment's tokens are accepted in `{name}`")


def _interchangeable(one: Issuer, other: Issuer) -> bool:
    if (one.url or "").rstrip("/") != (other.url or "").rstrip("/"):
        return False
    # Without an audience every token of the issuer is taken, so any audience of the other one is shared.
    return not one.audience or not other.audience or bool(set(one.audience) & set(other.audience))


def _long(seconds: int) -> str:
    for unit, size in (("day", _DAY), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'s' * (count != 1)}"
    return f"{seconds} second{'s' * (seconds != 1)}"
