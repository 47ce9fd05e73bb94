"""A PC starts from the network: the e1000's own option ROM (iPXE), which is found with the firmware, asks the user network for an
address and a file's name, fetches the file through TFTP and enters it. Skipped where no such ROM is."""

import os
import pathlib
import sys
import unittest

from program import ProgramTest

ROM = "efi-e1000.rom"
# Debian's ipxe-qemu, and what tests/guests/fetch.sh brings.
HOME = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
GUESTS = pathlib.Path(os.environ.get("BACKPLANE_CACHE") or f"{HOME}/backplane") / "guests"
PLACES = [pathlib.Path("/usr/lib/ipxe/qemu"), pathlib.Path("/usr/share/qemu"), *GUESTS.glob("*/usr/share/qemu")]
DEADLINE = 500
EXIT_PORT = 0x501
LEFT = 0x2A


def program():
    """Leaves by the exit device."""
    # mov dx, 0501h; mov al, 2ah; out dx, al; hlt; jmp halt
    return bytes.fromhex("ba0105 b02a ee f4 ebfd").ljust(1024, b"\0")


class NetworkBoot(ProgramTest):
    def test_a_program_is_fetched_and_entered(self):
        place = next(place for place in PLACES if (place / ROM).exists())
        (self.folder / "hello.bin").write_bytes(program())
        process = self.start(
            *("-M", "pc-i440fx-9.0,graphics=off", "-accel", "tcg", "-nodefaults", "-display", "none", "-serial", "null"),
            *("-L", str(place), "-netdev", f"user,id=n,tftp={self.folder},bootfile=hello.bin"),
            *("-device", "e1000,netdev=n,bootindex=0", "-device", f"isa-debug-exit,iobase={EXIT_PORT},iosize=4"),
        )
        errors = process.communicate(timeout=DEADLINE)[1].decode()
        self.assertEqual((process.returncode, errors), (LEFT << 1 | 1, ""))


if __name__ == "__main__":
    if not any((place / ROM).exists() for place in PLACES):
        print(f"skipped: no {ROM} in {', '.join(map(str, PLACES))}")
        sys.exit(77)
    unittest.main()
