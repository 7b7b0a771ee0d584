"""A declaration is read whole, or every mistake in it is told at its place, with what to do about it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.declare.declaring import BASE, CONTRACT, read, told, write

from assay.declare import load
from assay.domain import DeclarationError, Location


def changed(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new)


def test_a_correct_declaration_is_read(tmp_path: Path) -> None:
    declaration = read(write(tmp_path, {"assay.yaml": BASE}))
    assert declaration.model.apis["orders"].upstream == "http://127.0.0.1:9000"
    assert [o.id for o in declaration.operations("orders")] == ["listOrders", "createOrder", "getOrder"]
    assert declaration.locate("apis", "orders", "upstream") == Location("assay.yaml", 19, 15)
    assert declaration.places.key("apis", "orders", "upstream") == Location("assay.yaml", 19, 5)
    assert declaration.locate("apis", "orders", "access", 0, "roles", 0) == Location("assay.yaml", 22, 18)
    assert declaration.sources == {"assay.yaml": BASE}


def test_one_file_can_be_named_alone(tmp_path: Path) -> None:
    write(tmp_path, {"other.yaml": BASE, "assay.d/x.yaml": "nonsense"})
    assert load(tmp_path / "other.yaml", environ={}).model.organisation.name == "Northwind"


def test_locations_show_the_path_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "here", {"assay.yaml": BASE})
    monkeypatch.chdir(tmp_path)
    assert load("here", environ={}).locate("assay") == Location("here/assay.yaml", 1, 8)
    monkeypatch.chdir(tmp_path / "here")
    assert load(environ={}).locate("assay") == Location("assay.yaml", 1, 8)


def test_files_are_read_together(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "assay.yaml": BASE,
            "assay.d/b.yaml": "consumers:\n  second: {kind: service, authenticate: {api_key: {}}, roles: [user]}\n",
            "assay.d/a.yaml": "assay: 1\nsystems:\n",
            "assay.d/.hidden.yaml": "not read",
            "assay.d/README.md": "not read",
        },
    )
    declaration = read(tmp_path)
    assert list(declaration.model.consumers) == ["app", "second"]
    assert list(declaration.sources) == ["assay.yaml", "assay.d/a.yaml", "assay.d/b.yaml"]
    place = declaration.places.at("consumers", "second", "kind")
    assert (place.value, place.file_path) == (Location("assay.d/b.yaml", 2, 18), ("consumers", "second", "kind"))


def test_lists_of_exceptions_follow_each_other_and_keep_their_places(tmp_path: Path) -> None:
    item = (
        "  - {control: rate_limiting, on: apis.orders, reason: until release 5, owner: a, approved_by: b,"
        " expires: 2030-01-01}\n"
    )
    write(tmp_path, {"assay.yaml": BASE + "exceptions:\n" + item, "assay.d/more.yaml": "exceptions:\n" + item + item})
    declaration = read(tmp_path)
    assert len(declaration.model.exceptions) == 3
    place = declaration.places.at("exceptions", 2, "on")
    assert place.value == Location("assay.d/more.yaml", 3, 34)
    assert place.file_path == ("exceptions", 1, "on")


def test_nothing_is_overwritten_by_another_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "assay.yaml": BASE,
            "assay.d/twice.yaml": "organisation: {name: Other}\nsystems:\n"
            "  store: {kind: queue, environment: x, owner: y}\n",
        },
    )
    assert told(tmp_path) == [
        "assay.d/twice.yaml:1:1 duplicate-section: `organisation` is declared a second time; the first is at"
        " assay.yaml:2:1 → keep one of the two",
        "assay.d/twice.yaml:3:3 duplicate-id: `store` is declared in `systems` a second time; the first is at"
        " assay.yaml:6:3 → rename one of them, or move everything about it to one place",
    ]


def test_the_digest_follows_files_contracts_and_variables(tmp_path: Path) -> None:
    text = changed("http://127.0.0.1:9000", "${UP:-http://127.0.0.1:9000}")
    first = read(write(tmp_path / "a", {"assay.yaml": text}))
    again = load(write(tmp_path / "b", {"assay.yaml": text}), environ={"OTHER": "x"})
    assert first.digest == again.digest
    assert read(tmp_path / "a", {"UP": "http://127.0.0.1:9001"}).digest != first.digest
    (tmp_path / "b/api.yaml").write_text((tmp_path / "b/api.yaml").read_text() + "# changed\n")
    assert load(tmp_path / "b", environ={}).digest != first.digest


@pytest.mark.parametrize(
    ("written", "environ", "upstream"),
    [
        ("${UP}", {"UP": "http://a:1"}, "http://a:1"),
        ("${UP:-http://b:2}", {}, "http://b:2"),
        ("${UP:-http://b:2}", {"UP": ""}, "http://b:2"),
        ("http://${HOST}:${PORT:-80}", {"HOST": "c"}, "http://c:80"),
    ],
)
def test_variables_come_from_the_environment(
    tmp_path: Path, written: str, environ: dict[str, str], upstream: str
) -> None:
    declaration = read(write(tmp_path, {"assay.yaml": changed("http://127.0.0.1:9000", written)}), environ)
    assert declaration.model.apis["orders"].upstream == upstream


def test_a_dollar_can_be_written_and_secret_references_stay_as_they_are(tmp_path: Path) -> None:
    text = changed(
        "owner: team, holds", 'owner: "$${TEAM}", connection: {kind: other, dsn: {secret: "env:${DSN}"}}, holds'
    )
    text = text.replace('"env:${DSN}"', '"file:${DSN}"')
    system = read(write(tmp_path, {"assay.yaml": text}), {"DSN": "wrong"}).model.systems["store"]
    assert system.owner == "${TEAM}"
    assert system.connection is not None and system.connection.dsn.secret == "file:${DSN}"


def test_a_byte_order_mark_is_passed_over_and_noted(tmp_path: Path) -> None:
    declaration = read(write(tmp_path, {"assay.yaml": b"\xef\xbb\xbf" + BASE.encode()}))
    assert [note.check for note in declaration.reading_notes] == ["byte-order-mark"]
    assert declaration.locate("assay") == Location("assay.yaml", 1, 8)


UNREADABLE: dict[str, str | bytes | None] = {
    "no file": None,
    "empty": "",
    "only remarks": "# todo\n",
    "list": "- a\n",
    "scalar": "\nhello\n",
    "latin-1": "assay: 1\n# caf\xe9\n".encode("latin-1"),
    "utf-16": "assay: 1".encode("utf-16"),
    "tab": "assay: 1\norganisation:\n\tname: x\n",
    "too large": b"#" * (4 * 1024 * 1024 + 1),
    "too deep": "a: " + "[" * 50,
    "laughs": "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)),
    "control": "assay: \x07",
    "unclosed": "assay: [1\nb: 2\n",
    "two": "assay: 1\n---\nassay: 1\n",
    "tag": "assay: !!python/object:os.system x\n",
}
UNREADABLE_TOLD = YAML(typ="safe").load(Path(__file__).with_name("unreadable.golden.yaml"))


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_told_with_its_place_and_a_fix(case: str, tmp_path: Path) -> None:
    content = UNREADABLE[case]
    write(tmp_path, {} if content is None else {"assay.yaml": content})
    assert told(tmp_path) == UNREADABLE_TOLD[case]


MISTAKES = YAML(typ="safe").load(Path(__file__).with_name("mistakes.golden.yaml"))


@pytest.mark.parametrize("case", MISTAKES)
def test_each_mistake_is_told_once_at_its_place_with_a_fix(case: str, tmp_path: Path) -> None:
    golden = MISTAKES[case]
    write(tmp_path, {"assay.yaml": changed(golden["old"], golden["new"])})
    assert told(tmp_path, {"UPSTREAM": "http://a:1"}) == golden["told"]


def test_a_folder_in_place_of_a_contract_is_told_as_one(tmp_path: Path) -> None:
    write(tmp_path, {"assay.yaml": changed("contract: api.yaml", "contract: specs"), "specs/api.yaml": CONTRACT})
    assert told(tmp_path) == ["assay.yaml:18:15 dangling-reference: `specs` is a folder → use one of `specs/api.yaml`"]


def test_mistakes_of_every_kind_are_told_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        BASE.replace("tier: non-production", "tier: test")
        .replace("holds: [order]", "holds: [ordr]")
        .replace("api.yaml#/components/schemas/Order", "api.yaml#/components/schemas/Ordr")
        .replace("user.contact.email}", "user.contact.emal}")
        .replace("exposure: internal", "exposur: internal")
        .replace("[store]", "[stroe]")
        .replace("[getOrder,", "[getOrdr,")
        .replace("path.orderId", "path.id")
        .replace("classes: [user.contact]", "classes: [user.cntact]")
        .replace("kind: application", "kind: app")
    )
    found = told(write(tmp_path, {"assay.yaml": text}))
    assert [line.partition(": ")[0].removeprefix("assay.yaml:") for line in found] == [
        "4:16 invalid-value",
        "6:67 dangling-reference",
        "9:11 dangling-reference",
        "11:25 unknown-category",
        "16:5 unknown-key",
        "20:17 dangling-reference",
        "22:38 dangling-reference",
        "22:63 dangling-reference",
        "24:35 dangling-reference",
        "26:15 invalid-value",
    ]


def test_broken_values_in_one_list_item_do_not_hide_the_others(tmp_path: Path) -> None:
    rules = "      - {role: [user], operations: [getOrder]}\n      - {roles: [user], operations: [getOrdr]}\n"
    text = changed(
        '      - {roles: [user], operations: [getOrder, "list*"], owns: "path.orderId == token.sub"}\n', rules
    )
    assert told(write(tmp_path, {"assay.yaml": text})) == [
        "assay.yaml:22:10 unknown-key: the key `role` is not known in `apis.orders.access[0]` → did you mean `roles`?",
        "assay.yaml:23:38 dangling-reference: there is no operation `getOrdr` in api.yaml → did you mean `getOrder`?",
    ]


def test_a_file_that_looks_like_part_of_it_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path, {"assay.yaml": BASE, "assay.d/limits.yml": "a: 1"})
    assert told(tmp_path) == [
        "assay.d/limits.yml:1:1 ignored-file: `assay.d/limits.yml` is not read; only files that end in .yaml are"
        " → rename it to end in .yaml, or remove it"
    ]


def test_a_contract_that_is_wrong_is_told_at_its_own_place(tmp_path: Path) -> None:
    write(tmp_path, {"assay.yaml": BASE, "api.yaml": "openapi: 3.0.3\ninfo: [\n"})
    assert {line.split(":")[0] for line in told(tmp_path)} == {"api.yaml"}


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    for old, new in [
        ("{name: Northwind}", f"{{name: {secret}}}"),
        ("{name: Northwind}", f"{{{secret}: x, name: y}}"),
        ("tier: non-production", f"tier: {secret}"),
        ("environment: test, owner", f"environment: test, owner: {secret}, owner"),
    ]:
        found = "\n".join(told(write(tmp_path, {"assay.yaml": changed(old, new)})))
        assert "literal-secret" in found
        assert secret not in found


PIECES = (
    *("assay: 1", "organisation: {name: x}", "apis:", "data:", "  a:", "    owner: x", "- ", "[", "]", "{", "}", ": "),
    *("&a ", "*a", "\n", "\n", "\n  ", "!!str ", "---", "\t", "${X}", "${X:-1}", "exceptions:", "<<: *a", "'", '"'),
    *("flows: {a: {from: b, to: c}}", "# c", "consumers: 3", "networks: {deny: [{list: 1}]}", "secret: x", "? ", ", "),
    *("gateway: {listen: x}", "0x1f", ".nan", "-.inf", "1e999", "null", "profile: 1", "exceptions: [{on: a}]"),
)
fragments = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=14).map("".join)


@settings(max_examples=300, deadline=None)
@given(fragments)
@example("a: &a\n  b: *a")
@example("9" * 5000 + ": 1\nassay: " + "9" * 5000)
@example("apis: {a: {access: [{roles: [x], operations: [y]}, 3, {roles: 4}]}}")
@example("organisation: []\nassay: {}\nexceptions: {}\napis: [1]\nnetworks: 1")
def test_whatever_a_file_says_it_is_read_or_told(text: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "assay.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
        for line in told(Path(directory)):
            assert line.startswith("assay.yaml:")


@given(st.binary(max_size=40))
def test_whatever_bytes_a_file_holds_it_is_read_or_told(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "assay.yaml").write_bytes(data)
        assert told(Path(directory))


@pytest.mark.parametrize("path", ["does/not/exist", "\0", "a" * 5000])
def test_a_path_to_nothing_is_told(path: str) -> None:
    with pytest.raises(DeclarationError):
        load(path, environ={})
