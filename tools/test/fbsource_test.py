"""Comment stripping: what is code and what is not."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from fbsource import code_lines, strip_comments  # noqa: E402


def count(text, suffix=".cpp"):
    """code_lines of a file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sample{suffix}"
        path.write_text(text, encoding="utf-8")
        return code_lines(path)


class Cxx(unittest.TestCase):
    """C and C++."""

    def test_comments_and_blanks_do_not_count(self):
        self.assertEqual(count("// a\n\n/* b\n c */\n   \nint x;  // d\n"), 1)

    def test_code_around_a_block_comment_counts(self):
        self.assertEqual(count("int /* a\n b */ x;\n/* c */ int y;\n"), 3)

    def test_signs_in_strings_are_code(self):
        self.assertEqual(count('const char* a = "/*";\nint x;\nconst char* b = "*/ \\" // ";\n'), 3)

    def test_raw_strings(self):
        text = 'auto a = R"x(\n// code\n)" /* \n)x";\nint y; // no\n'
        self.assertEqual(count(text), 5)
        self.assertIn("// code", strip_comments(text))

    def test_characters_and_digit_separators(self):
        self.assertEqual(count("char q = '\"'; // \"\nint n = 1'000; // '\nchar s = '\\''; /* ' */\n"), 3)
        self.assertNotIn("gone", strip_comments("int n = 0x7fff'ffff'f000; // gone\nint m = 1'0; // gone"))

    def test_a_line_comment_can_be_continued(self):
        self.assertEqual(count("// a \\\nstill a comment\nint x;\n"), 1)

    def test_an_unfinished_block_comment_ends_the_file(self):
        self.assertEqual(count("int x;\n/* a\n b\n"), 1)

    def test_a_division_is_not_a_comment(self):
        self.assertEqual(strip_comments("a / b / c"), "a / b / c")

    def test_lines_stay_where_they_are(self):
        text = "a\n/* b\nc */\n// d\ne\n"
        self.assertEqual(strip_comments(text).count("\n"), text.count("\n"))


class Assembly(unittest.TestCase):
    """Files that go through the C preprocessor and the assembler."""

    def test_directives_count_and_comments_do_not(self):
        text = "#include \"a.h\"\n# a comment\n  # define X 1\n  mov %eax, %ebx  # why\n// b\n/* c\n*/\n#endif\n"
        self.assertEqual(count(text, ".S"), 4)

    def test_immediates_and_strings(self):
        self.assertEqual(count('.ascii "# // /*"\n mov $\'#, %al\n nop\n', ".S"), 3)


if __name__ == "__main__":
    unittest.main()
