"""What goes with answers: headers, other origins, errors that give nothing away, pages with an end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from assay.controls._lib.attempts import Ready, good, name_of, ready, tester
from assay.controls._lib.inputs import Place, changed, places, speaks_json
from assay.controls.api_gateway.enforce import answers_are_sensitive
from assay.controls.data_exposure.proofs.forms import promised
from assay.controls.data_exposure.proofs.planned import case
from assay.prove.case import Call, Case, Judged, Lab, Run, Seen, beside_the_point, broken, held, unclear
from assay.prove.surface import Surface, Target

_PAGE = frozenset({"limit", "size", "pagesize", "perpage", "count", "first", "top", "max", "maxresults", "take"})
_ASKED = 1_000_000
_MANY = 1_000
_TRACES = re.compile(
    r"Traceback \(most recent call last\)|\bat [\w.$<>]+\([\w.]+\.(?:java|kt|scala):\d+\)"
    r"|\bat .+ \(.+\.(?:js|ts):\d+:\d+\)"
    r"|File \"[^\"]+\.py\", line \d+|\.(?:py|rb|php|go|cs):(?:line )?\d+|goroutine \d+ \[|System\.[A-Z]\w+Exception"
    r"|(?:java|javax|org\.springframework|org\.hibernate)\.[\w.]+(?:Exception|Error)|Stack ?trace:"
    r"|SQLSTATE\[|ORA-\d{5}|psycopg2?\.|sqlite3?\.\w*Error|SQLITE_ERROR|PG::\w+Error|MySQLSyntaxError|ODBC .*Driver"
    r"|syntax error at or near|near \\?\"[^\"]{0,40}\\?\": syntax error|unrecognized token: |no such column: "
    r"|(?:/usr/(?:lib|local|src)|/home/\w+|/var/www|/opt/\w+|site-packages)/[\w./-]+|[A-Z]:\\\\(?:Users|inetpub|Windows)"
)


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """Headers of classified answers, errors of operations that take input, pages; other origins once for an API."""
    for target in targets:
        identity = name_of(tester(surface, target))
        page = _page(surface, target)
        if page is not None:
            yield case(target, "page-without-end", _paged(surface, target, page), identity, requests=3)
        if target.operation.method.upper() != "DELETE" and _forcing(surface, target):
            yield case(target, "error-gives-away", _errors(surface, target), identity, requests=4, harmless=True)
    for target in _headed(surface, targets):
        run = _headers(surface, target)
        yield case(target, "response-header-missing", run, name_of(tester(surface, target)), requests=1)
    for api_id in dict.fromkeys(t.api for t in targets):
        chosen = _plain([t for t in targets if t.api == api_id])
        if chosen is not None:
            run = _origins(surface, chosen)
            yield case(chosen, "foreign-origin-allowed", run, name_of(tester(surface, chosen)), requests=10)


def _plain(targets: list[Target]) -> Target | None:
    reading = [t for t in targets if t.operation.method.upper() == "GET"]
    return min(
        reading, key=lambda t: ("{" in t.operation.path, bool(t.operation.security == ((),)), t.id), default=None
    )


def _headed(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Target]:
    """The reading operations with classified data; where nothing is classified, one that not everybody may call."""
    for api_id in dict.fromkeys(t.api for t in targets):
        mine = [t for t in targets if t.api == api_id and t.operation.method.upper() == "GET"]
        found = [t for t in mine if promised(surface, t) is not None]
        closed = [t for t in mine if surface.is_open(t) is not True]
        yield from found[:8] or [t for t in (_plain(closed),) if t is not None]


def _headers(surface: Surface, target: Target) -> Run:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        seen = await good(lab, await ready(lab, target, persona))
        lacking = []
        if seen.headers.get("x-content-type-options", "").strip().lower() != "nosniff":
            lacking.append("`x-content-type-options: nosniff`")
        if "no-store" not in seen.headers.get("cache-control", "").lower() and _confidential(surface, target):
            lacking.append("`cache-control: no-store`")
        if lacking:
            return broken(f"the answer lacks {' and '.join(lacking)}", seen, lacking=lacking)
        return held("browsers and caches are told to keep nothing and guess nothing", seen)

    return run


def _confidential(surface: Surface, target: Target) -> bool:
    """Whether caches must keep nothing: by what is declared about the data, else by whether anybody may call.

    Shared caches keep no answer to a request with `Authorization` unless they are told to (RFC 9111 section 3.5), so
    where the declaration says that nothing in the API is confidential there is no promise to hold it to.
    """
    if surface.is_open(target) is True:
        return False
    return not surface.declared_access or answers_are_sensitive(surface.declaration, surface.api(target))


def _origins(surface: Surface, target: Target) -> Run:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        seen = await good(lab, able)
        word = lab.nonce.lower()
        tried = [("a foreign one", f"https://{word}.example"), ("`null`", "null")]
        for host in _own_hosts(surface, target):
            tried.append(("one that begins like ours", f"https://{host}.{word}.example"))
            tried.append(("one that ends like ours", f"https://{word}{host}"))
        for words, origin in tried:
            for preflight in (False, True) if words == "a foreign one" else (False,):
                seen = await lab.call(_from(lab, able, origin, preflight))
                if _allows(seen, origin) and not (
                    words == "one that ends like ours" and await _neighbours(lab, able, origin)
                ):
                    return broken(f"scripts of any origin may read answers with credentials: {words} was allowed", seen)
        return held("no origin that was made up may read answers with credentials", seen)

    return run


def _own_hosts(surface: Surface, target: Target) -> list[str]:
    """Hosts that an allow-list may be about: the one that the contract names, and the one that people sign in at."""
    issuer = surface.declaration.issuer(surface.api(target)) if surface.declared_access else None
    urls = (next(iter(surface.contract(target).servers), ""), (issuer.url or "") if issuer else "")
    hosts = [(urlsplit(url).hostname or "").lower() for url in urls]
    return list(dict.fromkeys(h for h in hosts if "." in h)) or [hosts[0] or "shop.example"]


def _allows(seen: Seen, origin: str) -> bool:
    with_credentials = seen.headers.get("access-control-allow-credentials", "").lower() == "true"
    return with_credentials and seen.headers.get("access-control-allow-origin", "") == origin


async def _neighbours(lab: Lab, able: Ready, origin: str) -> bool:
    """Whether every name beside ours is allowed: such a list is about the domain, and was not tricked by an ending."""
    _, _, domain = origin.removeprefix("https://").partition(".")
    if "." not in domain:
        return False
    beside = f"https://{lab.nonce[::-1].lower()}.{domain}"
    return _allows(await lab.call(_from(lab, able, beside, False)), beside)


def _from(lab: Lab, able: Ready, origin: str, preflight: bool) -> Call:
    call = able.call(lab, able.draft, f"from origin {origin}", (("origin", origin),))
    if not preflight:
        return call
    asked = ("access-control-request-method", call.method)
    return replace(call, method="OPTIONS", who=None, headers=(*call.headers, asked), body=None, content_type=None)


def _forcing(surface: Surface, target: Target) -> list[Place]:
    return [p for p in places(surface.contract(target), target) if p.kind != "cookie"]


def _errors(surface: Surface, target: Target) -> Run:
    persona = tester(surface, target)
    found = _forcing(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        calls: list[Call] = []
        place = next((p for p in found if p.kind in ("query", "path", "header")), None)
        if place is not None and (not target.writes or place.kind == "path"):
            for value in ("'\"\\", "-99999999999999999999"):
                calls.append(able.call(lab, changed(able.draft, place, value), f"forced error in {place.words}"))
        if speaks_json(able.draft):
            call = able.call(lab, able.draft, "a body that is no JSON")
            calls.append(replace(call, body=b'{"a": ', content_type="application/json"))
            calls.append(replace(call, body=b"[[1]]", content_type="application/json", purpose="a list for a body"))
        seen: Seen | None = None
        refused = 0
        for call in calls:
            seen = await lab.call(call)
            given = _TRACES.search(seen.text) if seen.status >= 400 else None
            if given is not None:
                words = given[0].strip()[:60]
                return broken(f"an error gives away what the service is made of: “{words}”", seen, found=words)
            refused += seen.status >= 400
        if seen is None or not refused:
            return beside_the_point("nothing that was tried brought an error about")
        return held(f"{refused} errors said nothing about the service", seen)

    return run


def _page(surface: Surface, target: Target) -> Place | None:
    if target.operation.method.upper() != "GET":
        return None
    for place in places(surface.contract(target), target):
        if place.kind == "query" and place.name.lower().replace("_", "").replace("-", "") in _PAGE:
            return place
    return None


def _paged(surface: Surface, target: Target, place: Place) -> Run:
    persona = tester(surface, target)
    declared = place.schema.get("maximum")
    # A greatest value beyond what is asked for, such as that of an `int32`, says nothing of pages.
    most = int(declared) if isinstance(declared, int | float) and declared < _ASKED else None

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        await good(lab, able)
        seen = await lab.call(able.call(lab, changed(able.draft, place, _ASKED), f"{_ASKED} in {place.words}"))
        if seen.refused:
            return held(f"a page of {_ASKED} was refused ({seen.status})", seen)
        if seen.status >= 500:
            return broken(f"the service answers {seen.status} to a page of {_ASKED}", seen)
        count = _longest(seen.json())
        if most is not None and count > most:
            return broken(f"a page of {count} was answered, and the contract allows {most}", seen, items=count)
        if count > _MANY:
            return broken(f"a page of {count} was answered", seen, items=count)
        if most is not None and count == most:
            return held(f"a page of {_ASKED} was cut to {most}", seen, items=count)
        if most is not None:
            allowed = await lab.call(able.call(lab, changed(able.draft, place, most), f"{most} in {place.words}"))
            if allowed.ok and _longest(allowed.json()) < count:
                return broken(f"{count} items were answered where {most} are the most that may be asked for", seen)
        return unclear(f"there are only {count} items, too few to see whether a page has an end", seen, items=count)

    return run


def _longest(value: Any) -> int:
    """The length of the longest list in a JSON value, no deeper than two levels."""
    inner = [value, *(value.values() if isinstance(value, dict) else ())]
    return max((len(v) for v in inner if isinstance(v, list)), default=0)
