"""Programs under the POSIX LibOS write and end as they do under Linux [C4]: one boot, and one test, for each."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
BUILD = os.environ.get("FB_BUILD", str(REPOSITORY / "build" / "checked"))
CPUS = os.environ.get("FB_SMP", "1")
FOLDER = Path(BUILD) / "tests" / "system" / "posix"
SECONDS = 100


class Programs(unittest.TestCase):
    """A method for each program is added below."""

    maxDiff = None

    def check(self, name):
        here = subprocess.run([FOLDER / "programs" / name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
        command = [sys.executable, "-B", str(REPOSITORY / "tools" / "run.py"), "--build", BUILD, "--smp", CPUS,
                   "--image", str(FOLDER / "programs.cpio"), "--config", "posix.conf", "--timeout", str(SECONDS),
                   "--", f"/bin/{name}"]
        there = subprocess.run(command, stdin=subprocess.DEVNULL, check=False, capture_output=True,
                               timeout=2 * SECONDS)
        told = there.stderr.decode(errors="replace")
        self.assertEqual(there.stdout.decode(errors="replace").replace("\r\n", "\n"),
                         here.stdout.decode(errors="replace"), told)
        self.assertEqual(there.returncode, here.returncode, told)


for program in sorted((FOLDER / "programs").iterdir()):
    setattr(Programs, f"test_{program.name}", lambda self, name=program.name: self.check(name))

if __name__ == "__main__":
    unittest.main(verbosity=2)
