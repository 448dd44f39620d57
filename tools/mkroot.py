#!/usr/bin/env python3
"""Builds the file system that a POSIX instance begins with: Debian's busybox and dash, unchanged, with the libraries
that they need, busybox under all its names, and the files that C libraries and shells look for.

usage: mkroot.py --output ARCHIVE [--root DIR]
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from image import elf, newc

PROGRAMS = ("/usr/bin/busybox", "/usr/bin/dash")
FOLDERS = ("dev", "etc", "home", "mnt", "opt", "proc", "run", "srv", "sys", "usr", "usr/bin", "usr/lib", "usr/lib64", "usr/local",
           "usr/local/bin", "usr/sbin", "usr/share", "var", "var/lib", "var/log", "var/tmp")
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin", "var/run": "/run"}
TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n",
    "etc/profile": "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                   "export PS1='\\u@\\h:\\w\\$ '\n",
    "etc/hostname": "feuerbird\n",
    "etc/hosts": "127.0.0.1 localhost feuerbird\n::1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/shells": "/bin/sh\n/bin/ash\n/bin/dash\n",
    "etc/fstab": "",
}


def applets(busybox):
    """The paths that busybox is to be found at, below usr/."""
    listed = subprocess.run([busybox, "--list-full"], check=True, capture_output=True, text=True).stdout
    names = set()
    for path in listed.split():
        place, _, name = path.rpartition("/")
        names.add(("usr/sbin/" if place.endswith("sbin") else "usr/bin/") + name)
    return sorted(names)


def members(root):
    """All of it, in an order that makes a folder before what is in it."""
    files = {}
    for program in PROGRAMS:
        here = elf.inside(root, program)
        if here is None:
            raise newc.ArchiveError(f"{program} is not there")
        files[program] = here
        found, missing = elf.needs(here, program, [root])
        if missing:
            raise newc.ArchiveError(f"{program} needs {', '.join(missing)}")
        files |= found
    when = int(max(path.stat().st_mtime for path in files.values()))
    out = {name: newc.folder(name) for name in FOLDERS}
    out["root"], out["tmp"], out["var/tmp"] = (newc.folder("root", 0o700), newc.folder("tmp", 0o1777),
                                               newc.folder("var/tmp", 0o1777))
    for name, target in LINKS.items():
        out[name] = newc.link(name, target)
    for name, text in TEXTS.items():
        out[name] = newc.file(name, text.encode())
    placed = {}
    for path, here in sorted(files.items()):
        # Folders of the root itself may be links: /lib64 is usr/lib64.
        name = path.strip("/")
        top, _, rest = name.partition("/")
        name = f"{LINKS.get(top, top)}/{rest}"
        for depth in range(2, name.count("/") + 1):
            parent = "/".join(name.split("/")[:depth])
            out.setdefault(parent, newc.folder(parent))
        same = next((other for other, place in placed.items() if place == here), None)
        out[name] = newc.file(name, here, 0o755) if same is None else newc.link(name, f"/{same}")
        placed.setdefault(name, here)
    for name in applets(files["/usr/bin/busybox"]):
        out.setdefault(name, newc.link(name, "busybox" if name.startswith("usr/bin/") else "../bin/busybox"))
    for member in out.values():
        member.modified = when
    return [out[name] for name in sorted(out)]


def main(arguments):
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="mkroot.py", description="Builds the first files of POSIX instances.")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--root", default="/", help="a Debian root to take programs from (/)")
    options = parser.parse_args(arguments)
    temporary = options.output.with_name(options.output.name + ".tmp")
    try:
        with open(temporary, "wb") as output:
            newc.write(output, members(options.root))
        os.replace(temporary, options.output)
    except (newc.ArchiveError, elf.ElfError, OSError, subprocess.CalledProcessError) as error:
        temporary.unlink(missing_ok=True)
        print(f"mkroot: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
