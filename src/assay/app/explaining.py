"""What stands behind an id that a command showed: a control, a check, something that reading finds, an objective."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assay.app.objectives import explained, objective_ids
from assay.app.reading import EXPLAINED, RISK, ReadingCheck, reading_checks
from assay.controls.base import Control
from assay.controls.registry import controls
from assay.domain import UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Explanation:
    """Markdown, and facts in a few words each, in the order they are shown."""

    text: str
    facts: tuple[tuple[str, str], ...] = ()


def known() -> list[str]:
    """Everything that can be explained, in alphabetical order."""
    registered = controls()
    ids = [c.id for c in registered] + [test for c in registered for test in (*c.about.checks, *c.about.proofs)]
    return sorted({*ids, *reading_checks(), *objective_ids()})


def explanation(name: str) -> Explanation:
    """What ``name`` means: an id, or ``CONTROL/CHECK`` as findings show it.

    Raises:
        UsageError: nothing is called so; the fix names the closest match.
    """
    whose, _, last = name.rpartition("/")
    found = next(_found(whose, last), None)
    if found is None:
        raise UsageError(f"nothing is called `{name}`", fix=_nearest(whose, last))
    return found


def _found(whose: str, name: str) -> Iterator[Explanation]:
    for control in controls():
        if name == control.id and not whose:
            yield Explanation(control.guide.strip())
        if name in control.about.checks and whose in ("", control.id):
            yield _check(control, name)
        if name in control.about.proofs and whose in ("", control.id):
            yield _proof(control, name)
    reading = reading_checks().get(name)
    if reading and (not whose or whose in reading.readers):
        yield _reading(reading)
    if not whose and name.casefold() in (each.casefold() for each in objective_ids()):
        yield Explanation(explained(name))


def _nearest(whose: str, name: str) -> str:
    for control in controls():
        if whose == control.id:
            return did_you_mean(name, [*control.about.checks, *control.about.proofs], what="check")
    if whose in EXPLAINED:
        return did_you_mean(name, [c.id for c in reading_checks().values() if whose in c.readers], what="check")
    if whose:
        return did_you_mean(whose, [*(c.id for c in controls()), *EXPLAINED], what="control")
    close = did_you_mean(name, known(), what="control or check")
    return close if close.startswith("did you mean") else "`assay explain` lists what there is"


def _check(control: Control, name: str) -> Explanation:
    check = control.about.checks[name]
    guide = section(control.guide, name)
    facts = (("good state", check.title), ("control", control.id), ("severity", str(check.severity)))
    return Explanation(guide or f"## {name}", (*facts, ("why", check.why), ("fix", check.fix)))


def _proof(control: Control, name: str) -> Explanation:
    proof = control.about.proofs[name]
    facts = (
        ("good state", proof.title),
        ("control", control.id),
        ("severity", str(proof.severity)),
        ("shown by", "`assay prove`, on the running system"),
        ("covers", ", ".join(proof.rows)),
    )
    told = tuple((label, said) for label, said in facts if said)
    guide = section(control.guide, name)
    return Explanation(guide or f"## {name}", (*told, ("why", proof.why), ("fix", proof.fix)))


def _reading(check: ReadingCheck) -> Explanation:
    found_in = f"a {' or a '.join(check.readers)}, while it is read"
    if check.readers == (RISK,):
        found_in = "decisions about risks and incidents, by `assay risk`"
    facts = (("good state", check.title), ("found in", found_in))
    return Explanation(f"## {check.id}", (*facts, ("why", check.why), ("fix", check.fix)))


def section(guide: str, heading: str) -> str:
    """The part of a guide under the heading that names a check, empty when there is none."""
    found: list[str] = []
    depth, fenced = 0, False
    for line in guide.splitlines():
        fenced ^= line.startswith("```")
        level = 0 if fenced else len(line) - len(line.lstrip("#"))
        if depth and 0 < level <= depth:
            break
        if not depth and level and line.lstrip("#").strip().strip("`") == heading:
            depth = level
        if depth:
            found.append(line)
    return "\n".join(found).strip()
