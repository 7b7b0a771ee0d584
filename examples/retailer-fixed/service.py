"""The storefront of the test environment: a small real service, DELIBERATELY WITHOUT ANY SECURITY OF ITS OWN.

    !!  Never expose this service. Whoever reaches its port reads everybody's orders, changes their addresses,  !!
    !!  and pays what they like. Each flaw is listed in the README.                                             !!

It exists to be put behind the gateway of the test environment. It serves `openapi/storefront.yaml`.

    python service.py --data ./data [--port 9201]

Prints one line, ``listening http://127.0.0.1:PORT``, when it answers. The address of the store is written to
``DATA/dsn``. SIGINT and SIGTERM end it cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import socket
import sqlite3
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from granian.constants import Interfaces
from granian.server.embed import Server
from shop import Record, Shop
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

HOST = "127.0.0.1"


def create_app(shop: Shop) -> Starlette:
    """The service as an ASGI application. Endpoints call the store without a thread in between: it is that quick."""

    async def products(request: Request) -> Response:
        query = request.query_params
        return JSONResponse({"items": shop.products(query.get("search"), _limit(request))})

    async def product(request: Request) -> Response:
        return _found(shop.product(request.path_params["productId"]))

    async def profile(request: Request) -> Response:
        return _found(shop.customer(request.path_params["customerId"]))

    async def change_profile(request: Request) -> Response:
        return _found(shop.change_customer(request.path_params["customerId"], await request.json()))

    async def orders(request: Request) -> Response:
        customer_id = request.path_params["customerId"]
        _found(shop.customer(customer_id))
        return JSONResponse({"items": shop.orders(customer_id, _limit(request))})

    async def place_order(request: Request) -> Response:
        customer_id = request.path_params["customerId"]
        order = shop.place_order(customer_id, await request.json())
        if order is None:
            raise HTTPException(404)
        return JSONResponse(order, 201, {"location": f"/customers/{customer_id}/orders/{order['orderId']}"})

    async def order(request: Request) -> Response:
        return _found(shop.order(request.path_params["customerId"], request.path_params["orderId"]))

    async def every_order(request: Request) -> Response:
        return JSONResponse({"items": shop.every_order(), "store": shop.dsn})

    return Starlette(
        routes=[
            Route("/products", products, methods=["GET"]),
            Route("/products/{productId}", product, methods=["GET"]),
            Route("/customers/{customerId}", profile, methods=["GET"]),
            Route("/customers/{customerId}", change_profile, methods=["PATCH"]),
            Route("/customers/{customerId}/orders", orders, methods=["GET"]),
            Route("/customers/{customerId}/orders", place_order, methods=["POST"]),
            Route("/customers/{customerId}/orders/{orderId}", order, methods=["GET"]),
            # In no contract: what the warehouse once asked for.
            Route("/internal/orders", every_order, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _crash},
    )


def _limit(request: Request) -> int:
    return int(request.query_params.get("limit", "20"))


def _found(record: Record | None) -> Response:
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


async def serve(app: Starlette, port: int) -> None:
    """Serves ``app`` until SIGINT or SIGTERM; says so on standard output once it answers."""
    # The log would share standard output with the one line that others wait for.
    server = Server(app, address=HOST, port=port, interface=Interfaces.ASGI, log_enabled=False, websockets=False)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    serving = asyncio.create_task(server.serve())
    announcing = asyncio.create_task(_announce(port))
    try:
        await serving
    finally:
        announcing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await announcing


async def _announce(port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            await writer.wait_closed()
            break
        await asyncio.sleep(0.02)
    sys.stdout.write(f"listening http://{HOST}:{port}\n")
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
    parser = argparse.ArgumentParser(description="A storefront to test with, deliberately without security of its own.")
    parser.add_argument("--port", type=int, default=9201, help=f"port on {HOST}; 0 takes a free one (default: 9201)")
    parser.add_argument("--data", type=Path, required=True, help="folder of the store; created when it does not exist")
    return parser.parse_args()


def main() -> int:
    """Runs the service; returns the exit code: 0 after a clean stop, 3 when it could not start."""
    options = _arguments()
    try:
        port = _free_port(options.port)
        options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        shop = Shop(options.data)
    except (OSError, OverflowError, sqlite3.Error) as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 3
    try:
        dsn = options.data / "dsn"
        dsn.touch(mode=0o600)
        dsn.write_text(f"{shop.dsn}\n")
        asyncio.run(serve(create_app(shop), port))
    finally:
        shop.close()
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
