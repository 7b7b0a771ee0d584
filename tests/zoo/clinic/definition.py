"""The clinic's operations: who may call them, with what, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping

from tests.zoo.clinic import operations as do
from tests.zoo.kit import account_operations
from tests.zoo.kit.model import Operation as Op
from tests.zoo.kit.model import Schema, listing, ref, text, thing, whole
from tests.zoo.kit.service import Definition

STAFF = do.STAFF
ALL = ("customer", *STAFF)
_PATIENT_ID = text(20, 3, pattern="^[uv]-[0-9a-z]+$")
_ID: Mapping[str, Schema] = {
    **account_operations.IDS,
    "documentId": text(11, 3, pattern="^d-[0-9]{1,9}$"),
    "patientId": _PATIENT_ID,
    "visitId": text(11, 3, pattern="^s-[0-9]{1,9}$"),
    "number": whole(1, 999_999_999),
    "code": text(20, 4, pattern="^REF-[0-9]{1,8}$", examples=["REF-1001"]),
}
_KIND: Schema = {"enum": ["letter", "report", "note"]}
_TITLE, _TEXT = text(100), text(4000)
_DEPARTMENT = text(40, pattern="^[a-z]+$", examples=["cardiology"])
_ANYTHING: Mapping[str, Schema | None] = {"body": {"type": "object"}}

SCHEMAS: Mapping[str, Schema] = {
    **account_operations.SCHEMAS,
    "Document": thing(
        {"id": _ID["documentId"], "owner": _PATIENT_ID, "kind": _KIND, "title": _TITLE, "text": _TEXT}
    ),
    "DocumentCreate": thing({"kind": _KIND, "title": _TITLE, "text": _TEXT}, {"owner": _PATIENT_ID}),
    "DocumentUpdate": thing({}, {"title": _TITLE, "text": _TEXT}),
    "Patient": thing({"id": _PATIENT_ID, "name": text(100), "department": text(40)}),
    "Visit": thing({"id": _ID["visitId"], "patient": _PATIENT_ID, "finding": text(200)}),
    "Colleague": thing({"name": text(), "mail": text()}),
    "Appointment": thing({"number": _ID["number"], "patient": _PATIENT_ID, "reason": text(200)}),
}  # fmt: skip
_DOCUMENTS = listing(ref("Document"), 10_000)

OPERATIONS = (
    *account_operations.operations(ALL),
    Op(id="listDocuments", method="GET", path="/documents", handler=do.list_documents, summary="Documents", roles=ALL,
       answer=_DOCUMENTS),
    Op(id="createDocument", method="POST", path="/documents", handler=do.create_document, summary="Write a document",
       roles=ALL, body=ref("DocumentCreate"), answer=ref("Document"), status=201),
    Op(id="searchDocuments", method="GET", path="/documents/search", handler=do.search_documents,
       summary="Find documents by title", roles=ALL, query={"q": text(100, **{"x-required": True})},
       answer=thing({"query": text(), "items": _DOCUMENTS["properties"]["items"]})),
    Op(id="queryDocuments", method="POST", path="/documents/query", handler=do.query_documents,
       summary="Find documents by properties", roles=ALL,
       body=thing({"filter": thing({}, {"kind": text(40), "title": _TITLE})}), answer=_DOCUMENTS,
       loose={"nosql-filter": {"body": {"type": "object", "properties": {"filter": {"type": "object"}},
                                        "required": ["filter"]}}}),
    Op(id="getDocument", method="GET", path="/documents/{documentId}", handler=do.get_document,
       summary="One document", roles=ALL, answer=ref("Document")),
    Op(id="updateDocument", method="PATCH", path="/documents/{documentId}", handler=do.update_document,
       summary="Change a document", roles=ALL, body=ref("DocumentUpdate"), answer=ref("Document")),
    Op(id="deleteDocument", method="DELETE", path="/documents/{documentId}", handler=do.delete_document,
       summary="Remove a document", roles=ALL, status=204),
    Op(id="checkPickup", method="POST", path="/pickups/check", handler=do.check_pickup,
       summary="Is this the code of the drawer?", roles=ALL, body=thing({"patient": _PATIENT_ID, "code": text(10)}),
       answer=thing({"valid": {"type": "boolean"}}), rate=(30, 10.0),
       loose={"nosql-operator": {"body": {"type": "object", "required": ["patient", "code"],
                                          "properties": {"patient": _PATIENT_ID}}}}),
    Op(id="listPatients", method="GET", path="/patients", handler=do.list_patients, summary="Patients", roles=STAFF,
       query={"sort": {"enum": ["name", "department", "id"]}}, header={"x-department": _DEPARTMENT},
       answer=listing(ref("Patient")),
       loose={"sql-sort": {"sort": text(500)}, "sql-header": {"x-department": text(500)}}),
    Op(id="getPatient", method="GET", path="/patients/{patientId}", handler=do.get_patient,
       summary="One patient: for patients, themselves", roles=ALL, answer=ref("Patient"),
       owns="path.patientId == token.sub"),
    Op(id="listVisits", method="GET", path="/patients/{patientId}/visits", handler=do.list_visits,
       summary="Visits of a patient", roles=ALL, answer=listing(ref("Visit")), owns="path.patientId == token.sub"),
    Op(id="getVisit", method="GET", path="/patients/{patientId}/visits/{visitId}", handler=do.get_visit,
       summary="One visit", roles=ALL, answer=ref("Visit"), owns="path.patientId == token.sub"),
    Op(id="listAppointments", method="GET", path="/appointments", handler=do.list_appointments,
       summary="My appointments", roles=ALL, answer=listing(ref("Appointment"))),
    Op(id="getAppointment", method="GET", path="/appointments/{number}", handler=do.get_appointment,
       summary="One of my appointments", roles=ALL, answer=ref("Appointment"),
       loose={"sql-numeric": {"number": text(500)}}),
    Op(id="hasReferral", method="GET", path="/referrals/{code}", handler=do.has_referral,
       summary="Is there such a referral?", roles=ALL, status=204, loose={"sql-blind": {"code": text(500)}}),
    Op(id="findColleague", method="GET", path="/directory", handler=do.find_colleague, summary="Who works here",
       roles=STAFF, query={"name": text(100, examples=["dora"], **{"x-required": True})},
       answer=listing(ref("Colleague"))),
    Op(id="exportPatients", method="GET", path="/exports/patients", handler=do.export_patients,
       summary="All patients of the tenant", roles=("admin",), answer=listing(ref("Patient"))),
    Op(id="metrics", method="GET", path="/metrics", handler=do.metrics, summary="Old", only_with="metrics-exposed"),
    Op(id="oldPatients", method="GET", path="/v0/patients", handler=do.old_patients, summary="Old",
       only_with="retired-version"),
)  # fmt: skip

CLINIC = Definition(name="clinic", title="Clinic", operations=OPERATIONS, ids=_ID, schemas=SCHEMAS)
