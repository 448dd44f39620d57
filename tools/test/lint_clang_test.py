"""Which units clang-tidy is asked about."""

import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lint  # noqa: E402
import lint_clang  # noqa: E402


class Tidy(unittest.TestCase):
    """A repository with two builds in it, the dependencies made up and clang-tidy a list."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.repo = Path(folder.name).resolve()
        self.write(".clang-tidy", "Checks: bugprone-*\n")
        self.write("core/a/a.hpp", "int a();\n")
        self.write("core/a/a.cpp", "int a() { return 1; }\n")
        self.write("core/a/c.h", "int c(void);\n")
        self.write("core/a/lone.hpp", "int b();\n")
        self.write("tests/a_test.cpp", "int t();\n")
        self.deps = {}
        self.version = "19"
        self.add("release", "core/a/a.cpp", "core/a/a.hpp", "core/a/c.h")
        self.add("release", "tests/a_test.cpp", "core/a/lone.hpp")
        for header in ("core/a/a.hpp.cpp", "core/a/c.h.c", "core/a/c.h.cpp"):
            self.add("release", f"build/release/headers/{header}", str(Path(header).with_suffix("")))
        self.add("kernel", "core/a/a.cpp", "core/a/a.hpp")
        self.add("kernel", "build/kernel/headers/core/a/lone.hpp.cpp", "core/a/lone.hpp")
        for preset in ("release", "kernel"):
            entries = [{"file": str(source), "command": f"clang {source}", "output": str(source)}
                       for source in self.deps[preset]]
            self.write(f"build/{preset}/compile_commands.json", json.dumps(entries))
        deps = mock.patch.object(
            lint_clang, "ninja_deps", lambda build: {str(source): list(files)
                                                     for source, files in self.deps[build.name].items()})
        deps.start()
        self.addCleanup(deps.stop)

    def write(self, name, text):
        """A file in the repository."""
        path = self.repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def add(self, preset, source, *headers):
        """A unit of a build."""
        self.deps.setdefault(preset, {})[self.repo / source] = [self.repo / name for name in (source, *headers)]

    def units(self, below=(), changed=None):
        """The sources to look at, without the way to them."""
        with mock.patch.object(lint_clang, "changed_files", lambda _repo: {Path(name) for name in changed or ()}):
            chosen = lint_clang.units_to_check(self.repo, changed is not None, [Path(name) for name in below])
        return sorted(str(source.relative_to(self.repo)) for _, source, _, _ in chosen)

    def tidy(self, findings):
        """One run with clang-tidy's answers by file name: (what it was asked about, what came out)."""
        asked = []

        def answer(_build, source):
            asked.append(source.name)
            return findings.get(source.name, "")
        with mock.patch.object(lint_clang, "tidy_unit", answer), \
                mock.patch.object(lint_clang, "tidy_version", lambda: self.version):
            found = list(lint_clang.check_tidy(self.repo, False, [Path("core")], lambda _text: None))
        return sorted(asked), found

    def test_a_header_that_a_source_includes_has_no_turn_of_its_own(self):
        # In C it is looked at as C, and in the kernel's build no source that is chosen includes lone.hpp.
        self.assertEqual(self.units(), ["build/kernel/headers/core/a/lone.hpp.cpp",
                                        "build/release/headers/core/a/c.h.c", "core/a/a.cpp", "tests/a_test.cpp"])

    def test_paths_restrict_the_units(self):
        self.assertEqual(self.units(["tests"]), ["tests/a_test.cpp"])
        self.assertEqual(self.units(["core/a/a.cpp"]), ["core/a/a.cpp"])
        self.assertEqual(self.units(["core/a/a.hpp"]), ["build/release/headers/core/a/a.hpp.cpp"])
        self.assertEqual(self.units(["cor"]), [])

    def test_a_changed_header_is_looked_at_alone(self):
        self.assertEqual(self.units(changed=["core/a/a.hpp"]), ["build/release/headers/core/a/a.hpp.cpp"])

    def test_units_are_skipped_until_something_changes(self):
        everything, found = self.tidy({})
        self.assertEqual((everything, found), (["a.cpp", "c.h.c", "lone.hpp.cpp"], []))
        self.assertEqual(self.tidy({}), ([], []))
        self.write("core/a/a.hpp", "long a();\n")
        self.assertEqual(self.tidy({})[0], ["a.cpp"])
        self.write(".clang-tidy", "Checks: misc-*\n")
        self.assertEqual(self.tidy({})[0], everything)
        self.version = "20"
        self.assertEqual(self.tidy({})[0], everything)

    def test_a_finding_is_told_once_a_run_and_kept(self):
        line = f"{self.repo}/core/a/c.h:3:1: warning: bad [bugprone-x]\n"
        found = [(Path("core/a/c.h"), 3, "bad [bugprone-x]")]
        self.assertEqual(self.tidy({"a.cpp": "noise\n" + line + line, "c.h.c": line})[1], found)
        self.assertEqual(self.tidy({}), ([], found))
        self.write("core/a/a.cpp", "int a() { return 2; }\n")
        self.write("core/a/c.h", "int d(void);\n")
        self.assertEqual(self.tidy({}), (["a.cpp", "c.h.c"], []))

    def test_nothing_is_kept_of_a_run_that_failed(self):
        with mock.patch.object(lint_clang, "tidy_version", lambda: "19"), \
                mock.patch.object(lint_clang, "tidy_unit", side_effect=RuntimeError("no clang-tidy")):
            with self.assertRaises(RuntimeError):
                list(lint_clang.check_tidy(self.repo, False, [Path("core")], lambda _text: None))
        self.assertEqual(len(self.tidy({})[0]), 3)


class Names(unittest.TestCase):
    """The words after ./fb lint."""

    def test_checks_and_paths_are_told_apart(self):
        table = {"format": None, "tidy": None}
        self.assertEqual(lint.split_names(lint.REPO, ["tidy", "tools/fb/", "./fb"], table),
                         (["tidy"], [Path("tools/fb"), Path("fb")]))
        with self.assertRaisesRegex(ValueError, "neither.*: tydi"):
            lint.split_names(lint.REPO, ["tydi"], table)


if __name__ == "__main__":
    unittest.main()
