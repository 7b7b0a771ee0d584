"""A lab for tests of judging: calls go to a Python function that plays the system under test, nothing else happens.

Tokens are real (ES256), so a function that verifies them really tells a forged one from a good one.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from assay.declare.model import MessageRecipe
from assay.gateway.decision import Decision
from assay.privilege.rights import Rights
from assay.prove.case import (
    Call,
    Canary,
    Case,
    Draft,
    Identity,
    Judged,
    NotReached,
    Offer,
    RawSeen,
    Seen,
    Shaken,
    Thing,
)
from assay.prove.played import Behind, Played
from assay.prove.surface import Persona, Surface, Target

NOW = 1_800_000_000.0
ISSUER, AUDIENCE = "https://issuer.test", "shop"
KEY = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"}, auto_kid=False)
PUBLIC = KeySet.import_key_set({"keys": [KEY.as_dict(private=False)]})


@dataclass(frozen=True)
class Asked:
    """A request as the service under test sees it. ``headers`` have lower-case names."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    who: Identity | None
    source: str | None
    direct: bool = False

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2]))

    @property
    def bearer(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def signed(self) -> bool:
        """Whether its token has the issuer's signature, whatever it says."""
        try:
            jwt.decode(self.bearer, PUBLIC, algorithms=["ES256"])
        except Exception:  # noqa: BLE001 - any way of being no good token
            return False
        return True

    def claims(self) -> dict[str, Any] | None:
        """What a verified token says; None without a good one."""
        try:
            token = jwt.decode(self.bearer, PUBLIC, algorithms=["ES256"])
        except Exception:  # noqa: BLE001 - any way of being no good token
            return None
        claims = dict(token.claims)
        if claims.get("exp", 0) < NOW or claims.get("nbf", 0) > NOW:
            return None
        return claims if claims.get("aud") == AUDIENCE and claims.get("iss") == ISSUER else None

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Said:
    """The answer. ``body`` other than bytes goes as JSON. ``decision``: the gateway's log line; None: there is none."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    decision: Decision | None = None
    line: Mapping[str, Any] | None = None
    asked: int = 1
    seconds: float = 0.01
    error: str = ""

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def refused(policy: str, status: int = 403, *observed: str) -> Said:
    """A refusal by the gateway."""
    return Said(status, {"title": "refused"}, decision=Decision("refused", policy, observed))


def allowed(body: Any = b"", status: int = 200, rule: str = "rule", *observed: str, **more: Any) -> Said:
    """An answer of the service behind the gateway."""
    return Said(status, body, decision=Decision("allowed", rule, observed), **more)


Service = Callable[[Asked], Said]


@dataclass
class ScriptedLab:
    """See the module. ``things`` gives the object of an identity for a target; it raises NotReached for none."""

    surface: Surface
    service: Service
    things: Callable[[Target, Identity], Thing] | None = None
    raws: Callable[[bytes, bool], RawSeen] | None = None
    shakes: Callable[[Offer], Shaken] | None = None
    log: str | None = None
    store: bytes | None = None
    granted: Callable[[str], Rights] | None = None
    own_issuer: bool = True
    people: int = 9
    random: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - repeatable
    nonce: str = "n0nce5f3a9c1e7b2d"
    asked: list[Asked] = field(default_factory=list)
    waited: float = 0.0
    taken: tuple[float, float] = (0.0, 0.0)
    _said: dict[int, Said] = field(default_factory=dict)
    _made: dict[str, int] = field(default_factory=dict)
    _shared: dict[tuple[str, tuple[str, ...] | None], Identity] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)
    _canaries: list[str] = field(default_factory=list)
    fetched: set[str] = field(default_factory=set)
    policy: Callable[[Call, Played], Said] | None = None
    mac_of: Callable[[MessageRecipe, bytes], bytes] | None = None
    codes: Callable[[str], str] | None = None
    body: Any = None
    played: list[Played] = field(default_factory=list)

    # Who
    async def act(self, persona: Persona, *, fresh: bool = False, scopes: Sequence[str] | None = None) -> Identity:
        key = (persona.name, tuple(scopes) if scopes is not None else None)
        if not fresh and key in self._shared:
            return self._shared[key]
        number = self._made.get(persona.name, 0) + 1
        if number > 1 and not persona.people and scopes is None:
            raise NotReached(f"there is only one `{persona.name}`")
        if number > self.people:
            raise NotReached("no more people")
        self._made[persona.name] = number
        who = Identity(
            f"{persona.name}#{number}", persona.name, persona.roles, f"{persona.name}-{number}", persona.tenant, fresh
        )
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": who.subject,
            "roles": list(persona.roles),
            "scope": " ".join(persona.scopes if scopes is None else scopes),
            "exp": int(NOW) + 3600,
            "iat": int(NOW),
        }
        if {"token", "session"} & set(persona.ways):
            self._tokens[who.name] = jwt.encode({"alg": "ES256", "kid": "k1"}, claims, KEY)
        elif "key" in persona.ways:
            self._tokens[who.name] = f"key-of-{persona.name}"
        if not fresh:
            self._shared[key] = who
        return who

    async def credential(self, who: Identity) -> str:
        if who.name not in self._tokens:
            raise NotReached("no credential to show")
        return self._tokens[who.name]

    async def mint(
        self,
        who: Identity,
        *,
        claims: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
        header: Mapping[str, Any] | None = None,
        key: Any = None,
    ) -> str:
        if key is None and not self.own_issuer:
            raise NotReached("the issuer's key is not ours")
        own = dict(jwt.decode(self._tokens[who.name], PUBLIC, algorithms=["ES256"]).claims)
        own = {k: v for k, v in (own | dict(claims or {})).items() if k not in without}
        return jwt.encode({"alg": "ES256", "kid": "k1"} | dict(header or {}), own, key or KEY)

    async def issuer_keys(self) -> Mapping[str, Any]:
        return PUBLIC.as_dict(private=False)

    def mac(self, recipe: MessageRecipe, content: bytes) -> bytes:
        if self.mac_of is None:
            raise NotReached("no secret is told")
        return self.mac_of(recipe, content)

    async def code_sent_to(self, address: str, *, within: float = 10.0) -> str:
        if self.codes is None:
            raise NotReached("no inbox is declared")
        return self.codes(address)

    # What
    async def owned(
        self, target: Target, persona: Persona, *, other_than: Sequence[Identity] = (), fresh: bool = False
    ) -> Thing:
        if self.things is None:
            raise NotReached("nothing can be made")
        taken = {i.subject for i in other_than}
        who = await self.act(persona)
        if who.subject in taken:
            who = await self.act(persona, fresh=True)
        return self.things(target, who)

    def draft(self, target: Target, thing: Thing | None = None, *, plant: str = "") -> Draft:
        params = dict(thing.params) if thing else {}
        if "{" in target.operation.path and not params:
            raise NotReached("no real value is known")
        body = (self.body or {"note": plant or "hello"}) if target.operation.body else None
        return Draft(params, body=body, content_type="application/json" if body else None)

    def request(
        self,
        target: Target,
        draft: Draft,
        who: Identity | None,
        *,
        purpose: str,
        headers: Sequence[tuple[str, str]] = (),
        source: str | None = None,
    ) -> Call:
        path = target.path
        for name, value in draft.params.items():
            path = path.replace("{" + name + "}", quote(value, safe=""))
        if "{" in path:
            raise NotReached("a parameter has no value")
        if draft.query:
            path += "?" + urlencode(draft.query)
        return Call(
            method=target.operation.method.upper(),
            target=path,
            who=who,
            headers=(*draft.headers, *headers),
            body=json.dumps(draft.body).encode() if draft.body is not None else None,
            content_type=draft.content_type,
            purpose=purpose,
            source=source,
            api=target.api,
        )

    # Doing
    async def call(self, call: Call) -> Seen:
        headers = {}
        if call.who is not None and call.who.name in self._tokens:
            text = self._tokens[call.who.name]
            headers = {"x-api-key": text} if text.startswith("key-of-") else {"authorization": f"Bearer {text}"}
        elif call.who is not None:
            headers = {"x-certificate": call.who.persona}
        headers |= {n.lower(): v for n, v in call.headers}
        if call.content_type:
            headers["content-type"] = call.content_type
        asked = Asked(call.method, call.target, headers, call.body or b"", call.who, call.source, call.direct)
        self.asked.append(asked)
        said = self.service(asked)
        number = len(self.asked)
        self._said[number] = said
        names = {"content-type": "application/json"} | {n.lower(): v for n, v in said.headers.items()}
        error = "" if said.status else "reset"
        return Seen(number, said.status, names, said.data, 0.01, f"c-{number}", error)

    async def together(self, calls: Sequence[Call]) -> tuple[Seen, ...]:
        return tuple([await self.call(c) for c in calls])

    async def raw(self, data: bytes, *, tls: bool = True, purpose: str = "") -> RawSeen:
        if self.raws is None:
            raise NotReached("no raw connection")
        return self.raws(data, tls)

    async def handshake(self, offer: Offer) -> Shaken:
        if self.shakes is None:
            raise NotReached("no TLS")
        return self.shakes(offer)

    async def behind(self, call: Call, played: Played) -> Behind:
        if self.policy is None:
            raise NotReached("there is no gateway of ours")
        number = len(self.played)
        self.played.append(played)
        said = self.policy(call, played)
        names = {n.lower(): v for n, v in said.headers.items()}
        error = "" if said.status else "reset"
        seen = Seen(-number - 1, said.status, names, said.data, said.seconds, f"b-{number}", said.error or error)
        return Behind(seen, said.asked, 15.0, said.decision, {"mirrored_policy": "p"})

    async def once(self, what: str, ask: Callable[[], Awaitable[Seen]]) -> Seen:
        return await ask()

    def used(self, consumer: str, requests: int, seconds: int) -> tuple[float, float]:
        return self.taken if not self.waited else (0.0, 0.0)

    async def wait(self, seconds: float) -> None:
        self.waited += seconds

    # Seeing
    async def decision(self, seen: Seen) -> Decision | None:
        return self._said[seen.number].decision

    async def log_line(self, seen: Seen) -> Mapping[str, Any] | None:
        return self._said[seen.number].line

    async def log_holds(self, text: str) -> bool:
        if self.log is None:
            raise NotReached("there is no log")
        return text in self.log

    async def listen(self, *, redirect_to: str | None = None) -> Canary:
        url = f"http://127.0.0.1:9/{len(self._canaries)}"
        self._canaries.append(url)
        return Canary(url, "canary")

    async def heard(self, canary: Canary, *, within: float = 1.0) -> bool:
        return canary.url in self.fetched

    async def rights(self, account: str) -> Rights:
        if self.granted is None:
            raise NotReached("no rights can be read")
        return self.granted(account)

    async def stored(self, needle: bytes, *, system: str | None = None) -> bool:
        if self.store is None:
            raise NotReached("no store can be read")
        return needle in self.store

    def now(self) -> float:
        return NOW


def judge(case: Case, lab: ScriptedLab) -> Judged:
    """Runs a case as the engine would: what is not reached is inconclusive."""
    from assay.domain import Outcome

    async def run() -> Judged:
        try:
            return await case.run(lab)
        except NotReached as reason:
            return Judged(Outcome.INCONCLUSIVE, str(reason))

    result: Awaitable[Judged] = run()
    return asyncio.run(result)  # type: ignore[arg-type]
