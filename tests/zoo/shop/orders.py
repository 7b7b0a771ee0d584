"""Orders of the shop: whose they are, and who may touch them."""

from __future__ import annotations

from typing import Any

from tests.zoo.kit.database import Record
from tests.zoo.kit.model import Call, Problem, Reply
from tests.zoo.shop.store import item_of, order_of, place_order

STAFF = ("agent", "admin")


def number(public_id: str) -> int:
    """The number in an id such as ``o-17``."""
    return int(public_id.partition("-")[2])


def own_order(call: Call, order_id: str, flaw: str = "") -> Record:
    """An order that the caller may see: its own, or any for staff.

    Args:
        flaw: with it, nobody asks whose the order is.

    Raises:
        Problem: 404, there is none, or it is somebody else's: the same answer.
    """
    found = call.db.rows("SELECT * FROM orders WHERE number = ?", number(order_id))
    if not found or (
        found[0]["customer"] != call.caller.id and not call.caller.has(*STAFF) and flaw not in call.flaws.on
    ):
        raise Problem(404, "Not Found")
    return found[0]


def shown(call: Call, row: Record) -> dict[str, Any]:
    return order_of(row, inner="exposes-margin" in call.flaws)


async def list_orders(call: Call) -> Reply:
    if call.caller.has(*STAFF):
        rows = call.db.rows("SELECT * FROM orders ORDER BY number DESC LIMIT 100")
    else:
        rows = call.db.rows("SELECT * FROM orders WHERE customer = ? ORDER BY number DESC LIMIT 100", call.caller.id)
    return Reply({"items": [order_of(row) for row in rows]})


async def create_order(call: Call) -> Reply:
    body = call.body
    customer, discount = call.caller.id, int(body.get("discount_percent", 0))
    if discount and not call.caller.has(*STAFF) and "privileged-property" not in call.flaws:
        raise Problem(403, "Only agents give discounts")
    if "mass-assignment-owner" in call.flaws and "customer" in body:
        customer = str(body["customer"])
    quantity = int(body["quantity"])  # with `unhandled-error`, whatever was sent
    product = number(body["product_id"])
    if not call.db.rows("SELECT number FROM products WHERE number = ?", product):
        raise Problem(422, "There is no such product")
    row = place_order(call.db, customer, product, quantity, body.get("note", ""), body.get("address", ""), discount)
    return Reply(order_of(row), 201, {"location": f"/orders/o-{row['number']}"})


async def get_order(call: Call) -> Reply:
    return Reply(shown(call, own_order(call, call.params["orderId"], "bola-read")))


async def update_order(call: Call) -> Reply:
    row = own_order(call, call.params["orderId"], "bola-update")
    note, address = call.body.get("note", row["note"]), call.body.get("address", row["address"])
    call.db.change("UPDATE orders SET note = ?, address = ? WHERE number = ?", note, address, row["number"])
    return Reply(order_of({**row, "note": note, "address": address}))


async def replace_order(call: Call) -> Reply:
    """FLAW undeclared-verb: an old way to save an order that nobody took out, and that asks nobody whose it is."""
    note = str(call.request.query_params.get("note", "replaced"))
    call.db.change("UPDATE orders SET note = ? WHERE number = ?", note, number(call.params["orderId"]))
    return Reply(status=204)


async def cancel_order(call: Call) -> Reply:
    row = own_order(call, call.params["orderId"], "bola-delete")
    call.db.change("DELETE FROM items WHERE order_number = ?", row["number"])
    call.db.change("DELETE FROM orders WHERE number = ?", row["number"])
    return Reply(status=204)


async def list_items(call: Call) -> Reply:
    row = own_order(call, call.params["orderId"])
    items = call.db.rows("SELECT * FROM items WHERE order_number = ? ORDER BY number", row["number"])
    return Reply({"items": [item_of(item) for item in items]})


async def get_item(call: Call) -> Reply:
    row = own_order(call, call.params["orderId"])
    item = number(call.params["itemId"])
    if "child-unbound" in call.flaws:
        found = call.db.rows("SELECT * FROM items WHERE number = ?", item)
    else:
        found = call.db.rows("SELECT * FROM items WHERE number = ? AND order_number = ?", item, row["number"])
    if not found:
        raise Problem(404, "Not Found")
    return Reply(item_of(found[0]))


async def batch_orders(call: Call) -> Reply:
    """Several orders at once; those of others are left out."""
    rows = [
        row for order_id in call.body["ids"]
        for row in call.db.rows("SELECT * FROM orders WHERE number = ?", number(order_id))
    ]  # fmt: skip
    if "bulk-unchecked" in call.flaws:
        allowed = bool(rows) and rows[0]["customer"] == call.caller.id  # looks at the first only
        return Reply({"items": [order_of(row) for row in rows] if allowed or call.caller.has(*STAFF) else []})
    mine = [row for row in rows if row["customer"] == call.caller.id or call.caller.has(*STAFF)]
    return Reply({"items": [order_of(row) for row in mine]})


async def create_return(call: Call) -> Reply:
    """Asks for a return of the order that the body names."""
    checked = call.first_body if "duplicate-keys" in call.flaws else call.body
    own_order(call, checked["order_id"], "body-id-unchecked")
    call.db.change("UPDATE orders SET status = 'returned' WHERE number = ?", number(call.body["order_id"]))
    return Reply({"status": "accepted"}, 202)


async def refund_order(call: Call) -> Reply:
    row = own_order(call, call.params["orderId"])
    call.db.change("UPDATE orders SET status = 'refunded' WHERE number = ?", row["number"])
    return Reply(order_of({**row, "status": "refunded"}))


async def export_orders(call: Call) -> Reply:
    return Reply({"items": [order_of(row) for row in call.db.rows("SELECT * FROM orders ORDER BY number LIMIT 1000")]})


async def list_invoices(call: Call) -> Reply:
    """Invoices of the caller, or for staff, of any customer."""
    if call.who is None:  # FLAW open-operation
        return Reply({"items": _invoices(call, None)})
    wanted = call.query.get("customer", call.caller.id)
    checked = (
        call.request.query_params.multi_items()[0][1] if "query-pollution" in call.flaws and call.query else wanted
    )
    if checked != call.caller.id and not call.caller.has(*STAFF):
        raise Problem(403, "Forbidden")
    return Reply({"items": _invoices(call, wanted)})


def _invoices(call: Call, customer: str | None) -> list[dict[str, Any]]:
    rows = call.db.rows("SELECT * FROM orders WHERE customer = ? OR ? = ''", customer or "", customer or "")
    return [
        {"number": f"INV-{row['number']}", "customer": row["customer"], "amount": row["total"], "to": row["address"]}
        for row in rows
    ]
