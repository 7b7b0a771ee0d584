"""The sixteen factors of the OWASP Risk Rating Methodology, filled from what a declaration says.

A factor comes from the declaration where that says enough (*derived*), from the threat itself where it follows from
it, or from people (*given*); what was confirmed on payloads is *measured*. Scales are the methodology's (0 to 9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assay.declare.model import LEVELS
from assay.risk.words import Factor, Factors, Origin

AGENT = ("skill", "motive", "opportunity", "size")
VULNERABILITY = ("ease_of_discovery", "ease_of_exploit", "awareness", "intrusion_detection")
TECHNICAL = ("loss_of_confidentiality", "loss_of_integrity", "loss_of_availability", "loss_of_accountability")
BUSINESS = ("financial_damage", "reputation_damage", "non_compliance", "privacy_violation")
NAMES = (*AGENT, *VULNERABILITY, *TECHNICAL, *BUSINESS)

Given = Mapping[str, tuple[float, str]]
"""By factor: a value from 0 to 9, and why."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What of a scenario's surroundings decides factors.

    Attributes:
        exposure: who can send something there at all: everybody, partners, or those inside.
        anonymous: whether something is open to callers who prove nothing.
        by_itself: whether callers can get an identity without anybody's doing (people who sign up or log in).
        contract: whether attackers can have its description.
        logged, reviewed: whether what is done is recorded, and whether anybody is to look at it.
        attributable: whether what is recorded names the caller.
        level: the most sensitive data within reach, as a position in LEVELS; None: nothing is known of it. Reductions
            that nobody verified do not count; ``reduced`` is the level if they did.
        special: whether there are special categories or criminal records (GDPR Art. 9 and 10) in it.
        personal: whether any of it is about people; ``people``: about how many, None: not known.
        confirmed: whether payloads were seen to be what these labels say.
        rights: whether it is about the rights of an account; ``excess`` is its privilege excess index then (0 to 1),
            None: what it may do, or needs, is not known.
        excess_measured: whether the rights behind it were read from the system.
    """

    exposure: Literal["public", "partner", "internal"] = "internal"
    anonymous: bool = False
    by_itself: bool = False
    contract: bool = False
    logged: bool = False
    reviewed: bool = False
    attributable: bool = False
    level: int | None = None
    reduced: int | None = None
    special: bool = False
    personal: bool = False
    people: int | None = None
    confirmed: bool = False
    rights: bool = False
    excess: float | None = None
    superuser: bool = False
    excess_measured: bool = False


def factors(setting: Setting, threat: Given, given: Given | None = None) -> Factors:
    """The factors of one scenario: derived, unless the threat decides; and what people gave before either.

    Args:
        threat: what follows from the threat itself; others are derived. ``given``: from people, in its place.
    """
    given = given or {}
    found = {name: _factor(name, setting, threat, given) for name in NAMES}

    def group(names: tuple[str, ...]) -> tuple[Factor, ...]:
        return tuple(found[n] for n in names)

    return Factors(group(AGENT), group(VULNERABILITY), group(TECHNICAL), group(BUSINESS))


def _factor(name: str, setting: Setting, threat: Given, given: Given) -> Factor:
    if name in given:
        value, because = given[name]
        return Factor(name, min(9.0, max(0.0, value)), Origin.GIVEN, because)
    if name in threat:
        value, because = threat[name]
        return Factor(name, value, Origin.GIVEN, f"of this threat: {because}")
    value, because = _DERIVED[name](setting)
    return Factor(name, value, _origin(name, setting), because)


_BY_LABEL = frozenset({"loss_of_confidentiality", "privacy_violation", "motive", "non_compliance"})


def _origin(name: str, setting: Setting) -> Origin:
    by_label = setting.confirmed and name in _BY_LABEL
    by_rights = setting.excess_measured and name == "ease_of_discovery"
    return Origin.MEASURED if by_label or by_rights else Origin.DERIVED


def _skill(_: Setting) -> tuple[float, str]:
    return 5, "advanced users, where nothing else is known"


def _motive(s: Setting) -> tuple[float, str]:
    if s.level is None:
        return 4, "it is not declared what could be gained"
    if s.level >= 3:
        return 9, f"{LEVELS[s.level]} data is worth much to others"
    if s.level == 2:
        return 4, "confidential data may be worth something to others"
    return 1, f"{LEVELS[s.level]} data is worth little to others"


def _opportunity(s: Setting) -> tuple[float, str]:
    if s.exposure == "public":
        if s.anonymous:
            return 9, "it is public, and something is open to callers who prove nothing"
        return 7, "it is public, and takes an identity that is accepted"
    if s.exposure == "partner":
        return 7, "it takes a partner's identity"
    return 4, "it takes access to the internal network"


def _size(s: Setting) -> tuple[float, str]:
    if s.exposure == "public":
        if s.anonymous:
            return 9, "everybody on the Internet"
        if s.by_itself:
            return 6, "everybody who has an account of their own"
        return 5, "those to whom an identity was given"
    if s.exposure == "partner":
        return 5, "partners"
    return 4, "those in the internal network"


def _discovery(s: Setting) -> tuple[float, str]:
    if not s.rights:
        return 3, "nothing says how it would be found"
    if s.superuser:
        return 9, "the account is a superuser, which shows at the first try"
    if s.excess is None:
        return 7, "what the account may do, or what of it is needed, is not known"
    return 3 + round(6 * s.excess), f"{s.excess:.0%} of what the account may do, by weight, it does not need"


def _exploit(_: Setting) -> tuple[float, str]:
    return 5, "with usual tools, where nothing else is known"


def _awareness(s: Setting) -> tuple[float, str]:
    if s.contract and s.exposure == "public":
        return 9, "the contract is public"
    if s.contract:
        return 6, "those who may call have the contract"
    return 4, "it is described nowhere outside"


def _detection(s: Setting) -> tuple[float, str]:
    if s.logged and s.reviewed:
        return 3, "it is logged, and an objective has the log looked at"
    if s.logged:
        return 8, "it is logged, and nothing says that anybody looks"
    return 9, "nothing says that it is logged"


def _confidentiality(s: Setting) -> tuple[float, str]:
    if s.level is None:
        return 6, "what can be read is not labelled"
    many = s.people is None or s.people >= 1000
    how_many = "of many" if many else "of few"
    if s.reduced is not None and s.reduced < s.level:
        how_many += f" ({LEVELS[s.reduced]} once it is verified what is taken away from it)"
    if s.level >= 3:
        return (9 if many else 7), f"{LEVELS[s.level]} data {how_many}"
    if s.level == 2:
        return (7 if many else 5), f"confidential data {how_many}"
    return 2, f"{LEVELS[s.level]} data {how_many}"


def _integrity(_: Setting) -> tuple[float, str]:
    return 5, "what could be changed is not declared"


def _availability(_: Setting) -> tuple[float, str]:
    return 5, "what depends on it is not declared"


def _accountability(s: Setting) -> tuple[float, str]:
    if not s.logged:
        return 9, "nothing says that it is logged"
    if s.anonymous and not s.attributable:
        return 7, "it is logged, and some callers prove nothing"
    return (1, "every call names its caller") if s.attributable else (7, "it is logged, and may not name its caller")


def _financial(s: Setting) -> tuple[float, str]:
    if s.level is not None and s.level >= 3:
        return 7, f"notifying people and supervisors of a leak of {LEVELS[s.level]} data, and making it good"
    if s.level == 2:
        return 3, "making good what became known"
    return 1, "little more than mending it"


def _reputation(s: Setting) -> tuple[float, str]:
    if s.personal and s.exposure != "internal":
        return 9 if s.people is None or s.people >= 100_000 else 5, "people who trusted us with their data hear of it"
    if s.exposure == "internal":
        return 4, "it is seen inside first"
    return 5, "callers and partners see it"


def _compliance(s: Setting) -> tuple[float, str]:
    if s.special:
        return 7, "special categories or criminal records: GDPR Art. 9 and 10, and notification under Art. 33"
    if s.personal:
        return (7, "GDPR Art. 32 to 34") if s.level is not None and s.level >= 3 else (5, "GDPR Art. 32 and 33")
    return 2, "no law about people's data is touched, as far as declared"


def _privacy(s: Setting) -> tuple[float, str]:
    if not s.personal:
        return 0, "no data about people, as far as declared"
    if s.people is None:
        return 7, "about people; how many is not declared"
    for least, value in ((1_000_000, 9), (1_000, 7), (100, 5)):
        if s.people >= least:
            return value, f"data about {s.people:,} people"
    return 3, f"data about {s.people:,} people"


_DERIVED = {
    "skill": _skill,
    "motive": _motive,
    "opportunity": _opportunity,
    "size": _size,
    "ease_of_discovery": _discovery,
    "ease_of_exploit": _exploit,
    "awareness": _awareness,
    "intrusion_detection": _detection,
    "loss_of_confidentiality": _confidentiality,
    "loss_of_integrity": _integrity,
    "loss_of_availability": _availability,
    "loss_of_accountability": _accountability,
    "financial_damage": _financial,
    "reputation_damage": _reputation,
    "non_compliance": _compliance,
    "privacy_violation": _privacy,
}
