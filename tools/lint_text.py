"""The checks that only read text: sizes, links, host names, Python imports. Each yields (path, line, message)."""

import ast
import re
import sys
from pathlib import Path
from urllib.parse import unquote

# Lines of a file: think again above the first, no further than the second.
FILE_LIMITS = {"tests": (800, 800), "": (300, 500)}
FUNCTION_LIMIT = 60
SIZED = {".c", ".cpp", ".h", ".hpp", ".S", ".py", ".sh", ".cmake", ".go", ".rs", ".ts"}


def read(repo, path):
    """A file's text; undecodable bytes do not matter to these checks."""
    return (repo / path).read_text(encoding="utf-8", errors="replace")


def check_sizes(repo, files, warn):
    """Files and Python and shell functions (C++ functions are clang-tidy's)."""
    for path in files:
        if path.suffix not in SIZED and path.name not in ("fb", "CMakeLists.txt"):
            continue
        text = read(repo, path)
        lines = text.count("\n")
        soft, hard = FILE_LIMITS["tests" if path.parts[0] == "tests" else ""]
        if lines > hard:
            yield path, hard + 1, f"{lines} lines; {hard} is the end"
        elif lines > soft:
            warn(f"{path}:{soft + 1}: {lines} lines; think again above {soft}")
        for name, line, length in functions(path, text):
            if length > FUNCTION_LIMIT:
                yield path, line, f"function {name} has {length} lines; the limit is {FUNCTION_LIMIT}"


def functions(path, text):
    """(name, line, length) of the functions of a Python or shell file."""
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node.name, node.lineno, node.end_lineno - node.lineno + 1
    elif path.suffix == ".sh" or path.name == "fb":
        for match in re.finditer(r"^(\w+)\(\) \{\n(?:.*\n)*?\}", text, re.MULTILINE):
            yield match[1], text.count("\n", 0, match.start()) + 1, match[0].count("\n") + 1


FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s+<?(\S+?)>?\s*$", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:")


def blank(match):
    """Same lines, no content."""
    return "\n" * match[0].count("\n")


def anchors(text):
    """The names that a heading or an <a> gives, the way the forges make them."""
    text = FENCE.sub(blank, text)
    names, seen = set(ANCHOR.findall(text)), {}
    for title in HEADING.findall(text):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        names.add(f"{slug}-{count}" if count else slug)
    return names


def check_links(repo, files, _warn):
    """Relative links and anchors of every Markdown file."""
    for path in files:
        if path.suffix != ".md":
            continue
        text = CODE.sub("", FENCE.sub(blank, read(repo, path)))
        for pattern in (LINK, REFERENCE):
            for match in pattern.finditer(text):
                error = link_error(repo, path, match[1])
                if error:
                    yield path, text.count("\n", 0, match.start()) + 1, error


def link_error(repo, path, link):
    """What is wrong with a link, or None. Links to other hosts are not followed."""
    if SCHEME.match(link) or link.startswith("//"):
        return None
    target, _, anchor = unquote(link).partition("#")
    base = repo if target.startswith("/") else (repo / path).parent
    file = (base / target.lstrip("/")).resolve() if target else (repo / path).resolve()
    if not file.exists():
        return f"dead link: {link}"
    if anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
        return f"dead link: {link}: no such heading"
    return None


# Where packages come from is the user's business: apt, go, cargo and npm are asked, never told.
HOSTS = re.compile(
    r"\b(?:[a-z0-9-]+\.)*(?:deb|ftp|archive|security|snapshot|ports|mirrors?|packages)\.(?:[a-z0-9-]+\.)*"
    r"(?:debian|ubuntu|kernel)\.(?:org|com|net)\b"
    r"|\b(?:registry|index|static|proxy|sum|files|pypi)\.(?:npmjs|yarnpkg|crates|golang|pythonhosted|docker)\."
    r"(?:org|com|io)\b", re.IGNORECASE)


def check_hosts(repo, files, _warn):
    """No file names a mirror or a registry."""
    for path in files:
        data = (repo / path).read_bytes()
        if b"\0" in data[:4096]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
            match = HOSTS.search(line)
            if match:
                yield path, number, f"names a package host: {match[0]}"


def check_python(repo, files, _warn):
    """Tools import the standard library and each other, nothing else."""
    scripts = [path for path in files if path.suffix == ".py" and path.parts[0] == "tools"]
    ours = {path.stem for path in scripts} | {part for path in scripts for part in path.parts[:-1]}
    for path in scripts:
        for node in ast.walk(ast.parse(read(repo, path))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names and top not in ours:
                    yield path, node.lineno, f"imports {top}, which is not in the standard library"


def check_layout(_repo, files, _warn):
    """Names of files and folders of code."""
    for path in files:
        if path.suffix in {".c", ".cpp", ".h", ".hpp", ".S"}:
            if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", str(Path(path).with_suffix("")).replace("/", ".")):
                yield path, 1, "file and folder names are snake_case"
