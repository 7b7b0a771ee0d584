"""Edits to a declaration that leave everything else as a person wrote it.

An edit is spliced into the text at the marks of the YAML nodes, so that no other line changes. Each splice is read back
and compared with what the edit asks for; an edit that cannot be made this way is refused, never made differently.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from assay.declare.invalid import is_step
from assay.declare.places import Path, Step
from assay.declare.splice import Splice, append_item, insert_entry, remove_entry, remove_item, replace_value
from assay.declare.yaml_nodes import Node, YamlLimits, YamlProblem, compose
from assay.declare.yaml_places import dotted, read_yaml
from assay.declare.yaml_write import block_lines, flow_text
from assay.domain import AssayError, DeclarationError, Edit, Location, UsageError, did_you_mean


def apply_edits(sources: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """The sources after ``edits``, in order. Comments, quotes, key order and untouched lines stay as they are.

    Parents that a path needs and that do not exist yet are made as mappings. An index that equals a list's length
    appends to it. Removing what does not exist changes nothing.

    Raises:
        UsageError: an edit names a file that is not among the sources.
        DeclarationError: a source is not YAML.
        AssayError: an edit cannot be made without touching something else, such as a value repeated by an alias.
    """
    texts = dict(sources)
    for edit in edits:
        if edit.file not in texts:
            raise UsageError(
                f"`{edit.file}` is not a file of the declaration", fix=did_you_mean(edit.file, texts, what="file")
            )
        texts[edit.file] = _apply(texts[edit.file], edit)
    return texts


def _apply(text: str, edit: Edit) -> str:
    before = _read(text, edit.file)
    if not edit.path:
        raise UsageError(f"an edit of `{edit.file}` has no path", fix="name the key to change")
    if edit.remove and not _exists(before, edit.path):
        return text
    value = _plain(edit.value)
    if not edit.remove and _exists(before, edit.path) and same(_get(before, edit.path), value):
        return text
    wanted = _expected(before, edit, value)
    changed = text
    for small in _small_edits(before, edit.path, value, edit.remove):
        changed = _splice(changed, small, edit)
    after = read_yaml(changed, edit.file)
    if after.problems or not same(after.value, wanted):
        raise _refusal(text, edit)
    return changed


def _splice(text: str, small: tuple[Path, object, bool], edit: Edit) -> str:
    path, value, remove = small
    try:
        root = compose(text, edit.file, YamlLimits())
    except YamlProblem:
        raise _refusal(text, edit) from None
    newline = "\r\n" if "\r\n" in text else "\n"
    if root is None:
        separator = "" if not text or text.endswith("\n") else newline
        lines = _nested(path, value)
        return text + separator + newline.join(block_lines(lines, "")) + newline
    parent, rest, key_node = _walk(root, path)
    if parent.kind == "alias":
        raise _refusal(text, edit)
    change = _change(text, parent, rest, key_node, value, remove)
    if change is None:
        raise _refusal(text, edit)
    return text[: change.start] + change.text.replace("\n", newline) + text[change.end :]


def _change(text: str, parent: Node, rest: Path, key: Node | None, value: object, remove: bool) -> Splice | None:
    """The splice for the last step that exists: ``rest`` is what remains of the path below ``parent``."""
    step = rest[0]
    if parent.kind == "mapping":
        for index, (key_node, value_node) in enumerate(parent.entries):
            if key_node.written.text == step:
                if remove:
                    return remove_entry(text, parent, index)
                return replace_value(text, parent, key_node, value_node, value)
        return insert_entry(text, parent, str(step), _nested(rest[1:], value)) if isinstance(step, str) else None
    if parent.kind == "sequence" and isinstance(step, int):
        if step < len(parent.items):
            if remove:
                return remove_item(text, parent, step)
            return replace_value(text, parent, None, parent.items[step], value)
        return append_item(text, parent, _nested(rest[1:], value)) if step == len(parent.items) else None
    if parent.kind == "scalar" and key is not None and not parent.text and parent.plain:
        return replace_value(text, None, key, parent, _nested(rest, value))
    return None


def _walk(root: Node, path: Path) -> tuple[Node, Path, Node | None]:
    """The deepest node on the path that exists before its last step, what remains, and the key that leads to it."""
    here, key = root, None
    for position, step in enumerate(path[:-1]):
        below = _below(here, step)
        if below is None:
            return here, path[position:], key
        key, here = below
    return here, path[-1:], key


def _below(node: Node, step: Step) -> tuple[Node | None, Node] | None:
    if node.kind == "mapping":
        for key, value in node.entries:
            if key.written.text == step:
                return key, value
    elif node.kind == "sequence" and isinstance(step, int) and step < len(node.items):
        return None, node.items[step]
    return None


def _small_edits(before: Any, path: Path, value: object, remove: bool) -> list[tuple[Path, object, bool]]:
    """An edit as edits that are as small as can be: only the keys that differ inside a mapping are touched."""
    if remove or not _exists(before, path):
        return [(path, value, remove)]
    old = _get(before, path)
    if isinstance(old, dict) and isinstance(value, dict) and old and value:
        small: list[tuple[Path, object, bool]] = []
        for key in value:
            if key not in old or not same(old[key], value[key]):
                small += _small_edits(before, (*path, key), value[key], False)
        return small + [((*path, key), None, True) for key in old if key not in value]
    if isinstance(old, list) and isinstance(value, list) and old and value:
        small = []
        for index, item in enumerate(value):
            if index >= len(old) or not same(old[index], item):
                small += _small_edits(before, (*path, index), item, False)
        return small + [((*path, index), None, True) for index in range(len(old) - 1, len(value) - 1, -1)]
    return [(path, value, False)]


def _expected(before: Any, edit: Edit, value: object) -> Any:
    """What the file must say after the edit."""
    after = copy.deepcopy(before)
    if after is None:
        after = {}
    here = after
    for position, step in enumerate(edit.path[:-1]):
        if isinstance(here, dict):
            if here.get(step) is None:
                here[step] = {}
            here = here[step]
        elif isinstance(here, list) and isinstance(step, int) and 0 <= step <= len(here):
            if step == len(here):
                here.append({})
            here = here[step]
        else:
            raise _no_way(edit, position)
    last = edit.path[-1]
    if isinstance(here, dict) and isinstance(last, str):
        if edit.remove:
            del here[last]
        else:
            here[last] = value
    elif isinstance(here, list) and isinstance(last, int) and 0 <= last <= len(here):
        if edit.remove:
            del here[last]
        else:
            here[last : last + 1] = [value]
    else:
        raise _no_way(edit, len(edit.path) - 1)
    return after


def _nested(rest: Path, value: object) -> object:
    for step in reversed(rest):
        value = {step: value} if isinstance(step, str) else [value]
    return value


def same(left: Any, right: Any) -> bool:
    """Equal in value and in kind: `1`, `1.0` and `true` are three things. Not-a-number equals itself."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and (left == right or (left != left and right != right))


def _plain(value: object) -> object:
    """Lists for tuples and text for dates, as YAML has them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return read_yaml(flow_text(value), "").value if not isinstance(value, str) else value


def _read(text: str, file: str) -> Any:
    written = read_yaml(text, file)
    if written.problems:
        raise DeclarationError(written.problems)
    return written.value


def _exists(value: Any, path: Path) -> bool:
    for step in path:
        if not is_step(value, step):
            return False
        value = value[step]
    return True


def _get(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _no_way(edit: Edit, position: int) -> AssayError:
    route = dotted(edit.path)
    return AssayError(
        f"`{route}` cannot be changed: `{dotted(edit.path[:position]) or edit.file}` has nothing of that kind below it",
        fix="change the file by hand",
        location=Location(edit.file),
    )


def _refusal(text: str, edit: Edit) -> AssayError:
    place = read_yaml(text, edit.file).places
    around = next((place[edit.path[:n]] for n in range(len(edit.path), 0, -1) if edit.path[:n] in place), None)
    return AssayError(
        f"`{dotted(edit.path)}` cannot be changed without touching something else",
        fix="change it by hand; a value that an alias repeats has to be written out first",
        location=around.key if around else Location(edit.file),
    )
