"""Forged, foreign and expired tokens, on one operation for each distinct security requirement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from assay.controls._lib.answers import ask
from assay.controls._lib.proving import test_of
from assay.controls.authentication.proofs import forge, keys
from assay.controls.authentication.proofs.common import (
    CONTROL,
    Known,
    bearers,
    judge_bad,
    known_good,
    refused_between,
    representatives,
    with_token,
    worst,
)
from assay.prove.case import Case, Judged, Lab, NotReached, beside_the_point, broken, held
from assay.prove.surface import Persona, Surface, Target

Attack = Callable[[Lab, Known, str], Awaitable[Judged]]
"""An attack on an operation that works with a token: it is given the good request and the token."""
_HOUR = 3600
_PATIENCE = 60.0


def tokens(surface: Surface) -> Iterator[Case]:
    """Every attack for one operation of each requirement that a token satisfies."""
    for target in representatives(surface):
        people = bearers(surface, target)
        if not people:
            continue
        for test, attack, requests in _ATTACKS:
            yield Case(
                test=test_of(CONTROL, test),
                subject=target.subject,
                at=target.at,
                api=target.api,
                operation=target.id,
                identity=people[0].name,
                requests=requests,
                run=_run(target, people[0], attack),
            )


def _run(target: Target, persona: Persona, attack: Attack) -> Callable[[Lab], Awaitable[Judged]]:
    async def run(lab: Lab) -> Judged:
        good = await known_good(lab, target, persona)
        token = await lab.credential(good.who)
        return await attack(lab, good, token)

    return run


def _jwt(token: str) -> forge.Parts:
    found = forge.parts(token)
    if found is None:
        raise NotReached("the credential is opaque, so there is nothing in it to forge")
    return found


async def _altered(lab: Lab, good: Known, token: str) -> Judged:
    _jwt(token)
    return await worst(lab, good, [(w, with_token(lab, good, t, w)) for w, t in forge.altered(token)])


async def _unsigned(lab: Lab, good: Known, token: str) -> Judged:
    _jwt(token)
    return await worst(lab, good, [(w, with_token(lab, good, t, w)) for w, t in forge.unsigned(token)])


async def _confused(lab: Lab, good: Known, token: str) -> Judged:
    _jwt(token)
    if forge.symmetric(token):
        return beside_the_point("tokens are signed with a shared secret, so no public key could be taken for one")
    forms = keys.public_forms(await _published(lab, good.target.api), _jwt(token)[0].get("kid"))
    calls = []
    for form, secret in forms:
        what = f"a token whose signature is an HMAC with the issuer's public key ({form})"
        calls.append((what, with_token(lab, good, forge.by_secret(token, secret), what)))
    return await worst(lab, good, calls)


async def _published(lab: Lab, api: str) -> Mapping[str, Any]:
    """The issuer's keys; else those that the API itself publishes, when its contract says where.

    Raises:
        NotReached: neither can be had.
    """
    try:
        return await lab.issuer_keys()
    except NotReached:
        for target in lab.surface.targets:
            if target.api == api and "jwks" in target.operation.path and lab.surface.is_open(target):
                seen = await lab.call(lab.request(target, lab.draft(target), None, purpose="the published keys"))
                found = seen.json()
                if seen.ok and isinstance(found, dict):
                    return found
        raise


async def _key_from_token(lab: Lab, good: Known, token: str) -> Judged:
    claims = _jwt(token)[1]
    canary = await lab.listen()
    own, where = keys.own_key(str(_jwt(token)[0].get("alg"))), {"jku": canary.url, "x5u": canary.url}
    # Some take any algorithm with a key from the token, and an elliptic key fits into any header.
    short = keys.own_key("ES256")
    kept = {"typ": _jwt(token)[0]["typ"]} if "typ" in _jwt(token)[0] else {}
    forged = [
        ("a token that brings its own key (`jwk`)", keys.sign(claims, own, {**kept, "jwk": keys.public(own)})),
        (
            "a token that brings its own elliptic key (`jwk`)",
            keys.sign(claims, short, {**kept, "jwk": keys.public(short)}),
        ),
        ("a token that says where its key is (`jku`, `x5u`)", keys.sign(claims, own, {**kept, **where})),
        (
            "a token whose key id is a path to an empty file",
            forge.by_secret(token, b"", header={"kid": "../../../../../../dev/null"}),
        ),
    ]
    verdict = await worst(lab, good, [(w, with_token(lab, good, t, w)) for w, t in forged])
    if verdict.outcome != "fail" and await lab.heard(canary):
        return broken("a token made the service fetch a key from an address that the token named")
    return verdict


async def _guessable(lab: Lab, good: Known, token: str) -> Judged:
    _jwt(token)
    if not forge.symmetric(token):
        return beside_the_point("tokens are signed with a key pair, which no list of words holds")
    secret = forge.secret_of(token, keys.common_secrets())
    if secret is None:
        return held(f"the signing secret is none of {keys.HOW_MANY} that are in every list", good.seen)
    claims = _jwt(token)[1]
    longer = keys.hmac_token({**claims, "jti": lab.nonce}, _jwt(token)[0], secret)
    what = "a token made with a signing secret that is in every list of weak ones"
    return judge_bad(lab, await ask(lab, with_token(lab, good, longer, what)), good, what)


async def _expired(lab: Lab, good: Known, token: str) -> Judged:
    now, what = int(lab.now()), "a token that expired an hour ago"
    claims = _jwt(token)[1]
    try:
        old = await lab.mint(good.who, claims={"exp": now - _HOUR, "iat": now - 2 * _HOUR, "nbf": now - 2 * _HOUR})
    except NotReached:
        return await _outlived(lab, good, claims)
    return await _ours(lab, good, await refused_between(lab, good, with_token(lab, good, old, what), what))


async def _ours(lab: Lab, good: Known, verdict: Judged) -> Judged:
    """The verdict about a token of our own making, if one that is right in every claim is accepted: then it was its
    claims that it was refused for, and not a key or a form that the service does not know.

    Raises:
        NotReached: it is refused.
    """
    if verdict.outcome != "pass":
        return verdict
    same = with_token(lab, good, await lab.mint(good.who), "the same token, signed by this run")
    answer = await ask(lab, same)
    if not answer.seen.ok:
        raise NotReached(
            f"a token that is right in every claim is answered {answer.seen.status} when this run signs it:"
            " the key is not the issuer's, or a token counts once"
        )
    return verdict


async def _outlived(lab: Lab, good: Known, claims: dict[str, Any]) -> Judged:
    """Waits until a token that cannot be back-dated expires by itself, if that is soon."""
    end = claims.get("exp")
    if not isinstance(end, int | float):
        return broken("the token has no end (`exp`): whoever copies it can use it for ever", good.seen)
    left = float(end) - lab.now()
    if left > _PATIENCE:
        raise NotReached(
            f"the issuer's key is not ours, so no expired token can be made, and this one lives for {left:.0f} s more"
        )
    token = await lab.credential(good.who)
    await lab.wait(max(left, 0.0) + 2)
    what = "a token that has expired"
    return judge_bad(lab, await ask(lab, with_token(lab, good, token, what)), good, what)


async def _early(lab: Lab, good: Known, token: str) -> Judged:
    _jwt(token)
    what, then = "a token that is valid from an hour from now", int(lab.now()) + _HOUR
    early = await lab.mint(good.who, claims={"nbf": then, "iat": int(lab.now()), "exp": then + _HOUR})
    return await _ours(lab, good, await refused_between(lab, good, with_token(lab, good, early, what), what))


async def _foreign(lab: Lab, good: Known, token: str) -> Judged:
    _jwt(token)
    made = [
        ("a token for another audience", await lab.mint(good.who, claims={"aud": "assay-another-service"})),
        ("a token without an audience", await lab.mint(good.who, without=("aud",))),
        ("a token of another issuer", await lab.mint(good.who, claims={"iss": "https://issuer.invalid"})),
    ]
    issuer = lab.surface.declaration.issuer(lab.surface.api(good.target))
    if lab.surface.declared_access and issuer is not None and not issuer.audience:
        made = made[2:]
    if "aud" not in _jwt(token)[1]:
        made = made[-1:]
    return await _ours(lab, good, await worst(lab, good, [(w, with_token(lab, good, t, w)) for w, t in made]))


async def _elsewhere(lab: Lab, good: Known, token: str) -> Judged:
    """The valid credential in places that the contract does not name: a query, which every log keeps, and a cookie."""
    taken = {p.name.lower() for p in good.target.operation.parameters if p.location == "query"}
    joined = "&" if "?" in good.call.target else "?"
    calls = []
    for name in ("access_token", "token"):
        if name not in taken:
            call = lab.request(good.target, good.draft, None, purpose=f"the token in the query (`{name}`)")
            moved = replace(call, target=f"{call.target}{joined}{name}={token}")
            calls.append((f"a valid token in the query (`{name}`)", moved))
    cookie = (("cookie", f"access_token={token}; token={token}; session={token}"),)
    call = lab.request(good.target, good.draft, None, purpose="the token in a cookie", headers=cookie)
    calls.append(("a valid token in a cookie", call))
    basic = (("authorization", f"Basic {token}"),)
    call = lab.request(good.target, good.draft, None, purpose="the token as `Basic`", headers=basic)
    calls.append(("a valid token that calls itself `Basic`", call))
    return await worst(lab, good, calls)


_ATTACKS: tuple[tuple[str, Attack, int], ...] = (
    ("signature-not-verified", _altered, 6),
    ("unsigned-token-accepted", _unsigned, 7),
    ("public-key-as-secret", _confused, 6),
    ("key-from-token-trusted", _key_from_token, 7),
    ("guessable-signing-secret", _guessable, 3),
    ("expired-token-accepted", _expired, 5),
    ("early-token-accepted", _early, 5),
    ("foreign-token-accepted", _foreign, 7),
    ("credential-outside-its-place", _elsewhere, 6),
)
