#!/usr/bin/env python3
"""What the generator of the ring-0 ABI accepts, refuses and writes."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tools"))

from abigen import emit_c, emit_calls, emit_cases, emit_decode, emit_docs, emit_types  # noqa: E402
from abigen.load import load  # noqa: E402
from abigen.model import ContractError  # noqa: E402
from abigen.scalars import implied_errors  # noqa: E402
from abigen.text import WIDTH, listing  # noqa: E402

INPUTS = ["abi/calls.toml", "core/errors.def", "core/cap/rights.def", "core/cap/authorities.def"]
EMITTERS = [emit_c, emit_types, emit_calls, emit_decode, emit_cases, emit_docs]

CONTRACT = """
version = 1
[types]
Pages = 1
Gate = 2
[type_rights]
Pages = ["READ", "MAP"]
Gate = ["INVOKE"]
[flags.Access]
READ = { bit = 0, text = "readable" }
WRITE = { bit = 1, text = "writable" }
[enums.Clock]
MONOTONIC = { value = 0, text = "since boot" }
REALTIME = { value = 1, text = "since 1970" }

# ---- memory ------------------------------------------------------

[[call]]
name = "map"
number = 3
item = ["C1"]
text = "Maps."
args = [{ name = "pages", type = "cap:Pages", rights = ["MAP"] }, { name = "access", type = "flags:Access" }]
result = { name = "pages_mapped", type = "word" }
errors = ["BadArgument"]

# ---- time --------------------------------------------------------

