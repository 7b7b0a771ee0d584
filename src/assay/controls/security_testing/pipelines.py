"""Pipelines, read as what they are: GitHub Actions, GitLab CI, Jenkinsfiles. Does a failed check end them?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assay.controls.security_testing.shell import Means, Use, runs_elsewhere, uses
from assay.domain import AssayError, Location
from assay.importing.source import Source, structured

_ON_CHANGES = frozenset({"push", "pull_request", "pull_request_target", "merge_group", "workflow_call"})
_ALWAYS = re.compile(r"\s*(\$\{\{)?\s*(always\(\)|success\(\)|true|!\s*cancelled\(\)|!\s*failure\(\))\s*(\}\})?\s*")
_GITLAB_WORDS = frozenset(
    {
        "after_script",
        "before_script",
        "cache",
        "default",
        "image",
        "include",
        "services",
        "spec",
        "stages",
        "variables",
        "workflow",
    }
)
_DEEP = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One run of ``assay COMMAND`` in a pipeline, and whether its failure ends the pipeline."""

    command: str
    means: Means
    why: str
    at: Location


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a pipeline file runs.

    Attributes:
        problem: why it could not be read; then nothing is known.
        elsewhere: it also runs other files, which may do what is looked for.
        on_changes: whether it runs when something changes; None where the file does not say.
    """

    file: str
    steps: tuple[Step, ...] = ()
    problem: str = ""
    elsewhere: bool = False
    on_changes: bool | None = None


def read_pipeline(text: str, file: str) -> Pipeline:
    """Reads a pipeline. Never raises: what cannot be read is told in ``problem``."""
    if re.search(r"(?i)jenkinsfile|\.groovy$", file) or re.match(r"\s*(//[^\n]*\n\s*)*(pipeline|node)\b\s*[({]", text):
        return _jenkins(text, file)
    try:
        source = structured(text, file)
    except AssayError as error:
        return Pipeline(file, problem=error.sentence)
    if not isinstance(source.value, dict):
        return Pipeline(file, problem="it is no mapping, as workflows and pipelines are")
    if isinstance(source.value.get("jobs"), dict):
        return _github(source, source.value, file)
    if any(isinstance(job, dict) and ("script" in job or "extends" in job) for job in source.value.values()):
        return _gitlab(source, source.value, file)
    return Pipeline(file, problem="it is neither a GitHub workflow nor a GitLab pipeline nor a Jenkinsfile")


# GitHub Actions -----------------------------------------------------------------------------------------------------


def _github(source: Source, document: dict[str, Any], file: str) -> Pipeline:
    steps: list[Step] = []
    elsewhere = False
    for name, job in document["jobs"].items():
        if not isinstance(job, dict):
            continue
        elsewhere |= isinstance(job.get("uses"), str)
        around = _condition(job)
        default = _shell(job) or _shell(document)
        for index, step in enumerate(_listed(job.get("steps"))):
            if not isinstance(step, dict):
                continue
            used = step.get("uses")
            elsewhere |= isinstance(used, str) and used.startswith("./")
            script = step.get("run")
            if not isinstance(script, str):
                continue
            elsewhere |= runs_elsewhere(script)
            # Asked for by name, bash gets `-o pipefail`; the shell that is taken by default does not.
            shell = step.get("shell") or default
            pipefail = shell == "bash"
            at = source.place(("jobs", name, "steps", index, "run"))
            steps += [_step(use, at, _condition(step), around) for use in uses(script, pipefail=pipefail)]
    return Pipeline(file, tuple(steps), elsewhere=elsewhere, on_changes=_on_changes(document.get("on")))


def _shell(holder: Mapping[str, Any]) -> object:
    defaults = holder.get("defaults")
    run = defaults.get("run") if isinstance(defaults, dict) else None
    return run.get("shell") if isinstance(run, dict) else None


def _condition(holder: Mapping[str, Any]) -> tuple[Means, str]:
    """What stands around a job or a step: may it fail, may it be left out?"""
    forgiven = holder.get("continue-on-error")
    if forgiven is True or forgiven == "true":
        return "ignored", "`continue-on-error` lets its failure pass"
    if forgiven not in (None, False, "false"):
        return "unclear", "whether its failure counts depends on an expression"
    when = holder.get("if")
    if when is None or when is True or (isinstance(when, str) and _ALWAYS.fullmatch(when)):
        return "gates", ""
    if when is False or (isinstance(when, str) and re.fullmatch(r"\s*(\$\{\{)?\s*false\s*(\}\})?\s*", when)):
        return "ignored", "`if: false` leaves it out"
    return "unclear", "it runs only under a condition"


def _on_changes(on: object) -> bool | None:
    if on is None:
        return None
    names = {on} if isinstance(on, str) else set(on) if isinstance(on, dict | list) else set()
    return bool(names & _ON_CHANGES)


def _step(use: Use, at: Location, *around: tuple[Means, str]) -> Step:
    """The run, as weak as the weakest of what stands around it."""
    weakest: tuple[Means, str] = (use.means, use.why)
    order = ("gates", "unclear", "ignored")
    for each in around:
        if order.index(each[0]) > order.index(weakest[0]):
            weakest = each
    return Step(use.command, *weakest, at)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


# GitLab CI ----------------------------------------------------------------------------------------------------------


def _gitlab(source: Source, document: dict[str, Any], file: str) -> Pipeline:
    steps: list[Step] = []
    elsewhere = "include" in document
    jobs = {n: j for n, j in document.items() if isinstance(j, dict) and n not in _GITLAB_WORDS}
    for name, job in jobs.items():
        if name.startswith("."):
            continue
        whole = _extended(job, jobs)
        elsewhere |= whole is None or "trigger" in job
        if whole is None:
            continue
        around = _gitlab_condition(whole)
        before = whole.get("before_script", _default(document).get("before_script", document.get("before_script")))
        # What comes before runs in the same shell, so a `set +e` there counts here.
        script = "\n".join((*_scripts(before), *_scripts(whole.get("script"))))
        after = "\n".join(_scripts(whole.get("after_script")))
        elsewhere |= runs_elsewhere(script)
        at = source.place((name, "script") if "script" in job else (name,))
        # Runners set `pipefail` in shells that know it.
        steps += [_step(use, at, around) for use in uses(script, pipefail=None)]
        steps += [_step(use, at, ("ignored", "`after_script` cannot fail a job")) for use in uses(after)]
    return Pipeline(file, tuple(steps), elsewhere=elsewhere)


def _default(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get("default")
    return found if isinstance(found, dict) else {}


def _extended(job: dict[str, Any], jobs: Mapping[str, dict[str, Any]], depth: int = 0) -> dict[str, Any] | None:
    """A job with what it extends beneath it; None when something it extends is not in this file."""
    named = job.get("extends")
    if named is None:
        return job
    whole: dict[str, Any] = {}
    for name in [named] if isinstance(named, str) else _listed(named):
        if not isinstance(name, str) or name not in jobs or depth > _DEEP:
            return None
        beneath = _extended(jobs[name], jobs, depth + 1)
        if beneath is None:
            return None
        whole |= beneath
    return {**whole, **job}


def _scripts(value: object, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth < _DEEP:
        for item in value:
            yield from _scripts(item, depth + 1)


def _gitlab_condition(job: Mapping[str, Any]) -> tuple[Means, str]:
    if job.get("allow_failure") is True:
        return "ignored", "`allow_failure: true` lets its failure pass"
    if job.get("allow_failure") not in (None, False):
        return "unclear", "some of its failures are let pass"
    when = [job.get("when")]
    rules = [r for r in _listed(job.get("rules")) if isinstance(r, dict)]
    if rules:
        when = [r.get("when", job.get("when")) for r in rules]
        if any(r.get("allow_failure") is True for r in rules):
            return "unclear", "under some rules its failure is let pass"
    if all(w in ("manual", "never") for w in when):
        return "ignored", "it runs only when somebody starts it, or never"
    return "gates", ""


# Jenkins ------------------------------------------------------------------------------------------------------------

_GROOVY = re.compile(
    r"//[^\n]*|/\*.*?\*/|'''(?P<a>.*?)'''|\"\"\"(?P<b>.*?)\"\"\"|'(?P<c>(?:[^'\\\n]|\\.)*)'|\"(?P<d>(?:[^\"\\\n]|\\.)*)\"",
    re.DOTALL,
)
_SHELL_BEFORE = re.compile(r"(?:\b(?:sh|bat)\s*\(?|\bscript\s*:)\s*$")
_STATUS = re.compile(r"returnStatus\s*:\s*true")
_DOUBTS = (
    (re.compile(r"\bcatchError\b|\btry\s*\{|\bwarnError\b"), "failures may be caught around it"),
    (re.compile(r"\bwhen\s*\{|\bif\s*\("), "it may run only under a condition"),
)


def _jenkins(text: str, file: str) -> Pipeline:
    """Every `sh` step of a Jenkinsfile. Groovy is a programming language: what stands around a step is only searched
    for words that could make its failure count for nothing; where there are any, nothing is claimed."""
    code, end = "", 0
    scripts: list[tuple[str, int, bool]] = []
    for found in _GROOVY.finditer(text):
        code += text[end : found.start()]
        end = found.end()
        script = next((g for g in found.group("a", "b", "c", "d") if g is not None), None)
        if script is not None and _SHELL_BEFORE.search(code):
            around = text[text.rfind("\n", 0, found.start()) + 1 : found.start()] + text[end:].partition("\n")[0]
            scripts.append((script, text.count("\n", 0, found.start()) + 1, bool(_STATUS.search(around))))
        code += "''" if script is not None else " "
    code += text[end:]
    doubt = next((why for pattern, why in _DOUBTS if pattern.search(code)), "")
    steps: list[Step] = []
    for script, line, status in scripts:
        means: tuple[Means, str] = ("unclear", doubt) if doubt else ("gates", "")
        if status:
            means = ("ignored", "`returnStatus: true` keeps its failure from ending the pipeline")
        body = script.replace("\\'", "'").replace('\\"', '"').replace("\\n", "\n")
        steps += [_step(use, Location(file, line + use.line), means) for use in uses(body)]
    elsewhere = any(runs_elsewhere(s) for s, _, _ in scripts) or re.search(r"@Library|\bload\b|\blibrary\b", code)
    return Pipeline(file, tuple(steps), elsewhere=bool(elsewhere))
