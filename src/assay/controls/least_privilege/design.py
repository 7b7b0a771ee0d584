"""Tests of design: what accounts may do against what they need, as far as that is declared or exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from assay.controls._lib.judging import judge as _judge
from assay.controls.base import Context
from assay.controls.least_privilege.narrowed import narrowed
from assay.declare.model import LEVELS
from assay.domain import Location, Outcome, Severity, Verdict
from assay.privilege.declared import reads_itself
from assay.privilege.excess import MODERATE, SUPER
from assay.privilege.proposal import patch
from assay.privilege.review import Accounts, Review, review
from assay.privilege.rights import Grant, Use

_CONTROL = "least_privilege"
_SHOWN = 4


def design(context: Context) -> Iterator[Verdict]:
    """Judges every account."""
    accounts = Accounts(context.declaration)
    for name in context.declaration.model.accounts:
        found = review(accounts, name, today=context.today)
        yield _known(context, found)
        if found.rights is not None:
            yield from _rights(context, found)
        elif not found.needs:
            yield _no_needs(context, found)
        yield _shared(context, found)
        yield _dormant(context, found)
        yield _orphaned(context, found)
        yield _duties(context, found)
        yield _credential(context, found)
        yield _clearance(context, found)
        if found.unjustified or found.account.justification or found.superuser:
            yield _justified(context, found)
    yield from narrowed(context)


def _at(context: Context, found: Review, *path: str | int) -> Location:
    """The place of a word of an account, or of the account's name when it was not written."""
    places = context.declaration.places
    route = ("accounts", found.name, *path)
    return places.value(*route) if places.written(*route) else places.key("accounts", found.name)


def _subject(found: Review) -> str:
    return f"accounts.{found.name}"


def _known(context: Context, found: Review) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "rights-not-known", _subject(found)
    at = _at(context, found, "rights")
    system = context.declaration.model.systems[found.account.system]
    if reads_itself(found.account):
        where = f"system `{found.account.system}`"
        if system.connection is None:
            fix = f"declare `connection: {{kind: postgresql, dsn: {{secret: …}}}}` for {where}"
            return judge.unclear(
                check, subject, at, f"rights are to be read from {where}, which has no connection", fix=fix
            )
        if system.connection.kind != "postgresql":
            fix = "write the rights by hand, or name an export"
            said = (
                "SQLite knows no accounts: who may open its file may do all"
                if system.connection.kind == "sqlite"
                else f"rights in `{system.connection.kind}` cannot be read"
            )
            return judge.unclear(check, subject, at, f"rights are to be read from {where}, and {said}", fix=fix)
        later = f"the rights of `{found.name}` are read from {where} when it is proven, and judged then"
        return replace(judge.not_applicable(check, subject, at, later), outcome=Outcome.SKIPPED)
    if found.unclear:
        first = found.unclear[0]
        sentence = f"what `{found.name}` may do is not fully known: {first.sentence}" + _more(len(found.unclear) - 1)
        return judge.unclear(
            check, subject, first.at or at, sentence, fix="export it whole, or write what it means by hand"
        )
    if not found.grants and "nologin" not in (found.rights.powers if found.rights else ()):
        return judge.unclear(check, subject, at, f"nothing says what `{found.name}` may do")
    return judge.passed(check, subject, at, f"what `{found.name}` may do is known, from {_source(found)}")


def _source(found: Review) -> str:
    return found.rights.source if found.rights else ""


def _more(count: int) -> str:
    return f" (and {count} more)" if count > 0 else ""


def _listed(grants: Iterable[Grant | Use]) -> str:
    names = list(dict.fromkeys(str(g) if isinstance(g, Grant) else g.object for g in grants))
    return ", ".join(f"`{n}`" for n in names[:_SHOWN]) + _more(len(names) - _SHOWN)


def _where(context: Context, found: Review, grants: Iterable[Grant]) -> Location:
    """Where the first of these rights stands."""
    return next((g.at for g in grants if g.at is not None), _at(context, found, "rights"))


