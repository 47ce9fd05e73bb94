"""Port 5658h of the PC board, asked by a boot sector: translated, and under KVM where there is one. The answers are those of a
running peer."""

import os
import pathlib
import select
import struct
import time
import unittest

from program import DEADLINE, ProgramTest, Qmp, connect

SECTOR = pathlib.Path(os.environ["BACKPLANE_PC_KERNELS"]) / "vmport.kernel"
MACHINE = ("-m", "64", "-nodefaults", "-display", "none", "-uuid", "12345678-9abc-def0-1122-334455667788")
MAGIC, NONE, EDX = 0x564D5868, 0xFFFFFFFF, 0x12345658
ENABLE, RELATIVE, ABSOLUTE, FAILED = 0x45414552, 0x4C455252, 0x53424152, 0xFFFF0000
STATUS, DATA, COMMAND = 40, 39, 41
# What is asked: width, EAX, EBX, ECX; what stands in EAX, EBX, ECX, EDX then.
ANSWERS = [
    ((4, MAGIC, NONE, 10), (6, MAGIC, 2, EDX)),
    ((4, MAGIC, 0, 0xabcd000a), (6, MAGIC, 2, EDX)),
    ((2, MAGIC, 0, 10), (6, MAGIC, 2, EDX)),
    ((1, MAGIC, 0, 10), (6, MAGIC, 2, EDX)),
    ((8, MAGIC, 0, 10), (6, MAGIC, 2, EDX)),
    ((4, 0x1234, 1, 10), (NONE, 1, 10, EDX)),
    ((4, MAGIC, 1, 20), (0x4000000, 0x1177, 20, EDX)),
    ((4, MAGIC, 1, 19), (0x78563412, 0xf0debc9a, 0x44332211, 0x88776655)),
    ((4, MAGIC, 1, 23), (NONE, 1, 23, EDX)),
    ((4, MAGIC, 1, 46), (NONE, 1, 46, EDX)),
    ((4, MAGIC, 1, 68), (0, 1, 68, EDX)),
    ((4, MAGIC, 1, 1), (NONE, 1, 1, EDX)),
    ((4, MAGIC, 1, 2), (NONE, 1, 2, EDX)),
    ((4, MAGIC, 1, 17), (NONE, 1, 17, EDX)),
    ((4, MAGIC, 1, 86), (NONE, 1, 86, EDX)),
    ((4, MAGIC, 1, 127), (NONE, 1, 127, EDX)),
    ((4, MAGIC, 1, 0x100), (NONE, 1, 0x100, EDX)),
    ((4, MAGIC, 1, 40), (FAILED, 1, 40, EDX)),
    ((4, MAGIC, ENABLE, 41), (MAGIC, ENABLE, 41, EDX)),
    ((4, MAGIC, 1, 40), (1, 1, 40, EDX)),
    ((4, MAGIC, 1, 39), (0x3442554a, 1, 39, EDX)),
    ((4, MAGIC, 1, 40), (0, 1, 40, EDX)),
    ((4, MAGIC, ABSOLUTE, 41), (MAGIC, ABSOLUTE, 41, EDX)),
    ((4, MAGIC, 0, 40), (0, 0, 40, EDX)),
    ((4, MAGIC, 4, 39), (MAGIC, 4, 39, EDX)),
    ((4, MAGIC, 1, 40), (FAILED, 1, 40, EDX)),
    ((4, MAGIC, RELATIVE, 41), (MAGIC, RELATIVE, 41, EDX)),
    ((4, MAGIC, 0, 40), (FAILED, 0, 40, EDX)),
    ((4, MAGIC, 245, 41), (MAGIC, 245, 41, EDX)),
    ((4, MAGIC, 0, 40), (FAILED, 0, 40, EDX)),
    ((4, MAGIC, 1, 39), (MAGIC, 1, 39, EDX)),
    ((4, MAGIC, 119, 41), (MAGIC, 119, 41, EDX)),
    ((4, MAGIC, 0, 40), (FAILED, 0, 40, EDX)),
]
FREQUENCY = ((4, MAGIC, 1, 45), (MAGIC, NONE, 45, EDX))
# Versions up to 5.0: answers of narrow reads leave the rest of EAX, what is not there leaves all of it, versions have no type.
OLD_ANSWERS = [
    ((4, MAGIC, NONE, 10), (6, MAGIC, 10, EDX)),
    ((2, MAGIC, 0, 10), (0x564D0006, MAGIC, 10, EDX)),
    ((1, MAGIC, 0, 10), (0x564D5806, MAGIC, 10, EDX)),
    ((8, MAGIC, 0, 10), (6, MAGIC, 10, EDX)),
    ((4, 0x1234, 1, 10), (0x1234, 1, 10, EDX)),
    ((4, MAGIC, 1, 19), (MAGIC, 1, 19, EDX)),
    ((4, MAGIC, 1, 68), (MAGIC, 1, 68, EDX)),
]
POLL = 16
POINTER = [(4, MAGIC, ENABLE, COMMAND), (4, MAGIC, 1, DATA), (4, MAGIC, ABSOLUTE, COMMAND)]
READ = [(POLL, MAGIC, 0, STATUS), (4, MAGIC, 4, DATA)]


