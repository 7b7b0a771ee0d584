"""Tests of design on certificate files: readable, in date, paired with their key, issued for the names served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, in_production, served_apis
from assay.controls._lib.urls import file_path
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.domain import AssayError, Location, Verdict

if TYPE_CHECKING:
    from assay.identity.certificates import CertificateFacts

_SOON = timedelta(days=30)
_CONTROL = "transport_encryption"


def certificate(context: Context) -> Iterator[Verdict]:
    """Judges the gateway's own certificate: whether there is one for production, and whether it can be used."""
    declaration, judge = context.declaration, _judge(_CONTROL)
    files, at = declaration.model.gateway.tls.files, declaration.locate("gateway", "tls", "files")
    if declaration.model.gateway.plaintext:
        sentence = "the gateway serves no TLS, so it needs no certificate"
        for check in ("development-certificate-in-production", "certificate-unusable"):
            yield judge.not_applicable(check, "gateway", at, sentence)
        return
    production = [i for i, a in served_apis(declaration) if in_production(declaration, a.environment)]
    if files is None and production:
        sentence = f"production API `{production[0]}` is served with a development certificate"
        yield judge.failed("development-certificate-in-production", "gateway", at, sentence)
    elif files is None:
        sentence = "no production API is served, so the development certificate will do"
        yield judge.passed("development-certificate-in-production", "gateway", at, sentence)
        sentence = "the gateway makes and renews its own development certificate"
        yield judge.not_applicable("certificate-unusable", "gateway", at, sentence)
    if files is None:
        return
    # Cryptography is loaded only for a declaration that names certificates.
    from assay.identity.certificates import check_pair, inspect_certificate

    certificate, key = (Path(file_path(declaration.root, f)) for f in (files.certificate, files.key))
    try:
        facts = check_pair(certificate, key, now=_today(context, inspect_certificate(certificate)))
    except AssayError as error:
        yield judge.failed("certificate-unusable", "gateway", at, _relative(declaration, error), fix=error.fix)
        return
    yield from _usable(context, facts, at, bool(production))
    for api_id, api in served_apis(declaration):
        yield _names(declaration, facts, api_id, api.hosts)


def _usable(context: Context, facts: CertificateFacts, at: Location, production: bool) -> Iterator[Verdict]:
    judge, now = _judge(_CONTROL), _today(context, facts)
    sentence = f"the gateway's certificate and private key belong together ({facts.key_type})"
    yield judge.passed("certificate-unusable", "gateway", at, sentence)
    if facts.development and production:
        sentence = "a production API is served with a certificate that a development authority signed"
        yield judge.failed("development-certificate-in-production", "gateway", at, sentence)
    else:
        sentence = "the gateway's certificate is not a development certificate, or serves no production API"
        yield judge.passed("development-certificate-in-production", "gateway", at, sentence)
    until = f"{facts.not_after:%Y-%m-%d}"
    if facts.not_after - now < _SOON:
        days = (facts.not_after.date() - context.today).days
        when = "today" if days == 0 else f"on {until}, in {days} day{'s' if days > 1 else ''}"
        sentence = f"the gateway's certificate expires {when}"
        yield judge.failed("certificate-near-expiry", "gateway", at, sentence)
    else:
        yield judge.passed(
            "certificate-near-expiry", "gateway", at, f"the gateway's certificate is valid until {until}"
        )


def _names(declaration: Declaration, facts: CertificateFacts, api_id: str, hosts: tuple[str, ...]) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "certificate-for-another-name", api_subject(api_id)
    at = declaration.locate("apis", api_id, "hosts")
    if "*" in hosts:
        sentence = f"API `{api_id}` is served under any host; whether callers use a name in the certificate is theirs"
        return judge.not_applicable(check, subject, at, sentence)
    missing = [h for h in hosts if not _covered(h.lower().rpartition(":")[0] or h.lower(), facts)]
    if missing:
        sentence = f"the gateway's certificate does not name {', '.join(missing)}, where API `{api_id}` is served"
        return judge.failed(check, subject, at, sentence)
    return judge.passed(check, subject, at, f"the gateway's certificate names every host of API `{api_id}`")


def _covered(host: str, facts: CertificateFacts) -> bool:
    """Whether a certificate is valid for a host (RFC 9525 §6.3: a wildcard stands for one whole left-most label)."""
    if host in facts.ip_addresses:
        return True
    for name in (n.lower() for n in facts.dns_names):
        if name == host:
            return True
        label, _, parent = host.partition(".")
        if name.startswith("*.") and name[2:] == parent and label:
            return True
    return False


def authorities(context: Context) -> Iterator[Verdict]:
    """Judges every file of authorities that the declaration names: for clients, upstreams and issuers."""
    declaration, judge = context.declaration, _judge(_CONTROL)
    for subject, route, written in _named_authorities(declaration):
        from assay.identity.certificates import inspect_certificate

        at = declaration.locate(*route)
        try:
            facts = inspect_certificate(Path(file_path(declaration.root, written)))
        except AssayError as error:
            yield judge.failed("authority-unreadable", subject, at, _relative(declaration, error), fix=error.fix)
            continue
        if not facts.not_before <= _today(context, facts) <= facts.not_after:
            period = f"{facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d}"
            sentence = f"the authority in {written} is valid from {period} only"
            yield judge.failed("authority-unreadable", subject, at, sentence)
        else:
            sentence = f"the authority in {written} is valid until {facts.not_after:%Y-%m-%d}"
            yield judge.passed("authority-unreadable", subject, at, sentence)


def _named_authorities(declaration: Declaration) -> Iterator[tuple[str, tuple[str, ...], str]]:
    model = declaration.model
    if model.gateway.tls.client_ca:
        yield "gateway", ("gateway", "tls", "client_ca"), model.gateway.tls.client_ca
    for api_id, api in served_apis(declaration):
        if api.upstream_tls.ca:
            yield api_subject(api_id), ("apis", api_id, "upstream_tls", "ca"), api.upstream_tls.ca
    for name, environment in model.environments.items():
        if environment.issuer and environment.issuer.ca:
            yield f"environments.{name}", ("environments", name, "issuer", "ca"), environment.issuer.ca


def _today(context: Context, facts: CertificateFacts) -> datetime:
    """An instant of today, for comparing with a certificate's: noon, or nearest to it while the certificate is valid.

    A test of design knows the day and not the hour. A certificate that was issued this afternoon is valid today; one
    that ends today is told as that.
    """
    noon = datetime.combine(context.today, time(12), UTC)
    within = min(max(noon, facts.not_before), facts.not_after)
    return within if within.astimezone(UTC).date() == context.today else noon


def _relative(declaration: Declaration, error: AssayError) -> str:
    """An error's sentence with paths as they were written, not as they are on this machine."""
    sentence = error.sentence.replace(str(declaration.root.absolute()) + "/", "").rstrip(".")
    return sentence[:1].lower() + sentence[1:]
