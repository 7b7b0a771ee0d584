"""On the running example: real identities, real objects with real owners, and nothing left behind."""

from __future__ import annotations

import random
from typing import Any

import pytest

from assay.app.addresses import keys_file
from assay.app.stack import issuer_url
from assay.declare.model import ProveIdentity
from assay.domain import Secret
from assay.identity import api_keys
from assay.identity.issuer.config import load_credentials
from assay.prove.case import NotReached, Seen, Thing
from assay.prove.identities import Cast, Sources
from assay.prove.objects import Objects

pytestmark = pytest.mark.integration
NONCE, OTHER = "abcdef0123456789", "bbbbbb0123456789"


def seeded() -> random.Random:
    return random.Random(7)  # noqa: S311 - choices, no secrets


async def owned(company: Any, operation: str, persona: str, **options: Any) -> Thing:
    options = {"nonce": NONCE, "random": seeded(), **options}
    return await company.objects.owned(company.target(operation), company.persona(persona), company.send, **options)


async def ask(company: Any, operation: str, thing: Thing, who: Any, **options: Any) -> Seen:
    target = company.target(operation)
    draft = company.objects.draft(target, thing, random=seeded(), **options)
    return await company.send(company.objects.encode(target, draft, who, purpose="a test"))


@pytest.mark.parametrize("operation", ["getCustomer", "listOrders", "getOrder"])
def test_two_owners_can_be_had_and_only_each_reads_the_marker_of_their_own(theatre, operation: str) -> None:
    async def scene(company: Any) -> None:
        first = await owned(company, operation, "mobile-app")
        second = await owned(company, operation, "mobile-app", nonce=OTHER, other_than=[first.owner])
        assert first.owner.subject == first.params["customerId"] != second.params["customerId"]
        assert first.made
        assert (first.nonce, second.nonce) == (NONCE, OTHER)
        assert NONCE in (await ask(company, operation, first, first.owner)).text
        assert OTHER in (await ask(company, operation, second, second.owner)).text
        foreign = await ask(company, operation, second, first.owner)
        assert foreign.status == 403
        assert OTHER not in foreign.text

    theatre.play(scene)


@pytest.mark.parametrize(
    ("operation", "persona"),
    [
        ("getCustomer", "agent-desk"),
        ("getOrder", "partner-acme"),
        ("getOrder", "back-office+certificate"),
        ("updateCustomer", "mobile-app"),
        ("createOrder", "mobile-app"),
        ("createCustomer", "agent-desk"),
        ("deleteCustomer", "back-office+token"),
        ("exportCustomers", "back-office"),
        ("listCustomers", "back-office+certificate"),
    ],
)
def test_whoever_may_call_an_operation_is_let_through(theatre, operation: str, persona: str) -> None:
    async def scene(company: Any) -> Seen:
        thing = await owned(company, operation, persona, fresh=True)
        return await ask(company, operation, thing, thing.owner, plant=OTHER)

    seen = theatre.play(scene)
    assert seen.ok, seen.text


def test_cases_that_only_read_share_an_object_and_those_that_ask_get_their_own(theatre) -> None:
    async def scene(company: Any) -> None:
        first = await owned(company, "getCustomer", "mobile-app")
        assert await owned(company, "getCustomer", "mobile-app", nonce=OTHER) == first
        changed = await owned(company, "updateCustomer", "mobile-app")
        assert changed.params != first.params
        fresh = await owned(company, "getCustomer", "mobile-app", fresh=True)
        assert fresh.params != first.params
        assert fresh.owner.disposable
        company.objects.retire(first.owner)
        later = await owned(company, "getCustomer", "mobile-app")
        assert later.params != first.params
        assert len({thing.nonce for thing in (first, changed, fresh, later)}) == 4

    theatre.play(scene)


def test_everything_that_was_made_is_taken_away_again(theatre) -> None:
    async def scene(company: Any) -> None:
        customer = await owned(company, "getCustomer", "mobile-app")
        order = await owned(company, "getOrder", "agent-desk")
        assert await company.objects.clean_up(company.send) == ()
        assert await company.objects.clean_up(company.send) == ()
        admin = await company.cast.act(company.persona("back-office+token"))
        for operation, thing in (("getCustomer", customer), ("getOrder", order)):
            assert (await ask(company, operation, thing, admin)).status in (403, 404)
        admin = await company.cast.act(company.persona("back-office+certificate"))
        assert (await ask(company, "getCustomer", customer, admin)).status == 404

    theatre.play(scene)


