"""What the clinic does: documents, patients and what belongs to them, within one tenant."""

from __future__ import annotations

from typing import Any

from tests.zoo.clinic.queries import escaped, matches, search_directory
from tests.zoo.clinic.store import appointment_of, document_of, patient_of, visit_of
from tests.zoo.kit.database import Record
from tests.zoo.kit.model import Call, Problem, Reply

STAFF = ("agent", "admin")


def tenant(call: Call) -> str:
    """Whose data the caller may see."""
    if "trusts-tenant-header" in call.flaws:
        return call.request.headers.get("x-tenant", call.caller.tenant)
    return call.caller.tenant


def _document(call: Call) -> Record:
    """A document of the caller's: patients have their own, staff those of their tenant.

    Raises:
        Problem: 404.
    """
    found = call.db.rows("SELECT * FROM documents WHERE number = ?", int(call.params["documentId"][2:]))
    if found and call.caller.has(*STAFF):
        good = found[0]["tenant"] == tenant(call) or "tenant-read" in call.flaws
    else:
        good = bool(found) and found[0]["owner"] == call.caller.id
    if not good:
        raise Problem(404, "Not Found")
    return found[0]


async def list_documents(call: Call) -> Reply:
    if not call.caller.has(*STAFF):
        rows = call.db.rows("SELECT * FROM documents WHERE owner = ? ORDER BY number DESC LIMIT 200", call.caller.id)
    elif "tenant-list-leak" in call.flaws:
        rows = call.db.rows("SELECT * FROM documents ORDER BY number DESC LIMIT 200")
    else:
        rows = call.db.rows("SELECT * FROM documents WHERE tenant = ? ORDER BY number DESC LIMIT 200", tenant(call))
    return Reply({"items": [document_of(row) for row in rows]})


async def create_document(call: Call) -> Reply:
    """A new document: of the caller, or for staff, of a patient of their tenant."""
    body, owner = call.body, call.body.get("owner", call.caller.id)
    if owner != call.caller.id and not (call.caller.has(*STAFF) and _patients(call, "id = ?", owner)):
        raise Problem(403, "Forbidden")
    row = call.db.rows(
        "INSERT INTO documents (tenant, owner, kind, title, text) VALUES (?, ?, ?, ?, ?) RETURNING *",
        *(call.caller.tenant, owner, body["kind"], body["title"], body["text"]),
    )[0]
    return Reply(document_of(row), 201, {"location": f"/documents/d-{row['number']}"})


async def get_document(call: Call) -> Reply:
    return Reply(document_of(_document(call)))


async def update_document(call: Call) -> Reply:
    row = _document(call)
    title, text = call.body.get("title", row["title"]), call.body.get("text", row["text"])
    call.db.change("UPDATE documents SET title = ?, text = ? WHERE number = ?", title, text, row["number"])
    return Reply(document_of({**row, "title": title, "text": text}))


async def delete_document(call: Call) -> Reply:
    number = int(call.params["documentId"][2:])
    if "refused-but-deleted" in call.flaws:
        # Removed first, looked up afterwards: others get a 404, and the document is gone.
        gone = call.db.rows("DELETE FROM documents WHERE number = ? RETURNING *", number)
        if not gone or (gone[0]["owner"] != call.caller.id and not call.caller.has(*STAFF)):
            raise Problem(404, "Not Found")
        return Reply(status=204)
    _document(call)
    call.db.change("DELETE FROM documents WHERE number = ?", number)
    return Reply(status=204)


async def search_documents(call: Call) -> Reply:
    """Finds documents by words. TRAP: says what was searched for."""
    asked = call.query["q"]
    mine = "tenant = ?" if call.caller.has(*STAFF) else "owner = ?"
    who = tenant(call) if call.caller.has(*STAFF) else call.caller.id
    if "sql-string" in call.flaws:
        quoted = who.replace("'", "''")
        rows = call.db.rows(
            f"SELECT * FROM documents WHERE {mine.replace('?', repr(quoted))}"  # noqa: S608 - the flaw
            f" AND title LIKE '%{asked}%' ORDER BY number"
        )
    else:
        pattern = "%" + asked.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
        if "tenant-search-leak" in call.flaws and call.caller.has(*STAFF):
            mine, who = "tenant <> ?", ""
        rows = call.db.rows(
            f"SELECT * FROM documents WHERE {mine} AND lower(title) LIKE ? ESCAPE '!' ORDER BY number LIMIT 200",  # noqa: S608
            *(who, pattern),
        )
    return Reply({"query": asked, "items": [document_of(row) for row in rows]})


async def query_documents(call: Call) -> Reply:
    """Finds documents by their properties, in a document store that knows operators."""
    own = {"tenant": tenant(call)} if call.caller.has(*STAFF) else {"owner": call.caller.id}
    wanted = call.body["filter"]
    if "nosql-filter" in call.flaws:
        wanted = {**own, **wanted}  # what the caller says comes last and wins
    else:
        wanted = {**{name: {"$eq": value} for name, value in wanted.items()}, **own}
    rows = call.db.rows("SELECT * FROM documents ORDER BY number")
    return Reply({"items": [document_of(row) for row in rows if matches(row, wanted)]})


