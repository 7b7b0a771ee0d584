"""Files of networks: one CIDR per line, comments after ``#`` or ``;``, as blocklists are published."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from assay.domain import AssayError, Location

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is no network. ``text`` is cut short."""

    at: Location
    text: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What a file of networks says. ``networks`` are collapsed: sorted, without overlaps."""

    networks: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def parse_list(text: str, *, name: str) -> Listed:
    """The networks of a list; ``name`` is how the file is shown. Host bits are cleared; a bare address is one host."""
    found: list[Network] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        entry = line.partition("#")[0].partition(";")[0].strip()
        if not entry:
            continue
        try:
            found.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            column = len(line) - len(line.lstrip()) + 1
            problems.append(Problem(Location(name, number, column), entry[:60]))
    return Listed(tuple(str(n) for n in collapse(found)), tuple(problems))


def read_list(root: Path, written: str) -> Listed:
    """Reads the list at ``written``, which is relative to the declaration.

    Raises:
        AssayError: the file is missing, unreadable, too large or no UTF-8 text.
    """
    path, where = root / written, Location(written)
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise AssayError(
                f"the network list {written} has {size} bytes; {MOST_BYTES} are the most that is read",
                fix="split the list, or collapse its networks",
                location=where,
            )
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise AssayError(
            f"the network list {written} is not UTF-8 text", fix="save it as plain text", location=where
        ) from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise AssayError(
            f"the network list {written} cannot be read: {reason.lower()}",
            fix="put the file in place, or correct its path (relative to the declaration)",
            location=where,
        ) from error
    return parse_list(text, name=written)


def collapse(networks: Iterable[Network]) -> tuple[Network, ...]:
    """The same addresses in the fewest networks: IPv4 first, then IPv6, each sorted."""
    four: list[ipaddress.IPv4Network] = []
    six: list[ipaddress.IPv6Network] = []
    for network in networks:
        if isinstance(network, ipaddress.IPv4Network):
            four.append(network)
        else:
            six.append(network)
    return (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))
