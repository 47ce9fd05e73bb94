"""-device loader: what is in memory, and where CPUs start, when the machine has been made."""

import re
import struct
import unittest

from monitors_test import Qmp
from program import ProgramTest, connect

DRAM = 0x80000000


def executable(address, entry, contents):
    """A RISC-V ELF file of one segment."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 120, address, address, len(contents), len(contents), 4) + contents


class Loader(ProgramTest):
    def machine(self, *options):
        path = self.folder / "qmp.sock"
        process = self.start(
            *("-display", "none", "-M", "virt", "-m", "64M", "-S", "-bios", "none", "-monitor", "none", "-smp", "2"),
            *("-qmp", f"unix:{path},server=on,wait=off", *options),
        )
        qmp = Qmp(connect(path, process))
        self.addCleanup(qmp.__exit__)
        qmp("qmp_capabilities")
        return qmp

    def words(self, qmp, address, count=1):
        return [int(word, 16) for word in qmp.human(f"xp /{count}xw {address:#x}").split()[1:]]

    def counters(self, qmp):
        return [int(value, 16) for value in re.findall(r"\bpc\s+([0-9a-f]+)", qmp.human("info registers -a"))]

    def refused(self, expected, *properties):
        options = [word for each in properties for word in ("-device", f"loader,{each}")]
        result = self.run_program("-display", "none", "-M", "virt", "-S", "-bios", "none", *options)
        self.assertEqual(result.status, 1, properties)
        self.assertIn("-device loader", result.errors)
        self.assertIn(expected, result.errors)

    def test_a_value_is_written_at_each_reset(self):
        qmp = self.machine(
            *("-device", f"loader,addr={DRAM + 0x1000:#x},data=0x12345678,data-len=4"),
            *("-device", f"loader,addr={DRAM + 0x1004:#x},data=0x1234,data-len=4,data-be=on"),
        )
        self.assertEqual(self.words(qmp, DRAM + 0x1000, 2), [0x12345678, 0x34120000])
        qmp("system_reset")
        qmp.event("RESET")
        self.assertEqual(self.words(qmp, DRAM + 0x1000, 2), [0x12345678, 0x34120000])

    def test_a_file_goes_where_it_is_told_and_a_cpu_starts_there(self):
        file = self.file("code", struct.pack("<2I", 0x6F, 0x6F))
        qmp = self.machine("-device", f"loader,file={file},addr={DRAM + 0x2000:#x},cpu-num=1")
        self.assertEqual(self.words(qmp, DRAM + 0x2000, 2), [0x6F, 0x6F])
        first, second = self.counters(qmp)
        self.assertNotEqual(first, DRAM + 0x2000)
        self.assertEqual(second, DRAM + 0x2000)

    def test_an_executable_knows_its_place(self):
        file = self.file("elf", executable(DRAM + 0x3000, DRAM + 0x3004, struct.pack("<2I", 0x13, 0x6F)))
        qmp = self.machine("-device", f"loader,file={file},cpu-num=0")
        self.assertEqual(self.words(qmp, DRAM + 0x3000, 2), [0x13, 0x6F])
        self.assertEqual(self.counters(qmp)[0], DRAM + 0x3004)

    def test_an_executable_as_bytes(self):
        file = self.file("elf", executable(DRAM, DRAM, bytes(4)))
        qmp = self.machine("-device", f"loader,file={file},addr={DRAM + 0x4000:#x},force-raw=on")
        self.assertEqual(self.words(qmp, DRAM + 0x4000), [0x464C457F])

    def test_a_cpu_alone_is_started(self):
        qmp = self.machine("-device", f"loader,addr={DRAM + 0x5000:#x},cpu-num=1")
        self.assertEqual(self.counters(qmp)[1], DRAM + 0x5000)

    def test_an_image_is_seen_over_a_value(self):
        file = self.file("code", struct.pack("<I", 0x6F))
        qmp = self.machine("-device", f"loader,file={file},addr={DRAM:#x}", "-device", f"loader,addr={DRAM:#x},data=5,data-len=4")
        self.assertEqual(self.words(qmp, DRAM), [0x6F])

    def test_what_does_not_go_together(self):
        file = self.file("code", bytes(8))
        self.refused("both data= and data-len=", "data=1")
        self.refused("both data= and data-len=", f"addr={DRAM:#x},data=1")
        self.refused("at most 8 bytes", f"addr={DRAM:#x},data=1,data-len=9")
        self.refused("'addr' is missing", "data=1,data-len=4")
        self.refused("'cpu-num' is missing", f"addr={DRAM:#x}")
        self.refused("CPU 9 is nonexistent", f"addr={DRAM:#x},cpu-num=9")
        self.refused("'addr' is missing", f"file={file}")
        self.refused("two things", f"file={file},data=1,data-len=1")
        self.refused("could not open '/nonexist'", "file=/nonexist")
        self.refused("overlaps", f"file={file},addr={DRAM:#x}", f"file={file},addr={DRAM + 4:#x}")
        self.refused("give file=", "force-raw=off")
        hexadecimal = self.file("text.hex", b":10000000000102030405060708090A0B0C0D0E0F78\n")
        self.refused("looks like Intel HEX", f"file={hexadecimal},addr={DRAM:#x}")

    def test_a_machine_is_loaded_when_it_is_made(self):
        qmp = self.machine()
        error = qmp("device_add", driver="loader", addr=DRAM, data=1, data_len=4)["error"]["desc"]
        self.assertIn("when it is made", error)


if __name__ == "__main__":
    unittest.main()
