"""The OWASP Core Rule Set, from a directory that the user names. Slower by two orders than our own rules: an opt-in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import libmodsecurity

from assay.domain import AssayError, Location
from assay.gateway.inspector.decision import Refused

# What the core rule set expects of the engine around it. A limit that is passed must refuse, not skip.
_BASE: Final = """
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 134217728
SecRequestBodyNoFilesLimit 134217728
SecRequestBodyLimitAction Reject
SecRequestBodyJsonDepthLimit 512
SecResponseBodyAccess Off
SecAuditEngine Off
SecArgumentsLimit 10000
SecRule REQUEST_HEADERS:Content-Type "@rx ^(?:application(?:/soap\\+|/)|text/)xml" \
    "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:[a-z0-9.-]+[+])?json" \
    "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,t:none,log,deny,status:400,msg:'request body cannot be parsed'"
"""
_DEFAULTS: Final = """
SecDefaultAction "phase:1,nolog,pass"
SecDefaultAction "phase:2,nolog,pass"
"""


_DEBIAN: Final = Path("/usr/share/modsecurity-crs")
_DEBIAN_SETTINGS: Final = Path("/etc/modsecurity/crs")
# Rules on the caller's country need a database that the engine was built without, and the caller's address, which is
# not for the inspector to judge: the gateway's network rules do.
_GEOGRAPHY: Final = re.compile(r"^[^#\n]*@geoLookup", re.MULTILINE)


class CoreRuleSet:
    """The rules of a directory, loaded. Expects ``crs-setup.conf`` (or ``.example``) and ``rules/*.conf`` in it.

    Attributes:
        left_out: names of the files that judge callers by country; they are not loaded, and ``/status`` says so.

    Raises:
        AssayError: the directory or a file is missing, or a rule cannot be parsed. Nothing else is left out.
    """

    def __init__(self, directory: Path) -> None:
        setup = next((p for p in _setups(directory) if p.is_file()), None)
        files = sorted((directory / "rules").glob("*.conf"))
        if setup is None or not files:
            missing = "crs-setup.conf" if setup is None else "rules/*.conf"
            raise AssayError(
                f"The core rule set has no {missing} in `{directory}`.",
                fix="name the directory of a core rule set, such as /usr/share/modsecurity-crs, or remove the setting",
                location=Location(str(directory)),
            )
        self._modsecurity = libmodsecurity.ModSecurity()
        self._modsecurity.set_log_callback(_ignore)
        self._rules = libmodsecurity.RulesSet()
        self._load_text(_BASE, directory)
        text = setup.read_text("utf-8", errors="replace")
        if "SecDefaultAction" not in "\n".join(r for r in text.splitlines() if not r.lstrip().startswith("#")):
            self._load_text(_DEFAULTS, directory)
        self.left_out = tuple(f.name for f in files if _GEOGRAPHY.search(f.read_text("utf-8", errors="replace")))
        before, after = _exclusions(setup, directory)
        for file in (setup, *before, *(f for f in files if f.name not in self.left_out), *after):
            if self._rules.load_from_uri(str(file)) < 0:
                raise self._broken(file)

    def _load_text(self, text: str, directory: Path) -> None:
        if self._rules.load(text) < 0:
            raise self._broken(directory)

    def _broken(self, file: Path) -> AssayError:
        return AssayError(
            f"The core rule set file `{file}` cannot be loaded: {self._rules.get_parser_error().strip()[:300]}",
            fix="use a complete core rule set for ModSecurity 3",
            location=Location(str(file)),
        )

    def check(self, method: str, uri: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Runs phases 1 and 2 over a request.

        Raises:
            Refused: the anomaly score reached the set's threshold.
        """
        transaction = libmodsecurity.Transaction(self._modsecurity, self._rules, "-")
        transaction.process_connection("127.0.0.1", 0, "127.0.0.1", 0)
        transaction.process_uri(uri, method, "1.1")
        for name, value in headers:
            transaction.add_request_header(name.decode("latin-1"), value.decode("utf-8", errors="replace"))
        transaction.process_request_headers()
        _judge(transaction)
        if body:
            transaction.append_request_body(body)
        transaction.process_request_body()
        _judge(transaction)


def _setups(directory: Path) -> tuple[Path, ...]:
    own = (directory / "crs-setup.conf", directory / "crs-setup.conf.example")
    return (*own, _DEBIAN_SETTINGS / "crs-setup.conf") if directory == _DEBIAN else own


def _exclusions(setup: Path, directory: Path) -> tuple[list[Path], list[Path]]:
    """The administrator's exclusions before and after the rules, where Debian keeps them apart from the rules."""
    if setup.parent == directory:
        return [], []
    return sorted(setup.parent.glob("REQUEST-900-*.conf")), sorted(setup.parent.glob("RESPONSE-999-*.conf"))


def _judge(transaction: libmodsecurity.Transaction) -> None:
    intervention = transaction.intervention()
    if intervention is not None and intervention.disruptive:
        raise Refused(
            "core-rule-set", "The request looks like an attack and was refused.", reason="core rule set", status=403
        )


def _ignore(_: str) -> None:
    """The engine's own log would repeat what clients sent."""
