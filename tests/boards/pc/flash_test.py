"""Firmware in flash: a program of the test's own, which keeps a count in the second one."""

import os
import pathlib
import unittest

from program import DEADLINE, ProgramTest

FIRMWARE = pathlib.Path(os.environ["BACKPLANE_PC_PROGRAMS"]) / "counter.firmware"
MACHINE = ("-M", "pc-i440fx-9.0,graphics=off", "-accel", "tcg", "-m", "16", "-nodefaults", "-display", "none", "-no-reboot")
SIZE = 65536


class Flash(ProgramTest):
    def setUp(self):
        super().setUp()
        self.variables = self.folder / "variables"
        self.variables.write_bytes(b"\xff" * SIZE)

    def said(self, *flashes):
        log = self.folder / "said"
        process = self.start(
            *(*MACHINE, *flashes, "-chardev", f"file,id=debug,path={log}"),
            *("-device", "isa-debugcon,iobase=0x402,chardev=debug", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
        )
        end = process.communicate(timeout=DEADLINE)[1].decode()
        return (log.read_text() if log.exists() else "") + end

    def drives(self):
        return (
            *("-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}"),
            *("-drive", f"if=pflash,format=raw,file={self.variables}"),
        )

    def test_what_is_written_is_there_at_the_next_start(self):
        self.assertEqual(self.said(*self.drives()), "00000000 00000000 00000092 .")
        self.assertEqual(self.said(*self.drives()), "00000001 00000000 00000092 .")
        self.assertEqual(self.variables.read_bytes(), b"\0\0" + b"\xff" * (SIZE - 2))

    def test_they_may_be_nodes_of_the_machines_properties(self):
        nodes = (
            *("-blockdev", f"driver=file,node-name=code,read-only=on,filename={FIRMWARE}"),
            *("-blockdev", f"driver=file,node-name=variables,filename={self.variables}"),
            *("-machine", "pflash0=code,pflash1=variables"),
        )
        self.assertEqual(self.said(*nodes), "00000000 00000000 00000092 .")

    def test_the_variables_lie_below_whatever_size_the_firmware_has(self):
        large = self.folder / "firmware"
        large.write_bytes(b"\xff" * (3 * 4096) + FIRMWARE.read_bytes())
        self.assertEqual(
            self.said(
                *("-drive", f"if=pflash,format=raw,readonly=on,file={large}"),
                *("-drive", f"if=pflash,format=raw,file={self.variables}"),
            )[-2:],
            " .",
        )
        self.assertEqual(self.variables.read_bytes()[: SIZE - 3 * 4096 + 1].count(0), 1)

    def refused(self, reason, *arguments):
        process = self.start(*MACHINE, *arguments)
        message = process.communicate(timeout=DEADLINE)[1].decode()
        self.assertEqual(process.returncode, 1)
        self.assertIn(reason, message)

    def test_what_cannot_be_is_refused(self):
        code, variables = self.drives()[:2], self.drives()[2:]
        self.refused("give pflash0 as well", "-drive", f"if=pflash,index=1,format=raw,file={self.variables}")
        self.refused("leave", *code, "-bios", FIRMWARE)
        self.refused("leave one of the two out", *code, *variables[:0], "-machine", "pflash0=x",
                     "-blockdev", f"driver=file,node-name=x,filename={self.variables}")  # fmt: skip
        odd = self.folder / "odd"
        odd.write_bytes(b"\xff" * 1536)
        self.refused("a multiple of 4096", "-drive", f"if=pflash,format=raw,file={odd}")
        with odd.open("wb") as file:
            file.truncate(5 << 20)
        twice = ("-drive", f"if=pflash,format=raw,readonly=on,file={odd}") * 2
        self.refused("both may have 8388608 together", *twice)


if __name__ == "__main__":
    unittest.main()
