"""What answers really hold is what their labels say: nothing stronger, and nothing unlabelled.

Only what a detector checked by more than its form (check digits, a whole grammar) and is sure of can fail an operation.
What merely looks like personal data is said, and left open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from assay.controls._lib.answers import by_hand
from assay.controls._lib.attempts import good, name_of, ready, tester
from assay.controls.data_classification.proofs.planned import answered, case, clearest, dotted, fits, form
from assay.declare.shapes import ANY, Path
from assay.domain import Confidence, Outcome, Severity
from assay.prove.case import Case, Judged, Lab, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target
from assay.scanning import Found, scan_text, scan_value
from assay.scanning.national import NATIONAL
from assay.sensitivity.bodies import Labelled
from assay.sensitivity.levels import implied, rank, within

_LIKE: Final = (
    # Category; what its values are recognised by; the name under which the detectors are asked.
    ("user.contact.email", frozenset({"email"}), "email"),
    ("user.contact.phone_number", frozenset({"phone"}), "phone"),
    ("user.financial.credit_card", frozenset({"payment-card"}), "card"),
    ("user.financial.bank_account", frozenset({"iban"}), "iban"),
    ("user.device.ip_address", frozenset({"ip-address"}), "ip"),
    ("user.demographic.date_of_birth", frozenset({"date-of-birth"}), "birth"),
    ("user.contact.address.postal_code", frozenset({"postal-code"}), "postcode"),
    (
        "user.government_id.national_identification_number",
        frozenset(n.name for n in NATIONAL),
        "ssn nino bsn steuer nir dni nie cf pesel niss personnummer aadhaar cpf",
    ),
)


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """Every reading operation that may answer JSON; and once for each field whose values can be told from others."""
    told: set[tuple[str, str]] = set()
    # Collections first: single objects are mostly made by the run itself, and their values say nothing about labels.
    reading = sorted((t for t in targets if t.operation.method.upper() == "GET"), key=by_hand)
    for target in reading:
        known = answered(surface, target)
        persona = clearest(surface, target, tuple(known.values())) or tester(surface, target)
        yield case(target, "payload-above-label", _agrees(target, persona, known), name_of(persona), requests=2)
        new = {p: i for p, i in known.items() if (target.api, i.label.name) not in told and _like(i) and not i.absent}
        if persona is not None:
            new = {p: i for p, i in new.items() if form(surface, target, i, persona) == "clear"}
        if new:
            told.update((target.api, i.label.name) for i in new.values())
            yield case(target, "label-unlike-payload", _alike(target, persona, new), name_of(persona), requests=2)


def _agrees(target: Target, persona: Persona | None, known: dict[Path, Labelled]) -> Run:
    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        seen = await good(lab, able)
        body = seen.json()
        if body is None:
            return unclear("the answer was no JSON", seen)
        scan = scan_value(body, least=Confidence.MEDIUM)
        wrong = [
            (f, path, label) for f in scan.found if (label := _weaker(f, path := _path(body, f), known)) is not None
        ]
        certain = [(path, f, label) for f, path, label in wrong if f.certain]
        likely = [(path, f, label) for f, path, label in wrong if not f.certain]
        facts: dict[str, Any] = {
            "values": scan.values,
            "recognised": sorted({f.category for f in scan.found}),
            "stronger": sorted({dotted(path) for path, _, _ in certain}),
            "likely": sorted({dotted(path) for path, _, _ in likely}),
        }
        if certain:
            return broken(_words(certain, "holds"), seen, **facts)
        if likely:
            sentence = _words(likely, "may hold")
            return Judged(Outcome.INCONCLUSIVE, sentence, seen.number, facts, Severity.LOW)
        if not scan.values:
            return Judged(Outcome.INCONCLUSIVE, "the answer held no value", seen.number, facts, Severity.LOW)
        if scan.unread:
            return unclear(f"not all of the answer was read: {scan.unread}", seen, **facts)
        seen_labels = {item.label.name for path, item in known.items() if any(_at(body, path))}
        made = " of an object that this run made" if able.thing is not None and able.thing.made else ""
        words = f"{scan.values} values{made} were looked at, {len(seen_labels)} labelled fields among them"
        return held(f"{words}; nothing in them is more sensitive than its label", seen, **facts)

    return run


def _weaker(found: Found, path: Path, known: dict[Path, Labelled]) -> str | None:
    """What the label of a place says, if that is less than what was found there; None: it says enough."""
    labels = [item.label for named, item in known.items() if _covers(named, path)]
    if not labels:
        return "is not labelled" if rank(implied(found.category)) > rank("internal") else None
    level = max((label.level for label in labels), key=rank)
    return f"is labelled {level}" if rank(implied(found.category)) > rank(level) else None


def _covers(named: Path, path: Path) -> bool:
    """Whether a label is of a place, or of something that the place lies in."""
    return fits(path[: len(named)], named)


def _words(wrong: list[tuple[Path, Found, str]], holds: str) -> str:
    parts: dict[str, None] = {}
    for path, found, label in wrong:
        where = dotted(path) or "the answer"
        name = " as a name" if found.within == "name" else ""
        parts[f"`{where}` {holds} {found.category}{name} ({found.detector}) and {label}"] = None
    shown = list(parts)
    return "; ".join(shown[:4]) + (f"; and {len(shown) - 4} more" if len(shown) > 4 else "")


def _path(body: Any, found: Found) -> Path:
    """Where something was found, with ``*`` for items of lists."""
    steps: list[str] = []
    at = body
    for part in found.path.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(at, list):
            steps.append(ANY)
            at = at[int(name)] if name.isdigit() and int(name) < len(at) else None
        else:
            steps.append(name)
            at = at.get(name) if isinstance(at, dict) else None
    return tuple(steps)


def _like(item: Labelled) -> tuple[frozenset[str], str] | None:
    return next(((names, word) for c, names, word in _LIKE if within(item.label.category, c)), None)


def _alike(target: Target, persona: Persona | None, fields: dict[Path, Labelled]) -> Run:
    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        seen = await good(lab, able)
        body = seen.json()
        unlike: list[str] = []
        alike: list[str] = []
        for path, item in fields.items():
            wanted = _like(item)
            values = [v for v in _at(body, path) if v and "***" not in v]
            if wanted is None or not values:
                continue
            names, word = wanted
            fitting = any(f.detector in names for v in values for f in scan_text(v, name=word).found)
            (alike if fitting else unlike).append(dotted(path))
        facts: dict[str, Any] = {"alike": alike, "unlike": unlike}
        if unlike and able.thing is not None and able.thing.made:
            sentence = "the object was made by this run, so its values say nothing about labels"
            return Judged(Outcome.INCONCLUSIVE, sentence, seen.number, facts, Severity.NOTE)
        if unlike:
            shown = ", ".join(f"`{name}`" for name in unlike[:5])
            sentence = f"no value of {shown} looks like what its label says"
            return Judged(Outcome.INCONCLUSIVE, sentence, seen.number, facts, Severity.NOTE)
        if not alike:
            return Judged(
                Outcome.INCONCLUSIVE, "the answer held no value of these fields", seen.number, facts, Severity.NOTE
            )
        return held(f"the values of {len(alike)} fields look like what their labels say", seen, **facts)

    return run


def _at(value: Any, path: Path) -> list[str]:
    """The texts and numbers at a place of a JSON value."""
    if not path:
        return [str(value)] if isinstance(value, str | int | float) and not isinstance(value, bool) else []
    if isinstance(value, list):
        inner = value if path[0] == ANY else []
    elif isinstance(value, dict):
        inner = list(value.values()) if path[0] == ANY else [value[path[0]]] if path[0] in value else []
    else:
        inner = []
    return [text for one in inner for text in _at(one, path[1:])]
