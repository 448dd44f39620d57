"""QEMU with FeuerBird in it: both serial lines are sockets of this process, and nothing outlives it."""

import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

QEMU = "qemu-system-x86_64"
SOCKET_BUFFER = 4 << 20
PANIC_STATUS = (0x7F << 1) | 1  # what the debug-exit device makes of the kernel's panic


class EmulatorError(Exception):
    """The emulator cannot be started, for people."""


@dataclass
class Machine:
    """What to boot and on what."""

    kernel: Path
    image: Path
    cpus: int = 1
    memory: str = "512M"
    icount: bool = False
    append: str = ""
    control: bool = False  # a third line, for QEMU's own protocol (QMP)
    extra: list = field(default_factory=list)
    inherited: list = field(default_factory=list)  # descriptors that it needs, for paths in /proc/self/fd

    def command(self, console, frames, control=None):
        """The command line; console and frames are descriptors of the two serial lines, control that of QMP's."""
        # DESIGN §14: under icount every iteration of a string instruction counts, as on the peer.
        # The emulator cannot count instructions across a write to an x2APIC register.
        cpu = "max,-erms,-fsrm,-fsrs,-fzrm,-fsrc,-x2apic" if self.icount else "max"
        command = [QEMU, "-nodefaults", "-no-user-config", "-machine", "q35", "-accel", "tcg", "-cpu", cpu,
                   "-m", self.memory, "-smp", str(self.cpus), "-kernel", str(self.kernel),
                   "-initrd", str(self.image), "-append", self.append, "-display", "none", "-monitor", "none",
                   "-chardev", f"socket,id=console,fd={console}", "-serial", "chardev:console",
                   "-chardev", f"socket,id=frames,fd={frames}", "-serial", "chardev:frames",
                   "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
        if self.icount:
            # Its random numbers and its clock would be those of this machine.
            command += ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]
        if control is not None:
            command += ["-chardev", f"socket,id=control,fd={control}", "-mon", "chardev=control,mode=control"]
        return command + self.extra


class Emulator:
    """A running machine; a context manager that ends it."""

    def __init__(self, machine):
        for path, what in ((machine.kernel, "the kernel"), (machine.image, "the boot image")):
            if not path.is_file():
                raise EmulatorError(f"{what} is not built: {path} (./fb build kernel)")
        if shutil.which(QEMU) is None:
            raise EmulatorError(f"{QEMU} is not there (./fb setup brings it; or install qemu-system-x86)")
        self.machine = machine
        self.console = self.frames = self.control = self.process = None
        self.errors = None

    def __enter__(self):
        self.console, guest_console = socket.socketpair()
        self.frames, guest_frames = socket.socketpair()
        # A byte at a time fills a socket of the usual size with a few hundred of them.
        guest_console.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        self.errors = tempfile.TemporaryFile()  # no name: gone with this process
        guests = [guest_console, guest_frames]
        if self.machine.control:
            self.control, guest_control = socket.socketpair()
            self.control.setblocking(False)
            guests.append(guest_control)
        ends = [end.fileno() for end in guests]
        try:
            self.process = subprocess.Popen(
                self.machine.command(*ends), stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
                pass_fds=ends + self.machine.inherited, start_new_session=True)
        except OSError as error:
            raise EmulatorError(f"cannot run {QEMU}: {error.strerror}") from error
        finally:
            for end in guests:
                end.close()
        self.console.setblocking(False)
        self.frames.setblocking(False)
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        for resource in (self.console, self.frames, self.control, self.errors):
            if resource is not None:
                resource.close()

    def wait(self):
        """The emulator's exit status, once both lines have ended."""
        return self.process.wait()

    def complaints(self):
        """What the emulator itself had to say."""
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace").strip()
