"""Which symbols of a webui our package uses, and how it calls them, read off our sources."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

HostName = Literal["a1111", "forge", "neo", "ersatz", "reforge", "classic"]
FORGES: tuple[HostName, ...] = ("forge", "neo", "ersatz", "reforge", "classic")
"""Forge and its descendants: one host of ours serves them all."""

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "facechain_ext" / "webui"
RECORDS = ROOT / "tests" / "webui" / "signatures"
FORGES_OWN = ("modules_forge", "backend", "huggingface_guess", "ldm_patched", "lib_controlnet")
A1111S_OWN = ("internal_controlnet",)
"""Of the extension sd-webui-controlnet."""
HOST_ROOTS = ("modules", "networks", *FORGES_OWN, *A1111S_OWN)
LORA_EXTENSION = "networks"
"""Taken from sys.modules, so a variable of this name is that module everywhere."""
OURS = "facechain"
"""How settings and flags begin that we add to a webui."""


@dataclass(frozen=True)
class Call:
    """How a symbol is called; open: with * or ** arguments besides."""

    positional: int
    keywords: tuple[str, ...]
    open: bool


@dataclass(frozen=True)
class Use:
    """A symbol by its full dotted name, and where it is used.

    asked_for: by getattr or hasattr, which a webui without it answers, too.
    """

    symbol: str
    place: str
    call: Call | None = None
    asked_for: bool = False


def uses_for(host: HostName) -> list[Use]:
    """List what every file of ours that runs in this host uses of it."""
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if runs_in(path, host)]
    found = [use for path in files for use in _uses(path)]
    others = A1111S_OWN if host in FORGES else FORGES_OWN
    return [use for use in found if use.symbol.split(".")[0] not in others]


def runs_in(path: Path, host: HostName) -> bool:
    """Folders named after one host are for that one; all others for every one."""
    others = "forge" if host == "a1111" else "a1111"
    return path.parent.name != others


def uses_in(source: str, file: str) -> Iterator[Use]:
    """Find imports, attribute chains and calls that begin at something imported from a host."""
    tree = ast.parse(source)
    imported = _imported(tree)
    names = {**imported, **_renamed(tree, imported)}
    calls = {id(node.func): _call(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and _symbols(node.value, names)
    }
    for symbol in sorted(set(chain.from_iterable(imported.values()))):
        yield Use(symbol, file)
    for module in sorted(set(_modules(tree))):
        yield Use(module, file, asked_for=True)  # what is imported from it is a use of its own
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _named_by_text(node, names, file)
        if isinstance(node, (ast.Attribute, ast.Name)) and id(node) not in inner:
            for symbol in _symbols(node, names):
                yield Use(symbol, f"{file}:{node.lineno}", calls.get(id(node)))


def signature_of(record: str) -> inspect.Signature | None:
    """Rebuild a recorded signature, whose defaults are all `...`; None for what is not called."""
    if not record.startswith("("):
        return None
    arguments = ast.parse(f"def f{record}: ...").body[0].args  # type: ignore[attr-defined]
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    parameters = []
    for at, argument in enumerate(positional):
        before = at < len(arguments.posonlyargs)
        kind = _KIND.POSITIONAL_ONLY if before else _KIND.POSITIONAL_OR_KEYWORD
        default = _KIND.empty if at < required else ...
        parameters.append(_KIND(argument.arg, kind, default=default))
    if arguments.vararg:
        parameters.append(_KIND(arguments.vararg.arg, _KIND.VAR_POSITIONAL))
    for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        default = _KIND.empty if value is None else ...
        parameters.append(_KIND(argument.arg, _KIND.KEYWORD_ONLY, default=default))
    if arguments.kwarg:
        parameters.append(_KIND(arguments.kwarg.arg, _KIND.VAR_KEYWORD))
    return inspect.Signature(parameters)


def problems(
    uses: list[Use], symbols: Mapping[str, str], absent: Collection[str] = ()
) -> list[str]:
    """Say which uses are not recorded, or call a symbol in a way its record does not allow.

    absent: what is known not to be there; that we do without it is for other tests to see.
    """
    found = []
    for use in uses:
        if use.asked_for or use.symbol in absent:
            continue
        if use.symbol not in symbols:
            found.append(f"{use.place} uses {use.symbol}, which is not recorded")
        elif use.call is not None and (error := _misfit(use.call, symbols[use.symbol])):
            found.append(f"{use.place} calls {use.symbol}{symbols[use.symbol]}: {error}")
    return found


def recorded(host: HostName) -> dict[str, str]:
    """Read the record of a host: every symbol with its signature, or what else it is."""
    symbols: dict[str, str] = _record(host)["symbols"]
    return symbols


def absent(host: HostName) -> list[str]:
    """List what we use elsewhere and this host does not have, modules before what is in them."""
    return sorted(_record(host)["absent"])


def _record(host: HostName) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((RECORDS / f"{host}.json").read_text(encoding="utf-8"))
    return record


_KIND = inspect.Parameter


def _uses(path: Path) -> Iterator[Use]:
    return uses_in(path.read_text(encoding="utf-8"), path.relative_to(PACKAGE).as_posix())


def _misfit(call: Call, record: str) -> str:
    signature = signature_of(record)
    if signature is None:
        return "" if record.startswith("value") else "it cannot be called"
    bind = signature.bind_partial if call.open else signature.bind
    try:
        bind(*[None] * call.positional, **dict.fromkeys(call.keywords))
    except TypeError as error:
        return str(error)
    return ""


Names = Mapping[str, tuple[str, ...]]
"""What a name in a file of ours may stand for: more than one thing where webuis differ."""


def _imported(tree: ast.AST) -> Names:
    """Map the names that a file gives to what it imports from a host."""
    names: dict[str, tuple[str, ...]] = {}
    if _mentions(tree, LORA_EXTENSION):
        names[LORA_EXTENSION] = (LORA_EXTENSION,)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                if top in HOST_ROOTS:
                    _add(names, alias.asname or top, alias.name if alias.asname else top)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in HOST_ROOTS:
            for alias in node.names:
                _add(names, alias.asname or alias.name, f"{node.module}.{alias.name}")
    return names


def _modules(tree: ast.AST) -> Iterator[str]:
    """Name the modules of a host that a file imports something from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            root, dot, _ = node.module.partition(".")
            if root in HOST_ROOTS and dot:
                yield node.module


