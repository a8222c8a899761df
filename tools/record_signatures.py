"""Record the signature of every host symbol that our package uses, from a real webui folder.

    <the webui's python> tools/record_signatures.py <name> <folder> [<sd-webui-controlnet>]

with a name of a1111, forge, neo, ersatz, reforge, classic
writes tests/webui/signatures/<name>.json. The third is for A1111, which has no ControlNet of its
own. The webui's modules are imported, on the CPU, with a data folder of their own; it is not
started. What it lacks is recorded, too, and named.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, get_args

sys.path.insert(0, str(Path(__file__).parents[1]))

from tools.host_uses import RECORDS, HostName, uses_for

LORA_FOLDERS = ("sd_forge_lora", "Lora")
FORGES_CONTROLNET = Path("extensions-builtin") / "sd_forge_controlnet"
A1111_FLAGS = ["--skip-torch-cuda-test", "--use-cpu", "all", "--no-half", "--precision", "full"]
FORGE_FLAGS = ["--always-cpu", "--skip-install"]
FLAGS: dict[HostName, list[str]] = {"a1111": A1111_FLAGS, "neo": ["--cpu", "--skip-install"]}


def main() -> None:
    """Record one webui."""
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in get_args(HostName):
        sys.exit(__doc__)
    host: HostName = sys.argv[1]  # type: ignore[assignment]
    webui, *controlnet = (Path(each).resolve() for each in sys.argv[2:])
    wanted = sorted({use.symbol for use in uses_for(host)})
    with TemporaryDirectory() as data:
        enter(webui, host, data)
        sys.path[:0] = map(str, controlnet or [webui / FORGES_CONTROLNET])
        found = {symbol: describe(symbol) for symbol in wanted}
    missing = [symbol for symbol, record in found.items() if record is None]
    kept = {symbol: record for symbol, record in found.items() if record is not None}
    record = {"host": host, "commit": commit(webui), "absent": missing, "symbols": kept}
    RECORDS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (RECORDS / f"{host}.json").write_text(text, encoding="utf-8")
    print(f"{host}: {len(kept)} symbols recorded; not there: {', '.join(missing) or 'none'}")


def enter(webui: Path, host: HostName, data: str) -> None:
    """Make the webui's modules importable, as its own start does."""
    os.chdir(webui)
    loras = [str(webui / "extensions-builtin" / name) for name in LORA_FOLDERS]
    sys.path[:0] = [str(webui), *loras]
    sys.argv = ["webui.py", *FLAGS.get(host, FORGE_FLAGS), "--data-dir", data]
    if host == "a1111":
        importlib.import_module("modules.initialize").imports()
        return
    importlib.import_module("modules_forge.initialization").initialize_forge()
    importlib.import_module("modules.shared_init").initialize()
    for first in ("scripts", "processing"):  # the webui's imports are a ring
        importlib.import_module(f"modules.{first}")


def describe(symbol: str) -> str | None:
    """Return a signature with every default as `...`, or what else it is; None if there is none."""
    try:
        thing, rest = deepest_module(symbol)
    except ModuleNotFoundError:
        return None
    for name in rest:
        if isinstance(thing, type) and name in _own_annotations(thing):
            return "value"  # a field without a default
        if isinstance(getattr(type(thing), name, None), property):
            return "value"  # shared.sd_model would load a model
        try:
            thing = getattr(thing, name)
        except AttributeError:
            return None
    if isinstance(thing, ModuleType):
        return "module"
    if not callable(thing):
        return f"value: {type(thing).__name__}"
    try:
        return plain(inspect.signature(thing))
    except (TypeError, ValueError):
        return f"value: {type(thing).__name__}"


def deepest_module(symbol: str) -> tuple[Any, list[str]]:
    """Import as much of a dotted name as is modules; the rest are attributes."""
    parts = symbol.split(".")
    for cut in range(len(parts), 0, -1):
        name = ".".join(parts[:cut])
        try:
            return importlib.import_module(name), parts[cut:]
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise
    raise ModuleNotFoundError(f"no module in {symbol}")


def plain(signature: inspect.Signature) -> str:
    """Write a signature with names only: annotations and values of defaults are not for us."""
    parameters = [
        parameter.replace(
            annotation=parameter.empty,
            default=parameter.empty if parameter.default is parameter.empty else _Dots(),
        )
        for parameter in signature.parameters.values()
    ]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


def commit(webui: Path) -> str:
    command = ["git", "-C", str(webui), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _own_annotations(kind: type) -> dict[str, Any]:
    return getattr(kind, "__annotations__", {})


class _Dots:
    def __repr__(self) -> str:
        return "..."


if __name__ == "__main__":
    main()
