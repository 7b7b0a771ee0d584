"""The Customer Data API: a small real service, DELIBERATELY WITHOUT ANY SECURITY OF ITS OWN.

    !!  Never expose this service. Whoever reaches its port reads and changes every customer.       !!
    !!  It asks nobody who they are, builds SQL from what callers type, stores properties that its  !!
    !!  contract does not name, and shows stack traces. Each flaw is listed in the README.          !!

It exists to be put behind Assay's gateway, and to be attacked with and without it.

    python service.py --port 9001 --data ./data [--store sqlite|postgresql] [--uds PATH] [--no-seed]

Prints one line, ``listening http://127.0.0.1:PORT`` (or ``listening unix:PATH``), when it answers. The address of the
store is written to ``DATA/dsn``, for those who want to see the bytes it keeps. SIGINT and SIGTERM end it cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import random
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from databases import Database, Postgresql, Sqlite
from granian.constants import Interfaces
from granian.server.embed import Server
from postgres import PostgresUnavailable
from seed import sow
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from store import Store

HOST = "127.0.0.1"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def create_app(store: Store, *, settings: dict[str, str]) -> Starlette:
    """The service as an ASGI application.

    Endpoints call the store without a thread in between: a statement takes less time than handing it over would.

    Args:
        store: where customers and orders are.
        settings: what ``/debug/config`` gives away.
    """

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def list_customers(request: Request) -> Response:
        query = request.query_params
        limit = int(query.get("limit", "20"))
        after = int(query.get("cursor", "c-0").removeprefix("c-"))
        if "search" in query:
            found = [c for c in store.search_customers(query["search"]) if _number(c.get("customerId", "")) > after]
        else:
            found = store.list_customers(after=after, limit=limit + 1, email=query.get("email"))
        page: dict[str, object] = {"items": found[:limit]}
        if len(found) > limit > 0:
            page["next_cursor"] = found[limit - 1]["customerId"]
        return JSONResponse(page)

    async def create_customer(request: Request) -> Response:
        customer = store.create_customer(await request.json())
        return JSONResponse(customer, 201, {"location": f"/customers/{customer['customerId']}"})

    async def get_customer(request: Request) -> Response:
        return _found(store.get_customer(request.path_params["customerId"]))

    async def update_customer(request: Request) -> Response:
        return _found(store.update_customer(request.path_params["customerId"], await request.json()))

    async def delete_customer(request: Request) -> Response:
        if not store.delete_customer(request.path_params["customerId"]):
            raise HTTPException(404)
        return Response(status_code=204)

    async def list_orders(request: Request) -> Response:
        customer_id = request.path_params["customerId"]
        _found(store.get_customer(customer_id))
        return JSONResponse({"items": store.list_orders(customer_id)})

    async def create_order(request: Request) -> Response:
        customer_id = request.path_params["customerId"]
        order = store.create_order(customer_id, await request.json())
        if order is None:
            raise HTTPException(404)
        return JSONResponse(order, 201, {"location": f"/customers/{customer_id}/orders/{order['orderId']}"})

    async def get_order(request: Request) -> Response:
        return _found(store.get_order(request.path_params["customerId"], request.path_params["orderId"]))

    async def export_customers(request: Request) -> Response:
        return JSONResponse({"items": store.export_customers()})

    async def debug_config(request: Request) -> Response:
        return JSONResponse({**settings, "python": platform.python_version(), "settings": store.internal_settings()})

    async def internal_metrics(request: Request) -> Response:
        return PlainTextResponse("".join(f"{table}_total {store.count(table)}\n" for table in ("customers", "orders")))

    return Starlette(
        routes=[
            Route("/health", health, methods=["GET"]),
            Route("/customers", list_customers, methods=["GET"]),
            Route("/customers", create_customer, methods=["POST"]),
            Route("/customers/{customerId}", get_customer, methods=["GET"]),
            Route("/customers/{customerId}", update_customer, methods=["PATCH"]),
            Route("/customers/{customerId}", delete_customer, methods=["DELETE"]),
            Route("/customers/{customerId}/orders", list_orders, methods=["GET"]),
            Route("/customers/{customerId}/orders", create_order, methods=["POST"]),
            Route("/customers/{customerId}/orders/{orderId}", get_order, methods=["GET"]),
            Route("/exports/customers", export_customers, methods=["GET"]),
            # In no contract: what a developer forgot to take out.
            Route("/debug/config", debug_config, methods=["GET"]),
            Route("/internal/metrics", internal_metrics, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _crash},
    )


def _number(customer_id: str) -> int:
    digits = customer_id.removeprefix("c-")
    return int(digits) if digits.isdigit() else sys.maxsize  # a row that an injection brought has no number


def _found(record: dict[str, object] | None) -> Response:
    if record is None:
        raise HTTPException(404)
    return JSONResponse(record)


def _problem(status: int, title: str, **more: object) -> Response:
    body = {"type": "about:blank", "title": title, "status": status, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _problem(status, error.detail if isinstance(error, HTTPException) else "Error")


async def _crash(request: Request, error: Exception) -> Response:
    """FLAW ON PURPOSE: the caller sees the stack trace, with file names and SQL errors."""
    return _problem(500, "Internal Server Error", detail=str(error), trace=traceback.format_exception(error))


class Stopping:
    """Notes a SIGINT or SIGTERM that comes while the store is being opened, so that it is never left half open."""

    def __init__(self) -> None:
        self.asked = False
        for number in _SIGNALS:
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True


async def serve(app: Starlette, *, port: int, uds: Path | None, stopping: Stopping) -> None:
    """Serves ``app`` until SIGINT or SIGTERM; says so on standard output once it answers."""
    # The log would share standard output with the one line that others wait for.
    server = Server(
        app, address=HOST, port=port, uds=uds, interface=Interfaces.ASGI, log_enabled=False, websockets=False
    )
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, server.stop)
    if stopping.asked:
        return
    serving = asyncio.create_task(server.serve())
    announcing = asyncio.create_task(_announce(port, uds))
    try:
        await serving
    finally:
        announcing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await announcing


async def _announce(port: int, uds: Path | None) -> None:
    while True:
        with contextlib.suppress(OSError):
            if uds:
                _, writer = await asyncio.open_unix_connection(uds)
            else:
                _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            await writer.wait_closed()
            break
        await asyncio.sleep(0.02)
    sys.stdout.write(f"listening {f'unix:{uds}' if uds else f'http://{HOST}:{port}'}\n")
    sys.stdout.flush()


def _free_port(wanted: int) -> int:
    """``wanted``, or any free port for 0. Asked here because the server would share a port that is in use."""
    # Below the ports of outgoing connections, one of which could take a port between here and the server.
    for port in [wanted] if wanted else random.sample(range(10_000, 30_000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if wanted:
                    raise OSError(f"port {wanted} on {HOST}: {error.strerror}; choose another with --port") from error
            else:
                return port
    raise OSError(f"no free port on {HOST}; choose one with --port")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The Customer Data API, deliberately without security of its own.")
    parser.add_argument("--port", type=int, default=9001, help=f"port on {HOST}; 0 takes a free one (default: 9001)")
    parser.add_argument("--uds", type=Path, help="listen on this Unix socket instead of a port")
    parser.add_argument("--data", type=Path, required=True, help="folder of the store; created when it does not exist")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--no-seed", action="store_true", help="leave an empty store empty")
    return parser.parse_args()


def main() -> int:
    """Runs the service; returns the exit code: 0 after a clean stop, 3 when it could not start."""
    options = _arguments()
    database: Database
    try:
        port = 0 if options.uds else _free_port(options.port)
        if options.uds and options.uds.exists():
            raise FileExistsError(f"{options.uds} exists already; remove it if no other process listens there.")
        options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        stopping = Stopping()
        database = Postgresql(options.data) if options.store == "postgresql" else Sqlite(options.data)
    except (OSError, OverflowError, ImportError, PostgresUnavailable) as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 3
    try:
        store = Store(database)
        if not options.no_seed:
            sow(store)
        dsn = options.data / "dsn"
        dsn.touch(mode=0o600)
        dsn.write_text(f"{database.dsn}\n")
        app = create_app(store, settings={"store": database.dsn, "debug": "true"})
        asyncio.run(serve(app, port=port, uds=options.uds, stopping=stopping))
    finally:
        database.close()
    return 0


def _end(code: int) -> NoReturn:
    """Ends the process at once.

    Threads of the server, which is native code, are still there when it has stopped. One that asks for the interpreter
    while that is being taken down aborts the whole process, with SIGABRT for an exit code.
    """
    with contextlib.suppress(OSError):  # nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(main())
