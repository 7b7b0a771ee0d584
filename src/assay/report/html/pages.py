"""The pages of a report: one light page with everything that matters, and a page for every control."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from htpy import Element, Node, a, b, details, div, figcaption, figure, h1, h2, h3, h4, li, ol, p, pre, span, summary

from assay.assurance.objectives import Side, Standing, Status
from assay.domain import Outcome
from assay.prove.result import Proof
from assay.report.dossier import Dossier, age
from assay.report.html import control as control_page
from assay.report.html import exceptions, frameworks, maturity, pictures, risks
from assay.report.html import organisation as organisation_page
from assay.report.html.parts import chip, facts, grid, mono, page, style
from assay.report.results import contribution

STYLES = "assay.css"
_WORST = 8
_NAMED = 3


def pages(dossier: Dossier) -> Mapping[str, str]:
    """Every file of the report, by its name: ``index.html``, one page a control, the style sheet."""
    made = {"index.html": _index(dossier), STYLES: style()}
    for note in dossier.controls:
        made[f"control-{note.id}.html"] = control_page.render(dossier, note, STYLES)
    made |= organisation_page.pages(dossier, STYLES)
    found = dossier.judgement
    made |= risks.pages(dossier.organisation, found.register, STYLES)
    made |= maturity.pages(dossier.organisation, found, STYLES)
    if found.coverages:
        made[frameworks.PAGE] = frameworks.render(dossier.organisation, found.coverages, STYLES)
    return made


def _short(title: str) -> str:
    """The names of the APIs, or how many they are when nobody would read them in a heading."""
    names = title.split(", ")
    return title if len(names) <= _NAMED else f"{len(names)} APIs"


def _index(dossier: Dossier) -> str:
    title = f"{dossier.organisation}: {_short(dossier.title)}"
    content = [
        p(".brand")["Assay · API security report"],
        h1[title],
        p(".lead")[_in_a_sentence(dossier)],
        _about(dossier),
        _tiles(dossier),
        h2["Posture"],
        figure[
            pictures.posture(dossier),
            figcaption[
                "Declared is not applied, applied is not verified, verified once is not verified now. "
                "– means that nobody looked."
            ],
        ]
        if dossier.standings
        else p["No objective is declared. Write some under `objectives:`, so that there is something to hold."],
        _changed(dossier),
        _risks(dossier),
        h2["Objectives"],
        [_objective(dossier, s) for s in dossier.standings],
        _exceptions(dossier),
        h2["Findings on the running system"],
        list(_findings(dossier)),
        h2["Controls"],
        _controls(dossier),
        _contribution(dossier),
        _organisation(dossier),
        _frameworks(dossier),
        _maturity(dossier),
        h2["What was not tested"],
        _unreached(dossier),
        h2["Evidence, and how to check it"],
        _evidence(dossier),
        h2["Method and limits"],
        _method(),
    ]
    return page(title, content, styles=STYLES, foot=f"{dossier.tool} · {_moment(dossier.now)}")


def _in_a_sentence(dossier: Dossier) -> str:
    total = len(dossier.standings)
    held = sum(s.status is Status.EFFECTIVE for s in dossier.standings)
    failed = [s.id for s in dossier.standings if s.status in (Status.FAILED, Status.DEVIATION)]
    words = (
        f"{held} of {total} objectives are effective: proven on the running system, with evidence that has not expired."
    )
    if failed:
        words += f" Not held: {', '.join(failed)}."
    return words


def _about(dossier: Dossier) -> Element:
    run = dossier.run
    same = "the same as declared" if dossier.live == dossier.wanted else "NOT what the declaration says now"
    return facts(
        ("judged at", _moment(dossier.now)),
        ("declaration", mono(dossier.declaration_digest[:16])),
        ("applied configuration", [mono(dossier.live[:16]), f" – {same}"] if dossier.live else "none was ever applied"),
        (
            "proven",
            f"{_moment(run.started)}, run {run.id}, {run.requests} requests at {run.target}" if run else "never",
        ),
        ("stopped early", run.stopped if run else ""),
        ("left behind", "; ".join(run.left) if run else ""),
        ("witnessed", (dossier.evidence.witnessed or "no") if dossier.evidence else "no"),
    )


def _tiles(dossier: Dossier) -> Element:
    proofs = dossier.proofs
    conclusive = sum(x.verdict.outcome in (Outcome.PASS, Outcome.FAIL) for x in proofs)
    failed = sum(x.verdict.outcome is Outcome.FAIL and not x.verdict.excepted_by for x in proofs)
    open_ = sum(x.verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.ERROR) for x in proofs)
    design = sum(v.is_finding for v in dossier.design)
    shown = (
        (
            f"{sum(s.status is Status.EFFECTIVE for s in dossier.standings)}/{len(dossier.standings)}",
            "objectives effective",
        ),
        (str(conclusive), "proofs concluded"),
        (str(failed), "proofs failed"),
        (str(open_), "proofs inconclusive"),
        (str(design), "findings of design"),
    )
    return div(".tiles")[[div(".tile")[b[value], span[name]] for value, name in shown]]


def _changed(dossier: Dossier) -> Node:
    if dossier.trend is None:
        return None
    found = dossier.trend
    since = f" since {_moment(dossier.compared)}" if dossier.compared else ""
    rows = [
        (name, str(len(group)), ", ".join(m.key for m in group[:6]) + (" …" if len(group) > 6 else ""))
        for name, group in (
            ("new", found.new),
            ("still open", found.still_open),
            ("fixed", found.fixed),
            ("failed before, not concluded now", found.unknown),
        )
    ]
    expiring = sorted((s.expires, s.id) for s in dossier.standings if s.expires and s.status is Status.EFFECTIVE)
    return [
        h2[f"What changed{since}"],
        grid(("failures", "number#", "cases"), rows),
        p[f"Expires next: {expiring[0][1]}, {_moment(expiring[0][0])}."] if expiring else None,
    ]


def _objective(dossier: Dossier, standing: Standing) -> Element:
    names = [a(href=f"control-{c}.html")[c] for c in standing.objective.controls]
    return div(".card", id=f"objective-{standing.id}")[
        h3[standing.id, " ", chip(standing.status)],
        p[standing.objective.statement],
        p(".small")[
            f"{standing.objective.category} · wanted: {standing.objective.target.coverage} of the proofs, evidence not "
            f"older than {age(standing.objective.target.evidence_age)} · controls: ",
            [[", " if i else "", name] for i, name in enumerate(names)],
        ],
        div(".two")[_side("Design", standing.design), _side("Operation", standing.operating)],
        p(".small")[
            f"Why {standing.status}: {standing.reason}. ",
            f"Oldest evidence it rests on: {age(standing.evidence_age)}."
            if standing.evidence_age is not None
            else None,
        ],
        details[summary[f"evidence records: {len(standing.evidence)}"], p(".mono.small")[" ".join(standing.evidence)]]
        if standing.evidence
        else None,
    ]


def _side(name: str, side: Side) -> Element:
    counted = f"population {side.population}, sample {side.sample}, deviations {side.deviations}"
    if name == "Operation" and side.sample and side.sample < side.population:
        counted += f"; at most {side.bound:.1%} of them fail (95 % confidence)"
    return div[
        h4[name],
        p[chip(side.outcome), " ", side.sentence],
        p(".small")[counted] if side.population else None,
        [p(".small")["· ", f] for f in side.findings[:5]],
        p(".small")[f"and {len(side.findings) - 5} more"] if len(side.findings) > 5 else None,
    ]


def _findings(dossier: Dossier) -> Iterator[Node]:
    found = dossier.findings
    if not found:
        yield p[
            "None: everything that was concluded held."
            if dossier.proofs
            else "Nothing was tried yet: run `assay prove`."
        ]
    failed = [x for x in found if x.verdict.outcome is Outcome.FAIL]
    for proof in failed[:60]:
        yield finding(proof, dossier.root)
    if len(failed) > 60:
        yield p[f"{len(failed) - 60} more are on the pages of their controls."]
    vague = [x for x in found if x.verdict.outcome is not Outcome.FAIL]
    if vague:
        yield h3[f"Not concluded ({len(vague)})"]
        rows = [(mono(x.case), chip(x.verdict.outcome), x.verdict.sentence) for x in vague[:200]]
        yield div(".wide")[grid(("case", "outcome", "why"), rows)]


def finding(proof: Proof, root: str = "") -> Element:
    """A failure with everything that is needed to understand it, repeat it and mend it. ``root``: as of a dossier."""
    verdict = proof.verdict
    return div(".card")[
        h3[chip(verdict.severity), " ", verdict.sentence],
        p[verdict.reason] if verdict.reason else None,
        facts(
            ("case", mono(proof.case)),
            ("where", mono(str(verdict.location.below(root)))),
            ("as", proof.identity),
            ("let through by", proof.let_through_by or ""),
            ("refused by", proof.refused_by or ""),
            ("fix", verdict.fix.sentence if verdict.fix else ""),
            ("evidence", mono(" ".join(proof.evidence)) if proof.evidence else ""),
        ),
        pre[proof.reproduce] if proof.reproduce else None,
        p(".small")["Again: ", mono(f"assay prove --replay '{proof.case}'")],
    ]


def _organisation(dossier: Dossier) -> Node:
    note = dossier.organisation_note
    if note is None or note.empty:
        return None
    above = sum(b.above for b in note.blends)
    flagged = sum(bool(account.flags) for account in note.accounts)
    wrong = sum(bool(call.wrong) for call in note.layers.calls) if note.layers else 0
    return [
        h2["Data, privilege, layers"],
        p[
            f"{above} of {len(note.blends)} principals can put together more than they are cleared for; "
            f"{flagged} of {len(note.accounts)} integration accounts need somebody; "
            f"{wrong} calls go against the architecture. ",
            a(href=organisation_page.PAGE)["Maps, derivations and what would help"],
        ],
    ]


def _risks(dossier: Dossier) -> Node:
    found = dossier.judgement.register
    if found is None or not found.rows:
        return None
    return [
        h2["Risks"],
        p[risks.in_a_sentence(found), " ", a(href=risks.PAGE)["The matrix, and where each number comes from"]],
        risks.overview(found.rows[:_WORST], link=risks.PAGE),
        p(".small")[f"The worst {_WORST} of {len(found.rows)}."] if len(found.rows) > _WORST else None,
    ]


def _exceptions(dossier: Dossier) -> Node:
    notes = dossier.judgement.exceptions
    return [h2["Exceptions"], exceptions.section(notes)] if notes else None


def _frameworks(dossier: Dossier) -> Node:
    found = dossier.judgement.coverages
    if not found:
        return None
    return [
        h2["Published frameworks"],
        p[
            "How many items somebody connects with an objective, and of how many that is shown. ",
            a(href=frameworks.PAGE)["Item by item"],
        ],
        frameworks.overview(found, link=frameworks.PAGE),
    ]


def _maturity(dossier: Dossier) -> Node:
    found = dossier.judgement
    if found.maturity is None:
        return None
    return [
        h2["Maturity"],
        maturity.unread(found.unread),
        p[maturity.in_a_sentence(found), " ", a(href=maturity.PAGE)["Dimension by dimension, and what would raise it"]],
    ]


def _controls(dossier: Dossier) -> Element:
    rows: list[tuple[Node, ...]] = []
    for note in dossier.controls:
        design, proofs = dossier.of_control(note.id)
        found = [
            sum(v.is_finding for v in design),
            sum(x.verdict.outcome is Outcome.PASS for x in proofs),
            sum(x.verdict.outcome is Outcome.FAIL for x in proofs),
            sum(x.verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.ERROR) for x in proofs),
        ]
        rows.append((a(href=f"control-{note.id}.html")[note.id], note.title, *map(str, found)))
    picture = pictures.outcomes(dossier)
    headings = ("control", "what it states", "design findings#", "held#", "failed#", "not concluded#")
    return div[figure[picture] if picture else None, div(".wide")[grid(headings, rows)]]


def _contribution(dossier: Dossier) -> Node:
    if dossier.run is None or dossier.direct is None:
        return None
    rows: list[tuple[Node, ...]] = [
        (mono(row["case"]), row["direct"], row["gateway"]) for row in contribution(dossier.run, dossier.direct)
    ]
    if not rows:
        return None
    return [
        h2["What the gateway adds"],
        p[f"{len(rows)} cases fail at the service itself and hold through the gateway."],
        details[
            summary["Show them"], div(".wide")[grid(("case", "straight at the service", "through the gateway"), rows)]
        ],
    ]


def _unreached(dossier: Dossier) -> Element:
    found = dossier.run.unreached if dossier.run else ()
    if not found:
        return p["Everything that was planned was tried." if dossier.run else "Nothing was tried."]
    rows = [(u.control, mono(u.subject), u.identity, u.reason) for u in found]
    return div(".wide")[grid(("control", "subject", "as", "why not"), rows)]


def _evidence(dossier: Dossier) -> Element:
    note = dossier.evidence
    if note is None:
        return p["No evidence is kept yet: `assay prove` writes it."]
    said = {True: "it verified", False: "IT DID NOT VERIFY", None: "it was not verified"}[note.verified]
    return div[
        facts(
            ("log", mono(note.directory)),
            ("records", str(note.records)),
            ("when this was written", said),
            ("witnessed", note.witnessed or "no: whoever runs this could have rewritten all of it"),
        ),
        [p[chip(Outcome.FAIL), " ", problem] for problem in note.problems],
        pre[note.checkpoint] if note.checkpoint else None,
        p["Check it yourself, without trusting this report or the machine that wrote it:"],
        ol[
            li[mono("assay verify"), " – or, from an exported folder, ", mono("python verify.py .")],
            li["Compare the checkpoint above with the one it prints."],
            li["Look up an evidence id of this report; the record names control, subject, outcome and digests."],
            li["Send a reproduction line yourself, with credentials of your own."],
        ],
        p(".small.mono")[" ".join(note.keys)] if note.keys else None,
    ]


def _method() -> Element:
    return div[
        p[
            "Tests of design read the declaration and the contracts. Proofs attack the running system: a legitimate "
            "request first, then the attack; changes are judged by their effect, as the owner sees it before and "
            "after; a failure is run again before it is reported. A proof that never reached what it meant to test is "
            "inconclusive, and counts as not shown."
        ],
        p[
            "A pass says that these requests were stopped, by this configuration, at this time. It is no proof for "
            "requests nobody thought of. Population counts the proofs that the claims call for; one that was not "
            "concluded or not tried is not in the sample. The bound is exact (Clopper and Pearson) and says how many "
            "of those not tried may fail at most."
        ],
    ]


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "–"
