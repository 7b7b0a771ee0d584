"""One OpenAPI schema to JSON Schema (draft 2020-12); references become names for the library to fill in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NamedTuple

from assay.declare.contract import compositions, keywords
from assay.declare.contract.compositions import below, parts
from assay.declare.contract.documents import Documents, SchemaRef
from assay.declare.contract.problems import Problem
from assay.declare.contract.vocabulary import words
from assay.domain import Severity

Schema = dict[str, object] | bool


class Role(Enum):
    """How a schema is used: describing a whole value, or as a part of another schema for the same value.

    A ``PARENT`` is a part that is included by one of its own alternatives (a base type that lists its subtypes, which
    include it): its alternatives are left out there, since the subtype has already been chosen.
    """

    VALUE = "value"
    PART = "part"
    PARENT = "parent"
    ANYTHING = "negated"


class Variant(NamedTuple):
    """A schema in a role. ``drop``: names that must not be required because another part forbids them."""

    at: SchemaRef
    role: Role
    drop: frozenset[str] = frozenset()


_KNOWN = words(
    "type minimum maximum exclusiveMinimum exclusiveMaximum multipleOf maxLength minLength maxItems minItems "
    "maxProperties minProperties minContains maxContains pattern uniqueItems enum const format required properties "
    "patternProperties additionalProperties unevaluatedProperties propertyNames items prefixItems contains "
    "unevaluatedItems allOf anyOf oneOf not if dependentRequired dependentSchemas dependencies"
)
_SINGLE = ("propertyNames", "contains", "unevaluatedItems", "unevaluatedProperties", "additionalProperties")


@dataclass(slots=True)
class Conversion:
    """Converts one schema and collects what else is needed."""

    documents: Documents
    direction: Literal["request", "response"]
    closed: bool
    name: Callable[[Variant], str]
    problem: Callable[[Problem], None]
    needs: dict[Variant, None] = field(default_factory=dict)
    in_place: dict[Variant, None] = field(default_factory=dict)

    def top(self, variant: Variant) -> Schema:
        """The schema a variant stands for."""
        return self.schema(self.documents.schema(variant.at), variant, True)

    def schema(self, raw: object, use: Variant, here: bool) -> Schema:
        """A schema written at ``use.at``; ``here``: it applies to the same value as the top."""
        if isinstance(raw, bool):
            return raw
        if not isinstance(raw, dict):
            self._report(use.at)("invalid-schema", "", "a schema must be a mapping, so nothing is checked here")
            return True
        refers = compositions.reference(raw)
        siblings = compositions.constraining_siblings(raw) if refers is not None else []
        if refers is not None and (not siblings or not self.documents.siblings_apply):
            if siblings:
                self._report(use.at)(
                    "ignored-reference-sibling",
                    siblings[0],
                    f"{', '.join(f'`{s}`' for s in siblings[:4])} beside `$ref` is ignored before OpenAPI 3.1",
                    severity=Severity.LOW,
                    fix="put the reference into an `allOf`",
                    group=",".join(sorted(siblings)),
                )
            return self._refer(refers, use, here)
        composed = bool(compositions.COMPOSING & raw.keys())
        whole = parts(self.documents, use.at, raw) if composed else [compositions.Part(use.at, raw)]
        drop = use.drop.union(*(compositions.forbidden(self.documents, p, self.direction) for p in whole))
        out = keywords.plain(raw, self._report(use.at))
        keywords.unknown(raw, _KNOWN, self._report(use.at))
        delegate = (
            self.closed
            and use.role is Role.VALUE
            and compositions.is_wrapper(raw)
            and not compositions.is_subtype(self.documents, use.at, raw)
        )
        branch = use.role if delegate or use.role is Role.ANYTHING else Role.PART
        if refers is not None:
            out["allOf"] = [self._refer(refers, Variant(use.at, branch, drop), here)]
        self._branches(raw, out, Variant(use.at, branch, drop), here, leave=use.role is Role.PARENT)
        self._object(raw, out, use, drop)
        self._array(raw, out, use)
        if self.closed and use.role is Role.VALUE:
            self._close(raw, out, use.at, whole, composed=composed, delegate=delegate)
            out = self._with_subtypes(raw, out, use, here)
        return _nullable(raw, out)

    def _report(self, at: SchemaRef) -> keywords.Report:
        def report(
            check: str,
            keyword: str,
            sentence: str,
            *,
            severity: Severity = Severity.MEDIUM,
            fix: str = "",
            group: str = "",
        ) -> None:
            place = below(at, keyword) if keyword else at
            self.problem(Problem(check, place.file, place.pointer, sentence, severity, fix, group=group))

        return report

    def _refer(self, reference: str, use: Variant, here: bool) -> Schema:
        target = self.documents.next_schema(use.at, reference)
        if target is None:
            self._report(use.at)("dangling-reference", "$ref", f"`{reference}` leads to nothing, so nothing is checked")
            return True
        role = use.role
        if role is Role.PART and self._is_parent(use.at, target):
            role = Role.PARENT
        drop: frozenset[str] = frozenset()
        if use.drop:
            drop = use.drop & self._required(target)
        variant = Variant(target, role, drop)
        self.needs[variant] = None
        if here:
            self.in_place[variant] = None
        return {"$ref": f"#/$defs/{self.name(variant)}"}

    def _required(self, at: SchemaRef) -> frozenset[str]:
        def compute() -> frozenset[str]:
            found: set[str] = set()
            for part in parts(self.documents, at, self.documents.schema(at)):
                found.update(keywords.string_list(part.raw.get("required")) or ())
            return frozenset(found)

        return self.documents.once(("required", at), compute)

    def _is_parent(self, at: SchemaRef, target: SchemaRef) -> bool:
        """Whether ``target`` is a base type that offers alternatives, and what refers to it at ``at`` is one of them.

        Without properties or a discriminator of its own it is no base type, and the circle means nothing.
        """
        raw = self.documents.schema(target)
        if not isinstance(raw, dict) or not ("oneOf" in raw or "anyOf" in raw):
            return False
        if "discriminator" not in raw and not compositions.properties(raw):
            return False
        members = self.documents.once(
            ("parts", target), lambda: frozenset(p.at for p in parts(self.documents, target, raw))
        )
        return at in members

    def _sub(self, raw: object, at: SchemaRef, role: Role) -> Schema:
        """A schema for another value than the current one."""
        return self.schema(raw, Variant(at, Role.ANYTHING if role is Role.ANYTHING else Role.VALUE), False)

    def _branches(
        self, raw: Mapping[str, object], out: dict[str, object], use: Variant, here: bool, leave: bool
    ) -> None:
        report = self._report(use.at)
        for keyword in compositions.BRANCHES:
            if keyword not in raw or (leave and keyword != "allOf"):
                continue
            branches = raw[keyword]
            if not isinstance(branches, list) or not branches:
                report("invalid-keyword", keyword, f"`{keyword}` is not a list of schemas, so it is not enforced")
                continue
            done: list[object] = [
                self.schema(b, Variant(below(use.at, keyword, str(i)), use.role, use.drop), here)
                for i, b in enumerate(branches)
            ]
            already = out.get(keyword)
            out[keyword] = [*already, *done] if isinstance(already, list) else done
        if "not" in raw:
            # What is forbidden must not depend on closing or direction: the stricter a negated schema, the more passes.
            out["not"] = self.schema(raw["not"], Variant(below(use.at, "not"), Role.ANYTHING), here)
        if "if" in raw:
            out["if"] = self.schema(raw["if"], Variant(below(use.at, "if"), use.role, use.drop), here)
            for keyword in ("then", "else"):
                if keyword in raw:
                    out[keyword] = self.schema(raw[keyword], Variant(below(use.at, keyword), use.role, use.drop), here)
        dependent = raw.get("dependentSchemas")
        if isinstance(dependent, dict):
            out["dependentSchemas"] = {
                name: self.schema(s, Variant(below(use.at, "dependentSchemas", name), use.role, use.drop), here)
                for name, s in dependent.items()
            }
        self._dependencies(raw, out, use, here)

    def _dependencies(self, raw: Mapping[str, object], out: dict[str, object], use: Variant, here: bool) -> None:
        """``dependentRequired``, and ``dependencies`` of older drafts, which 2020-12 split in two."""
        needed: dict[str, object] = {}
        for keyword in ("dependentRequired", "dependencies"):
            declared = raw.get(keyword)
            if not isinstance(declared, dict):
                if declared is not None:
                    self._report(use.at)("invalid-keyword", keyword, f"`{keyword}` is not a mapping: not enforced")
                continue
            for name, value in declared.items():
                names = keywords.string_list(value)
                if names is not None:
                    needed[name] = [n for n in dict.fromkeys(names) if n not in use.drop]
                elif keyword == "dependencies":
                    at = below(use.at, keyword, name)
                    schemas = out.setdefault("dependentSchemas", {})
                    if isinstance(schemas, dict):
                        schemas[name] = self.schema(value, Variant(at, use.role, use.drop), here)
        if needed:
            out["dependentRequired"] = needed

    def _object(self, raw: Mapping[str, object], out: dict[str, object], use: Variant, drop: frozenset[str]) -> None:
        report = self._report(use.at)
        if "required" in raw and not isinstance(raw["required"], bool):
            names = keywords.string_list(raw["required"])
            if names is None:
                report("invalid-keyword", "required", "`required` is not a list of names, so it is not enforced")
            else:
                kept = [name for name in dict.fromkeys(names) if name not in drop or use.role is Role.ANYTHING]
                if kept:
                    out["required"] = kept
        elif raw.get("required") is True and "in" not in raw:
            report(
                "invalid-keyword",
                "required",
                "`required: true` on a property means nothing, so it is not enforced",
                fix="list the name under `required` of the object",
                group="true",
            )
        for keyword in ("properties", "patternProperties"):
            declared = raw.get(keyword)
            if declared is None:
                continue
            if not isinstance(declared, dict):
                report("invalid-keyword", keyword, f"`{keyword}` is not a mapping, so it is not enforced")
                continue
            if keyword == "patternProperties":
                declared = {n: s for n, s in declared.items() if keywords.usable_pattern(n, report, keyword)}
            forbidden: set[str] = set()
            if keyword == "properties" and use.role is not Role.ANYTHING:
                part = compositions.Part(use.at, raw)
                forbidden = compositions.forbidden(self.documents, part, self.direction)
            out[keyword] = {
                name: False if name in forbidden else self._sub(s, below(use.at, keyword, name), use.role)
                for name, s in declared.items()
            }
        for keyword in _SINGLE:
            if keyword in raw and (keyword != "unevaluatedItems" or use.role is not Role.PARENT):
                out[keyword] = self._sub(raw[keyword], below(use.at, keyword), use.role)

    def _array(self, raw: Mapping[str, object], out: dict[str, object], use: Variant) -> None:
        items = raw.get("items")
        prefix = raw.get("prefixItems")
        if isinstance(items, list):  # before draft 2020-12, a list of schemas was what `prefixItems` is now
            prefix, items = items, raw.get("additionalItems")
            keyword = "items"
        else:
            keyword = "prefixItems"
        if isinstance(prefix, list) and prefix:
            out["prefixItems"] = [self._sub(s, below(use.at, keyword, str(i)), use.role) for i, s in enumerate(prefix)]
        if items is not None:
            out["items"] = self._sub(items, below(use.at, "items"), use.role)

    def _close(
        self,
        raw: Mapping[str, object],
        out: dict[str, object],
        at: SchemaRef,
        whole: list[compositions.Part],
        *,
        composed: bool,
        delegate: bool,
    ) -> None:
        """Refuse undeclared properties where the contract names some and does not speak about others."""
        if delegate or "additionalProperties" in raw or "unevaluatedProperties" in raw:
            return
        if not compositions.declares(self.documents, whole):
            return
        if not composed:
            out["additionalProperties"] = False
            return
        certain = parts(self.documents, at, raw, alternatives=False)
        if not compositions.declares(self.documents, certain):
            self._open_free_branches(raw, out, at)
        out["unevaluatedProperties"] = False

    def _open_free_branches(self, raw: Mapping[str, object], out: dict[str, object], at: SchemaRef) -> None:
        """An alternative that accepts any object still does, although the alternatives beside it name properties."""
        for keyword in ("anyOf", "oneOf"):
            branches, done = raw.get(keyword), out.get(keyword)
            if not isinstance(branches, list) or not isinstance(done, list):
                continue
            for index, branch in enumerate(branches):
                inside = parts(self.documents, below(at, keyword, str(index)), branch)
                if compositions.accepts_any_object(self.documents, inside) and branch is not False:
                    done[index] = {"allOf": [done[index]], "additionalProperties": True}

    def _with_subtypes(
        self, raw: Mapping[str, object], out: dict[str, object], use: Variant, here: bool
    ) -> dict[str, object]:
        """A base type with a discriminator also stands for the types that include it, with their properties."""
        if not isinstance(raw.get("discriminator"), dict | str) or "oneOf" in raw or "anyOf" in raw:
            return out
        subtypes = [t for t in compositions.derived(self.documents, use.at) if t != use.at]
        if not subtypes:
            return out
        choices: list[object] = [out]
        for subtype in subtypes:
            variant = Variant(subtype, Role.VALUE)
            self.needs[variant] = None
            if here:
                self.in_place[variant] = None
            choices.append({"$ref": f"#/$defs/{self.name(variant)}"})
        return {"anyOf": choices}


def _nullable(raw: Mapping[str, object], out: dict[str, object]) -> Schema:
    """OpenAPI 3.0's ``nullable``, and the ``x-nullable`` of Swagger tools.

    A listed ``enum`` is widened too: authors who write both mean it, although OpenAPI 3.0.3 wants null listed as well.
    """
    if raw.get("nullable") is not True and raw.get("x-nullable") is not True:
        return out
    if any(keyword in out for keyword in ("allOf", "anyOf", "oneOf", "not", "if", "const", "$ref")):
        return {"anyOf": [out, {"type": "null"}]}
    kind = out.get("type")
    if kind is not None:
        names = kind if isinstance(kind, list) else [kind]
        out["type"] = list(dict.fromkeys([*names, "null"]))
    listed = out.get("enum")
    if isinstance(listed, list) and not any(value is None for value in listed):
        out["enum"] = [*listed, None]
    return out
