#!/usr/bin/env python3
"""Counts the ring-0 lines: every file of this repository that is compiled into the kernel image.

The list comes from the build itself (ninja's inputs of kernel.elf and the headers that the compiler
reported), so nothing can be left out by hand. Blank lines and comments do not count.
"""

import argparse
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from fbsource import REPO, code_lines, ninja_deps

LIMIT = 10_000
IMAGE = "images/kernel.elf"
NOT_COUNTED = {".ld", ".lds"}


def ring0_objects(build, image):
    """The objects that the kernel image is linked from, static libraries opened."""
    listed = subprocess.run(["ninja", "-C", str(build), "-t", "inputs", image],
                            check=False, capture_output=True, text=True)
    if listed.returncode != 0:
        raise SystemExit(f"loc: error: {build}/{image} is not a target of the kernel build: "
                         f"{listed.stderr.strip()}")
    return [name for name in listed.stdout.split("\n") if name.endswith((".o", ".obj"))]


def ring0_files(repo, build, image):
    """The files of ours behind those objects."""
    objects = ring0_objects(build, image)
    deps = ninja_deps(build, objects) if objects else {}
    missing = [name for name in objects if not deps.get(name)]
    if missing or not objects:
        raise SystemExit(f"loc: error: no dependency record of {missing[:1] or image}; "
                         "build the kernel preset first")
    generated = build / "gen"
    files = set()
    for path in (path for listed in deps.values() for path in listed):
        ours = path.is_relative_to(repo) and not path.is_relative_to(repo / "build")
        if (ours or path.is_relative_to(generated)) and path.suffix not in NOT_COUNTED:
            files.add(path)
    return sorted(files)


def name_of(path, repo, build):
    """How the table calls a file."""
    if path.is_relative_to(build):
        return Path("generated") / path.relative_to(build / "gen")
    return path.relative_to(repo)


def print_table(counts, limit):
    """Per folder and in total. counts: name -> lines."""
    folders = defaultdict(lambda: [0, 0])
    for name, lines in counts.items():
        folders[str(name.parent)][0] += 1
        folders[str(name.parent)][1] += lines
    total = sum(counts.values())
    for folder, (files, lines) in sorted(folders.items()):
        print(f"{lines:7d}  {files:4d} files  {folder}")
    print(f"{total:7d}  {len(counts):4d} files  in ring 0 (limit {limit})")
    return total


def main(arguments):
    """Returns 1 above the limit."""
    parser = argparse.ArgumentParser(prog="./fb loc", description=__doc__)
    parser.add_argument("--build", type=Path, default=REPO / "build" / "kernel")
    parser.add_argument("--repo", type=Path, default=REPO)
    parser.add_argument("--limit", type=int, default=LIMIT)
    parser.add_argument("--image", default=IMAGE, help="target of the build that is the kernel image")
    parser.add_argument("--total", action="store_true", help="print the number only")
    parser.add_argument("--files", action="store_true", help="list every file, largest first")
    options = parser.parse_args(arguments)
    repo, build = options.repo.resolve(), options.build.resolve()
    counts = {name_of(path, repo, build): code_lines(path) for path in ring0_files(repo, build, options.image)}
    if options.total:
        print(sum(counts.values()))
        return 0
    if options.files:
        for name, lines in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            print(f"{lines:7d}  {name}")
        print()
    total = print_table(counts, options.limit)
    if total > options.limit:
        print(f"loc: error: {total - options.limit} lines above the limit", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
