"""Sizes, links, hosts, imports and names."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lint_text  # noqa: E402


def run(check, files, warnings=None):
    """The findings of one check in a tree given as name -> text."""
    with tempfile.TemporaryDirectory() as folder:
        repo = Path(folder)
        for name, text in files.items():
            (repo / name).parent.mkdir(parents=True, exist_ok=True)
            (repo / name).write_text(text, encoding="utf-8")
        warn = (lambda _: None) if warnings is None else warnings.append
        return [(str(path), line) for path, line, _ in check(repo, sorted(map(Path, files)), warn)]


class Sizes(unittest.TestCase):
    """Files and functions."""

    def test_sources_warn_then_fail(self):
        warnings = []
        files = {"core/a.cpp": "\n" * 300, "core/b.cpp": "\n" * 301, "core/c.cpp": "\n" * 501,
                 "tests/d.cpp": "\n" * 800, "tests/e.cpp": "\n" * 801}
        self.assertEqual(run(lint_text.check_sizes, files, warnings), [("core/c.cpp", 501), ("tests/e.cpp", 801)])
        self.assertEqual(len(warnings), 1)

    def test_functions_of_scripts(self):
        python = "def f():\n" + "    pass\n" * 60
        shell = "f() {\n" + "  true\n" * 58 + "}\n\ng() {\n" + "  true\n" * 59 + "}\n"
        self.assertEqual(run(lint_text.check_sizes, {"a.py": python, "b.sh": shell}), [("a.py", 1), ("b.sh", 62)])


class Links(unittest.TestCase):
    """Markdown."""

    def test_files_and_anchors(self):
        files = {"a.md": "[ok](b/c.md#a-b_c-2) [self](#top)\n[gone](d.md) [no](b/c.md#nope)\n# Top\n",
                 "b/c.md": "# `A` B_c: 2!\n[up](../a.md) [root](/a.md)\n"}
        self.assertEqual(run(lint_text.check_links, files), [("a.md", 2), ("a.md", 2)])

    def test_code_and_other_hosts_are_not_links(self):
        text = "```\n[x](gone)\n```\n`[y](gone)` [web](https://example.org/z)\n\n[r]: gone\n"
        self.assertEqual(run(lint_text.check_links, {"a.md": text}), [("a.md", 6)])

    def test_repeated_headings_are_numbered(self):
        self.assertEqual(lint_text.anchors("# A\n## A\n<a id=\"x\">\n"), {"a", "a-1", "x"})


class Rest(unittest.TestCase):
    """Hosts, imports, names."""

    def test_package_hosts(self):
        mirror = ".".join(("deb", "debian", "org"))
        registry = ".".join(("registry", "npmjs", "org"))
        files = {"a.sh": f"curl http://{mirror}/debian\n", "b.json": f"\n{registry}\n", "c.md": "www.debian.org\n"}
        self.assertEqual(run(lint_text.check_hosts, files), [("a.sh", 1), ("b.json", 2)])

    def test_imports(self):
        files = {"tools/a.py": "import json\nimport b\nimport numpy\nfrom yaml import load\n", "tools/b.py": ""}
        self.assertEqual(run(lint_text.check_python, files), [("tools/a.py", 3), ("tools/a.py", 4)])

    def test_names(self):
        files = {"core/a_b.hpp": "", "core/AB.hpp": "", "kernel/arch/x86_64/e.S": ""}
        self.assertEqual(run(lint_text.check_layout, files), [("core/AB.hpp", 1)])


if __name__ == "__main__":
    unittest.main()