def test_what_could_not_be_deleted_is_said(theatre) -> None:
    async def scene(company: Any) -> tuple[str, ...]:
        await owned(company, "getCustomer", "mobile-app")
        company.send.refuse = lambda call: 403 if call.method == "DELETE" else None
        stayed: tuple[str, ...] = await company.objects.clean_up(company.send)
        return stayed

    (sentence,) = theatre.play(scene)
    assert "had to stay" in sentence
    assert "deleteCustomer" in sentence


def test_an_object_that_cannot_be_made_or_found_is_a_reason_and_not_a_guess(theatre) -> None:
    async def scene(company: Any) -> None:
        company.send.refuse = lambda call: 503
        with pytest.raises(NotReached, match=r"createCustomer.*503"):
            await owned(company, "getCustomer", "agent-desk")

    theatre.play(scene)


def test_without_making_anything_an_existing_object_is_found(theatre) -> None:
    async def scene(company: Any) -> None:
        made = await owned(company, "getCustomer", "agent-desk", fresh=True)
        company.send.refuse = lambda call: 405 if call.method == "POST" else None
        found = await owned(company, "getCustomer", "agent-desk", fresh=True)
        assert not found.made
        assert found.nonce == ""
        assert made.params["customerId"].startswith("c-")

    theatre.play(scene)


def test_a_key_works_when_it_is_handed_out_and_is_revoked_at_the_end(theatre) -> None:
    path = keys_file(theatre.stage.project.state.resolve())

    async def scene(company: Any) -> str:
        identity = await company.cast.act(company.persona("partner-acme"), send=company.send)
        key: str = await company.cast.credential(identity)
        assert key in company.cast.secrets()
        assert company.send.sent[-1][1].status == 200
        assert api_keys.load(path).keys[key[3:11]].note == "assay prove"
        return key

    key = theatre.play(scene)
    assert api_keys.load(path).keys[key[3:11]].revoked_at is not None


def test_certificates_of_strangers_are_made_for_the_run_only(theatre) -> None:
    async def scene(company: Any) -> None:
        for name in ("unknown-authority", "wrong-subject"):
            pair = await company.cast.certificate(name)
            assert pair.key.stat().st_mode & 0o777 == 0o600
        identity = await company.cast.act(company.persona("back-office+certificate"))
        assert (await company.cast.certificate(identity.name)).certificate.is_file()
        with pytest.raises(NotReached):
            await company.cast.certificate("nobody")

    theatre.play(scene)
    assert list((theatre.stage.directory / "run").rglob("*")) == []
    assert not list(theatre.stage.project.state.glob("pki/*stranger*"))


def test_tokens_of_ours_are_taken_and_forged_ones_are_not(theatre) -> None:
    from joserfc.jwk import ECKey

    async def scene(company: Any) -> None:
        persona, target = company.persona("agent-desk"), company.target("listCustomers")
        identity = await company.cast.act(persona, fresh=True)
        assert identity.disposable
        assert identity.subject != (await company.cast.act(persona)).subject

        async def status(token: str) -> int:
            draft = company.objects.draft(target, None, random=seeded())
            headers = (("authorization", f"Bearer {token}"),)
            call = company.objects.encode(target, draft, None, purpose="a token", headers=headers)
            return (await company.send(call)).status

        mint = company.cast.mint
        assert await status(await company.cast.credential(identity)) == 200
        assert await status(await mint(identity, claims={"jti": "another"})) == 200
        assert await status(await mint(identity, claims={"exp": 1})) == 401
        assert await status(await mint(identity, claims={"aud": "another"})) == 401
        assert await status(await mint(identity, without=["azp"])) in (401, 403)
        assert await status(await mint(identity, header={"alg": "none"})) == 401
        keys = await company.cast.issuer_keys()
        kid = keys["keys"][0]["kid"]
        forged = await mint(identity, key=ECKey.generate_key("P-256"), header={"kid": kid})
        assert await status(forged) == 401
        narrow = await company.cast.act(persona, fresh=True, scopes=["customers:write"])
        assert await status(await company.cast.credential(narrow)) in (401, 403)

    theatre.play(scene)


