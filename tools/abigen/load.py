"""Reads abi/calls.toml and the lists in core/, and refuses what is not a contract."""
import re
import tomllib
from pathlib import Path

from .model import (MAX_ARGS, Arg, Call, Contract, ContractError, Error, Group, Named, ObjectType, Result,
                    pascal, snake)
from .scalars import GROUPED, PLAIN, RESULTS

MAX_NUMBER = 255  # the kernel's table of calls is an array
# Words of C++, and the names that the generated functions use for themselves.
RESERVED = {"auto", "bool", "case", "class", "default", "delete", "enum", "int", "new", "operator",
            "register", "return", "short", "signed", "static", "struct", "switch", "this", "union", "virtual",
            "void", "answer", "call", "copy", "reply"}

# Results that do not say `handle:T`: the object type by the name of the result.
HANDLE_NAMES = {"pages": "Pages", "space": "AddressSpace", "domain": "Domain", "budget": "Budget",
                "context": "Context", "event": "Event", "timer": "Timer", "gate": "Gate", "dma": "DmaHandle",
                "token": "AsyncOp", "program": "Program"}
HANDLE_CALLS = {"device_get_cap": "Device"}


class Checker:
    """Raises ContractError with the file and the place that is being read."""

    def __init__(self, file: str):
        self.file = file
        self.place = ""

    def fail(self, what: str):
        where = f"{self.place}: " if self.place else ""
        raise ContractError(f"{self.file}: {where}{what}")

    def require(self, condition: bool, what: str) -> None:
        if not condition:
            self.fail(what)

    def keys(self, table: dict, needed: dict, allowed: dict) -> None:
        """`needed` and `allowed` name the keys and their Python types."""
        self.require(isinstance(table, dict), "must be a table")
        for key, value in table.items():
            kind = needed.get(key) or allowed.get(key)
            self.require(kind is not None, f"unknown key `{key}`")
            good = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
            self.require(good, f"`{key}` must be of type {kind.__name__}")
        for key in needed:
            self.require(key in table, f"`{key}` is missing")

    def unique(self, what: str, values: list) -> None:
        seen = set()
        for value in values:
            self.require(value not in seen, f"{what} {value} is there twice")
            seen.add(value)


def read_def(path: Path, macro: str, fields: int) -> list[list[str]]:
    """The rows of an X-macro list: MACRO(a, b, .., "text"), each on one line."""
    check = Checker(str(path))
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("//"):
            continue
        check.place = f"line {number}"
        match = re.fullmatch(macro + r'\((.*), "(.*)"\)', line)
        check.require(match is not None, f"is not a row {macro}(..)")
        row = [part.strip() for part in match[1].split(",")] + [match[2]]
        check.require(len(row) == fields, f"has {len(row)} fields, not {fields}")
        rows.append(row)
    check.place = ""
    check.require(bool(rows), f"has no row {macro}(..)")
    return rows


def integer(check: Checker, text: str, low: int, high: int) -> int:
    good = text.isdigit() and low <= int(text) <= high
    check.require(good, f"`{text}` is not a number from {low} to {high}")
    return int(text)


def load_errors(path: Path) -> tuple[Error, ...]:
    check = Checker(str(path))
    rows = read_def(path, "FB_ERROR", 3)
    errors = tuple(Error(name, integer(check, number, 1, 0xFFFF), text) for name, number, text in rows)
    check.unique("error", [error.name for error in errors])
    check.unique("number", [error.number for error in errors])
    return errors


def load_bits(path: Path, macro: str, zones: bool) -> tuple[Named, ...]:
    check = Checker(str(path))
    rows = read_def(path, macro, 5 if zones else 4)
    bits = tuple(Named(row[0], row[1], integer(check, row[2], 0, 63), row[-1], row[3] if zones else "")
                 for row in rows)
    check.unique("name", [bit.cname for bit in bits])
    check.unique("bit", [bit.value for bit in bits])
    for bit in bits:
        good = not zones or bit.zone in ("Kernel", "Libos", "User")
        check.require(good, f"{bit.name}: unknown zone {bit.zone}")
    return bits


