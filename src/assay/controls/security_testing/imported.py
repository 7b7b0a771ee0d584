"""What testers and scanners found, as verdicts with their own source: mended, open, waiting, or about nothing here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, operation_subject
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.declare.model import PenTest
from assay.domain import Confidence, Location, Verdict
from assay.importing.findings.declared import Landed, NamedFile, landed, named_files
from assay.importing.findings.finding import cleaned

_CONTROL = "security_testing"
_SHOWN = 5
_LONGEST_URL = 100


def imported(context: Context) -> Iterator[Verdict]:
    """Judges every file of findings, and every finding in them."""
    declaration = context.declaration
    files = list(named_files(declaration))
    if not files:
        return
    for file in files:
        yield _file(declaration, file)
    found = landed(declaration, files)
    nowhere: dict[tuple[str, int], list[Landed]] = {}
    for each in found:
        if each.landing.api:
            yield from _finding(context, each)
        else:
            nowhere.setdefault((each.file.api, each.file.index), []).append(each)
    for file in files:
        yield from _unplaced(file, nowhere.get((file.api, file.index), []))
        yield from _unknown(declaration, file)


def _file(declaration: Declaration, file: NamedFile) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "findings-file-changed", api_subject(file.api)
    if file.found is None:
        return judge.unclear(check, subject, file.at, f"findings of API `{file.api}` are not known: {file.problem}")
    count = len(file.found.findings)
    what = f"`{file.entry.file}` holds {count} finding{'s' * (count != 1)} ({file.found.format})"
    if file.changed:
        at = declaration.locate("apis", file.api, "pen_test", "findings", file.index, "sha256")
        return judge.failed(check, subject, at, f"{what}, and is not the file that was declared")
    if file.entry.sha256 is None:
        return judge.unclear(check, subject, file.at, f"{what}, and no digest says that it is still what was reported")
    return judge.passed(check, subject, file.at, f"{what}, and is the file that was declared")


def subject_of(each: Landed) -> str:
    """The operation that a finding is about, or the API."""
    landing = each.landing
    return operation_subject(landing.api, landing.operation) if landing.operation else api_subject(landing.api)


def place_of(declaration: Declaration, each: Landed) -> tuple[Location, ...]:
    """Where in a contract the operation of a finding stands; nothing where it has none."""
    contract = declaration.contracts[each.landing.api]
    operation = next((o for o in contract.operations if o.id == each.landing.operation), None)
    return (contract.locate(operation.pointer),) if operation else ()


def words(each: Landed) -> str:
    """A finding in a sentence's beginning: who reports what, where, on which parameter, under which id."""
    finding = each.finding
    parameter = f" (parameter `{finding.parameter}`)" if finding.parameter else ""
    where = cleaned(finding.url, _LONGEST_URL) or (str(finding.place) if finding.place else "")
    method = f"{finding.method} " if finding.method else ""
    return f"{finding.tool} reports `{finding.title}` at {method}{where}{parameter} [{finding.key}]"


def _finding(context: Context, each: Landed) -> Iterator[Verdict]:
    declaration, judge = context.declaration, _judge(_CONTROL)
    subject, check = subject_of(each), "imported-finding-open"
    test = declaration.model.apis[each.file.api].pen_test
    related = place_of(declaration, each)
    if each.said_fixed and test is not None and test.retest is not None and test.last <= test.retest <= context.today:
        sentence = f"{words(each)}; seen to be mended on {test.retest.isoformat()}"
        yield judge.passed(check, subject, each.file.at, sentence)
        return
    fix = (
        f"mend it, have it tested again, and write `{each.finding.key}` under `fixed:` of the file, with `retest: DAY`"
    )
    why = f" ({each.landing.why})" if each.landing.why else ""
    claimed = "; said to be mended, by no retest" if each.said_fixed else ""
    yield judge.failed(
        check,
        subject,
        each.file.at,
        words(each) + claimed + why,
        fix=fix,
        severity=each.finding.severity,
        confidence=Confidence.MEDIUM,
        related=related,
    )
    if test is not None:
        yield _waiting(context, each, test, subject)


def _waiting(context: Context, each: Landed, test: PenTest, subject: str) -> Verdict:
    judge, check = _judge(_CONTROL), "finding-not-retested"
    allowed = timedelta(seconds=context.declaration.model.security_testing.retest_age)
    dates = (test.last, test.retest, each.file.entry.reported)
    # What is yet to come has shown nothing.
    since = max((d for d in dates if d is not None and d <= context.today), default=date.min)
    at = context.declaration.locate("apis", each.file.api, "pen_test", "retest")
    told = f"`{each.finding.title}` [{each.finding.key}] was seen or tested last on {since.isoformat()}"
    if context.today - since > allowed:
        return judge.failed(check, subject, at, f"{told}, and may wait no longer than {allowed.days} days")
    return judge.passed(check, subject, at, f"{told}, no longer than {allowed.days} days ago")


def _unplaced(file: NamedFile, nowhere: list[Landed]) -> Iterator[Verdict]:
    """Findings that belong to nothing that is declared: told with the reason, and never dropped."""
    judge, check = _judge(_CONTROL), "finding-without-operation"
    if nowhere:
        shown = "; ".join(f"{words(e)}: {e.landing.why}" for e in nowhere[:_SHOWN])
        more = (
            f"; and {len(nowhere) - _SHOWN} more (`assay findings list` has them all)" if len(nowhere) > _SHOWN else ""
        )
        yield judge.unclear(
            check,
            api_subject(file.api),
            file.at,
            f"{len(nowhere)} of `{file.entry.file}` belong to no API: {shown}{more}",
        )


def _unknown(declaration: Declaration, file: NamedFile) -> Iterator[Verdict]:
    """Ids under `fixed` that no finding has: what somebody believes to be mended may be open."""
    if file.found is None:
        return
    judge, check = _judge(_CONTROL), "fixed-finding-unknown"
    known = {name for f in file.found.findings for name in (f.key, f.id)}
    for number, name in enumerate(file.entry.fixed):
        if name not in known:
            at = declaration.locate("apis", file.api, "pen_test", "findings", file.index, "fixed", number)
            sentence = f"`{name}` is said to be mended, and no finding of `{file.entry.file}` has that id"
            yield judge.failed(check, api_subject(file.api), at, sentence)
