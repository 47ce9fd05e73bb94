"""Firmware on the PC board, under KVM: SeaBIOS to its boot attempt on a disk, and on nothing. Skipped where there is no KVM."""

import os
import pathlib
import select
import sys
import unittest

from program import DEADLINE, ProgramTest, Qmp, connect, kvm_missing

MACHINE = ("-M", "pc-i440fx-9.0,graphics=off", "-accel", "kvm", "-m", "128M", "-nodefaults", "-display", "none")

def boot_sector():
    """Writes "boot!" to the debug port, and halts."""
    # mov dx, 0402h; mov si, text; next: lodsb; test al, al; jz halt; out dx, al; jmp next; halt: hlt; jmp halt
    code = bytes.fromhex("ba0204 be117c ac 84c0 7403 ee ebf8 f4 ebfd")
    return (code + b"boot!\n\0").ljust(510, b"\0") + b"\x55\xaa"


class Firmware(ProgramTest):
    def boots(self, marker, *arguments):
        """Runs until the marker is in the debug console's file."""
        self.log = self.folder / "debug"
        self.process = self.start(
            *(*MACHINE, "-debugcon", f"file:{self.log}", "-global", "isa-debugcon.iobase=0x402", *arguments),
        )
        return self.sees(marker)

    def sees(self, marker):
        for _ in range(20 * DEADLINE):
            text = self.log.read_text(errors="replace") if self.log.exists() else ""
            if marker in text:
                return text
            if self.process.poll() is not None:
                self.fail(f"it ended: {self.process.stderr.read().decode()}")
            select.select([], [], [], 0.1)
        self.fail(f"'{marker}' was not seen; the log ends with: {text[-600:]}")

    def test_without_a_disk_it_says_so(self):
        text = self.boots("No bootable device.")
        self.assertIn("Found 4 PCI devices", text)
        self.assertIn("ACPI: parse DSDT", text)
        self.assertIn("PS2 keyboard initialized", text)

    def test_a_disks_boot_sector_runs(self):
        disk = self.folder / "disk"
        disk.write_bytes(boot_sector().ljust(1 << 20, b"\0"))
        text = self.boots("boot!", "-drive", f"file={disk},format=raw,if=ide")
        self.assertIn("QEMU HARDDISK", text)

    def starts(self, kernel, said, *arguments):
        """The kernel says so."""
        path = pathlib.Path(os.environ["BACKPLANE_PC_KERNELS"]) / f"{kernel}.kernel"
        for name in ("one", "two"):
            (self.folder / name).write_text(name.upper())
        self.boots(said, "-kernel", path, "-append", "hello=1", *arguments)

    def test_a_linux_kernel_starts(self):
        self.starts("linux", "hello=1|ONE.", "-initrd", self.folder / "one")

    def test_a_linux_kernel_starts_where_the_configuration_device_has_no_dma(self):
        machine = ("-M", "pc-i440fx-2.4,graphics=off")
        self.starts("linux", "hello=1|ONE.", "-initrd", self.folder / "one", *machine)

    def test_a_multiboot_kernel_finds_its_modules_and_memory(self):
        one, two = self.folder / "one", self.folder / "two"
        self.starts(
            "multiboot", f"multiboot.kernel hello=1|ONE{one} a=1,2|TWO{two}M.", "-initrd", f"{one} a=1,,2,{two}"
        )

    def test_an_elf_kernel_starts_at_its_pvh_entry(self):
        self.starts("pvh", "hello=1|ONERM.", "-initrd", self.folder / "one")

    def test_a_disk_on_usb_is_started_from_and_a_keyboard_found(self):
        disk = self.folder / "disk"
        disk.write_bytes(boot_sector().ljust(1 << 20, b"\0"))
        text = self.boots(
            "boot!", "-usb", "-device", "usb-kbd", "-device", "usb-storage,drive=d,bootindex=0",
            "-drive", f"file={disk},format=raw,if=none,id=d",
        )
        self.assertIn("USB keyboard initialized", text)
        self.assertIn("USB MSC vendor='QEMU' product='QEMU HARDDISK'", text)

    def test_a_guest_that_sleeps_goes_on_at_its_waking_vector(self):
        disk = pathlib.Path(os.environ["BACKPLANE_PC_KERNELS"]) / "sleeper.kernel"
        monitor = self.folder / "qmp"
        drive = ("-drive", f"file={disk},format=raw,if=ide,readonly=on")
        self.boots("it sleeps", *drive, "-qmp", f"unix:{monitor},server=on,wait=off")
        with Qmp(connect(monitor, self.process)) as qmp:
            qmp("qmp_capabilities")
            qmp.await_status("query-status", "suspended")
            self.assertEqual(qmp("system_wakeup")["return"], {})
            qmp.event("WAKEUP")
            self.sees("it woke with its memory")

    def test_a_diskettes_boot_sector_runs(self):
        diskette = self.folder / "diskette"
        diskette.write_bytes(boot_sector().ljust(1440 << 10, b"\0"))
        text = self.boots("boot!", "-fda", str(diskette))
        self.assertIn("Booting from Floppy...", text)


if __name__ == "__main__":
    if missing := kvm_missing():
        print(f"skipped: {missing}")
        sys.exit(77)
    unittest.main()
