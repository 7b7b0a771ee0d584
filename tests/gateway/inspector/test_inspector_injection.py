from __future__ import annotations

import itertools
import re
import time
from collections import defaultdict
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.gateway.inspector.decision import Refused
from assay.gateway.inspector.injection import OVERLAP, WINDOW, Engine, check, harmless

CORPUS = Path(__file__).parent / "corpus"
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _text(line: str) -> str:
    escapes = {"n": "\n", "r": "\r", "t": "\t"}
    found, after = "", iter(line)
    for character in after:
        if character != "\\":
            found += character
            continue
        following = next(after, "")
        found += escapes.get(following, "\\" + following if following != "\\" else "\\")
    return found


def _attacks() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    group = ""
    for line in (CORPUS / "attacks.txt").read_text("utf-8").splitlines()[1:]:
        if line.startswith("[") and line.endswith("]") and line[1:-1].isalpha():
            group = line[1:-1]
        else:
            found[group].append(_text(line))
    return found


def _legitimate() -> list[str]:
    return [_text(x) for x in (CORPUS / "legitimate.txt").read_text("utf-8").splitlines()[1:]]


def test_at_least_95_percent_of_the_attacks_of_every_class_are_stopped(engine: Engine) -> None:
    attacks = _attacks()
    assert sum(map(len, attacks.values())) >= 200
    assert len(attacks) >= 10
    for group, texts in attacks.items():
        missed = [t for t in texts if engine.search([t]) is None]
        assert len(missed) <= 0.05 * len(texts), f"{group}: {missed}"


def test_at_least_99_percent_of_what_people_write_passes(engine: Engine) -> None:
    texts = _legitimate()
    assert len(texts) >= 200
    refused = [t for t in texts if engine.search([t]) is not None]
    assert len(refused) <= 0.01 * len(texts), refused


@pytest.mark.parametrize(
    "text",
    [
        "O'Brien",
        "select a date from the union",
        "1 < 2 and 3 > 2",
        "Müller & Söhne",
        "C:\\Users\\anna\\report.docx",
        "**bold** and `code`, see [this](https://example.org)",
        "👍 great; thanks!",
        "Dear {{name}}, the price is ${amount}",
    ],
)
def test_hard_cases_pass(engine: Engine, text: str) -> None:
    check(engine, [("notes", text)])


def test_an_attack_behind_a_long_harmless_text_is_found(engine: Engine) -> None:
    prose = "The delivery was on time and everybody was happy with it. " * 40
    for attack in (
        "' OR 1=1 --",
        "' UNION SELECT password FROM users --",
        "<img src=x onerror=alert(1)>",
        "; cat /etc/passwd",
    ):
        assert engine.search([prose + attack]) is not None
        assert engine.search(["fine", prose, attack + prose]) is not None


def test_the_finding_names_the_text_and_not_its_content(engine: Engine) -> None:
    with pytest.raises(Refused) as refused:
        check(engine, [("/name", "Anna"), ("/notes", {"a": ["fine; really", "x' OR 1=1 --"]})])
    decision = refused.value.decision
    assert (decision.status, decision.policy) == (403, "input_validation/injection-sql")
    assert "/notes" in decision.detail
    assert "1=1" not in decision.detail + decision.reason


def test_a_text_cannot_forge_what_the_finding_says(engine: Engine) -> None:
    forged = '\' OR 1=1 -- [id "1"] [rev ""] [msg "crlf"] [data "REQUEST_HEADERS:v7"] [severity "0"]'
    hit = engine.search(["fine", forged])
    assert hit is not None
    assert (hit.kind, hit.index) == ("sql", 1)


def test_no_attack_counts_as_harmless() -> None:
    assert [t for texts in _attacks().values() for t in texts if harmless(t)] == []


_WORDS = (
    "union select or and xor not like in is between order group by having limit into from where case when then null "
    "true sleep benchmark exec user database version char count substring procedure if div set insert delete drop "
    "table values as script document window this location alert eval java class jndi cmd bash cat id ls whoami ping "
    "O'Brien it's don't d'or l'and n'union he'd 1 0 42 3.14 1,2 -1 x a b the name password admin users Anna Größe "
    "1=1 == ' '' \" -- # /* */ ( ) (1) sleep(5) ; | & && || ` $ ${ {{ }} } < > <b> .. ../ / \\ : :: % %27 %3c @ @@ * "
    "\n \r\n . , ! ? - _ + ~ [ ] &lt; &#60; \\u003c = !="
)
VOCABULARY = tuple(_WORDS.split(" "))
SENTENCES = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=9).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words), " ".join(words) + "."])
)
GENTLE = st.lists(
    st.sampled_from(
        [w for w in VOCABULARY if harmless(w) or w.replace("'", "").isalpha() or w.isdigit()]
        + [" (", ")", ", ", ". ", "\n", ": ", "; ", ";", "?", "'", "-"]
    ),
    min_size=1,
    max_size=10,
).flatmap(lambda words: st.sampled_from([" ".join(words), "".join(words)]))
PLAIN = st.text(
    alphabet=st.characters(codec="utf-8", categories=["L", "N", "Zs", "Po", "Pd"]) | st.sampled_from("'()\n .,:;-_"),
    max_size=60,
)


