"""What several tools need to know about source files: which there are, and what in them is code."""

import json
import re
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent

CXX_SUFFIXES = {".c", ".cpp", ".h", ".hpp", ".def", ".inc"}
ASM_SUFFIXES = {".S", ".s"}


def repo_files(repo=REPO):
    """Tracked files and untracked ones that are not ignored, as sorted paths relative to the repo."""
    listed = subprocess.run(
        ["git", "-C", str(repo), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True).stdout
    names = {Path(name) for name in listed.split("\0") if name}
    return sorted(name for name in names if (repo / name).is_file())


def changed_files(repo=REPO):
    """What differs from the last commit, untracked files included; everything when there is no commit."""
    command = ["git", "-C", str(repo), "diff", "--name-only", "-z", "HEAD"]
    diff = subprocess.run(command, check=False, capture_output=True, text=True)
    if diff.returncode != 0:
        return set(repo_files(repo))
    others = subprocess.run(
        ["git", "-C", str(repo), "ls-files", "-z", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True).stdout
    return {Path(name) for name in (diff.stdout + others).split("\0") if name}


# One alternative per thing in which a comment sign is not a comment sign. Order matters: a raw string
# before a string, a digit separator (1'000) before a character.
CXX_TOKEN = re.compile(
    r"""(?P<raw>\b(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<number>\b\d(?:'?\w)*)
      | (?P<char>'(?:\\.|[^'\\\n])+')
      | (?P<line>//(?:\\\n|[^\n])*)
      | (?P<block>/\*.*?(?:\*/|\Z))""",
    re.VERBOSE | re.DOTALL)

# After the preprocessor, # starts a comment anywhere; before it, a directive at the start of a line.
ASM_TOKEN = re.compile(
    r"""(?P<directive>^[ \t]*\#[ \t]*(?:include|define|undef|if|ifdef|ifndef|elif|else|endif|error
                                        |warning|pragma|line)\b)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>'(?:\\.|[^'\\\n])'?)
      | (?P<line>(?://|\#)(?:\\\n|[^\n])*)
      | (?P<block>/\*.*?(?:\*/|\Z))""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)


def strip_comments(text, assembly=False):
    """The text without its comments, with every line still where it was."""
    def keep(match):
        if match.lastgroup in ("line", "block") or match.group("line") or match.group("block"):
            return " " + "\n" * match.group().count("\n")
        return match.group()
    return (ASM_TOKEN if assembly else CXX_TOKEN).sub(keep, text)


def code_lines(path):
    """The number of lines that hold code."""
    text = path.read_text(encoding="utf-8", errors="replace")
    stripped = strip_comments(text, assembly=path.suffix in ASM_SUFFIXES)
    return sum(1 for line in stripped.split("\n") if line.strip())


def ninja_deps(build, targets=()):
    """Object file -> the files it was compiled from, from ninja's log; all objects, or those named."""
    output = subprocess.run(["ninja", "-C", str(build), "-t", "deps", *targets],
                            check=True, capture_output=True, text=True).stdout
    deps, current = {}, None
    for line in output.split("\n"):
        if line.startswith("    "):
            deps[current].append((build / line.strip()).resolve())
        elif ": #deps " in line:
            current = line.split(": #deps ")[0]
            deps[current] = []
    return deps


def compile_commands(build):
    """The entries of compile_commands.json; none when the preset was not configured."""
    path = build / "compile_commands.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