class VmPort(ProgramTest):
    def begin(self, rows, machine, *arguments):
        disk = self.folder / "disk"
        table = b"".join(struct.pack("<4I", *row) for row in rows)
        disk.write_bytes((SECTOR.read_bytes() + table).ljust(1 << 20, b"\0"))
        self.log = self.folder / "debug"
        self.log.unlink(missing_ok=True)
        self.process = self.start(
            *("-M", f"{machine},graphics=off", *MACHINE, "-drive", f"file={disk},format=raw,if=ide", *arguments),
            *("-chardev", f"file,id=debug,path={self.log}", "-device", "isa-debugcon,iobase=0x402,chardev=debug"),
        )

    def lines(self, count):
        """So many rows with their answers, or all of them up to the end (none)."""
        end = time.monotonic() + 4 * DEADLINE
        while True:
            text = self.log.read_text(errors="replace") if self.log.exists() else ""
            found = [line.split() for line in text.splitlines() if line.startswith("000000") and line.endswith(" ")]
            if (count and len(found) >= count) or "\nend\n" in text:
                break
            self.assertIsNone(self.process.poll(), "it ended")
            self.assertLess(time.monotonic(), end, f"it did not answer; the log ends with: {text[-300:]}")
            select.select([], [], [], 0.1)
        return [[int(word, 16) for word in line] for line in found]

    def answers(self, rows, machine, *arguments):
        self.begin([asked for asked, _ in rows], machine, *arguments)
        found = self.lines(None)
        self.assertEqual([(tuple(line[:4]), tuple(line[4:8])) for line in found], rows)
        self.assertEqual({tuple(line[8:]) for line in found}, {(0x5A5A5A5A, 0x5A5A5A5B)})
        self.process.terminate()
        self.process.wait()

    def test_commands(self):
        self.answers([*ANSWERS, FREQUENCY], "pc-i440fx-9.0", "-accel", "tcg", "-cpu", "qemu64")

    def test_an_older_version_knows_less(self):
        self.answers(OLD_ANSWERS, "pc-i440fx-5.0", "-accel", "tcg", "-cpu", "qemu64")

    def test_without_it_nobody_answers(self):
        row = (4, MAGIC, 1, 10)
        self.answers([(row, (NONE, 1, 10, EDX))], "pc-i440fx-9.0,vmport=off", "-accel", "tcg")

    def test_commands_under_kvm(self):
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            self.skipTest("this host has no KVM")
        # What a processor of the host shows is the host's.
        self.answers([row for row in ANSWERS if row[0][3] != 68], "pc-i440fx-9.0", "-accel", "kvm")

    def test_the_pointer(self):
        path = self.folder / "qmp"
        self.begin([*POINTER, *READ, *READ, *READ], "pc-i440fx-9.0", "-accel", "tcg", "-qmp", f"unix:{path},server=on,wait=off")
        self.lines(len(POINTER))
        moved = [{"type": "abs", "data": {"axis": axis, "value": value}} for axis, value in (("x", 0x1000), ("y", 0x7FFF))]
        pressed = [{"type": "btn", "data": {"button": button, "down": True}} for button in ("left", "right", "wheel-up")]
        with Qmp(connect(path, self.process)) as qmp:
            qmp("qmp_capabilities")
            mice = [(row["name"], row["current"], row["absolute"]) for row in qmp("query-mice")["return"]]
            self.assertIn(("vmmouse", True, True), mice)
            done = len(POINTER)
            for events, data in (
                (moved, (0, 0x2000, 0xFFFF, 0)), (pressed[:2], (0x30, 0x2000, 0xFFFF, 0)), (pressed[2:], (0x30, 0x2000, 0xFFFF, 0xFFFFFFFF)),
            ):  # fmt: skip
                self.assertEqual(qmp("input-send-event", events=events).get("return"), {})
                done += len(READ)
                status, words = self.lines(done)[done - 2 : done]
                self.assertEqual(status[4], 4)
                self.assertEqual(tuple(words[4:8]), data)


if __name__ == "__main__":
    unittest.main()
