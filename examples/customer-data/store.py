"""Customers and orders in a database.

DELIBERATELY FLAWED, twice: :meth:`Store.search_customers` builds SQL from what the caller typed, and customers take
every property that happens to be a column. See the README. Do not copy from here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from databases import Database

Record = dict[str, Any]

# Every value is TEXT: the gateway may put ciphertext where a date or a number was, and it must come back unchanged.
_TABLES = (
    """CREATE TABLE IF NOT EXISTS customers (
        number INTEGER PRIMARY KEY, customer_id TEXT NOT NULL UNIQUE,
        name TEXT, email TEXT, phone TEXT, date_of_birth TEXT, postcode TEXT, iban TEXT, national_id TEXT, notes TEXT,
        created_at TEXT, role TEXT, credit_limit TEXT)""",
    """CREATE TABLE IF NOT EXISTS orders (
        number INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL,
        product TEXT, quantity TEXT, note TEXT, created_at TEXT)""",
    "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS internal_settings (name TEXT PRIMARY KEY, value TEXT)",
    "CREATE INDEX IF NOT EXISTS customers_by_email ON customers (email)",
    "CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_id)",
    "INSERT INTO counters VALUES ('customer', 1000), ('order', 5000) ON CONFLICT (name) DO NOTHING",
    # Something that no caller should ever see, so that an injection has something to find.
    """INSERT INTO internal_settings
        VALUES ('ledger_host', 'ledger.internal'), ('ledger_password', 'swordfish-of-the-demo')
        ON CONFLICT (name) DO NOTHING""",
)

_PROPERTIES = ("name", "email", "phone", "date_of_birth", "postcode", "iban", "national_id", "notes", "created_at")
_INTERNAL = ("role", "credit_limit")  # columns that no contract names
_CUSTOMER = ("customer_id", *_PROPERTIES, *_INTERNAL)
_ORDER = ("order_id", "customer_id", "product", "quantity", "note", "created_at")
_NUMBERS = frozenset({"quantity", "credit_limit"})
_SHOWN_AS = {"customer_id": "customerId", "order_id": "orderId"}


class Store:
    """The operations of the service on its database.

    Records come and go as the contract shows them: ``customerId``, ``orderId``, otherwise the names of the columns;
    a property that has no value is left out.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        for statement in _TABLES:
            database.run(statement)

    def count(self, table: str) -> int:
        """How many rows ``table`` (``customers`` or ``orders``) has."""
        return int(self._database.run(f"SELECT COUNT(*) FROM {table}")[0][0])  # noqa: S608 - a name of ours

    def list_customers(self, *, after: int, limit: int, email: str | None = None) -> list[Record]:
        """At most ``limit`` customers whose number is above ``after``; with ``email``, only those with exactly that."""
        where, values = ("email = ? AND ", [email]) if email is not None else ("", [])
        columns = ", ".join(_CUSTOMER)
        rows = self._database.run(
            f"SELECT {columns} FROM customers WHERE {where}number > ? ORDER BY number LIMIT ?",  # noqa: S608 - names of ours
            [*values, after, limit],
        )
        return [_record(_CUSTOMER, row) for row in rows]

    def search_customers(self, search: str) -> list[Record]:
        """Customers whose name or notes contain ``search``.

        FLAW ON PURPOSE: the statement is built by concatenation, so ``search`` can be SQL. Somebody once mended it for
        O'Brien, by doubling the apostrophes inside words, and left it at that.
        """
        search = re.sub(r"(?<=\w)'(?=\w)", "''", search)
        like = self._database.contains
        statement = (
            f"SELECT {', '.join(_CUSTOMER)} FROM customers "  # noqa: S608 - the injection that the gateway must stop
            f"WHERE name {like} '%" + search + f"%' OR notes {like} '%" + search + "%' ORDER BY number"
        )
        return [_record(_CUSTOMER, row) for row in self._database.run(statement)]

    def get_customer(self, customer_id: str) -> Record | None:
        """One customer, or None."""
        columns = ", ".join(_CUSTOMER)
        rows = self._database.run(f"SELECT {columns} FROM customers WHERE customer_id = ?", [customer_id])  # noqa: S608 - names of ours
        return _record(_CUSTOMER, rows[0]) if rows else None

    def create_customer(self, properties: Mapping[str, Any]) -> Record:
        """Adds a customer. FLAW ON PURPOSE: takes every property that is a column, contract or not."""
        number = self._next("customer")
        values = {"created_at": _now(), **_columns(properties), "number": number, "customer_id": f"c-{number}"}
        self._insert("customers", values)
        return _record(tuple(values), tuple(values.values()))

    def update_customer(self, customer_id: str, properties: Mapping[str, Any]) -> Record | None:
        """Changes a customer. FLAW ON PURPOSE: takes every property that is a column, contract or not."""
        values = _columns(properties)
        if values:
            assignments = ", ".join(f"{column} = ?" for column in values)
            self._database.run(
                f"UPDATE customers SET {assignments} WHERE customer_id = ?",  # noqa: S608 - names of ours
                [*values.values(), customer_id],
            )
        return self.get_customer(customer_id)

    def delete_customer(self, customer_id: str) -> bool:
        """Removes a customer and their orders; False when there is no such customer."""
        if self.get_customer(customer_id) is None:
            return False
        self._database.run("DELETE FROM orders WHERE customer_id = ?", [customer_id])
        self._database.run("DELETE FROM customers WHERE customer_id = ?", [customer_id])
        return True

    def list_orders(self, customer_id: str) -> list[Record]:
        """The orders of one customer, oldest first."""
        columns = ", ".join(_ORDER)
        rows = self._database.run(
            f"SELECT {columns} FROM orders WHERE customer_id = ? ORDER BY number",  # noqa: S608 - names of ours
            [customer_id],
        )
        return [_record(_ORDER, row) for row in rows]

    def create_order(self, customer_id: str, properties: Mapping[str, Any]) -> Record | None:
        """Adds an order; None when there is no such customer."""
        if self.get_customer(customer_id) is None:
            return None
        number = self._next("order")
        given = {
            name: _stored(name, properties[name]) for name in ("product", "quantity", "note") if name in properties
        }
        values = {
            "number": number,
            "order_id": f"o-{number}",
            "customer_id": customer_id,
            **given,
            "created_at": _now(),
        }
        self._insert("orders", values)
        return _record(tuple(values), tuple(values.values()))

    def get_order(self, customer_id: str, order_id: str) -> Record | None:
        """One order of one customer, or None."""
        columns = ", ".join(_ORDER)
        rows = self._database.run(
            f"SELECT {columns} FROM orders WHERE customer_id = ? AND order_id = ?",  # noqa: S608 - names of ours
            [customer_id, order_id],
        )
        return _record(_ORDER, rows[0]) if rows else None

    def export_customers(self) -> list[Record]:
        """Every customer."""
        rows = self._database.run(f"SELECT {', '.join(_CUSTOMER)} FROM customers ORDER BY number")  # noqa: S608 - names of ours
        return [_record(_CUSTOMER, row) for row in rows]

    def internal_settings(self) -> dict[str, str]:
        """What only the service itself should know."""
        return dict(self._database.run("SELECT name, value FROM internal_settings ORDER BY name"))

    def _next(self, counter: str) -> int:
        # Two statements are enough: one process serves, and it runs one request's statements at a time.
        self._database.run("UPDATE counters SET value = value + 1 WHERE name = ?", [counter])
        return int(self._database.run("SELECT value FROM counters WHERE name = ?", [counter])[0][0])

    def _insert(self, table: str, values: Mapping[str, Any]) -> None:
        marks = ", ".join("?" for _ in values)
        self._database.run(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))  # noqa: S608 - names of ours


def _columns(properties: Mapping[str, Any]) -> Record:
    return {name: _stored(name, value) for name, value in properties.items() if name in (*_PROPERTIES, *_INTERNAL)}


def _stored(name: str, value: Any) -> str | None:
    """A value as its column keeps it: text exactly as it came, anything else as JSON."""
    if value is None or (isinstance(value, str) and name not in _NUMBERS):
        return value
    return json.dumps(value, ensure_ascii=False)


def _record(columns: tuple[str, ...], row: tuple[Any, ...]) -> Record:
    return {
        _SHOWN_AS.get(name, name): json.loads(value) if name in _NUMBERS else value
        for name, value in zip(columns, row, strict=True)
        if value is not None and name != "number"
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
