"""The rules of check digits, held against numbers that their issuers or the literature publish as examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.scanning import checksums, national
from assay.scanning.payment import IBAN_LENGTHS, is_card, is_iban

PUBLISHED = {
    national.us_ssn: ["536904399", "123456789"],
    national.uk_nino: ["AB123456C", "JG103759A"],
    national.nl_bsn: ["111222333", "123456782"],
    national.de_steuer_id: ["36574261809", "86095742719", "47036892816", "65929970489", "57549285017", "25768131411"],
    national.fr_nir: ["295109912611193", "253072B07300470", "253072A07300443"],
    national.es_dni: ["54362315K", "12345678Z"],
    national.es_nie: ["X2482300W", "X1234567L"],
    national.it_codice_fiscale: ["RCCMNL83S18D969H", "RSSMRA85T10A562S", "MRTMTT25D09F205Z"],
    national.pl_pesel: ["44051401359", "02070803628"],
    national.be_national_number: ["85073003328", "93051822361"],
    national.se_personnummer: ["8803200016", "8112189876", "6408233234"],
    national.in_aadhaar: ["234123412346"],
    national.br_cpf: ["39053344705", "52998224725", "11144477735"],
    is_card: [
        *("4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000"),
        *("30569309025904", "2223003122003222"),
    ],
    is_iban: [
        *("GB82WEST12345698765432", "DE89370400440532013000", "FR1420041010050500013M02606", "NL91ABNA0417164300"),
        *("NO9386011117947", "BE71096123456769"),
    ],
}
REFUSED = {
    national.us_ssn: ["000123456", "666123456", "912345678", "123004567", "123450000", "078051120"],
    national.uk_nino: ["QQ123456C", "GB123456A", "AO123456A", "AB123456E", "AB12345C"],
    national.nl_bsn: ["111222334", "000000000"],
    national.de_steuer_id: ["36574261808", "06574261809", "11111111111", "12345678903"],
    national.fr_nir: ["295109912611194", "295139912611193", "995109912611193"],
    national.es_dni: ["54362315Z", "1234567"],
    national.es_nie: ["X2482300A", "A2482300W"],
    national.it_codice_fiscale: ["RCCMNL83S18D969I"],
    national.pl_pesel: ["44051401358", "44151401359"],
    national.be_national_number: ["85073003329", "85133003328"],
    national.se_personnummer: ["8803200018", "8813200016"],
    national.in_aadhaar: ["234123412347", "134123412346"],
    national.br_cpf: ["39053344704", "11111111111"],
    is_card: ["4111111111111112", "9111111111111111", "4444444444444444", "411111111111", "1111111111111117"],
    is_iban: ["GB82WEST12345698765431", "GB82WEST1234569876543", "ZZ82WEST12345698765432"],
}


@pytest.mark.parametrize(("rule", "numbers"), PUBLISHED.items(), ids=lambda v: getattr(v, "__name__", ""))
def test_published_numbers_are_recognised(rule, numbers):
    assert [n for n in numbers if not rule(n)] == []


@pytest.mark.parametrize(("rule", "numbers"), REFUSED.items(), ids=lambda v: getattr(v, "__name__", ""))
def test_numbers_that_nobody_has_are_not_recognised(rule, numbers):
    assert [n for n in numbers if rule(n)] == []


@given(st.text("0123456789", min_size=2, max_size=30), st.data())
def test_one_wrong_digit_breaks_luhn_and_verhoeff(body, data):
    for rule in (checksums.luhn, checksums.verhoeff):
        right = next(body + d for d in "0123456789" if rule(body + d))
        at = data.draw(st.integers(0, len(right) - 1))
        other = data.draw(st.sampled_from([d for d in "0123456789" if d != right[at]]))
        assert not rule(right[:at] + other + right[at + 1 :])


@given(st.text("0123456789", min_size=2, max_size=30), st.data())
def test_swapped_neighbours_break_verhoeff(body, data):
    right = next(body + d for d in "0123456789" if checksums.verhoeff(body + d))
    at = data.draw(st.integers(0, len(right) - 2))
    swapped = right[:at] + right[at + 1] + right[at] + right[at + 2 :]
    assert (right[at] == right[at + 1]) or not checksums.verhoeff(swapped)


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.data())
def test_one_wrong_character_breaks_an_iban(country, data):
    digits = st.text("0123456789", min_size=IBAN_LENGTHS[country] - 4, max_size=IBAN_LENGTHS[country] - 4)
    body = data.draw(digits)
    right = next(t for t in (f"{country}{n:02}{body}" for n in range(2, 99)) if is_iban(t))
    at = data.draw(st.integers(2, len(right) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != right[at]]))
    assert not is_iban(right[:at] + other + right[at + 1 :])
