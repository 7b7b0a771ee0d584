"""Rights as the declaration gives them: by hand, or from an export beside it. No network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from assay.declare.declaration import Declaration
from assay.declare.model import RIGHT_WORDS, Account, Right, RightsFrom
from assay.domain import AssayError
from assay.privilege.readers import read_export
from assay.privilege.rights import Grant, Operation, Rights, Unclear

CONNECTION: Final = "connection"
BY_HAND: Final = "the declaration"
_WORDS: Final[dict[str, tuple[Operation, str]]] = {
    "select": ("read", "SELECT"),
    "read": ("read", ""),
    "insert": ("write", "INSERT"),
    "update": ("write", "UPDATE"),
    "write": ("write", ""),
    "delete": ("delete", ""),
    "execute": ("execute", ""),
    "admin": ("admin", ""),
    "grant": ("grant", ""),
    "impersonate": ("impersonate", ""),
}
_SQL: Final = frozenset({"postgresql", "mysql", "mariadb", "sqlite", "sqlserver", "oracle", "sql"})


def reads_itself(account: Account) -> bool:
    """Whether its rights are read from the system, rather than written down."""
    return isinstance(account.rights, RightsFrom) and account.rights.read_from == CONNECTION


def role_of(name: str, account: Account) -> str:
    """What an account is called on its platform."""
    written = account.rights.name if isinstance(account.rights, RightsFrom) else None
    return written or account.login or name


def rights_of(declaration: Declaration, name: str) -> Rights | None:
    """What the declaration says that an account may do. None: it is read from the system, which is not done here.

    An export that cannot be read leaves the rights unclear, with the reason and its place.
    """
    account = declaration.model.accounts[name]
    rights = account.rights
    if isinstance(rights, RightsFrom):
        if rights.read_from == CONNECTION:
            return None
        try:
            return read_export(
                declaration.root / rights.read_from, rights.read_from, rights.format, role_of(name, account)
            )
        except AssayError as error:
            sentence = error.sentence + (f" ({error.fix})" if error.fix else "")
            return Rights(name, rights.read_from, (), (Unclear(sentence, error.location),))
    return Rights(name, BY_HAND, grants_of(declaration, name, rights, "rights"))


def needs_of(declaration: Declaration, name: str) -> tuple[Grant, ...]:
    """What an account needs, as rights."""
    return grants_of(declaration, name, declaration.model.accounts[name].needs, "needs")


def grants_of(declaration: Declaration, name: str, rights: Iterable[Right], key: str) -> tuple[Grant, ...]:
    """Rights that were written by hand, each with its place."""
    platform = declaration.model.accounts[name].platform
    found: list[Grant] = []
    for index, right in enumerate(rights):
        for word in RIGHT_WORDS:
            for number, written in enumerate(getattr(right, word)):
                at = declaration.locate("accounts", name, key, index, word, number)
                found.append(granted(name, word, written, platform, right, BY_HAND, at=at))
    return tuple(found)


def granted(name: str, word: str, written: str, platform: str, right: Right, source: str, **more: object) -> Grant:
    """One right that was written by hand."""
    operation, sql = _WORDS[word]
    own = sql if platform.lower() in _SQL else ""
    return Grant(name, object_named(written, platform), operation, own, source, right.since, **more)  # type: ignore[arg-type]


def object_named(written: str, platform: str) -> str:
    """The whole name of an object. In PostgreSQL a name without a schema is one in ``public``."""
    text = written.strip()
    if platform.lower() != "postgresql" or text == "*" or " " in text.partition("(")[0] or text in ("roles", "server"):
        return text
    return text if "." in text.partition("(")[0] else f"public.{text}"
