"""Port 5658h of the PC board, asked by a boot sector: translated, and under KVM where there is one. The answers are those of a
running peer."""

import struct
import unittest

from program import kvm_missing
from sectors import SectorTest, sector

UUID = "12345678-9abc-def0-1122-334455667788"
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


class VmPort(SectorTest):
    def begin(self, rows, *arguments, **machine):
        table = b"".join(struct.pack("<4I", *row) for row in rows)
        disk = self.disk(sector("vmport") + table)
        self.boot("-uuid", UUID, "-drive", f"file={disk},format=raw,if=ide", *arguments, **machine)

    def lines(self, count):
        """So many rows with their answers, or all of them up to the end (none)."""

        def found(text):
            return [line.split() for line in text.splitlines() if line.startswith("000000") and line.endswith(" ")]

        text = self.await_debug(lambda text: (count and len(found(text)) >= count) or "\nend\n" in text)
        return [[int(word, 16) for word in line] for line in found(text)]

    def answers(self, rows, *arguments, **machine):
        self.begin([asked for asked, _ in rows], *arguments, **machine)
        found = self.lines(None)
        self.assertEqual([(tuple(line[:4]), tuple(line[4:8])) for line in found], rows)
        self.assertEqual({tuple(line[8:]) for line in found}, {(0x5A5A5A5A, 0x5A5A5A5B)})
        self.end_machine()

    def test_commands(self):
        self.answers([*ANSWERS, FREQUENCY], "-cpu", "qemu64")

    def test_an_older_version_knows_less(self):
        self.answers(OLD_ANSWERS, "-cpu", "qemu64", machine="pc-i440fx-5.0")

    def test_without_it_nobody_answers(self):
        row = (4, MAGIC, 1, 10)
        self.answers([(row, (NONE, 1, 10, EDX))], machine="pc-i440fx-9.0,vmport=off")

    def test_commands_under_kvm(self):
        if missing := kvm_missing():
            self.skipTest(missing)
        # What a processor of the host shows is the host's.
        self.answers([row for row in ANSWERS if row[0][3] != 68], accelerator="kvm")

    def test_the_pointer(self):
        self.begin([*POINTER, *READ, *READ, *READ])
        self.lines(len(POINTER))
        moved = [{"type": "abs", "data": {"axis": axis, "value": value}} for axis, value in (("x", 0x1000), ("y", 0x7FFF))]
        pressed = [{"type": "btn", "data": {"button": button, "down": True}} for button in ("left", "right", "wheel-up")]
        mice = [(row["name"], row["current"], row["absolute"]) for row in self.qmp("query-mice")["return"]]
        self.assertIn(("vmmouse", True, True), mice)
        done = len(POINTER)
        for events, data in (
            (moved, (0, 0x2000, 0xFFFF, 0)), (pressed[:2], (0x30, 0x2000, 0xFFFF, 0)), (pressed[2:], (0x30, 0x2000, 0xFFFF, 0xFFFFFFFF)),
        ):  # fmt: skip
            self.assertEqual(self.qmp("input-send-event", events=events).get("return"), {})
            done += len(READ)
            status, words = self.lines(done)[done - 2 : done]
            self.assertEqual(status[4], 4)
            self.assertEqual(tuple(words[4:8]), data)


if __name__ == "__main__":
    unittest.main()
