"""Customers to start with. All invented; the account numbers are the published samples of their countries' formats,
so every checksum is right and none belongs to anybody."""

from __future__ import annotations

from store import Store

CUSTOMERS: tuple[dict[str, str], ...] = (
    {
        "name": "Alice Martin",
        "email": "alice.martin@example.test",
        "phone": "+33 1 99 00 12 34",
        "date_of_birth": "1985-05-14",
        "postcode": "78006",
        "iban": "FR1420041010050500013M02606",
        "national_id": "285057800608441",
        "notes": "Prefers to be called in the morning.",
    },
    {
        "name": "Bob de Vries",
        "email": "bob.devries@example.test",
        "phone": "+31 20 000 4321",
        "date_of_birth": "1978-11-02",
        "postcode": "1012 AB",
        "iban": "NL91ABNA0417164300",
        "national_id": "111222333",
        "notes": "Moved in March; the old address is still on two invoices.",
    },
    {
        "name": "Chiara Rossi",
        "email": "chiara.rossi@example.test",
        "phone": "+39 06 0000 5678",
        "date_of_birth": "1979-03-15",
        "postcode": "00184",
        "iban": "IT60X0542811101000000123456",
        "national_id": "RSSCHR79C55H501N",
        "notes": "Asked twice about delivery on Saturdays & holidays.",
    },
    {
        "name": "Dieter Schäfer",
        "email": "dieter.schaefer@example.test",
        "phone": "+49 30 0000 8765",
        "date_of_birth": "1962-08-30",
        "postcode": "10115",
        "iban": "DE89370400440532013000",
        "national_id": "86095742719",
        "notes": "Select the union hall as delivery address; order from the table by the door.",
    },
    {
        "name": "Eva Nováková",
        "email": "eva.novakova@example.test",
        "phone": "+420 200 000 111",
        "date_of_birth": "1991-08-23",
        "postcode": "110 00",
        "iban": "CZ6508000000192000145399",
        "national_id": "915823/1005",
        "notes": "Wishes no calls -- e-mail only.",
    },
    {
        "name": "Fiona O'Brien",
        "email": "fiona.obrien@example.test",
        "phone": "+353 1 000 2468",
        "date_of_birth": "1994-01-09",
        "postcode": "D02 AF30",
        "iban": "IE29AIBK93115212345678",
        "national_id": "4728153T",
        "notes": "Wrote: \"I'd like 1 or 2 samples, if that's OK.\"",
    },
)

ORDERS: tuple[tuple[str, dict[str, object]], ...] = (
    ("c-1001", {"product": "desk-lamp", "quantity": 2, "note": "One as a present, please wrap it."}),
    ("c-1001", {"product": "notebook-a5", "quantity": 10}),
    ("c-1002", {"product": "office-chair", "quantity": 1, "note": "Third floor, no lift."}),
)


def sow(store: Store) -> None:
    """Fills an empty store with :data:`CUSTOMERS` and :data:`ORDERS`; leaves any other store alone."""
    if store.count("customers"):
        return
    for customer in CUSTOMERS:
        store.create_customer(customer)
    for customer_id, order in ORDERS:
        store.create_order(customer_id, order)
