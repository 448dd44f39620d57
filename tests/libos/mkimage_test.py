"""The boot image: alignment, determinism, what cpio makes of it, and what is refused."""

import io
import random
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
import mkimage  # noqa: E402
import mkroot  # noqa: E402
import tar_to_cpio  # noqa: E402
from image import newc  # noqa: E402


def parse(image):
    """A reader of its own: [(name, contents, offset)]."""
    members, at = [], 0
    while True:
        assert image[at:at + 6] == b"070701", at
        fields = [int(image[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = image[at + 110:at + 110 + name_size]
        assert name.endswith(b"\0")
        contents = (at + 110 + name_size + 3) & ~3
        if name.rstrip(b"\0") == b"TRAILER!!!":
            return members
        members.append((name.rstrip(b"\0").decode(), image[contents:contents + size], contents))
        at = (contents + size + 3) & ~3


class Build(unittest.TestCase):
    """The archive as bytes."""

    def test_contents_begin_on_pages_and_come_back(self):
        random.seed(1)
        files = [(f"file{i}" * (i % 40 + 1), random.randbytes(random.choice([1, 3, 4095, 4096, 4097, 9000])), 0o100644)
                 for i in range(60)]
        members = parse(mkimage.build(files))
        self.assertEqual([(name, data) for name, data, _ in members], [(name, data) for name, data, _ in files])
        for name, _, offset in members:
            self.assertEqual(offset % 4096, 0, name)

    def test_empty_files_and_archives(self):
        self.assertEqual(parse(mkimage.build([])), [])
        self.assertEqual([name for name, _, _ in parse(mkimage.build([("a", b"", 0o100644), ("b", b"x", 0o100644)]))],
                         ["a", "b"])

    def test_same_input_same_bytes_and_whole_pages(self):
        files = [("a", b"1" * 5000, 0o100755)]
        self.assertEqual(mkimage.build(files), mkimage.build(files))
        self.assertEqual(len(mkimage.build(files)) % 4096, 0)

    def test_bad_names_are_refused(self):
        for name in ("", "/etc/passwd", "TRAILER!!!", "a\0b"):
            with self.assertRaises(mkimage.ImageError):
                mkimage.build([(name, b"", 0o100644)])
        with self.assertRaises(mkimage.ImageError):
            mkimage.build([("a", b"", 0o100644), ("a", b"", 0o100644)])


class Program(unittest.TestCase):
    """The command."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_cpio_reads_it(self):
        (self.folder / "x").write_bytes(b"hello" * 2000)
        output = self.folder / "image.cpio"
        self.assertEqual(mkimage.main(["--output", str(output), f"dir-x={self.folder}/x", f"y={self.folder}/x"]), 0)
        with output.open("rb") as image:
            listed = subprocess.run(["cpio", "-t"], stdin=image, capture_output=True, text=True, check=True)
        self.assertEqual(listed.stdout.split(), ["dir-x", "y"])
        with output.open("rb") as image:
            content = subprocess.run(["cpio", "-i", "--to-stdout", "y"], stdin=image, capture_output=True, check=True)
        self.assertEqual(content.stdout, b"hello" * 2000)

    def test_missing_file_leaves_no_image(self):
        output = self.folder / "image.cpio"
        self.assertEqual(mkimage.main(["--output", str(output), f"x={self.folder}/none"]), 1)
        self.assertEqual(mkimage.main(["--output", str(output), "x"]), 1)
        self.assertEqual(list(self.folder.iterdir()), [])


class Tar(unittest.TestCase):
    """Root file systems from tar archives."""

    def test_everything_comes_over_but_the_devices(self):
        with tempfile.TemporaryDirectory() as folder:
            tar, cpio = Path(folder) / "tar", Path(folder) / "cpio"
            with tarfile.open(tar, "w") as archive:
                for name, kind, target, contents in (
                        (".", tarfile.DIRTYPE, "", b""), ("./usr", tarfile.DIRTYPE, "", b""), ("./usr/a", tarfile.REGTYPE, "", b"text"),
                        ("./usr/b", tarfile.LNKTYPE, "./usr/a", b""), ("./usr/c", tarfile.LNKTYPE, "./usr/a", b""),
                        ("./l", tarfile.SYMTYPE, "usr", b""), ("./dev", tarfile.DIRTYPE, "", b""),
                        ("./dev/null", tarfile.CHRTYPE, "", b""), ("./proc/x", tarfile.REGTYPE, "", b"")):
                    entry = tarfile.TarInfo(name)
                    entry.type, entry.linkname, entry.size, entry.mode, entry.uid, entry.mtime = kind, target, len(contents), 0o4755, 7, 9
                    archive.addfile(entry, io.BytesIO(contents))
            self.assertEqual(tar_to_cpio.main([str(tar), str(cpio)]), 0)
            members = {member.name: member for member in newc.parse(cpio.read_bytes())}
        self.assertEqual(list(members), [".", "usr", "usr/a", "usr/b", "usr/c", "l", "dev"])
        self.assertEqual((members["usr/a"].contents, members["usr/a"].uid, members["usr/a"].modified), (b"text", 7, 9))
        self.assertEqual(stat.S_IMODE(members["usr/a"].mode), 0o4755)
        self.assertEqual(members["l"].contents, b"usr")
        self.assertEqual([members[name].links for name in ("usr", "usr/a", "usr/b", "usr/c")], [1, 3, 3, 3])
        self.assertEqual(members["usr/a"].inode, members["usr/c"].inode)
        self.assertNotEqual(members["usr/a"].inode, members["l"].inode)


class Root(unittest.TestCase):
    """What POSIX instances begin with."""

    @unittest.skipUnless(Path("/usr/bin/busybox").exists() and Path("/usr/bin/dash").exists(), "no busybox here")
    def test_programs_have_what_they_need_and_folders_come_first(self):
        with tempfile.TemporaryDirectory() as folder:
            cpio = Path(folder) / "cpio"
            self.assertEqual(mkroot.main(["--output", str(cpio)]), 0)
            members = {member.name: member for member in newc.parse(cpio.read_bytes())}
        self.assertEqual(members["usr/bin/sh"].contents, b"busybox")
        self.assertEqual(members["usr/bin/busybox"].contents, Path("/usr/bin/busybox").read_bytes())
        self.assertIn("usr/lib/x86_64-linux-gnu/libc.so.6", members)
        seen = {""}
        for name in members:
            self.assertIn(name.rpartition("/")[0], seen)
            seen.add(name)


if __name__ == "__main__":
    unittest.main()
