"""System management mode of a translated PC: firmware moves its base into the memory that only it sees, and a handler there
answers the chipset's interrupt. A processor without long mode, which has another save area, starts as well."""

import os
import pathlib
import select
import time
import unittest

from program import DEADLINE, ProgramTest

MACHINE = ("-M", "pc-i440fx-9.0,graphics=off", "-accel", "tcg", "-m", "64", "-nodefaults", "-display", "none")


class Management(ProgramTest):
    def says(self, sector, marker, *arguments):
        """Starts from the boot sector, until the marker is in the debug console's file."""
        log, disk = self.folder / "debug", self.folder / "disk"
        disk.write_bytes(sector.ljust(1 << 20, b"\0"))
        process = self.start(
            *(*MACHINE, "-chardev", f"file,id=debug,path={log}", "-device", "isa-debugcon,iobase=0x402,chardev=debug"),
            *("-drive", f"file={disk},format=raw,if=ide", *arguments),
        )
        end = time.monotonic() + 4 * DEADLINE
        while marker not in (text := log.read_text(errors="replace") if log.exists() else ""):
            self.assertIsNone(process.poll(), "it ended")
            self.assertLess(time.monotonic(), end, f"'{marker}' was not seen; the log ends with: {text[-600:]}")
            select.select([], [], [], 0.1)

    def test_a_handler_runs_where_firmware_moved_the_base(self):
        sector = (pathlib.Path(os.environ["BACKPLANE_PC_KERNELS"]) / "management.kernel").read_bytes()
        self.says(sector, "main handler returned hidden.")

    def test_a_32_bit_processor_starts(self):
        # mov dx, 0402h; mov si, text; next: lodsb; test al, al; jz halt; out dx, al; jmp next; halt: hlt; jmp halt
        code = bytes.fromhex("ba0204 be117c ac 84c0 7403 ee ebf8 f4 ebfd") + b"boot!\n\0"
        self.says(code.ljust(510, b"\0") + b"\x55\xaa", "boot!", "-cpu", "qemu32")


if __name__ == "__main__":
    unittest.main()
