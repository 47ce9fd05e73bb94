"""Suspending to RAM, as a guest without processors does it: through the registers of the PIIX4 and the monitor."""

import unittest

from board_test import PcTest
from program import Qmp, connect

BASE = 0x600  # of the ACPI registers
STATUS, ENABLE, CONTROL = BASE, BASE + 2, BASE + 4
SLEEP_TO_RAM = 1 << 13 | 1 << 10 | 1
CARRY, BUTTON, CLOCK, WAKE = 1 << 0, 1 << 8, 1 << 10, 1 << 15  # CARRY: of the timer, whatever else happens
POWER_FUNCTION = 1 << 3 | 3
SHUTDOWN_STATUS, RESUME = 0x0F, "fe"
SHADOW = 0x5C  # PAM3 to PAM6 of the host bridge


class Sleep(PcTest):
    def machine(self, *arguments, **options):
        path = self.folder / f"qmp{len(list(self.folder.iterdir()))}"
        qtest = self.board("-nodefaults", "-qmp", f"unix:{path},server=on,wait=off", *arguments, **options)
        qmp = Qmp(connect(path, self.process)).__enter__()
        self.addCleanup(qmp.__exit__)
        qmp("qmp_capabilities")
        self.place_registers(qtest)
        return qtest, qmp

    def place_registers(self, qtest):
        for offset, value in ((0x40, BASE | 1), (0x80, 1)):
            qtest(f"outl 0xcf8 {1 << 31 | POWER_FUNCTION << 8 | offset}")
            qtest(f"outl 0xcfc {value}")

    def status(self, qmp):
        return qmp("query-status")["return"]

    def sleeping(self, *arguments, **options):
        qtest, qmp = self.machine(*arguments, **options)
        self.sleep(qtest, qmp)
        return qtest, qmp

    def sleep(self, qtest, qmp):
        qtest(f"outw {CONTROL} {SLEEP_TO_RAM}")
        qmp.event("SUSPEND")
        self.assertEqual(self.status(qmp), {"status": "suspended", "running": False})

    def woke(self, qtest, qmp, events=0):
        """It runs, and finds what woke it."""
        qmp.event("WAKEUP")
        self.assertEqual(self.status(qmp), {"status": "running", "running": True})
        self.place_registers(qtest)
        self.assertEqual(qtest.value(f"inw {STATUS}") & ~CARRY, WAKE | events)

    def test_it_sleeps_until_its_user_wakes_it(self):
        qtest, qmp = self.machine()
        self.assertEqual(qmp("query-current-machine")["return"], {"wakeup-suspend-support": True})
        refusal = "Unable to wake up: guest is not in suspended state"
        self.assertEqual(qmp("system_wakeup")["error"]["desc"], refusal)
        self.assertEqual(self.cmos(qtest, SHUTDOWN_STATUS), "00")
        qtest("writel 0x5000 0x12345678")
        qtest(f"outl 0xcf8 {1 << 31 | SHADOW}")
        qtest("outl 0xcfc 0x33331111")
        qtest(f"outw {ENABLE} {BUTTON}")
        self.sleep(qtest, qmp)
        self.assertEqual(self.cmos(qtest, SHUTDOWN_STATUS), RESUME)
        self.assertEqual(qmp("system_wakeup")["return"], {})
        self.woke(qtest, qmp)
        self.assertEqual(qtest.value("readl 0x5000"), 0x12345678)
        self.assertEqual(qtest.value(f"inw {ENABLE}"), 0, "it was reset")
        qtest(f"outl 0xcf8 {1 << 31 | SHADOW}")
        self.assertEqual(qtest.value("inl 0xcfc"), 0x33331111, "firmware is seen where it was")
        self.assertEqual(self.cmos(qtest, SHUTDOWN_STATUS), RESUME)
        self.assertIn("not in suspended state", qmp.human("system_wakeup"))

    def test_the_power_button_wakes_it(self):
        qtest, qmp = self.sleeping()
        qmp("system_powerdown")
        self.woke(qtest, qmp, BUTTON)

    def test_a_key_and_a_button_wake_it(self):
        for events in ([{"type": "key", "data": {"key": {"type": "qcode", "data": "a"}, "down": True}}],
                       [{"type": "btn", "data": {"button": "left", "down": True}}]):
            with self.subTest(events):
                qtest, qmp = self.sleeping()
                self.assertEqual(qmp("input-send-event", events=events)["return"], {})
                self.woke(qtest, qmp)

    def test_the_clocks_alarm_wakes_it_where_that_is_enabled(self):
        def set_alarm(qtest):
            """In 20 seconds, or less: at :30 past any minute."""
            for register, value in ((1, 0x30), (3, 0xC0), (5, 0xC0), (0x0B, 0x22)):
                qtest(f"outb 0x70 {register}")
                qtest(f"outb 0x71 {value}")

        clock = ("-rtc", "clock=vm,base=2026-01-02T03:04:10")
        for enable in (0, CLOCK):
            with self.subTest(enable=enable):
                qtest, qmp = self.machine(*clock)
                set_alarm(qtest)
                qtest(f"outw {ENABLE} {enable}")
                self.sleep(qtest, qmp)
                qtest(f"clock_step {19 * 10**9}")
                self.assertEqual(self.status(qmp)["status"], "suspended")
                qtest(f"clock_step {2 * 10**9}")
                if enable:
                    self.woke(qtest, qmp, CLOCK)
                else:
                    self.assertEqual(self.status(qmp)["status"], "suspended")

    def test_who_stops_it_finds_it_asleep_afterwards(self):
        qtest, qmp = self.sleeping()
        qmp("stop")
        self.assertEqual(self.status(qmp)["status"], "paused")
        self.assertIn("not in suspended state", qmp("system_wakeup")["error"]["desc"])
        qmp("cont")
        self.assertEqual(self.status(qmp)["status"], "suspended")
        qmp("system_wakeup")
        self.woke(qtest, qmp)

    def test_a_reset_starts_it_anew(self):
        _, qmp = self.sleeping()
        qmp("system_reset")
        qmp.event("RESET")
        self.assertEqual(self.status(qmp)["status"], "running")
        self.assertNotIn("WAKEUP", [event["event"] for event in qmp.events])

    def test_what_a_start_puts_into_memory_stays_out(self):
        file = self.file("bytes", b"\x11\x22")
        qtest, qmp = self.machine("-device", f"loader,file={file},addr=0x6000,force-raw=on",
                                  "-device", "loader,addr=0x7000,data=0x33,data-len=1")
        self.assertEqual((qtest.value("readw 0x6000"), qtest.value("readb 0x7000")), (0x2211, 0x33))
        qtest("writew 0x6000 0x5555")
        qtest("writeb 0x7000 0x66")
        self.sleep(qtest, qmp)
        qmp("system_wakeup")
        self.woke(qtest, qmp)
        self.assertEqual((qtest.value("readw 0x6000"), qtest.value("readb 0x7000")), (0x5555, 0x66))

    def test_it_sleeps_on_in_another_process(self):
        for stopped in (False, True):
            with self.subTest(stopped=stopped):
                saved = self.folder / "saved"
                _, qmp = self.sleeping()
                if stopped:
                    qmp("stop")
                qmp("migrate", uri=f"file:{saved}")
                self.assertEqual(qmp.await_status("query-migrate", "completed", "failed"), "completed")
                qtest, qmp = self.machine("-incoming", f"file:{saved}")
                self.assertEqual(qmp.await_status("query-status", "paused", "suspended") == "paused", stopped)
                if stopped:
                    qmp("cont")
                self.assertEqual(self.status(qmp)["status"], "suspended")
                qmp("system_wakeup")
                self.woke(qtest, qmp)

    def test_where_it_is_switched_off_nobody_is_told_of_it(self):
        for name, byte, states in (("S3", 3, ("disable_s3=1",)), ("S4", 4, ("disable_s4=1",))):
            with self.subTest(name):
                settings = [text for state in states for text in ("-global", f"PIIX4_PM.{state}")]
                qtest, qmp = self.machine(*settings)
                files = self.files(qtest)
                states = self.item(qtest, *files["etc/system-states"])
                self.assertEqual(states, bytes([0x80, 0, 0, 0x01 if byte == 3 else 0x81, 0x02 if byte == 4 else 0x82, 0x80]))
                key, size = files["etc/acpi/tables"]
                self.assertNotIn(f"_{name}_".encode(), self.item(qtest, key, min(size, 0x2000)))
                if name == "S3":
                    self.assertEqual(qmp("query-current-machine")["return"], {"wakeup-suspend-support": False})
                    qtest(f"outw {CONTROL} {SLEEP_TO_RAM}")
                    self.assertEqual(self.status(qmp)["status"], "running")


if __name__ == "__main__":
    unittest.main()
