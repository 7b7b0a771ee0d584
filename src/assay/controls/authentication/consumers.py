"""Tests of design on consumers: each with credentials of its own, of use, not too old, in one environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import in_production, served_apis
from assay.controls.authentication.schemes import home
from assay.controls.environment_segregation.crossing import kept_out
from assay.declare.declaration import Declaration
from assay.declare.model import Api, Consumer
from assay.domain import Location, Verdict

_CONTROL = "authentication"
_YEAR = 366 * 86_400
_KEYS = {"oauth2": "token", "api_key": "key", "mtls": "certificate"}
_WORDS = {"oauth2": "OAuth 2.0 client", "api_key": "API key", "mtls": "client certificate"}


def consumers(declaration: Declaration, kinds: Mapping[str, frozenset[str]]) -> Iterator[Verdict]:
    """Judges every consumer. ``kinds`` are the kinds of credential that each served API accepts."""
    seen: dict[tuple[str, ...], str] = {}
    everywhere: frozenset[str] = frozenset().union(*kinds.values()) if kinds else frozenset()
    refused = kept_out(declaration)
    for name, consumer in declaration.model.consumers.items():
        yield from _useful(declaration, name, consumer, everywhere)
        yield from _key_age(declaration, name, consumer)
        yield from _grants(declaration, name, consumer)
        yield from _own(declaration, name, consumer, seen)
        yield from _environment(declaration, name, consumer)
        yield from _across(declaration, name, consumer, kinds, refused)


def _ways(consumer: Consumer) -> tuple[str, ...]:
    return tuple(way for way in _KEYS if getattr(consumer.authenticate, way) is not None)


def _at(declaration: Declaration, name: str, *rest: str) -> Location:
    return declaration.locate("consumers", name, "authenticate", *rest)


def _useful(declaration: Declaration, name: str, consumer: Consumer, accepted: frozenset[str]) -> Iterator[Verdict]:
    judge, subject = _judge(_CONTROL), f"consumers.{name}"
    for way in _ways(consumer):
        at = _at(declaration, name, way)
        if _KEYS[way] in accepted:
            sentence = f"the {_WORDS[way]} of consumer `{name}` is accepted by an API"
            yield judge.passed("credential-without-use", subject, at, sentence)
        else:
            sentence = f"no operation of any API accepts the {_WORDS[way]} of consumer `{name}`"
            yield judge.failed("credential-without-use", subject, at, sentence)


def _key_age(declaration: Declaration, name: str, consumer: Consumer) -> Iterator[Verdict]:
    key, judge = consumer.authenticate.api_key, _judge(_CONTROL)
    if key is None:
        return
    at, days = _at(declaration, name, "api_key", "max_age"), key.max_age // 86_400
    if key.max_age > _YEAR:
        sentence = f"API keys of consumer `{name}` may live for {days} days"
        yield judge.failed("long-lived-key", f"consumers.{name}", at, sentence)
    else:
        sentence = f"API keys of consumer `{name}` live for {days} days at most"
        yield judge.passed("long-lived-key", f"consumers.{name}", at, sentence)


def _grants(declaration: Declaration, name: str, consumer: Consumer) -> Iterator[Verdict]:
    client, judge, check = consumer.authenticate.oauth2, _judge(_CONTROL), "password-grant-in-production"
    if client is None:
        return
    at, subject = _at(declaration, name, "oauth2", "grants"), f"consumers.{name}"
    if "password" not in client.grants:
        sentence = f"consumer `{name}` never handles the passwords of its users"
        yield judge.passed(check, subject, at, sentence)
    elif in_production(declaration, home(declaration, consumer)):
        yield judge.failed(check, subject, at, f"consumer `{name}` collects the passwords of its users, in production")
    else:
        sentence = f"consumer `{name}` uses the password grant outside production only"
        yield judge.passed(check, subject, at, sentence)


def _own(
    declaration: Declaration, name: str, consumer: Consumer, seen: dict[tuple[str, ...], str]
) -> Iterator[Verdict]:
    judge, subject = _judge(_CONTROL), f"consumers.{name}"
    identities: dict[str, tuple[str, ...]] = {}
    if consumer.authenticate.oauth2:
        identities["oauth2"] = ("client", home(declaration, consumer) or "", consumer.authenticate.oauth2.client)
    if consumer.authenticate.mtls:
        identities["mtls"] = ("san", consumer.authenticate.mtls.san.lower())
    for way, identity in identities.items():
        at, other = _at(declaration, name, way), seen.setdefault(identity, name)
        if other == name:
            sentence = f"the {_WORDS[way]} of consumer `{name}` is its own"
            yield judge.passed("shared-credential", subject, at, sentence)
        else:
            sentence = f"consumers `{other}` and `{name}` have the same {_WORDS[way]}, `{identity[-1]}`"
            related = (_at(declaration, other, way),)
            yield judge.failed("shared-credential", subject, at, sentence, related=related)


def _environment(declaration: Declaration, name: str, consumer: Consumer) -> Iterator[Verdict]:
    judge, subject, check = _judge(_CONTROL), f"consumers.{name}", "consumer-without-environment"
    if consumer.authenticate.oauth2 is None:
        return
    found = home(declaration, consumer)
    at = declaration.places.key("consumers", name)
    if found:
        yield judge.passed(check, subject, at, f"consumer `{name}` uses tokens of environment `{found}`")
        return
    with_issuer = [n for n, e in declaration.model.environments.items() if e.issuer]
    if with_issuer:
        options = ", ".join(f"`{n}`" for n in with_issuer)
        sentence = (
            f"consumer `{name}` names no environment, and {options} all have issuers: none of its tokens is taken"
        )
        yield judge.failed(check, subject, at, sentence)
    else:
        sentence = f"consumer `{name}` uses tokens, and no environment has an issuer"
        fix = "write `issuer: {url: https://…, audience: …}` under an environment"
        yield judge.failed(check, subject, at, sentence, fix=fix)


def _across(
    declaration: Declaration,
    name: str,
    consumer: Consumer,
    kinds: Mapping[str, frozenset[str]],
    refused: Callable[[str, Api], bool],
) -> Iterator[Verdict]:
    judge, subject, check = _judge(_CONTROL), f"consumers.{name}", "consumer-across-environments"
    mine = {_KEYS[w] for w in _ways(consumer)} - {"token"}
    if not mine:
        return
    opened = dict.fromkeys(
        api.environment
        for api_id, api in served_apis(declaration)
        if mine & kinds.get(api_id, frozenset())
        and not refused(name, api)
        and any(set(rule.roles) & set(consumer.roles) for rule in api.access)
    )
    at = declaration.places.key("consumers", name)
    foreign = [e for e in opened if consumer.environment and e != consumer.environment]
    if foreign:
        sentence = (
            f"consumer `{name}` belongs to environment `{consumer.environment}` but can call APIs in `{foreign[0]}`"
        )
        yield judge.failed(check, subject, at, sentence)
    elif len(opened) > 1:
        sentence = f"consumer `{name}` can call APIs in {' and '.join(f'`{e}`' for e in opened)} with one credential"
        yield judge.failed(check, subject, at, sentence)
    else:
        sentence = f"consumer `{name}` can call APIs of one environment only"
        yield judge.passed(check, subject, at, sentence)
