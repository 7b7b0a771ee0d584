"""What the clinic has at first: two tenants, their people, documents, visits, appointments."""

from __future__ import annotations

from typing import Any

from tests.zoo.kit.accounts import Person
from tests.zoo.kit.database import Database, Record

PEOPLE = (
    Person("v-1", "nora", "nora-window-2218", ("customer",), "north"),
    Person("v-2", "nils", "nils-ladder-5507", ("customer",), "north"),
    Person("v-11", "dora", "dora-pencil-7742", ("agent",), "north"),
    Person("v-12", "dirk", "dirk-bottle-1096", ("agent",), "north"),
    Person("v-21", "nadia", "nadia-river-4483", ("admin",), "north"),
    Person("v-51", "sara", "sara-garden-9931", ("customer",), "south"),
    Person("v-52", "sven", "sven-mirror-3064", ("customer",), "south"),
    Person("v-61", "selma", "selma-basket-6675", ("agent",), "south"),
    Person("v-62", "stefan", "stefan-candle-8120", ("agent",), "south"),
    Person("v-71", "silas", "silas-bridge-2759", ("admin",), "south"),
)

DOCUMENTS = """CREATE TABLE documents (number {serial}, tenant TEXT NOT NULL, owner TEXT NOT NULL, kind TEXT NOT NULL,
 title TEXT NOT NULL, text TEXT NOT NULL)"""
_TABLES = (
    DOCUMENTS,
    "CREATE TABLE patients (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, name TEXT, department TEXT, national_id TEXT)",
    "CREATE TABLE visits (number {serial}, patient TEXT NOT NULL, finding TEXT NOT NULL)",
    "CREATE TABLE appointments (number {serial}, tenant TEXT NOT NULL, patient TEXT NOT NULL, reason TEXT NOT NULL)",
    "CREATE TABLE referrals (code TEXT PRIMARY KEY, tenant TEXT NOT NULL)",
    "CREATE TABLE pickups (patient TEXT PRIMARY KEY, code TEXT NOT NULL)",
)
DEPARTMENTS = ("cardiology", "orthopaedics")


def sow(database: Database) -> None:
    """Makes the clinic's tables and fills them."""
    for statement in _TABLES:
        database.change(statement.replace("{serial}", database.serial))
    patients = [p for p in PEOPLE if "customer" in p.roles]
    database.many(
        "INSERT INTO patients VALUES (?, ?, ?, ?, ?)",
        [
            (p.id, p.tenant, p.user.title(), DEPARTMENTS[n % 2], f"19{n}0-77-{n}{n}{n}1")
            for n, p in enumerate(patients, start=3)
        ],
    )
    database.many(
        "INSERT INTO visits (patient, finding) VALUES (?, ?)", [(p.id, f"{p.user} is well") for p in patients]
    )
    database.many(
        "INSERT INTO appointments (tenant, patient, reason) VALUES (?, ?, ?)",
        [(p.tenant, p.id, f"check-up of {p.user}") for p in patients],
    )
    database.many(
        "INSERT INTO documents (tenant, owner, kind, title, text) VALUES (?, ?, ?, ?, ?)",
        [
            (p.tenant, p.id, kind, f"{kind} of {p.user}", f"written for {p.user} only")
            for p in patients
            for kind in ("letter", "report")
        ],
    )
    database.many("INSERT INTO referrals VALUES (?, ?)", [("REF-1001", "north"), ("REF-2002", "south")])
    database.many("INSERT INTO pickups VALUES (?, ?)", [(p.id, f"{n}73{n}") for n, p in enumerate(patients, start=1)])


def document_of(row: Record) -> dict[str, Any]:
    """What is shown of a document."""
    return {"id": f"d-{row['number']}", **{k: row[k] for k in ("owner", "kind", "title", "text")}}


def patient_of(row: Record) -> dict[str, Any]:
    """What is shown of a patient."""
    return {"id": row["id"], "name": row["name"], "department": row["department"]}


def visit_of(row: Record) -> dict[str, Any]:
    """What is shown of a visit."""
    return {"id": f"s-{row['number']}", "patient": row["patient"], "finding": row["finding"]}


def appointment_of(row: Record) -> dict[str, Any]:
    """What is shown of an appointment."""
    return {"number": row["number"], "patient": row["patient"], "reason": row["reason"]}
