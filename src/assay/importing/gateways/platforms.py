"""The platforms that are understood, and which of them a file belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from assay.domain import Location, UsageError
from assay.importing.gateways import apisix, aws, envoy, kong, nginx, traefik
from assay.importing.gateways.foreign import Foreign
from assay.importing.source import Source, Spot, read_text, structured

_Recognise = Callable[[Spot], bool]
_Read = Callable[[Iterable[Source]], Foreign]

_STRUCTURED: Mapping[str, tuple[_Recognise, _Read]] = {
    module.PLATFORM: (module.recognises, module.read) for module in (apisix, aws, envoy, kong, traefik)
}
PLATFORMS: tuple[str, ...] = tuple(sorted([*_STRUCTURED, nginx.PLATFORM]))
"""Their ids."""

Problems = tuple[tuple[Location, str], ...]


def read_gateway(
    files: Sequence[Path], *, platform: str | None = None, shown: Callable[[Path], str] = str
) -> tuple[Foreign, Problems]:
    """The configuration of a gateway in these files, and the values in it that are not of the kind they should be.

    Args:
        platform: one of :data:`PLATFORMS`; default: seen from the first file.
        shown: how a file is named in places.

    Raises:
        UsageError: a file cannot be read, is empty or no mapping, or it is not seen which platform it belongs to.
    """
    texts = [read_text(path) for path in files]
    for path, text in zip(files, texts, strict=True):
        if not text.strip():
            raise UsageError(f"`{path}` is empty", fix="export it again", location=Location(shown(path), 1))
    if platform is None and nginx.recognises(texts[0]) and texts[0].lstrip()[:1] not in "{[":
        platform = nginx.PLATFORM
    if platform == nginx.PLATFORM:
        found = [nginx.read(path, shown(path)) for path in files]
        routes = tuple(r for f in found for r in f.routes)
        return Foreign(platform=platform, routes=routes, unread=tuple(u for f in found for u in f.unread)), ()
    sources = [structured(text, shown(path)) for path, text in zip(files, texts, strict=True)]
    chosen = platform or _seen(sources[0])
    for source in sources:
        if not isinstance(source.value, dict):
            raise UsageError(
                f"this is no configuration of {chosen}: those are a mapping",
                fix="name the file with its routes",
                location=Location(source.file, 1, 1),
            )
    foreign = _STRUCTURED[chosen][1](sources)
    return foreign, tuple(dict.fromkeys(p for s in sources for p in s.problems))


def _seen(source: Source) -> str:
    found = [name for name, (recognises, _) in _STRUCTURED.items() if recognises(source.top)]
    if len(found) == 1:
        return found[0]
    said = f"it could be of {' or '.join(found)}" if found else "it is of no platform that is known here"
    raise UsageError(f"`{source.file}`: {said}", fix=f"say which with `--platform`: {', '.join(PLATFORMS)}")