def load_types(check: Checker, data: dict, rights: tuple[Named, ...]) -> tuple[ObjectType, ...]:
    check.place = "[types]"
    for name, number in data["types"].items():
        good = isinstance(number, int) and 1 <= number <= 255
        check.require(good, f"{name}: {number} is not from 1 to 255")
    check.unique("number", list(data["types"].values()))
    check.place = "[type_rights]"
    known = {right.cname for right in rights}
    for name, held in data["type_rights"].items():
        check.require(name in data["types"], f"unknown type {name}")
        check.require(isinstance(held, list), f"{name}: must be a list")
        check.unique(f"{name}: right", held)
        for right in held:
            check.require(right in known, f"{name}: unknown right {right}")
    for name in data["types"]:
        check.require(name in data["type_rights"], f"{name} has no row")
        check.require(name != "Any", "Any is not a type of object")
    rows = sorted(data["types"].items(), key=lambda row: row[1])
    return tuple(ObjectType(name, number, tuple(data["type_rights"][name])) for name, number in rows)


def load_groups(check: Checker, section: str, tables: dict, key: str) -> tuple[Group, ...]:
    """[flags.X] (key `bit`) and [enums.X] (key `value`: 0, 1, 2 .., so that one comparison checks it)."""
    groups = []
    for name, members in tables.items():
        check.place = f"[{section}.{name}]"
        check.require(bool(members), "has no members")
        for member, row in members.items():
            check.place = f"[{section}.{name}] {member}"
            check.keys(row, {key: int, "text": str}, {})
            check.require(0 <= row[key] <= 63, f"`{key}` is not from 0 to 63")
        check.place = f"[{section}.{name}]"
        values = [row[key] for row in members.values()]
        check.unique(key, values)
        holes = key == "value" and sorted(values) != list(range(len(values)))
        check.require(not holes, "values must be 0, 1, 2 .. without holes")
        rows = sorted(members.items(), key=lambda row: row[1][key])
        groups.append(Group(name, tuple(Named(pascal(m), m, row[key], row["text"]) for m, row in rows)))
    return tuple(groups)


class CallReader:
    """Turns the [[call]] tables into Calls."""

    def __init__(self, check: Checker, contract: Contract, titles: dict[str, str]):
        self.check = check
        self.contract = contract
        self.titles = titles
        self.types = {kind.name: kind for kind in contract.types}
        self.rights = {right.cname for right in contract.rights}

    def call(self, row: dict) -> Call:
        check = self.check
        check.place = f"call {row.get('name', '?')}"
        check.keys(row, {"name": str, "number": int, "item": list, "text": str, "args": list, "errors": list},
                   {"result": dict, "authority": str, "later": bool, "switches": bool})
        name = row["name"]
        self.identifier("name", name)
        number, count = row["number"], len(row["args"])
        check.require(0 <= number <= MAX_NUMBER, f"number {number} is not from 0 to {MAX_NUMBER}")
        check.require(count <= MAX_ARGS, f"has {count} arguments; a call has at most {MAX_ARGS}")
        args = tuple(self.arg(arg) for arg in row["args"])
        check.place = f"call {name}"
        check.unique("argument", [arg.name for arg in args])
        asked = [arg.name for arg in args if arg.kind == "demand"]
        check.require(asked == [arg.demand for arg in args if arg.demand],
                      "a cap's `demand` names an argument of that type, and each of those has its cap")
        result = self.result(name, row["result"]) if "result" in row else None
        check.require(not result or result.name not in [arg.name for arg in args] or result.kind == "message",
                      f"the result has the name of an argument: {result.name if result else ''}")
        authority = row.get("authority", "")
        known = {item.cname for item in self.contract.authorities}
        check.require(not authority or authority in known, f"unknown authority {authority}")
        self.errors(row["errors"])
        call = Call(name, number, self.titles.get(name, ""), tuple(row["item"]), row["text"], args, result,
                    tuple(row["errors"]), authority, row.get("later", False), row.get("switches", False))
        check.require(not (result and result.kind == "message") or call.is_message,
                      "a message result needs the arguments w0 to w4 after the first")
        return call

    def identifier(self, what: str, name: str) -> None:
        good = re.fullmatch(r"[a-z][a-z0-9_]*", name) and name not in RESERVED
        self.check.require(bool(good), f"{what} `{name}` is not a snake_case identifier")

    def arg(self, row: dict) -> Arg:
        check = self.check
        check.require(isinstance(row, dict), "an argument is a table")
        check.place = f"{check.place.split(',')[0]}, argument {row.get('name', '?')}"
        check.keys(row, {"name": str, "type": str}, {"rights": list, "optional": bool, "demand": str})
        self.identifier("name", row["name"])
        kind, _, detail = row["type"].partition(":")
        if kind == "cap":
            return self.cap(row, detail)
        extra = [key for key in ("rights", "optional", "demand") if key in row]
        check.require(not extra, "only a cap has `rights`, `optional` and `demand`")
        if kind in GROUPED:
            self.grouped(kind, detail)
        else:
            check.require(row["type"] in PLAIN, f"unknown type {row['type']}")
        return Arg(row["name"], kind, detail)

    def cap(self, row: dict, kind: str) -> Arg:
        check = self.check
        check.require(kind == "Any" or kind in self.types, f"unknown object type {kind}")
        rights = row.get("rights", [])
        check.unique("right", rights)
        for right in rights:
            check.require(right in self.rights, f"unknown right {right}")
            means = kind == "Any" or right in self.types[kind].rights
            check.require(means, f"{right} means nothing for {kind} (see [type_rights])")
        demand = row.get("demand", "")
        check.require(not demand or (kind == "Any" and not rights), "a cap with `demand` is cap:Any without rights")
        return Arg(row["name"], "cap", kind, tuple(rights), row.get("optional", False), demand)

    def grouped(self, kind: str, detail: str) -> None:
        groups = self.contract.flags if kind == "flags" else self.contract.enums
        known = detail in [group.name for group in groups]
        self.check.require(known, f"unknown {'flags' if kind == 'flags' else 'enum'} {detail or '?'}")

    def result(self, call: str, row: dict) -> Result:
        check = self.check
        check.place = f"call {call}, result"
        check.keys(row, {"name": str, "type": str}, {})
        self.identifier("name", row["name"])
        kind, _, detail = row["type"].partition(":")
        check.require(kind in RESULTS, f"unknown type {row['type']}; a result is one of {', '.join(RESULTS)}")
        if kind == "enum":
            self.grouped(kind, detail)
        elif kind == "handle":
            detail = detail or HANDLE_CALLS.get(call) or HANDLE_NAMES.get(row["name"], "Any")
            check.require(detail == "Any" or detail in self.types, f"unknown object type {detail}")
        else:
            check.require(not detail, f"{kind} has no part after a colon")
        check.place = f"call {call}"
        return Result(row["name"], kind, detail)

    def errors(self, names: list) -> None:
        """Names of errors; an entry with a space is a sentence for the reference."""
        self.check.unique("error", names)
        for name in names:
            known = " " in name or self.contract.error(name) is not None
            self.check.require(known, f"unknown error {name}")


