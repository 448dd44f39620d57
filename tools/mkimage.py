#!/usr/bin/env python3
"""Builds the boot archive: an uncompressed newc cpio whose files begin on page boundaries, so that the kernel and the
LibOSes use them in place. Names are padded with NULs to get there, which every newc reader skips. The same inputs
give the same bytes.

usage: mkimage.py --output IMAGE NAME=PATH...
"""

import argparse
import os
import sys
from pathlib import Path

PAGE = 4096
HEADER = 110  # "070701" and thirteen fields of eight digits
TRAILER = "TRAILER!!!"
FILE_LIMIT = 2**32 - PAGE


class ImageError(Exception):
    """What is wrong with the request, for people."""


def header(inode, mode, size, name_size):
    """One newc header; owner, time and device are zero."""
    fields = (inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0)
    return b"070701" + b"".join(b"%08X" % field for field in fields)


def padding(offset, alignment):
    """How many bytes to the next multiple."""
    return -offset % alignment


def member(offset, inode, mode, name, contents, aligned):
    """The bytes of one member that begins at offset."""
    encoded = name.encode() + b"\0"
    if aligned:
        encoded += b"\0" * padding(offset + HEADER + len(encoded), PAGE)
    head = header(inode, mode, len(contents), len(encoded)) + encoded
    head += b"\0" * padding(offset + len(head), 4)
    return head + contents + b"\0" * padding(len(contents), 4)


def build(files):
    """The archive of (name, contents, mode) in the given order."""
    image, names = bytearray(), set()
    for inode, (name, contents, mode) in enumerate(files, 1):
        if not name or name.startswith("/") or name == TRAILER or "\0" in name:
            raise ImageError(f"not a name for a file of the image: {name!r}")
        if name in names:
            raise ImageError(f"twice in the image: {name}")
        if len(contents) > FILE_LIMIT:
            raise ImageError(f"{name}: larger than newc can say")
        names.add(name)
        image += member(len(image), inode, mode, name, contents, aligned=bool(contents))
    image += member(len(image), 0, 0, TRAILER, b"", aligned=False)
    # The kernel maps whole pages: nothing of the machine's must follow in the last one.
    image += b"\0" * padding(len(image), PAGE)
    return bytes(image)


def read(argument):
    """(name, contents, mode) of NAME=PATH."""
    name, separator, path = argument.partition("=")
    if not separator or not path:
        raise ImageError(f"expected NAME=PATH: {argument}")
    try:
        with open(path, "rb") as file:
            executable = os.fstat(file.fileno()).st_mode & 0o111
            return name, file.read(), 0o100755 if executable else 0o100644
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror}") from error


def write(path, data):
    """Whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def main(arguments):
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="mkimage.py", description="Builds the boot archive.")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("files", nargs="+", metavar="NAME=PATH")
    options = parser.parse_args(arguments)
    try:
        write(options.output, build([read(argument) for argument in options.files]))
    except (ImageError, OSError) as error:
        print(f"mkimage: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
