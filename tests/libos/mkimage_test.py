"""The boot image: alignment, determinism, what cpio makes of it, and what is refused."""

import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
import mkimage  # noqa: E402


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


if __name__ == "__main__":
    unittest.main()
