"""Tests of design: is every declared hop encrypted, and can each end verify the other?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, in_production, served_apis
from assay.controls._lib.urls import address, listen_address, reach
from assay.controls.base import Context
from assay.controls.transport_encryption.certificates import authorities, certificate
from assay.declare.declaration import Declaration
from assay.domain import Severity, Verdict

_YEAR = 365 * 86_400
_CONTROL = "transport_encryption"


def design(context: Context) -> Iterator[Verdict]:
    """Judges the hops that the declaration names: callers to gateway, gateway to upstreams, gateway to issuers."""
    declaration = context.declaration
    yield _listener(declaration)
    yield from _upstreams(declaration)
    yield from _issuers(declaration)
    yield from certificate(context)
    yield from authorities(context)
    yield from _client_certificates(declaration)
    yield _hsts(declaration)
    yield from _observed(declaration)


def _listener(declaration: Declaration) -> Verdict:
    judge, gateway = _judge(_CONTROL), declaration.model.gateway
    at = declaration.locate("gateway", "plaintext")
    if not gateway.plaintext:
        sentence = f"the gateway serves TLS {gateway.tls.minimum} and newer, and nothing else"
        return judge.passed("plaintext-listener", "gateway", at, sentence)
    place = declaration.places.at("gateway", "plaintext")
    host, _ = listen_address(gateway.listen)
    near = reach(host) == "loopback"
    exposed = any(a.exposure != "internal" for _, a in served_apis(declaration))
    return judge.failed(
        "plaintext-listener",
        "gateway",
        at,
        f"the gateway serves plaintext on {host}"
        + (": whatever terminates TLS must run on this machine" if near else ", where other machines can listen in"),
        severity=Severity.MEDIUM if near else Severity.CRITICAL if exposed else Severity.HIGH,
        related=(place.key,),
    )


def _upstreams(declaration: Declaration) -> Iterator[Verdict]:
    judge = _judge(_CONTROL)
    for api_id, api in served_apis(declaration):
        subject, at = api_subject(api_id), declaration.locate("apis", api_id, "upstream")
        target = address(api.upstream)
        if target is None:
            sentence = f"the upstream of API `{api_id}` cannot be connected to, so nothing is sent there"
            yield judge.not_applicable("plaintext-upstream", subject, at, sentence)
        elif target.encrypted:
            sentence = f"the gateway reaches the upstream of API `{api_id}` over TLS and verifies its certificate"
            yield judge.passed("plaintext-upstream", subject, at, sentence)
        elif target.loopback:
            sentence = f"the upstream of API `{api_id}` is on the gateway's own machine: nothing crosses a network"
            yield judge.passed("plaintext-upstream", subject, at, sentence)
        else:
            sentence = f"the gateway reaches the upstream of API `{api_id}` in plaintext, at {target.host}"
            yield judge.failed("plaintext-upstream", subject, at, sentence)


def _issuers(declaration: Declaration) -> Iterator[Verdict]:
    judge = _judge(_CONTROL)
    for name, environment in declaration.model.environments.items():
        issuer, route = environment.issuer, ("environments", name, "issuer")
        subject, at = f"environments.{name}", declaration.locate(*route)
        if issuer is None:
            sentence = f"environment `{name}` has no token issuer"
            yield judge.not_applicable("plaintext-issuer", subject, at, sentence)
            continue
        urls = {"url": issuer.url, "jwks": issuer.jwks}
        if issuer.introspection:
            urls["introspection"] = issuer.introspection.url
        bare = [
            key for key, url in urls.items() if url and url.lower().startswith("http:") and not _on_this_machine(url)
        ]
        for key in bare:
            sentence = f"the issuer of environment `{name}` is asked over plaintext: {key} is {urls[key]}"
            severity = Severity.CRITICAL if environment.tier == "production" else None
            yield judge.failed(
                "plaintext-issuer", subject, declaration.locate(*route, key), sentence, severity=severity
            )
        if not bare:
            sentence = f"the issuer of environment `{name}` is reached over TLS or on the gateway's own machine"
            yield judge.passed("plaintext-issuer", subject, at, sentence)


def _on_this_machine(url: str) -> bool:
    target = address(url)
    return target is not None and target.loopback


def _client_certificates(declaration: Declaration) -> Iterator[Verdict]:
    judge, check, gateway = _judge(_CONTROL), "client-certificates-without-authority", declaration.model.gateway
    production = any(in_production(declaration, a.environment) for _, a in served_apis(declaration))
    for name, consumer in declaration.model.consumers.items():
        if not consumer.authenticate.mtls:
            continue
        subject, at = f"consumers.{name}", declaration.locate("consumers", name, "authenticate", "mtls")
        if gateway.plaintext:
            sentence = f"consumer `{name}` has a client certificate, but the gateway serves plaintext and never sees it"
            yield judge.failed(check, subject, at, sentence, fix="remove `plaintext: true` from `gateway:`")
        elif gateway.tls.client_ca:
            sentence = f"the certificate of consumer `{name}` is verified with {gateway.tls.client_ca}"
            yield judge.passed(check, subject, at, sentence)
        elif production:
            sentence = f"the certificate of consumer `{name}` is verified with the development authority, in production"
            yield judge.failed(check, subject, at, sentence)
        else:
            sentence = f"the certificate of consumer `{name}` is verified with the development authority"
            yield judge.passed(check, subject, at, sentence)


def _hsts(declaration: Declaration) -> Verdict:
    judge, gateway, at = _judge(_CONTROL), declaration.model.gateway, declaration.locate("gateway", "tls", "hsts")
    days = gateway.tls.hsts // 86_400
    if gateway.plaintext:
        return judge.not_applicable("short-hsts", "gateway", at, "the gateway serves no TLS")
    if gateway.tls.hsts >= _YEAR:
        return judge.passed("short-hsts", "gateway", at, f"browsers are told to use TLS for {days} days")
    return judge.failed("short-hsts", "gateway", at, f"browsers are told to use TLS for {days} days only")


def _observed(declaration: Declaration) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "transport-encryption-observed"
    for api_id, api in served_apis(declaration):
        subject, watched = api_subject(api_id), [i for i, o in enumerate(api.observe) if o.control == _CONTROL]
        for index in watched:
            at = declaration.locate("apis", api_id, "observe", index)
            sentence = f"API `{api_id}` asks to observe encryption, which has no effect: the listener is the gateway's"
            yield judge.failed(check, subject, at, sentence)
        if not watched:
            at = declaration.places.key("apis", api_id)
            yield judge.passed(check, subject, at, f"encryption is enforced for API `{api_id}`")
