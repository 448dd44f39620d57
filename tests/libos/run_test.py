"""The parts of ./fb run, and the whole of it with a made-up emulator: output, statuses, time, and what is left behind."""

import io
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
from contextlib import ExitStack
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
from image import elf, newc, tree  # noqa: E402
from machine import frames, guest, output, streams, terminal  # noqa: E402
import mkimage  # noqa: E402
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
        filtered, pieces = output.CommandOutput(), []
        for at in range(0, len(data), size):
            pieces += filtered.feed(data[at:at + size])
        pieces += filtered.finish()
        return tuple(b"".join(piece for where, piece in pieces if where == which) for which in (output.OUT, output.ERR))

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

    def test_streams_are_told_apart(self):
        data = b"boot" + output.STREAMS + b"a\x10\x10b\x102c\x101d\x10?nobody's\x102e" + output.PANIC
        for size in (1, 2, 3, 1000):
            self.assertEqual(self.feed(data, size), (b"a\x10bd", b"ce" + output.PANIC))

    def test_the_log_is_for_those_who_ask(self):
        data = output.STREAMS + b"a\x104call\n\x101b"
        for log, errors in ((False, b""), (True, b"call\n")):
            filtered = output.CommandOutput(log=log)
            pieces = filtered.feed(data) + filtered.finish()
            told = [b"".join(piece for where, piece in pieces if where == which) for which in (output.OUT, output.ERR)]
            self.assertEqual(told, [b"ab", errors])

    def test_streams_keep_their_order(self):
        filtered = output.CommandOutput()
        pieces = filtered.feed(output.STREAMS + b"a\x102b\x101c") + filtered.finish()
        self.assertEqual([piece for piece in pieces if piece[1]], [(output.OUT, b"a"), (output.ERR, b"b"), (output.OUT, b"c")])

    def test_input_goes_by_the_rules_of_streams(self):
        self.assertEqual(streams.encode(b"a\x10e"), b"a\x10\x10e")
        self.assertEqual(streams.size(24, 300), b"\x10w\x18\0\x2c\x01")


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

    def refuse(self, function, *arguments):
        """Ends the program with status 2."""
        with open(os.devnull, "w", encoding="utf-8") as null, self.assertRaises(SystemExit, msg=arguments) as ended:
            stderr, sys.stderr = sys.stderr, null
            try:
                function(*arguments)
            finally:
                sys.stderr = stderr
        self.assertEqual(ended.exception.code, 2)

    def test_everything_after_the_dashes_is_the_guests(self):
        options, words, ours = run.parse(["--smp", "4", "--config", "x.conf", "--", "count", "--smp", "3", "--"])
        self.assertEqual((options.smp, words, ours), (4, ["count", "--smp", "3", "--"], False))
        self.assertEqual(run.command_line(options, True), "config=x.conf command=command")

    def test_everything_after_a_program_is_the_programs(self):
        for arguments, words in ((["./x", "--smp", "3"], ["./x", "--smp", "3"]),
                                 (["--add", "a", "--icount", "b/c", "--", "d"], ["b/c", "--", "d"]),
                                 (["--add=a", "/x"], ["/x"])):
            _, found, ours = run.parse(arguments)
            self.assertEqual((found, ours), (words, True))

    def test_without_a_command_there_is_a_shell_unless_the_image_may_have_none(self):
        self.assertEqual(run.parse([])[1][:1], ["/bin/sh"])
        self.assertIsNone(run.parse(["--config", "native.conf"])[1])
        self.assertIsNone(run.parse(["--image", "x"])[1])

    def test_wrong_options_are_refused(self):
        for wrong in (["--smp", "0"], ["--smp", "17"], ["--mem", "lots"], ["--timeout", "0"], ["--icount", "--smp", "2"],
                      ["--config", "a b"], ["hello"], ["--"], ["--nosuch"], ["--add"], ["--image", "x", "--out", "/y"]):
            self.refuse(run.parse, wrong)

    def test_configuration_of_this_machine_goes_by_its_name(self):
        options, _, _ = run.parse(["--config", "./some/two.conf"])
        self.assertEqual(run.command_line(options, False), "config=two.conf")

    def test_kernel_command_line_has_an_end(self):
        options, _, _ = run.parse(["--append", "x" * 600])
        with self.assertRaises(guest.GuestError):
            run.command_line(options, True)


