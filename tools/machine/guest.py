"""What a run brings into the guest and takes out of it: its command, files of this machine, folders that come back."""

import mmap
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from image import elf, newc, tree

COMMAND, ADDED, ROOT = "command", "posix-add.cpio", "posix-root.cpio"
INPUT = "run/.input"
HOME = "/root"
HOST = "/host"  # where ./fb shell shows the host's own files
# Top-level folders that ./fb shell replaces by the Debian root's; the host's are below /host there.
REPLACED = {"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "lost+found", "proc", "run", "sbin", "snap", "sys", "usr",
            "var"}


class GuestError(Exception):
    """What cannot be brought in or out, for people."""


@dataclass
class Command:
    """What is to run: the fields of libos/rt/command.hpp."""

    words: list
    environment: list = field(default_factory=list)
    directory: str = HOME
    terminal: tuple = None  # (rows, columns)
    wanted: list = field(default_factory=list)
    input: str = ""  # file that is its standard input

    def encode(self):
        """The file."""
        fields = [("a", word) for word in self.words] + [("e", name) for name in self.environment]
        fields += [("i", self.input)] if self.input else []
        fields += [("d", self.directory)] + [("o", path) for path in self.wanted]
        if self.terminal is not None:
            fields.append(("t", f"{self.terminal[0]} {self.terminal[1]}"))
        return b"".join(os.fsencode(kind + value) + b"\0" for kind, value in fields)


def on_host(path):
    """Where this process finds a path of the user's: inside ./fb shell the system's folders are the Debian root's, and the
    host's own are below /host."""
    absolute = os.path.abspath(path)
    if not path.startswith("/") or not os.environ.get("FB_INSIDE") or not os.path.isdir(HOST):
        return Path(absolute)
    top = absolute.split("/")[1]
    checkout = os.environ.get("FB_REPO", "")
    if top not in REPLACED or (checkout and (absolute + "/").startswith(checkout + "/")):
        return Path(absolute)
    return Path(HOST + absolute)


def library_roots():
    """Where libraries are looked for: first where the guest's own come from."""
    return ["/", HOST] if os.environ.get("FB_INSIDE") and os.path.isdir(HOST) else ["/"]


class Added:
    """Collects the members of the archive that goes over the guest's files."""

    def __init__(self):
        self.members = []
        self.skipped = []

    def bring(self, argument):
        """HOST[:GUEST] of --add. A name that ends in / is a folder to put it into."""
        here, guest = argument, None
        before, colon, after = argument.rpartition(":")
        if colon and after.startswith("/"):
            here, guest = before, after
        found = on_host(here)
        name = os.path.basename(os.path.abspath(here))
        if guest is None:
            guest = f"{HOME}/{name}"
        elif guest.endswith("/"):
            guest += name
        if not os.path.lexists(found):
            raise GuestError(f"--add: {here}: no such file or folder")
        # The thing itself, where a link was named; links below it stay links.
        self._take(found.resolve() if found.exists() else found, guest)

    def program(self, argument):
        """Brings a program and what it needs; its name in the guest."""
        found = on_host(argument)
        if not found.is_file():
            raise GuestError(f"{argument}: no such program on this machine; one of the guest's: ./fb run -- {argument}")
        found = found.resolve()
        if not os.access(found, os.X_OK):
            raise GuestError(f"{argument}: not executable")
        name = os.path.basename(argument)
        guest = f"{HOME}/{name}"
        self._take(found, guest)
        if elf.is_elf(found):
            libraries, missing = elf.needs(found, guest, library_roots())
            if missing:
                raise GuestError(f"{argument} needs what is not here: {', '.join(missing)}")
            for path, here in libraries.items():
                self.members.append(newc.Member(path.strip("/"), stat.S_IFREG | 0o755, here, _seconds(here)))
        return f"./{name}"

    def input(self, descriptor):
        """A regular file that is open here becomes a file of the guest, from where it stands; its path there."""
        with open(descriptor, "rb", closefd=False) as file:
            self.members.append(newc.file(INPUT, file.read()))
        return f"/{INPUT}"

    def _take(self, here, guest):
        name = os.path.normpath(guest)
        if name.startswith("//"):
            name = name[1:]
        if name == "/" and not here.is_dir():
            raise GuestError(f"--add: {here}: only a folder can be the guest's /")
        self.members += tree.take(here, name.strip("/") or ".", self.skipped)

    def archive(self, output):
        """Writes it."""
        newc.write(output, self.members)


def _seconds(path):
    return max(0, min(int(path.stat().st_mtime), 2**32 - 1))


def out_places(arguments):
    """[(path in the guest, folder or file here)] of GUEST[:HOST]."""
    places = []
    for argument in arguments:
        guest, _, here = argument.partition(":")
        if not guest.startswith("/"):
            raise GuestError(f"--out: {guest}: a path of the guest begins with /")
        here = here or os.path.basename(os.path.normpath(guest))
        if not here or here == "/":
            raise GuestError(f"--out: {argument}: say where to: --out {guest}:FOLDER")
        target = on_host(here)
        if not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
            raise GuestError(f"--out: {here}: cannot be made there")
        places.append((guest, target))
    return places


def bring_back(file, places):
    """Unpacks the archives that came, one for each place; complaints about what did not."""
    wrong = []
    file.flush()
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        return [f"--out: {guest}: the guest ended without it" for guest, _ in places]
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        at = 0
        for guest, target in places:
            try:
                members, at = newc.parse_one(mapped, at)
                if not members:
                    wrong.append(f"--out: {guest}: not there in the guest")
                    continue
                skipped = tree.put(members, target)
                wrong += [f"--out: {guest}/{name}: left out: not a file, folder or link" for name in skipped]
            except (newc.ArchiveError, OSError) as error:
                wrong.append(f"--out: {guest}: {error}")
                break
    return wrong
