#!/usr/bin/env python3
"""Generates the ring-0 ABI from abi/calls.toml and the lists in core/.

    abigen.py --out DIR              DIR/abi/{exo.h,types.hpp,calls.hpp,decode.hpp,decode_cases.hpp}
    abigen.py --docs FILE [--check]  the reference; --check only compares, and exits 1 if it differs

The output depends on the inputs alone. Bad input is reported as `FILE: where: what` and exits 2.
"""
import argparse
import sys
from pathlib import Path

from abigen import emit_c, emit_calls, emit_cases, emit_decode, emit_docs, emit_types
from abigen.load import load
from abigen.model import ContractError

REPO = Path(__file__).resolve().parent.parent
HEADERS = {
    "exo.h": emit_c.emit,
    "types.hpp": emit_types.emit,
    "calls.hpp": emit_calls.emit,
    "decode.hpp": emit_decode.emit,
    "decode_cases.hpp": emit_cases.emit,
}


def write_if_changed(path: Path, text: str) -> None:
    """A header that stays the same keeps its time, so that nothing is compiled again because of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def check_docs(path: Path, text: str) -> int:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return 0
    print(f"{path}: is not what abi/calls.toml says; run tools/abigen.py --docs {path}", file=sys.stderr)
    return 1


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Generates the ring-0 ABI from abi/calls.toml.")
    parser.add_argument("--root", type=Path, default=REPO, help="the source tree that holds abi/ and core/")
    parser.add_argument("--out", type=Path, help="write the headers to OUT/abi/")
    parser.add_argument("--docs", type=Path, help="write the reference to this file")
    parser.add_argument("--check", action="store_true", help="with --docs: compare, do not write")
    options = parser.parse_args(arguments)
    if not (options.out or options.docs) or (options.check and not options.docs):
        parser.error("nothing to do: give --out or --docs (--check goes with --docs)")
    try:
        contract = load(options.root)
    except ContractError as error:
        print(error, file=sys.stderr)
        return 2
    if options.out:
        for name, emit in HEADERS.items():
            write_if_changed(options.out / "abi" / name, emit(contract))
    if options.docs and options.check:
        return check_docs(options.docs, emit_docs.emit(contract))
    if options.docs:
        write_if_changed(options.docs, emit_docs.emit(contract))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
