"""Which symbols of a webui our package uses, and how it calls them, read off our sources."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HostName = Literal["a1111", "forge"]

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "facechain_ext" / "webui"
RECORDS = ROOT / "tests" / "webui" / "signatures"
FORGES_OWN = ("modules_forge", "backend", "huggingface_guess", "lib_controlnet")
A1111S_OWN = ("internal_controlnet",)
"""Of the extension sd-webui-controlnet."""
HOST_ROOTS = ("modules", "networks", *FORGES_OWN, *A1111S_OWN)
LORA_EXTENSION = "networks"
"""Taken from sys.modules, so a variable of this name is that module everywhere."""


@dataclass(frozen=True)
class Call:
    """How a symbol is called; open: with * or ** arguments besides."""

    positional: int
    keywords: tuple[str, ...]
    open: bool


@dataclass(frozen=True)
class Use:
    """A symbol by its full dotted name, and where it is used."""

    symbol: str
    place: str
    call: Call | None = None


def uses_for(host: HostName) -> list[Use]:
    """List what every file of ours that runs in this host uses of it."""
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if runs_in(path, host)]
    found = [use for path in files for use in _uses(path)]
    others = A1111S_OWN if host == "forge" else FORGES_OWN
    return [use for use in found if use.symbol.split(".")[0] not in others]


def runs_in(path: Path, host: HostName) -> bool:
    """Folders named after one host are for that one; all others for both."""
    other = "forge" if host == "a1111" else "a1111"
    return path.parent.name != other


def uses_in(source: str, file: str) -> Iterator[Use]:
    """Find imports, attribute chains and calls that begin at something imported from a host."""
    tree = ast.parse(source)
    imported = _imported(tree)
    names = imported | _renamed(tree, imported)
    calls = {id(node.func): _call(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and _symbol(node.value, names)
    }
    for symbol in sorted(set(imported.values())):
        yield Use(symbol, file)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _named_by_text(node, names, file)
        if isinstance(node, (ast.Attribute, ast.Name)) and id(node) not in inner:
            symbol = _symbol(node, names)
            if symbol:
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


def problems(uses: list[Use], symbols: Mapping[str, str]) -> list[str]:
    """Say which uses are not recorded, or call a symbol in a way its record does not allow."""
    found = []
    for use in uses:
        if use.symbol not in symbols:
            found.append(f"{use.place} uses {use.symbol}, which is not recorded")
        elif use.call is not None and (error := _misfit(use.call, symbols[use.symbol])):
            found.append(f"{use.place} calls {use.symbol}{symbols[use.symbol]}: {error}")
    return found


def recorded(host: HostName) -> dict[str, str]:
    """Read the record of a host: every symbol with its signature, or what else it is."""
    text = (RECORDS / f"{host}.json").read_text(encoding="utf-8")
    symbols: dict[str, str] = json.loads(text)["symbols"]
    return symbols


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


def _imported(tree: ast.AST) -> dict[str, str]:
    """Map the names that a file gives to what it imports from a host."""
    names = {LORA_EXTENSION: LORA_EXTENSION} if _mentions(tree, LORA_EXTENSION) else {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in HOST_ROOTS:
                    top = alias.name.split(".")[0]
                    names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in HOST_ROOTS:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def _renamed(tree: ast.AST, names: Mapping[str, str]) -> dict[str, str]:
    """Follow `state = shared.state` and its like."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            symbol = _symbol(node.value, names)
            if symbol:
                found[node.targets[0].id] = symbol
    return found


def _mentions(tree: ast.AST, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _symbol(node: ast.AST, names: Mapping[str, str]) -> str:
    """Return the dotted name of an attribute chain that begins at an imported name, or ""."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and (before := _symbol(node.value, names)):
        return f"{before}.{node.attr}"
    return ""


def _call(node: ast.Call) -> Call:
    starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    doubly = any(keyword.arg is None for keyword in node.keywords)
    positional = sum(not isinstance(argument, ast.Starred) for argument in node.args)
    keywords = tuple(keyword.arg for keyword in node.keywords if keyword.arg is not None)
    return Call(positional, keywords, starred or doubly)


def _named_by_text(node: ast.Call, names: Mapping[str, str], file: str) -> Iterator[Use]:
    """Find what patches.patch(key, module, "name", ...) and its like name by a text."""
    if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr"):
        return
    for owner, name in zip(node.args, node.args[1:], strict=False):
        symbol = _symbol(owner, names)
        if symbol and isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield Use(f"{symbol}.{name.value}", f"{file}:{node.lineno}")
