"""-kernel, -initrd and -append on the PC board: what firmware finds of them, and what is refused. No CPU runs."""

import os
import pathlib
import unittest

from board_test import PcTest

KERNELS = pathlib.Path(os.environ["BACKPLANE_PC_KERNELS"])
KERNEL_ADDRESS, KERNEL_SIZE, INITRD_ADDRESS, INITRD_SIZE = 0x07, 0x08, 0x0A, 0x0B
COMMAND_LINE_ADDRESS, COMMAND_LINE_SIZE, COMMAND_LINE = 0x13, 0x14, 0x15
SETUP_ADDRESS, SETUP_SIZE, INITRD = 0x16, 0x17, 0x12


class Kernel(PcTest):
    def kernel(self, name="linux"):
        return KERNELS / f"{name}.kernel"

    def file(self, contents, name="file"):
        path = self.folder / name
        path.write_bytes(contents)
        return path

    def number(self, qtest, key):
        return int.from_bytes(self.item(qtest, key, 4), "little")

    def text(self, qtest, name):
        key, size = self.files(qtest)[name]
        return self.item(qtest, key, size)

    def test_firmware_is_told_where_the_parts_go_and_to_start_them_first(self):
        initrd = self.file(b"RAM disk", "initrd")
        qtest = self.board("-kernel", self.kernel(), "-initrd", initrd, "-append", "a=1")
        numbers = {
            KERNEL_ADDRESS: 0x100000, KERNEL_SIZE: self.kernel().stat().st_size - 1024,
            INITRD_ADDRESS: 0x7FD7000, INITRD_SIZE: 8,
            COMMAND_LINE_ADDRESS: 0x20000, COMMAND_LINE_SIZE: 4,
            SETUP_ADDRESS: 0x10000, SETUP_SIZE: 1024,
        }  # fmt: skip
        self.assertEqual({key: self.number(qtest, key) for key in numbers}, numbers)
        self.assertEqual(self.item(qtest, COMMAND_LINE, 4), b"a=1\0")
        self.assertEqual(self.item(qtest, INITRD, 8), b"RAM disk")
        self.assertEqual(self.text(qtest, "bootorder"), b"/rom@genroms/linuxboot_dma.bin\0")
        self.assertEqual(self.text(qtest, "genroms/linuxboot_dma.bin")[:2], b"\x55\xaa")

    def test_each_format_has_the_rom_that_firmware_knows_it_by(self):
        roms = {"multiboot": "multiboot_dma.bin", "pvh": "pvh.bin"}
        for name, rom in roms.items():
            with self.subTest(name):
                qtest = self.board("-kernel", self.kernel(name))
                self.assertEqual(self.text(qtest, "bootorder"), f"/rom@genroms/{rom}\0".encode())
        qtest = self.board("-kernel", self.kernel(), machine="pc-i440fx-2.4")
        self.assertIn("genroms/linuxboot.bin", self.files(qtest))

    def test_without_a_kernel_there_is_no_rom(self):
        self.assertEqual([name for name in self.files(self.board()) if name.startswith("genroms/")], [])

    def refused(self, why, *arguments):
        result = self.run_program("-M", "pc-i440fx-9.0", "-accel", "qtest", "-qtest", "null", "-display", "none", *map(str, arguments))
        self.assertEqual(result.status, 1)
        self.assertIn(why, result.errors)

    def test_files_that_cannot_be_had_are_named(self):
        linux, multiboot = self.kernel(), self.kernel("multiboot")
        missing = self.folder / "missing"
        self.refused(f"-kernel {missing}: could not open kernel '{missing}': No such file", "-kernel", missing)
        self.refused(f"-initrd {missing}: could not open initrd '{missing}'", "-kernel", linux, "-initrd", missing)
        modules = f"{linux} x,{missing} y"
        self.refused(
            f"-initrd {modules}: initrd '{modules}': could not open '{missing}'",
            *("-kernel", multiboot, "-initrd", modules),
        )
        self.refused("could not open", "-kernel", linux, "-initrd", modules)

    def test_bad_kernels_are_refused_with_a_reason(self):
        good = self.kernel().read_bytes()
        for contents, why in (
            (b"", "invalid kernel header"),
            (bytes(4096), "invalid kernel header"),
            (good[:1024], "is cut short: its header tells of 1024 bytes of setup and a kernel behind it"),
            (good[:600], "is cut short: it ends within its setup header"),
            (good[:0x1F1] + b"\xff" + good[0x1F2:], "is cut short: its header tells of 131072 bytes of setup"),
        ):
            with self.subTest(why):
                path = self.file(contents)
                self.refused(f"-kernel {path}: kernel '{path}' ", "-kernel", path)
                self.refused(why, "-kernel", path)
        large = self.folder / "large"
        large.touch()
        os.truncate(large, 130 << 20)
        self.refused("initrd of 136314880 bytes", "-kernel", self.kernel(), "-initrd", large)
        self.refused("-append has 64", "-kernel", self.kernel(), "-append", "x" * 64)

    def test_what_is_for_a_kernel_needs_one(self):
        self.refused("-append is only allowed with the -kernel option", "-append", "x")


if __name__ == "__main__":
    unittest.main()
