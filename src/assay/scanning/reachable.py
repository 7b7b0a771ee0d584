"""How a person or their device is reached: e-mail, telephone, network address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from assay.domain import Confidence
from assay.scanning.context import Context, before, wordset
from assay.scanning.detector import HIGH, LOW, MEDIUM, Hit, lowered

_LOCAL: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-")
_OPENING: Final = "'`{|/=&?*"
_DOMAIN = re.compile(r"(?a)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.[A-Za-z0-9]){1,8}[A-Za-z0-9-]{1,62}")
_TOP = re.compile(r"(?a)[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59}")
_FILES: Final = wordset("png jpg jpeg gif svg webp css js mjs ts json html pdf map tgz zip")
_ROLES: Final = wordset(
    """
    abuse admin billing contact hello help hostmaster info mailer-daemon no-reply noreply office postmaster
    press privacy root sales security service support team webmaster donotreply do-not-reply notifications git
    """
)


def emails(text: str, around: Context) -> Iterator[Hit]:
    """E-mail addresses (RFC 5321 section 4.1.2, unquoted, with a dot in the domain). A post box of a role, such as
    ``info@``, is nobody's by itself."""
    at = text.find("@")
    while at >= 0:
        start = at
        while start > 0 and at - start < 64 and text[start - 1] in _LOCAL:
            start -= 1
        # What quotes or leads to an address is part of its grammar, and hardly ever of an address.
        for index in range(at - 1, start - 1, -1):
            if text[index] in _OPENING:
                start = index + 1
                break
        while start < at and text[start] == ".":
            start += 1
        domain = _DOMAIN.match(text, at + 1) if start < at else None
        if domain is not None and _is_mailbox(text[start:at], domain[0], text[domain.end() : domain.end() + 1]):
            sure = LOW if text[start:at].lower() in _ROLES else HIGH
            yield start, domain.end(), "email", "user.contact.email", sure, True
            at = domain.end()
        at = text.find("@", at + 1)


def _is_mailbox(local: str, domain: str, after: str) -> bool:
    labels = domain.split(".")
    top = labels[-1].lower()
    return (
        not local.endswith(".")
        and ".." not in local
        and bool(_TOP.fullmatch(top))
        and top not in _FILES
        and not any(p.endswith("-") for p in labels)
        and not (local == "git" and after == ":")
        and not labels[0][:-1].isdigit()
    )


_COUNTRIES: Final = wordset(
    # E.164 country codes (ITU-T list of assigned codes).
    """
    1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86
    90 91 92 93 94 95 98
    """
) | frozenset(
    str(n)
    for first, last in (
        *((211, 213), (216, 216), (218, 218), (220, 258), (260, 269), (290, 291), (297, 299), (350, 359), (370, 378)),
        *((380, 383), (385, 387), (389, 389), (420, 421), (423, 423), (500, 509), (590, 599), (670, 670), (672, 692)),
        *((850, 850), (852, 853), (855, 856), (880, 880), (886, 886), (960, 968), (970, 977), (992, 996), (998, 998)),
    )
    for n in range(first, last + 1)
)
_E164 = re.compile(r"(?a)(?<![\w+./:-])(?:\+|00)[1-9]\d{0,3}(?:[ .-]?\(?\d{1,5}\)?){2,6}(?!\w|[.,:]\d|-\d)")
_NATIONAL = re.compile(
    r"(?a)(?<![\w+./:-])(?:\(?\d{2,5}\)?[ ./-]{0,2})(?:\d{2,5}[ .-]?){1,4}\d{1,4}(?![\w:]|[.,]\d|-\d)"
)
_NANP = re.compile(r"(?a)(?<![\w+./:-])(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-.])[2-9]\d{2}[-.]\d{4}(?![\w:]|[.,]\d|-\d)")
_PHONE_WORDS = wordset(
    """
    phone phones telephone telefon telefono teléfono tel mobile cell cellphone msisdn phonenumber mobilenumber
    handy movil whatsapp sms landline telefoon call ring
    """
)
_FAX_WORDS = wordset("fax faxnumber telefax")
_NO_PHONE = wordset("id ids code key zone timezone offset utc delta version model")


