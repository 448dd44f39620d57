#!/usr/bin/env python3
"""Runs the checks and prints what fails as path:line: message, with a summary at the end.

Headers that do not compile alone are found by the build itself (release and kernel presets).
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import layering
import lint_clang
import lint_text
from fbsource import REPO, repo_files


def say(text):
    """News for the person who waits; failures go to standard output."""
    print(f"lint: {text}", file=sys.stderr, flush=True)


def check_shell(repo, files):
    """shellcheck on ./fb and the scripts."""
    scripts = [str(path) for path in files if path.suffix == ".sh" or str(path) in ("fb", ".ci/run")]
    if not scripts:
        return
    output = subprocess.run(["shellcheck", "--format=gcc", "--severity=info", *scripts], cwd=repo, check=False,
                            capture_output=True, text=True).stdout
    for line in output.splitlines():
        path, number, _, message = line.split(":", 3)
        yield path, int(number), message.strip()


def checks(repo, options):
    """name -> a function of the list of files that yields (path, line, message)."""
    def text(check):
        return lambda files: check(repo, files, say)

    def chosen(files):
        return [path for path in files if lint_clang.is_below(path, options.below)]
    return {
        "format": lambda files: lint_clang.check_format(repo, chosen(files), options.fix),
        "layering": lambda files: layering.check(repo, files),
        "sizes": text(lint_text.check_sizes),
        "links": text(lint_text.check_links),
        "hosts": text(lint_text.check_hosts),
        "python": text(lint_text.check_python),
        "names": text(lint_text.check_layout),
        "shell": lambda files: check_shell(repo, files),
        "tidy": lambda files: lint_clang.check_tidy(repo, options.changed, options.below, say),
    }


def split_names(repo, names, table):
    """What was asked for as (checks, paths); raises ValueError for what is neither."""
    asked, below = [], []
    for name in names:
        if name in table:
            asked.append(name)
        elif (repo / name).exists():
            below.append(Path(os.path.relpath((repo / name).resolve(), repo)))
        else:
            raise ValueError(f"neither a check nor a path of the source: {name} (checks: {' '.join(table)})")
    return asked, below


def main(arguments):
    """Returns 1 when a check fails."""
    parser = argparse.ArgumentParser(prog="./fb lint", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="CHECK|PATH",
                        help="format layering sizes links hosts python names shell tidy; what format and tidy look at")
    parser.add_argument("--changed", action="store_true", help="tidy: only what differs from the last commit")
    parser.add_argument("--not", dest="left_out", metavar="CHECK", help="leave one out, and fail for that")
    parser.add_argument("--fix", action="store_true", help="format: rewrite the files")
    options = parser.parse_args(arguments)
    table = checks(REPO, options)
    try:
        asked, options.below = split_names(REPO, options.name, table)
    except ValueError as error:
        parser.error(str(error))
    files = repo_files(REPO)
    counts = {}
    for name in asked or table:
        if name == options.left_out:
            say(f"{name}: left out, because the build failed")
            counts[name] = 1
            continue
        started, failures = time.monotonic(), 0
        for path, line, message in table[name](files):
            print(f"{path}:{line}: {message}", flush=True)
            failures += 1
        counts[name] = failures
        say(f"{name}: {failures or 'no'} failure{'' if failures == 1 else 's'} ({time.monotonic() - started:.1f} s)")
    total = sum(counts.values())
    print(f"lint: {len(files)} files, {len(counts)} checks, {total} failures")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
