"""UEFI firmware in flash (OVMF) comes to its shell, and what it keeps in the second flash outlives the machine."""

import os
import shutil
import sys
import unittest

from console import GUEST, ConsoleTest, missing

CODE, VARIABLES = "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"
NAME = "Kept -guid 2f5a9c10-8d3b-4e6f-9a71-5b0c2d4e6f80"


class Uefi(ConsoleTest):
    def start_firmware(self):
        self.boot(
            *("-M", "pc-i440fx-9.0", "-m", "256", "-drive", f"if=pflash,format=raw,readonly=on,file={GUEST / CODE}"),
            *("-drive", f"if=pflash,format=raw,file={self.folder / VARIABLES}"),
        )
        self.await_text("Shell> ")

    def command(self, line):
        """What it says."""
        os.write(self.process.stdin.fileno(), line.encode() + b"\r")
        return self.await_text("Shell> ")

    def power_off(self):
        os.write(self.process.stdin.fileno(), b"reset -s\r")
        self.assertEqual(self.process.wait(self.patience), 0)

    def test_variables_outlive_the_machine(self):
        shutil.copyfile(GUEST / VARIABLES, self.folder / VARIABLES)
        self.start_firmware()
        self.command(f"setvar {NAME} -nv -bs =5a42")
        self.power_off()
        self.start_firmware()
        self.assertIn("5A 42", self.command(f"setvar {NAME}"))
        self.power_off()


if __name__ == "__main__":
    if reason := missing(CODE, VARIABLES):
        print(reason)
        sys.exit(77)
    unittest.main()
