"""Paths that two parsers may read differently, and headers that name another path: none may open what is protected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.controls._lib.answers import ask, carries, real_object, works
from assay.controls.api_gateway.proofs.common import CONTROL, anybody, api_case, apis, guarded
from assay.prove.case import Call, Case, Judged, Lab, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target


def tricks(surface: Surface) -> Iterator[Case]:
    """Cases for each API that has something protected to read: three of its paths, and headers that name another."""
    count = 3 + len(variants("/a/b"))
    for api in apis(surface):
        for number, target in enumerate(guarded(surface, api)):
            persona = anybody(surface, target)
            if persona is None:
                continue
            yield api_case(surface, "path-trick-opens", api, _paths(target, persona), target=target, requests=count)
            if not number:
                run = _rewritten(target, persona, _open(surface, api))
                yield api_case(surface, "path-header-honoured", api, run, target=target, requests=6)


def variants(path: str) -> tuple[tuple[str, str], ...]:
    """Other spellings of a path, with a word for each. Some parsers take each for the path itself."""
    head, _, last = path.rpartition("/")
    first, _, rest = path.lstrip("/").partition("/")
    tail = f"/{rest}" if rest else ""
    flipped = "".join(c.swapcase() for c in first)
    return (
        ("a double slash", "/" + path),
        ("a double slash inside", f"{head}//{last}"),
        ("`/./`", f"{head}/./{last}"),
        ("`/%2e/`", f"{head}/%2e/{last}"),
        ("`/x/../`", f"/x/..{path}"),
        ("`/x/%2e%2e/`", f"/x/%2e%2e{path}"),
        ("`..;`", f"/x/..;{path}"),
        ("an escaped slash", f"{head}%2f{last}"),
        ("a slash at the end", path + "/"),
        ("a parameter at the end", path + ";x=1"),
        ("a parameter inside", f"/{first};x=1{tail}"),
        ("an escaped null byte", path + "%00"),
        ("another case", f"/{flipped}{tail}"),
        ("an escaped letter", f"/%{ord(first[:1] or 'a'):02x}{first[1:]}{tail}"),
        ("an ending", path + ".json"),
        ("a backslash", f"{head}\\{last}"),
        ("a fragment", path + "%23"),
        ("a question mark, escaped", path + "%3f"),
    )


def _paths(target: Target, persona: Persona) -> Run:
    async def run(lab: Lab) -> Judged:
        thing, who = await real_object(lab, target, persona)
        call = lab.request(target, lab.draft(target, thing), who, purpose="the rightful caller")
        good = await works(lab, call)
        plain = await ask(lab, replace(call, who=None, purpose="nobody"))
        if carries(plain.seen, good, thing):
            return unclear("it is open to anybody as it is, so no path could be shown to open it", plain.seen)
        path, mark, query = call.target.partition("?")
        reached, last = 0, plain.seen
        for what, spelled in variants(path):
            if spelled == path:
                continue
            answer = await ask(lab, replace(call, who=None, target=spelled + mark + query, purpose=f"nobody, {what}"))
            last = answer.seen
            if last.ok and carries(last, good, thing):
                return broken(f"a path with {what} gives nobody what the rightful caller gets", last)
            reached += not answer.at_gateway
        note = f"; {reached} reached the service, which refused them" if reached else ""
        return held(f"none of {len(variants(path))} spellings of the path opens it to nobody{note}", last)

    return run


def _open(surface: Surface, api: str) -> str:
    """A path that anybody may call, as the outside of a request whose headers name another one."""
    found = [
        t
        for t in surface.targets
        if t.api == api and surface.is_open(t) and t.operation.method.upper() == "GET" and "{" not in t.operation.path
    ]
    return found[0].path if found else "/"


def _rewritten(target: Target, persona: Persona, outside: str) -> Run:
    async def run(lab: Lab) -> Judged:
        thing, who = await real_object(lab, target, persona)
        call = lab.request(target, lab.draft(target, thing), who, purpose="the rightful caller")
        good = await works(lab, call)
        plain = await ask(lab, replace(call, who=None, purpose="nobody"))
        if carries(plain.seen, good, thing):
            return unclear("it is open to anybody as it is, so no header could be shown to open it", plain.seen)
        inside = call.target
        tries: tuple[tuple[str, Call], ...] = (
            ("headers that name the protected path", _outside(call, outside, inside)),
            ("headers that name an open path", replace(call, who=None, headers=(*call.headers, *_naming(outside)))),
        )
        last = good
        for what, tried in tries:
            answer = await ask(lab, replace(tried, purpose=what))
            last = answer.seen
            if last.ok and carries(last, good, thing):
                return broken(f"{what} give nobody what the rightful caller gets", last)
            watched = answer.observes(CONTROL)
            if watched:
                return unclear(f"{what} are only observed (`{watched}`)", last)
        return held("headers that name another path change nothing", last)

    return run


def _outside(call: Call, outside: str, inside: str) -> Call:
    return replace(call, who=None, target=outside, headers=(*call.headers, *_naming(inside)))


def _naming(path: str) -> tuple[tuple[str, str], ...]:
    names = ("x-original-url", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-path", "x-envoy-original-path")
    return tuple((name, path) for name in names)
