"""The parts of ./fb run, and the whole of it with a made-up emulator: output, statuses, time, and what is left behind."""

import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
from machine import frames, output, terminal  # noqa: E402
import run  # noqa: E402


def frame(kind, payload):
    """What the guest sends (libos/root/frame.hpp)."""
    return b"\x01" + kind.encode() + len(payload).to_bytes(2, "little") + payload + b"\x04"


class Frames(unittest.TestCase):
    """The parser of the second line."""

    def test_any_cut_gives_the_same_frames(self):
        random.seed(2)
        sent = [(random.choice("SLX"), random.randbytes(random.choice([0, 1, 4, 300, 4096]))) for _ in range(50)]
        data = b"".join(frame(*one) for one in sent)
        parser, got = frames.FrameParser(), []
        while data:
            size = random.randint(1, 700)
            got += parser.feed(data[:size])
            data = data[size:]
        self.assertEqual(got, sent)
        self.assertEqual(parser.skipped, 0)

    def test_garbage_is_skipped(self):
        parser = frames.FrameParser()
        self.assertEqual(parser.feed(b"junk" + frame("S", b"\x07\0\0\0") + b"\x01S\xff\xff" + frame("L", b"x")),
                         [("S", b"\x07\0\0\0"), ("L", b"x")])
        self.assertGreater(parser.skipped, 4)

    def test_frame_without_its_end_is_not_one(self):
        parser = frames.FrameParser()
        self.assertEqual(parser.feed(b"\x01S\x01\x00ab" + frame("L", b"ok")), [("L", b"ok")])

    def test_random_bytes_never_fail(self):
        random.seed(3)
        parser = frames.FrameParser()
        for _ in range(200):
            for kind, payload in parser.feed(random.randbytes(random.randint(0, 3000))):
                self.assertLessEqual(len(payload), frames.MAX_PAYLOAD)
                self.assertEqual(len(kind), 1)

    def test_status(self):
        self.assertEqual(frames.status_of(b"\x07\0\0\0"), 7)
        self.assertEqual(frames.status_of(b"\xff\xff\xff\xff"), 255)
        self.assertIsNone(frames.status_of(b"\x07"))


class CommandOutput(unittest.TestCase):
    """What of the console is the command's."""

    def feed(self, data, size):
        """(standard output, standard error) of the bytes in pieces of that size."""
        filtered, out, err = output.CommandOutput(), b"", b""
        for at in range(0, len(data), size):
            more = filtered.feed(data[at:at + size])
            out, err = out + more[0], err + more[1]
        more = filtered.finish()
        return out + more[0], err + more[1]

    def test_only_what_follows_the_mark(self):
        data = b"boot text\n" + output.BEGIN + b"\0\xffresult\n*** Feuer\n"
        for size in (1, 2, 7, 1000):
            self.assertEqual(self.feed(data, size), (b"\0\xffresult\n*** Feuer\n", b""))

    def test_panic_goes_to_standard_error(self):
        data = b"boot" + output.BEGIN + b"out\n" + output.PANIC + b": why\n"
        for size in (1, 3, 1000):
            self.assertEqual(self.feed(data, size), (b"out\n", output.PANIC + b": why\n"))

    def test_boot_that_never_got_there_is_shown(self):
        self.assertEqual(self.feed(b"boot text", 4), (b"", b"boot text"))


class Keys(unittest.TestCase):
    """Ctrl-A."""

    def test_escape(self):
        keys = terminal.Keys(True)
        self.assertEqual(keys.feed(b"a\x03\x01"), (b"a\x03", False))
        self.assertEqual(keys.feed(b"\x01b"), (b"\x01b", False))
        self.assertEqual(keys.feed(b"\x01q"), (b"\x01q", False))
        self.assertEqual(keys.feed(b"c\x01xd"), (b"c", True))

    def test_pipes_are_not_escaped(self):
        self.assertEqual(terminal.Keys(False).feed(b"\x01x"), (b"\x01x", False))


