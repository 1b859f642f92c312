"""An example of any form, made from its JSON schema: what stands in the description where none was recorded.  Pure."""

import re
from collections.abc import Mapping
from typing import Any

AN_ID = "0190f3c2-7d1e-7a41-9b0c-5f2e8d6a1c34"
A_MOMENT = "2026-11-23T12:00:00Z"
BY_FORMAT = {"uuid": AN_ID, "date-time": A_MOMENT, "date": "2026-11-23"}
# Names whose values people know better than a schema does.
BY_NAME: Mapping[str, Any] = {
    "lat": 60.1675,
    "lng": 24.9525,
    "currency": "EUR",
    "name": "Aino",
    "phone": "+358401234567",
    "address": "Katajanokanlaituri 5 B 12",
    "preparation_s": 900,
    "quantity": 1,
    "reason": "The kitchen is closing early",
    "version": 2,
    "number": 1024,
}
# For what has a form of its own: the first that fits.
ANYTHING = ("late", "1", "a", "EUR", "12345678", AN_ID)
DEEPEST = 8  # a form that holds itself ends here


def sample(schema: Mapping[str, Any], components: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value of `schema`; `name` is that of the member it stands in."""
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        kinds = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return sample(kinds[0], components, name, depth) if kinds and depth < DEEPEST else None
    return _of_type(schema, components, name, depth)


def _of_type(schema: Mapping[str, Any], components: Mapping[str, Any], name: str, depth: int) -> Any:
    match schema.get("type"):
        case "object":
            made: Any = _object(schema, components, depth)
        case "array":
            least = max(1, schema.get("minItems", 1)) if depth < DEEPEST else 0
            items = schema.get("prefixItems") or [schema.get("items", {})] * least
            made = [sample(kind, components, name, depth + 1) for kind in items]
        case "string":
            made = _text(schema, name)
        case "integer" | "number":
            known = BY_NAME.get(name)
            made = known if isinstance(known, int | float) else schema.get("minimum", 1)
        case "boolean":
            made = True
        case _:
            made = None
    return made


def _object(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        member: sample(kind, components, member, depth + 1)
        for member, kind in schema.get("properties", {}).items()
        if member in required or ("default" not in kind and depth < DEEPEST)
    }


def _text(schema: Mapping[str, Any], name: str) -> str:
    if "format" in schema:
        return BY_FORMAT.get(schema["format"], "")
    known = BY_NAME.get(name)
    text = known if isinstance(known, str) else name.replace("_", " ") or "text"
    if "pattern" in schema:
        fitting = (one for one in (text, name, *ANYTHING) if re.search(schema["pattern"], one))
        return next(fitting, text)
    return text[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), "…")
