"""Bodies and answers are dataclasses: their JSON schema, and how they are written.

Label, help, bounds and unit of a config's fields are those of its flags and widgets. Nothing here
depends on a version of pydantic: 1.10 takes "5.7" for a whole number, 2 refuses it, and each
describes its models in other words, while an API has to say and do the same in every webui.
"""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Mapping
from dataclasses import MISSING
from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from facechain_ext.config.setting import Setting, setting_of

TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
TYPEABLE = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
"""What `check_text` lets pass."""
BASE64 = r"^(data:[^,]*,)?([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def told(
    help: str, *, default: Any = MISSING, least: int = 0, most: int = 0, longest: int = 0
) -> Any:
    """Declare a field of a body or an answer.

    least, most: items of a list; longest: of a text that comes in, or of each in an object.
    """
    bounds = {"least": least, "most": most, "longest": longest}
    return dataclasses.field(default=default, metadata={"help": help, **bounds})


def fields_of(kind: type[Any]) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    """Return a dataclass's fields with their types, by name."""
    hints = get_type_hints(kind)
    return {spec.name: (spec, hints[spec.name]) for spec in dataclasses.fields(kind)}


def object_schema(kind: type[Any]) -> dict[str, Any]:
    """Return the JSON schema of a dataclass; other dataclasses in it are references."""
    fields = fields_of(kind)
    needed = [name for name, (spec, _) in fields.items() if spec.default is MISSING]
    return {
        "type": "object",
        "description": (kind.__doc__ or "").strip().split("\n")[0],
        "properties": {name: _field_schema(spec, hint) for name, (spec, hint) in fields.items()},
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def _field_schema(spec: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    if "label" in spec.metadata:
        return _setting_schema(setting_of(spec, hint))
    schema = _bounded(schema_of(hint), spec.metadata)
    plain_default = spec.default is not MISSING and isinstance(spec.default, (str, int, float))
    return {
        **schema,
        "description": spec.metadata["help"],
        **({"default": spec.default} if plain_default else {}),
    }


def _bounded(schema: dict[str, Any], bounds: Mapping[str, Any]) -> dict[str, Any]:
    """Add to a field's schema what `told` says of it."""
    kind = schema.get("type")
    if kind == "array":
        return {**schema, **_given(minItems=bounds["least"], maxItems=bounds["most"])}
    if kind == "object":
        each = _bounded(schema["additionalProperties"], {**bounds, "most": 0})
        return {**schema, "additionalProperties": each, **_given(maxProperties=bounds["most"])}
    if kind in ("string", ["string", "null"]) and bounds["longest"] and "enum" not in schema:
        return {**schema, "maxLength": bounds["longest"], "pattern": TYPEABLE}
    return schema


def _given(**bounds: int) -> dict[str, int]:
    return {name: value for name, value in bounds.items() if value}


def _setting_schema(setting: Setting) -> dict[str, Any]:
    kind = type(setting.choices[0]) if setting.choices else setting.kind
    name = TYPES[kind]
    choices = [*setting.choices, *([None] if setting.automatic else [])]
    text = kind is str and not setting.choices
    facts = {
        "enum": choices if setting.choices else None,
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "maxLength": setting.longest if text else None,
        "pattern": (setting.pattern or TYPEABLE) if text else None,
        "x-unit": setting.unit or None,
    }
    return {
        "type": [name, "null"] if setting.automatic else name,
        "title": setting.label,
        "description": setting.help,
        **{key: value for key, value in facts.items() if value is not None},
        **({} if setting.default is MISSING else {"default": setting.default}),
    }


def schema_of(hint: Any) -> dict[str, Any]:
    """Return the JSON schema of a type; a dataclass is a reference to its component."""
    origin, parts = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint):
        return {"$ref": f"#/components/schemas/{hint.__name__}"}  # type: ignore[union-attr]
    if origin is Literal:
        return {"type": "string", "enum": list(parts)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"type": "string", "enum": [each.value for each in hint]}
    if origin is tuple:
        return {"type": "array", "items": schema_of(parts[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(parts[1])}
    if hint is bytes:
        return {"type": "string", "contentEncoding": "base64", "pattern": BASE64}
    if hint is Any:
        return {}
    if parts:
        return _union_schema([schema_of(part) for part in parts])
    return {"type": TYPES[hint]}


def _union_schema(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    if len(schemas) == 2 and schemas[1] == {"type": "null"} and isinstance(
        schemas[0].get("type"), str
    ):  # fmt: skip
        one = schemas[0]
        choices = {"enum": [*one["enum"], None]} if "enum" in one else {}
        return {**one, "type": [one["type"], "null"], **choices}
    return {"anyOf": schemas}


def components_of(hint: Any, found: dict[str, type[Any]] | None = None) -> dict[str, type[Any]]:
    """Return the dataclasses that a type is made of, by name."""
    found = {} if found is None else found
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in found:
            found[hint.__name__] = hint
            for _, inner in fields_of(hint).values():
                components_of(inner, found)
    else:
        for part in get_args(hint):
            components_of(part, found)
    return found


def plain(value: Any) -> Any:
    """Return a value as JSON has it; a number that is none becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {spec.name: plain(getattr(value, spec.name)) for spec in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
