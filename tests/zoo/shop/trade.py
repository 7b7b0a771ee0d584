"""The rest of the shop: products, customers, vouchers, payments, and what looks like a flaw and is none."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import platform
import re
import secrets
from typing import Any

from tests.zoo.kit.account_operations import account_of
from tests.zoo.kit.model import Call, Problem, Reply
from tests.zoo.shop.orders import STAFF, number
from tests.zoo.shop.store import product_of

PAGE = 50
WEBHOOK_SECRET = b"parcel-service-shared-with-the-shop-5512"
WEBHOOK_SECONDS = 300
_ENDING_SPACE = re.compile(r"\s+$")


async def list_products(call: Call) -> Reply:
    limit = int(call.query.get("limit", 20))
    after = int(call.query.get("after", 0))
    rows = call.db.rows("SELECT * FROM products WHERE number > ? ORDER BY number LIMIT ?", after, limit)
    return Reply({"items": [product_of(row) for row in rows]})


async def get_product(call: Call) -> Reply:
    found = call.db.rows("SELECT * FROM products WHERE number = ?", number(call.params["productId"]))
    if not found:
        raise Problem(404, "Not Found")
    return Reply(product_of(found[0]))


async def set_price(call: Call) -> Reply:
    """Admins only. The operation lets any role in, and refuses here: with the flaw, after the price was changed."""
    allowed = call.caller.has("admin")
    if not allowed and "denied-but-done" not in call.flaws:
        raise Problem(403, "Forbidden")
    call.db.change(
        "UPDATE products SET price = ? WHERE number = ?", call.body["price"], number(call.params["productId"])
    )
    if not allowed:
        raise Problem(403, "Forbidden")
    return await get_product(call)


async def delete_product(call: Call) -> Reply:
    if not call.db.change("DELETE FROM products WHERE number = ?", number(call.params["productId"])):
        raise Problem(404, "Not Found")
    return Reply(status=204)


async def list_customers(call: Call) -> Reply:
    rows = call.db.rows("SELECT * FROM accounts WHERE roles = ? ORDER BY id LIMIT 100", '["customer"]')
    return Reply({"items": [account_of(row) for row in rows]})


async def get_customer(call: Call) -> Reply:
    wanted = call.params["customerId"]
    row = call.service.accounts.by("id", wanted)
    mine = call.caller.has(*STAFF) or wanted == call.caller.id
    if row is None or not (mine or "bola-customer" in call.flaws):
        raise Problem(404, "Not Found")
    return Reply(account_of(row))


async def list_addresses(call: Call) -> Reply:
    """TRAP: for somebody else's customer id the answer is 200 with an empty list, and gives nothing away."""
    rows = call.db.rows(
        "SELECT DISTINCT address FROM orders WHERE customer = ? AND customer = ? ORDER BY address LIMIT 100",
        *(call.params["customerId"], call.caller.id),
    )
    return Reply({"items": [{"address": row["address"]} for row in rows]})


async def get_preferences(call: Call) -> Reply:
    """TRAP: whatever id is in the path, these are the caller's own."""
    found = call.db.rows("SELECT newsletter FROM preferences WHERE customer = ?", call.caller.id)
    return Reply({"newsletter": found[0]["newsletter"] if found else "never"})


async def update_preferences(call: Call) -> Reply:
    """TRAP: 204 for any id, and only the caller's own preferences change."""
    call.db.change("DELETE FROM preferences WHERE customer = ?", call.caller.id)
    call.db.change("INSERT INTO preferences VALUES (?, ?)", call.caller.id, call.body["newsletter"])
    return Reply(status=204)


async def recommendations(call: Call) -> Reply:
    """TRAP: works without credentials, on purpose, and says more to those who have some."""
    rows = call.db.rows("SELECT * FROM products ORDER BY number LIMIT 3")
    name = call.who.user if call.who else "stranger"
    return Reply({"greeting": f"Hello {name}", "items": [product_of(row) for row in rows]})


async def delivery_estimate(call: Call) -> Reply:
    """TRAP: echoes its input, and always says 49."""
    return Reply({"postcode": call.query["postcode"], "hours": 49, "at": call.service.clock()})


async def stock_report(call: Call) -> Reply:
    """TRAP: slow, whatever is asked."""
    await asyncio.sleep(0.3)
    total = call.db.rows("SELECT SUM(stock) AS total FROM products")[0]["total"]
    return Reply({"in_stock": int(total), "region": call.query.get("region", "all")})


async def search_products(call: Call) -> Reply:
    """TRAP: says what was searched for, as JSON."""
    asked = call.query["q"]
    pattern = "%" + asked.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = call.db.rows("SELECT * FROM products WHERE lower(name) LIKE ? ESCAPE '\\' ORDER BY number LIMIT 20", pattern)
    return Reply({"query": asked, "items": [product_of(row) for row in rows]})


async def create_quote(call: Call) -> Reply:
    found = call.db.rows("SELECT price FROM products WHERE number = ?", number(call.body["product_id"]))
    if not found:
        raise Problem(422, "There is no such product")
    return Reply({"total": found[0]["price"] * call.body["quantity"]})


