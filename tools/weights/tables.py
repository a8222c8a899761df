"""The tables of nets in docs/models.md and facechain_ext/weights/README.md.

python -m tools.weights.tables writes them anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from facechain_ext.imaging.files import write_atomic
from facechain_ext.nets.catalog import CATALOG
from facechain_ext.nets.entry import megabytes

BEGIN, END = "<!-- table: python -m tools.weights.tables -->", "<!-- end of table -->"


ROOT = Path(__file__).resolve().parents[2]


def write() -> None:
    """Renew the tables in the docs."""
    for page, table in pages().items():
        text = replace_table(page.read_text(encoding="utf-8"), table)
        write_atomic(page, text.encode())


def pages() -> dict[Path, str]:
    """Return the pages that hold a table, and what it should be."""
    return {
        ROOT / "docs" / "models.md": overview(),
        ROOT / "facechain_ext" / "weights" / "README.md": files(),
    }


def overview() -> str:
    """Return the table of every net: role, size, licence, source, whether it ships."""
    rows = [
        (
            f"`{entry.id}`", entry.role, "ships" if entry.shipped else "on request",
            megabytes(entry.size), entry.licence, entry.origin, entry.source,
        )
        for entry in CATALOG
    ]  # fmt: skip
    return _table(("id", "what it does", "here", "size", "licence", "made by", "taken from"), rows)


def files() -> str:
    """Return the table of shipped files: source, our change, sha256."""
    rows = [
        (
            f"`{file.name}`", f"{file.size:,}", entry.licence, entry.source,
            f"`{file.member}`", entry.change or "none", f"`{file.sha256}`",
        )
        for entry in CATALOG
        if entry.shipped
        for file in entry.files
    ]  # fmt: skip
    heads = ("file", "bytes", "licence", "package", "path inside", "our change", "sha256")
    return _table(heads, rows)


def replace_table(text: str, table: str) -> str:
    """Put a table between the marks of a Markdown page."""
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    write()
