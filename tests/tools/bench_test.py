"""./fb bench: options, rows and verdicts, the trace's arithmetic, and the whole with a made-up emulator."""

import contextlib
import importlib.util
import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
from bench import kernel, locks, os as suite_os, table, trace  # noqa: E402
from bench.guest import Figure, RowError  # noqa: E402


def program():
    """tools/bench.py as a module; `bench` is the package beside it."""
    spec = importlib.util.spec_from_file_location("bench_program", TOOLS / "bench.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Options(unittest.TestCase):
    """The command line."""

    def test_all_rows_in_the_order_of_the_table(self):
        options = program().parse(["kernel", "--rows", "boot,null-call"])
        self.assertEqual(options.names, {"kernel": ["null-call", "boot"]})
        self.assertEqual(program().parse([]).names, {"kernel": list(kernel.ROWS)})

    def test_wrong_words_are_refused_with_status_2_and_a_list(self):
        for wrong, hint in ((["nosuite"], "kernel"), (["--rows", "nope"], "null-call"), (["--trace", "nope"], "map-1")):
            errors = io.StringIO()
            with self.assertRaises(SystemExit) as stop, contextlib.redirect_stderr(errors):
                program().parse(wrong)
            self.assertEqual(stop.exception.code, 2)
            self.assertIn(hint, errors.getvalue())


class Rows(unittest.TestCase):
    """Columns and verdicts."""

    def test_columns(self):
        row = kernel.make_row("null-call", Figure(46, 50, 1000, 0), [])
        self.assertEqual(row.line().split("\t"),
                         ["kernel", "null-call", "46", "instructions", "L4Re syscall 147", "0.31", "50", "<= 90: met"])
        self.assertEqual(len(table.HEADER.split("\t")), 8)

    def test_a_target_is_met_at_its_limit_and_missed_above(self):
        for value, met in ((90, True), (91, False)):
            self.assertIs(kernel.make_row("null-call", Figure(value, value, 1, 0), []).met, met)

    def test_a_row_beside_the_table_has_no_target(self):
        row = kernel.make_row("revoke-0-whole", Figure(1, 1, 1, 0), [])
        self.assertTrue(row.line().endswith("\t-\t-\t1\t-"))

    def test_revocation_is_judged_by_its_cost_without_descendants(self):
        rows = [kernel.make_row(name, Figure(value, value, 1, 0), [])
                for name, value in (("revoke-0", 100), ("revoke-100", 110), ("revoke-10000", 111))]
        kernel.judge_flatness(rows)
        self.assertEqual([row.met for row in rows], [True, True, False])
        alone = [kernel.make_row("revoke-100", Figure(9, 9, 1, 0), [])]
        kernel.judge_flatness(alone)
        self.assertIsNone(alone[0].met)


class Locks(unittest.TestCase):
    """The suite locks, with made-up figures."""

    def test_a_turn_is_compared_with_the_ticket_lock_of_the_same_boot(self):
        made = locks.make_rows(2, {"ticket-turn": Figure(40, 41, 9, 0), "mcs-turn": Figure(30, 31, 9, 0),
                                   "ticket-jain": Figure(1000, 900, 9, 0), "mcs-jain": Figure(990, 900, 9, 0)})
        self.assertEqual([row.name for row in made], ["ticket-2-turn", "mcs-2-turn", "ticket-2-jain", "mcs-2-jain"])
        self.assertEqual([row.ratio for row in made], [None, 0.75, None, None])


class LinuxPrograms(unittest.TestCase):
    """The suite os, with made-up lines of the program."""

    def collect(self, boots, names):
        """What collect() makes of boots that say these lines one after the other, and what words each was given."""
        given, left = [], iter(boots)

        @contextlib.contextmanager
        def boot(words, seconds):
            given.append(list(words))
            yield next(left)
        return suite_os.collect(boot, names, 1), given

    def test_the_rows_are_chosen_by_name(self):
        self.assertEqual(program().parse(["os", "--rows", "boot,getppid"]).names, {"os": ["getppid", "boot"]})

    def test_one_boot_for_all_rows(self):
        (figures, failed), given = self.collect(
            [["begin\ta", "row\ta\t7\t9\t20", "begin\tb", "row\tb\t1\t1\t1", "done"]], ["a", "b"])
        self.assertEqual((figures["a"], failed), (suite_os.Figure(7, 9, 20), {}))
        self.assertEqual(given, [["a", "b"]])

    def test_a_row_that_ends_the_machine_costs_only_itself(self):
        (figures, failed), given = self.collect(
            [["begin\ta", "row\ta\t7\t9\t20", "begin\tb"], ["begin\tc", "row\tc\t1\t1\t1", "done"]], ["a", "b", "c"])
        self.assertEqual((sorted(figures), list(failed)), (["a", "c"], ["b"]))
        self.assertEqual(given, [["a", "b", "c"], ["c"]])

    def test_a_program_that_says_why_it_failed(self):
        (_, failed), _ = self.collect([["begin\ta", "fail\tpipe\tno"], ["begin\tb", "row\tb\t1\t1\t1", "done"]], ["a", "b"])
        self.assertEqual(failed, {"a": "pipe: no"})

    def test_a_machine_that_says_nothing_fails_every_row_and_is_not_tried_again(self):
        (figures, failed), given = self.collect([[]], ["a", "b"])
        self.assertEqual((figures, sorted(failed), len(given)), ({}, ["a", "b"], 1))

    def test_a_third_of_the_peer_is_a_target_only_with_a_peer(self):
        peer = table.Peer("Linux", 300, "")
        for value, met in ((100, True), (101, False)):
            self.assertIs(suite_os.make_row("stat", suite_os.Figure(value, value, 1), peer).met, met)
        self.assertIsNone(suite_os.make_row("stat", suite_os.Figure(1, 1, 1), None).met)
        self.assertIs(suite_os.make_row("getppid", suite_os.Figure(171, 171, 1), None).met, False)

    def test_without_the_peer_that_is_said(self):
        said = []
        self.assertEqual(suite_os.peers(None, None, ["stat"], 1, said.append), {})
        self.assertIn("without ratio", said[0])


class Document(unittest.TestCase):
    """docs/benchmarks.md."""

    def test_only_what_is_between_the_comments_changes(self):
        rows = [kernel.make_row("null-call", Figure(1046, 50, 1000, 0), ["a \\1 remark"])]
        text = "before\n<!-- kernel: begin -->\nold\n<!-- kernel: end -->\nafter\n"
        made = table.update(text, "kernel", rows)
        self.assertTrue(made.startswith("before\n<!--") and made.endswith("-->\nafter\n"))
        self.assertIn("| `null-call` | 1,046 | 50 | instructions | <= 90 | **missed** | L4Re syscall 147 | 7.12 |", made)
        self.assertIn("- a \\1 remark", made)
        self.assertNotIn("old", made)
        self.assertEqual(table.update(made, "kernel", rows), made)

    def test_document_without_a_place_is_refused(self):
        with self.assertRaises(ValueError):
            table.update("nothing", "kernel", [])


class Trace(unittest.TestCase):
    """What is made of QEMU's log."""

    def test_addresses_in_order_and_a_stopped_block_once(self):
        log = ["Trace 0: 0x7f00 [0000000000000000/0000000000400010/00c0b3b3/ff000201] f\n",
               "Stopped execution of TB chain before 0x7f00 [0000000000400010] f\n",
               "Trace 0: 0x7f00 [0000000000000000/0000000000400010/00c0b3b3/ff000201] f\n",
               "Linking TBs 0x1\n", "Trace 0: 0x7f40 [0000000000000000/ffffffff80000000/00c0b3b0/ff000201]\n"]
        self.assertEqual(trace.executed(log), [0x400010, 0xffffffff80000000])

    def test_between_the_first_two_markers(self):
        self.assertEqual(trace.between([1, 9, 2, 3, 8, 4, 9], {8, 9}), [2, 3])
        with self.assertRaises(RowError):
            trace.between([1, 9, 2], {8, 9})

    def test_names(self):
        self.assertEqual(trace.short("fb::kernel::sched::(anonymous namespace)::judge(fb::kernel::object::Cpu const&)"),
                         "sched::judge")
        self.assertEqual(trace.short("syscall_entry"), "syscall_entry")
        self.assertEqual(trace.short("fb::kernel::arch::RankedLock<(fb::kernel::arch::Rank)2>::take()"),
                         "arch::RankedLock<(arch::Rank)2>::take")

    def test_counts_add_up(self):
        places = {1: trace.Place("f", "g", "a:1", "nop"), 2: trace.Place("f", "f", "a:2", "nop"),
                  3: trace.Place("h", "h", "b:1", "ret")}
        lines = list(trace.report("row", [1, 2, 3, 1], places, True))
        self.assertIn("4 instructions", lines[0])
        runs = [line.split() for line in lines[2:] if line.startswith("      ") and len(line.split()) == 2]
        self.assertEqual(runs[:3], [["2", "f"], ["1", "h"], ["1", "f"]])
        self.assertEqual([line.split() for line in lines[lines.index(next(x for x in lines if "in all" in x)) + 1:]],
                         [["3", "f"], ["1", "h"]])


FAKE = """\
#!{python}
import os, re, socket, sys, time
line = " ".join(sys.argv)
console, frames = (socket.socket(fileno=int(fd)) for fd in re.findall(r",fd=([0-9]+)", line))
row = sys.argv[sys.argv.index("-append") + 1].split()[0]
def say(*fields):
    console.sendall("\\t".join(fields).encode() + b"\\n")
{body}
"""


class Whole(unittest.TestCase):
    """tools/bench.py as a process, with a Python program in the place of QEMU."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name in ("images/kernel.elf", "bench/kernel.cpio"):
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_bytes(b"")

    def bench(self, body, *arguments):
        """(status, rows without comments, errors); body is what the emulator does."""
        fake = self.folder / "qemu-system-x86_64"
        fake.write_text(FAKE.format(python=sys.executable, body=textwrap.dedent(body)), encoding="utf-8")
        fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
        environment = dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}")
        done = subprocess.run([sys.executable, "-B", str(TOOLS / "bench.py"), "--build", str(self.folder), *arguments],
                              env=environment, capture_output=True, text=True, timeout=60, check=False)
        rows = [line.split("\t") for line in done.stdout.splitlines() if not line.startswith("#")]
        return done.returncode, rows, done.stderr + done.stdout

    def test_missed_target_is_status_0_and_said(self):
        status, rows, out = self.bench("""say("row", row, "91", "99", "10", "0"); say("done")""", "--rows", "null-call")
        self.assertEqual(status, 0)
        self.assertEqual(rows[0][1:4] + rows[0][6:], ["null-call", "91", "instructions", "99", "<= 90: missed"])
        self.assertIn("targets missed: null-call", out)

    def test_row_that_fails_is_status_1_and_the_others_are_measured(self):
        status, rows, out = self.bench("""
            if row == "cap-check":
                say("fail", "cap_check", "EXO_E_STALE")
            else:
                say("row", row, "1", "1", "10", "0"); say("note", "a remark"); say("done")
        """, "--rows", "cap-check,null-call,boot")
        self.assertEqual((status, [row[1] for row in rows]), (1, ["null-call", "boot"]))
        self.assertIn("cap-check: cap_check: EXO_E_STALE", out)
        self.assertIn("# a remark", out)

    def test_panic_shows_the_guests_last_words(self):
        status, _, out = self.bench("""say("*** FeuerBird kernel panic: x"); sys.exit(255)""", "--rows", "boot")
        self.assertEqual(status, 1)
        self.assertIn("kernel panic: x", out)

    def test_end_before_the_row_is_done_is_an_error_though_the_status_is_0(self):
        self.assertEqual(self.bench("""say("row", row, "1", "1", "1", "0")""", "--rows", "boot")[0], 1)

    def test_silence_ends_by_the_timeout(self):
        status, _, out = self.bench("time.sleep(50)", "--rows", "boot", "--timeout", "0.5")
        self.assertEqual(status, 1)
        self.assertIn("0.5 s", out)

    def test_the_emulator_is_told_to_count(self):
        _, rows, _ = self.bench("""
            ok = "-icount shift=0,sleep=off" in line and "-smp 1" in line and "-erms,-fsrm" in line
            say("row", row, "1" if ok else "0", "1", "1", "0"); say("done")
        """, "--rows", "boot")
        self.assertEqual(rows[0][2], "1")

    def test_json_has_all_that_is_known(self):
        path = self.folder / "out.json"
        self.bench("""say("row", row, "45", "47", "10", "3"); say("done")""", "--rows", "null-call", "--json", str(path))
        row = json.loads(path.read_text(encoding="utf-8"))["rows"][0]
        self.assertEqual((row["value"], row["worst"], row["disturbed"], row["met"], row["peer"]["value"]), (45, 47, 3, True, 147))

    def test_what_is_not_built_is_said(self):
        (self.folder / "images" / "kernel.elf").unlink()
        status, _, out = self.bench("pass", "--rows", "boot")
        self.assertEqual(status, 1)
        self.assertIn("is not built", out)


if __name__ == "__main__":
    unittest.main()