async def check_address(call: Call) -> Reply:
    """Tidies an address. FLAW growth: by an expression that looks at every run of spaces from each of its places."""
    address = str(call.body["address"])
    tidy = _ENDING_SPACE.sub("", address) if "growth" in call.flaws else address.rstrip()
    return Reply({"address_length": len(tidy)})


async def get_wallet(call: Call) -> Reply:
    return Reply({"credit": call.db.rows("SELECT credit FROM accounts WHERE id = ?", call.caller.id)[0]["credit"]})


async def create_voucher(call: Call) -> Reply:
    """A voucher under a code that nobody can guess."""
    code, value, uses = f"V-{secrets.token_hex(8)}", call.body["value"], call.body["uses"]
    call.db.change("INSERT INTO vouchers VALUES (?, ?, ?)", code, value, uses)
    return Reply({"code": code, "value": value, "uses": uses}, 201)


async def redeem_voucher(call: Call) -> Reply:
    """Adds a voucher's value to the caller's credit: once for each key, and no more often than it has uses.

    A key that was used gets the answer it got; one whose first call is not done yet, or that was used for something
    else, is refused (draft-ietf-httpapi-idempotency-key-header).
    """
    code, key = call.body["code"], call.request.headers["idempotency-key"]
    if "replay" in call.flaws:
        return Reply({"credit": await _redeemed(call, code)})
    if not call.db.change(
        "INSERT INTO redemptions (key, customer, code) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        key,
        call.caller.id,
        code,
    ):
        before = call.db.rows("SELECT * FROM redemptions WHERE key = ? AND customer = ?", key, call.caller.id)[0]
        if before["code"] != code:
            raise Problem(422, "This key was used for something else")
        if before["credit"] is None:
            raise Problem(409, "The first call with this key is not done yet")
        return Reply({"credit": before["credit"]})
    try:
        credit = await _redeemed(call, code)
    except Problem:
        call.db.change("DELETE FROM redemptions WHERE key = ? AND customer = ?", key, call.caller.id)
        raise
    call.db.change("UPDATE redemptions SET credit = ? WHERE key = ? AND customer = ?", credit, key, call.caller.id)
    return Reply({"credit": credit})


async def _redeemed(call: Call, code: str) -> int:
    """Uses a voucher up once; returns the caller's credit after it.

    Raises:
        Problem: 422 if there is none, 409 if it has no uses left.
    """
    found = call.db.rows("SELECT * FROM vouchers WHERE code = ?", code)
    if not found:
        raise Problem(422, "There is no such voucher")
    if found[0]["uses"] < 1:
        raise Problem(409, "This voucher is used up")
    await asyncio.sleep(0.02)  # the voucher service is asked
    left = "" if "race" in call.flaws else " AND uses > 0"
    if not call.db.change(f"UPDATE vouchers SET uses = uses - 1 WHERE code = ?{left}", code):  # noqa: S608
        raise Problem(409, "This voucher is used up")
    row = call.db.rows(
        "UPDATE accounts SET credit = credit + ? WHERE id = ? RETURNING credit", found[0]["value"], call.caller.id
    )[0]
    return int(row["credit"])


async def partner_token(call: Call) -> Reply:
    """A token for the parcel partner, which is not for us."""
    tokens = call.service.accounts.tokens
    if tokens is None:
        raise Problem(404, "Not Found")
    return Reply({"token": tokens.other(call.caller.id, call.caller.session, "parcel-partner", "at+jwt")})


async def payment_webhook(call: Call) -> Reply:
    """The payment service says that an order is paid: signed, fresh, and once."""
    headers = call.request.headers
    signed = headers["x-timestamp"].encode() + b"." + call.raw
    expected = hmac.digest(WEBHOOK_SECRET, signed, hashlib.sha256).hex()
    if "webhook-unsigned" not in call.flaws and not hmac.compare_digest(expected, headers["x-signature"]):
        raise Problem(401, "Wrong signature")
    if "webhook-replay" not in call.flaws:
        if abs(call.service.clock() - float(headers["x-timestamp"])) > WEBHOOK_SECONDS:
            raise Problem(401, "Too old")
        if not call.db.change(
            "INSERT INTO payments VALUES (?, ?) ON CONFLICT DO NOTHING",
            *(call.body["event"], number(call.body["order_id"])),
        ):
            raise Problem(409, "Seen before")
    call.db.change("UPDATE orders SET status = 'paid' WHERE number = ?", number(call.body["order_id"]))
    return Reply({"status": "accepted"}, 202)


async def debug_vars(call: Call) -> Reply:
    """FLAW debug-endpoint: what a developer forgot to take out."""
    settings: dict[str, Any] = {
        "debug": True,
        "python": platform.python_version(),
        "dsn": call.service.database.dsn,
        "accounts": [dict(row) for row in call.db.rows("SELECT user_name, email, roles FROM accounts")],
    }
    return Reply(settings)
