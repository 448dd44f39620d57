#!/usr/bin/env python3
"""Builds the boot archive: an uncompressed newc cpio whose files begin on page boundaries (image/newc.py). The same
inputs give the same bytes.

usage: mkimage.py --output IMAGE NAME=PATH...
"""

import argparse
import io
import os
import sys
from pathlib import Path

from image import newc


class ImageError(Exception):
    """What is wrong with the request, for people."""


def build(files):
    """The archive of (name, contents, mode) in the given order."""
    names = set()
    for name, _, _ in files:
        if not name or name.startswith("/") or name == newc.TRAILER or "\0" in name:
            raise ImageError(f"not a name for a file of the image: {name!r}")
        if name in names:
            raise ImageError(f"twice in the image: {name}")
        names.add(name)
    image = io.BytesIO()
    try:
        newc.write(image, [newc.Member(name, mode, contents) for name, contents, mode in files])
    except newc.ArchiveError as error:
        raise ImageError(str(error)) from error
    return image.getvalue()


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
