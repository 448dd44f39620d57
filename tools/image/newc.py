"""newc cpio archives, written and read: boot images, and file systems for POSIX instances.

Files begin on page boundaries, so that the kernel and the LibOSes use them in place. Names are padded with NULs to get
there, which every newc reader skips.
"""

import mmap
import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

PAGE = 4096
MAGIC = b"070701"
HEADER = 110  # the magic and thirteen fields of eight digits
HEAD = re.compile(MAGIC + b"[0-9A-Fa-f]{104}")
TRAILER = "TRAILER!!!"
FILE_LIMIT = 2**32 - PAGE


class ArchiveError(Exception):
    """What is wrong with an archive or with what is to go into one, for people."""


@dataclass
class Member:
    """One file, folder or link. The contents are bytes, or the path of a file that has them; of a link, its target."""

    name: str
    mode: int
    contents: object = b""
    modified: int = 0
    uid: int = 0
    gid: int = 0
    same: object = None  # what hard links of one file have in common; the first one has the contents
    links: int = 1
    inode: int = 0  # what parse() found

    def size(self):
        """Of the contents, in bytes."""
        return self.contents.stat().st_size if isinstance(self.contents, Path) else len(self.contents)


def folder(name, permissions=0o755):
    """A folder."""
    return Member(name, stat.S_IFDIR | permissions)


def file(name, contents, permissions=0o644):
    """A regular file."""
    return Member(name, stat.S_IFREG | permissions, contents)


def link(name, target):
    """A symbolic link."""
    return Member(name, stat.S_IFLNK | 0o777, os.fsencode(target))


def padding(offset, alignment):
    """How many bytes to the next multiple."""
    return -offset % alignment


class Writer:
    """Writes one archive to a binary file that is at its beginning."""

    def __init__(self, output):
        self.output = output
        self.offset = 0
        self.inode = 0
        self.shared = {}

    def add(self, member):
        """One more member."""
        size = member.size()
        if size > FILE_LIMIT:
            raise ArchiveError(f"{member.name}: larger than newc can say")
        self.inode += 1
        inode = self.inode if member.same is None else self.shared.setdefault(member.same, self.inode)
        aligned = stat.S_ISREG(member.mode) and size > 0
        self._head(member.name, (inode, member.mode, member.uid, member.gid, member.links, member.modified, size), aligned)
        if isinstance(member.contents, Path):
            self._copy(member.contents, size)
        else:
            self._put(member.contents)
        self._put(b"\0" * padding(self.offset, 4))

    def finish(self):
        """The end. Whole pages: nothing of the machine's must follow in the last one."""
        self._head(TRAILER, (0, 0, 0, 0, 1, 0, 0), False)
        self._put(b"\0" * padding(self.offset, PAGE))

    def _head(self, name, fields, aligned):
        encoded = os.fsencode(name) + b"\0"
        if aligned:
            encoded += b"\0" * padding(self.offset + HEADER + len(encoded), PAGE)
        fields += (0, 0, 0, 0, len(encoded), 0)
        self._put(MAGIC + b"".join(b"%08X" % field for field in fields) + encoded)
        self._put(b"\0" * padding(self.offset, 4))

    def _put(self, data):
        self.output.write(data)
        self.offset += len(data)

    def _copy(self, path, size):
        before = self.output.tell()
        with open(path, "rb") as source:
            shutil.copyfileobj(source, self.output, 1 << 20)
        if self.output.tell() - before != size:
            raise ArchiveError(f"{path}: changed while it was read")
        self.offset += size


def write(output, members):
    """An archive of these to a binary file."""
    writer = Writer(output)
    for member in members:
        writer.add(member)
    writer.finish()


def parse(data):
    """Yields the members of an archive, contents as slices of `data` (bytes-like). ArchiveError when it is none."""
    for member, _ in _walk(data, 0):
        if member is not None:
            yield member


def parse_one(data, offset):
    """(the members of the archive at `offset`, where it ends). ArchiveError when there is none."""
    members = []
    for member, end in _walk(data, offset):
        if member is None:
            return members, end
        members.append(member)
    raise AssertionError("a walk ends at a trailer")


def _walk(data, offset):
    """Yields (member, where the next one is); in the end (None, behind the archive)."""
    while True:
        head = bytes(data[offset:offset + HEADER])
        if not HEAD.fullmatch(head):
            raise ArchiveError("not a newc archive, or cut short")
        fields = [int(head[at:at + 8], 16) for at in range(6, HEADER, 8)]
        inode, mode, uid, gid, links, modified, size, _, _, _, _, name_size, _ = fields
        name_at = offset + HEADER
        contents = name_at + name_size + padding(name_at - offset + name_size, 4)
        end = contents + size + padding(contents - offset + size, 4)
        if end > len(data):
            raise ArchiveError("a newc archive is cut short")
        name = os.fsdecode(bytes(data[name_at:name_at + name_size]).split(b"\0")[0])
        if name == TRAILER:
            yield None, end
            return
        yield Member(name, mode, data[contents:contents + size], modified, uid, gid, links=links, inode=inode), end
        offset = end


def extend(output, base, added):
    """The archive at path `base`, with members more; one of the same name takes the place of the old one."""
    names = {member.name for member in added}
    with open(base, "rb") as source:
        if os.fstat(source.fileno()).st_size == 0:
            raise ArchiveError(f"{base}: not a newc archive, or cut short")
        with mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as data:
            writer = Writer(output)
            for member in parse(data):
                if member.name not in names:
                    writer.add(member)
                if isinstance(member.contents, memoryview):
                    member.contents.release()
    for member in added:
        writer.add(member)
    writer.finish()
