"""Which instructions are refused."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from check_image import offences  # noqa: E402

DISASSEMBLY = """
ffffffff80000000 <fb::kernel::save(unsigned long)>:
ffffffff80000000:      \tfxsave64\t(%rdi)
ffffffff80000004:      \tfninit
ffffffff80000006:      \tmovq\t%rax, %rbx

ffffffff80000010 <fb::kernel::sum(double)>:
ffffffff80000010:      \tfldl\t0x8(%rsp)
ffffffff80000014:      \tmovups\t%xmm0, (%rax)
ffffffff80000018:      \tretq

ffffffff80000020 <copy>:
ffffffff80000020:      \tvmovdqu\t%ymm1, (%rdi)
"""


class Offences(unittest.TestCase):
    """A disassembly as llvm-objdump prints it."""

    def test_vector_and_x87_are_found(self):
        self.assertEqual([address for _, address, _ in offences(DISASSEMBLY, set())],
                         ["ffffffff80000010", "ffffffff80000014", "ffffffff80000020"])

    def test_symbols_can_be_allowed(self):
        found = offences(DISASSEMBLY, {"copy", "fb::kernel::sum"})
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
