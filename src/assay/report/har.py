"""The exchanges of a run as an HTTP Archive (HAR 1.2), for whoever wants to look at them in another tool."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from assay import __version__
from assay.prove.result import Exchange, Proof


def render(proofs: Iterable[Proof]) -> str:
    """Every HTTP exchange, in the order it was sent, with its case as a comment. Secrets were redacted before."""
    entries = [(e.started, _entry(p, e)) for p in proofs for e in p.exchanges if e.kind == "http"]
    log = {
        "version": "1.2",
        "creator": {"name": "Assay", "version": __version__},
        "pages": [],
        "entries": [entry for _, entry in sorted(entries, key=lambda pair: pair[0])],
    }
    return json.dumps({"log": log}, indent=1, ensure_ascii=False)


def _entry(proof: Proof, exchange: Exchange) -> dict[str, Any]:
    milliseconds = round(exchange.seconds * 1000, 3)
    sent = dict(exchange.request_headers)
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": n, "value": v} for n, v in exchange.request_headers],
        "queryString": [{"name": n, "value": v} for n, v in _query(exchange.url)],
        "headersSize": -1,
        "bodySize": len(exchange.request_body.encode()),
    }
    if exchange.request_body:
        kind = next((v for n, v in sent.items() if n.lower() == "content-type"), "")
        request["postData"] = {"mimeType": kind, "text": exchange.request_body}
    received = {n.lower(): v for n, v in exchange.response_headers}
    return {
        "startedDateTime": exchange.started.isoformat(),
        "time": milliseconds,
        "request": request,
        "response": {
            "status": exchange.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{"name": n, "value": v} for n, v in exchange.response_headers],
            "content": {
                "size": len(exchange.response_body.encode()),
                "mimeType": received.get("content-type", ""),
                "text": exchange.response_body,
            },
            "redirectURL": received.get("location", ""),
            "headersSize": -1,
            "bodySize": -1,
            **({"_error": exchange.error} if exchange.error else {}),
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": f"{proof.case} #{exchange.number}: {exchange.purpose}",
        "_case": proof.case,
        "_correlation": exchange.correlation,
        "_policy": exchange.policy,
    }


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:  # a probe may send what is no query
        return []
