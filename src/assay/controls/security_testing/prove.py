"""Proof that what was reported is mended: the reported request is sent again, as far as it may be.

Only the path, the query, the body and harmless headers of a report are used. The host is always the declared target, so
a report cannot send this run anywhere else; payloads that would make the system itself call out are not sent at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, unquote, unquote_plus

from assay.controls._lib.answers import Answer, ask, callers, real_object, works
from assay.controls._lib.proving import test_of
from assay.controls.security_testing.imported import subject_of
from assay.importing.findings.declared import Landed, landed, named_files
from assay.importing.findings.finding import ImportedFinding, Request, holds
from assay.prove.case import Call, Case, Family, Judged, Lab, NotReached, Run, Seen, Thing, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_CONTROL = "security_testing"
_READING = frozenset({"GET", "HEAD"})
_OUTSIDE = re.compile(
    r"(?i)[a-z][a-z0-9+.-]{1,20}:/{1,2}[^/\s]|(?:^|[=\s\"'({,])//[^/\s]|\\\\[a-z0-9]|jndi:|oast\.|interact\.sh|burpcollab|"
    r"\b(?:curl|wget|ping|nslookup|dig|ncat?|telnet|ssh|ftp)\b\s"
)
_CHANGING = re.compile(
    r"(?i)\b(?:drop|truncate|alter|create|grant|revoke)\s+\w|\bdelete\s+from\b|\binsert\s+into\b|\bupdate\s+\S+\s+set\b|"
    r"\bshutdown\b|xp_cmdshell|\brm\s+-|\bkill\b|\breboot\b|\$(?:set|unset|push|out|merge)\b|/etc/shadow|>\s*/"
)
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
_WHO_IT_IS = ("authentication", "network_ranges", "layered_architecture", "environment_segregation")
"""Controls that refuse a caller for who or where it is, whatever it asks for: that shows nothing about a request."""
_WHO_MAY = (*_WHO_IT_IS, "authorisation")
"""Controls that look at the caller before anything looks at the request."""
_OF_A_PAGE = frozenset({"referer", "origin"})


def prove(surface: Surface) -> Iterator[Case]:
    """A case for every imported finding about an operation that is tested here."""
    if not any(api.pen_test and api.pen_test.findings for api in surface.declaration.model.apis.values()):
        return
    targets = {(t.api, t.id): t for t in surface.targets}
    for each in landed(surface.declaration, list(named_files(surface.declaration))):
        target = targets.get((each.landing.api, each.landing.operation))
        if target is not None:
            yield _case(surface, target, each)


def _case(surface: Surface, target: Target, each: Landed) -> Case:
    finding = each.finding
    persona = next(iter(callers(surface, target)), None)
    writing = target.writes or _changes(finding.request)
    return Case(
        test=test_of(_CONTROL, "reported-finding-still-works"),
        subject=subject_of(each),
        at=each.file.at,
        api=target.api,
        operation=target.id,
        identity=persona.name if persona and finding.request and finding.request.authenticated else "anonymous",
        variant=finding.key,
        family=Family.CROSS_WRITE if writing else Family.READ,
        requests=4,
        writes=3 if writing else 0,
        run=_retested(target, persona, finding),
    )


def _retested(target: Target, persona: Persona | None, finding: ImportedFinding) -> Run:
    async def run(lab: Lab) -> Judged:
        request = _sendable(lab, target, finding)
        # The ordinary request first: the way is open, and what its answer holds shows nothing.
        thing, who = await real_object(lab, target, persona) if persona else (None, None)
        draft = lab.draft(target, thing)
        good = await works(lab, lab.request(target, draft, who, purpose="an ordinary request"))
        attack = Call(
            method=finding.method or target.operation.method.upper(),
            target=_target(target, finding, request, thing),
            who=who if request.authenticated else None,
            headers=tuple((n, v) for n, v in request.headers if n not in _OF_A_PAGE),
            body=request.body.encode() if request.body is not None else None,
            content_type=request.content_type,
            purpose="the reported request",
            api=target.api,
        )
        answer = await ask(lab, attack)
        if attack.who is not None or who is None or not (answer.at_gateway and answer.policy.startswith(_WHO_MAY)):
            return _judged(finding, answer, good)
        # Many tools leave credentials out of what they export. So that nobody was let in shows little: the same again,
        # by somebody who may call.
        again = await ask(lab, replace(attack, who=who, purpose="the reported request, by somebody who may call"))
        if finding.marks and holds(finding.marks, again.seen.text, again.seen.json()) and _ordinary(finding, good):
            sentence = f"{_named(finding)} is mended: without a credential it is refused by `{answer.policy}`"
            return held(sentence, answer.seen)
        return _judged(finding, again, good)

    return run


def _ordinary(finding: ImportedFinding, good: Seen) -> bool:
    """Whether the content that was reported is what rightful callers get."""
    return holds(finding.marks, good.text, good.json())


def _named(finding: ImportedFinding) -> str:
    return f"`{finding.title}` [{finding.key}]"


def _sendable(lab: Lab, target: Target, finding: ImportedFinding) -> Request:
    """The request of a finding, when it can be sent again as it was and may be.

    Raises:
        NotReached: with what stands in the way.
    """
    request = finding.request
    if request is None:
        raise NotReached("the report does not hold the request")
    if request.redacted:
        raise NotReached("the reported request held secrets, which are not kept, so it cannot be sent again")
    payload = _payload(request)
    if _OUTSIDE.search(payload):
        raise NotReached(
            "the reported payload names another host or calls out, and nothing is sent that could reach it"
        )
    harmless = (finding.method or target.operation.method.upper()) in _READING and not _changing(payload)
    if not harmless and not lab.surface.allow_writes:
        raise NotReached("the reported request may change something; allow writes to have it sent again")
    return request


def _payload(request: Request) -> str:
    values = (v for n, v in request.headers if n not in _OF_A_PAGE)
    text = "\n".join((request.target, request.body or "", *values))
    # Payloads are often encoded twice.
    return "\n".join((text, once := unquote_plus(text), unquote_plus(once)))


def _changing(payload: str) -> bool:
    return _CHANGING.search(payload) is not None


def _changes(request: Request | None) -> bool:
    return request is not None and _changing(_payload(request))


def _target(target: Target, finding: ImportedFinding, request: Request, thing: Thing | None) -> str:
    """The reported path under the tested base. An id that is not attacked becomes that of an object that exists.

    Raises:
        NotReached: the request went to another path than the finding, so a refusal of it would show nothing.
    """
    path, mark, query = request.target.partition("?")
    template = target.operation.path.split("/")[1:]
    reported = path.split("/")[-len(template) :]
    literal = [(part, sent) for part, sent in zip(template, reported, strict=False) if "{" not in part]
    if len(reported) != len(template) or any(part != unquote(sent) for part, sent in literal):
        raise NotReached(
            f"the report holds a request to `{path}`, which is not the operation that the finding is about"
        )
    segments = []
    for part, sent in zip(template, reported, strict=True):
        name = part[1:-1] if part.startswith("{") and part.endswith("}") else ""
        real = thing.params.get(name) if thing and name else None
        own = real is not None and name != finding.parameter and _PLAIN.fullmatch(sent)
        segments.append(quote(real, safe="") if own and real is not None else sent)
    return f"{target.base}/{'/'.join(segments)}{mark}{query}"


def _judged(finding: ImportedFinding, answer: Answer, good: Seen) -> Judged:
    seen, name = answer.seen, _named(finding)
    if answer.at_gateway and answer.policy.startswith(_WHO_IT_IS):
        return unclear(f"{name}: the gateway refused the caller (`{answer.policy}`), not the request", seen)
    if answer.at_gateway:
        return held(f"{name} is mended: the reported request is refused by policy `{answer.policy}`", seen)
    watching = answer.decision.observed if answer.decision else ()
    beside = f"; policy `{watching[0]}` would have refused it, and only observes" if watching else ""
    if finding.marks and holds(finding.marks, seen.text, seen.json()):
        if _ordinary(finding, good):
            return unclear(f"{name}: what the report shows stands in the answer to an ordinary request as well", seen)
        sentence = f"{name} still works: the answer holds the content that was reported{beside}"
        return broken(sentence, seen, severity=finding.severity)
    return unclear(f"{name}: the service answered {seen.status}, without the content that was reported{beside}", seen)
