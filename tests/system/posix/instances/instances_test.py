"""Instances side by side: each with its own files, memory, processor time and console. What becomes of one is nothing to
the other, and what it had goes back to root, exactly [E6.07, E6.08]."""

import hashlib
import io
import os
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(REPOSITORY / "tools"))
from image import newc  # noqa: E402

BUILD = Path(os.environ.get("FB_BUILD", str(REPOSITORY / "build" / "kernel")))
PROGRAMS = BUILD / "tests" / "system" / "posix"
SMP = os.environ.get("FB_SMP", "1")
SECONDS = 250
FOCUS = "\x1d"

# Says who it is, then counts, for ever: each line with what nobody else can know.
WORK = b"""#!/bin/sh
echo "files: $(ls -A /root | xargs)"
echo "memory: $(grep MemTotal /proc/meminfo | xargs)"
secret=$(cat /root/secret)
i=0
while :; do
  i=$((i + 1))
  echo "tick $i $(echo $secret $i | md5sum | cut -c 1-32)"
  sleep 0.1
done
"""
HARM = ("bomb", "pipes", "memory")  # steps of exhaust
MONITOR = "instance monitor image=native pages=1024 slots=4 authorities=libos archive=yes console=yes control=yes\n"
POSIX = "instance {name} image=posix files=posix-root.cpio,{name}.cpio args=\"{args}\" pages={pages} slots=12 " \
        "authorities=libos archive=yes console=yes\n"
HOSTILE = "instance evil image=hostile_libos args=\"{args}\" pages=3000 slots=12 authorities=libos archive=yes console=yes\n"


def files_of(name):
    """The archive that a POSIX instance of that name has for itself."""
    members = [newc.folder("root", 0o700), newc.file(f"root/only-{name}", b""), newc.file("root/secret", name.encode()),
               newc.file("root/work", WORK, 0o755),
               newc.file("bin/exhaust", PROGRAMS / "hostile_programs" / "exhaust", 0o755)]
    out = io.BytesIO()
    newc.write(out, members)
    return out.getvalue()


