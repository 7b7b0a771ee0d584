#!/usr/bin/env python3
"""Verify a folder of Assay evidence, or one record of it, without Assay.

    python3 verify.py [DIRECTORY] [--since CHECKPOINT] [--key FINGERPRINT] [--witness KEY] [--full] [--json]
    python3 verify.py PROOF.tlog-proof [--keys keys.json] [--key FINGERPRINT]

Needs Python 3.11 and the package `cryptography`, nothing else: no network, no private key. The steps are numbered as in
the documentation of Assay. Exit codes: 0 nothing was tampered with, as far as the steps that were checked can tell;
1 something was found; 2 wrong use; 3 it could not be read, so nothing is claimed.

--since      a copy of the file `checkpoint` that you kept: shows that nothing you saw was taken back
--key        SHA-256 of the log's first public key (at least 16 digits), if somebody you trust told you
--witness    a witness's verifier key, NAME+HINT+BASE64: it must have cosigned; may be given more than once
--full       verify every signature and attachment of a long log, not a sample
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import re
import sys
from bisect import bisect_left
from datetime import UTC, datetime
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ALL_UP_TO, SAMPLE, SHOWN = 10_000, 1_000, 100
NOTICES = {"expired", "shredded", "unsealed", "outdated"}
STATEMENT, PREDICATE = "https://in-toto.io/Statement/v1", "urn:assay:evidence:v1"
PAYLOAD_TYPE = b"application/vnd.in-toto+json"
MANIFEST_TYPE = b"application/vnd.assay.manifest+json"
DECISION_TYPE = b"urn:assay:decision:v1"
DECISION = {"kind", "subject", "digest", "organisation", "person", "reason", "time"}
DECISIONS = {"exception-request", "exception-approval", "mapping-review", "policy-approval", "withdrawal"}
LINE = re.compile(rb'\{"keyid":"([0-9a-f]{16})","sig":"([A-Za-z0-9+/]{86}==)","statement":(\{.*\})\}', re.DOTALL)
EMPTY = hashlib.sha256(b"").digest()
TITLES = (
    "format",
    "keys and epochs",
    "signatures",
    "canonical form",
    "tree",
    "consistency",
    "runs",
    "attachments",
    "freshness",
    "declaration and configuration",
    "witnesses",
)
TEXT, NUMBER = (str,), (int,)
FIELDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("kind", "subject", "control", "check", "check_version", "method", "collector", "identity"), TEXT),
    **dict.fromkeys(("outcome", "sentence", "declaration", "configuration", "expires", "id", "time"), TEXT),
    **dict.fromkeys(("origin", "run"), TEXT),
    **dict.fromkeys(("population", "sample", "seq"), NUMBER),
    "details": (dict,),
    "blobs": (list,),
}
WORDS = {
    "kind": {"verdict", "configuration", "run", "key", "erasure", "decision"},
    "method": {"examine", "interview", "test"},
    "outcome": {"pass", "fail", "inconclusive", "not_applicable", "skipped", "error"},
}
BLOB: dict[str, type] = {"name": str, "media": str, "commitment": str, "sealed": str, "at": int, "size": int}


class Bad(Exception):
    """Something is not what it should be; the text says what."""


class Misuse(Exception):
    """The program was called with something that it cannot use."""


# --- Merkle tree: RFC 6962, section 2.1, and RFC 9162, section 2.1.3.2 ------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The complete subtrees of a growing tree, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.nodes: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        size = self.size
        while size & 1:
            leaf = node_hash(self.nodes.pop(), leaf)
            size >>= 1
        self.nodes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        return fold(self.nodes)


def fold(nodes: list[bytes]) -> bytes:
    if not nodes:
        return EMPTY
    root = nodes[-1]
    for node in reversed(nodes[:-1]):
        root = node_hash(node, root)
    return root


def root_from_inclusion(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    if not 0 <= index < size:
        return None
    first, last, root = index, size - 1, leaf
    for node in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            root = node_hash(node, root)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            root = node_hash(root, node)
        first, last = first >> 1, last >> 1
    return root if last == 0 else None


# --- Canonical JSON: RFC 8785 -----------------------------------------------------------------------------------------


def canonical(value: object, depth: int = 0) -> str:
    if depth > 200:
        raise Bad("JSON is nested too deeply")
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, int):
        if abs(value) > 2**53 - 1:
            raise Bad("an integer is too large")
        return repr(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return f"[{','.join(canonical(item, depth + 1) for item in value)}]"
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        members = (f"{encode_basestring(n)}:{canonical(value[n], depth + 1)}" for n in names)
        return f"{{{','.join(members)}}}"
    raise Bad("this is not JSON")


def number(value: float) -> str:
    """ECMA-262, Number::toString."""
    if not math.isfinite(value):
        raise Bad("a number is not finite")
    if value == 0:
        return "0"
    sign, (mantissa, _, exponent) = "-" if value < 0 else "", repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[0]}{'.' if len(digits) > 1 else ''}{digits[1:]}e{point - 1:+d}"


def load(data: bytes) -> Any:
    """Strict JSON in UTF-8."""

    def refuse(name: str) -> None:
        raise Bad(f"{name} is not JSON")

    def exact(digits: str) -> int | float:
        # A double of 2^53 and more is written without a fraction, and has to be read as a double again.
        value = int(digits) if len(digits) <= 17 else 2**53
        return value if abs(value) < 2**53 else float(digits)

    try:
        return json.loads(data.decode(), parse_constant=refuse, parse_int=exact)
    except (ValueError, RecursionError) as error:
        raise Bad(f"it is no JSON: {error}") from error


# --- Signed statements (DSSE, in-toto) and signed notes (C2SP) --------------------------------------------------------


def b64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except ValueError as error:
        raise Bad("a value is not in base64") from error
    if base64.b64encode(data).decode() != text:
        raise Bad("a value is not in canonical base64")
    return data


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def pae(payload: bytes, kind: bytes = PAYLOAD_TYPE) -> bytes:
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def entry(line: bytes) -> tuple[str, bytes, bytes]:
    """The key's id, the signature and the signed payload of a line."""
    found = LINE.fullmatch(line)
    if not found:
        raise Bad("it is no signed statement")
    return found[1].decode(), b64(found[2].decode()), found[3]


def moment(text: str) -> datetime:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?", text, re.ASCII):
        raise Bad("a time is not written as RFC 3339 has it")
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise Bad("there is no such time") from error


