"""./fb run as its user sees it: programs of this machine, files in and out, input, output and status."""

import os
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
BUILD = os.environ.get("FB_BUILD", str(REPOSITORY / "build" / "kernel"))
PROGRAM = Path(os.environ["FB_PROGRAM"])
SECONDS = 60


class Run(unittest.TestCase):
    """Each test boots a machine of its own, from a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_it(self, *arguments, typed=b"", stdin=None):
        """(status, output, errors)."""
        command = [sys.executable, "-B", str(REPOSITORY / "tools" / "run.py"), "--build", BUILD, "--timeout", str(SECONDS),
                   *arguments]
        given = {"stdin": stdin} if stdin is not None else {"input": typed}
        done = subprocess.run(command, check=False, capture_output=True, timeout=2 * SECONDS, cwd=self.folder, **given)
        return done.returncode, done.stdout, done.stderr

    def test_program_of_this_machine_with_its_libraries(self):
        status, out, err = self.run_it("--out", "/root/left", str(PROGRAM), "a  word", "", typed=b"typed")
        self.assertEqual((status, out, err), (5, b"[./greeter][a  word][] 1\ntyped", b"to error\n"))
        self.assertEqual((self.folder / "left" / "a file").read_bytes(), b"contents")
        self.assertEqual((self.folder / "left" / "empty").read_bytes(), b"")
        self.assertEqual(stat.S_IMODE((self.folder / "left").stat().st_mode), 0o750)

    def test_files_go_in_and_come_back_as_they_are(self):
        tree = self.folder / "tree"
        (tree / "sub").mkdir(parents=True)
        (tree / "sub" / "script").write_bytes(b"#!/bin/sh\necho script\n")
        (tree / "sub" / "script").chmod(0o750)
        (tree / "link").symlink_to("sub/script")
        random = os.urandom(9000)
        (tree / "random").write_bytes(random)
        status, out, err = self.run_it(
            "--add", "tree", "--add", "tree/random:/etc/hostname", "--out", "/root/tree:back", "--out", "/etc/hostname:name",
            "--", "sh", "-c", "cd tree; ls -l sub | tail -n 1 | cut -c 1-10; readlink link; ./link; cmp random /etc/hostname "
            "&& echo more > more")
        self.assertEqual((status, out, err), (0, b"-rwxr-x---\nsub/script\nscript\n", b""))
        back = self.folder / "back"
        self.assertEqual(sorted(path.name for path in back.iterdir()), ["link", "more", "random", "sub"])
        self.assertEqual((back / "random").read_bytes(), random)
        self.assertEqual((self.folder / "name").read_bytes(), random)
        self.assertEqual(os.readlink(back / "link"), "sub/script")
        self.assertEqual(stat.S_IMODE((back / "sub" / "script").stat().st_mode), 0o750)

    def test_input_from_a_file_can_be_read_again(self):
        (self.folder / "input").write_bytes(b"one\ntwo\n")
        with open(self.folder / "input", "rb") as file:
            status, out, _ = self.run_it("--", "dash", "-c", "read x; echo $x; cat; test -f /dev/stdin; ls -a /run", stdin=file)
        self.assertEqual((status, out), (0, b"one\ntwo\n.\n..\n"))

    def test_shell_takes_commands_from_a_pipe(self):
        status, out, err = self.run_it(typed=b"cd /\npwd\nexit 9\n")
        self.assertEqual((status, out, err), (9, b"/\n", b""))

    def test_calls_that_are_not_there_are_named_once_to_who_asks(self):
        name, script = b"call 103 (syslog) is not there\n", "dmesg; dmesg; echo end"
        for options, times in (((), 0), (("--verbose",), 1)):
            status, out, err = self.run_it(*options, "--", "busybox", "sh", "-c", script)
            self.assertEqual((status, out, err.count(name)), (0, b"end\n", times), err)

    def test_what_is_not_there_is_said(self):
        for arguments, expected, text in ((["--", "nosuch"], 127, b"nosuch: not found"), (["./nosuch"], 2, b"no such program"),
                                          (["--add", "nosuch", "--", "true"], 2, b"no such file"),
                                          (["--out", "/nosuch", "--", "true"], 1, b"not there in the guest"),
                                          (["--out", "/nosuch", "--", "false"], 1, b"not there in the guest")):
            status, out, err = self.run_it(*arguments)
            self.assertEqual((status, out), (expected, b""), arguments)
            self.assertIn(text, err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
