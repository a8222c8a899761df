"""Let a CUDA build of torch be imported without a GPU and without 2 GB of nvidia-* wheels.

libtorch_cuda.so is linked against cuBLAS, cuDNN, cuFFT, cuRAND, cuSPARSE and NCCL. The loader wants
those files and every function torch names in them, although nothing calls one when there is no GPU.
For each library that is not installed, this writes an empty shared object into torch/lib (the last
place torch's RPATH looks at), linked against one that defines those names as a trap instruction.
(One of another name, because the loader refuses a name without a version in the very library that
the version belongs to, and takes it from any other.) cudart, CUPTI and nvToolsExt are called at
import: they must be the real ones.

    python tools/stub_cuda.py      for the interpreter that runs it; x86-64 Linux; may be repeated
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path

STUB = "libfacechain_cuda_stub.so"
CALLED_AT_IMPORT = ("libcudart.", "libcupti.", "libnvToolsExt.")
LIBRARIES = ("libcublas", "libcudnn", "libcufft", "libcurand", "libcusparse", "libcusolver")
NVIDIA = (*LIBRARIES, "libnccl", *CALLED_AT_IMPORT)
FUNCTIONS = ("cublas", "cudnn", "cufft", "curand", "cusparse", "cusolver", "nccl")

SHT_DYNAMIC, SHT_DYNSYM = 6, 11
DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME = 1, 4, 5, 6, 10, 11, 14
HEADER, PROGRAM_HEADER, SYMBOL = 64, 56, 24
TRAP = b"\x0f\x0b" * 8  # ud2


def needed_and_undefined(path: Path) -> tuple[list[str], list[str]]:
    """List the libraries an ELF file is linked against, and the names it leaves to them."""
    data = path.read_bytes()
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQI", data, table + at * size) for at in range(count)]

    def text(strings: int, offset: int) -> str:
        start = sections[strings][4] + offset
        return data[start : data.index(b"\0", start)].decode()

    needed, undefined = [], []
    for _, kind, _, _, offset, length, link in sections:
        entries = memoryview(data)[offset : offset + length]
        if kind == SHT_DYNAMIC:
            pairs = struct.iter_unpack("<qQ", entries)
            needed += [text(link, value) for tag, value in pairs if tag == DT_NEEDED]
        elif kind == SHT_DYNSYM:
            symbols = struct.iter_unpack("<IBBHQQ", entries)
            undefined += [
                text(link, at) for at, _, _, section, _, _ in symbols if at and not section
            ]
    return needed, undefined


def shared_object(
    soname: str, *, needs: Sequence[str] = (), functions: Sequence[str] = ()
) -> bytes:
    """Make a library that is linked against `needs` and defines every function as a trap."""
    strings, at = bytearray(b"\0"), {}
    for text in [soname, *needs, *functions]:
        at[text] = len(strings)
        strings += text.encode() + b"\0"
    count = len(functions) + 1  # symbol 0 is the null symbol

    hash_at = HEADER + 2 * PROGRAM_HEADER
    symbols_at = _aligned(hash_at + 4 * (3 + count))
    strings_at = symbols_at + SYMBOL * count
    code_at = _aligned(strings_at + len(strings))
    dynamic_at = code_at + len(TRAP)
    dynamic = [(DT_NEEDED, at[name]) for name in needs]
    dynamic += [(DT_SONAME, at[soname]), (DT_HASH, hash_at), (DT_SYMTAB, symbols_at)]
    dynamic += [(DT_STRTAB, strings_at), (DT_STRSZ, len(strings)), (DT_SYMENT, SYMBOL), (0, 0)]

    chain = [0, *range(2, count), 0][:count]  # the one bucket starts at symbol 1 and lists all
    symbols = [struct.pack("<IBBHQQ", at[name], 0x12, 0, 1, code_at, 16) for name in functions]
    parts = {
        hash_at: struct.pack(f"<{3 + count}I", 1, count, min(1, count - 1), *chain),
        symbols_at: bytes(SYMBOL) + b"".join(symbols),
        strings_at: bytes(strings),
        code_at: TRAP,
        dynamic_at: b"".join(struct.pack("<qQ", *entry) for entry in dynamic),
    }
    image = bytearray(dynamic_at + 16 * len(dynamic))
    image[:hash_at] = _headers(len(image), dynamic_at)
    for start, part in parts.items():
        image[start : start + len(part)] = part
    return bytes(image)


def stub_missing(site: Path) -> list[str]:
    """Write what torch in `site` is linked against and `site` lacks; returns the names."""
    lib = site / "torch" / "lib"
    needed: set[str] = set()
    functions: set[str] = set()
    for path in lib.glob("libtorch*.so"):
        libraries, undefined = needed_and_undefined(path)
        needed.update(name for name in libraries if name.startswith(NVIDIA))
        functions.update(name for name in undefined if name.startswith(FUNCTIONS))
    missing = sorted(needed - {path.name for path in site.glob("nvidia/*/lib/*.so*")})
    _refuse_what_is_called(missing)
    if missing:
        (lib / STUB).write_bytes(shared_object(STUB, functions=sorted(functions)))
    for soname in missing:
        (lib / soname).write_bytes(shared_object(soname, needs=[STUB]))
    return missing


def main() -> None:
    """Stub the torch of the interpreter that runs this."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        sys.exit("torch is not installed here")
    print("stubbed:", ", ".join(stub_missing(Path(spec.origin).parents[1])) or "nothing")


def _refuse_what_is_called(missing: Collection[str]) -> None:
    real = [name for name in missing if name.startswith(CALLED_AT_IMPORT)]
    if real:
        sys.exit(f"torch calls these at import, install their nvidia-* wheels: {', '.join(real)}")


def _headers(length: int, dynamic_at: int) -> bytes:
    """The ELF header, one segment that holds the whole file, and the dynamic section's."""
    header = b"\x7fELF\2\1\1".ljust(16, b"\0")
    header += struct.pack("<HHIQQQI", 3, 62, 1, 0, HEADER, 0, 0)
    header += struct.pack("<6H", HEADER, PROGRAM_HEADER, 2, 64, 0, 0)
    # Writable as well, since the loader relocates the dynamic section in place.
    header += struct.pack("<2I6Q", 1, 7, 0, 0, 0, length, length, 4096)
    size = length - dynamic_at
    return header + struct.pack("<2I6Q", 2, 6, dynamic_at, dynamic_at, dynamic_at, size, size, 8)


def _aligned(offset: int) -> int:
    return -(-offset // 16) * 16


if __name__ == "__main__":
    main()
