"""Archives that lie, where instances find their files and where the kernel finds its boot image: each is refused with a
reason and a status, and whoever is beside it does not notice [C4.01]."""

import os
import random
import re
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "tools"))
from image import newc  # noqa: E402

BUILD = Path(os.environ.get("FB_BUILD", str(REPOSITORY / "build" / "kernel")))
SECONDS = 60
PAGES = 3000
PER_BOOT = 12
NONE = "not a newc archive, or cut short"
NO_END = object()


def entry(name, contents=b"", mode=stat.S_IFREG | 0o644, **fields):
    """One member, as it would be written; fields say what else its header claims."""
    encoded = os.fsencode(name) + b"\0"
    head = {"magic": b"070701", "inode": 1, "mode": mode, "uid": 0, "gid": 0, "links": 1, "modified": 0, "size": len(contents),
            "a": 0, "b": 0, "c": 0, "d": 0, "name_size": len(encoded), "check": 0}
    head.update(fields)
    magic = head.pop("magic")
    data = magic + b"".join(b"%08X" % value for value in head.values()) + encoded
    data += b"\0" * (-len(data) % 4) + contents
    return data + b"\0" * (-len(data) % 4)


def archive(*entries, end=True):
    """A whole one of these."""
    return b"".join(entries) + (entry("TRAILER!!!", mode=0) if end else b"")


def link(name, target):
    """A symbolic link."""
    return entry(name, os.fsencode(target), stat.S_IFLNK | 0o777)


def folder(name):
    """A folder."""
    return entry(name, mode=stat.S_IFDIR | 0o755)


GOOD = entry("one", b"contents of one") + folder("f") + entry("f/two", b"contents of two" * 50)
random.seed(4)
# name: (bytes, what the instance says of it)
ARCHIVES = {
    "empty": (b"", NONE),
    "noise": (random.randbytes(9000), NONE),
    "cut-in-head": (GOOD[:60], NONE),
    "cut-in-contents": (GOOD[:-20], NONE),
    "no-end": (archive(GOOD, end=False), NONE),
    "magic": (archive(GOOD, entry("x", magic=b"070707")), NONE),
    "magic-of-sums": (archive(entry("x", magic=b"070702"), GOOD), NONE),
    "digits": (archive(GOOD).replace(b"0000", b"00x0", 1), NONE),
    "long-name": (archive(entry("x", name_size=0xFFFFFFFF)), NONE),
    "no-name": (archive(entry("", name_size=0)), NONE),
    "empty-name": (archive(entry("")), NONE),
    "two-names": (archive(entry("x\0y")), NONE),
    "name-without-end": (archive(entry("xxx", name_size=3)), NONE),
    "long-contents": (archive(entry("x", size=0xFFFFFFFF)), NONE),
    "over-the-next": (archive(entry("x", b"four", size=40), GOOD), NONE),
    "over-the-end": (archive(GOOD, entry("x", b"four", size=100)), NONE),
    "up": (archive(GOOD, entry("../etc/passwd", b"x")), "../etc/passwd: EINVAL"),
    "up-within": (archive(GOOD, entry("f/../../x", b"x")), "f/../../x: EINVAL"),
    "long-part": (archive(entry("x" * 256)), "x" * 100 + "...: ENAMETOOLONG"),
    "long-path": (archive(entry("x/" * 2100 + "y")), "x/" * 50 + "...: ENAMETOOLONG"),
    "twice": (archive(GOOD, entry("one", b"again")), "one: EEXIST"),
    "below-a-file": (archive(GOOD, entry("one/x", b"x")), "one/x: ENOTDIR"),
    "through-a-link": (archive(link("l", "/"), entry("l/x", b"x")), "l/x: ENOTDIR"),
    "below-nothing": (archive(entry("no/x", b"x")), "no/x: ENOENT"),
    "link-to-nowhere": (archive(link("l", "")), "l: EINVAL"),
    "link-with-a-hole": (archive(link("l", "a\0b")), "l: EINVAL"),
    "type": (archive(entry("x", mode=0o170644)), "x: EINVAL"),
    "folder-as-file": (archive(entry("f/", b"x")), "f/: EINVAL"),
    "control": (archive(entry("\x1b[2J\x07/x", b"x")), "?[2J?/x: ENOENT"),
    "too-large": (archive(entry("x", b"x" * (PAGES * 4096))), "x: ENOSPC"),
    "too-many": (archive(*(entry(f"file{i}", b"x") for i in range(20000))), re.compile(r"file\d+: ENOSPC")),
}
# The same over other files: what is in the way is replaced, what is missing is made.
OVERLAYS = {name: ARCHIVES[name] for name in ("noise", "cut-in-contents", "no-end", "over-the-next", "long-part", "type", "too-large")}
OVERLAYS["up"] = (archive(entry("..", b"x")), "..: EINVAL")
OVERLAYS["folder-in-the-way"] = (archive(entry("etc", b"x")), "etc: EISDIR")


def run(*arguments, typed=b""):
    """(status, what it said) of ./fb run."""
    command = [sys.executable, "-B", str(REPOSITORY / "tools" / "run.py"), "--build", str(BUILD), "--timeout", str(SECONDS), *arguments]
    done = subprocess.run(command, check=False, input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * SECONDS)
    return done.returncode, done.stdout.decode("utf-8", "replace").replace("\r", "")