[[call]]
name = "clock"
number = 1
item = ["C2"]
text = "Reads a clock."
args = [{ name = "clock", type = "enum:Clock" }]
errors = []
authority = "HARDWARE"
"""


class Tree:
    """A source tree with the inputs of the generator, for one test."""

    def __init__(self, contract: str = CONTRACT):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        for name in INPUTS:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, self.root / name)
        (self.root / INPUTS[0]).write_text(contract, encoding="utf-8")

    def load(self):
        return load(self.root)

    def append(self, name: str, line: str) -> None:
        with open(self.root / name, "a", encoding="utf-8") as file:
            file.write(line)


class TreeTest(unittest.TestCase):
    def tree(self, contract: str = CONTRACT) -> Tree:
        tree = Tree(contract)
        self.addCleanup(tree.folder.cleanup)
        return tree


class Refused(TreeTest):
    """Each mistake is named with the place where it is."""

    def refuse(self, old: str, new: str, *messages: str) -> None:
        self.assertEqual(CONTRACT.count(old), 1, f"`{old}` must be there once")
        self.refuse_tree(self.tree(CONTRACT.replace(old, new)), *messages)

    def refuse_tree(self, tree: Tree, *messages: str) -> None:
        with self.assertRaises(ContractError) as raised:
            load(tree.root)
        for message in messages:
            self.assertIn(message, str(raised.exception))

    def test_duplicate_numbers(self):
        self.refuse("number = 3", "number = 1", "call number 1 is there twice")
        self.refuse("Gate = 2", "Gate = 1", "[types]", "number 1 is there twice")
        self.refuse("bit = 1", "bit = 0", "[flags.Access]", "bit 0 is there twice")

    def test_duplicate_names(self):
        self.refuse('name = "map"', 'name = "clock"', "call clock is there twice")
        self.refuse('name = "access", type', 'name = "pages", type', "map: argument pages is there twice")
        self.refuse('"READ", "MAP"]\nG', '"MAP", "MAP"]\nG', "right MAP is there twice")

    def test_a_number_beyond_the_table(self):
        self.refuse("number = 3", "number = 256", "call map", "256 is not from 0 to 255")
        self.refuse("number = 3", "number = -1", "-1 is not from 0 to 255")
        self.refuse("number = 3", "number = true", "`number` must be of type int")

    def test_unknown_types(self):
        self.refuse("cap:Pages", "cap:Page", "call map, argument pages", "unknown object type Page")
        self.refuse("flags:Access", "flags:Excess", "argument access", "unknown flags Excess")
        self.refuse("flags:Access", "flags", "unknown flags ?")
        self.refuse("enum:Clock", "enum:Access", "call clock, argument clock", "unknown enum Access")
        self.refuse("enum:Clock", "integer", "unknown type integer")
        self.refuse("enum:Clock", "address:word", "unknown type address:word")
        self.refuse('type = "word"', 'type = "rights"', "call map, result", "unknown type rights")
        self.refuse('type = "word"', 'type = "handle:Page"', "unknown object type Page")
        self.refuse('type = "word"', 'type = "enum:Stop"', "unknown enum Stop")
        self.refuse('type = "word"', 'type = "word:Pages"', "word has no part after a colon")
        self.refuse('type = "word"', 'type = "message"', "needs the arguments w0 to w4")

    def test_unknown_rights_errors_and_authorities(self):
        self.refuse('rights = ["MAP"]', 'rights = ["FLY"]', "call map, argument pages", "unknown right FLY")
        self.refuse('Gate = ["INVOKE"]', 'Gate = ["FLY"]', "[type_rights]", "Gate: unknown right FLY")
        self.refuse('errors = ["BadArgument"]', 'errors = ["Bad"]', "call map: unknown error Bad")
        self.refuse('"HARDWARE"', '"SOFTWARE"', "call clock: unknown authority SOFTWARE")

    def test_a_right_that_means_nothing_for_the_type(self):
        self.refuse('rights = ["MAP"]', 'rights = ["INVOKE"]', "INVOKE means nothing for Pages")

    def test_more_arguments_than_registers(self):
        many = ", ".join(f'{{ name = "a{i}", type = "word" }}' for i in range(7))
        self.refuse('args = [{ name = "clock", type = "enum:Clock" }]', f"args = [{many}]", "call clock",
                    "has 7 arguments; a call has at most 6")

    def test_rights_on_a_scalar(self):
        self.refuse('type = "enum:Clock"', 'type = "word", rights = ["READ"]', "only a cap has `rights`")
        self.refuse('type = "enum:Clock"', 'type = "word", optional = true', "only a cap has `rights`")

    def test_a_demand_without_its_other_half(self):
        clock = '{ name = "clock", type = "enum:Clock" }'
        both = '{ name = "cap", type = "cap:Any", demand = "%s" }, { name = "need", type = "%s" }'
        self.tree(CONTRACT.replace(clock, both % ("need", "demand"))).load()
        for name, kind in (("need", "word"), ("other", "demand")):
            self.refuse(clock, both % (name, kind), "call clock", "a cap's `demand` names an argument")
        self.refuse(clock, '{ name = "need", type = "demand" }', "call clock", "a cap's `demand` names an argument")
        self.refuse(clock, '{ name = "cap", type = "cap:Pages", demand = "need" }', "cap:Any without rights")
        self.refuse('type = "enum:Clock"', 'type = "word", demand = "need"', "only a cap has `rights`")

    def test_keys(self):
        self.refuse('text = "Maps."', 'txet = "Maps."', "call map", "unknown key `txet`")
        self.refuse('text = "Maps."\n', "", "call map: `text` is missing")
        self.refuse('item = ["C1"]', 'item = "C1"', "`item` must be of type list")
        self.refuse("version = 1", "", "`version` is missing")
        self.refuse("bit = 0", "value = 0", "[flags.Access] READ", "unknown key `value`")

    def test_names_that_are_no_identifiers(self):
        self.refuse('name = "map"', 'name = "mapPages"', "`mapPages` is not a snake_case identifier")
        self.refuse('name = "map"', 'name = "delete"', "`delete` is not a snake_case identifier")
        self.refuse('name = "access"', 'name = "call"', "`call` is not a snake_case identifier")

    def test_an_enumeration_with_holes(self):
        self.refuse("value = 1", "value = 2", "[enums.Clock]", "without holes")

    def test_a_type_without_rights(self):
        self.refuse('Gate = ["INVOKE"]\n', "", "[type_rights]: Gate has no row")
        self.refuse("Gate = 2", "Any = 2", "unknown type Gate")

    def test_a_file_that_is_not_toml(self):
        self.refuse("version = 1", "version =", "calls.toml", "line 2")

    def test_rows_of_the_lists_in_core(self):
        for name, line, message in [
            ("core/errors.def", 'FB_ERROR(BadCall, 99, "again")\n', "error BadCall is there twice"),
            ("core/errors.def", 'FB_ERROR(Other, 1, "again")\n', "number 1 is there twice"),
            ("core/errors.def", 'FB_ERROR(Other, 0, "zero is success")\n', "`0` is not a number from 1"),
            ("core/errors.def", "FB_ERROR(Other)\n", "is not a row FB_ERROR(..)"),
            ("core/cap/rights.def", 'FB_RIGHT(Fly, FLY, 64, "flies")\n', "`64` is not a number from 0 to 63"),
            ("core/cap/rights.def", 'FB_RIGHT(Fly, FLY, "flies")\n', "has 3 fields, not 4"),
            ("core/cap/authorities.def", 'FB_AUTHORITY(Fly, FLY, 63, Sky, "flies")\n', "unknown zone Sky"),
        ]:
            tree = self.tree()
            tree.append(name, line)
            self.refuse_tree(tree, Path(name).name, message)


class Accepted(TreeTest):
    def test_calls_are_ordered_by_number_and_know_their_section(self):
        contract = self.tree().load()
        found = [(call.name, call.group) for call in contract.calls]
        self.assertEqual(found, [("clock", "time"), ("map", "memory")])
        self.assertEqual(contract.limit, 4)

    def test_errors_that_arguments_and_authority_imply(self):
        contract = self.tree().load()
        self.assertEqual(implied_errors(contract, contract.calls[0]), ["BadArgument", "Authority"])

    def test_the_type_of_a_handle_is_named_or_follows_from_the_name_of_the_result(self):
        for result, detail in [('"pages_mapped", type = "handle:Gate"', "Gate"),
                               ('"gate", type = "handle"', "Gate"), ('"other", type = "handle"', "Any")]:
            contract = self.tree(CONTRACT.replace('"pages_mapped", type = "word"', result)).load()
            self.assertEqual(contract.calls[1].result.detail, detail)

    def test_a_flag_set_with_holes_has_the_mask_of_its_bits(self):
        contract = self.tree(CONTRACT.replace("bit = 1", "bit = 5")).load()
        self.assertEqual(contract.flags[0].mask, 0x21)


class Written(TreeTest):
    def generate(self, *arguments: str, seed: str = "0") -> tuple[int, str]:
        """Exit status and diagnostics."""
        command = [sys.executable, "-B", str(REPO / "tools" / "abigen.py"), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True,
                              env={**os.environ, "PYTHONHASHSEED": seed})
        return done.returncode, done.stderr

    def test_no_line_of_code_is_longer_than_the_house_allows(self):
        contract = load(REPO)
        for emitter in EMITTERS[:4]:
            long = [line for line in emitter.emit(contract).split("\n") if len(line) > WIDTH]
            # One lookup with two rights cannot be broken without breaking an expression.
            self.assertEqual([line for line in long if "lookup<" not in line], [], emitter.__name__)

    def test_the_same_input_gives_the_same_bytes(self):
        first, second = self.tree(), self.tree()
        outputs = []
        for tree, seed in [(first, "1"), (second, "2")]:
            self.generate("--root", str(tree.root), "--out", str(tree.root / "gen"), "--docs",
                          str(tree.root / "calls.md"), seed=seed)
            files = sorted((tree.root / "gen" / "abi").iterdir()) + [tree.root / "calls.md"]
            outputs.append([(file.name, file.read_bytes()) for file in files])
        self.assertEqual(outputs[0], outputs[1])
        self.assertEqual([name for name, _ in outputs[0]],
                         ["calls.hpp", "decode.hpp", "decode_cases.hpp", "exo.h", "types.hpp", "calls.md"])

    def test_a_header_that_does_not_change_keeps_its_time(self):
        tree = self.tree()
        arguments = ["--root", str(tree.root), "--out", str(tree.root / "gen")]
        self.assertEqual(self.generate(*arguments)[0], 0)
        header = tree.root / "gen" / "abi" / "exo.h"
        os.utime(header, ns=(1, 1))
        self.assertEqual(self.generate(*arguments)[0], 0)
        self.assertEqual(header.stat().st_mtime_ns, 1)

    def test_check_compares_and_does_not_write(self):
        tree = self.tree()
        page = tree.root / "calls.md"
        arguments = ["--root", str(tree.root), "--docs", str(page)]
        status, message = self.generate(*arguments, "--check")
        self.assertEqual(status, 1)
        self.assertIn("is not what abi/calls.toml says", message)
        self.assertFalse(page.exists())
        self.assertEqual(self.generate(*arguments)[0], 0)
        self.assertEqual(self.generate(*arguments, "--check"), (0, ""))
        page.write_text(page.read_text(encoding="utf-8") + "more\n", encoding="utf-8")
        self.assertEqual(self.generate(*arguments, "--check")[0], 1)

    def test_bad_input_exits_2_with_the_file_and_writes_nothing(self):
        tree = self.tree(CONTRACT.replace("number = 3", "number = 1"))
        status, message = self.generate("--root", str(tree.root), "--out", str(tree.root / "gen"))
        self.assertEqual(status, 2)
        self.assertRegex(message, r"calls\.toml: call number 1 is there twice")
        self.assertFalse((tree.root / "gen").exists())

    def test_the_decode_thunk_checks_scalars_then_authority_then_capabilities(self):
        contract = CONTRACT.replace('errors = ["BadArgument"]', 'errors = []\nauthority = "SOCKET"')
        text = emit_decode.emit(self.tree(contract).load())
        thunk = text[text.index("decode_map("):]
        parts = ["valid(Access(a1))", "Authority::Socket", "lookup<ObjectType::Pages>",
                 "call.map(*pages, Access(a1))"]
        order = [thunk.index(part) for part in parts]
        self.assertEqual(order, sorted(order))

    def test_the_reference_names_every_call_error_and_right(self):
        contract = load(REPO)
        page = emit_docs.emit(contract)
        for call in contract.calls:
            self.assertIn(f"### exo_{call.name}\n", page)
            for item in call.item:
                self.assertIn(item, page)
        for error in contract.errors:
            self.assertIn(f"| {error.number} | `EXO_E_", page)
            self.assertIn(error.text, page)
        for right in contract.rights:
            self.assertIn(f"`EXO_RIGHT_{right.cname}`", page)

    def test_a_list_is_broken_between_items_only(self):
        items = [f"item_number_{i}" for i in range(40)]
        lines = listing("  head(", items, ");")
        self.assertTrue(all(len(line) <= WIDTH for line in lines))
        self.assertEqual(" ".join(line.strip() for line in lines), "head(" + ", ".join(items) + ");")
        self.assertEqual(listing("head(", [], ");"), ["head();"])


if __name__ == "__main__":
    unittest.main()
