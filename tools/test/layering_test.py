"""The arrows, and the search for cycles."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import layering  # noqa: E402


def run(files):
    """(path, line, message) for a tree given as name -> text."""
    with tempfile.TemporaryDirectory() as folder:
        repo = Path(folder)
        for name, text in files.items():
            (repo / name).parent.mkdir(parents=True, exist_ok=True)
            (repo / name).write_text(text, encoding="utf-8")
        return [(str(path), line, message)
                for path, line, message in layering.check(repo, [Path(name) for name in files])]


class Arrows(unittest.TestCase):
    """Who may include whom."""

    def allowed(self, source, header):
        self.assertIsNone(layering.arrow_error(source, header))

    def refused(self, source, header):
        self.assertIsNotNone(layering.arrow_error(source, header))

    def test_down_is_allowed_at_any_distance(self):
        self.allowed("kernel/mem/a.cpp", "abi/calls.h")
        self.allowed("kernel/mem/a.cpp", "core/cap/rights.hpp")
        self.allowed("libos/posix/a.cpp", "platform/exo/b.hpp")
        self.allowed("bindings/c/a.cpp", "cell/map/b.hpp")

    def test_up_and_sideways_are_refused(self):
        self.refused("core/cap/a.hpp", "abi/calls.h")
        self.refused("kernel/a.cpp", "fabric/wire/b.hpp")
        self.refused("fabric/a.cpp", "kernel/b.hpp")
        self.refused("fabric/a.cpp", "lambda/b.hpp")
        self.refused("lattice/a.cpp", "platform/b.hpp")
        self.refused("cell/a.cpp", "lambda/b.hpp")

    def test_of_libos_user_programs_see_the_runtime_only(self):
        self.allowed("user/demo/a.cpp", "libos/rt/b.hpp")
        self.refused("user/demo/a.cpp", "libos/posix/b.hpp")

    def test_tests_see_everything_and_nothing_sees_them(self):
        self.allowed("tests/core/cap/a.cpp", "kernel/b.hpp")
        self.refused("core/cap/a.cpp", "tests/b.hpp")
        self.refused("kernel/a.cpp", "tools/b.hpp")

    def test_a_new_top_level_folder_needs_a_place(self):
        self.refused("misc/a.cpp", "core/b.hpp")


class Tree(unittest.TestCase):
    """Whole trees."""

    def test_a_clean_tree_has_no_findings(self):
        self.assertEqual(run({"core/a.hpp": "#include <span>\n", "core/cap/b.hpp": '#include "core/a.hpp"\n'}), [])

    def test_short_paths_are_refused(self):
        findings = run({"core/a.hpp": "", "core/b.hpp": '\n#include "a.hpp"\n'})
        self.assertEqual([finding[:2] for finding in findings], [("core/b.hpp", 2)])

    def test_comments_do_not_include(self):
        self.assertEqual(run({"core/a.hpp": '// #include "kernel/x.hpp"\n/*\n#include "b"\n*/\n'}), [])

    def test_a_cycle_between_folders_is_found(self):
        findings = run({"core/a/x.hpp": '#include "core/b/y.hpp"\n', "core/b/y.hpp": '#include "core/c/z.hpp"\n',
                        "core/c/z.hpp": '#include "core/a/w.hpp"\n', "core/a/w.hpp": "",
                        "core/d/v.hpp": '#include "core/a/x.hpp"\n'})
        self.assertEqual({finding[0] for finding in findings}, {"core/a/x.hpp", "core/b/y.hpp", "core/c/z.hpp"})
        self.assertIn("core/a, core/b, core/c", findings[0][2])

    def test_two_cycles_are_two(self):
        edges = {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}, "e": {"a", "e"}}
        self.assertEqual(sorted(layering.cycles(edges)), [["a", "b"], ["c", "d"]])


if __name__ == "__main__":
    unittest.main()
