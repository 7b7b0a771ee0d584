"""Proof of transport encryption: old versions, weak suites and plaintext are offered, and the certificate is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from assay.controls._lib.answers import callers, real_object
from assay.controls._lib.proving import test_of
from assay.prove.case import Case, Judged, Lab, NotReached, Offer, Run, Shaken, beside_the_point, broken, held, unclear
from assay.prove.surface import Surface, Target

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_CONTROL = "transport_encryption"
_WEAK = (
    ("without a key of the session's own (static RSA)", "kRSA:@SECLEVEL=0"),
    ("with 3DES, RC4, DES or MD5", "3DES:RC4:DES:MD5:@SECLEVEL=0"),
    ("without authentication or encryption", "aNULL:eNULL:@SECLEVEL=0"),
)
_GOOD = "ECDHE+AESGCM:ECDHE+CHACHA20"
_SOON = 14
_YEAR = 31_536_000


def prove(surface: Surface) -> Iterator[Case]:
    """Handshakes with the address that is tested; over an upstream's plaintext these fail honestly."""
    if not surface.fronted and not surface.tls:
        # Of an API that is not ours and that is given as http:// only this much is known.
        yield _case(surface, "plaintext-answered", "", _plaintext)
        return
    offers: tuple[tuple[str, str, Run], ...] = (
        ("old-version-accepted", "1.0", _version("1.0")),
        ("old-version-accepted", "1.1", _version("1.1")),
        ("modern-version-refused", "", _modern),
        ("weak-suite-accepted", "", _suites),
        ("certificate-untrusted", "", _certificate),
        ("plaintext-answered", "", _plaintext),
    )
    if surface.declaration.model.gateway.tls.minimum == "1.3" and surface.fronted and surface.via == "gateway":
        offers = (*offers, ("old-version-accepted", "1.2", _version("1.2")))
    for test, variant, run in offers:
        yield _case(surface, test, variant, run)
    for api in dict.fromkeys(t.api for t in surface.targets):
        target = _cheapest(surface, api)
        if target is not None:
            yield _case(surface, "hsts-missing", "", _hsts(target), target)


def _case(surface: Surface, test: str, variant: str, run: Run, target: Target | None = None) -> Case:
    return Case(
        test=test_of(_CONTROL, test),
        subject=target.subject if target else "gateway",
        at=target.at if target else surface.declaration.locate("gateway"),
        api=target.api if target else (surface.targets[0].api if surface.targets else ""),
        operation=target.id if target else "",
        variant=variant,
        requests=4,
        run=run,
    )


def _cheapest(surface: Surface, api: str) -> Target | None:
    reading = [t for t in surface.targets if t.api == api and t.operation.method.upper() == "GET"]
    usable = [t for t in reading if surface.is_open(t) or callers(surface, t)]
    return min(usable, key=lambda t: (not surface.is_open(t), t.operation.path.count("{")), default=None)


async def _positive(lab: Lab) -> Shaken:
    """A handshake that must succeed: without it, refusals of others say nothing."""
    good = await lab.handshake(Offer(verify=False, purpose="TLS as it should be"))
    if good.refused:
        raise NotReached(f"no TLS connection comes about at all: {good.error}")
    return good


def _no_tls(lab: Lab) -> Judged | None:
    if lab.surface.tls:
        return None
    return beside_the_point("there is no TLS here at all, which is a finding of its own (`plaintext-answered`)")


def _version(version: str) -> Run:
    async def run(lab: Lab) -> Judged:
        plain = _no_tls(lab)
        if plain is not None:
            return plain
        await _positive(lab)
        old = Offer(
            minimum=version, maximum=version, suites="ALL:@SECLEVEL=0", verify=False, purpose=f"TLS {version} only"
        )
        shaken = await lab.handshake(old)
        if shaken.refused:
            return held(f"a client that offers TLS {version} at most is refused", shaken)
        return broken(f"a client that offers TLS {version} at most is accepted ({shaken.suite})", shaken)

    return run


async def _modern(lab: Lab) -> Judged:
    plain = _no_tls(lab)
    if plain is not None:
        return plain
    shaken = await lab.handshake(Offer(minimum="1.3", maximum="1.3", verify=False, purpose="TLS 1.3 only"))
    if shaken.refused:
        return broken(f"a client that offers TLS 1.3 only is refused: {shaken.error}", shaken)
    return held(f"TLS 1.3 is spoken ({shaken.suite})", shaken)


