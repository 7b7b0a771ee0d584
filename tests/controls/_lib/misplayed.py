"""A gateway in a function, in front of what a case plays: safe as it is, with a flaw for every test there is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.controls.proving.desk import Desk, DeskLab, desk_surface
from tests.prove.scripted import Said, judge

from assay.gateway.decision import Decision
from assay.prove.case import Call, Case, Judged
from assay.prove.played import Played
from assay.prove.surface import Surface

HIDDEN = "iban"
_BANNERS = ("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-runtime", "x-generator", "via")
_PROBLEM = {"content-type": "application/problem+json"}


@dataclass
class Policy:
    """What stands between a played answer and its caller. ``flaws`` are named in the order they are looked at."""

    flaws: frozenset[str] = frozenset()
    answers_itself: bool = False
    spoils_everything: bool = False

    def __call__(self, call: Call, played: Played) -> Said:
        if self.answers_itself:
            return Said(403, {"title": "refused"}, asked=0, decision=Decision("refused", "network_ranges/shop"))
        if self.spoils_everything:
            return Said(502, {"title": "refused"})
        if played.how != "whole":
            return self._broken(played)
        headers = self._headers(played)
        if played.status >= 500 and "errors" not in self.flaws:
            return Said(played.status, {"title": "failed"}, _PROBLEM)
        if played.status >= 500:
            return Said(played.status, played.body, headers)
        return self._masked(played, headers)

    def _broken(self, played: Played) -> Said:
        match played.how:
            case "hang":
                if "hang-forever" in self.flaws:
                    return Said(0, b"", seconds=25.0, error="no complete answer within 25 s")
                if "hang-late" in self.flaws:
                    return Said(504, {}, seconds=19.0)
                if "hang-ok" in self.flaws:
                    return Said(200, {}, seconds=15.0)
                return Said(504, {"title": "late"}, _PROBLEM, seconds=15.1)
            case "reset":
                return Said(200 if "reset-ok" in self.flaws else 503, {})
            case _:
                if "cut-ok" in self.flaws:
                    return Said(200, played.body[:5])
                return Said(200, played.body[:5], error="the peer closed the connection")

    def _headers(self, played: Played) -> dict[str, str]:
        found = {n: v for n, v in played.headers if n not in _BANNERS or "banner" in self.flaws}
        for name in ("location", "content-location"):
            if name in found and f"{name}-kept" not in self.flaws:
                found[name] = "/" + found[name].rpartition("/")[2]
        return found

    def _masked(self, played: Played, headers: dict[str, str]) -> Said:
        body, kind = played.body, headers.get("content-type", "")
        unreadable = Said(502, {"title": "unreadable"}, _PROBLEM)
        if "content-encoding" in headers:
            return Said(played.status, gzip.decompress(body), headers) if "gzip" in self.flaws else unreadable
        if kind != "application/json":
            return Said(played.status, body, headers) if self._lenient(kind) else unreadable
        if played.status == 206:
            return Said(206, body, headers) if "part" in self.flaws else unreadable
        if played.status >= 300 and "found" in self.flaws:
            return Said(played.status, body, headers)
        if len(body) > 1_000_000:
            return Said(played.status, body, headers) if "large" in self.flaws else unreadable
        names: list[str] = []
        try:
            value = json.loads(body, object_pairs_hook=lambda pairs: names.extend(n for n, _ in pairs) or dict(pairs))
        except ValueError:
            return Said(played.status, body, headers) if "early" in self.flaws else unreadable
        if names.count(HIDDEN) > 1:
            return Said(played.status, body, headers) if "twice" in self.flaws else unreadable
        return Said(played.status, self._hidden(value), headers)

    def _lenient(self, kind: str) -> bool:
        return {"text/plain": "text", "": "no-type"}.get(kind, "utf-16") in self.flaws

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._hidden(v) for v in value]
        if not isinstance(value, dict):
            return value
        known = {n: v for n, v in value.items() if n in ("items", "id", "note", HIDDEN) or "unnamed" in self.flaws}
        return {n: self._mask(v) if n == HIDDEN else self._hidden(v) for n, v in known.items()}

    def _mask(self, value: Any) -> Any:
        if "clear" in self.flaws:
            return value
        if isinstance(value, dict):
            return value if "object" in self.flaws else {}
        if isinstance(value, list):
            return value if "list" in self.flaws else ["***"]
        return "***"


def behind_gateway(folder: Path, **more: Any) -> Surface:
    """The desk behind a gateway of ours."""
    return desk_surface(folder, via="gateway", fronted=True, upstreams={"shop": "http://10.0.0.1:8000"}, **more)


def played(
    surface: Surface,
    prove: Callable[[Surface], Any],
    test: str,
    policy: Callable[[Call, Played], Said] | None,
    variant: str = "",
) -> Judged:
    """What the first case of a test (of that variant) comes to behind a policy; None: there is no gateway."""
    cases: list[Case] = [c for c in prove(surface) if c.test.id == test and variant in (c.variant, "")]
    lab = DeskLab(surface, Desk(), Desk().things, policy=policy)
    found = judge(cases[0], lab)
    return replace(found, facts=dict(found.facts))