def test_a_test_user_owns_what_has_their_subject_and_nothing_that_is_not_there(theatre) -> None:
    alice = ProveIdentity.model_validate({"consumer": "mobile-app", "user": "alice"})

    async def scene(company: Any) -> None:
        assert company.persona("alice").roles == ("customer",)
        company.send.refuse = lambda call: 404 if call.who and call.who.persona == "alice" else None
        with pytest.raises(NotReached, match="c-1001"):
            await owned(company, "getCustomer", "alice")
        company.send.refuse = lambda call: 200 if call.who and call.who.persona == "alice" else None
        thing = await owned(company, "getCustomer", "alice")
        assert (thing.params, thing.made, thing.nonce) == ({"customerId": "c-1001"}, False, "")
        assert thing.owner.subject == "c-1001"
        with pytest.raises(NotReached, match="only one identity"):
            await owned(company, "getCustomer", "alice", other_than=[thing.owner])

    theatre.play(scene, alice=alice)


def test_objects_that_an_identity_is_said_to_own_are_used(theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    async def first(company: Any) -> None:
        thing = await owned(company, "getCustomer", "agent-desk")
        monkeypatch.setenv("DESK_TOKEN", await company.cast.credential(thing.owner))
        desk = ProveIdentity.model_validate(
            {
                "consumer": "agent-desk",
                "bearer": {"secret": "env:DESK_TOKEN"},
                "owns": {"customer_id": [thing.params["customerId"]]},
            }
        )
        other = theatre.company({"desk": desk})
        assert (await owned(other, "getCustomer", "desk", fresh=True)).made
        other.send.refuse = lambda call: 403 if call.method == "POST" else None
        known = await owned(other, "getCustomer", "desk")
        assert (known.params, known.made) == (thing.params, False)
        assert known.owner.subject == thing.owner.subject
        assert (await ask(other, "getCustomer", known, known.owner)).ok
        assert not await other.cast.renew(known.owner)
        await other.objects.clean_up(company.send)
        await other.cast.close()

    theatre.play(first)


def test_without_leave_to_write_nothing_is_changed_below_what_others_made(theatre) -> None:
    async def scene(company: Any) -> None:
        await owned(company, "getCustomer", "agent-desk", fresh=True)
        careful = theatre.company({}, allow_writes=False)
        careful.send.refuse = lambda call: 405 if call.target == "/customers" and call.method == "POST" else None
        with pytest.raises(NotReached, match="did not make"):
            await owned(careful, "getOrder", "back-office")
        assert not [c for c, _ in careful.send.sent if c.method == "POST" and c.target != "/customers"]
        await careful.cast.close()

    theatre.play(scene)


def test_tokens_are_asked_for_where_the_issuer_is_not_ours(theatre) -> None:
    state = theatre.stage.project.state.resolve()
    credentials = load_credentials(state / "issuer")
    alice = ProveIdentity.model_validate(
        {"consumer": "mobile-app", "user": "alice", "password": {"secret": "env:ALICE"}}
    )

    async def scene(company: Any) -> None:
        def resolve(reference: str) -> Secret:
            return credentials.users["alice"] if reference == "env:ALICE" else Secret("wrong")

        cast = Cast(
            Sources(
                surface=company.surface,
                directory=theatre.stage.directory / "run",
                resolve=resolve,
                issuer_url=issuer_url(theatre.stage.project),
                clients=credentials.clients,
                given={"alice": alice},
            )
        )
        agent = await cast.act(company.persona("agent-desk"))
        assert (agent.subject, agent.disposable) == ("agent-desk", False)
        assert not await cast.mints(company.persona("agent-desk"))
        before = await cast.credential(agent)
        assert await cast.renew(agent)
        assert await cast.credential(agent) != before
        assert (await cast.issuer_keys())["keys"]
        with pytest.raises(NotReached, match="not ours"):
            await cast.mint(agent, claims={"roles": ["admin"]})
        somebody = await cast.act(company.persona("alice"))
        assert somebody.subject == "c-1001"
        with pytest.raises(NotReached, match="grant"):
            await cast.act(company.persona("mobile-app"))
        objects = Objects(company.surface, cast)
        target = company.target("getCustomer")
        with pytest.raises(NotReached, match=r"refused|grant"):
            await objects.owned(target, company.persona("mobile-app"), company.send, random=seeded())

    theatre.play(scene, alice=alice)