async def _suites(lab: Lab) -> Judged:
    plain = _no_tls(lab)
    if plain is not None:
        return plain
    good = await lab.handshake(
        Offer(minimum="1.2", maximum="1.2", suites=_GOOD, verify=False, purpose="TLS 1.2 with a good suite")
    )
    if good.refused:
        if lab.surface.declaration.model.gateway.tls.minimum == "1.3":
            return beside_the_point("TLS 1.2 is not spoken, and TLS 1.3 has no weak suites")
        await _positive(lab)
        return held("TLS 1.2 is not spoken with any suite that was tried, and TLS 1.3 has no weak ones", good)
    tried, last = 0, good
    for what, suites in _WEAK:
        offer = Offer(minimum="1.2", maximum="1.2", suites=suites, verify=False, purpose=f"suites {what}")
        try:
            shaken = await lab.handshake(offer)
        except NotReached:
            continue  # this machine's own library has no such suite, so nothing was offered
        if not shaken.refused:
            return broken(f"a suite {what} is accepted: {shaken.suite}", shaken)
        tried, last = tried + 1, shaken
    if not tried:
        return unclear("this machine's TLS library has none of the weak suites to offer")
    return held(f"weak suites are refused ({tried} kinds tried), {good.suite} is accepted", last)


async def _certificate(lab: Lab) -> Judged:
    plain = _no_tls(lab)
    if plain is not None:
        return plain
    shaken = await lab.handshake(Offer(verify=True, purpose="the certificate is verified"))
    if shaken.refused:
        bare = await _positive(lab)
        return broken(f"the certificate cannot be verified: {shaken.error}", bare)
    if not shaken.certificate:
        return unclear("the handshake succeeds, and the certificate could not be read", shaken)
    certificate = _read(shaken.certificate)
    days = (certificate.not_valid_after_utc - datetime.fromtimestamp(lab.now(), UTC)).total_seconds() / 86_400
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    if days < 0:
        return broken(f"the certificate expired on {until}", shaken)
    development = lab.surface.declaration.model.gateway.tls.files is None
    if days < _SOON and not development:
        return broken(f"the certificate expires on {until}, in {days:.0f} days", shaken, days=int(days))
    return held(
        f"the certificate is signed by a trusted authority, for this name, until {until}", shaken, days=int(days)
    )


def _read(der: bytes) -> Certificate:
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise NotReached(f"the certificate cannot be read: {error}") from error


async def _plaintext(lab: Lab) -> Judged:
    if not lab.surface.fronted and not lab.surface.tls and _loopback(lab.surface):
        return beside_the_point(
            "it is served on the loopback address of this machine only, where nobody is on the path"
        )
    data = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    seen = await lab.raw(data, tls=False, purpose="HTTP without TLS")
    if seen.error and not seen.data:
        if lab.surface.tls:
            await _positive(lab)
        return held(f"HTTP without TLS gets no answer ({seen.error})", seen)
    if not seen.data.startswith(b"HTTP/"):
        if lab.surface.tls:
            await _positive(lab)
        return held("HTTP without TLS gets no HTTP answer", seen)
    status = seen.data[9:12].decode("ascii", "replace")
    if status.startswith("3") and b"https://" in seen.data.lower():
        return broken(
            f"HTTP without TLS is answered with a redirect ({status}), when secrets have already been sent in clear",
            seen,
        )
    if status == "400" and lab.surface.tls:
        return held("HTTP without TLS is refused with 400, before anything is looked at", seen)
    return broken(f"HTTP without TLS is answered with {status}", seen)


def _loopback(surface: Surface) -> bool:
    hosts = [urlsplit(url).hostname or "" for url in surface.upstreams.values()]
    return bool(hosts) and all(h in ("localhost", "::1") or h.startswith("127.") for h in hosts)


def _hsts(target: Target) -> Run:
    async def run(lab: Lab) -> Judged:
        plain = _no_tls(lab)
        if plain is not None:
            return plain
        thing, who = None, None
        if not lab.surface.is_open(target):
            thing, who = await real_object(lab, target, callers(lab.surface, target)[0])
        good = await lab.call(lab.request(target, lab.draft(target, thing), who, purpose="a call"))
        if not good.status:
            raise NotReached(f"there was no answer: {good.error}")
        found = good.headers.get("strict-transport-security", "")
        seconds = _max_age(found)
        if seconds is None:
            return broken("answers do not carry Strict-Transport-Security", good)
        declared = lab.surface.declaration.model.gateway.tls.hsts if lab.surface.fronted else _YEAR
        if seconds < min(declared, _YEAR):
            return broken(f"Strict-Transport-Security lasts {seconds} seconds only", good)
        return held(f"answers carry Strict-Transport-Security for {seconds // 86_400} days", good)

    return run


def _max_age(text: str) -> int | None:
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        if name.lower() == "max-age" and value.strip('"').isdigit():
            return int(value.strip('"'))
    return None
