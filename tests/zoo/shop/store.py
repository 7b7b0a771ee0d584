"""What the shop has at first: people, products, orders."""

from __future__ import annotations

from typing import Any

from tests.zoo.kit.accounts import Person
from tests.zoo.kit.database import Database, Record

PRODUCTS = 150

PEOPLE = (
    Person("u-1", "alice", "alice-horse-7731", ("customer",), "shop"),
    Person("u-2", "bob", "bob-battery-4410", ("customer",), "shop"),
    Person("u-3", "carol", "carol-staple-9054", ("customer",), "shop"),
    Person("u-11", "amir", "amir-lantern-6120", ("agent",), "shop"),
    Person("u-12", "anna", "anna-harbour-3375", ("agent",), "shop"),
    Person("u-21", "ada", "ada-meadow-8842", ("admin",), "shop"),
    Person("u-22", "abel", "abel-orchard-1967", ("admin",), "shop"),
)
DEFAULT_ADMIN = Person("u-90", "admin", "admin", ("admin",), "shop")

_TABLES = (
    "CREATE TABLE products (number INTEGER PRIMARY KEY, name TEXT, price INTEGER, stock INTEGER)",
    "CREATE TABLE orders (number INTEGER PRIMARY KEY AUTOINCREMENT, customer TEXT NOT NULL, product INTEGER NOT NULL,"
    " quantity INTEGER NOT NULL, note TEXT, address TEXT, status TEXT NOT NULL, total INTEGER, margin INTEGER,"
    " discount INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE items (number INTEGER PRIMARY KEY AUTOINCREMENT, order_number INTEGER NOT NULL, product INTEGER,"
    " engraving TEXT)",
    "CREATE TABLE vouchers (code TEXT PRIMARY KEY, value INTEGER, uses INTEGER)",
    "CREATE TABLE redemptions (key TEXT, customer TEXT, code TEXT, credit INTEGER, PRIMARY KEY (key, customer))",
    "CREATE TABLE preferences (customer TEXT PRIMARY KEY, newsletter TEXT)",
    "CREATE TABLE payments (event TEXT PRIMARY KEY, order_number INTEGER)",
)


def sow(database: Database) -> None:
    """Makes the shop's tables and fills them."""
    for statement in _TABLES:
        database.change(statement)
    database.many(
        "INSERT INTO products VALUES (?, ?, ?, ?)",
        [(n, f"Lamp no. {n}", 1000 + 7 * n, 50) for n in range(1, PRODUCTS + 1)],
    )
    for customer in ("u-1", "u-2", "u-3"):
        for product in (3, 5):
            place_order(database, customer, product, 1, "ring twice", f"{product} Elm Street", 0)
    database.many(
        "INSERT INTO vouchers VALUES (?, ?, ?)",
        [("WELCOME10", 10, 1_000_000), ("ONCE-ONLY", 25, 1), ("LAST-ONE", 25, 1)],
    )
    database.many("INSERT INTO preferences VALUES (?, ?)", [(f"u-{n}", "weekly") for n in (1, 2, 3)])


def place_order(
    database: Database, customer: str, product: int, quantity: int, note: str, address: str, discount: int
) -> Record:
    """A new order with its items."""
    price = database.rows("SELECT price FROM products WHERE number = ?", product)[0]["price"]
    total = price * quantity * (100 - discount) // 100
    order = database.rows(
        "INSERT INTO orders (customer, product, quantity, note, address, status, total, margin, discount)"
        " VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?) RETURNING *",
        *(customer, product, quantity, note, address, total, total // 3, discount),
    )[0]
    for piece in range(min(quantity, 3)):
        database.change(
            "INSERT INTO items (order_number, product, engraving) VALUES (?, ?, ?)",
            *(order["number"], product, f"for {customer} no. {piece + 1}"),
        )
    return order


def product_of(row: Record) -> dict[str, Any]:
    """What is shown of a product."""
    return {"id": f"p-{row['number']}", "name": row["name"], "price": row["price"], "in_stock": row["stock"] > 0}


def order_of(row: Record, *, inner: bool = False) -> dict[str, Any]:
    """What is shown of an order. ``inner`` FLAW: with what the shop earns by it."""
    shown = {
        "id": f"o-{row['number']}",
        "customer": row["customer"],
        "product_id": f"p-{row['product']}",
        "quantity": row["quantity"],
        "note": row["note"],
        "address": row["address"],
        "status": row["status"],
        "total": row["total"],
        "discount_percent": row["discount"],
    }
    return {**shown, "margin": row["margin"], "supplier_note": "pays 40 days late"} if inner else shown


def item_of(row: Record) -> dict[str, Any]:
    """What is shown of an item."""
    return {
        "id": f"i-{row['number']}",
        "order_id": f"o-{row['order_number']}",
        "product_id": f"p-{row['product']}",
        "engraving": row["engraving"],
    }
