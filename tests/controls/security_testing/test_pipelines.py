"""Pipelines: a gate is a step whose failure stops the change; whatever hides the failure is none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.controls.security_testing.pipelines import Pipeline, read_pipeline
from assay.controls.security_testing.shell import uses


def means(script: str, **more: bool) -> list[tuple[str, str]]:
    return [(u.command, u.means) for u in uses(script, **more)]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("assay check", "gates"),
        ("pip install assay && assay check --format github", "gates"),
        ("CRM_DSN=x uv run --frozen assay check .", "gates"),
        (".venv/bin/assay check", "gates"),
        ("python -m assay check", "gates"),
        ("python3.12 -m assay check", "gates"),
        ("assay check \\\n  --fail-on low", "gates"),
        ("assay check || exit 1", "gates"),
        ("set -o pipefail\nassay check | tee out", "gates"),
        ("assay check > out.txt", "gates"),
        ("# a comment\nassay check # and another", "gates"),
        ("assay check || true", "ignored"),
        ("assay check || exit 0", "ignored"),
        ("assay check || echo failed", "ignored"),
        ("assay check | tee out", "ignored"),
        ("assay check &", "ignored"),
        ("assay check --fail-on never", "ignored"),
        ("assay check --fail-on=never", "ignored"),
        ("assay check --help", "ignored"),
        ("set +e\nassay check", "ignored"),
        ("set +e\nset -e\nassay check", "gates"),
        ("if assay check; then echo fine; fi", "unclear"),
        ("! assay check", "unclear"),
        ("(assay check)", "unclear"),
        ("echo 'unfinished\nassay check", "gates"),
        ('sh -c "assay check', "unclear"),
    ],
)
def test_a_run_gates_only_when_its_failure_ends_the_script(script: str, expected: str) -> None:
    assert means(script)[-1] == ("check", expected)


@pytest.mark.parametrize("script", ["echo assay check", "# assay check", "assay-other check", "make check", ""])
def test_what_only_looks_like_it_is_no_run(script: str) -> None:
    assert means(script) == []


def steps(pipeline: Pipeline) -> list[tuple[str, str]]:
    assert pipeline.problem == ""
    return [(s.command, s.means) for s in pipeline.steps]


GITHUB = """\
on: {on}
jobs:
  a:
    runs-on: x
    {job}
    steps:
      - uses: actions/checkout@v4
      - run: {run}
        {step}
