"""Where in the text a YAML node is replaced, inserted or removed, so that the lines around it stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

from assay.declare.yaml_nodes import Node
from assay.declare.yaml_write import block_lines, entry_lines, flow_text, is_long, item_lines, scalar_text


@dataclass(frozen=True, slots=True)
class Splice:
    """Replace the characters from ``start`` to ``end`` by ``text`` (lines end in a line feed)."""

    start: int
    end: int
    text: str


def replace_value(text: str, parent: Node | None, key: Node | None, node: Node, value: object) -> Splice | None:
    """Put ``value`` where ``node`` stands. ``key`` is its key, or None for a list's item."""
    start, end = node.start.index, end_of(node, text)
    if node.anchor:
        return None
    inside_flow = parent is not None and parent.flow
    if not inside_flow and key is not None and is_long(value) and _starts_line(text, key.start.index):
        lines = block_lines(value, _indent_of(text, key.start.index) + "  ")
        after_key = _after_colon(text, key)
        if after_key is not None:
            comment = _comment_between(text, after_key, start)
            return Splice(after_key, end, comment + "\n" + "\n".join(lines))
    written = flow_text(value)
    if start == end and start > 0 and text[start - 1] not in " \t":
        written = " " + written
    if node.kind == "scalar" and isinstance(value, str):
        written = _as_before(node, value, written, inside_flow)
    if start < end and "\n" in text[start:end] and text[end - 1] == "\n":
        end -= 1
    if _on_own_lines(text, key, node):
        after_key = _after_colon(text, key) if key is not None else None
        if after_key is not None and not _comment_between(text, after_key, start).strip():
            return Splice(after_key, end, " " + written.strip())
    return Splice(start, end, written)


def insert_entry(text: str, parent: Node, key: str, value: object) -> Splice | None:
    """Add `key: value` as the last entry of a mapping."""
    if parent.flow:
        entry = f"{scalar_text(key)}: {flow_text(value)}"
        if not parent.entries:
            return Splice(parent.start.index, parent.end.index, _prefix(text, parent) + "{" + entry + "}")
        last_key, last = parent.entries[-1]
        at = max(end_of(last, text), last_key.end.index)
        return Splice(at, at, (": , " if _has_no_colon(text, parent) else ", ") + entry)
    first = parent.entries[0][0]
    lines = entry_lines(key, value, " " * (first.start.column - 1))
    return _after_line(text, _last_index(parent, text), lines)


def append_item(text: str, parent: Node, value: object) -> Splice | None:
    """Add an item at the end of a list."""
    if parent.flow:
        if not parent.items:
            return Splice(parent.start.index, parent.end.index, _prefix(text, parent) + "[" + flow_text(value) + "]")
        at = end_of(parent.items[-1], text)
        return Splice(at, at, ", " + flow_text(value))
    dash = text.rfind("-", 0, parent.items[-1].start.index + 1)
    line_start = text.rfind("\n", 0, dash) + 1
    if text[line_start:dash].strip():
        return None
    return _after_line(text, _last_index(parent, text), item_lines(value, text[line_start:dash]))


def remove_entry(text: str, parent: Node, index: int) -> Splice | None:
    """Take one entry out of a mapping; the last one leaves `{}` behind."""
    key, value = parent.entries[index]
    if len(parent.entries) == 1:
        return _emptied(text, parent, "{}")
    end = max(end_of(value, text), key.end.index)
    if parent.flow:
        following = parent.entries[index + 1][0].start.index if index + 1 < len(parent.entries) else None
        before = max(n.end.index for n in parent.entries[index - 1]) if index else None
        return _out_of_flow(key.start.index, end, following, before)
    if not _starts_line(text, key.start.index):
        if index + 1 >= len(parent.entries):
            return None
        return Splice(key.start.index, parent.entries[index + 1][0].start.index, "")
    return _lines_out(text, key.start.index, end)


