"""The board through the qtest protocol: memory, clock and lines without a CPU."""

import socket
import unittest

from program import DEADLINE, ProgramTest


class Qtest:
    """The test's end, which listens, as the peer's test library does."""

    def __init__(self, folder):
        self.path = folder / "qtest.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.listener.settimeout(DEADLINE)
        self.lines_seen = []

    def accept(self):
        self.client = self.listener.accept()[0]
        self.client.settimeout(DEADLINE)
        self.lines = self.client.makefile("r")

    def close(self):
        self.lines.close()
        self.client.close()
        self.listener.close()

    def __call__(self, command):
        self.client.sendall(command.encode() + b"\n")
        while True:
            line = self.lines.readline().rstrip("\n")
            if not line.startswith("IRQ "):
                return line
            self.lines_seen.append(line)

    def value(self, command):
        kind, value = self(command).split()
        assert kind == "OK", value
        return int(value, 0)


class Board(ProgramTest):
    def setUp(self):
        super().setUp()
        self.qtest = Qtest(self.folder)
        self.process = self.start(
            *("-display", "none", "-M", "virt", "-m", "64M", "-bios", "none"),
            *("-accel", "qtest", "-qtest", f"unix:{self.qtest.path}", "-serial", "null"),
        )
        self.qtest.accept()
        self.addCleanup(self.qtest.close)

    def test_memory(self):
        self.assertEqual(self.qtest("writel 0x80000000 0x12345678"), "OK")
        self.assertEqual(self.qtest("readw 0x80000002"), "OK 0x0000000000001234")
        self.assertEqual(self.qtest("write 0x80000010 4 0xdeadbeef"), "OK")
        self.assertEqual(self.qtest("read 0x80000010 4"), "OK 0xdeadbeef")
        self.assertEqual(self.qtest("b64read 0x80000010 3"), "OK 3q2+")
        self.assertEqual(self.qtest("endianness"), "OK little")

    def test_a_hole_answers(self):
        self.assertTrue(self.qtest("readl 0x50").startswith("OK 0x"))
        self.assertEqual(self.qtest("writel 0x50 1"), "OK")

    def test_time_stands_still_until_it_is_stepped(self):
        # mtime of the ACLINT counts at 10 MHz: 100 ns each.
        before = self.qtest.value("readq 0x200bff8")
        self.assertEqual(self.qtest.value("readq 0x200bff8"), before)
        now = self.qtest.value("clock_step 1000")
        self.assertEqual(self.qtest.value("readq 0x200bff8"), before + 10)
        self.assertEqual(self.qtest.value("clock_set 5000000"), 5000000)
        self.assertLess(now, 5000000)

    def test_the_goldfish_clock_reads_in_two_halves(self):
        low = self.qtest.value("readl 0x101000")
        high = self.qtest.value("readl 0x101004")
        date = (high << 32 | low) // 10**9
        self.assertGreater(date, 1_600_000_000)

    def test_an_interrupt_reaches_a_hart(self):
        # The transmitter of the UART is empty: with its interrupt enabled (IER bit 1), source 10 is pending.
        self.assertEqual(self.qtest("writel 0xc000028 1"), "OK")  # priority of source 10
        self.assertEqual(self.qtest("writel 0xc002080 0x400"), "OK")  # enable it for hart 0, supervisor
        self.assertEqual(self.qtest("writeb 0x10000001 2"), "OK")
        self.assertEqual(self.qtest.value("readl 0xc001000") & 0x400, 0x400)
        self.assertEqual(self.qtest.value("readl 0xc201004"), 10)  # claim

    def test_power_off(self):
        self.qtest.client.sendall(b"writel 0x100000 0x5555\n")
        self.assertEqual(self.process.wait(timeout=DEADLINE), 0)

    def test_what_is_no_command_fails(self):
        self.assertTrue(self.qtest("fly").startswith("FAIL "))
        self.assertTrue(self.qtest("irq_intercept_in /nowhere").startswith("FAIL "))


if __name__ == "__main__":
    unittest.main()
