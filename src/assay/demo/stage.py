"""Puts the scene together: the bare service, the gateway in front of it, identities; and takes it down again."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import assay
from assay.app.addresses import keys_file
from assay.app.project import Project, open_project
from assay.app.stack import Prepared, issuer_url, prepare_project, settings, url_of
from assay.demo.scene import Scene
from assay.demo.service import Service, Store, running_service
from assay.domain import AssayError, IncompleteError, Secret
from assay.gateway.apply import Result
from assay.gateway.ports import free_ports
from assay.gateway.supervisor.events import Event
from assay.gateway.supervisor.run import run
from assay.identity import api_keys
from assay.identity.http import Reach
from assay.identity.issuer.config import load_credentials
from assay.identity.issuer.tokens import fetch_token
from assay.identity.pki import issue_client_certificate

NAME = "customer-data"


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs, and the scene to act on."""

    scene: Scene
    project: Project
    service: Service
    directory: Path
    url: str
    environ: Mapping[str, str]


def example() -> Path:
    """The example's folder: of the installed package, or of the source tree.

    Raises:
        IncompleteError: neither has it.
    """
    package = Path(assay.__file__).parent
    for found in (package / "_examples" / NAME, package.parents[1] / "examples" / NAME):
        if (found / "assay.yaml").is_file():
            return found
    raise IncompleteError("the Customer Data API example is not installed", fix="install Assay again")


@contextmanager
def _workplace() -> Iterator[Path]:
    """A private copy of the example; removed at the end."""
    # Others may pass through (0711), because a database that must not run as root has its files in here.
    directory = Path(tempfile.mkdtemp(prefix="assay-demo-"))
    directory.chmod(0o711)
    try:
        ignore = shutil.ignore_patterns(".assay", "data", "__pycache__")
        shutil.copytree(example(), directory / NAME, ignore=ignore)
        (directory / NAME).chmod(0o700)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


T = TypeVar("T")


async def in_thread(function: Callable[[], T], *, give_up: Callable[[], None] = lambda: None) -> T:
    """Runs a blocking function in a thread. When cancelled, says so with ``give_up`` and waits for its end.

    A thread cannot be stopped: one that is left alone would go on writing to a directory that is being removed.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        give_up()
        await asyncio.wait({work})
        raise


@asynccontextmanager
async def staged(store: Store, *, emit: Callable[[Event], None]) -> AsyncIterator[Stage]:
    """Starts everything on free ports; everything is stopped and removed at the end, also when it is cancelled.

    Raises:
        AssayError: something did not start.
    """
    async with AsyncExitStack() as held:
        directory = held.enter_context(_workplace())
        copy = directory / NAME
        data = directory / "data"
        data.mkdir(mode=0o711)
        service = await in_thread(
            lambda: held.enter_context(running_service(copy, data, store, directory / "service.log"))
        )
        environ = {
            **os.environ,
            "CUSTOMER_DATA_LISTEN": f"127.0.0.1:{free_ports(2)}",
            "CUSTOMER_DATA_UPSTREAM": service.url,
            "CRM_DSN": service.dsn,
        }
        project = open_project(copy, environ=environ)
        prepared = await in_thread(lambda: prepare_project(project))
        key = await in_thread(lambda: _key(prepared.paths.root))  # before the start, so that it is known from the start
        await held.enter_async_context(_serving(prepared, emit))
        scene = await in_thread(lambda: _scene(prepared, service, key))
        held.callback(scene.close)
        yield Stage(scene, project, service, directory, url_of(project), environ)


@asynccontextmanager
async def _serving(prepared: Prepared, emit: Callable[[Event], None]) -> AsyncIterator[None]:
    """The gateway, ready; stopped at the end."""
    stop, ready = asyncio.Event(), asyncio.Event()

    def started(_: Result) -> None:
        ready.set()

    serving = asyncio.create_task(run(settings(prepared, emit=emit, ready=started), stop))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        yield
    finally:
        stop.set()
        waiting.cancel()
        if ready.is_set():
            await serving
        else:  # being told to stop before it was ready is an error of its own, and not the one to tell
            with suppress(AssayError):
                await serving


def _scene(prepared: Prepared, service: Service, key: Secret) -> Scene:
    """Identities of everybody who takes part. Blocking."""
    project, paths = prepared.project, prepared.paths
    authority = paths.pki / "ca.crt"
    trust = ssl.create_default_context(cafile=str(authority))
    pair = issue_client_certificate(paths.pki, "back-office.internal")
    certificate = ssl.create_default_context(cafile=str(authority))
    certificate.load_cert_chain(str(pair.certificate), str(pair.key))
    credentials, url, reach = load_credentials(paths.issuer), issuer_url(project), Reach()

    def client(name: str) -> str:
        return fetch_token(url, name, credentials.clients[name], reach=reach).access_token.reveal()

    def user(name: str) -> str:
        issued = fetch_token(
            url,
            "mobile-app",
            credentials.clients["mobile-app"],
            grant="password",
            username=name,
            password=credentials.users[name],
            reach=reach,
        )
        return issued.access_token.reveal()

    tokens = {"agent": client("agent-desk"), "alice": user("alice"), "bob": user("bob")}
    return Scene(
        direct=service.url,
        gateway=url_of(project),
        trust=trust,
        client_certificate=certificate,
        tokens=tokens,
        api_key=key.reveal(),
        access_log=paths.access_log,
        stored=service.stored,
    )


def _key(state: Path) -> Secret:
    """A key for the partner."""

    def change(store: api_keys.KeyStore) -> tuple[api_keys.KeyStore, Secret]:
        return store.issue("partner-acme", timedelta(days=1), datetime.now(UTC), note="demo", created_by="demo")

    return api_keys.edit(keys_file(state), change)
