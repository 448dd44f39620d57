"""The checks that clang makes: formatting and clang-tidy. Each yields (path, line, message)."""

import hashlib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fbsource import changed_files, compile_commands, ninja_deps

CLANG_FORMAT = "clang-format-19"
CLANG_TIDY = "clang-tidy-19"
FORMATTED = {".c", ".cpp", ".h", ".hpp"}
# Where a source is in both, the host's way of compiling it is the one that is looked at.
PRESETS = ("release", "kernel")
DIAGNOSTIC = re.compile(r"^(?P<path>/[^:\n]+):(?P<line>\d+):\d+: (?:warning|error): (?P<text>.*)$", re.MULTILINE)


def check_format(repo, files, fix):
    """clang-format's opinion; with fix, its way."""
    sources = [str(path) for path in files if path.suffix in FORMATTED]
    if not sources:
        return
    mode = ["-i"] if fix else ["--dry-run", "-Werror"]
    for start in range(0, len(sources), 200):
        output = subprocess.run([CLANG_FORMAT, *mode, *sources[start:start + 200]], cwd=repo, check=False,
                                capture_output=True, text=True).stderr
        seen = set()
        for match in re.finditer(r"^([^:\n]+):(\d+):\d+: error: (.*?)(?: \[.*)?$", output, re.MULTILINE):
            if match[1] not in seen:
                seen.add(match[1])
                yield Path(match[1]), int(match[2]), f"{match[3]} (./fb lint format --fix)"


def header_of(repo, build, source):
    """The header that a generated one-line unit is about, else the source itself."""
    units = build / "headers"
    if source.is_relative_to(units):
        return repo / source.relative_to(units).with_suffix("")
    return source


def is_below(path, folders):
    """Whether a path is one of these or in one of them; anything is when there are none."""
    return not folders or any(path == folder or path.is_relative_to(folder) for folder in folders)


def units_to_check(repo, changed, below=()):
    """(build folder, source, command, files it depends on), each source once."""
    wanted = changed_files(repo) if changed else None
    seen, units = set(), []
    for build in (repo / "build" / preset for preset in PRESETS):
        entries = compile_commands(build)
        deps = ninja_deps(build) if entries else {}
        for entry in entries:
            source = Path(entry["file"])
            subject = header_of(repo, build, source)
            key = str(subject) + source.suffix
            if key in seen or subject.suffix == ".S" or not subject.is_relative_to(repo):
                continue
            if subject.is_relative_to(repo / "build"):
                continue
            seen.add(key)
            name = subject.relative_to(repo)
            if (wanted is None or name in wanted) and is_below(name, below):
                units.append((build, source, entry["command"], deps.get(entry["output"], [source])))
    return without_covered(repo, units)


def without_covered(repo, units):
    """Without the units of headers that a source of the same build and language includes: they are looked at there."""
    covered, headers = set(), set()
    for build, source, _, deps in units:
        if header_of(repo, build, source) == source:
            covered.update((build, source.suffix, path) for path in deps)
        else:
            headers.add(source)
    return [(build, source, command, deps) for build, source, command, deps in units
            if source not in headers or (build, source.suffix, header_of(repo, build, source)) not in covered]


def tidy_version():
    """Which clang-tidy this is."""
    return subprocess.run([CLANG_TIDY, "--version"], check=True, capture_output=True, text=True).stdout


def unit_key(repo, version, command, deps):
    """Changes when anything that clang-tidy would look at does, or clang-tidy itself."""
    digest = hashlib.sha256((version + command).encode())
    digest.update((repo / ".clang-tidy").read_bytes())
    for path in sorted(deps):
        if path.is_relative_to(repo) and path.is_file():
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


def tidy_unit(build, source):
    """clang-tidy's output for one source; a failure of the tool itself is raised, not swallowed."""
    done = subprocess.run([CLANG_TIDY, "-p", str(build), "--quiet", str(source)], check=False,
                          capture_output=True, text=True)
    if done.returncode != 0 and not DIAGNOSTIC.search(done.stdout):
        raise RuntimeError(f"clang-tidy {source}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def is_about_c(match):
    """A .h is for C as well, which cannot be modernised."""
    return match["path"].endswith(".h") and "[modernize-" in match["text"]


def tidy_once(build, source, kept):
    """What clang-tidy has found in a source; kept in a file, which is there as a whole or not at all."""
    if kept.exists():
        return kept.read_text(encoding="utf-8")
    output = "".join(f"{match[0]}\n" for match in DIAGNOSTIC.finditer(tidy_unit(build, source)))
    part = kept.with_suffix(".part")
    part.write_text(output, encoding="utf-8")
    part.replace(kept)
    return output


def check_tidy(repo, changed, below, say):
    """clang-tidy on what has changed since it was last looked at; what was found is kept in build/lint."""
    folder = repo / "build" / "lint" / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    version = tidy_version()
    units = [(build, source, folder / unit_key(repo, version, command, deps))
             for build, source, command, deps in units_to_check(repo, changed, below)]
    say(f"tidy: {sum(not kept.exists() for _, _, kept in units)} of {len(units)} units to look at")
    seen = set()
    with ThreadPoolExecutor(int(os.environ.get("FB_JOBS", "2"))) as pool:
        for output in pool.map(lambda unit: tidy_once(*unit), units):
            for match in DIAGNOSTIC.finditer(output):
                if is_about_c(match):
                    continue
                path = Path(os.path.normpath(match["path"]))
                path = path.relative_to(repo) if path.is_relative_to(repo) else path
                if (path, match["line"], match["text"]) not in seen:
                    seen.add((path, match["line"], match["text"]))
                    yield path, int(match["line"]), match["text"]
