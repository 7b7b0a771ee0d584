"""Client certificates: signed by nobody known, and signed by the right authority for somebody else."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.answers import ask, callers
from assay.controls._lib.proving import test_of
from assay.controls.authentication.proofs.common import CONTROL, judge_bad, known_good
from assay.prove.case import Case, Identity, Judged, Lab, Offer, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

STRANGER = "wrong-subject"


def certificates(surface: Surface) -> Iterator[Case]:
    """Two cases for one readable operation of each API that a client certificate opens."""
    if not surface.tls:
        return
    seen: set[str] = set()
    for target in sorted(surface.targets, key=lambda t: t.operation.path.count("{")):
        people = [p for p in callers(surface, target) if p.ways == ("certificate",)]
        if target.writes or not people or target.api in seen or surface.is_open(target) is not False:
            continue
        seen.add(target.api)
        for variant, run in (("authority", _authority(target, people[0])), ("subject", _subject(target, people[0]))):
            yield Case(
                test=test_of(CONTROL, "client-certificate-unverified"),
                subject=target.subject,
                at=target.at,
                api=target.api,
                operation=target.id,
                identity=people[0].name,
                variant=variant,
                requests=4,
                run=run,
            )


def _authority(target: Target, persona: Persona) -> Run:
    async def run(lab: Lab) -> Judged:
        good = await known_good(lab, target, persona)
        offered = await lab.handshake(Offer(certificate=good.who.name, purpose="with its own certificate"))
        if offered.refused:
            return unclear(f"a handshake with the real certificate of `{persona.name}` fails: {offered.error}", offered)
        shaken = await lab.handshake(Offer(certificate="unknown-authority", purpose="signed by nobody known"))
        if shaken.refused:
            return held("a client certificate of an unknown authority is refused in the handshake", shaken)
        return broken("a client certificate of an unknown authority is accepted in the handshake", shaken)

    return run


def _subject(target: Target, persona: Persona) -> Run:
    async def run(lab: Lab) -> Judged:
        good = await known_good(lab, target, persona)
        # An identity of this name shows a certificate of the right authority that names no declared consumer.
        stranger = Identity(STRANGER, STRANGER, ())
        what = "a certificate of the right authority for somebody who is no consumer"
        call = lab.request(target, good.draft, stranger, purpose=what)
        # The gateway knows the certificate and then finds no consumer for it, so that no access rule fits.
        return judge_bad(lab, await ask(lab, call), good, what, equivalent="authorisation")

    return run