def _rights(context: Context, found: Review) -> Iterator[Verdict]:
    """What rights that are known say; nothing passes while some are not."""
    judge, subject = _judge(_CONTROL), _subject(found)
    partly = bool(found.unclear) or not found.grants
    if found.superuser:
        dangerous = [g for g in found.grants if g.operation in ("admin", "grant", "impersonate") or g.wildcard]
        reasons = "; ".join(found.superuser[:2]) + _more(len(found.superuser) - 2)
        sentence = f"`{found.name}` is a superuser: {reasons}"
        severity = Severity.CRITICAL if found.restricted and _production(context, found) else None
        at = _where(context, found, dangerous)
        yield judge.failed("superuser-account", subject, at, sentence, severity=severity)
    elif not partly:
        yield judge.passed(
            "superuser-account", subject, _at(context, found, "rights"), f"`{found.name}` is no superuser"
        )
    if found.wildcards:
        at = _where(context, found, found.wildcards)
        yield judge.failed("wildcard-rights", subject, at, f"`{found.name}` holds {_listed(found.wildcards)}")
    elif not partly:
        said = f"every right of `{found.name}` names its objects"
        yield judge.passed("wildcard-rights", subject, _at(context, found, "rights"), said)
    if found.impersonating:
        at = _where(context, found, found.impersonating)
        yield judge.failed(
            "impersonation-rights", subject, at, f"`{found.name}` may act as others: {_listed(found.impersonating)}"
        )
    elif not partly:
        said = f"`{found.name}` acts as nobody but itself"
        yield judge.passed("impersonation-rights", subject, _at(context, found, "rights"), said)
    yield from _needs(context, found, partly)


def _production(context: Context, found: Review) -> bool:
    environment = context.declaration.model.environments.get(found.account.environment)
    return environment is not None and environment.tier == "production"


def _needs(context: Context, found: Review, partly: bool) -> Iterator[Verdict]:
    judge, subject, check = _judge(_CONTROL), _subject(found), "rights-beyond-need"
    at = _at(context, found, "needs")
    if not found.grants:
        return
    if not found.needs:
        yield _no_needs(context, found)
        return
    excess = found.excess
    idle = (*excess.unused, *excess.too_wide)
    if excess.index is not None and excess.index > MODERATE:
        place = _where(context, found, idle)
        sentence = f"{excess.index:.0%} of what `{found.name}` may do is more than it needs: {_listed(idle)}"
        edits = patch(context.declaration, found.name)
        yield judge.failed(
            check, subject, place, sentence, edits=edits, severity=Severity.HIGH if excess.index > SUPER else None
        )
    elif partly:
        pass  # `rights-not-known` says so
    elif excess.index is None:
        sentence = f"every right of `{found.name}` is younger than {found.window} days, or over nothing"
        yield judge.not_applicable(check, subject, at, sentence)
    else:
        rest = f"; {_listed(idle)} could go" if idle else ""
        sentence = f"{1 - excess.index:.0%} of what `{found.name}` may do is what it needs, by weight{rest}"
        yield judge.passed(check, subject, at, sentence)
    if excess.missing and not partly:
        place = next((m.at for m in excess.missing if isinstance(m, Grant) and m.at is not None), at)
        sentence = f"`{found.name}` needs {_listed(excess.missing)}, which no right of it covers"
        yield judge.failed("need-not-granted", subject, place, sentence)
    elif not excess.missing:
        yield judge.passed("need-not-granted", subject, at, f"every need of `{found.name}` is granted")
    if found.creeping:
        names = ", ".join(f"`{c}`" for c in found.creeping[:_SHOWN]) + _more(len(found.creeping) - _SHOWN)
        place = _where(context, found, [g for g in excess.unused if g.via[:1] and g.via[0] in found.creeping])
        sentence = f"`{found.name}` is still in {names}, which brings nothing it needs"
        yield judge.failed("role-creep", subject, place, sentence)
    elif any(g.via for g in found.grants) and not partly:
        yield judge.passed("role-creep", subject, at, f"every role of `{found.name}` brings something it needs")


def _no_needs(context: Context, found: Review) -> Verdict:
    sentence = f"nothing says what `{found.name}` needs, so nothing says whether it holds too much"
    at, fix = _at(context, found, "needs"), "write what it has to do under `needs:`"
    return _judge(_CONTROL).unclear("rights-beyond-need", _subject(found), at, sentence, fix=fix)


def _shared(context: Context, found: Review) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "shared-account", _subject(found)
    if found.shared:
        key = (
            "kind" if found.account.kind == "shared" else "used_by" if len(found.account.used_by) > 1 else "environment"
        )
        who = "; ".join(found.shared)
        return judge.failed(check, subject, _at(context, found, key), f"`{found.name}` is shared by {who}")
    return judge.passed(
        check, subject, _at(context, found), f"`{found.name}` serves one integration in one environment"
    )


