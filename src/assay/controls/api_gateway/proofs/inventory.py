"""What answers although no contract names it: other versions, and what developers leave behind.

Judged by content, not by status: services answer 200 with a page that says "not found".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from assay.controls._lib.answers import callers, leaves, real_object, works
from assay.controls.api_gateway.proofs.common import anybody, api_case, apis
from assay.prove.case import Call, Case, Judged, Lab, Run, Seen, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_LEFT_BEHIND: tuple[tuple[str, str], ...] = (
    ("/metrics", r"^# (HELP|TYPE) |_total[ {]"),
    ("/internal/metrics", r"^# (HELP|TYPE) |_total[ {]"),
    ("/actuator/env", r"propertySources|activeProfiles"),
    ("/actuator", r'"_links"'),
    ("/actuator/heapdump", r"^JAVA PROFILE"),
    ("/debug/vars", r"\{"),
    ("/debug/config", r"\{"),
    ("/debug", r"\{|Traceback|DEBUG"),
    ("/debug/pprof/", r"goroutine|profiles"),
    ("/config", r"\{|^[A-Za-z_]+ *[=:]"),
    ("/env", r"PATH=|\"PATH\"|\{"),
    ("/.env", r"^[A-Z_]+="),
    ("/.git/HEAD", r"^ref: refs/"),
    ("/.git/config", r"^\[core\]"),
    ("/server-status", r"Apache Server Status"),
    ("/phpinfo.php", r"phpinfo\(\)|PHP Version"),
    ("/console", r"console|interactive"),
    ("/admin", r"\{|<form"),
    ("/internal", r"\{"),
    ("/internal/config", r"\{"),
    ("/backup.sql", r"CREATE TABLE|INSERT INTO"),
    ("/trace", r"\{"),
    ("/heapdump", r"^JAVA PROFILE"),
)
_VERSION = re.compile(r"/v([0-9]{1,2})(?=/|$)")
_COLLECTIONS = 5
_SELDOM = "assay-nothing-is-here"


def inventory(surface: Surface) -> Iterator[Case]:
    """Cases for each API."""
    for api in apis(surface):
        target, persona = _reader(surface, api)
        if target is None:
            continue
        run = _left_behind(surface, target, persona)
        yield api_case(surface, "undeclared-endpoint-answers", api, run, requests=2 + 2 * len(_LEFT_BEHIND))
        for number, each in enumerate(_collections(surface, api)):
            somebody = None if surface.is_open(each) else anybody(surface, each)
            spelled = sorted(_spellings(each, words=not number))
            run = _versions(each, somebody, spelled)
            count = 3 + len(spelled)
            yield api_case(surface, "undeclared-version-answers", api, run, requests=count, target=each)


def _collections(surface: Surface, api: str) -> tuple[Target, ...]:
    """Readable operations to be looked for under other versions: those without parameters, as many as is worth it."""
    reading = [t for t in surface.targets if t.api == api and t.operation.method.upper() == "GET"]
    usable = [t for t in reading if "{" not in t.operation.path and callers(surface, t) and not surface.is_open(t)]
    first, _ = _reader(surface, api)
    return tuple(usable[:_COLLECTIONS]) or ((first,) if first else ())


def _reader(surface: Surface, api: str) -> tuple[Target | None, Persona | None]:
    """A readable operation without parameters, and somebody who may call it (None: anybody may)."""
    found = [
        t
        for t in surface.targets
        if t.api == api and t.operation.method.upper() == "GET" and (callers(surface, t) or surface.is_open(t))
    ]
    chosen = min(found, key=lambda t: (bool(surface.is_open(t)), t.operation.path.count("{")), default=None)
    return chosen, (None if chosen is None or surface.is_open(chosen) else anybody(surface, chosen))


def _get(api: str, path: str, purpose: str) -> Call:
    return Call(method="GET", target=path, purpose=purpose, api=api)


def _alike(one: Seen, other: Seen) -> bool:
    """Whether two answers say the same, but for numbers, long words and paths (an error that repeats its path)."""
    return one.status == other.status and _shape(one) == _shape(other)


def _shape(seen: Seen) -> str:
    return re.sub(r"/[\w./%-]*|[0-9a-fA-F-]{8,}|[0-9]+", "#", seen.text)[:2000]


def _left_behind(surface: Surface, target: Target, persona: Persona | None) -> Run:
    known = {t.path.lower() for t in surface.targets}

    async def run(lab: Lab) -> Judged:
        who = await lab.act(persona) if persona else None
        nothing = replace(_get(target.api, f"{target.base}/{_SELDOM}-{lab.nonce}", "a path that cannot exist"), who=who)
        baseline = await lab.call(nothing)
        if baseline.status == 0:
            return unclear(f"there was no answer: {baseline.error}", baseline)
        last, tried = baseline, 0
        for path, signature in _LEFT_BEHIND:
            for base in dict.fromkeys((target.base, "")):
                if (base + path).lower().rstrip("/") in known:
                    continue
                tried += 1
                last = await lab.call(replace(_get(target.api, base + path, "left behind?"), who=who))
                if last.ok and not _alike(last, baseline) and re.search(signature, last.text, re.MULTILINE):
                    again = await lab.call(_get(target.api, base + path, "and for nobody?"))
                    whom = "anybody" if again.ok and _alike(again, last) else f"`{persona.name if persona else ''}`"
                    return broken(f"`{base + path}`, which is in no contract, answers {whom} with its content", last)
        return held(f"none of {tried} well-known paths that are in no contract answers", last)

    return run


def _spellings(target: Target, *, words: bool) -> set[str]:
    """The operation's path template in other versions."""
    path = target.path
    found = _VERSION.search(path)
    if found:
        now = int(found[1])
        return {
            f"{path[: found.start()]}/v{n}{path[found.end() :]}" for n in range(max(0, now - 2), now + 2) if n != now
        }
    spelled = {f"{target.base}/v{n}{target.operation.path}" for n in (0, 1, 2)}
    if words:
        spelled |= {f"{target.base}/{word}{target.operation.path}" for word in ("old", "beta", "internal")}
    return spelled


def _versions(target: Target, persona: Persona | None, templates: list[str]) -> Run:
    async def run(lab: Lab) -> Judged:
        thing, who = await real_object(lab, target, persona) if persona else (None, None)
        call = lab.request(target, lab.draft(target, thing), who, purpose="the declared version")
        good = await works(lab, call)
        params = thing.params if thing else {}
        last = good
        for template in templates:
            path = template
            for name, value in params.items():
                path = path.replace("{" + name + "}", value)
            if "{" in path:
                continue
            last = await lab.call(replace(call, target=path, purpose="another version"))
            if last.ok and _similar(last, good):
                return broken(f"`{path}`, which is in no contract, answers like the declared version", last)
        return held(f"none of {len(templates)} other versions of `{target.operation.path}` answers", last)

    return run


def _similar(seen: Seen, good: Seen) -> bool:
    """Whether an answer is of the same kind: JSON with data in it, whose values or names are mostly the same."""
    wanted, found = set(leaves(good.json())), set(leaves(seen.json()))
    if wanted & found and len(wanted & found) * 3 >= min(len(wanted), len(found)):
        return True
    names, others = _names(good.json()), _names(seen.json())
    return bool(names & others) and len(names & others) * 2 >= len(names)


def _names(value: object) -> set[str]:
    found: set[str] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            found.update(str(k) for k in item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item[:20])
    return found - {"type", "title", "status", "detail", "error", "message"}
