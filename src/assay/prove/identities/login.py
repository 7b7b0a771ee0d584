"""Signing in with a request of the API's own: what is sent, and where the credential is in the answer."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from assay.declare.model import LoginRecipe, ProveIdentity, SecretRef
from assay.domain import Secret
from assay.prove.case import Call, NotReached, Seen

Header = tuple[str, str]
Resolve = Callable[[str], Secret]
_TOKEN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?\Z")
_LONGEST = 16 * 1024


def sign_in(name: str, recipe: LoginRecipe, resolve: Resolve) -> tuple[Call, frozenset[str]]:
    """The request that signs ``name`` in, and the secrets in it. Raises AssayError for a reference to nothing."""
    fields: dict[str, str] = {}
    secrets: set[str] = set()
    for key, value in recipe.body.items():
        if isinstance(value, SecretRef):
            fields[key] = resolve(value.secret).reveal()
            secrets.add(fields[key])
        else:
            fields[key] = value
    body, content_type = None, None
    if fields:
        body = (urlencode(fields) if recipe.form else json.dumps(fields)).encode()
        content_type = "application/x-www-form-urlencoded" if recipe.form else "application/json"
    call = Call(
        method=recipe.method, target=recipe.path, body=body, content_type=content_type, purpose=f"{name} signs in"
    )
    return call, frozenset(secrets)


def signed_in(name: str, recipe: LoginRecipe, seen: Seen) -> tuple[Header, str]:
    """The header that shows the credential, and the credential itself.

    Raises:
        NotReached: the answer is no success, or the credential is not where the recipe says.
    """
    # Logins that answer with a redirect set a cookie on it.
    if not (seen.ok or 300 <= seen.status < 400):
        said = f"status {seen.status}" if seen.status else seen.error
        raise NotReached(f"`{name}` could not sign in: {recipe.method} {recipe.path} answered with {said}")
    found = _extract(recipe.extract, seen)
    if found is None or len(found) > _LONGEST or not _TOKEN.match(found):
        raise NotReached(f"`{name}` could not sign in: the answer has no credential at `{recipe.extract}`")
    kind, _, cookie = recipe.send.partition(":")
    if kind == "cookie" and cookie:
        return ("cookie", f"{cookie}={found}"), found
    return (recipe.send.lower(), recipe.prefix + found), found


def _extract(where: str, seen: Seen) -> str | None:
    kind, _, name = where.partition(":")
    if kind == "cookie":
        # Several cookies are joined by commas; one may stand in a date, but no cookie's name begins after that.
        match = re.search(rf"(?:^|, ){re.escape(name)}=([^;,]*)", seen.headers.get("set-cookie", ""))
        return match[1].strip('"') if match else None
    if kind == "header":
        return seen.headers.get(name.lower())
    value = at_pointer(seen.json(), where)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def at_pointer(value: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901), or None."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and re.fullmatch(r"0|[1-9][0-9]{0,8}", key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def static_header(identity: ProveIdentity, resolve: Resolve) -> tuple[Header, frozenset[str]] | None:
    """The header of a credential that is given as it is (bearer, header, basic), and the secrets in it; else None.

    Raises:
        AssayError: a reference to nothing.
    """
    if identity.bearer:
        token = resolve(identity.bearer.secret).reveal()
        return ("authorization", f"Bearer {token}"), frozenset({token})
    if identity.header:
        value = resolve(identity.header.value.secret).reveal()
        return (identity.header.name.lower(), value), frozenset({value, value.rpartition(" ")[2]})
    if identity.basic:
        password = resolve(identity.basic.password.secret).reveal()
        pair = base64.b64encode(f"{identity.basic.user}:{password}".encode()).decode()  # RFC 7617 section 2.1
        return ("authorization", f"Basic {pair}"), frozenset({password, pair})
    return None