class Brought(unittest.TestCase):
    """What goes in and what comes out."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def added(self, *arguments):
        """{name: member}."""
        added = guest.Added()
        for argument in arguments:
            added.bring(argument)
        archive = io.BytesIO()
        added.archive(archive)
        return {member.name: member for member in newc.parse(archive.getvalue())}

    def test_files_and_folders_become_members_of_the_boot_image(self):
        (self.folder / "red").mkdir()
        (self.folder / "red" / "name").write_bytes(b"red")
        (self.folder / "my.conf").write_bytes(b"# nothing")
        options, _, _ = run.parse(["--config", f"{self.folder}/my.conf", "--file", f"red.cpio={self.folder}/red", "--file",
                                   f"x={self.folder}/my.conf"])
        with ExitStack() as stack:
            members = {member.name: member.contents.read_bytes() for member in run.more_files(options, stack)}
            self.assertEqual(sorted(members), ["my.conf", "red.cpio", "x"])
            self.assertEqual((members["x"], members["my.conf"]), (b"# nothing", b"# nothing"))
            red = {member.name: bytes(member.contents) for member in newc.parse(members["red.cpio"])}
            self.assertEqual(red, {".": b"", "./name": b"red"})

    def test_files_that_are_not_there_are_refused(self):
        for arguments in (["--file", "x"], ["--file", "=x"], ["--file", "x="], ["--file", f"x={self.folder}/nosuch"],
                          ["--config", f"{self.folder}/nosuch"]):
            with ExitStack() as stack, self.assertRaises(guest.GuestError):
                run.more_files(run.parse(arguments)[0], stack)

    def test_command_holds_any_byte(self):
        command = guest.Command(["a b", "", "\n\udcff"], ["T=x"], "/d", (24, 80), ["/o"], "/i")
        self.assertEqual(command.encode(), b"aa b\0a\0a\n\xff\0eT=x\0i/i\0d/d\0o/o\0t24 80\0")

    def test_folder_goes_in_with_modes_and_links(self):
        tree = self.folder / "tree"
        (tree / "sub").mkdir(parents=True)
        (tree / "sub" / "x").write_bytes(b"contents")
        (tree / "sub" / "x").chmod(0o4751)
        (tree / "l").symlink_to("/nowhere")
        members = self.added(str(tree), f"{tree}/sub/x:/bin/", f"{tree}/sub/x:/etc/y", f"{tree}:/.")
        self.assertEqual(members["root/tree/sub/x"].mode, stat.S_IFREG | 0o4751)
        self.assertEqual(bytes(members["bin/x"].contents), b"contents")
        self.assertEqual(bytes(members["etc/y"].contents), b"contents")
        self.assertEqual(bytes(members["root/tree/l"].contents), b"/nowhere")
        self.assertTrue(stat.S_ISDIR(members["root/tree/sub"].mode))
        self.assertIn("./sub/x", members)
        with self.assertRaises(guest.GuestError):
            self.added(f"{tree}/none")
        with self.assertRaises(guest.GuestError):
            self.added(f"{tree}/sub/x:/.")

    def test_what_comes_back_stays_in_its_place(self):
        target, outside = self.folder / "target", self.folder / "outside"
        outside.mkdir()
        folder = newc.folder(".")
        tree.put([folder, newc.file("f", b"x", 0o6755), newc.link("l", str(outside))], target)
        self.assertEqual(stat.S_IMODE((target / "f").stat().st_mode), 0o755)
        for name in ("../x", "/x", "a/../../x", "l/x", "none/x"):
            with self.assertRaises(newc.ArchiveError, msg=name):
                tree.put([folder, newc.file(name, b"x")], target)
        tree.put([folder, newc.folder("l"), newc.file("l/x", b"x")], target)  # the link that was there is not followed
        self.assertEqual((target / "l" / "x").read_bytes(), b"x")
        self.assertEqual(list(outside.iterdir()), [])
        (target / "g").symlink_to(outside / "y")
        tree.put([folder, newc.file("g", b"x")], target)
        self.assertEqual(list(outside.iterdir()), [])

    def test_archives_follow_each_other(self):
        with open(self.folder / "stream", "w+b") as stream:
            for name in (b"one", b"two"):
                archive = io.BytesIO()
                newc.write(archive, [newc.file(".", name)])
                stream.write(archive.getvalue()[:newc.parse_one(archive.getvalue(), 0)[1]])
            newc.Writer(stream).finish()
            wrong = guest.bring_back(stream, [("/a", self.folder / "a"), ("/b", self.folder / "b"), ("/c", self.folder / "c"),
                                              ("/d", self.folder / "d")])
        self.assertEqual((self.folder / "a").read_bytes(), b"one")
        self.assertEqual((self.folder / "b").read_bytes(), b"two")
        self.assertEqual(len(wrong), 2, wrong)
        self.assertIn("not there in the guest", wrong[0])

    def test_cut_archives_and_garbage_are_refused(self):
        archive = io.BytesIO()
        newc.write(archive, [newc.folder("d"), newc.file("d/f", b"contents")])
        whole = archive.getvalue()
        used = newc.parse_one(whole, 0)[1]
        for size in range(used):
            with self.assertRaises(newc.ArchiveError, msg=size):
                list(newc.parse(whole[:size]))
        for digits in (b"g" * 104, b"-0000001" * 13, b" " * 104, b"f" * 104):
            with self.assertRaises(newc.ArchiveError, msg=digits):
                list(newc.parse(b"070701" + digits + whole))

    def test_needs_of_a_program_of_this_machine(self):
        found, missing = elf.needs(Path(sys.executable).resolve(), "/root/python", ["/"])
        self.assertEqual(missing, [])
        self.assertTrue(any("ld-linux" in path for path in found), found)
        self.assertTrue(any(path.endswith("/libc.so.6") for path in found), found)
        with self.assertRaises(elf.ElfError):
            broken = self.folder / "broken"
            broken.write_bytes(Path(sys.executable).resolve().read_bytes()[:100])
            elf.needs(broken, "/root/broken", ["/"])


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
        (self.folder / "image").write_bytes(mkimage.build([("root", b"root", 0o100755)]))

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

    def test_guest_that_speaks_streams(self):
        status, out, err = self.finish("""
            image = open(re.search(r"-initrd ([^ ]+)", line)[1], "rb").read()
            console.sendall(b"boot\\x1b_fb:streams\\x1b\\\\\\x102" + image[image.index(b"aone"):][:19])
            got = b""
            while not got.endswith(b"\\x10e"):
                got += console.recv(100)
            console.sendall(b"\\x101" + got.replace(b"\\x10", b"\\x10\\x10"))
            frame(b"N", b"a note")
            frame(b"S", bytes(4))
        """, "--", "one", "a  word", typed=b"x\x10y")
        self.assertEqual((status, out, err), (0, b"x\x10\x10y\x10e", b"aone\0aa  word\0d/roo"))

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
