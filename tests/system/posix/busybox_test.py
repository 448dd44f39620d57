"""Debian's busybox under the POSIX LibOS writes and ends as it does under Linux [C4.01, C4.02].

Linux is the oracle: each command runs here and in the guest, and output and status have to be the same.
"""

import os
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
BUILD = os.environ.get("FB_BUILD", str(REPOSITORY / "build" / "checked"))
CPUS = os.environ.get("FB_SMP", "1")
BUSYBOX = "/bin/busybox"
APPLETS = ("cat chmod cp cut false gunzip gzip head ln ls md5sum mkdir mv rm rmdir seq sh sort tail tr true uniq wc").split()
SECONDS = 100


class Busybox(unittest.TestCase):
    """Each test boots a machine of its own."""

    def on_linux(self, words, typed=b""):
        with tempfile.TemporaryDirectory() as folder:
            for applet in APPLETS:
                os.symlink(BUSYBOX, Path(folder) / applet)
            done = subprocess.run([BUSYBOX, *words], env={"PATH": folder}, input=typed, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
        return done.returncode, done.stdout

    def in_guest(self, words, typed=b""):
        command = [sys.executable, "-B", str(REPOSITORY / "tools" / "run.py"), "--build", BUILD, "--smp", CPUS,
                   "--timeout", str(SECONDS), "--", "busybox", *words]
        done = subprocess.run(command, input=typed, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=2 * SECONDS)
        return done.returncode, done.stdout

    def check(self, *words, typed=b""):
        status, output = self.on_linux(words, typed)
        guest_status, guest_output = self.in_guest(words, typed)
        self.assertEqual(guest_output, output)
        self.assertEqual(guest_status, status)
        return output.decode(errors="replace")

    def check_script(self, script):
        return self.check("sh", "-c", script)

    def test_writes_its_words(self):
        self.assertEqual(self.check("echo", "hello", "from", "Linux"), "hello from Linux\n")

    def test_words_carry_any_byte(self):
        self.check("echo", "a  b", "", "\t\nc", "$x *", "\u00e4", "'\"\\")
        self.check("printf", "no newline at the end")
        self.check_script("printf '\\0\\20\\201\\377e\\r\\n\\033[0m'")

    def test_standard_input_comes_in_and_ends(self):
        self.check("wc", "-c")
        self.check("cat", typed=b"a\x10e\x10\x10\x1d\x03\x04\0\xff\r\n")
        self.check("md5sum", typed=random.Random(4).randbytes(20000))
        self.check("sh", "-c", "echo to error >&2; cat | tail -n 1", typed=b"one\ntwo\nthree")
        self.check("true", typed=b"x" * 50000)

    def test_status_is_that_of_the_program(self):
        self.check("false")
        self.check_script("false; echo $?; (exit 42); echo $?; sh -c 'exit 3' || echo $?; exit 7")

    def test_file_larger_than_any_buffer(self):
        self.check("md5sum", BUSYBOX)
        self.check_script("cat /bin/busybox | md5sum; seq 1 20000 | sort -r | gzip | gunzip | sort -n | md5sum")

    def test_child_has_a_copy(self):
        self.assertEqual(self.check_script("x=1; (x=2; echo $x; (x=3; echo $x); echo $x); echo $x"), "2\n3\n2\n1\n")

    def test_many_children(self):
        self.check_script("for i in 1 2 3 4 5 6 7 8; do (echo $i; (echo $i$i); seq $i 20 | tail -n 1); done | sort | "
                          "uniq -c")
        self.check_script("i=0; while [ $i -lt 60 ]; do true; /bin/busybox true || echo no; i=$((i+1)); done; echo $i")

    def test_pipe_that_nobody_fills_or_empties_ends(self):
        self.check_script("true | cat; echo $?; echo x | true; echo $?; cat < /dev/null | wc -c")

    def test_what_cannot_be_run(self):
        self.check_script("nosuch; echo $?; /; echo $?; echo no program > /tmp/fb.$$; "
                          "/tmp/fb.$$ 2> /dev/null; echo $?; rm /tmp/fb.$$")

    def test_files(self):
        self.check_script("mkdir /tmp/fb.$$; cd /tmp/fb.$$; echo one > a; echo two >> a; mv a b; ln -s b c; ln b e; "
                          "cat c; wc -l < e; rm b; cat c > /dev/null 2>&1; echo $?; ls; cd /; rm -r /tmp/fb.$$")

    def test_directories(self):
        self.check_script("mkdir /tmp/fb.$$; cd /tmp/fb.$$; mkdir d; echo x > d/f; rmdir d 2> /dev/null; echo $?; "
                          "chmod 750 d; cp -r d e; ls e; chmod 7 e/f; ls -l e | cut -c 1-10; rm -r d e; ls; cd /; rmdir /tmp/fb.$$; echo $?")

    def test_text_of_a_script(self):
        self.check_script("cat <<E\nhere\n$((6*7))\nE\necho $(echo a; echo b) | tr ab xy; set -- p q; shift; echo $1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
