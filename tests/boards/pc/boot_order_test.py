"""-boot and `bootindex` on the PC board, as firmware finds them in CMOS and in "bootorder". The values are a running peer's."""

import os
import pathlib
import unittest

from board_test import PcTest
from program import Qmp, connect

KERNEL = pathlib.Path(os.environ["BACKPLANE_PC_KERNELS"]) / "linux.kernel"
# -boot: CMOS 38h and 3Dh.
LETTERS = {
    "menu=off": "3012", "order=dc": "0023", "n": "0004", "order=cdn": "4032", "b": "0001", "acd": "3021", "once=d,order=c": "0003",
}  # fmt: skip


class BootOrder(PcTest):
    def order(self, qtest):
        key, size = self.files(qtest)["bootorder"]
        return self.item(qtest, key, size).decode()

    def drive(self, name):
        path = self.folder / name
        path.write_bytes(bytes(1 << 20))
        return ("-drive", f"if=none,id={name},file={path},format=raw")

    def refused(self, why, *arguments):
        result = self.run_program(
            *("-M", "pc-i440fx-9.0", "-accel", "qtest", "-qtest", "null", "-display", "none", *arguments)
        )
        self.assertEqual(result.status, 1)
        self.assertIn(why, result.errors)

    def test_letters_stand_in_cmos(self):
        for option, bytes_ in LETTERS.items():
            with self.subTest(option):
                self.assertEqual(self.cmos(self.board("-boot", option), 0x38, 0x3D), bytes_)

    def test_a_diskette_may_go_without_a_signature(self):
        for check, byte in (("on", "20"), ("off", "21")):
            qtest = self.board("-boot", "order=adc", machine=f"pc-i440fx-9.0,fd-bootchk={check}")
            self.assertEqual(self.cmos(qtest, 0x38), byte)

    def test_once_is_for_the_first_start(self):
        monitor = self.folder / "qmp"
        qtest = self.board("-boot", "once=d,order=c", "-qmp", f"unix:{monitor},server=on,wait=off")
        self.assertEqual(self.cmos(qtest, 0x3D), "03")
        with Qmp(connect(monitor, self.process)) as qmp:
            qmp("qmp_capabilities")
            qmp("system_reset")
            qmp.event("RESET")
        self.assertEqual(self.cmos(qtest, 0x3D), "02")

    def test_letters_that_mean_nothing_are_refused(self):
        self.refused("-boot order=e: Invalid boot device for PC: 'e'", "-boot", "order=e")
        self.refused("-boot acdn: Too many boot devices for PC", "-boot", "acdn")
        self.refused("-boot once=cc: ", "-boot", "once=cc")

    def test_what_has_an_index_is_named_by_its_path(self):
        qtest = self.board(
            *(*self.drive("a"), "-device", "virtio-blk-pci,drive=a,bootindex=3,addr=5.1"),
            *(*self.drive("b"), "-device", "ide-hd,drive=b,bootindex=0,bus=ide.0,unit=1"),
            *(*self.drive("c"), "-device", "ide-cd,drive=c,bootindex=1,bus=ide.1"),
            *("-device", "virtio-net-pci,bootindex=2,addr=4", "-device", "e1000,bootindex=4,addr=6", *self.drive("d"), "-device", "virtio-blk-pci,drive=d"),
        )
        self.assertEqual(
            self.order(qtest).split("\n"),
            [
                "/pci@i0cf8/ide@1,1/drive@0/disk@1",
                "/pci@i0cf8/ide@1,1/drive@1/disk@0",
                "/pci@i0cf8/ethernet@4/ethernet-phy@0",
                "/pci@i0cf8/scsi@5,1/disk@0,0",
                "/pci@i0cf8/ethernet@6/ethernet-phy@0\0",
            ],
        )

    def test_strictly_nothing_else_is_started(self):
        drive = (*self.drive("a"), "-device", "virtio-blk-pci,drive=a,bootindex=3,addr=4")
        qtest = self.board("-boot", "strict=on", *drive)
        self.assertEqual(self.order(qtest), "/pci@i0cf8/scsi@4/disk@0,0\nHALT\0")
        self.assertEqual(self.order(self.board("-boot", "strict=on")), "")

    def test_a_kernel_comes_first(self):
        drive = (*self.drive("a"), "-device", "virtio-blk-pci,drive=a,addr=4,bootindex=")
        qtest = self.board("-kernel", KERNEL, *drive[:-1], drive[-1] + "1")
        self.assertEqual(self.order(qtest), "/rom@genroms/linuxboot_dma.bin\n/pci@i0cf8/scsi@4/disk@0,0\0")
        # An image of its own: that machine may have the first one yet.
        other = (*self.drive("b"), "-device", "virtio-blk-pci,drive=b,bootindex=0")
        self.refused("The bootindex 0 has already been used", "-kernel", str(KERNEL), *other)

    def test_diskettes_have_places(self):
        image = self.folder / "diskette"
        image.write_bytes(bytes(1440 << 10))
        first, second = (f"/pci@i0cf8/isa@1/fdc@03f0/floppy@{unit}" for unit in (0, 1))
        qtest = self.board("-fda", str(image), "-global", "isa-fdc.bootindexA=3")
        self.assertEqual(self.order(qtest), f"{first}\0")
        qtest = self.board("-device", "floppy,bootindex=2", "-device", "floppy", "-global", "isa-fdc.bootindexB=1")
        self.assertEqual(self.order(qtest), f"{second}\n{first}\0")

    def test_disks_on_usb_have_places(self):
        devices = "-device", "usb-hub,port=1", "-device", "usb-storage,drive=a,port=1.2,bootindex=0"
        self.assertEqual(self.order(self.board("-usb", *self.drive("a"), *devices)), "/pci@i0cf8/usb@1,2/hub@1/storage@2/channel@0/disk@0,0\0")

    def test_an_option_rom_may_have_a_place(self):
        rom = self.folder / "a.rom"
        rom.write_bytes(b"\x55\xaa\x01" + bytes(509))
        qtest = self.board("-option-rom", f"{rom},bootindex=4", *self.drive("a"), "-device", "ide-hd,drive=a,bootindex=5,bus=ide.0")
        self.assertEqual(self.order(qtest), "/rom@genroms/a.rom\n/pci@i0cf8/ide@1,1/drive@0/disk@0\0")
        self.assertEqual(self.files(qtest)["genroms/a.rom"][1], 512)
        self.refused("duplicate fw_cfg file name: genroms/a.rom", "-option-rom", rom, "-option-rom", rom)
        self.refused("is no option ROM", "-option-rom", __file__)
        self.refused("could not read '/nonexistent'", "-option-rom", "/nonexistent")

    def test_a_machine_on_a_terminal_has_its_firmware_speak_there(self):
        for arguments, number in ((("-nographic", "-monitor", "none"), 1), ((), 0)):
            with self.subTest(arguments):
                qtest = self.board(*arguments)
                self.assertEqual(self.item(qtest, 4, 2)[0], number)
                self.assertEqual("etc/sercon-port" in self.files(qtest), number == 1)

    def test_two_cannot_have_one_index(self):
        self.refused(
            "bootindex=2 is that of 'one' and of 'ide-hd'",
            *(*self.drive("a"), "-device", "ide-hd,drive=a,bootindex=2,id=one"),
            *(*self.drive("b"), "-device", "ide-hd,drive=b,bootindex=2"),
        )


if __name__ == "__main__":
    unittest.main()