def _dormant(context: Context, found: Review) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "dormant-account", _subject(found)
    at = _at(context, found, "last_used")
    if found.idle is not None:
        sentence = f"`{found.name}` was last used {found.idle} days ago, and is to be used every {found.window} days"
        return judge.failed(check, subject, at, sentence)
    if found.last_used is None:
        said = f"when `{found.name}` was last used is not declared; `assay rights review` measures it where it can"
        return replace(judge.not_applicable(check, subject, at, said), outcome=Outcome.SKIPPED)
    if found.last_used > context.today:
        said = f"`{found.name}` was last used on {found.last_used.isoformat()}, which is yet to come"
        return judge.unclear(check, subject, at, said, fix="correct `last_used:`")
    return judge.passed(check, subject, at, f"`{found.name}` was last used on {found.last_used.isoformat()}")


def _orphaned(context: Context, found: Review) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "orphaned-account", _subject(found)
    at = _at(context, found, "used_by")
    if found.orphaned:
        return judge.failed(check, subject, at, f"nothing that is declared uses `{found.name}`")
    users = [*(f"`{u}`" for u in found.account.used_by), *(f"flow `{f}`" for f in found.serving.flows)]
    return judge.passed(check, subject, at, f"`{found.name}` is used by {', '.join(users)}")


def _duties(context: Context, found: Review) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "duties-in-conflict", _subject(found)
    at = _at(context, found, "duties")
    model = context.declaration.model
    if found.conflicts:
        rule, duty, held = found.conflicts[0]
        sentence = f"`{found.name}` holds {' and '.join(held)} together: {duty.why}" + _more(len(found.conflicts) - 1)
        related = (context.declaration.locate("duties", rule),)
        return judge.failed(check, subject, at, sentence, related=related)
    if not model.duties:
        return judge.not_applicable(check, subject, at, "no duties are declared that must be separate")
    by_rights = any(not isinstance(d, str) for rule in model.duties.values() for d in rule.never_together)
    if by_rights and (found.unclear or not found.grants):
        said = f"not all rights of `{found.name}` are known here; `assay rights review` looks at those that are read"
        return replace(judge.not_applicable(check, subject, at, said), outcome=Outcome.SKIPPED)
    return judge.passed(check, subject, at, f"`{found.name}` holds no duties that must be separate")


def _credential(context: Context, found: Review) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "credential-overdue", _subject(found)
    credential = found.account.credential
    if credential is None:
        at = _at(context, found)
        return judge.unclear(
            check, subject, at, f"nothing says how old the credential of `{found.name}` is",
            fix="write `credential: {issued: DAY, rotate: 90d}`",
        )  # fmt: skip
    at = _at(context, found, "credential", "issued")
    if credential.issued > context.today:
        sentence = (
            f"the credential of `{found.name}` is issued on {credential.issued.isoformat()}, which is yet to come"
        )
        return judge.unclear(check, subject, at, sentence, fix="correct `credential.issued`")
    if found.overdue is not None:
        sentence = f"the credential of `{found.name}` should have been replaced {found.overdue} days ago"
        return judge.failed(check, subject, at, sentence)
    return judge.passed(check, subject, at, f"the credential of `{found.name}` is younger than it may grow")


def _clearance(context: Context, found: Review) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "reach-above-clearance", _subject(found)
    at = _at(context, found, "clearance")
    clearance, level = found.account.clearance, found.level
    if clearance is None:
        return judge.not_applicable(check, subject, at, f"no clearance is declared for `{found.name}`")
    if found.above_clearance:
        data = [d for d, held in found.blast.data if LEVELS.index(held) > LEVELS.index(clearance)]
        names = ", ".join(f"`{d}`" for d in data[:_SHOWN]) + _more(len(data) - _SHOWN)
        guessed = " (which objects hold it is not declared: `objects:`)" if found.blast.guessed else ""
        what = names or "what it reaches, joined"
        sentence = f"`{found.name}` is cleared for {clearance} data and reaches {level} data: {what}{guessed}"
        return judge.failed(check, subject, at, sentence)
    if found.unclear or not found.grants:
        said = f"not all that `{found.name}` reaches is known here; `assay rights review` looks at what is read"
        return replace(judge.not_applicable(check, subject, at, said), outcome=Outcome.SKIPPED)
    return judge.passed(
        check, subject, at, f"`{found.name}` reaches {level or 'no declared'} data, as it is cleared for"
    )


def _justified(context: Context, found: Review) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "rights-without-justification", _subject(found)
    at = _at(context, found, "justification")
    if found.unjustified:
        why = "is a superuser" if found.superuser else f"reaches {found.level} data"
        return judge.failed(check, subject, at, f"`{found.name}` {why}, and nobody says why")
    return judge.passed(check, subject, at, f"somebody said why `{found.name}` holds its rights")
