"""The table, the limit and the file list of the line count."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import loc  # noqa: E402


class Count(unittest.TestCase):
    """A repository with a build in it, the build's answers made up."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.repo = Path(folder.name).resolve()
        self.build = self.repo / "build" / "kernel"
        self.deps = [self.write("kernel/a.cpp", "int x; // one\n\nint y;\n"),
                     self.write("core/cap/b.hpp", "/* no\n*/\nint z;\n"),
                     self.write("kernel/entry.S", "nop # one\n# none\n"),
                     self.write("kernel/kernel.ld", "SECTIONS {}\n"),
                     self.write("build/kernel/gen/abi/calls.h", "int w;\n"),
                     self.write("build/kernel/CMakeCache.h", "int no;\n"),
                     Path("/usr/include/string.h")]

    def write(self, name, text):
        """A file in the repository."""
        path = self.repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run_loc(self, *arguments):
        """(exit status, standard output)."""
        output = io.StringIO()
        with mock.patch.object(loc, "ring0_objects", lambda *_: ["a.obj"]), \
                mock.patch.object(loc, "ninja_deps", lambda *_: {"a.obj": self.deps}), \
                contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            status = loc.main([f"--repo={self.repo}", f"--build={self.build}", *arguments])
        return status, output.getvalue()

    def test_ours_and_generated_files_count_and_others_do_not(self):
        status, output = self.run_loc()
        self.assertEqual(status, 0)
        lines = [line.split() for line in output.splitlines()]
        self.assertEqual([(line[0], line[-1]) for line in lines[:-1]],
                         [("1", "core/cap"), ("1", "generated/abi"), ("3", "kernel")])
        self.assertEqual(lines[-1][:2], ["5", "4"])

    def test_above_the_limit_is_a_failure(self):
        self.assertEqual(self.run_loc("--limit=4")[0], 1)
        self.assertEqual(self.run_loc("--limit=5")[0], 0)

    def test_the_total_alone_is_a_number(self):
        self.assertEqual(self.run_loc("--total"), (0, "5\n"))

    def test_an_object_without_a_record_is_an_error(self):
        self.deps = []
        with self.assertRaises(SystemExit):
            self.run_loc()


if __name__ == "__main__":
    unittest.main()