def remove_item(text: str, parent: Node, index: int) -> Splice | None:
    """Take one item out of a list; the last one leaves `[]` behind."""
    if len(parent.items) == 1:
        return _emptied(text, parent, "[]")
    item = parent.items[index]
    end = end_of(item, text)
    if parent.flow:
        following = parent.items[index + 1].start.index if index + 1 < len(parent.items) else None
        before = end_of(parent.items[index - 1], text) if index else None
        return _out_of_flow(item.start.index, end, following, before)
    dash = text.rfind("-", 0, item.start.index + 1)
    line_start = text.rfind("\n", 0, dash) + 1
    if text[line_start:dash].strip():
        return None
    return _lines_out(text, dash, end)


def end_of(node: Node, text: str) -> int:
    """Index after the last character of a node; block collections end with their last entry, not at the next token."""
    if node.kind in ("mapping", "sequence") and not node.flow:
        return _last_index(node, text)
    end = node.end.index
    if node.kind == "scalar" and node.style in ("|", ">"):
        while end > node.start.index and text[end - 1] in "\r\n \t":
            end -= 1
    return end


def _last_index(node: Node, text: str) -> int:
    last = [node.start.index]
    for key, value in node.entries[-1:]:
        last += [key.end.index, end_of(value, text)]
    last += [end_of(item, text) for item in node.items[-1:]]
    return max(last)


def _after_line(text: str, index: int, lines: list[str]) -> Splice:
    """Insert lines after the line that ``index`` stands in."""
    at = text.find("\n", index)
    if at < 0:
        return Splice(len(text), len(text), "\n" + "\n".join(lines))
    if text[at - 1 : at] == "\r":
        at -= 1
    return Splice(at, at, "\n" + "\n".join(lines))


def _lines_out(text: str, start: int, end: int) -> Splice:
    """Remove whole lines, from the one where ``start`` stands to the one where ``end`` stands."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    return Splice(line_start, len(text) if line_end < 0 else line_end + 1, "")


def _out_of_flow(start: int, end: int, following: int | None, before: int | None) -> Splice | None:
    if following is not None:
        return Splice(start, following, "")
    return Splice(before, end, "") if before is not None else None


def _emptied(text: str, node: Node, empty: str) -> Splice | None:
    if node.anchor:
        return None
    if node.flow:
        return Splice(node.start.index, node.end.index, _prefix(text, node) + empty)
    start, end = node.start.index, _last_index(node, text)
    line_start = text.rfind("\n", 0, start) + 1
    if node.start.column == 1:
        return Splice(start, end, empty)
    if text[line_start:start].strip():
        return Splice(start, end, empty)
    before = text.rfind("\n", 0, start)
    previous = text[:before].rstrip("\r")
    if previous.endswith(":"):
        return Splice(len(previous), end, " " + empty)
    return Splice(start, end, empty)


def _prefix(text: str, node: Node) -> str:
    """Tag or anchor that stands before a flow collection's bracket."""
    opening = "{" if node.kind == "mapping" else "["
    return text[node.start.index : text.index(opening, node.start.index)]


def _has_no_colon(text: str, parent: Node) -> bool:
    key, value = parent.entries[-1]
    return value.start.index == value.end.index and ":" not in text[key.end.index : parent.end.index]


def _starts_line(text: str, index: int) -> bool:
    line_start = text.rfind("\n", 0, index) + 1
    return not text[line_start:index].strip()


def _indent_of(text: str, index: int) -> str:
    return " " * (index - (text.rfind("\n", 0, index) + 1))


def _after_colon(text: str, key: Node) -> int | None:
    at = key.end.index
    while at < len(text) and text[at] in " \t":
        at += 1
    return at + 1 if text[at : at + 1] == ":" else None


def _comment_between(text: str, start: int, end: int) -> str:
    """What stands between a key's colon and its value, without the space before the value."""
    return text[start:end].rstrip()


def _on_own_lines(text: str, key: Node | None, node: Node) -> bool:
    return key is not None and node.start.line > key.end.line and not (node.kind == "scalar" and node.start == node.end)


def _as_before(node: Node, value: str, written: str, in_flow: bool) -> str:
    """Keep the quotes that a person chose, where the new text can stand in them."""
    if node.style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if node.style == '"' and not written.startswith('"'):
        return f'"{value}"'
    return written