class Options(unittest.TestCase):
    """The command line."""

    def test_everything_after_the_dashes_is_the_guests(self):
        options, command = run.parse(["--smp", "4", "--config", "x.conf", "--", "count", "--smp", "3"])
        self.assertEqual((options.smp, command), (4, ["count", "--smp", "3"]))
        self.assertEqual(run.command_line(options, command), "config=x.conf -- count --smp 3")

    def test_wrong_options_are_refused(self):
        for wrong in (["--smp", "0"], ["--smp", "17"], ["--mem", "lots"], ["--timeout", "0"], ["--icount", "--smp", "2"],
                      ["--config", "a b"], ["hello"], ["--"]):
            with self.assertRaises(SystemExit, msg=wrong), open(os.devnull, "w", encoding="utf-8") as null:
                stderr, sys.stderr = sys.stderr, null
                try:
                    run.parse(wrong)
                finally:
                    sys.stderr = stderr

    def test_blanks_and_lengths_are_refused(self):
        options, _ = run.parse([])
        for command in (["a b"], [""], ["x" * 600]):
            with self.assertRaises(SystemExit):
                run.command_line(options, command)


FAKE = """\
#!{python}
import os, re, socket, sys, time
line = " ".join(sys.argv)
console, frames = (socket.socket(fileno=int(fd)) for fd in re.findall(r"fd=([0-9]+)", line))
def frame(kind, payload):
    frames.sendall(b"\\x01" + kind + len(payload).to_bytes(2, "little") + payload + b"\\x04")
{body}
"""


class Whole(unittest.TestCase):
    """tools/run.py as a process, with a Python program in the place of QEMU."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "kernel").write_bytes(b"")
        (self.folder / "image").write_bytes(b"")

    def start(self, body, *arguments, **options):
        """The process; body is what the emulator does."""
        fake = self.folder / "qemu-system-x86_64"
        fake.write_text(FAKE.format(python=sys.executable, body=textwrap.dedent(body)), encoding="utf-8")
        fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
        environment = dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}", TMPDIR=str(self.folder))
        command = [sys.executable, "-B", str(TOOLS / "run.py"), "--kernel", str(self.folder / "kernel"),
                   "--image", str(self.folder / "image"), *arguments]
        return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def finish(self, body, *arguments, typed=b""):
        """(status, output, errors)."""
        process = self.start(body, *arguments)
        out, err = process.communicate(typed, timeout=60)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         ["image", "kernel", "qemu-system-x86_64"], "files are left behind")
        return process.returncode, out, err

    def test_status_of_the_guest_and_its_output_byte_for_byte(self):
        status, out, err = self.finish("""
            console.sendall(b"boot\\n\\x1b_fb:begin\\x1b\\\\" + bytes(range(256)))
            frame(b"L", b"a line")
            frame(b"S", b"\\x2a\\0\\0\\0")
        """, "--", "cmd")
        self.assertEqual((status, out), (42, bytes(range(256))))
        self.assertIn(b"[root] a line", err)

    def test_keys_reach_the_guest(self):
        status, out, _ = self.finish("""
            console.sendall(b"ready ")  # nothing is typed before the guest has shown a sign of life
            got = b""
            while len(got) < 6:
                got += console.recv(100)
            console.sendall(got[::-1])
            frame(b"S", bytes(4))
        """, typed=b"abc\x01x!")
        self.assertEqual((status, out), (0, b"ready !x\x01cba"))

    def test_panic_is_125(self):
        status, out, _ = self.finish("""
            console.sendall(b"*** FeuerBird kernel panic: x\\n")
            sys.exit(255)
        """)
        self.assertEqual(status, 125)
        self.assertIn(b"panic", out)

    def test_end_without_a_status_is_125(self):
        self.assertEqual(self.finish("pass")[0], 125)

    def test_failing_emulator_is_126_and_says_why(self):
        status, _, err = self.finish("print('no such machine', file=sys.stderr); sys.exit(1)")
        self.assertEqual(status, 126)
        self.assertIn(b"no such machine", err)

    def test_timeout_is_124_and_ends_the_emulator(self):
        begun = time.monotonic()
        status, out, _ = self.finish("""
            console.sendall(b"pid %d\\n" % os.getpid())
            time.sleep(600)
        """, "--timeout", "3")
        self.assertEqual(status, 124)
        self.assertLess(time.monotonic() - begun, 60)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(out.split()[1]), 0)

    def test_termination_ends_the_emulator(self):
        process = self.start("""
            console.sendall(b"pid %d\\n" % os.getpid())
            time.sleep(600)
        """)
        pid = int(process.stdout.readline().split()[1])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 128 + signal.SIGTERM)
        process.communicate()
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_missing_kernel_is_126_and_says_what_to_do(self):
        status, _, err = self.finish("pass", "--kernel", str(self.folder / "none"))
        self.assertEqual(status, 126)
        self.assertIn(b"./fb build kernel", err)


if __name__ == "__main__":
    unittest.main()
