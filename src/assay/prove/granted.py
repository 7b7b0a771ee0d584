"""Reads the rights of accounts from the systems that grant them, for real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from assay.declare.declaration import Declaration
from assay.domain import AssayError, Secret
from assay.privilege.declared import role_of
from assay.privilege.rights import Rights
from assay.prove.case import NotReached


class Granted:
    """See :class:`assay.prove.seams.Granted`.

    Args:
        declaration: whose ``systems`` say how they are connected to.
        resolve: the connection string behind a reference. Raises AssayError.
    """

    def __init__(self, declaration: Declaration, resolve: Callable[[str], Secret]) -> None:
        self._declaration, self._resolve = declaration, resolve

    async def rights(self, account: str) -> Rights:
        """See the protocol."""
        model = self._declaration.model
        found = model.accounts[account]
        system = model.systems[found.system]
        if system.connection is None:
            raise NotReached(f"system `{found.system}` does not say how to look into it: declare its `connection`")
        if system.connection.kind == "sqlite":
            raise NotReached(
                f"`{found.system}` is SQLite, which knows no accounts: whoever may open its file may do all"
            )
        if system.connection.kind != "postgresql":
            raise NotReached(
                f"rights in `{found.system}` cannot be read: it is of kind `{system.connection.kind}`, and only"
                " postgresql can"
            )
        try:
            dsn = self._resolve(system.connection.dsn.secret)
        except AssayError as error:
            raise NotReached(f"the connection of system `{found.system}` is not known: {error.sentence}") from error
        # Imported late: a run that reads no rights has no use for it.
        from assay.privilege.postgresql import read_rights

        try:
            return await asyncio.to_thread(read_rights, dsn, role_of(account, found))
        except AssayError as error:
            raise NotReached(error.sentence + (f"; {error.fix}" if error.fix else "")) from error
