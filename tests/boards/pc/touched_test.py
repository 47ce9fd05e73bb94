"""Every register that SeaBIOS and Linux were seen to touch on this board answers as it was seen to.

touched_registers.txt has a line of the qtest protocol for each access: what guests wrote, and what is read before and after. The
answers are those of a running peer, but for the lines that say "here". Not in it: local APICs, which only a processor reaches
(tests/devices/apic, and `info lapic` in monitor_test.py).
"""

import pathlib
import unittest

from program import ProgramTest
from qtest_test import Qtest

TABLE = pathlib.Path(__file__).with_name("touched_registers.txt")


class Touched(ProgramTest):
    def test_registers_answer(self):
        qtest = Qtest(self.folder)
        self.start(
            *("-M", "pc-i440fx-9.0", "-m", "128M", "-nodefaults", "-vga", "std", "-display", "none", "-S"),
            *("-serial", "null", "-parallel", "null", "-device", "e1000,addr=3,mac=52:54:00:12:34:56"),
            *("-rtc", "base=2024-02-03T04:05:06,clock=vm"),
            *("-drive", f"if=ide,index=2,media=cdrom,format=raw,file={self.file('cd', bytes(1 << 20))}"),
            *("-accel", "qtest", "-qtest", f"unix:{qtest.path}"),
        )
        qtest.accept()
        self.addCleanup(qtest.close)
        wrong, count = [], 0
        for number, line in enumerate(TABLE.read_text().splitlines(), 1):
            command, _, expected = line.split("#")[0].partition("->")
            if not command.strip():
                continue
            answer = qtest(command.strip())
            if expected.strip():
                count += 1
                if int(answer.split()[1], 0) != int(expected, 0):
                    wrong.append(f"line {number}: {line}, but {answer.split()[1]}")
        self.assertGreater(count, 250)
        self.assertEqual(wrong, [], "\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