async def check_pickup(call: Call) -> Reply:
    """Whether a code opens the drawer of a patient of this tenant."""
    patient = call.body["patient"]
    if not _patients(call, "id = ?", patient):
        raise Problem(404, "Not Found")
    code = call.body["code"]
    entry = call.db.rows("SELECT * FROM pickups WHERE patient = ?", patient)[0]
    return Reply({"valid": matches(entry, {"patient": patient, "code": code})})


async def list_patients(call: Call) -> Reply:
    """Patients of the tenant, of one department if a header names it."""
    department = call.request.headers.get("x-department")
    order = call.query.get("sort", "name")
    if "sql-sort" not in call.flaws and order not in ("name", "department", "id"):
        raise Problem(400, "sort is not valid")
    where, values = "tenant = ?", [tenant(call)]
    if department and "sql-header" in call.flaws:
        safe = tenant(call).replace("'", "''")
        rows = call.db.rows(
            f"SELECT * FROM patients WHERE tenant = '{safe}' AND department = '{department}' ORDER BY name"  # noqa: S608
        )
        return Reply({"items": [patient_of(row) for row in rows]})
    if department:
        where, values = f"{where} AND department = ?", [*values, department]
    rows = call.db.rows(f"SELECT * FROM patients WHERE {where} ORDER BY {order}", *values)  # noqa: S608 - the flaw
    return Reply({"items": [patient_of(row) for row in rows]})


async def get_patient(call: Call) -> Reply:
    row = _own_patient(call)
    shown = patient_of(row)
    if "exposes-national-id" in call.flaws:
        shown["national_id"] = row["national_id"]
    return Reply(shown)


async def list_visits(call: Call) -> Reply:
    patient = call.params["patientId"]
    if "parent-unchecked" not in call.flaws:
        _own_patient(call)
    rows = call.db.rows("SELECT * FROM visits WHERE patient = ? ORDER BY number", patient)
    return Reply({"items": [visit_of(row) for row in rows]})


async def get_visit(call: Call) -> Reply:
    row = _own_patient(call)
    found = call.db.rows(
        "SELECT * FROM visits WHERE number = ? AND patient = ?", int(call.params["visitId"][2:]), row["id"]
    )
    if not found:
        raise Problem(404, "Not Found")
    return Reply(visit_of(found[0]))


async def get_appointment(call: Call) -> Reply:
    number = call.params["number"]
    if "sql-numeric" in call.flaws:
        found = call.db.rows(
            f"SELECT * FROM appointments WHERE patient = '{call.caller.id}' AND number = {number}"  # noqa: S608
        )
    else:
        found = call.db.rows("SELECT * FROM appointments WHERE patient = ? AND number = ?", call.caller.id, int(number))
    if not found:
        raise Problem(404, "Not Found")
    return Reply(appointment_of(found[0]))


async def list_appointments(call: Call) -> Reply:
    rows = call.db.rows("SELECT * FROM appointments WHERE patient = ? ORDER BY number", call.caller.id)
    return Reply({"items": [appointment_of(row) for row in rows]})


async def has_referral(call: Call) -> Reply:
    """204 if there is such a referral, 404 if not, and nothing else."""
    code = call.params["code"]
    if "sql-blind" in call.flaws:
        found = call.db.rows(f"SELECT 1 AS yes FROM referrals WHERE code = '{code}'")  # noqa: S608 - the flaw
    else:
        found = call.db.rows("SELECT 1 AS yes FROM referrals WHERE code = ? AND tenant = ?", code, tenant(call))
    if not found:
        raise Problem(404, "Not Found")
    return Reply(status=204)


async def find_colleague(call: Call) -> Reply:
    name = call.query["name"]
    value = name if "ldap" in call.flaws else escaped(name)
    found = search_directory(f"(&(objectClass=person)(cn={value}))")
    return Reply({"items": [{"name": entry["cn"], "mail": entry["mail"]} for entry in found]})


async def export_patients(call: Call) -> Reply:
    rows = (
        _patients(call, "1 = ?", 1)
        if "tenant-export-leak" not in call.flaws
        else call.db.rows("SELECT * FROM patients")
    )
    return Reply({"items": [patient_of(row) for row in rows]})


async def metrics(call: Call) -> Reply:
    """FLAW metrics-exposed."""
    documents = call.db.rows("SELECT COUNT(*) AS n FROM documents")[0]["n"]
    lines = f"# TYPE documents_total counter\ndocuments_total {documents}\nprocess_resident_memory_bytes 52428800\n"
    return Reply(lines.encode(), media="text/plain; version=0.0.4")


async def old_patients(call: Call) -> Reply:
    """FLAW retired-version: the first version, which asked nobody who they are, still answers."""
    return Reply([dict(row) for row in call.db.rows("SELECT * FROM patients ORDER BY id")])


def _patients(call: Call, where: str, *values: Any) -> list[Record]:
    """Patients of the caller's tenant."""
    return call.db.rows(f"SELECT * FROM patients WHERE {where} AND tenant = ?", *values, tenant(call))  # noqa: S608


def _own_patient(call: Call) -> Record:
    wanted = call.params["patientId"]
    found = _patients(call, "id = ?", wanted)
    if not found or (wanted != call.caller.id and not call.caller.has(*STAFF)):
        raise Problem(404, "Not Found")
    return found[0]
