#!/usr/bin/env python3
"""Checks every #include against the arrows between folders, and the folders against cycles."""

import re
import sys
from collections import defaultdict
from pathlib import Path

from fbsource import REPO, repo_files, strip_comments

# area -> the areas just below it. An arrow includes everything further down. An area is a folder of
# the source root, or a longer path where a part of a folder has a place of its own.
ARROWS = {
    "core": [],
    "abi": ["core"],
    "kernel": ["abi"],
    "platform": ["abi"],
    "lattice": ["abi"],
    "fabric": ["lattice", "platform"],
    "schemas": ["fabric"],
    "lambda": ["fabric"],
    "libos/rt": ["lambda"],
    "libos": ["libos/rt", "lambda", "schemas"],
    "cell": ["fabric", "schemas"],
    "user": ["libos/rt", "fabric", "lambda", "schemas"],
    "bindings": ["fabric", "lambda", "cell", "schemas"],
}
# These see everything, and nothing else sees them.
TOP = ("tests", "bench", "tools")

SUFFIXES = {".c", ".cpp", ".h", ".hpp", ".def", ".inc", ".S"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def closure(arrows):
    """area -> every area that it may include, itself first."""
    def below(area, seen):
        for lower in arrows[area]:
            if lower not in seen:
                seen.add(lower)
                below(lower, seen)
        return seen
    return {area: below(area, {area}) for area in arrows}


def area_of(path, arrows=None):
    """The longest area that holds the path; its first folder when none does."""
    arrows = ARROWS if arrows is None else arrows
    parts = Path(path).parts
    for length in range(len(parts) - 1, 0, -1):
        name = "/".join(parts[:length])
        if name in arrows or name in TOP:
            return name
    return parts[0]


def includes(text):
    """(line, header) of every quoted include that is not commented out."""
    code = strip_comments(text)
    return [(code.count("\n", 0, match.start(1)) + 1, match[1]) for match in INCLUDE.finditer(code)]


def arrow_error(source, header):
    """What is wrong with source including header, or None."""
    from_area, to_area = area_of(source), area_of(header)
    if from_area in TOP:
        return None
    if to_area in TOP:
        return f'"{header}": nothing may include from {to_area}/'
    if from_area not in ARROWS or to_area not in ARROWS:
        unknown = from_area if from_area not in ARROWS else to_area
        return f'"{header}": {unknown}/ has no place in the layers (tools/layering.py)'
    if to_area not in closure(ARROWS)[from_area]:
        return f'"{header}": no arrow from {from_area} to {to_area}'
    return None


def cycles(edges):
    """Strongly connected folders (Tarjan's algorithm, on an explicit stack of generators)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        for target in sorted(edges.get(node, ())):
            if target not in index:
                yield target
                low[node] = min(low[node], low[target])
            elif target in on_stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            component = set()
            while node not in component:
                component.add(stack.pop())
            on_stack.difference_update(component)
            if len(component) > 1:
                found.append(sorted(component))

    for root in sorted(edges):
        if root in index:
            continue
        work = [visit(root)]
        while work:
            target = next(work[-1], None)
            if target is None:
                work.pop()
            else:
                work.append(visit(target))
    return found


def exists(repo, header):
    """Whether a full path names a header here or one that a build generated."""
    if (repo / header).is_file():
        return True
    generated = list(repo.glob("build/*/gen"))
    return not generated or any((folder / header).is_file() for folder in generated)


def check(repo=REPO, files=None):
    """Yields (path, line, message)."""
    edges, examples = defaultdict(set), {}
    for path in repo_files(repo) if files is None else files:
        if path.suffix not in SUFFIXES:
            continue
        for line, header in includes((repo / path).read_text(encoding="utf-8", errors="replace")):
            if not exists(repo, header):
                yield path, line, f'"{header}": not a path from the source root'
                continue
            error = arrow_error(path, header)
            if error:
                yield path, line, error
            here, there = str(path.parent), str(Path(header).parent)
            if here != there and area_of(path) not in TOP:
                edges[here].add(there)
                examples.setdefault((here, there), (path, line, header))
    for component in cycles(edges):
        for (here, there), (path, line, header) in sorted(examples.items()):
            if here in component and there in component:
                yield path, line, f'"{header}": part of a cycle between {", ".join(component)}'


def main():
    """Returns 1 when an include goes up."""
    failures = 0
    for path, line, message in check():
        print(f"{path}:{line}: {message}")
        failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
