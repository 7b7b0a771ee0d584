"""A declaration drafted from another tool's model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from assay.declare.yaml_write import block_lines

Sections = dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Drafted:
    """The sections of a declaration, and what of the model could not be said in one."""

    organisation: str
    sections: Mapping[str, Mapping[str, object]]
    losses: tuple[str, ...]

    def text(self, source: str) -> str:
        """The declaration as YAML.

        Args:
            source: the name of the model's file, for the comment at the top.
        """
        said: dict[str, object] = {"assay": 1, "organisation": {"name": self.organisation or "My organisation"}}
        said |= {name: dict(section) for name, section in self.sections.items() if section}
        head = [
            f"# Read from {_comment(source)}. Levels, kinds and tiers that such a model does not know were guessed:",
            "# review them. Left out, because a declaration has no word for it:",
            *(f"#   - {_comment(loss)}" for loss in self.losses or ("nothing",)),
            "",
        ]
        return "\n".join([*head, *block_lines(said, ""), ""])


def identifier(text: str, fallback: str) -> str:
    """An id of a declaration out of any text."""
    found = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).lstrip("-_.")
    return found or fallback


def unique(name: str, taken: Mapping[str, object]) -> str:
    """The id, numbered when it is taken."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def _comment(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text)
