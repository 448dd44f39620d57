"""What run_system.py takes for a pass, and that the emulator goes whatever happens."""

import io
import json
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import run_system  # noqa: E402
from machine import emulator  # noqa: E402
from machine.nmi import NmiStorm  # noqa: E402
from run_system import Report  # noqa: E402

GOOD = b"TAP version 14\n1..2\n# 4 CPUs\nok 1 - a\nok 2 - b\n"


def judge(text, status=0, timed_out=False):
    """What is wrong with a run that printed text."""
    report = Report()
    report.feed(text)
    return report.verdict(status, timed_out)


class Verdicts(unittest.TestCase):
    """A pass needs the whole report and a clean end."""

    def test_complete_report_passes(self):
        self.assertEqual(judge(GOOD), [])

    def test_carriage_returns_do_not_matter(self):
        self.assertEqual(judge(GOOD.replace(b"\n", b"\r\n")), [])

    def test_silence_fails_although_the_status_is_0(self):
        self.assertEqual(judge(b""), ["no plan"])

    def test_short_report_fails(self):
        self.assertEqual(judge(b"1..2\nok 1 - a\n"), ["1 of 2 tests reported"])

    def test_long_report_fails(self):
        self.assertTrue(judge(GOOD + b"ok 3 - c\n"))

    def test_empty_plan_fails(self):
        self.assertTrue(judge(b"1..0\n"))

    def test_two_plans_fail(self):
        self.assertIn("a second plan", judge(GOOD + b"1..2\n"))

    def test_wrong_order_fails(self):
        self.assertTrue(judge(b"1..2\nok 2 - b\nok 1 - a\n"))

    def test_not_ok_fails_by_name(self):
        self.assertEqual(judge(b"1..1\nnot ok 1 - it broke\n"), ["not ok: it broke"])

    def test_not_ok_to_do_passes_and_is_counted(self):
        report = Report()
        report.feed(b"1..2\nnot ok 1 - x # TODO later\nok 2 - y # SKIP one CPU\n")
        self.assertEqual(report.verdict(0, False), [])
        self.assertEqual(report.summary(), "0 passed, 1 to do, 1 skipped")

    def test_passed_to_do_is_told(self):
        report = Report()
        report.feed(b"1..1\nok 1 - x # TODO later\n")
        self.assertIn("to do, but passed", report.summary())

    def test_status_time_and_bail_out_fail(self):
        self.assertTrue(judge(GOOD, status=3))
        self.assertTrue(judge(GOOD, timed_out=True))
        self.assertTrue(judge(GOOD + b"Bail out! no image\n"))

    def test_panic_fails_wherever_it_is_printed(self):
        panic = b"*** FeuerBird kernel panic: exception in ring 0\n"
        for text in (GOOD + panic, GOOD[:-1] + panic, b"1..2\nok 1 - a\nok 2" + panic):
            self.assertIn("the kernel panicked", judge(text))

    def test_bytes_one_by_one_give_the_same(self):
        report = Report()
        for byte in GOOD:
            report.feed(bytes([byte]))
        self.assertEqual(report.verdict(0, False), [])

    def test_diagnostics_are_not_results(self):
        self.assertEqual(judge(GOOD + b"# not ok 3 - in a comment\n  not ok 4 - indented\n"), [])


class FakeMachine(emulator.Machine):
    """A machine whose emulator is a shell script; descriptor arguments are the serial lines."""

    script = ""

    def command(self, console, frames):
        return ["/bin/sh", "-c", self.script.replace("CONSOLE", str(console))]


def boot(script, timeout=10):
    """(output, what is wrong, seconds)."""
    with tempfile.NamedTemporaryFile() as file, mock.patch.object(emulator.shutil, "which", return_value="/bin/sh"):
        machine = FakeMachine(kernel=Path(file.name), image=Path(file.name))
        machine.script = script
        out, started = io.BytesIO(), time.monotonic()
        _, wrong = run_system.run(machine, timeout, out)
        return out.getvalue(), wrong, time.monotonic() - started


class Runs(unittest.TestCase):
    """With a process in QEMU's place."""

    def test_output_is_streamed_and_judged(self):
        output, wrong, _ = boot("printf '1..1\\nok 1 - a\\n' >&CONSOLE")
        self.assertEqual(output, b"1..1\nok 1 - a\n")
        self.assertEqual(wrong, [])

    def test_failing_emulator_fails(self):
        _, wrong, _ = boot("printf '1..1\\nok 1 - a\\n' >&CONSOLE; exit 3")
        self.assertEqual(wrong, ["the emulator ended with status 3"])

    def test_hanging_emulator_is_ended(self):
        _, wrong, seconds = boot("printf '1..1\\nok 1 - a\\n' >&CONSOLE; exec sleep 60", timeout=0.5)
        self.assertEqual(wrong, ["the time is over"])
        self.assertLess(seconds, 30)


class Storms(unittest.TestCase):
    """The NMI storm against a made-up QEMU on the other end of its line."""

    def setUp(self):
        self.qemu, line = socket.socketpair()
        self.addCleanup(self.qemu.close)
        self.addCleanup(line.close)
        line.setblocking(False)
        self.storm = NmiStorm(line)

    def say(self, *answers):
        """QEMU's answers, and what they make of the storm."""
        self.qemu.sendall(b"".join(json.dumps(answer).encode() + b"\r\n" for answer in answers))
        return self.storm.receive()

    def commands(self):
        """What has been asked of QEMU since the last time."""
        self.qemu.setblocking(False)
        try:
            return [json.loads(line)["execute"] for line in self.qemu.recv(65536).splitlines()]
        except BlockingIOError:
            return []

    def test_nothing_is_asked_before_it_begins(self):
        self.assertTrue(self.say({"QMP": {}}))
        self.assertEqual(self.commands(), [])
        self.assertEqual(self.storm.injected, 0)

    def test_each_answer_brings_the_next_nmi_and_counts_the_last(self):
        self.say({"QMP": {}})
        self.storm.begin()
        self.storm.begin()
        self.assertEqual(self.commands(), ["qmp_capabilities"])
        for count in range(3):
            self.say({"return": {}}, {"event": "STOP"})
            self.assertEqual(self.commands(), ["inject-nmi"])
            self.assertEqual(self.storm.injected, count)
        self.assertEqual(self.storm.problems(2), [])
        self.assertEqual(self.storm.problems(3), ["only 2 NMIs were injected, not 3"])

    def test_answers_may_come_in_pieces(self):
        self.storm.begin()
        self.qemu.sendall(b'{"ret')
        self.assertTrue(self.storm.receive())
        self.qemu.sendall(b'urn": {}}\n')
        self.storm.receive()
        self.assertEqual(self.commands(), ["qmp_capabilities", "inject-nmi"])

    def test_a_refusal_is_told_and_ends_it(self):
        self.storm.begin()
        self.say({"return": {}}, {"error": {"class": "GenericError", "desc": "no such machine"}})
        self.assertEqual(self.commands(), ["qmp_capabilities", "inject-nmi"])
        self.assertEqual(self.storm.problems(1), ["no NMI was injected: no such machine"])

    def test_the_end_of_the_line_is_noticed(self):
        self.qemu.close()
        self.assertFalse(self.storm.receive())


if __name__ == "__main__":
    unittest.main()
