"""What is done to data on its way is counted once, and said only of what it was all done to."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.app.data_where import Whereabouts, whereabouts
from assay.sensitivity import closure
from assay.sensitivity.attributes import attributes

from .sensing import read

CHAIN = """\
assay: 1
organisation: {name: Clinic, subjects: 100000}
environments: {production: {tier: production}}
systems:
  one: {kind: database, environment: production, owner: it, holds: [patient], at_rest: {encryption: none, by: store}}
  two: {kind: database, environment: production, owner: it, holds: [copy], at_rest: {encryption: unknown, by: store}}
  three: {kind: database, environment: production, owner: it, holds: [copy],
          at_rest: {encryption: aes-256-gcm, by: store}}
  four: {kind: database, environment: production, owner: it, holds: [patient],
         at_rest: {encryption: aes-256-gcm, by: gateway, keys: k}}
data:
  patient:
    fields:
      born: {category: user.demographic.date_of_birth, identifies: quasi, bits: 15}
      email: {category: user.contact.email, identifies: direct, encrypt: true}
  copy: {fields: {row: {level: internal}}}
flows:
  first: {from: one, to: two, data: [patient], into: copy, transforms: {born: {generalise: {to: FIRST}}, email: hmac}}
  second: {from: two, to: three, data: [copy], into: copy, transforms: {born: {generalise: {to: SECOND}}}}
  back: {from: three, to: one, data: [copy], into: patient}
"""


def bits(tmp_path: Path, first: str, second: str) -> list[float]:
    declaration = read(tmp_path, CHAIN.replace("FIRST", first).replace("SECOND", second))
    known = closure(declaration)
    name = attributes(declaration.model).of["patient", "born"]
    return [known.claimed[node][name].bits for node in (("one", "patient"), ("two", "copy"), ("three", "copy"))]


@pytest.mark.parametrize(("first", "second"), [("month", "month"), ("year", "month"), ("year", "year")])
def test_a_date_that_is_as_coarse_already_gets_no_coarser(tmp_path: Path, first: str, second: str) -> None:
    whole, once, twice = bits(tmp_path, first, second)
    assert whole == 15 > once == twice


def test_a_date_that_gets_coarser_is_as_coarse_as_if_it_had_been_done_at_once(tmp_path: Path) -> None:
    assert bits(tmp_path, "month", "year")[2] == bits(tmp_path, "year", "year")[2]


def where(tmp_path: Path) -> Whereabouts:
    declaration = read(tmp_path, CHAIN.replace("FIRST", "year").replace("SECOND", "year"))
    return whereabouts(declaration, closure(declaration), (), "user.contact.email")


def test_what_comes_back_changed_does_not_change_what_was_there(tmp_path: Path) -> None:
    forms = {k.system: k.form for k in where(tmp_path).kept}
    assert forms == {
        "one": "clear",
        "two": "nobody says whether it is encrypted, hmac (claimed)",
        "three": "encrypted by the store, hmac (claimed)",
        # No API stands before it, so nothing encrypts there.
        "four": "clear",
    }
