"""Files and folders of this machine, to and from archives."""

import os
import stat
from pathlib import Path

from image import newc


def take(here, name, skipped=None):
    """The members that bring a file or folder in under `name`: modes, times and links as they are, all of it root's. What is
    neither file nor folder nor link is left out; its path is added to `skipped`."""
    found = os.lstat(here)
    modified = max(0, min(int(found.st_mtime), 2**32 - 1))
    if stat.S_ISLNK(found.st_mode):
        yield newc.Member(name, found.st_mode, os.fsencode(os.readlink(here)), modified)
    elif stat.S_ISREG(found.st_mode):
        yield newc.Member(name, found.st_mode, Path(here), modified)
    elif stat.S_ISDIR(found.st_mode):
        yield newc.Member(name, found.st_mode, b"", modified)
        for child in sorted(os.listdir(here)):
            yield from take(os.path.join(here, child), f"{name}/{child}", skipped)
    elif skipped is not None:
        skipped.append(str(here))


def put(members, target):
    """Unpacks what a guest gave: member "." becomes `target`, the others go below it and nowhere else, whatever they are
    called and whatever is there. Returns the names that were left out. Errors: newc.ArchiveError, OSError."""
    folders, skipped, stamps = set(), [], []
    for member in members:
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        parent = tuple(parts[:-1])
        if ".." in parts or member.name.startswith("/") or (parts and parent not in folders):
            raise newc.ArchiveError(f"a name that leads elsewhere: {member.name!r}")
        here = Path(target, *parts)
        permissions = stat.S_IMODE(member.mode) & 0o777
        if stat.S_ISDIR(member.mode):
            if not here.is_dir() or (parts and here.is_symlink()):
                _clear(here)
                here.mkdir(parents=not parts)
            folders.add(tuple(parts))
            stamps.append((here, permissions | 0o700, member.modified))
        elif stat.S_ISREG(member.mode):
            _clear(here)
            with open(os.open(here, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
                file.write(member.contents)
            stamps.append((here, permissions, member.modified))
        elif stat.S_ISLNK(member.mode):
            _clear(here)
            os.symlink(bytes(member.contents), here)
        else:
            skipped.append(member.name)
    for path, permissions, modified in reversed(stamps):
        os.chmod(path, permissions)
        os.utime(path, (modified, modified))
    return skipped


def _clear(path):
    """Nothing is written through a link that was there before."""
    if path.is_symlink() or path.is_file():
        path.unlink()