def section_titles(text: str) -> dict[str, str]:
    """The title of each call's section: the last comment `# ---- title ----..` before its name."""
    titles, title = {}, ""
    for line in text.splitlines():
        if match := re.fullmatch(r"# -{4,} (.+?) -{4,}", line):
            title = match[1]
        elif match := re.fullmatch(r'name = "(\w+)"', line):
            titles[match[1]] = title
    return titles


def load(root: Path) -> Contract:
    """The contract of the tree at `root`; raises ContractError."""
    path = root / "abi" / "calls.toml"
    check = Checker(str(path))
    text = path.read_text(encoding="utf-8")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        check.fail(str(error))
    tables = {"types": dict, "type_rights": dict, "flags": dict, "enums": dict, "call": list, "version": int}
    check.keys(data, tables, {})
    errors = load_errors(root / "core" / "errors.def")
    rights = load_bits(root / "core" / "cap" / "rights.def", "FB_RIGHT", False)
    authorities = load_bits(root / "core" / "cap" / "authorities.def", "FB_AUTHORITY", True)
    parts = Contract(data["version"], load_types(check, data, rights),
                     load_groups(check, "flags", data["flags"], "bit"),
                     load_groups(check, "enums", data["enums"], "value"), (), errors, rights, authorities)
    reader = CallReader(check, parts, section_titles(text))
    calls = sorted((reader.call(row) for row in data["call"]), key=lambda call: call.number)
    check.place = ""
    check.require(bool(calls), "there are no calls")
    check.unique("call", [call.name for call in calls])
    check.unique("call number", [call.number for call in calls])
    check.unique("type or group", [snake(item.name) for item in (*parts.types, *parts.flags, *parts.enums)])
    groups = tuple(dict.fromkeys(call.group for call in calls))
    return Contract(**{**parts.__dict__, "calls": tuple(calls), "groups": groups})
