"""What a declaration says for tests is read with its place; what leads nowhere is said where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.declare import load
from assay.declare.declaration import Declaration
from assay.domain import DeclarationError

CONTRACT = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
paths: {/paid: {post: {operationId: paid, responses: {"202": {description: ok}}}}}
"""
HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {live: {tier: production}, test: {tier: non-production}}
apis: {shop: {owner: x, exposure: internal, environment: test, contract: contract.yaml, upstream: "http://10.0.0.1"}}
"""
RECIPE = 'secret: {secret: "env:S"}, signature: x-signature'


def declared(folder: Path, words: str) -> Declaration:
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "assay.yaml").write_text(HEAD + words + "\n")
    return load(folder, environ={})


def test_keys_recipes_and_an_inbox_are_read(tmp_path: Path) -> None:
    prove = declared(
        tmp_path,
        f"""\
prove:
  issuer_keys: {{test: {{secret: "file:key.pem"}}}}
  messages: {{shop.paid: {{{RECIPE}, form: "t={{timestamp}},v1={{signature}}"}}}}
  inbox: {{folder: mail, code: "code is ([0-9]+)"}}
  public: [shop.paid]""",
    ).model.prove
    assert prove.issuer_keys["test"].secret == "file:key.pem"
    assert prove.messages["shop.paid"].timed
    assert prove.inbox is not None
    assert prove.inbox.folder == "mail"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('issuer_keys: {tset: {secret: "env:K"}}', "there is no environment `tset` | did you mean `test`?"),
        (
            'issuer_keys: {live: {secret: "env:K"}}',
            "whoever has the key of `live`, which is production, can be anybody in it | prove a test environment whose"
            " issuer has a key of its own",
        ),
        (f"messages: {{shop.payd: {{{RECIPE}}}}}", "there is no operation `shop.payd` | did you mean `shop.paid`?"),
        ("public: [shop.pad]", "there is no operation `shop.pad` | did you mean `shop.paid`?"),
    ],
)
def test_what_leads_nowhere_is_said_with_the_closest_match(tmp_path: Path, words: str, expected: str) -> None:
    with pytest.raises(DeclarationError) as error:
        declared(tmp_path, f"prove: {{{words}}}")
    (only,) = error.value.verdicts
    assert only.location.line == 5
    assert f"{only.sentence} | {only.fix.sentence if only.fix else ''}" == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (f'messages: {{shop.paid: {{{RECIPE}, over: "{{time}}.{{body}}"}}}}', "what is put in here is"),
        (f'messages: {{shop.paid: {{{RECIPE}, form: "sha256="}}}}', "`{signature}` must be in it"),
        ("inbox: {folder: mail, code: '('}", "no regular expression"),
        ("inbox: {code: '[0-9]+'}", "an inbox is a `folder` or a `url`"),
        ("inbox: {folder: mail, url: 'https://mail.test/{address}', code: '[0-9]+'}", "an inbox is a `folder` or"),
        ('issuer_keys: {test: {secret: "a literal"}}', "secret"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, words: str, said: str) -> None:
    with pytest.raises(DeclarationError) as error:
        declared(tmp_path, f"prove: {{{words}}}")
    assert any(said in verdict.sentence for verdict in error.value.verdicts), error.value.verdicts
