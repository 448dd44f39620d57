#!/usr/bin/env python3
"""Makes a newc archive of a tar archive: what the guest unpacks as its root file system. /dev, /proc and /sys are left
empty, since the guest makes them itself.

usage: tar_to_cpio.py TAR ARCHIVE
"""

import stat
import sys
import tarfile

from image import newc

OWN = ("dev", "proc", "sys")
TYPES = {tarfile.REGTYPE: stat.S_IFREG, tarfile.AREGTYPE: stat.S_IFREG, tarfile.LNKTYPE: stat.S_IFREG,
         tarfile.SYMTYPE: stat.S_IFLNK, tarfile.DIRTYPE: stat.S_IFDIR, tarfile.FIFOTYPE: stat.S_IFIFO}


def name_of(entry):
    """Without what leads nowhere."""
    return "/".join(part for part in entry.name.split("/") if part not in ("", ".")) or "."


def members(archive):
    """Yields the members of an open tar archive. Hard links become hard links."""
    entries = archive.getmembers()
    shared = {}
    for entry in entries:
        if entry.type == tarfile.LNKTYPE:
            shared.setdefault(name_of(archive.getmember(entry.linkname)), []).append(name_of(entry))
    group = {name: first for first, others in shared.items() for name in [first, *others]}
    for entry in entries:
        name = name_of(entry)
        if entry.type not in TYPES or name.partition("/")[0] in OWN and "/" in name:
            continue
        contents = b""
        if entry.type == tarfile.SYMTYPE:
            contents = entry.linkname.encode("utf-8", "surrogateescape")
        elif entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            contents = archive.extractfile(entry).read()
        first = group.get(name)
        yield newc.Member(name, TYPES[entry.type] | entry.mode & 0o7777, contents, int(entry.mtime), entry.uid, entry.gid,
                          first, len(shared[first]) + 1 if first is not None else 1)


def main(arguments):
    """Returns the exit status."""
    if len(arguments) != 2:
        print("usage: tar_to_cpio.py TAR ARCHIVE", file=sys.stderr)
        return 2
    try:
        with tarfile.open(arguments[0]) as archive, open(arguments[1], "wb") as output:
            newc.write(output, members(archive))
    except (newc.ArchiveError, tarfile.TarError, OSError) as error:
        print(f"tar_to_cpio: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
