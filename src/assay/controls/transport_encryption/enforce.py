"""Where the gateway listens, and how it speaks TLS there."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.urls import listen_address
from assay.controls.base import Site
from assay.declare.declaration import Declaration
from assay.gateway import ir


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """The one listener. TLS cannot merely be observed: a gateway either speaks it or does not.

    Without declared certificate files the development certificate of the machine is used. Client certificates are asked
    for when the declaration names their authority or a consumer that has one.
    """
    gateway = declaration.model.gateway
    host, port = listen_address(gateway.listen)
    yield ir.Listener(
        control="transport_encryption",
        source=str(declaration.locate("gateway")),
        address=host,
        port=port,
        tls=None if gateway.plaintext else _tls(declaration, site),
        trusted_hops=gateway.trusted_hops,
        max_connections=gateway.max_connections,
        header_bytes=gateway.header_bytes,
        headers=gateway.headers,
    )


def _tls(declaration: Declaration, site: Site) -> ir.Tls:
    written = declaration.model.gateway.tls
    certificate, key = site.certificate, site.private_key
    if written.files:
        certificate, key = written.files.certificate, written.files.key
    client_ca = None
    if written.client_ca:
        client_ca = written.client_ca
    elif any(c.authenticate.mtls for c in declaration.model.consumers.values()):
        client_ca = site.client_ca
    return ir.Tls(
        certificate=certificate,
        private_key=key,
        minimum=written.minimum,
        client_ca=client_ca,
        hsts_seconds=written.hsts,
    )