def phones(text: str, around: Context) -> Iterator[Hit]:
    """Telephone numbers: with country code (E.164), in North American form, and any national form where words say so.

    There are no check digits, so none is certain.
    """
    taken: list[tuple[int, int]] = []
    for pattern in (_E164, _NANP):
        for match in pattern.finditer(text):
            if pattern is _E164 and not _in_plan(match[0]):
                continue
            taken.append(match.span())
            context = before(text, match.start(), around)
            said = context.tells(_PHONE_WORDS) or context.tells(_FAX_WORDS)
            # Many things are written with a plus, few of them as groups; bare digits are told by their length.
            sure = HIGH if said else MEDIUM
            unlike = match[0].startswith("00") or (match[0][1:].isdigit() and len(match[0]) < 12)
            if not said and (unlike or context.not_personal or _NO_PHONE & context.words):
                sure = LOW
            yield (*match.span(), "phone", _which(context), sure, False)
    for match in _NATIONAL.finditer(text):
        digits = sum(c.isdigit() for c in match[0])
        if (
            not 7 <= digits <= 12
            or _IP4.fullmatch(match[0])
            or any(s < match.end() and match.start() < e for s, e in taken)
        ):
            continue
        context = before(text, match.start(), around)
        if not (context.tells(_PHONE_WORDS) or context.tells(_FAX_WORDS)) or _NO_PHONE & context.words:
            continue
        yield (*match.span(), "phone", _which(context), HIGH, False)


def _which(context: Context) -> str:
    return "user.contact.fax_number" if context.tells(_FAX_WORDS) else "user.contact.phone_number"


def _in_plan(written: str) -> bool:
    digits = "".join(c for c in written if c.isdigit())
    digits = digits if written.startswith("+") else digits[2:]
    if not 8 <= len(digits) <= 15:
        return False
    if digits.startswith("1"):
        return len(digits) == 11 and digits[1] in "23456789" and digits[4] in "23456789"
    return any(digits[:n] in _COUNTRIES for n in (1, 2, 3))


_IP4 = re.compile(r"(?a)(?<![\w./+-])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w/-]|\.\w)")
_IP6 = re.compile(r"(?a)(?<![\w:.])(?=[0-9A-Fa-f:.]{3,45}(?![\w:]))[0-9A-Fa-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?")
_IP_WORDS = wordset("ip ips address addr remote client forwarded host ipaddress ipv visitor peer")
_VERSION_WORDS = wordset("version versions v ver release build agent firmware oid section")


def addresses(text: str, around: Context) -> Iterator[Hit]:
    """IP addresses of machines out there: no networks, no loopback, no version numbers."""
    if "." in text:
        for match in _IP4.finditer(text):
            sure = _ip_confidence(match[0], before(text, match.start(), around))
            if sure is not None:
                yield (*match.span(), "ip-address", "user.device.ip_address", sure, True)
    if text.count(":") > 1:
        for match in _IP6.finditer(text):
            if match[0].count(":") < 2 or text[match.end() : match.end() + 1] == "/":
                continue
            sure = _ip_confidence(match[0], before(text, match.start(), around))
            if sure is not None:
                yield (*match.span(), "ip-address", "user.device.ip_address", sure, True)


def _ip_confidence(text: str, context: Context) -> Confidence | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local:
        return None
    if isinstance(address, ipaddress.IPv6Address) and sum(bool(g) for g in text.split(":")) < 3:
        return None
    if _VERSION_WORDS & context.words:
        return LOW
    said = context.says(_IP_WORDS)
    if isinstance(address, ipaddress.IPv4Address) and max(address.packed) < 32 and not said:
        return LOW
    sure = HIGH if said else MEDIUM
    # What is behind a router names nobody to the outside; documentation ranges stand for addresses that would.
    private = any(address in n for n in _PRIVATE if n.version == address.version)
    return lowered(sure) if private or (context.not_personal and not said) else sure


_PRIVATE: Final = tuple(
    ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
