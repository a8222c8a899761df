"""Write docs/openapi.json and docs/rest-api.md from the API's operations.

python -m tools.rest_api            # writes both
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facechain_ext.api.app import MOUNT, OPERATIONS
from facechain_ext.api.openapi import WHY, document, kinds_of
from facechain_ext.api.operation import VERSION, Media, Operation
from facechain_ext.api.schema import fields_of, object_schema

DOCS = Path(__file__).parents[1] / "docs"
OPENAPI, GUIDE = DOCS / "openapi.json", DOCS / "rest-api.md"

INTRO = f"""# The REST API

Made by `python -m tools.rest_api` from the routes themselves, as [openapi.json](openapi.json) is.

Everything lies under `{MOUNT}{VERSION}`: on the webui's own port, on the page that `facechain ui`
opens, and on `facechain serve`. What takes long is a job: the answer comes at once, with the job's
id and where to look after it.

    API=http://127.0.0.1:7860{MOUNT}{VERSION}      # a webui
    API=http://127.0.0.1:7870{MOUNT}{VERSION}      # facechain serve

Lines of curl below ask as they are printed, of a person `ana`: `1.jpg` and `2.jpg` are photos of
one face, `$JOB` is the `id` in the answer that began a job, and `$SAMPLE` a `name` in a list of
samples. `curl` from 7.82 on knows `--json`.

## Who may

- **In a webui**: with `--api-auth USER:PASSWORD` by these (`curl -u USER:PASSWORD`); with
  `--gradio-auth` by the cookie of the page's login; with both by either. With neither, the API is
  as open as the webui itself, whose log says so. `--api` is not needed, `--nowebui` does no harm.
- **`facechain serve`** listens to this computer alone. With tokens it may listen to others:

      facechain serve --auth tokens.json --add-token ana      # shows the token, once
      facechain serve --auth tokens.json --host 0.0.0.0
      curl -H "Authorization: Bearer $TOKEN" $API/people       # or: curl -u ana:$TOKEN

  The file holds salted hashes; `--remove-token ana` takes effect at once. Put a server that speaks
  HTTPS in front of it where others are to come in.
- **`facechain ui`**: this computer alone.

