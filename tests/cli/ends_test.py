"""What a guest's end is followed by, and what is kept of what it said."""

import json
import os
import select
import struct
import unittest

from monitors_test import Qmp
from program import ProgramTest, connect

# lui t0, 0x100; lui t1, 5; addi t1, t1, 0x555; sw t1, 0(t0); j .: the test finisher's word for success
POWER_OFF = struct.pack("<5I", 0x001002B7, 0x00005337, 0x55530313, 0x0062A023, 0x0000006F)
SPOKEN = 300
# lui t0, 0x10000; li t2, 300; 1: lbu t3, 5(t0); andi t3, t3, 0x20; beqz t3, 1b; li t1, 'A'; sb t1, 0(t0);
# addi t2, t2, -1; bnez t2, 1b: as many letters to the serial port
SPEAK = struct.pack(
    "<9I", 0x100002B7, 0x12C00393, 0x0052CE03, 0x020E7E13, 0xFE0E0CE3, 0x04100313, 0x00628023, 0xFFF38393, 0xFE0394E3
)


class Ends(ProgramTest):
    def machine(self, firmware, *options):
        path = self.folder / "qmp.sock"
        self.process = self.start(
            *("-display", "none", "-M", "virt", "-m", "64M", "-S", "-bios", self.file("firmware", firmware)),
            *("-monitor", "none", "-qmp", f"unix:{path},server=on,wait=off", *options),
        )
        qmp = Qmp(connect(path, self.process))
        self.addCleanup(qmp.__exit__)
        qmp("qmp_capabilities")
        return qmp

    def test_a_power_off_ends_with_0(self):
        qmp = self.machine(POWER_OFF)
        qmp("cont")
        self.assertEqual(qmp.event("SHUTDOWN")["data"], {"guest": True, "reason": "guest-shutdown"})
        self.assertEqual(self.process.wait(timeout=60), 0)

    def test_after_a_shutdown_it_goes_on_with_a_reset_only(self):
        for options in (("-no-shutdown",), ("-action", "shutdown=pause")):
            with self.subTest(options):
                qmp = self.machine(POWER_OFF, *options)
                qmp("cont")
                self.assertEqual(qmp.event("SHUTDOWN")["data"], {"guest": True, "reason": "guest-shutdown"})
                qmp.event("STOP")
                self.assertEqual(qmp("query-status")["return"], {"status": "shutdown", "running": False})
                self.assertIn("Resetting the Virtual Machine is required", qmp("cont")["error"]["desc"])
                qmp("system_reset")
                qmp.event("RESET")
                qmp.events.clear()
                qmp("cont")
                qmp.event("SHUTDOWN")
                qmp("quit")
                self.assertEqual(self.process.wait(timeout=60), 0)

    def test_actions_have_all_their_pairs(self):
        pairs = {
            "reboot": ("reset", "shutdown"),
            "shutdown": ("poweroff", "pause"),
            "panic": ("pause", "shutdown", "exit-failure", "none"),
            "watchdog": ("reset", "shutdown", "poweroff", "pause", "debug", "none", "inject-nmi"),
        }
        qmp = self.machine(POWER_OFF)
        for event, choices in pairs.items():
            for choice in choices:
                plan = self.run_program("-M", "virt", "-action", f"{event}={choice}", "-print-plan")
                self.assertEqual(json.loads(plan.output)["actions"][event], choice)
                self.assertEqual(qmp("set-action", **{event: choice}), {"return": {}})
            self.assertIn("error", qmp("set-action", **{event: "nothing"}))
            refused = self.run_program("-M", "virt", "-action", f"{event}=nothing")
            self.assertIn(f"-action {event}=nothing: ", refused.errors)

    def test_registers_are_logged(self):
        log = self.folder / "log"
        qmp = self.machine(POWER_OFF, "-d", "cpu", "-D", log)
        qmp("cont")
        self.assertEqual(self.process.wait(timeout=60), 0)
        self.assertRegex(log.read_text(), r"\bpc\s+0*80000000\b")

    def test_a_terminal_hears_all_that_is_said_after_it_was_opened(self):
        qmp = self.machine(SPEAK + POWER_OFF, "-serial", "pty", "-no-shutdown")
        name = {row["label"]: row["filename"] for row in qmp("query-chardev")["return"]}["serial0"]
        terminal = os.open(name.removeprefix("pty:"), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.addCleanup(os.close, terminal)
        qmp("cont")
        heard = b""
        while len(heard) < SPOKEN:
            self.assertTrue(select.select([terminal], [], [], 60)[0], f"only {len(heard)} bytes came")
            heard += os.read(terminal, 4096)
        self.assertEqual(heard, b"A" * SPOKEN)

    def test_a_tree_is_written_and_nothing_runs(self):
        tree, spoken = self.folder / "tree", self.folder / "spoken"
        result = self.run_program(
            *("-M", f"virt,dumpdtb={tree}", "-display", "none", "-serial", f"file:{spoken}"),
            *("-bios", self.file("firmware", SPEAK + POWER_OFF)),
        )
        self.assertEqual((result.status, result.errors), (0, ""))
        self.assertEqual(tree.read_bytes()[:4], b"\xd0\x0d\xfe\xed")
        self.assertEqual(spoken.read_bytes(), b"")

    def test_many_harts(self):
        qmp = self.machine(POWER_OFF, "-smp", "512")
        self.assertEqual(len(qmp("query-cpus-fast")["return"]), 512)
        qmp("cont")
        self.assertEqual(self.process.wait(timeout=60), 0)

    def test_a_large_initial_ram_disk_is_placed(self):
        disk = self.folder / "initrd"
        with open(disk, "wb") as file:
            file.truncate(1100 << 20)
        kernel = self.file("kernel", POWER_OFF)
        result = self.run_program(*("-M", "virt", "-display", "none", "-m", "5G", "-bios", "none"), *("-kernel", kernel, "-initrd", disk))
        self.assertEqual((result.status, result.errors), (0, ""))


if __name__ == "__main__":
    unittest.main()