class Guest:
    """A machine with a keyboard and a screen."""

    def __init__(self, test, config):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.test, self.screen, self.seen = test, "", 0
        path = Path(folder.name)
        (path / "x.conf").write_text(config, encoding="ascii")
        command = [sys.executable, "-B", str(REPOSITORY / "tools" / "run.py"), "--build", str(BUILD), "--smp", SMP,
                   "--timeout", str(SECONDS), "--config", str(path / "x.conf"),
                   "--file", f"hostile_libos={BUILD / 'image' / 'hostile_libos'}"]
        for name in ("red", "blue"):
            (path / f"{name}.cpio").write_bytes(files_of(name))
            command += ["--file", f"{name}.cpio={path / f'{name}.cpio'}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        test.addCleanup(self.stop)

    def stop(self):
        """Whatever it does."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def type(self, text):
        """At the keyboard."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def look(self, seconds):
        """Reads what comes next. False when nothing does, or the machine has ended."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 65536)
        self.screen += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)

    def wait_for(self, pattern, seconds=60):
        """The match of what is on the screen behind the last match."""
        end = time.monotonic() + seconds
        while True:
            found = re.compile(pattern, re.M).search(self.screen, self.seen)
            if found:
                self.seen = found.end()
                return found
            if time.monotonic() > end or (not self.look(1) and self.process.poll() is not None):
                self.test.fail(f"no {pattern!r} in {self.screen[self.seen:][-3000:]!r}")

    def command(self, line, answer):
        """Types it to the monitor, which has the keyboard; the match of its answer."""
        self.type(line + "\r")
        return self.wait_for(answer)

    def account(self):
        """(pages that root has used or lent, slots that are free), once both stay the same."""
        last = None
        while True:
            found = self.command("instances", r"root +(\d+) of \d+ pages used or lent, (\d+) slots free")
            now = (int(found[1]), int(found[2]))
            if now == last:
                return now
            last = now
            time.sleep(0.2)

    def ticks(self, name):
        """Numbers of the lines of its work, each of which is as it has to be."""
        lines = re.findall(rf"^\[{name}\] tick (\d+) (\S+)\n", self.screen, re.M)
        for number, sum_of in lines:
            wanted = hashlib.md5(f"{name} {number}\n".encode()).hexdigest()
            self.test.assertEqual(sum_of, wanted, f"{name}, tick {number}")
        return [int(number) for number, _ in lines]

    def goes_on(self, name, count=5):
        """That many more lines of its work come, and none was lost since it began."""
        for _ in range(count):
            self.wait_for(rf"^\[{name}\] tick \d+ \S+\n")
        numbers = self.ticks(name)
        self.test.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def end(self, status=7):
        """By the monitor; whatever else ended it would have another status."""
        self.type(f"quit {status}\r")
        while self.look(20):
            pass
        self.test.assertEqual(self.process.wait(20), status)


class Instances(unittest.TestCase):
    """Each boots a machine with a monitor that has the keyboard, and blue, which counts."""

    def boot(self, *others):
        """With blue, and what else there is to be."""
        blue = POSIX.format(name="blue", args="/root/work", pages=16000)
        return Guest(self, MONITOR + blue + "".join(others))

    def test_each_sees_its_own_and_nothing_of_one_that_is_killed_or_crashes_is_left(self):
        guest = self.boot(POSIX.format(name="red", args="/root/work", pages=20000))
        guest.goes_on("red")
        guest.goes_on("blue")
        for name, pages in (("red", 20000), ("blue", 16000)):
            self.assertIn(f"[{name}] files: only-{name} secret work\n", guest.screen)
            self.assertIn(f"[{name}] memory: MemTotal: {pages * 4} kB\n", guest.screen)
        both = guest.account()
        gone = set()
        for what, said in (("kill", r"\[root\] red was killed"), ("crash", r"\[root\] red faulted: vector 14 at"),
                           ("crash", r"\[root\] red faulted: vector 14 at")):
            guest.command(f"{what} red", said)
            guest.goes_on("blue")
            guest.command("instances", r"red +ended .* 0 of 0 pages")
            gone.add(guest.account())
            guest.command("start red", r"^\[red\] tick 5 ")
            self.assertEqual(guest.account(), both)
        self.assertEqual(len(gone), 1)
        left, slots = gone.pop()
        self.assertGreater(both[0] - left, 20000)
        self.assertEqual(slots - both[1], 12 * int(SMP))
        guest.goes_on("blue")
        guest.end()

    def test_one_that_takes_all_it_can_takes_nothing_of_the_other(self):
        guest = self.boot(POSIX.format(name="red", args=" ".join(("/bin/exhaust", *HARM)), pages=5000))
        while not re.search(r"^\[root\] red ended", guest.screen, re.M):
            guest.goes_on("blue")
        guest.goes_on("blue")
        for step in HARM:
            self.assertRegex(guest.screen, rf"(?m)^\[red\] {step}: \w+; status")
        guest.end()

    def test_a_hostile_libos_that_takes_all_and_faults_harms_nobody(self):
        for args, said in (("fault", r"\[root\] evil faulted: vector 6"), ("", r"^\[evil\] 0 more things to take")):
            guest = self.boot(HOSTILE.format(args=args))
            guest.wait_for(said)
            guest.goes_on("blue")
            if not args:
                guest.command("kill evil", r"\[root\] evil was killed")
            guest.goes_on("blue")
            gone = guest.account()
            guest.command("start evil", r"^\[evil\] 0 more things to take")
            if not args:
                guest.command("kill evil", r"\[root\] evil was killed")
            guest.command("instances", r"evil +ended")
            self.assertEqual(guest.account(), gone)
            guest.goes_on("blue")
            guest.end()

    def test_each_has_a_console_of_its_own(self):
        shell = "".join(POSIX.format(name=name, args="/bin/sh", pages=16000) for name in ("red", "blue"))
        guest = Guest(self, shell + MONITOR)
        guest.type("echo I am $(cat /root/secret) of $(tty)\r")
        guest.wait_for(r"^I am red of /dev/ttyS0$")
        guest.type(FOCUS)
        guest.type("echo I am $(cat /root/secret), $(ls /root/only*)\r")
        guest.wait_for(r"^I am blue, /root/only-blue$")
        # As long as the shell edits the line, the key does not end what will run: that is there once it has said so.
        guest.type("echo begin$((1 + 1)); while :; do :; done\r")
        guest.wait_for(r"^begin2$")
        guest.type("\x03")
        guest.wait_for(r"^\^C$")
        guest.type("echo stopped $((1 + 1))\r")
        guest.wait_for(r"^stopped 2$")
        guest.type(FOCUS + "instances\r")
        guest.wait_for(r"blue +running")
        guest.type("quit 7\r")
        guest.end()


if __name__ == "__main__":
    unittest.main(verbosity=2)