What a page of another site makes a browser send is refused, unless the webui's
`--cors-allow-origins` names that site. People belong to who added them where that is turned on
(`--owners`, or the webui's settings): to everybody else they are not there.

## Errors

Every answer that is no success has one shape, and no path of the server in it:

    {{"error": {{"type": "invalid_input", "message": "train.rank must be between 1 and 256, not 0.",
               "field": "train.rank", "hint": null}}}}

| status | when |
|---|---|
"""

EXAMPLES = {
    "slug": "ana",
    "stem": "000",
    "name": "business",
    "id": "span",
    "template": "two-brothers",
}
OWN_EXAMPLES = {
    "get_sample": {"name": "$SAMPLE"},
    "get_portrait": {"name": "1"},
    "put_job": {"job": "my-job-1"},
}
"""What stands for a {name} in the address of an operation alone."""

LIMITS = """
## Limits

| setting | usual | what it means |
|---|---|---|
"""


def guide() -> str:
    """Return docs/rest-api.md."""
    told = document(OPERATIONS)
    schemas = told["components"]["schemas"]
    parts = [INTRO, *(f"| {status} | {why} |\n" for status, why in WHY.items()), _limits()]
    tags = dict.fromkeys(operation.tag for operation in OPERATIONS)
    for tag in tags:
        parts.append(f"\n## {tag.capitalize()}\n")
        parts += [_operation(each) for each in OPERATIONS if each.tag == tag]
    parts.append("\n## Shapes\n\n`*`: always there, or needed.\n")
    parts += [_shape(name, schema) for name, schema in schemas.items()]
    return "".join(parts)


def _limits() -> str:
    from facechain_ext.config import ApiConfig

    rows = (
        f"| `{name}` | {shape['default']} {shape.get('x-unit', '')} | {shape['description']} |\n"
        for name, shape in object_schema(ApiConfig)["properties"].items()
    )
    return LIMITS + "".join(rows)


def _operation(operation: Operation) -> str:
    shown = "".join(f"{line}\n" for line in _lines(operation))
    return f"\n### {operation.method} {operation.path}\n\n{operation.summary}.\n{shown}"


def _lines(operation: Operation) -> Iterator[str]:
    if operation.help:
        yield f"{operation.help}"
    if fields_of(operation.query):
        yield "\nParameters:\n"
        for name, shape in object_schema(operation.query)["properties"].items():
            yield f"- `{name}` ({_type(shape)}): {shape['description']}"
    for header in operation.headers:
        yield f"\nHeader `{header.name}`: {header.help}"
    if operation.body is not None:
        yield f"\nTakes {_link(operation.body.__name__)}."
    answers = (
        f"{status} {' or '.join(map(_kind, kinds_of(answer)))}"
        for status, answer in operation.answers.items()
    )
    yield f"\nAnswers {', '.join(answers)}.\n"
    for line in curl(operation):
        yield f"    {line}"


def curl(operation: Operation) -> Iterator[str]:
    """Yield a line that asks for an operation, split where it is long."""
    path = re.sub(r"{(\w+)}", lambda found: _example_of(operation, found[1]), operation.path)
    method = f"-X {operation.method} " if operation.method not in ("GET", "POST") else ""
    if operation.raw is not None:
        yield f'curl -H "Content-Type: {operation.raw.type}" --data-binary @ana.zip $API{path}'
    elif operation.photos and "kind" not in operation.example:
        others = {k: v for k, v in operation.example.items() if k != "photos"}
        fields = "".join(
            f" -F {shlex.quote(f'{key}={_form_text(value)}')}" for key, value in others.items()
        )
        yield f"curl {method}-F photos=@1.jpg -F photos=@2.jpg{fields} $API{path}"
    elif operation.body is not None:
        text = shlex.quote(json.dumps(operation.example, ensure_ascii=False))
        yield f"curl {method}--json {text} $API{path}"
    else:
        bare = "-X POST " if operation.method == "POST" else method
        yield f"curl {bare}{_keeping(operation)}$API{path}"


def _keeping(operation: Operation) -> str:
    """Return how curl keeps a file, or shows a stream as it comes."""
    kinds = [kind for answer in operation.answers.values() for kind in kinds_of(answer)]
    media = {kind.type for kind in kinds if isinstance(kind, Media)} - {"application/json"}
    if "text/event-stream" in media:
        return "-N "
    return "-OJ " if media else ""


def _form_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _example_of(operation: Operation, part: str) -> str:
    """Return what stands for a {name} in an address."""
    own = OWN_EXAMPLES.get(operation.name, {})
    return own.get(part) or EXAMPLES.get(part) or f"${part.upper()}"


def _kind(kind: Any) -> str:
    if isinstance(kind, Media):
        return f"`{kind.type}`"
    return "nothing" if kind is None else _link(kind.__name__)


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _shape(name: str, schema: dict[str, Any]) -> str:
    rows = "".join(
        f"| `{field}`{'*' if field in schema.get('required', ()) else ''} | {_type(shape)} "
        f"| {shape.get('description', '')} |\n"
        for field, shape in schema["properties"].items()
    )
    return f"\n### {name}\n\n{schema['description']}\n\n| field | type | |\n|---|---|---|\n{rows}"


def _type(shape: dict[str, Any]) -> str:
    """Say what a value may be."""
    if "$ref" in shape:
        return _link(shape["$ref"].rpartition("/")[2])
    if "anyOf" in shape:
        return " or ".join(map(_type, shape["anyOf"]))
    kinds = shape.get("type", "anything")
    words = [kinds] if isinstance(kinds, str) else list(kinds)
    if "enum" in shape:
        words = [f"`{json.dumps(each)}`" for each in shape["enum"]]
    if words == ["array"]:
        return f"list of {_type(shape['items'])}"
    if words == ["object"]:
        return f"object of {_type(shape.get('additionalProperties') or {})}"
    text = " or ".join(words)
    if "minimum" in shape or "maximum" in shape:
        text += f", {shape.get('minimum', '')}..{shape.get('maximum', '')}"
    if shape.get("x-unit"):
        text += f" {shape['x-unit']}"
    return text + (f", usually {json.dumps(shape['default'])}" if "default" in shape else "")


def openapi_text() -> str:
    """Return docs/openapi.json."""
    return json.dumps(document(OPERATIONS), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write both."""
    OPENAPI.write_text(openapi_text(), encoding="utf-8", newline="\n")
    GUIDE.write_text(guide(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
