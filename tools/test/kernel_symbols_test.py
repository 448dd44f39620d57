"""Names and the table that the kernel's second link gets."""

import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import kernel_symbols  # noqa: E402

LISTING = """ffffffff80200010 T second
ffffffff80200000 t fb::kernel::sched::stop(fb::kernel::object::Cpu&, std::span<char, 4ul>)
ffffffff80200010 T alias
ffffffff80300000 D data
0000000000001000 T absolute
"""


class Names(unittest.TestCase):
    """What a backtrace prints."""

    def test_parameters_templates_and_return_types_go(self):
        self.assertEqual(kernel_symbols.short_name("fb::kernel::sched::stop(fb::kernel::object::Cpu&)"),
                         "kernel::sched::stop")
        self.assertEqual(kernel_symbols.short_name("fb::abi::Reply fb::abi::decode_null<fb::X>(unsigned long)"),
                         "abi::decode_null")
        self.assertEqual(kernel_symbols.short_name("fb::(anonymous namespace)::f() const"), "f")
        self.assertEqual(kernel_symbols.short_name("syscall_entry"), "syscall_entry")


class Table(unittest.TestCase):
    """What the image carries."""

    def test_functions_are_sorted_and_one_per_address(self):
        answer = mock.Mock(stdout="".join(sorted(LISTING.splitlines(True))))
        with mock.patch.object(kernel_symbols.subprocess, "run", return_value=answer):
            self.assertEqual(kernel_symbols.functions("image"),
                             [(0x200000, "kernel::sched::stop"), (0x200010, "alias")])

    def test_offsets_names_and_lines_are_there(self):
        text = kernel_symbols.assembly([(0x10, "a"), (0x20, "bc")], 77)
        self.assertIn("ring0_line_count:\n  .quad 77\n", text)
        self.assertIn("symbol_count:\n  .long 2\n", text)
        self.assertIn("  .long 0x10\n  .long 0x20\n", text)
        self.assertIn("symbol_names:\n  .long 0\n  .long 2\n", text)
        self.assertIn("  .asciz \"a\"\n  .asciz \"bc\"\n", text)


if __name__ == "__main__":
    unittest.main()