def predicate(statement: object) -> dict[str, Any]:
    """What a statement says, if it has the shape of a record."""
    if not isinstance(statement, dict) or set(statement) != {"_type", "predicate", "predicateType", "subject"}:
        raise Bad("this is no record of evidence")
    said = statement["predicate"]
    if statement["_type"] != STATEMENT or statement["predicateType"] != PREDICATE or not isinstance(said, dict):
        raise Bad("this is no record of evidence")
    for name, value in said.items():
        if name not in FIELDS or type(value) not in FIELDS[name] or value not in WORDS.get(name, [value]):
            raise Bad(f"`{name}` is not what a record holds")
        if name in ("time", "expires"):
            moment(value)
    if "kind" not in said or "subject" not in said:
        raise Bad("a record lacks its kind or its subject")
    for blob in said.get("blobs", []):
        if not is_blob(blob):
            raise Bad("an attachment is not described as one")
    digest = said.get("declaration") or hashlib.sha256(said["subject"].encode("utf-8", "surrogatepass")).hexdigest()
    if statement["subject"] != [{"digest": {"sha256": digest}, "name": said["subject"]}]:
        raise Bad("record and statement name different subjects")
    return said


def is_blob(blob: object) -> bool:
    return isinstance(blob, dict) and set(blob) == set(BLOB) and all(type(blob[n]) is t for n, t in BLOB.items())


