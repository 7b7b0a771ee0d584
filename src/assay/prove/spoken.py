"""Secrets that nobody has told the run: known by the name under which a service or a caller speaks of them.

A session that a case opened, a code that was sent by mail, a password that an answer repeats: none of them was handed
out by the run, so none can be looked for by its value.
"""

from __future__ import annotations

import re

MASKED = "[redacted]"

_ALWAYS = (
    r"tokens?|jwt|passw(?:or)?d|passphrase|pwd|secrets?|sessions?|session[_-]?(?:id|key)|sid|api[_-]?key|private[_-]?key"
    r"|access[_-]?key|credentials?|otp|pin(?:[_-]?code)?|nonce[_-]?secret|recovery[_-]?codes?|csrf"
)
_NAME = rf"[\w.\-\[\]]{{0,64}}?(?:{_ALWAYS})"
"""Whatever ends so: ``access_token``, ``refreshToken``, ``user[password]``."""
_CODE = r"[\w.\-\[\]]{0,64}?codes?"
_CODE_VALUE = r"(?:[0-9]{4,}|[^\s\"\\&']{16,})"
"""What is sent to prove something; a country's or an error's code is shorter, or made of words."""
_QUOTE = r"(\\{0,8})\""


def _members(names: str, value: str) -> re.Pattern[str]:
    """A member of a JSON object with a string value, also inside JSON that is itself a string, and cut anywhere."""
    return re.compile(rf"(?i)({_QUOTE}{names}\2\"\s{{0,40}}:\s{{0,40}}\2\")({value})")


# A string within n strings has k = 2^n - 1 backslashes before its quotes, and 2(k + 1) for each backslash in it. So a
# run of backslashes and a quote end it if the run is some multiple of 2(k + 1), and k more; \2 is k backslashes.
_ESCAPED = r"(?:\2\2\\\\)"
_STRING = rf"(?:[^\"\\]|{_ESCAPED}++(?=\2\")|\\++(?!\")|(?!{_ESCAPED}*+\2\")\\++\")*+"
_MEMBER = _members(_NAME, _STRING)
_CODED = _members(_CODE, _CODE_VALUE)
_CURRENT = re.compile(
    r'(?i)("properties"\s{0,40}:\s{0,40}\{[^{}]{0,2000}?"current"\s{0,40}:\s{0,40}")((?:[^"\\]|\\.)*)'
)
"""``{"properties": {"current": "…"}}``: how some services answer with a session."""
_LIST = re.compile(rf'(?i)({_QUOTE}{_NAME}\2"\s{{0,40}}:\s{{0,40}}\[)([^\]\[{{]*)')
_FIELD = re.compile(rf"(?i)((?:^|[?&;\s\"'])(?:{_NAME})=)([^&\s\"';]+)")
_CODED_FIELD = re.compile(rf"(?i)((?:^|[?&;\s\"'])(?:{_CODE})=)({_CODE_VALUE})")


def unsaid(text: str) -> str:
    """The text with ``[redacted]`` in the place of values whose names say that they are secret.

    JSON strings (alone, or in a list) and form or query fields. Everything else stays, character for character.
    """
    if '"' in text:
        text = _LIST.sub(rf'\1"{MASKED}"', text)
        text = _MEMBER.sub(rf"\1{MASKED}", text)
        text = _CODED.sub(rf"\1{MASKED}", text)
        text = _CURRENT.sub(rf"\1{MASKED}", text)
    if "=" in text:
        text = _FIELD.sub(rf"\1{MASKED}", text)
        text = _CODED_FIELD.sub(rf"\1{MASKED}", text)
    return text
