"""The services by name, and how to make one: with flaws, or without as the safe twin."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from tests.zoo.clinic import store as clinic_store
from tests.zoo.clinic.definition import CLINIC
from tests.zoo.files import operations as files_operations
from tests.zoo.files.definition import FILES
from tests.zoo.flaws import Switches, of_service
from tests.zoo.kit.accounts import Accounts, Person
from tests.zoo.kit.database import Database, Postgresql, Sqlite
from tests.zoo.kit.service import Definition, Service
from tests.zoo.kit.tokens import SigningKey, Tokens
from tests.zoo.shop import store as shop_store
from tests.zoo.shop.definition import SHOP

Store = Literal["sqlite", "postgresql"]

DEFINITIONS: dict[str, Definition] = {d.name: d for d in (SHOP, CLINIC, FILES)}
PEOPLE: dict[str, tuple[Person, ...]] = {
    "shop": shop_store.PEOPLE,
    "clinic": clinic_store.PEOPLE,
    "files": files_operations.PEOPLE,
}


def issuer_of(name: str) -> str:
    """The ``iss`` of a service's tokens."""
    return f"https://{name}.example.test"


def audience_of(name: str) -> str:
    """The ``aud`` of a service's access tokens."""
    return f"{name}-api"


def new_key(name: str) -> SigningKey:
    """A key for the algorithm that a service signs its tokens with."""
    return SigningKey.rsa() if name == "shop" else SigningKey.ec()


def make(
    name: str,
    flaws: Iterable[str] = (),
    *,
    folder: Path,
    store: Store = "sqlite",
    in_memory: bool = False,
    key: SigningKey | None = None,
    clock: Callable[[], float] = time.time,
) -> Service:
    """A service with its store, filled.

    Args:
        flaws: which are on; of this service only.
        folder: where it keeps what it has; a new folder is made in it.
        in_memory: keep the SQLite database in memory.
        key: the key of its tokens; None: a new one.

    Raises:
        LookupError: there is no such service, or it has no such flaw.
    """
    if name not in DEFINITIONS:
        raise LookupError(f"no service `{name}`; there are: {', '.join(DEFINITIONS)}")
    known = {flaw.id for flaw in of_service(name)}
    chosen = list(flaws)
    if missing := [flaw for flaw in chosen if flaw not in known]:
        raise LookupError(f"the {name} has no flaw `{missing[0]}`; it has: {', '.join(sorted(known))}")
    switches = Switches(chosen)
    definition = DEFINITIONS[name]
    place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder))
    database: Database = Postgresql(place) if store == "postgresql" else Sqlite(None if in_memory else place)
    tokens = None
    if not definition.opaque:
        tokens = Tokens(
            key or new_key(name), issuer=issuer_of(name), audience=audience_of(name), flaws=switches, clock=clock
        )
    accounts = Accounts(database, flaws=switches, tokens=tokens, scopes=definition.scopes, clock=clock)
    default = (shop_store.DEFAULT_ADMIN,) if "default-credentials" in switches else ()
    accounts.sow((*PEOPLE[name], *default))
    if name == "shop":
        shop_store.sow(database)
    elif name == "clinic":
        clinic_store.sow(database)
    else:
        files_operations.sow(database, place)
    return Service(
        definition=definition, database=database, accounts=accounts, flaws=switches, clock=clock, files=str(place)
    )
