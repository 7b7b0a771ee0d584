"""Reads lists of names from XML, the careful and the careless way."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.parsers import expat

from tests.zoo.flaws import Switches
from tests.zoo.kit.loopback import fetched

_MOST_CHARACTERS = 2_000_000


class NamesReader:
    """Collects the text of every ``<name>``.

    Args:
        root: files under this folder are all that a careless reader gives away.
    """

    def __init__(self, flaws: Switches, root: Path) -> None:
        self._flaws, self._root = flaws, root
        self._parsers: list[expat.XMLParserType] = []
        self._names: list[str] = []
        self._inside = False
        self._characters = 0

    def read(self, document: bytes) -> list[str]:
        """The names in a document.

        Raises:
            ValueError: it is no XML, or declares a document type, which is refused (but for flaws).
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        if "xxe" in self._flaws:
            parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
            parser.ExternalEntityRefHandler = self._external
        elif "entity-expansion" not in self._flaws:
            parser.StartDoctypeDeclHandler = _refuse
        self._parsers.append(parser)
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            raise ValueError("the body is no XML") from error
        return self._names

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "name":
            self._inside = True
            self._names.append("")

    def _end(self, name: str) -> None:
        self._inside = self._inside and name != "name"

    def _text(self, text: str) -> None:
        self._characters += len(text)
        if self._characters > _MOST_CHARACTERS:
            raise ValueError("too much text")
        if self._inside:
            self._names[-1] += text

    def _external(self, context: str, base: str | None, system_id: str | None, public_id: str | None) -> int:
        """FLAW: fetches what an entity names: from this machine, or from the service's own folder."""
        inner = self._parsers[-1].ExternalEntityParserCreate(context)
        self._parsers.append(inner)
        try:
            inner.Parse(self._content(system_id or ""), True)
        finally:
            self._parsers.pop()
        return 1

    def _content(self, url: str) -> bytes:
        if urlsplit(url).scheme == "file":
            path = Path(unquote(urlsplit(url).path)).resolve()
            return path.read_bytes() if path.is_relative_to(self._root.resolve()) and path.is_file() else b""
        try:
            return fetched(url)
        except (OSError, ValueError):
            return b""


def _refuse(name: str, system_id: str | None, public_id: str | None, has_internal_subset: bool) -> None:
    raise ValueError("document types are not allowed")
