"""The page of one control: what it states, what its design came to, and every proof with its exchanges."""

from __future__ import annotations

from htpy import Element, Node, a, details, div, h1, h2, h3, p, pre, summary

from assay.domain import Outcome
from assay.prove.result import Exchange, Proof
from assay.report.dossier import ControlNote, Dossier
from assay.report.html.parts import chip, facts, grid, mono, page

_SHOWN = 300


def render(dossier: Dossier, note: ControlNote, styles: str) -> str:
    """The page."""
    design, proofs = dossier.of_control(note.id)
    told = [v for v in design if v.outcome is not Outcome.NOT_APPLICABLE]
    rows = [(mono(v.check), mono(v.subject), chip(v.outcome), v.sentence) for v in told]
    content: list[Node] = [
        p(".brand")[a(href="index.html")["Assay · API security report"]],
        h1[note.id],
        p(".lead")[note.title],
        p[note.argument],
        facts(("against", "; ".join(note.threats)), ("references", "; ".join(note.references))),
        h2["Design"],
        div(".wide")[grid(("test", "subject", "outcome", "found"), rows[:_SHOWN])] if rows else p["Nothing to test."],
        p[f"{len(rows) - _SHOWN} more."] if len(rows) > _SHOWN else None,
        h2["Operation"],
        p["Nothing was proven on the running system."] if not proofs else None,
    ]
    for test in dict.fromkeys(x.verdict.check for x in proofs):
        of_test = [x for x in proofs if x.verdict.check == test]
        content += [h3(id=test)[note.tests.get(test, test)], p(".small.mono")[test]]
        content += [_proof(x) for x in of_test]
    return page(f"{note.id} – {dossier.organisation}", content, styles=styles, foot=dossier.tool)


def _proof(proof: Proof) -> Element:
    verdict = proof.verdict
    where = f"{proof.api}.{proof.operation}" if proof.operation else proof.api or "gateway"
    by = f" Refused by {proof.refused_by}." if proof.refused_by else ""
    return details(open=verdict.outcome is Outcome.FAIL)[
        summary[chip(verdict.outcome), f" {where} as {proof.identity}"],
        p[verdict.sentence, by],
        facts(
            ("case", mono(proof.case)),
            ("let through by", proof.let_through_by or ""),
            ("evidence", mono(" ".join(proof.evidence)) if proof.evidence else ""),
            ("run", f"{proof.started:%Y-%m-%d %H:%M:%S} UTC, {proof.seconds:.2f} s, run {proof.repeated} time(s)"),
        ),
        pre[proof.reproduce] if proof.reproduce else None,
        [_exchange(e) for e in proof.exchanges] if verdict.is_finding else _in_short(proof),
    ]


def _in_short(proof: Proof) -> Node:
    rows = [
        (str(e.number), e.purpose, e.who or "nobody", f"{e.method} {e.url}"[:160], e.error or str(e.status), e.policy)
        for e in proof.exchanges[:40]
    ]
    return div(".wide")[grid(("#", "what for", "as", "request", "answer", "decided by"), rows)] if rows else None


def _exchange(exchange: Exchange) -> Element:
    sent = "\n".join(
        [f"{exchange.method} {exchange.url}".strip(), *(f"{n}: {v}" for n, v in exchange.request_headers)]
        + (["", exchange.request_body] if exchange.request_body else [])
    )
    seen = exchange.error or "\n".join(
        [str(exchange.status or ""), *(f"{n}: {v}" for n, v in exchange.response_headers)]
        + (["", exchange.response_body] if exchange.response_body else [])
    )
    return div[
        p(".small")[
            f"{exchange.number}. {exchange.purpose or exchange.kind} – as {exchange.who or 'nobody'}, "
            f"{exchange.seconds * 1000:.0f} ms",
            f", {exchange.outcome} by {exchange.policy}" if exchange.policy else None,
        ],
        pre[sent],
        pre[seen],
    ]