@settings(SHARED, max_examples=1500)
@given(text=GENTLE | SENTENCES | PLAIN)
def test_text_that_skips_the_engine_would_not_have_been_found(engine: Engine, text: str) -> None:
    if harmless(text):
        assert engine.search_everywhere([text]) is None


def test_every_short_sentence_of_telling_words_is_covered(engine: Engine) -> None:
    words = (
        "1",
        "x",
        "or",
        "and",
        "not",
        "like",
        "is",
        "in",
        "by",
        "order",
        "from",
        "O'x",
        "it's",
        "user",
        "(a)",
        "-1",
        ",",
    )
    skipped = [" ".join(s) for n in (2, 3) for s in itertools.product(words, repeat=n)]
    skipped = [s for s in skipped if harmless(s)]
    assert len(skipped) > 500
    for start in range(0, len(skipped), 50):
        assert engine.search_everywhere(skipped[start : start + 50]) is None


def _rule_words() -> list[str]:
    """Every word that an expression of ours names."""
    rules = resources.files("assay.gateway.inspector").joinpath("rules")
    text = " ".join(f.read_text("utf-8") for f in rules.iterdir() if f.name.endswith(".conf"))
    return sorted({word.lower() for word in re.findall(r"[A-Za-z_]{1,20}", re.sub(r"\\[a-z]", " ", text))})


def test_no_word_of_any_rule_gets_past_where_it_could_match(engine: Engine) -> None:
    shapes = (
        "fine; {}",
        "fine;{}",
        "fine; {} x",
        "fine; {} (1)",
        "fine; {} 5; ok",
        "fine;\n{} table users",
        "; {} into users set from x; y",
        "fine; {}2 - x",
        "fine; {}ß",
        "fine; {} -c x",
        "it's; {} as x",
        "x'{} (1)",
        "a {}. b",
        "a\n{} -x",
        "{} (x)",
        "a. {}: (x)",
        "{}ß or {}é",
    )
    skipped = [text for word in _rule_words() for shape in shapes if harmless(text := shape.replace("{}", word))]
    assert len(skipped) > 1000
    for start in range(0, len(skipped), 50):
        assert engine.search_everywhere(skipped[start : start + 50]) is None


def test_prose_with_a_semicolon_costs_no_search() -> None:
    assert harmless("Oiled, one drawer; delivered flat, ready in half an hour.")
    for text in (
        "fine; ls",
        "fine;ls",
        "a; rm -rf x",
        "x; drop table y",
        "a;; b",
        "a;",
        "a; 1",
        "see document.domain.",
    ):
        assert not harmless(text), text


@settings(SHARED, max_examples=600)
@given(texts=st.lists(SENTENCES, min_size=1, max_size=3))
def test_asking_some_rule_files_finds_what_asking_all_finds(engine: Engine, texts: list[str]) -> None:
    assert (engine.search(texts) is None) == (engine.search_everywhere(texts) is None)


def test_the_corpora_agree_on_some_and_all_rule_files(engine: Engine) -> None:
    for text in [*itertools.chain.from_iterable(_attacks().values()), *_legitimate()]:
        assert (engine.search([text]) is None) == (engine.search_everywhere([text]) is None), text


@settings(SHARED, max_examples=300)
@given(text=st.text(max_size=200))
def test_any_text_is_judged_without_failing(engine: Engine, text: str) -> None:
    harmless(text)
    engine.search([text.replace("\0", "").encode("utf-8", "replace").decode()])


NASTY = (
    "'", "( ", ")(",
    "a ", "<a ", "{{", "${", "../", ";;", "/* ", "\n", "--", "1,", "\\", "%", "&&", "select a,", "[[", "`",
    ".", "<!", "<a on", "a)(a=", "select (", "exec ", "{{{", "&#6", "$", "|", ": ",
)  # fmt: skip


@pytest.mark.parametrize("unit", NASTY)
def test_no_text_is_much_dearer_than_another(engine: Engine, unit: str) -> None:
    def seconds(text: str) -> float:
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            engine.search_everywhere([text[:32_000]])
            best = min(best, time.process_time() - start)
        return best

    assert seconds(unit * 32_000) < 10 * seconds("and so on; " * 3000)


@pytest.mark.parametrize("unit", NASTY)
def test_padding_cannot_wear_the_engine_out(engine: Engine, unit: str) -> None:
    padding = unit * (100_000 // len(unit))
    for attack in ("' OR 1=1 --", "<script>alert(1)</script>", "; cat /etc/passwd"):
        with pytest.raises(Refused):
            check(engine, [("notes", padding + "\n\n x " + attack)])


def test_an_attack_across_the_edge_of_a_window_is_found(engine: Engine) -> None:
    for shift in range(0, 60, 3):
        for attack in ("' UNION SELECT password FROM users --", "<img src=x onerror=alert(1)>"):
            for window in (WINDOW, WINDOW - OVERLAP):
                text = "so it goes; " * 2000
                with pytest.raises(Refused):
                    check(engine, [("notes", text[: window - shift] + attack + " and on")])


def test_more_text_than_can_be_searched_is_refused(engine: Engine) -> None:
    check(engine, [("notes", "word " * 200_000)])  # harmless text costs little and has no bound
    with pytest.raises(Refused) as refused:
        check(engine, [("notes", "a|b " * 200_000)])
    assert refused.value.decision.status == 413
