"""Penetration tests: there, in date, of the whole of what is exposed, and as the report says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, in_production
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.declare.model import Api, Level, PenTest
from assay.declare.selectors import selected
from assay.domain import Location, Severity, Verdict
from assay.importing.findings.declared import digest_of_file
from assay.sensitivity.bodies import labels
from assay.sensitivity.levels import highest, rank

_CONTROL = "security_testing"
_SHOWN = 5
_DAY = 86_400


def level_of_api(declaration: Declaration, api_id: str) -> Level:
    """The highest level of the data that an API's bodies carry."""
    found = (highest(declaration.model.data[d]) for d in labels(declaration, api_id).data)
    return max(found, key=rank, default="public")


def weight(declaration: Declaration, api_id: str, api: Api) -> Severity | None:
    """How grave it is that an API is not tested: by who can reach it, and the level of its data. None: it need not be.

    Nobody depends on what is not in production, so that is grave nowhere.
    """
    restricted = rank(level_of_api(declaration, api_id)) >= rank("restricted")
    found: Severity | None = {
        ("public", True): Severity.HIGH,
        ("public", False): Severity.MEDIUM,
        ("partner", True): Severity.MEDIUM,
        ("partner", False): Severity.LOW,
        ("internal", True): Severity.LOW,
    }.get((api.exposure, restricted))
    if found is not None and not in_production(declaration, api.environment):
        return Severity.LOW
    return found


def pen_tests(context: Context, api_id: str, api: Api) -> Iterator[Verdict]:
    """Judges one API's penetration test."""
    declaration, judge, subject = context.declaration, _judge(_CONTROL), api_subject(api_id)
    grave = weight(declaration, api_id, api)
    at = declaration.places.key("apis", api_id)
    if api.pen_test is None:
        check = "exposed-api-untested"
        if grave is None or api.product.lifecycle == "design":
            why = "in design" if api.product.lifecycle == "design" else "for callers inside, without restricted data"
            yield judge.not_applicable(check, subject, at, f"API `{api_id}` is {why}")
        else:
            level = level_of_api(declaration, api_id)
            sentence = f"nothing says that API `{api_id}`, exposed as {api.exposure} with {level} data, was ever tested"
            yield judge.failed(check, subject, at, sentence, severity=grave)
        return
    last = declaration.locate("apis", api_id, "pen_test", "last")
    sentence = f"API `{api_id}` was tested on {api.pen_test.last.isoformat()}"
    yield judge.passed("exposed-api-untested", subject, last, sentence)
    yield _in_date(context, api_id, api.pen_test, grave)
    yield _by_whom(declaration, api_id, api, api.pen_test, grave)
    yield _report(declaration, api_id, api.pen_test)
    yield from _scope(declaration, api_id, api.pen_test, grave)


def _in_date(context: Context, api_id: str, test: PenTest, grave: Severity | None) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "pen-test-out-of-date", api_subject(api_id)
    at = context.declaration.locate("apis", api_id, "pen_test", "last")
    allowed = timedelta(seconds=context.declaration.model.security_testing.pen_test_age)
    if test.last > context.today:
        sentence = f"the penetration test of API `{api_id}` is dated {test.last.isoformat()}, which is yet to come"
        return judge.failed(check, subject, at, sentence, severity=grave or Severity.LOW)
    told = f"the penetration test of API `{api_id}` is from {test.last.isoformat()}"
    if context.today - test.last > allowed:
        sentence = f"{told}, and may be no older than {allowed.days} days"
        return judge.failed(check, subject, at, sentence, severity=grave or Severity.LOW)
    return judge.passed(check, subject, at, f"{told}, no older than {allowed.days} days")


def _by_whom(declaration: Declaration, api_id: str, api: Api, test: PenTest, grave: Severity | None) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "pen-test-by-insiders", api_subject(api_id)
    at = declaration.locate("apis", api_id, "pen_test", "by")
    if test.by == "third-party":
        return judge.passed(check, subject, at, f"API `{api_id}` was tested by a third party")
    if grave is None or api.exposure == "internal":
        return judge.passed(check, subject, at, f"API `{api_id}` was tested by insiders, who are its only callers")
    return judge.failed(
        check, subject, at, f"API `{api_id}` is exposed as {api.exposure}, and was tested by insiders only"
    )


def _report(declaration: Declaration, api_id: str, test: PenTest) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "pen-test-report-changed", api_subject(api_id)
    if test.report is None:
        at = declaration.locate("apis", api_id, "pen_test")
        return judge.unclear(check, subject, at, f"no report shows that API `{api_id}` was tested")
    at = declaration.locate("apis", api_id, "pen_test", "report", "sha256")
    file, declared = test.report.file, test.report.sha256.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", declared):
        return judge.failed(check, subject, at, f"the digest of `{file}` is no SHA-256: 64 hexadecimal digits")
    found = digest_of_file(declaration.root / file)
    if found is None:
        at = declaration.locate("apis", api_id, "pen_test", "report", "file")
        return judge.unclear(check, subject, at, f"the report `{file}` of API `{api_id}` is not there to be compared")
    if found != declared:
        return judge.failed(check, subject, at, f"the report `{file}` is not the one that was declared: {found[:12]}…")
    return judge.passed(check, subject, at, f"the report `{file}` of API `{api_id}` is the one that was declared")


def _scope(declaration: Declaration, api_id: str, test: PenTest, grave: Severity | None) -> Iterator[Verdict]:
    judge, check, subject = _judge(_CONTROL), "pen-test-scope-incomplete", api_subject(api_id)
    operations = [o.id for o in declaration.operations(api_id)]
    if not test.scope:
        at = declaration.locate("apis", api_id, "pen_test")
        yield judge.unclear(check, subject, at, f"nothing says which operations of API `{api_id}` were tested")
        return
    at = declaration.locate("apis", api_id, "pen_test", "scope")
    tested = set(selected(test.scope, operations))
    left = [o for o in operations if o not in tested]
    if left:
        shown = ", ".join(f"`{o}`" for o in left[:_SHOWN]) + (
            f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        )
        contract = declaration.contracts[api_id]
        places = {o.id: o.pointer for o in contract.operations}
        related: tuple[Location, ...] = tuple(contract.locate(places[o]) for o in left[:_SHOWN])
        sentence = f"{len(left)} of {len(operations)} operations of API `{api_id}` were not tested: {shown}"
        severity = min(grave or Severity.LOW, Severity.MEDIUM, key=lambda s: s.rank)
        yield judge.failed(check, subject, at, sentence, severity=severity, related=related)
    else:
        yield judge.passed(check, subject, at, f"all {len(operations)} operations of API `{api_id}` were tested")
