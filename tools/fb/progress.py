#!/usr/bin/env python3
"""Runs ninja and shows what a person wants to see of it.

Silent when there is nothing to do. Otherwise: one line when work begins, progress in place on a
terminal (every ten seconds elsewhere), compiler messages in full, one line at the end.
usage: progress.py NAME COMMAND...
"""

import re
import subprocess
import sys
import time

STATUS = re.compile(r"^\[(\d+)/(\d+)\] (.*)$")
# Lines of ninja and CMake that carry no news.
NOISE = re.compile(r"^(ninja: (Entering directory|no work to do)|-- |\[\d+/\d+\] Re-(checking|running))")
QUIET_SECONDS = 10


class Progress:
    """Turns ninja's lines into fb's."""

    def __init__(self, name, out):
        self.name = name
        self.out = out
        self.started = time.monotonic()
        self.shown = self.started
        self.working = False
        self.terminal = out.isatty()

    def say(self, text):
        """A line of fb's own."""
        seconds = int(time.monotonic() - self.started)
        self.clear()
        print(f"fb: [{seconds:3d}s] {text}", file=self.out, flush=True)

    def clear(self):
        """Takes back the progress line."""
        if self.terminal:
            self.out.write("\r\x1b[K")

    def line(self, text):
        """One line of output."""
        if NOISE.match(text):
            return
        status = STATUS.match(text)
        if status is None:
            self.clear()
            print(text, file=self.out, flush=True)
            return
        if not self.working:
            self.working = True
            self.say(f"building {self.name} ({status[2]} steps)")
        self.step(*status.groups())

    def step(self, done, total, what):
        """One finished step."""
        if self.terminal:
            self.out.write(f"\r\x1b[K[{done}/{total}] {what[:90]}")
            self.out.flush()
        elif time.monotonic() - self.shown > QUIET_SECONDS:
            self.shown = time.monotonic()
            self.say(f"{self.name}: {done} of {total}")

    def end(self, status):
        """The last word."""
        if status != 0:
            self.say(f"the build of {self.name} failed")
        elif self.working:
            self.say(f"built {self.name}")


def main(arguments):
    """Returns the command's status."""
    progress = Progress(arguments[0], sys.stderr)
    with subprocess.Popen(arguments[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as process:
        try:
            for text in process.stdout:
                progress.line(text.rstrip("\n"))
        except KeyboardInterrupt:
            process.wait()
            progress.clear()
            return 130
    progress.end(process.returncode)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
