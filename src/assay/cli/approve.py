"""``assay approve``: a person signs that a plan may loosen production."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from assay.app.addresses import now
from assay.app.planning import plan_named
from assay.app.project import in_environment, open_project
from assay.cli.console import out, progress, write
from assay.cli.options import EnvironmentOption, Format, FormatOption, Where
from assay.cli.plan import show
from assay.cli.signing import DEFAULT_KEY, AsOption, KeyOption, PassphraseOption, YesOption, signer, sure
from assay.domain import Exit, UsageError
from assay.report.json_ import document


def approve(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="The plan, as `assay plan` names it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it may be looser.")] = "",
    as_: AsOption = None,
    key: KeyOption = DEFAULT_KEY,
    passphrase: PassphraseOption = None,
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    where: Where = Path(),
    format: FormatOption = Format.TEXT,
) -> None:
    """Show a plan that loosens production, and sign that it may be applied, once.

    Where `people:` are declared, `assay apply` and `assay up` accept no other approval. Let somebody sign who does not
    apply it. Going back to an earlier version is a plan too, and approved alike.

    Example: assay approve 3f9c2a1b7d5e6f80 --as ciso --key ~/.ssh/id_ed25519 --reason "incident 4711"
    """
    from assay.app.deciding import approve_plan

    project = in_environment(open_project(where), environment)
    person, private = signer(project, as_, key, passphrase)
    with progress("compiling"):
        planned = plan_named(project, digest)
    plan = planned.plan
    if not plan.needs_approval:
        raise UsageError("this plan loosens nothing in production, and needs no approval", fix="`assay apply`")
    if format is Format.TEXT:
        show(planned, signed=True)
    if not sure("may it be applied?", yes):
        raise typer.Exit(Exit.INCOMPLETE)
    decided = approve_plan(project, plan, private, person=person, reason=reason, at=now())
    file = decided.signed.file
    if format is Format.JSON:
        return write(document(plan=plan.digest, person=person, file=file, evidence=decided.evidence))
    out().print(f"[bold green]approved[/] {plan.digest} as {escape(person)}; commit {escape(file)}, then `assay apply`")
    return None
