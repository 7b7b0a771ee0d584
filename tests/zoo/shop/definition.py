"""The shop's operations: who may call them, with what, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping

from tests.zoo.kit import account_operations
from tests.zoo.kit.model import Operation as Op
from tests.zoo.kit.model import Schema, listing, ref, text, thing, whole
from tests.zoo.kit.service import Definition
from tests.zoo.shop import orders, trade
from tests.zoo.shop.orders import STAFF

ALL = ("customer", *STAFF)
READ, WRITE = "orders:read", "orders:write"
_ID: Mapping[str, Schema] = {
    **account_operations.IDS,
    "orderId": text(11, 3, pattern="^o-[0-9]{1,9}$"),
    "itemId": text(11, 3, pattern="^i-[0-9]{1,9}$"),
    "productId": text(11, 3, pattern="^p-[0-9]{1,9}$", examples=["p-3"]),
    "customerId": text(20, 3, pattern="^u-[0-9a-z]+$"),
}
_NOTE, _ADDRESS = text(200, 0), text(200, 0)
_MONEY = whole(0, 1_000_000_000)
_ORDER = thing(
    {
        "id": _ID["orderId"],
        "customer": text(40),
        "product_id": _ID["productId"],
        "quantity": whole(1, 100),
        "note": _NOTE,
        "address": _ADDRESS,
        "status": {"enum": ["open", "paid", "returned", "refunded"]},
        "total": _MONEY,
        "discount_percent": whole(0, 90),
    }
)
_CREATE = thing(
    {"product_id": _ID["productId"], "quantity": whole(1, 100)},
    {"note": _NOTE, "address": _ADDRESS, "discount_percent": whole(0, 90, description="For agents only.")},
)
_ANY: Mapping[str, Schema | None] = {"body": {"type": "object", "required": ["product_id", "quantity"]}}
_TYPELESS: Mapping[str, Schema | None] = {
    "body": {**_CREATE, "properties": {**_CREATE["properties"], "quantity": {}}},
}
_UNBOUNDED: Mapping[str, Schema | None] = {"limit": {"type": "integer"}}

SCHEMAS: Mapping[str, Schema] = {
    **account_operations.SCHEMAS,
    "Product": thing(
        {"id": _ID["productId"], "name": text(), "price": _MONEY, "in_stock": {"type": "boolean"}}
    ),
    "Order": _ORDER,
    "OrderCreate": _CREATE,
    "OrderUpdate": thing({}, {"note": _NOTE, "address": _ADDRESS}),
    "Item": thing(
        {"id": _ID["itemId"], "order_id": _ID["orderId"], "product_id": _ID["productId"], "engraving": text()}
    ),
    "Invoice": thing({"number": text(20), "customer": text(40), "amount": _MONEY, "to": _ADDRESS}),
    "Voucher": thing({"code": text(40), "value": whole(1, 100), "uses": whole(1, 1000)}),
    "Preferences": thing({"newsletter": {"enum": ["weekly", "monthly", "never"]}}),
    "Payment": thing({"event": text(40, 8), "order_id": _ID["orderId"], "paid": {"const": True}}),
}  # fmt: skip
_PRODUCTS, _ORDERS = listing(ref("Product")), listing(ref("Order"), 1000)

OPERATIONS = (
    *account_operations.operations(ALL, resets=True),
    Op(id="listProducts", method="GET", path="/products", handler=trade.list_products, summary="What is for sale",
       query={"limit": whole(1, trade.PAGE), "after": whole(0, 1_000_000)}, answer=_PRODUCTS,
       loose={"no-page-cap": _UNBOUNDED}),
    Op(id="searchProducts", method="GET", path="/products/search", handler=trade.search_products,
       summary="Find products", query={"q": text(100, examples=["lamp"], **{"x-required": True})},
       answer=thing({"query": text(), "items": _PRODUCTS["properties"]["items"]})),
    Op(id="getProduct", method="GET", path="/products/{productId}", handler=trade.get_product, summary="One product",
       answer=ref("Product")),
    Op(id="setPrice", method="PUT", path="/products/{productId}/price", handler=trade.set_price,
       summary="Change a price (admins only)", roles=ALL, body=thing({"price": _MONEY}), answer=ref("Product")),
    Op(id="deleteProduct", method="DELETE", path="/products/{productId}", handler=trade.delete_product,
       summary="Take a product out of the shop", roles=("admin",), status=204),
    Op(id="listOrders", method="GET", path="/orders", handler=orders.list_orders, summary="My orders", roles=ALL,
       scope=READ, answer=_ORDERS),
    Op(id="createOrder", method="POST", path="/orders", handler=orders.create_order, summary="Order something",
       roles=ALL, scope=WRITE, body=ref("OrderCreate"), answer=ref("Order"), status=201,
       loose={"mass-assignment-owner": _ANY, "unhandled-error": _TYPELESS}),
    Op(id="getOrder", method="GET", path="/orders/{orderId}", handler=orders.get_order, summary="One of my orders",
       roles=ALL, scope=READ, answer=ref("Order")),
    Op(id="updateOrder", method="PATCH", path="/orders/{orderId}", handler=orders.update_order,
       summary="Change note or address", roles=ALL, scope=WRITE, body=ref("OrderUpdate"), answer=ref("Order")),
    Op(id="cancelOrder", method="DELETE", path="/orders/{orderId}", handler=orders.cancel_order,
       summary="Cancel an order", roles=ALL, scope=WRITE, status=204),
    Op(id="listItems", method="GET", path="/orders/{orderId}/items", handler=orders.list_items,
       summary="What is in an order", roles=ALL, scope=READ, answer=listing(ref("Item"))),
    Op(id="getItem", method="GET", path="/orders/{orderId}/items/{itemId}", handler=orders.get_item,
       summary="One item of an order", roles=ALL, scope=READ, answer=ref("Item")),
    Op(id="batchOrders", method="POST", path="/orders/batch", handler=orders.batch_orders, summary="Several orders",
       roles=ALL, scope=READ, body=thing({"ids": {"type": "array", "items": _ID["orderId"], "minItems": 1,
                                                  "maxItems": 20}}), answer=_ORDERS),
    Op(id="createReturn", method="POST", path="/returns", handler=orders.create_return, summary="Send an order back",
       roles=ALL, scope=WRITE, body=thing({"order_id": _ID["orderId"], "reason": text(200)}),
       answer=ref("Accepted"), status=202),
    Op(id="refundOrder", method="POST", path="/orders/{orderId}/refund", handler=orders.refund_order,
       summary="Give the money back", roles=STAFF, answer=ref("Order")),
    Op(id="exportOrders", method="GET", path="/exports/orders", handler=orders.export_orders,
       summary="All orders", roles=("admin",), scope="admin", answer=_ORDERS),
    Op(id="listInvoices", method="GET", path="/invoices", handler=orders.list_invoices, summary="Invoices", roles=ALL,
       query={"customer": _ID["customerId"]}, answer=listing(ref("Invoice"), 1000)),
    Op(id="listCustomers", method="GET", path="/customers", handler=trade.list_customers, summary="Customers",
       roles=STAFF, answer=listing(ref("Account"))),
    Op(id="getCustomer", method="GET", path="/customers/{customerId}", handler=trade.get_customer,
       summary="One customer: for customers, themselves", roles=ALL, answer=ref("Account"),
       owns="path.customerId == token.sub"),
    Op(id="listAddresses", method="GET", path="/customers/{customerId}/addresses", handler=trade.list_addresses,
       summary="Addresses that I used", roles=ALL, answer=listing(thing({"address": _ADDRESS}))),
    Op(id="getPreferences", method="GET", path="/customers/{customerId}/preferences", handler=trade.get_preferences,
       summary="My preferences", roles=ALL, answer=ref("Preferences")),
    Op(id="updatePreferences", method="PATCH", path="/customers/{customerId}/preferences",
       handler=trade.update_preferences, summary="Change my preferences", roles=ALL, body=ref("Preferences"),
       status=204),
    Op(id="recommendations", method="GET", path="/recommendations", handler=trade.recommendations,
       summary="For you", optional=True, answer=thing({"greeting": text(), "items": _PRODUCTS["properties"]["items"]})),
    Op(id="deliveryEstimate", method="GET", path="/delivery-estimate", handler=trade.delivery_estimate,
       summary="How long it takes", query={"postcode": text(40, examples=["SW1A 1AA"], **{"x-required": True})},
       answer=thing({"postcode": text(40), "hours": whole(1, 99), "at": {"type": "number"}})),
    Op(id="stockReport", method="GET", path="/stock-report", handler=trade.stock_report, summary="What is in stock",
       roles=STAFF, query={"region": text(40)}, answer=thing({"in_stock": _MONEY, "region": text(40)})),
    Op(id="createQuote", method="POST", path="/quotes", handler=trade.create_quote, summary="What it would cost",
       roles=ALL, body=thing({"product_id": _ID["productId"], "quantity": whole(1, 100)}),
       answer=thing({"total": _MONEY}), rate=(20, 10.0)),
    Op(id="checkAddress", method="POST", path="/addresses/check", handler=trade.check_address,
       summary="Is this an address?", roles=ALL, body=thing({"address": text(40_000)}),
       answer=thing({"address_length": whole(0, 40_000)})),
    Op(id="getWallet", method="GET", path="/wallet", handler=trade.get_wallet, summary="My credit", roles=ALL,
       answer=thing({"credit": _MONEY})),
    Op(id="createVoucher", method="POST", path="/vouchers", handler=trade.create_voucher, summary="A new voucher",
       roles=("admin",), body=thing({"value": whole(1, 100, examples=[25]), "uses": whole(1, 1000, examples=[1])}),
       answer=ref("Voucher"), status=201),
    Op(id="redeemVoucher", method="POST", path="/vouchers/redeem", handler=trade.redeem_voucher,
       summary="Turn a voucher into credit", roles=ALL, header={"idempotency-key": text(64, 8, **{"x-required": True})},
       body=thing({"code": text(40, examples=["WELCOME10"])}), answer=thing({"credit": _MONEY})),
    Op(id="partnerToken", method="POST", path="/partner-tokens", handler=trade.partner_token,
       summary="A token for the parcel partner", roles=ALL, answer=thing({"token": text(4096)})),
    Op(id="paymentWebhook", method="POST", path="/webhooks/payments", handler=trade.payment_webhook,
       summary="An order is paid; signed with HMAC-SHA-256 over timestamp, dot and body",
       header={"x-signature": text(64, 64, **{"x-required": True}),
               "x-timestamp": text(12, 9, pattern="^[0-9]+$", **{"x-required": True})},
       body=ref("Payment"), answer=ref("Accepted"), status=202),
    Op(id="replaceOrder", method="PUT", path="/orders/{orderId}", handler=orders.replace_order, summary="Old",
       roles=ALL, query={"note": text(200)}, only_with="undeclared-verb"),
    Op(id="debugVars", method="GET", path="/debug/vars", handler=trade.debug_vars, summary="Old",
       only_with="debug-endpoint"),
)  # fmt: skip

SHOP = Definition(
    name="shop",
    title="Shop",
    operations=OPERATIONS,
    ids=_ID,
    schemas=SCHEMAS,
    scopes=(READ, WRITE, "admin"),
)
