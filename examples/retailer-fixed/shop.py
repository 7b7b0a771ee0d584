"""Products, customers and orders of the shop, in one SQLite file, and the invented ones to start with.

DELIBERATELY FLAWED: customers and orders take every property that happens to be a column, so a caller who knows its
name sets the price of an order. See the README. Do not copy from here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Record = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS products (
    number INTEGER PRIMARY KEY, productId TEXT NOT NULL UNIQUE, sku TEXT NOT NULL, title TEXT NOT NULL,
    price INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS customers (
    number INTEGER PRIMARY KEY, customerId TEXT NOT NULL UNIQUE,
    name TEXT, email TEXT, phone TEXT, date_of_birth TEXT, street TEXT, postcode TEXT, credit_limit INTEGER);
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY, orderId TEXT NOT NULL UNIQUE, customerId TEXT NOT NULL,
    sku TEXT, quantity INTEGER, total INTEGER, status TEXT, note TEXT, placed_at TEXT);
CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customerId, number);
"""

_PRODUCT = ("productId", "sku", "title", "price")
_CUSTOMER = ("customerId", "name", "email", "phone", "date_of_birth", "street", "postcode", "credit_limit")
_ORDER = ("orderId", "customerId", "sku", "quantity", "total", "status", "note", "placed_at")

PRODUCTS: tuple[tuple[str, str, int], ...] = (
    ("linen-duvet", "Linen duvet cover", 11900),
    ("oak-stool", "Stool of oak", 8900),
    ("tea-pot", "Tea pot, 1.2 litres", 4450),
    ("wool-throw", "Throw of wool", 7600),
    ("reading-lamp", "Reading lamp for a shelf", 5200),
)

CUSTOMERS: tuple[Record, ...] = (
    {
        "name": "Alice Martin",
        "email": "alice.martin@example.test",
        "phone": "+33 1 99 00 12 34",
        "date_of_birth": "1985-05-14",
        "street": "12 Example Row",
        "postcode": "78006",
        "credit_limit": 50000,
    },
    {
        "name": "Bob de Vries",
        "email": "bob.devries@example.test",
        "phone": "+31 20 000 4321",
        "date_of_birth": "1978-11-02",
        "street": "3 Invented Quay",
        "postcode": "1012 AB",
        "credit_limit": 20000,
    },
    {
        "name": "Fiona O'Brien",
        "email": "fiona.obrien@example.test",
        "phone": "+353 1 000 2468",
        "date_of_birth": "1994-01-09",
        "street": "1 Example Row",
        "postcode": "D02 AF30",
        "credit_limit": 0,
    },
)

ORDERS: tuple[tuple[str, Record], ...] = (
    ("c-1001", {"sku": "linen-duvet", "quantity": 2, "note": "Please leave it with the neighbour."}),
    ("c-1001", {"sku": "tea-pot", "quantity": 1}),
    ("c-1002", {"sku": "oak-stool", "quantity": 4, "note": "Third floor, no lift."}),
)


class Shop:
    """What the service does with its store. Records are as the contract shows them, without what has no value."""

    def __init__(self, folder: Path) -> None:
        """Opens ``folder/shop.sqlite3``, and fills it when it is new.

        Raises:
            OSError, sqlite3.Error: the file cannot be opened or is no database.
        """
        file = folder.resolve() / "shop.sqlite3"
        self.dsn = f"sqlite:///{file}"
        # Made before SQLite opens it, so that it is never readable by others, not even for a moment.
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        # An example need not survive a power failure, and waiting for the disk at each write would make it slow.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(_TABLES)
        if not self._run("SELECT 1 FROM products LIMIT 1"):
            self._sow()

    def close(self) -> None:
        self._connection.close()

    def products(self, search: str | None, limit: int) -> list[Record]:
        """At most ``limit`` products; with ``search``, only those with these words in their title."""
        where, values = ("WHERE instr(lower(title), lower(?)) > 0 ", [search]) if search is not None else ("", [])
        return self._read(_PRODUCT, "products", f"{where}ORDER BY number LIMIT ?", [*values, limit])

    def product(self, product_id: str) -> Record | None:
        return next(iter(self._read(_PRODUCT, "products", "WHERE productId = ?", [product_id])), None)

    def customer(self, customer_id: str) -> Record | None:
        return next(iter(self._read(_CUSTOMER, "customers", "WHERE customerId = ?", [customer_id])), None)

    def change_customer(self, customer_id: str, properties: Mapping[str, Any]) -> Record | None:
        """Changes a customer. FLAW ON PURPOSE: takes every property that is a column, contract or not."""
        values = {name: value for name, value in properties.items() if name in _CUSTOMER[1:]}
        if values:
            assignments = ", ".join(f"{name} = ?" for name in values)
            self._run(
                f"UPDATE customers SET {assignments} WHERE customerId = ?",  # noqa: S608 - names of ours
                [*values.values(), customer_id],
            )
        return self.customer(customer_id)

    def orders(self, customer_id: str, limit: int) -> list[Record]:
        """At most ``limit`` orders of one customer, oldest first."""
        return self._read(_ORDER, "orders", "WHERE customerId = ? ORDER BY number LIMIT ?", [customer_id, limit])

    def order(self, customer_id: str, order_id: str) -> Record | None:
        found = self._read(_ORDER, "orders", "WHERE customerId = ? AND orderId = ?", [customer_id, order_id])
        return next(iter(found), None)

    def every_order(self) -> list[Record]:
        return self._read(_ORDER, "orders", "ORDER BY number", [])

    def place_order(self, customer_id: str, properties: Mapping[str, Any]) -> Record | None:
        """Adds an order; None when there is no such customer.

        FLAW ON PURPOSE: takes every property that is a column, so the caller may say what the order costs.
        """
        if self.customer(customer_id) is None:
            return None
        price = self._run("SELECT price FROM products WHERE sku = ?", [properties["sku"]])
        values = {
            "total": price[0][0] * properties["quantity"] if price else 0,
            "status": "placed",
            "placed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **{name: value for name, value in properties.items() if name in _ORDER[2:]},
            "customerId": customer_id,
        }
        order_id = self._add("orders", "orderId", "o-", 5000, values)
        return self.order(customer_id, order_id)

    def _sow(self) -> None:
        for sku, title, price in PRODUCTS:
            self._add("products", "productId", "p-", 2000, {"sku": sku, "title": title, "price": price})
        for customer in CUSTOMERS:
            self._add("customers", "customerId", "c-", 1000, customer)
        for customer_id, order in ORDERS:
            self.place_order(customer_id, order)

    def _add(self, table: str, key: str, prefix: str, before: int, values: Mapping[str, Any]) -> str:
        """Adds a row with the next number, counted from ``before``; returns its id."""
        # Two statements are enough: one process serves, and it runs one request's statements at a time.
        number = self._run(f"SELECT coalesce(max(number), ?) + 1 FROM {table}", [before])[0][0]  # noqa: S608 - a name of ours
        row = {"number": number, key: f"{prefix}{number}", **values}
        self._run(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})",  # noqa: S608 - names of ours
            list(row.values()),
        )
        return f"{prefix}{number}"

    def _read(self, columns: Sequence[str], table: str, rest: str, values: Sequence[object]) -> list[Record]:
        rows = self._run(f"SELECT {', '.join(columns)} FROM {table} {rest}", values)  # noqa: S608 - names of ours
        return [{c: v for c, v in zip(columns, row, strict=True) if v is not None} for row in rows]

    def _run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, tuple(values)).fetchall()