def decision(said: dict[str, Any]) -> None:
    """Raises unless a record holds one statement, signed by the key that lies beside it. Whose key it is, the
    declaration says."""
    try:
        inner = said["details"]["envelope"]
        (one,) = inner["signatures"]
        members = set(said["details"]), set(inner), set(one)
        if members != ({"envelope", "key"}, {"payload", "payloadType", "signatures"}, {"keyid", "sig"}):
            raise Bad("")
        key, payload, signature = b64(said["details"]["key"]), b64(inner["payload"]), b64(one["sig"])
        stated = load(payload)
        if len(key) != 32 or len(signature) != 64 or canonical(stated).encode() != payload:
            raise Bad("")
        if inner["payloadType"].encode() != DECISION_TYPE or not isinstance(stated, dict) or set(stated) != DECISION:
            raise Bad("")
        if any(type(value) is not str for value in stated.values()):
            raise Bad("")
    except (Bad, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Bad("it holds no decision as one is written") from error
    problem = ""
    if stated["kind"] not in DECISIONS:
        problem = f"`{stated['kind'][:40]}` is no kind of decision"
    elif not re.fullmatch("[0-9a-f]{64}", stated["digest"]):
        problem = "its digest is not 64 hexadecimal digits"
    elif not stated["subject"] or not stated["person"] or max(len(stated[n]) for n in ("subject", "reason")) > 2000:
        problem = "it lacks a subject or a person, or is too long"
    else:
        try:
            if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", stated["time"]):
                raise Bad("")
            moment(stated["time"])
        except Bad:
            problem = "its time is not written as 2026-11-22T12:00:00Z"
    if problem:
        raise Bad(f"it holds no decision as one is written: {problem}")
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0 " + key
    named = f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"
    if (said["subject"], said.get("identity", "")) != (stated["subject"], stated["person"]) or one["keyid"] != named:
        raise Bad("the record and the decision in it name different things")
    if not verifies(key, signature, pae(payload, DECISION_TYPE)):
        raise Bad("the person's key did not sign the decision in it")


class Note:
    """A checkpoint: origin, size, root, and its signature lines, not verified yet."""

    def __init__(self, text: str) -> None:
        if len(text) > 1 << 20 or re.search(r"[\x00-\x09\x0b-\x1f]", text):
            raise Bad("this is no checkpoint")
        body, blank, lines = text.rpartition("\n\n")
        head = body.split("\n")
        if not blank or not lines.endswith("\n") or len(head) != 3 or not head[0]:
            raise Bad("this is no checkpoint")
        if not re.fullmatch(r"0|[1-9][0-9]{0,15}", head[1]):
            raise Bad("this is no checkpoint: it has no size")
        self.origin, self.size, self.root, self.body = head[0], int(head[1]), b64(head[2]), f"{body}\n"
        self.signatures: list[tuple[str, bytes, bytes]] = []
        if len(self.root) != 32 or lines.count("\n") > 64:
            raise Bad("this is no checkpoint")
        for line in lines[:-1].split("\n"):
            name, space, value = line.removeprefix("— ").rpartition(" ")
            raw = b64(value)
            if not line.startswith("— ") or not space or not name or " " in name or len(raw) < 5:
                raise Bad("a line below the checkpoint is no signature")
            self.signatures.append((name, raw[:4], raw[4:]))

    def signed_by(self, keys: dict[str, bytes]) -> bool:
        """Whether one of the keys signed it. Raises if one of them is named and did not."""
        hints = {hint(self.origin, key, 1): key for key in keys.values()}
        signed = False
        for name, mark, value in self.signatures:
            if name == self.origin and mark in hints:
                if not verifies(hints[mark], value, self.body.encode()):
                    raise Bad(f"the checkpoint of size {self.size:,} has a wrong signature")
                signed = True
        return signed

    def cosigned_by(self, witnesses: dict[str, bytes]) -> list[tuple[str, int]]:
        """Which witnesses signed it, and when (C2SP tlog-cosignature, version 1)."""
        found = []
        for name, mark, value in self.signatures:
            key = witnesses.get(name)
            if key is None or mark != hint(name, key, 4):
                continue
            at = int.from_bytes(value[:8], "big")
            if not verifies(key, value[8:], f"cosignature/v1\ntime {at}\n{self.body}".encode()):
                raise Bad(f"the cosignature of witness {name} is wrong")
            found.append((name, at))
        return found


def hint(name: str, key: bytes, kind: int) -> bytes:
    return hashlib.sha256(f"{name}\n".encode() + bytes([kind]) + key).digest()[:4]


class Epoch:
    """A key, and from which record on it signs."""

    def __init__(self, number: int, public: bytes, start: int, line: bytes, origin: str) -> None:
        self.number, self.public, self.start, self.line, self.origin = number, public, start, line, origin
        self.keyid = hashlib.sha256(public).hexdigest()[:16]


def chain(lines: list[bytes]) -> list[Epoch]:
    """The keys that a sequence of introductions vouches for: the first signs itself, each the next one."""
    epochs: list[Epoch] = []
    for line in lines:
        try:
            keyid, signature, payload = entry(line)
            said = predicate(load(payload))
            details = said.get("details", {})
            public = base64.b64decode(str(details.get("public", "")), validate=True)
        except (Bad, ValueError):
            break
        before = epochs[-1] if epochs else None
        signer, seq = before.public if before else public, said.get("seq", -1)
        good = (
            said["kind"] == "key"
            and details.get("epoch") == len(epochs) + 1
            and details.get("algorithm") == "ed25519"
            and len(public) == 32
            and keyid == hashlib.sha256(signer).hexdigest()[:16]
            and (seq >= before.start if before else seq == 0)
            and verifies(signer, signature, pae(payload))
        )
        if not good:
            break
        epochs.append(Epoch(len(epochs) + 1, public, seq + 1 if before else 0, line, said.get("origin", "")))
    return epochs


# --- What happened to a sequence of records ---------------------------------------------------------------------------


def diagnose(lines: list[tuple[int, int, bool]], start: int, size: int | None) -> list[tuple[str, int, int, int]]:
    """Lines are (position, index that is signed or claimed, signed or not); answers (problem, position, index, many).

    Indices that good signatures vouch for say which lines were copied, moved or taken out; a line that nobody signed
    stands for a record that is gone from its place (modified), or for none (inserted).
    """
    found: list[tuple[str, int, int, int]] = []
    first: dict[int, tuple[int, int, bool]] = {}
    for line in lines:
        if line[2] and (line[1] < start or line[1] in first):
            found.append(("inserted", line[0], line[1], 1))
        elif line[2]:
            first[line[1]] = line
    kept = rising(list(first.values()))
    places = {line[0] for line in kept}
    found += [("reordered", line[0], line[1], 1) for line in first.values() if line[0] not in places]
    bad = [line for line in lines if not line[2]]
    before, cursor = start - 1, 0
    for line in kept:
        inside = []
        while cursor < len(bad) and bad[cursor][0] < line[0]:
            inside.append(bad[cursor])
            cursor += 1
        found += hole(before + 1, line[1], first, inside, "missing")
        before = line[1]
    rest = bad[cursor:]
    if size is None:
        size = before + 1 + sum(1 for n, line in enumerate(rest) if line[1] == before + 1 + n)
    found += hole(before + 1, size, first, rest, "truncated")
    return found


def hole(
    begin: int, end: int, present: dict[int, Any], bad: list[tuple[int, int, bool]], kind: str
) -> list[tuple[str, int, int, int]]:
    found, waiting, at = [], list(bad), begin
    stops = [*sorted(seq for seq in present if begin <= seq < end), end] if begin < end else []
    for stop in stops:
        while at < stop and waiting:
            found.append(("modified", waiting.pop(0)[0], at, 1))
            at += 1
        if at < stop:
            found.append((kind, -1, at, stop - at))
        at = stop + 1
    return found + [("inserted", line[0], line[1], 1) for line in waiting]


def rising(lines: list[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    """A longest subsequence with rising indices: the lines that nobody moved."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for n, line in enumerate(lines):
        place = bisect_left(tails, line[1])
        previous.append(ends[place - 1] if place else -1)
        tails[place : place + 1] = [line[1]]
        ends[place : place + 1] = [n]
    chosen, at = [], ends[-1] if ends else -1
    while at >= 0:
        chosen.append(lines[at])
        at = previous[at]
    return chosen[::-1]


# --- The procedure ----------------------------------------------------------------------------------------------------


class Verifier:
    """Goes through the steps for one folder; what it finds is in ``findings``, ``counts`` and ``steps``."""

    def __init__(self, root: Path, now: datetime, *, full: bool = False) -> None:
        self.root, self.now, self.full = root, now, full
        self.findings: list[dict[str, Any]] = []
        self.counts: dict[str, int] = {}
        self.steps: list[tuple[int, str, str, str]] = []
        self.failed: set[int] = set()
        self.seals: list[tuple[int, dict[str, Any], Note]] = []
        self.noted: Note | None = None
        self.kept: Note | None = None
        self.cosigned: list[Note] = []
        self.head: Note | None = None
        self.epochs: list[Epoch] = []
        self.lines = self.torn = self.covered = self.expired = 0
        self.first_expired = -1
        self.at: dict[int, tuple[bytes, int]] = {0: (EMPTY, 0)}
        self.claimed: dict[int, int] = {}
        self.uncovered: list[tuple[int, int, bool]] = []
        self.special: list[tuple[int, dict[str, Any], bytes]] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.blobs: list[tuple[int, str, str, dict[str, Any]]] = []

    def verify(self, since: Note | None, key: str, witnesses: dict[str, bytes]) -> bool:
        """All steps; whether only notices were found."""
        self.kept = since
        self.format()  # 1
        self.keys(key)  # 2
        self.signatures()  # 3 and 4
        self.tree()  # 5
        self.consistency()  # 6
        self.run_counts()  # 7
        self.attachments()  # 8
        self.freshness()  # 9
        self.digests()  # 10
        self.witnesses(witnesses)  # 11
        return not self.failed

    def add(self, step: int, problem: str, where: str, sentence: str, notice: bool | None = None) -> None:
        is_notice = problem in NOTICES if notice is None else notice
        if not is_notice:
            self.failed.add(step)
        self.counts[problem] = self.counts.get(problem, 0) + 1
        if self.counts[problem] <= SHOWN:
            found = {"step": step, "problem": problem, "where": where, "sentence": sentence, "notice": is_notice}
            self.findings.append(found)

    def close(self, step: int, sentence: str, checked: bool = True) -> None:
        state = "failed" if step in self.failed else "passed" if checked else "not checked"
        self.steps.append((step, TITLES[step - 1], state, sentence))

    def file(self, name: str) -> bytes | None:
        path = self.root / name
        return path.read_bytes() if path.is_file() else None

    # 1. Format: every file is there and can be read; a manifest, if there is one, fits.

    def format(self) -> None:
        for name in ("records.jsonl", "seals.jsonl", "checkpoint", "keys.json"):
            if not (self.root / name).is_file():
                self.add(1, "missing", name, f"The file `{name}` is gone.")
        noted, seals = self.heads()
        if noted is not None:
            try:
                self.noted = Note(noted.decode())
            except (Bad, ValueError):
                self.add(1, "modified", "checkpoint", "The file `checkpoint` is no checkpoint.")
        self.read_seals(seals or b"")
        self.read_cosigned()
        self.manifest()
        if (self.root / "records.jsonl").is_file():
            with (self.root / "records.jsonl").open("rb") as file:
                self.scan(file)
        self.close(1, f"{self.lines:,} records, {len(self.seals):,} checkpoints")

    def heads(self) -> tuple[bytes | None, bytes | None]:
        """The last checkpoint and all of them, of the same moment: somebody may be writing."""
        for _ in range(5):
            noted, seals = self.file("checkpoint"), self.file("seals.jsonl")
            if self.file("checkpoint") == noted:
                break
        return noted, seals

    def read_seals(self, data: bytes) -> None:
        lines = data.split(b"\n")
        if lines.pop():
            self.add(1, "unsealed", "seals.jsonl", "The last line is torn: a seal was interrupted.")
        for n, line in enumerate(lines, 1):
            try:
                seal = load(line)
                if not isinstance(seal, dict) or set(seal) != {"bytes", "checkpoint", "nodes"}:
                    raise Bad("a seal has other members")
                if type(seal["bytes"]) is not int or not isinstance(seal["checkpoint"], str):
                    raise Bad("a seal has other members")
                note, nodes = Note(seal["checkpoint"]), [bytes.fromhex(node) for node in seal["nodes"]]
                if len(nodes) != note.size.bit_count() or any(len(x) != 32 for x in nodes) or fold(nodes) != note.root:
                    raise Bad("a seal does not fit its checkpoint")
            except (Bad, ValueError, TypeError):
                self.add(1, "modified", f"seals.jsonl:{n}", "This line is not a seal as it was written.")
            else:
                self.seals.append((n, seal, note))

    def read_cosigned(self) -> None:
        """What witnesses signed; every seal replaces `checkpoint`, so it is kept apart."""
        data = self.file("witnessed.json")
        if data is None:
            return
        try:
            document = load(data)
            if type(document["version"]) is not int or not isinstance(document["witnesses"], list):
                raise Bad("it is no list of what witnesses signed")
            for listed in document["witnesses"]:
                if type(listed["key"]) is not str or type(listed["checkpoint"]) is not str:
                    raise Bad("it is no list of what witnesses signed")
            for listed in document["witnesses"]:
                witness(listed["key"])
            self.cosigned = [Note(listed["checkpoint"]) for listed in document["witnesses"]]
        except (Bad, Misuse, KeyError, TypeError, ValueError):
            self.add(1, "modified", "witnessed.json", "The list of what witnesses signed cannot be read.")

    def manifest(self) -> None:
        data = self.file("manifest.json")
        if data is None:
            if self.file("manifest.sig") is not None:
                self.add(1, "missing", "manifest.json", "The manifest is gone, and its signature is there.")
            return
        try:
            files = load(data)["files"].items()
            listed = sorted((str(name), str(known["sha256"])) for name, known in files)
        except (Bad, KeyError, TypeError, AttributeError):
            self.add(1, "modified", "manifest.json", "The manifest cannot be read.")
            return
        for name, digest in listed:
            path = self.root / name
            if "\0" in name or ".." in Path(name).parts or Path(name).is_absolute():
                self.add(1, "modified", "manifest.json", "The manifest names a file outside of the folder.")
            elif not path.is_file():
                self.add(1, "missing", name, "A file that the manifest lists is gone.")
            else:
                with path.open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                        self.add(1, "modified", name, "The file is not the one that the manifest lists.")

    def scan(self, file: BinaryIO) -> None:
        """One pass over the records: tree, places, runs, attachments."""
        sizes = {note.size for _, _, note in self.seals} | {
            n.size for n in (self.noted, self.kept, *self.cosigned) if n
        }
        tree, position = Tree(), 0
        for raw in file:
            if not raw.endswith(b"\n"):
                self.torn = len(raw)
                break
            line, index = raw[:-1], self.lines
            tree.append(leaf_hash(line))
            position += len(raw)
            self.lines += 1
            if tree.size in sizes:
                self.at[tree.size] = tree.root(), position
            self.look(index, line)
        self.root_hash = tree.root()

    def look(self, index: int, line: bytes) -> None:
        try:
            if line[:10] != b'{"keyid":"' or line[123:137] != b'","statement":':
                raise Bad("it is no line of the log")
            said = load(line)["statement"]["predicate"]
            shape = {"seq": int, "kind": str, "id": str}
            shape |= {n: str for n in ("run", "outcome", "declaration", "configuration") if n in said}
            if any(type(said[name]) is not kind for name, kind in shape.items()):
                raise Bad("it is no record")
            blobs = said.get("blobs", [])
            if not isinstance(blobs, list) or not all(map(is_blob, blobs)):
                raise Bad("an attachment is not described as one")
            expires = moment(said["expires"]) if said.get("expires") is not None else None
        except (Bad, KeyError, TypeError, AttributeError):
            self.claimed[index] = -1
            return
        if said["seq"] != index:
            self.claimed[index] = said["seq"]
        if said["kind"] in ("run", "key", "erasure", "decision"):
            try:
                self.special.append((index, predicate(load(entry(line)[2])), line))
            except Bad:
                self.claimed[index] = -1
        elif said.get("run"):
            fresh = {"records": 0, "first": index, "last": index, "outcomes": {}, "digests": {}}
            run = self.runs.setdefault(said["run"], fresh)
            outcome = said.get("outcome") or said["kind"]
            run["records"] += 1
            run["last"] = index
            run["outcomes"][outcome] = run["outcomes"].get(outcome, 0) + 1
            run["digests"].setdefault((said.get("declaration", ""), said.get("configuration", "")), index)
        self.blobs += [(index, said.get("run", ""), said["id"], blob) for blob in blobs]
        if expires is not None and expires.tzinfo is not None and expires < self.now:
            self.expired += 1
            self.first_expired = index if self.first_expired < 0 else self.first_expired

    # 2. Keys: each epoch's key is introduced by the one before; the first is the one that was pinned.

    def keys(self, pinned: str) -> None:
        data, listed, document = self.file("keys.json"), [], None
        try:
            document = load(data or b"")
            if not isinstance(document["version"], int) or not isinstance(document["origin"], str):
                raise Bad("the list of keys is damaged")
            if not isinstance(document["keys"], list) or any(
                type(k["introduced"]) is not str for k in document["keys"]
            ):
                raise Bad("the list of keys is damaged")
            listed = chain([k["introduced"].encode("utf-8", "surrogatepass") for k in document["keys"]])
        except (Bad, KeyError, TypeError):
            pass
        logged = chain([line for _, said, line in self.special if said["kind"] == "key"])
        head = self.noted or (self.seals[-1][2] if self.seals else None)
        candidates = [found for found in (logged, listed) if found]
        signing = [found for found in candidates if head and self.signs(found, head)]
        self.epochs = (signing or candidates or [[]])[0]
        if not candidates:
            self.add(2, "unknown-key", "keys.json", "No key of this log introduces itself: nothing can be trusted.")
        elif not data:
            pass  # named in step 1
        elif not listed:
            self.add(2, "modified", "keys.json", "The list of keys is damaged; the log's own entries were used.")
        elif logged and listed[0].public != logged[0].public:
            self.add(2, "unknown-key", "keys.json", "The listed keys are not those that the log begins with.")
        elif self.behind(listed, logged) and document == self.published(listed):
            # So a crash leaves it, until the log is opened again; what the log introduces is vouched for by itself.
            sentence = "The list lacks the last keys that the log introduces: a change of keys was interrupted."
            self.add(2, "unknown-key", "keys.json", sentence, notice=True)
        elif [e.public for e in listed] != [e.public for e in max(logged, listed, key=len)]:
            self.add(2, "unknown-key", "keys.json", "The log introduces keys that the list lacks, or others.")
        elif document != self.published(listed):
            self.add(2, "modified", "keys.json", "The list says more or other than the entries it rests on.")
        else:
            self.epochs = max(self.epochs, listed, key=len)
        first = hashlib.sha256(self.epochs[0].public).hexdigest() if self.epochs else ""
        if pinned and (len(pinned) < 16 or not first.startswith(pinned.lower())):
            self.add(2, "unknown-key", "keys.json", "The log begins with another key than the one you gave.")
        how = "as you gave it" if pinned else "not compared: give it with --key to be sure whose log this is"
        self.close(2, f"{len(self.epochs):,} epochs; the first key is {first[:16] or 'unknown'} ({how})")

    @staticmethod
    def behind(listed: list[Epoch], logged: list[Epoch]) -> bool:
        return len(listed) < len(logged) and [e.line for e in listed] == [e.line for e in logged[: len(listed)]]

    @staticmethod
    def published(epochs: list[Epoch]) -> dict[str, Any]:
        keys = [
            {
                "algorithm": "ed25519",
                "epoch": e.number,
                "fingerprint": hashlib.sha256(e.public).hexdigest(),
                "introduced": e.line.decode("utf-8", "surrogatepass"),
                "keyid": e.keyid,
                "public": base64.b64encode(e.public).decode(),
            }
            for e in epochs
        ]
        return {"version": 1, "origin": epochs[0].origin, "keys": keys}

    @staticmethod
    def signs(epochs: list[Epoch], note: Note) -> bool:
        try:
            return note.signed_by({e.keyid: e.public for e in epochs})
        except Bad:
            return False

    # 3. Signatures: checkpoints and records are signed by the key of their epoch.
    # 4. Canonical form: the same records are canonical JSON and name the log, subject and place they have.

    def signatures(self) -> None:
        trusted = [(n, seal, note) for n, seal, note in self.seals if self.trusts(note, f"seals.jsonl:{n}")]
        heads = [note for _, _, note in trusted]
        if self.noted and self.trusts(self.noted, "checkpoint"):
            heads.append(self.noted)
        self.manifest_signature()
        self.trusted = trusted
        self.head = max(heads, key=lambda note: note.size, default=None)
        self.covered = max((h.size for h in heads if self.at.get(h.size, (b"",))[0] == h.root), default=0)
        whole = self.full or self.lines <= ALL_UP_TO
        stride = 1 if whole else self.lines // SAMPLE
        checked = 0
        if self.lines:
            with (self.root / "records.jsonl").open("rb") as file:
                for index, raw in enumerate(file):
                    # What no trusted checkpoint covers is verified without exception, and judged in step 5.
                    if raw.endswith(b"\n") and (index >= self.covered or index % stride == stride // 2):
                        checked += 1
                        self.judge(index, raw[:-1])
        decided = [(n, said) for n, said, _ in self.special if said["kind"] == "decision" and n < self.covered]
        for index, said in decided:
            try:
                decision(said)
            except Bad as bad:
                self.add(3, "bad-signature", f"record {index}", f"{str(bad)[:1].upper()}{str(bad)[1:]}.")
        how = "" if whole else " (a sample; --full takes all)"
        of = f"{checked:,} of {self.lines:,} records"
        people = f", and {len(decided):,} decisions of people" if decided else ""
        self.close(3, f"{len(trusted):,} of {len(self.seals):,} checkpoints and {of} verified{how}{people}")
        self.close(4, f"{of} compared{how}")

    def judge(self, index: int, line: bytes) -> None:
        covered, where, good = index < self.covered, f"record {index}", False
        seq = self.claimed.get(index, index)
        try:
            keyid, signature, payload = entry(line)
            number = next((n for n, e in enumerate(self.epochs) if e.keyid == keyid), -1)
            if number < 0:
                self.add(3, "unknown-key", where, f"It is signed by {keyid}, which is no key of this log.")
                raise Bad("")
            epoch = self.epochs[number]
            end = self.epochs[number + 1].start if number + 1 < len(self.epochs) else None
            if not verifies(epoch.public, signature, pae(payload)):
                raise Bad(f"key {keyid} did not sign it")
        except Bad as bad:
            if covered and str(bad):
                self.add(3, "bad-signature", where, f"Its signature is no good: {bad}.")
        else:
            try:
                said = predicate(load(payload))
                formed = canonical(load(line)).encode() == line
            except (Bad, ValueError, RecursionError) as bad:
                if covered:
                    self.add(4, "modified", where, f"It is signed, and malformed: {bad}.")
            else:
                claimed = said.get("seq", -1)
                if (
                    said.get("origin", "") != self.origin()
                    or claimed < epoch.start
                    or (end is not None and claimed >= end)
                ):
                    if covered:
                        self.add(3, "bad-signature", where, "It was signed for another log, or by another epoch's key.")
                else:
                    good, seq = True, claimed
                    if covered and not formed:
                        self.add(4, "modified", where, "It is not in canonical form.")
                    if covered and claimed != index:
                        self.add(4, "reordered", where, f"It is signed as record {claimed:,}.")
        if not covered:
            self.uncovered.append((index, seq, good))

    def manifest_signature(self) -> None:
        manifest, data = self.file("manifest.json"), self.file("manifest.sig")
        if manifest is None:
            return
        if data is None:
            self.add(3, "unsealed", "manifest.json", "Nobody signed the list of files: it finds accidents only.")
            return
        try:
            said = load(data)
            if any(type(said[name]) is not str for name in ("keyid", "payloadType", "sig")):
                raise Bad("it is no signature of a manifest")
            if said["payloadType"].encode("utf-8", "surrogatepass") != MANIFEST_TYPE:
                raise Bad("it is no signature of a manifest")
            signature = base64.b64decode(said["sig"].encode(), validate=True)
        except (Bad, KeyError, TypeError, ValueError):
            self.add(3, "modified", "manifest.sig", "The signature of the manifest cannot be read.")
            return
        public = {e.keyid: e.public for e in self.epochs}.get(said["keyid"])
        if public is None:
            self.add(3, "unknown-key", "manifest.json", "The manifest is signed by no key of this log.")
        elif not verifies(public, signature, pae(manifest, MANIFEST_TYPE)):
            self.add(3, "bad-signature", "manifest.json", "The manifest is not the one that was signed.")

    def origin(self) -> str:
        named = [said.get("origin", "") for _, said, _ in self.special if said["kind"] == "key"]
        return named[0] if named else self.head.origin if self.head else ""

    def trusts(self, note: Note, where: str) -> bool:
        """Whether a checkpoint is signed by the key of its epoch. The last of an epoch may still have the old key's."""
        origins = {said.get("origin", "") for _, said, _ in self.special if said["kind"] == "key"}
        able = {
            e.keyid: e.public
            for n, e in enumerate(self.epochs)
            if e.start <= note.size and (n + 1 == len(self.epochs) or note.size <= self.epochs[n + 1].start)
        }
        try:
            if note.signed_by(able):
                if not origins or note.origin in origins:
                    return True
                self.add(3, "bad-signature", where, f"The checkpoint is that of the log `{note.origin}`.")
            elif note.signed_by({e.keyid: e.public for e in self.epochs}):
                self.add(3, "bad-signature", where, "The checkpoint is signed by the key of another epoch.")
            else:
                self.add(3, "unknown-key", where, "The checkpoint is signed by no key of this log.")
        except Bad as bad:
            self.add(3, "bad-signature", where, f"Signature: {bad}.")
        return False

    # 5. Tree: the hash over all records is the one that the checkpoint was signed for; so is every earlier one.

    def tree(self) -> None:
        head = self.head
        traces = diagnose(sorted(self.uncovered), self.covered, head.size if head else None)
        for problem, position, seq, many in sorted(traces, key=lambda t: t[1] if t[1] >= 0 else t[2]):
            where = f"record {position if position >= 0 else seq}"
            which = f"record {seq:,}" if many == 1 else f"records {seq:,} to {seq + many - 1:,}"
            told = {
                "modified": f"What stands for {which} is not what was signed.",
                "inserted": "No key of this log signed it for this place: it was put in.",
                "reordered": f"It is signed as {which}: it was moved.",
                "truncated": f"The log ends before {which}: {many:,} were cut off.",
                "missing": f"There is no trace of {which}: {many:,} were taken out.",
            }
            self.add(5, problem, where, told[problem])
        for n, seal, note in self.trusted:
            root, position = self.at.get(note.size, (b"", 0))
            if root == note.root and position != seal["bytes"]:
                self.add(5, "modified", f"seals.jsonl:{n}", "It says another number of bytes than it covers.")
            elif root != note.root and not traces:
                sentence = f"The first {note.size:,} records are not those that this checkpoint was signed for."
                self.add(5, "modified", f"seals.jsonl:{n}", sentence)
        if head is None:
            self.add(5, "missing", "checkpoint", "No checkpoint can be trusted: nothing says what the log was.")
        elif self.covered < head.size and not traces and 5 not in self.failed:
            self.add(5, "modified", "checkpoint", "The records are not those that it was signed for.")
        self.order_of_heads()
        if self.torn:
            self.add(5, "unsealed", "records.jsonl", f"{self.torn:,} bytes after the last whole record are torn.")
        if head and self.lines > head.size and self.covered == head.size and not traces:
            self.add(
                5, "unsealed", "records.jsonl", f"{self.lines - head.size:,} records are newer than the checkpoint."
            )
        under = f"{self.covered:,} of {self.lines:,} records"
        self.close(5, f"{under} are under the checkpoint of {head.size if head else 0:,}")

    def order_of_heads(self) -> None:
        sizes, listed = sorted({note.size for _, _, note in self.trusted}), (self.root / "seals.jsonl").is_file()
        if self.noted and self.head and sizes and self.noted.size < sizes[-1]:
            late = len(sizes) > 1 and self.noted.size == sizes[-2]
            sentence = f"It is of {self.noted.size:,} records, though {sizes[-1]:,} were sealed."
            self.add(5, "rolled-back", "checkpoint", sentence, notice=late)
        elif listed and self.noted and self.noted is self.head and not (sizes and sizes[-1] >= self.noted.size):
            self.add(5, "missing", "seals.jsonl", "It lacks the last checkpoint.")

    # 6. Consistency: the log continues the checkpoint that was kept from an earlier time.

    def consistency(self) -> None:
        kept = self.kept
        if kept is None:
            sentence = "no earlier checkpoint (--since): a log that was rolled back as a whole looks fine"
            return self.close(6, sentence, checked=False)
        root = self.at.get(kept.size, (b"", 0))[0]
        other = any(note.size == kept.size and note.root != kept.root for _, _, note in self.trusted)
        if not self.signs(self.epochs, kept):
            self.add(6, "unknown-key", "--since", "The checkpoint you kept is signed by no key of this log.")
        elif self.head is None or kept.size > self.head.size:
            end = self.head.size if self.head else 0
            self.add(6, "rolled-back", "checkpoint", f"You saw {kept.size:,} records; the log ends at {end:,}.")
        elif root != kept.root and (kept.size <= self.covered or other):
            self.add(6, "rolled-back", "checkpoint", f"The first {kept.size:,} records are not those you saw.")
        elif root != kept.root:
            return self.close(6, "records that are not what was signed cannot be compared", checked=False)
        fits = "does not continue" if 6 in self.failed else "continues"
        return self.close(6, f"the log {fits} the checkpoint of {kept.size:,} that you kept")

    # 7. Runs: each has one beginning and one end, and as many records between as its end says.

    def run_counts(self) -> None:
        starts: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        ends: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        for index, said, _ in self.special:
            if said["kind"] == "run":
                side = starts if said.get("details", {}).get("phase") == "start" else ends
                side.setdefault(said.get("run", ""), []).append((index, said))
        every = {**dict.fromkeys(starts), **dict.fromkeys(self.runs), **dict.fromkeys(ends)}
        for run in every:
            self.run_count(run, starts.get(run, []), ends.get(run, []))
        population = sum(said.get("population", 0) for found in starts.values() for _, said in found)
        self.close(7, f"{len(every):,} runs over a stated population of {population:,}, each counted against its end")

    def run_count(self, run: str, starts: list[Any], ends: list[Any]) -> None:
        nothing = {"records": 0, "first": -1, "last": -1, "outcomes": {}}
        where, part = f"run {run}", self.runs.get(run, nothing)
        if not starts:
            self.add(7, "gap", where, "There are records of this run, but not its beginning.")
        if len(starts) > 1 or len(ends) > 1:
            self.add(7, "counter-mismatch", where, "This run begins or ends more than once.")
        if not ends:
            self.add(7, "gap", where, "This run has no end: it goes on, or was killed.", notice=5 not in self.failed)
            return
        (index, end), begin = ends[-1], starts[0][0] if starts else -1
        details = end.get("details", {})
        if part["records"] and (part["first"] < begin or part["last"] > index):
            self.add(7, "gap", where, "Records of this run lie outside of its beginning and end.")
        if details.get("records") != part["records"] or details.get("outcomes") != part["outcomes"]:
            sentence = f"Its end counts {details.get('records')} records; the log has {part['records']:,}."
            self.add(7, "counter-mismatch", where, sentence)
        if details.get("state") != "complete":
            self.add(7, "gap", where, "This run was interrupted.", notice=True)

    # 8. Attachments: the stored bytes are those that records commit to, or were shredded on record.

    def attachments(self) -> None:
        erased = {str(said.get("details", {}).get("run")) for _, said, _ in self.special if said["kind"] == "erasure"}
        whole = self.full or len(self.blobs) <= ALL_UP_TO
        chosen = self.blobs if whole else self.blobs[:: len(self.blobs) // SAMPLE]
        fine, shredded = 0, set()
        for index, run, _, blob in chosen:
            state = self.stored(run, blob)
            if run in erased and state != "modified":
                shredded.add(run)
            elif state:
                self.add(8, state, f"record {index}", f"Its attachment `{blob['name']}` is {state}.")
            else:
                fine += 1
        for run in sorted(shredded):
            self.add(8, "shredded", f"run {run}", "Its attachments were shredded on record.")
        clear = self.opened()
        how = "" if whole else " (a sample; --full takes all)"
        self.close(8, f"{len(chosen):,} of {len(self.blobs):,} verified{how}: {fine:,} as stored, {clear:,} in clear")

    def stored(self, run: str, blob: dict[str, Any]) -> str:
        path = self.root / "blobs" / f"{run}.blobs"
        if not (run.isalnum() and run.isascii() and len(run) <= 64 and path.is_file()):
            return "missing"
        if not 0 < blob["size"] <= (64 << 20) + 1024 or not 0 <= blob["at"] < 1 << 62:
            return "missing"
        with path.open("rb") as file:
            file.seek(blob["at"])
            data = file.read(blob["size"])
        if len(data) != blob["size"]:
            return "missing"
        return "" if hashlib.sha256(data).hexdigest() == blob["sealed"] else "modified"

    def opened(self) -> int:
        data = self.file("opened.json")
        if data is None:
            return 0
        try:
            listed = sorted((name, str(o["of"]), str(o["salt"])) for name, o in load(data).items())
        except (Bad, KeyError, TypeError, AttributeError):
            self.add(8, "modified", "opened.json", "The list of salts cannot be read.")
            return 0
        committed = {blob["commitment"]: evidence for _, _, evidence, blob in self.blobs}
        for commitment, evidence, salt in listed:
            problem = "modified"
            if committed.get(commitment) == evidence:
                content = self.file(f"opened/{commitment}")
                problem = "missing" if content is None else ""
                try:
                    if content is not None and hashlib.sha256(bytes.fromhex(salt) + content).hexdigest() != commitment:
                        problem = "modified"
                except ValueError:
                    problem = "modified"
            if problem:
                sentence = "An attachment in clear is not what a record is committed to."
                self.add(8, problem, f"opened/{commitment[:64]}", sentence)
        return len(listed)

    # 9. Freshness: which verdicts have expired.

    def freshness(self) -> None:
        if self.expired:
            sentence = f"{self.expired:,} records have expired, this one first: they say nothing about today."
            self.add(9, "expired", f"record {self.first_expired}", sentence)
        self.close(9, f"{self.expired:,} of {self.lines:,} records have expired by {self.now:%Y-%m-%d %H:%M} UTC")

    # 10. Digests: the records of a run speak of the declaration and the configuration that the run was begun for.

    def digests(self) -> None:
        for _, said, _ in self.special:
            if said["kind"] == "run" and said.get("details", {}).get("phase") == "start":
                begun = (said.get("declaration", ""), said.get("configuration", ""))
                digests = self.runs.get(said.get("run", ""), {}).get("digests", {})
                other = next((index for pair, index in digests.items() if pair != begun), None)
                if other is not None:
                    sentence = "It speaks of another declaration or configuration than its run."
                    self.add(10, "outdated", f"record {other}", sentence)
        self.close(10, "the records of each run name one declaration and configuration")

    # 11. Witnesses: who else signed the checkpoint, or an earlier one; and whether what they saw is this history.

    def witnesses(self, known: dict[str, bytes]) -> None:
        head = self.noted if self.noted and self.head and self.noted.body == self.head.body else self.head
        size = self.head.size if self.head else 0
        seen = [note for note in (head, *self.as_seen(size)) if note]
        others = {name for note in seen for name, _, _ in note.signatures if name != note.origin and name not in known}
        best: dict[str, tuple[int, int]] = {}
        for note in seen:
            try:
                for name, at in note.cosigned_by(known):
                    best[name] = max(best.get(name, (note.size, at)), (note.size, at))
            except Bad as bad:
                self.add(
                    11, "bad-signature", "checkpoint" if note is head else "witnessed.json", f"Cosignature: {bad}."
                )
        for name in sorted(known):
            if name not in best and 11 not in self.failed:
                self.add(11, "unwitnessed", "checkpoint", f"Witness {name} cosigned no checkpoint of this log.")
            elif name in best and best[name][0] < size:
                sentence = f"The last {size - best[name][0]:,} records are newer than what witness {name} cosigned."
                self.add(11, "unwitnessed", "checkpoint", sentence, notice=True)
        if best:
            said = (f"{n} at second {at} up to record {upto:,} of {size:,}" for n, (upto, at) in sorted(best.items()))
            self.close(11, "witnessed: yes, by " + ", ".join(said))
        elif others:
            signed = ", ".join(sorted(others))
            self.close(11, f"witnessed: no; {signed} signed with keys that were not given", checked=False)
        else:
            self.close(11, "witnessed: no; whoever holds the key could have rewritten everything", checked=False)

    def as_seen(self, size: int) -> list[Note]:
        """The checkpoints that witnesses saw and that are part of this history. One that is not is a fork."""
        found, before = [], set()
        for note in self.cosigned:
            if (note.body, tuple(note.signatures)) in before:
                continue
            before.add((note.body, tuple(note.signatures)))
            other = any(n.size == note.size and n.root != note.root for _, _, n in self.trusted)
            if not self.signs(self.epochs, note):
                self.add(11, "unknown-key", "witnessed.json", "A checkpoint in it is signed by no key of this log.")
            elif self.head is None or note.size > size:
                sentence = f"Witnesses saw {note.size:,} records; the log ends at {size:,}."
                self.add(11, "rolled-back", "checkpoint", sentence)
            elif self.at.get(note.size, (b"", 0))[0] == note.root:
                found.append(note)
            elif note.size <= self.covered or other:
                sentence = f"The first {note.size:,} records are not those that witnesses saw."
                self.add(11, "rolled-back", "checkpoint", sentence)
        return found


# --- One record alone -------------------------------------------------------------------------------------------------


def verify_proof(text: str, keys: bytes, pinned: str) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Problems, and what the record says. The proof carries its record; see C2SP tlog-proof."""
    try:
        head, _, note_text = text.partition("\n\n")
        first, extra, index_line, *path_lines = head.split("\n")
        if first != "c2sp.org/tlog-proof@v1" or not extra.startswith("extra "):
            raise Bad("this is no proof with its record")
        if not re.fullmatch(r"index (0|[1-9][0-9]{0,15})", index_line) or len(path_lines) > 63:
            raise Bad("this is no proof: it has no index")
        index, line = int(index_line[6:]), b64(extra[6:])
        path, note = [b64(node) for node in path_lines], Note(note_text)
        keyid, signature, payload = entry(line)
        said = predicate(load(payload))
    except (Bad, ValueError) as error:
        return [("modified", f"The proof or its record cannot be read: {error}.")], {}
    found = []
    try:
        epochs = chain([k["introduced"].encode("utf-8", "surrogatepass") for k in load(keys)["keys"]])
    except (Bad, KeyError, TypeError, AttributeError):
        epochs = []
    public = {e.keyid: e.public for e in epochs}
    origin = epochs[0].origin if epochs else ""
    if not epochs or (pinned and (len(pinned) < 16 or not fingerprint(epochs).startswith(pinned.lower()))):
        found.append(("unknown-key", "The keys are not those of the log that you named, or cannot be read."))
    try:
        if note.origin != origin or not note.signed_by(public):
            found.append(("unknown-key", "The checkpoint is signed by no key of this log."))
    except Bad as bad:
        found.append(("bad-signature", f"The checkpoint has a wrong signature: {bad}."))
    if root_from_inclusion(leaf_hash(line), index, note.size, path) != note.root:
        found.append(("modified", "The record is not under the checkpoint at the place it says."))
    if keyid not in public:
        found.append(("unknown-key", "The record is signed by no key of this log."))
    elif not verifies(public[keyid], signature, pae(payload)):
        found.append(("bad-signature", "The record's signature is wrong."))
    if said.get("seq") != index or said.get("origin") != origin:
        found.append(("reordered", "The record was signed for another place or another log."))
    return found, said


def fingerprint(epochs: list[Epoch]) -> str:
    return hashlib.sha256(epochs[0].public).hexdigest() if epochs else ""


# --- Command line -----------------------------------------------------------------------------------------------------


def witness(text: str) -> tuple[str, bytes]:
    name, mark, encoded = (*text.strip().split("+", 2), "", "")[:3]
    try:
        raw = b64(encoded)
    except Bad:
        raw = b""
    if len(raw) != 33 or raw[0] != 4 or hint(name, raw[1:], 4).hex() != mark:
        raise Misuse(f"`{text}` is no verifier key of a witness")
    return name, raw[1:]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("\n\n", 2)[1].strip().replace("python3 ", ""))
    parser.add_argument("path", nargs="?", default=".")
    parser.add_argument("--since")
    parser.add_argument("--key", default="")
    parser.add_argument("--keys")
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    try:
        return run(chosen)
    except Misuse as error:
        sys.stderr.write(f"error: {error}" + "\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"error: {error}; nothing is claimed" + "\n")
        return 3


def run(chosen: argparse.Namespace) -> int:
    path = Path(chosen.path)
    if path.is_file():
        keys = Path(chosen.keys) if chosen.keys else path.resolve().parent.parent / "keys.json"
        text = path.read_bytes().decode("utf-8", "replace")
        problems, said = verify_proof(text, keys.read_bytes(), chosen.key)
        for problem, sentence in problems:
            say(f"✗ {problem}: {sentence}")
        if not problems:
            say(f"✓ record {said['seq']} ({said['id']}) of `{said['origin']}`: {said.get('outcome', said['kind'])}")
            say(f"  {said['subject']}, {said['time']}: {said.get('sentence', '')}")
        return 1 if problems else 0
    if not (path / "records.jsonl").exists() and not (path / "checkpoint").exists():
        raise Misuse(f"there is no evidence in `{path}`")
    try:
        since = Note(Path(chosen.since).read_bytes().decode()) if chosen.since else None
    except (Bad, ValueError) as error:
        raise Misuse(f"`{chosen.since}` is no checkpoint") from error
    verifier = Verifier(path, datetime.now(UTC), full=chosen.full)
    fine = verifier.verify(since, chosen.key, dict(map(witness, chosen.witness)))
    if chosen.json:
        steps = [dict(zip(("number", "title", "state", "sentence"), step, strict=True)) for step in verifier.steps]
        shown = {"version": 1, "ok": fine, "steps": steps, "counts": verifier.counts, "findings": verifier.findings}
        say(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0 if fine else 1
    for step, title, state, sentence in verifier.steps:
        say(f"{ {'passed': '✓', 'failed': '✗'}.get(state, '–') } {step:>2}. {title}: {sentence}")
    for found in verifier.findings:
        mark = "notice" if found["notice"] else "FOUND"
        say(f"{mark} {found['problem']} at {found['where']}: {found['sentence']}")
    for problem, count in verifier.counts.items():
        if count > SHOWN:
            say(f"… {problem}: {count:,} in all, {SHOWN} shown")
    say("nothing was tampered with, as far as the steps with a ✓ can tell" if fine else "this is not what was signed")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