class Archives(unittest.TestCase):
    """In folders of their own."""

    def setUp(self):
        folder_ = tempfile.TemporaryDirectory()
        self.addCleanup(folder_.cleanup)
        self.folder = Path(folder_.name)

    def boot(self, archives, files):
        """One machine with an instance for each of the archives, and a good one; it ends with that one's status when the last
        one has ended."""
        lines, arguments = [], []
        for name, (data, _) in archives.items():
            lines.append(f"instance {name} image=posix files={files}{name}.cpio args=/bin/busybox pages={PAGES} slots=2 "
                         "authorities=libos archive=yes console=yes")
            (self.folder / f"{name}.cpio").write_bytes(data)
            arguments += ["--file", f"{name}.cpio={self.folder / name}.cpio"]
        lines.insert(0, "instance good image=posix files=posix-root.cpio,good.cpio args=/root/script pages=8000 slots=4 "
                        "authorities=libos archive=yes console=yes")
        (self.folder / "good.cpio").write_bytes(archive(entry("root/script", b"#!/bin/sh\nsleep 1\necho all is well\nexit 5\n",
                                                              stat.S_IFREG | 0o755)))
        arguments += ["--file", f"good.cpio={self.folder / 'good.cpio'}"]
        (self.folder / "x.conf").write_text("\n".join(lines), encoding="ascii")
        status, said = run("--mem", "1G", "--config", str(self.folder / "x.conf"), *arguments)
        self.assertRegex(said, r"(?m)^all is well$")
        self.assertEqual(status, 5, said)
        for name, (_, reason) in archives.items():
            with self.subTest(name):
                wanted = reason.pattern if isinstance(reason, re.Pattern) else re.escape(reason)
                self.assertRegex(said, rf"(?m)^\[{name}\] posix: no files: {name}.cpio: {wanted}$")
                self.assertRegex(said, rf"(?m)^\[root\] {name} ended with status 1$")

    def test_instances_refuse_them(self):
        names = list(ARCHIVES)
        for at in range(0, len(names), PER_BOOT):
            self.boot({name: ARCHIVES[name] for name in names[at:at + PER_BOOT]}, "")

    def test_instances_refuse_them_over_other_files(self):
        self.boot(OVERLAYS, "posix-root.cpio,")

    def test_root_refuses_programs_that_lie(self):
        good = (BUILD / "image" / "posix").read_bytes()

        def spoiled(at, value, size):
            return good[:at] + value.to_bytes(size, "little") + good[at + size:]

        table = int.from_bytes(good[32:40], "little")  # of segments (gABI 5: e_phoff; p_offset, p_vaddr, p_filesz, p_memsz)
        loads = [at for at in range(table, table + 56 * int.from_bytes(good[56:58], "little"), 56) if good[at] == 1]
        first, second = loads[0], loads[1]
        programs = {"noise": random.randbytes(9000), "empty": b"", "cut": good[:len(good) // 2], "head": good[:100],
                    "table": spoiled(32, 2**63, 8), "many": spoiled(56, 0xFFFF, 2),
                    "overlap": spoiled(second + 16, int.from_bytes(good[first + 16:first + 24], "little"), 8),
                    "offset": spoiled(second + 8, 2**64 - 4096, 8), "kernel": spoiled(second + 16, 0xFFFFFFFF80000000, 8),
                    "file-size": spoiled(second + 32, 2**62, 8), "memory-size": spoiled(second + 40, 2**40, 8),
                    "entry": spoiled(24, 0x1000, 8)}
        config, arguments = "instance good image=hello\n", []
        for name, data in programs.items():
            (self.folder / name).write_bytes(data)
            arguments += ["--file", f"{name}={self.folder / name}"]
            config += f"instance {name} image={name} pages=100 slots=2 console=yes\n"
        (self.folder / "x.conf").write_text(config, encoding="ascii")
        status, said = run("--config", str(self.folder / "x.conf"), *arguments)
        self.assertEqual(status, 126, said)  # of the first one that has a console
        for name in programs:
            with self.subTest(name):
                self.assertRegex(said, rf"(?m)^\[root\] {name} did not start: \w.*$")

    def test_kernel_and_root_refuse_a_boot_image_that_lies(self):
        image = (BUILD / "image.cpio").read_bytes()
        root = (BUILD / "image" / "root").read_bytes()
        names = {"noise": (random.randbytes(50000), 125, "the boot archive is not a newc archive"),
                 "empty": (b"", 125, "no boot archive"),
                 "cut": (image[:len(image) // 2], 125, "the boot archive is not a newc archive"),
                 "no-root": (archive(entry("x", b"x")), 125, "the boot archive has no file `root`"),
                 "root-is-none": (archive(entry("root", b"x" * 5000)), 125, "`root` is not a program"),
                 "root-is-cut": (archive(entry("root", root[:len(root) // 2])), 125, "`root` is not a program"),
                 "root-alone": (archive(entry("root", root)), 1, "there is no file boot.conf in the boot archive")}
        for name, (data, wanted, reason) in names.items():
            with self.subTest(name):
                path = self.folder / name
                path.write_bytes(data)
                status, said = run("--image", str(path))
                self.assertEqual(status, wanted, said)
                self.assertIn(reason, said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
