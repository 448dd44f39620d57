"""The table of Linux's calls: what is in it, and which lists are refused."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import linux_abi  # noqa: E402

NAMES = "// all\nFB_LINUX_NAME(0, read)\nFB_LINUX_NAME(1, write)\nFB_LINUX_NAME(5, fstat)\n"
CALLS = "FB_LINUX_CALL(0, read)\nFB_LINUX_CALL(5, fstat)\n"
PARTIAL = 'FB_LINUX_PARTIAL(fstat, "half of it")\n'


class Document(unittest.TestCase):
    """What becomes of good lists."""

    def test_each_call_is_in_one_of_three_tables(self):
        text = linux_abi.document(*linux_abi.tables(NAMES, CALLS, PARTIAL))
        for row in ("| all of Linux | 3 |", "| implemented | 1 |", "| partial | 1 |", "| absent | 1 |"):
            self.assertIn(row, text)
        partial, implemented = text.index("## Partial"), text.index("## Implemented")
        absent = text.index("## Absent")
        self.assertLess(partial, text.index("| 5 | `fstat` | half of it |"))
        self.assertLess(implemented, text.index("| 0 | `read` |"))
        self.assertLess(absent, text.index("| 1 | `write` |"))
        self.assertEqual(text.count("`fstat`"), 1)


class Refused(unittest.TestCase):
    """Lists that contradict each other."""

    def refuse(self, what, names=NAMES, calls=CALLS, partial=PARTIAL):
        with self.assertRaisesRegex(linux_abi.SourceError, what):
            linux_abi.tables(names, calls, partial)

    def test_a_name_that_is_not_linux_s(self):
        self.refuse("1 is not", calls="FB_LINUX_CALL(1, writes)\n", partial="")

    def test_a_number_that_linux_has_not(self):
        self.refuse("7 is not", calls="FB_LINUX_CALL(7, read)\n", partial="")

    def test_a_partial_call_that_is_absent(self):
        self.refuse("write is no call", partial='FB_LINUX_PARTIAL(write, "x")\n')

    def test_one_that_is_there_twice(self):
        self.refuse("twice", partial=PARTIAL * 2)
        self.refuse("in order", calls=CALLS * 2)

    def test_lines_out_of_order(self):
        self.refuse("order of numbers", partial=PARTIAL + 'FB_LINUX_PARTIAL(read, "x")\n')

    def test_lines_that_are_none(self):
        self.refuse("not understood", partial="FB_LINUX_PARTIAL(read, )\n")


if __name__ == "__main__":
    unittest.main()
