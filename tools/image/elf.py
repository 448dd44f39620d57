"""What an executable needs to run: read from its headers, never by running it (System V ABI, chapters 4 and 5)."""

import os
import struct
from pathlib import Path

MACHINE_X86_64 = 62
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_RPATH, DT_RUNPATH = 0, 1, 5, 10, 15, 29
LIBRARY_FOLDERS = ("/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")
LIMIT = 1 << 30


class ElfError(Exception):
    """Why a file cannot be run, for people."""


class Elf:
    """The parts that the dynamic loader looks at: interpreter (or None), needed names, folders of its own to search."""

    def __init__(self, path):
        self.path = Path(path)
        with open(path, "rb") as file:
            self.data = file.read(LIMIT)
        try:
            self._read()
        except (struct.error, IndexError, ValueError, UnicodeDecodeError) as error:
            raise ElfError(f"{path}: a broken ELF file") from error
        finally:
            del self.data

    def _read(self):
        self.interpreter, self.needed, self.folders = None, [], []
        if self.data[4:6] != b"\x02\x01" or struct.unpack_from("<H", self.data, 18)[0] != MACHINE_X86_64:
            raise ElfError(f"{self.path}: not a program for x86-64")
        table, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        headers = [struct.unpack_from("<IIQQQQQQ", self.data, table + size * i) for i in range(count)]
        self.segments = [header for header in headers if header[0] == PT_LOAD]
        for kind, _, offset, _, _, bytes_in_file, _, _ in headers:
            if kind == PT_INTERP:
                self.interpreter = os.fsdecode(self.data[offset:offset + bytes_in_file].split(b"\0")[0])
            elif kind == PT_DYNAMIC:
                self._read_dynamic(offset, bytes_in_file)

    def _read_dynamic(self, offset, size):
        entries = []
        for at in range(offset, offset + size - 15, 16):
            entries.append(struct.unpack_from("<qQ", self.data, at))
            if entries[-1][0] == DT_NULL:
                break
        values = dict(reversed(entries))
        if DT_STRTAB not in values:
            return
        strings = self._offset_of(values[DT_STRTAB])

        def text(at):
            start = strings + at
            return os.fsdecode(self.data[start:self.data.index(b"\0", start)])
        self.needed = [text(value) for tag, value in entries if tag == DT_NEEDED]
        own = values.get(DT_RUNPATH, values.get(DT_RPATH))
        self.folders = [] if own is None else [folder for folder in text(own).split(":") if folder]

    def _offset_of(self, address):
        for _, _, offset, start, _, size, _, _ in self.segments:
            if start <= address < start + size:
                return address - start + offset
        raise ValueError(address)


def is_elf(path):
    """Whether it begins like one."""
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def find_in(roots, path):
    """The file that is at `path` in the first of these root folders that has it, or None. Links stay in their root."""
    for root in roots:
        found = inside(root, path)
        if found is not None:
            return found
    return None


def inside(root, path, left=40):
    """The regular file that an absolute path names where `root` is the root, or None."""
    done, parts = [], [part for part in path.split("/") if part not in ("", ".")]
    while parts:
        part = parts.pop(0)
        if part == "..":
            done = done[:-1]
            continue
        here = os.path.join(root, *done, part)
        if os.path.islink(here):
            left -= 1
            if left == 0:
                return None
            target = os.readlink(here)
            parts = [piece for piece in target.split("/") if piece not in ("", ".")] + parts
            done = [] if target.startswith("/") else done
        else:
            done.append(part)
    found = Path(os.path.join(root, *done))
    return found if found.is_file() else None


def needs(program, guest, roots):
    """{path in the guest: file here} of all that the program, which is to be at `guest`, needs beside itself; and the names
    that were not found. Libraries that a program brings along are looked for beside it, others in `roots`."""
    found, missing, queue = {}, [], [(Elf(program), guest)]
    seen = set()
    while queue:
        elf, place = queue.pop(0)
        wanted = [] if elf.interpreter is None else [(elf.interpreter, [(elf.interpreter, None)])]
        for name in elf.needed:
            wanted.append((name, list(_candidates(elf, place, name))))
        for name, candidates in wanted:
            if name in seen:
                continue
            seen.add(name)
            for path, beside in candidates:
                here = beside if beside is not None and beside.is_file() else find_in(roots, path)
                if here is not None and is_elf(here):
                    found[path] = here
                    queue.append((Elf(here), path))
                    break
            else:
                missing.append(name)
    return found, missing


def _candidates(elf, place, name):
    """(path in the guest, file beside the program here or None), in the loader's order."""
    if "/" in name:
        yield name, None
        return
    for folder in elf.folders:
        path, beside = folder, None
        for origin in ("$ORIGIN", "${ORIGIN}"):
            if folder.startswith(origin):
                path = os.path.dirname(place) + folder.removeprefix(origin)
                beside = Path(os.path.dirname(elf.path.resolve()) + folder.removeprefix(origin), name)
        yield os.path.normpath(path) + "/" + name, beside
    for folder in LIBRARY_FOLDERS:
        yield f"{folder}/{name}", None
