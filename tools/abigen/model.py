"""What the contract consists of, and the names its parts have in C and in C++."""
import re
from dataclasses import dataclass, field

MAX_ARGS = 6
MESSAGE_WORDS = ["w0", "w1", "w2", "w3", "w4"]  # in registers; w5 is in rbx and the header in r12


class ContractError(Exception):
    """The input is not a contract; the text says where and why."""


def snake(name: str) -> str:
    """AddressSpace -> address_space"""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def upper(name: str) -> str:
    return snake(name).upper()


def pascal(name: str) -> str:
    """map_pages and MAP_PAGES -> MapPages"""
    return "".join(part.capitalize() for part in name.lower().split("_"))


@dataclass(frozen=True)
class Error:
    name: str
    number: int
    text: str


@dataclass(frozen=True)
class Named:
    """A bit or a value with its name in C++, its name in C and a sentence."""

    name: str
    cname: str
    value: int
    text: str
    zone: str = ""


@dataclass(frozen=True)
class Group:
    """A table [flags.X] or [enums.X]."""

    name: str
    members: tuple[Named, ...]

    @property
    def mask(self) -> int:
        return sum(1 << member.value for member in self.members)

    @property
    def bit_name(self) -> str:
        """The enum of single bits: PageFlags -> PageFlag, Access -> AccessBit."""
        return self.name[:-1] if self.name.endswith("Flags") else self.name + "Bit"


@dataclass(frozen=True)
class ObjectType:
    name: str
    number: int
    rights: tuple[str, ...]


@dataclass(frozen=True)
class Scalar:
    """How one kind of argument that is not a capability is spelled and checked."""

    cpp: str  # type in C++, both sides
    text: str  # for the reference
    holds: str = ""  # C++ condition on {a} that the kernel checks; empty: any value is good
    error: str = "BadArgument"
    raw: str = "{a}.raw()"  # C++ value -> register
    make: str = "{cpp}({a})"  # register -> C++ value


@dataclass(frozen=True)
class Arg:
    name: str
    kind: str  # "cap" or a kind of Scalar
    detail: str = ""  # T of cap:T, F of flags:F, E of enum:E, "page" of address:page
    rights: tuple[str, ...] = ()
    optional: bool = False
    demand: str = ""  # of a cap: the argument that says, at run time, what it has to be good for

    @property
    def is_cap(self) -> bool:
        return self.kind == "cap"


@dataclass(frozen=True)
class Result:
    name: str
    kind: str  # handle, word, bits, bytes, pages, enum or message
    detail: str = ""  # T of handle:T, E of enum:E


@dataclass(frozen=True)
class Call:
    name: str
    number: int
    group: str
    item: tuple[str, ...]
    text: str
    args: tuple[Arg, ...]
    result: Result | None
    errors: tuple[str, ...]
    authority: str = ""
    later: bool = False
    switches: bool = False  # keeps rsp and rbp only: another context has run meanwhile

    @property
    def is_message(self) -> bool:
        """Carries a gate message: five words after the first argument, one more in rbx, the header in r12."""
        return [arg.name for arg in self.args[1:]] == MESSAGE_WORDS

    @property
    def caps(self) -> list[Arg]:
        return [arg for arg in self.args if arg.is_cap]

    @property
    def handle_follows(self) -> Arg | None:
        """The argument whose object type the resulting handle has, where the call makes no new object."""
        if self.result and self.result.kind == "handle" and self.result.detail == "Any":
            return next((arg for arg in self.caps if arg.detail == "Any"), None)
        return None


@dataclass(frozen=True)
class Contract:
    version: int
    types: tuple[ObjectType, ...]
    flags: tuple[Group, ...]
    enums: tuple[Group, ...]
    calls: tuple[Call, ...]  # by number
    errors: tuple[Error, ...]
    rights: tuple[Named, ...]
    authorities: tuple[Named, ...]
    groups: tuple[str, ...] = field(default=())

    @property
    def limit(self) -> int:
        """One more than the highest call number."""
        return self.calls[-1].number + 1

    def right(self, cname: str) -> Named:
        return next(right for right in self.rights if right.cname == cname)

    def authority(self, cname: str) -> Named:
        return next(authority for authority in self.authorities if authority.cname == cname)

    def error(self, name: str) -> Error | None:
        return next((error for error in self.errors if error.name == name), None)

    def group(self, name: str) -> Group:
        return next(group for group in self.flags + self.enums if group.name == name)


def cpp_rights(contract: Contract, cnames: tuple[str, ...], namespace: str = "") -> str:
    """("READ", "WRITE") -> Right::Read | Right::Write"""
    if not cnames:
        return f"{namespace}Rights()"
    return " | ".join(f"{namespace}Right::{contract.right(cname).name}" for cname in cnames)
