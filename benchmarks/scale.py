"""How long `assay check` and `assay plan` take, and how much memory, as whole processes on generated contracts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from assay.declare.contract import parse_contract
from assay.declare.init import draft


@dataclass(frozen=True, slots=True)
class Cost:
    """One command on so many operations: seconds of wall clock and of processor, and the peak of memory in MiB."""

    command: str
    operations: int
    seconds: float
    processor: float
    mebibytes: float


def contract(operations: int) -> dict[str, object]:
    """An API of the usual kind: each resource is listed, read, made, changed and removed; one schema in ten is new."""
    paths: dict[str, object] = {}
    schemas: dict[str, object] = {}
    for number in range(operations // 5):
        name = f"Thing{number // 10}"
        schemas.setdefault(
            name,
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "email": {"type": "string", "format": "email", "maxLength": 200},
                    "amount": {"type": "integer", "minimum": 0, "maximum": 1000},
                    "note": {"type": "string", "maxLength": 500},
                },
            },
        )
        body = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
        answer = {"responses": {"200": {"description": "ok", **body}}}
        write = {**answer, "requestBody": {**body, "required": True}}
        key = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        paths[f"/things-{number}"] = {
            "get": {"operationId": f"list{number}", **answer},
            "post": {"operationId": f"make{number}", **write},
        }
        paths[f"/things-{number}/{{id}}"] = {
            "parameters": [key],
            "get": {"operationId": f"get{number}", **answer},
            "patch": {"operationId": f"change{number}", **write},
            "delete": {"operationId": f"remove{number}", **answer},
        }
    return {
        "openapi": "3.0.3",
        "info": {"title": "Scale", "version": "1"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def project(directory: Path, operations: int) -> Path:
    """A declaration as `assay init` drafts it for such a contract."""
    text = json.dumps(contract(operations)).encode()
    directory.mkdir(parents=True)
    (directory / "openapi.json").write_bytes(text)
    parsed = parse_contract(text, name="openapi.json")
    (directory / "assay.yaml").write_text(draft(parsed, contract_path="openapi.json", upstream="http://127.0.0.1:9"))
    return directory


def cost(command: str, directory: Path, operations: int) -> Cost:
    """Runs the command once and reads the kernel's own account of it.

    Python may keep what it compiled, as it does unless somebody forbids it: the first call after installing pays for
    compiling, and no other.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    argv = [sys.executable, "-m", "assay", command, str(directory), "--format", "json"]
    started = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    errors = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stderr:
        process.stderr.close()
    if process.returncode not in (0, 1):  # 1: there are findings, as there are in a draft
        raise RuntimeError(f"assay {command} failed: {errors.decode('utf-8', 'replace')[-500:]}")
    taken = time.perf_counter() - started
    return Cost(command, operations, taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure(directory: Path, sizes: tuple[int, ...] = (1_000, 10_000), rounds: int = 3) -> list[Cost]:
    """The median run of each command on each size, after one of each that is not counted."""
    found = []
    for size in sizes:
        place = project(directory / f"scale-{size}", size)
        for command in ("check", "plan"):
            cost(command, place, size)
            runs = sorted((cost(command, place, size) for _ in range(rounds)), key=lambda c: c.seconds)
            found.append(runs[len(runs) // 2])
    return found