def _add(names: dict[str, tuple[str, ...]], name: str, symbol: str) -> None:
    names[name] = tuple(dict.fromkeys((*names.get(name, ()), symbol)))


def _renamed(tree: ast.AST, names: Names) -> Names:
    """Follow `state = shared.state` and its like."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            symbols = _symbols(node.value, names)
            if symbols:
                found[node.targets[0].id] = symbols
    return found


def _mentions(tree: ast.AST, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _symbols(node: ast.AST, names: Names) -> tuple[str, ...]:
    """Return the dotted names of an attribute chain that begins at an imported name, if it does."""
    if isinstance(node, ast.Name):
        return names.get(node.id, ())
    if isinstance(node, ast.Attribute):
        return tuple(f"{before}.{node.attr}" for before in _symbols(node.value, names))
    return ()


def _call(node: ast.Call) -> Call:
    starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    doubly = any(keyword.arg is None for keyword in node.keywords)
    positional = sum(not isinstance(argument, ast.Starred) for argument in node.args)
    keywords = tuple(keyword.arg for keyword in node.keywords if keyword.arg is not None)
    return Call(positional, keywords, starred or doubly)


def _named_by_text(node: ast.Call, names: Names, file: str) -> Iterator[Use]:
    """Find what patches.patch(key, module, "name", ...), getattr and their like name by a text."""
    asks = isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr")
    for owner, name in zip(node.args, node.args[1:], strict=False):
        if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
            continue
        if asks and name.value.startswith(OURS):
            continue
        for symbol in _symbols(owner, names):
            yield Use(f"{symbol}.{name.value}", f"{file}:{node.lineno}", asked_for=asks)