"""


def github(
    on: str = "[push]", job: str = "timeout-minutes: 5", run: str = "assay check", step: str = "name: x"
) -> Pipeline:
    return read_pipeline(GITHUB.format(on=on, job=job, run=run, step=step), ".github/workflows/a.yml")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "gates"),
        ({"step": "if: always()"}, "gates"),
        ({"step": "if: ${{ success() }}"}, "gates"),
        ({"step": "continue-on-error: true"}, "ignored"),
        ({"job": "continue-on-error: true"}, "ignored"),
        ({"step": "if: false"}, "ignored"),
        ({"step": "if: github.ref == 'refs/heads/main'"}, "unclear"),
        ({"job": "if: github.actor != 'bot'"}, "unclear"),
        ({"step": "continue-on-error: ${{ inputs.lax }}"}, "unclear"),
        ({"run": "assay check | tee out"}, "ignored"),
        ({"run": "assay check | tee out", "step": "shell: bash"}, "gates"),
    ],
)
def test_github_steps(change: dict[str, str], expected: str) -> None:
    assert steps(github(**change)) == [("check", expected)]


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("push", True),
        ("[workflow_dispatch]", False),
        ("{pull_request: {branches: [main]}}", True),
        ("{schedule: [{cron: '0 0 * * *'}]}", False),
    ],
)
def test_github_workflows_say_when_they_run(on: str, expected: bool) -> None:
    assert github(on=on).on_changes is expected


def test_github_workflows_that_call_others_may_run_anything_there() -> None:
    assert read_pipeline("jobs: {a: {uses: ./.github/workflows/b.yml}}", "a.yml").elsewhere
    assert github(run="make security").elsewhere
    assert not github(run="pytest").elsewhere


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {script: [assay check]}", [("check", "gates")]),
        ("a: {script: assay check}", [("check", "gates")]),
        ("a: {script: [assay check | tee out]}", [("check", "unclear")]),
        ("a: {script: [set -o pipefail, assay check | tee out]}", [("check", "gates")]),
        ("a: {before_script: [set +e], script: [assay check]}", [("check", "ignored")]),
        ("default: {before_script: [set +e]}\na: {script: [assay check]}", [("check", "ignored")]),
        ("before_script: [ls]\na: {script: [assay check]}", [("check", "gates")]),
        ("a: {script: [assay check], allow_failure: true}", [("check", "ignored")]),
        ("a: {script: [assay check], allow_failure: {exit_codes: [1]}}", [("check", "unclear")]),
        ("a: {script: [assay check], when: manual}", [("check", "ignored")]),
        ("a: {script: [assay check], rules: [{if: $X, when: manual}]}", [("check", "ignored")]),
        ("a: {script: [assay check], rules: [{if: $X}]}", [("check", "gates")]),
        ("a: {script: [true], after_script: [assay check]}", [("check", "ignored")]),
        (".a: {script: [assay check]}\nb: {script: [ls]}", []),
        (".a: {script: [assay check]}\nb: {extends: .a}", [("check", "gates")]),
        (".a: {script: [assay check], allow_failure: true}\nb: {extends: [.a]}", [("check", "ignored")]),
        ("a: {extends: a, script: [assay check]}", []),
    ],
)
def test_gitlab_jobs(text: str, expected: list[tuple[str, str]]) -> None:
    assert steps(read_pipeline(text, ".gitlab-ci.yml")) == expected


def test_gitlab_files_that_include_others_may_run_anything_there() -> None:
    assert read_pipeline("include: other.yml\na: {script: [ls]}", ".gitlab-ci.yml").elsewhere
    assert read_pipeline("a: {extends: .elsewhere, script: [ls]}", ".gitlab-ci.yml").elsewhere


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("sh 'assay check'", "gates"),
        ('sh "assay check"', "gates"),
        ("sh '''\n  pip install assay\n  assay check\n'''", "gates"),
        ("sh(script: 'assay check')", "gates"),
        ("sh(label: 'design', script: 'assay check')", "gates"),
        ("sh(script: 'assay check', returnStatus: true)", "ignored"),
        ("sh 'assay check || true'", "ignored"),
        ("catchError { sh 'assay check' }", "unclear"),
        ("try { sh 'assay check' } catch (e) { }", "unclear"),
    ],
)
def test_jenkinsfiles(body: str, expected: str) -> None:
    text = f"// CI\npipeline {{ stages {{ stage('a') {{ steps {{ {body} }} }} }} }}"
    assert steps(read_pipeline(text, "Jenkinsfile")) == [("check", expected)]


@pytest.mark.parametrize("body", ["// sh 'assay check'", "echo 'assay check'", "/* sh 'assay check' */"])
def test_comments_and_words_in_jenkinsfiles_are_no_steps(body: str) -> None:
    assert steps(read_pipeline(f"node {{\n{body}\n}}", "Jenkinsfile")) == []


@pytest.mark.parametrize("text", ["", "[1]", "a: 1", "jobs: [", "!x {a: 1}", "a: {script: !reference [.b, script]}"])
def test_what_is_no_pipeline_is_said_to_be_none(text: str) -> None:
    assert read_pipeline(text, "a.yml").problem


@given(st.text(max_size=200), st.sampled_from(["a.yml", "Jenkinsfile", ".gitlab-ci.yml"]))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_said_to_be_no_pipeline(text: str, file: str) -> None:
    read_pipeline(text, file)
    list(uses(text))
    read_pipeline(f"jobs: {{a: {{steps: [{{run: {text!r}}}]}}}}", file)
