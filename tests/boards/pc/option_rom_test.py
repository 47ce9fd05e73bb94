"""The option ROM that a network card of the PC has by itself, where the host has its file."""

import unittest

from board_test import PcTest
from program import Qmp, connect

ROM = "efi-e1000.rom"
ROM_REGISTER = 0x80000000 | 4 << 11 | 0x30


class OptionRom(PcTest):
    def rom_size(self, qtest):
        """As the register tells it; 0: there is none."""
        qtest(f"outl 0xcf8 {ROM_REGISTER}")
        qtest("outl 0xcfc 0xfffffffe")
        return (1 << 32) - mask if (mask := qtest.value("inl 0xcfc")) else 0

    def words(self, *arguments):
        """What the program said until it was told to end, and the ROM's size."""
        path = self.folder / "qmp"
        path.unlink(missing_ok=True)
        qtest = self.board("-nodefaults", "-qmp", f"unix:{path},server=on,wait=off", *arguments)
        size = self.rom_size(qtest)
        with Qmp(connect(path, self.process)) as qmp:
            qmp("qmp_capabilities")
            if size:
                card = qmp("qom-get", path="/machine/peripheral/card", property="romsize")["return"]
                self.assertEqual(card, size, "users see what it came to be")
            qmp("quit")
        return self.process.communicate()[1].decode(), size

    def test_a_card_finds_its_rom_with_the_firmware(self):
        (self.folder / ROM).write_bytes(b"\x55\xaa\x0a" + bytes(5000))
        self.assertEqual(self.words("-L", str(self.folder), "-device", "e1000,id=card,addr=4"), ("", 8192))
        self.assertEqual(self.words("-L", str(self.folder), "-device", "e1000,id=card,addr=4,romfile="), ("", 0))

    def test_users_say_how_large_it_is_or_that_there_is_none(self):
        file = self.folder / ROM
        file.write_bytes(b"\x55\xaa\x0a" + bytes(5000))
        card = f"e1000,id=card,addr=4,romfile={file}"
        self.assertEqual(self.words("-device", f"{card},romsize=16384"), ("", 16384))
        self.assertEqual(self.words("-device", f"{card},rombar=0"), ("", 0))
        for size, why in ((4096, "is too large for ROM size 4096"), (5000, "ROM size 5000 is not a power of two")):
            result = self.run_program("-M", "pc", "-accel", "qtest", "-qtest", "null", "-display", "none", "-device", f"{card},romsize={size}")
            self.assertEqual(result.status, 1)
            self.assertIn(why, result.errors)

    def test_a_host_without_the_file_is_told(self):
        missing = "-global", "e1000.romfile=not-there.rom"
        words, size = self.words(*missing, "-device", "e1000,id=card,addr=4")
        self.assertIn('failed to find romfile "not-there.rom"', words)
        self.assertEqual(size, 0)

    def test_a_file_that_users_name_must_be_there(self):
        for name in ("not-there.rom", "/nonexist/a.rom"):
            result = self.run_program("-M", "pc", "-accel", "qtest", "-qtest", "null", "-display", "none", "-device", f"e1000,romfile={name}")
            self.assertEqual(result.status, 1)
            self.assertIn(name, result.errors)


if __name__ == "__main__":
    unittest.main()
