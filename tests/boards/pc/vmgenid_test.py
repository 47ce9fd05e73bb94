"""The generation of a machine: what its guest finds, and what becomes of it when a saved machine goes on."""

import struct
import unittest
import uuid

from board_test import PcTest
from program import Qmp, connect

FIRST, SECOND = "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87", "01234567-89ab-4def-8123-456789abcdef"
NUMBER_FILE, ADDRESS_FILE = "etc/vmgenid_guid", "etc/vmgenid_addr"
OFFSET, PLACE = 40, 0x200000
GPE_STATUS, EVENT = 0xAFE0, 1 << 5
LOAD, PATCH, REPORT = 1, 2, 4  # of the loader's script


class Generation(PcTest):
    def machine(self, *arguments, **options):
        path = self.folder / f"qmp{len(list(self.folder.iterdir()))}"
        qtest = self.board("-nodefaults", "-qmp", f"unix:{path},server=on,wait=off", *arguments, **options)
        qmp = Qmp(connect(path, self.process)).__enter__()
        self.addCleanup(qmp.__exit__)
        qmp("qmp_capabilities")
        return qtest, qmp

    def number(self, qmp):
        return qmp("query-vm-generation-id")["return"]["guid"]

    def in_memory(self, qtest):
        words = [qtest.value(f"readq {PLACE + OFFSET + at}") for at in (0, 8)]
        return str(uuid.UUID(bytes_le=struct.pack("<2Q", *words)))

    def write_file(self, qtest, key, content):
        """As firmware does it."""
        access, buffer = 0x8000, 0x8100
        for at, byte in enumerate(content):
            qtest(f"writeb {buffer + at} {byte}")
        for at, byte in enumerate(struct.pack(">IIQ", key << 16 | 0x18, len(content), buffer)):
            qtest(f"writeb {access + at} {byte}")
        qtest(f"outl 0x518 {int.from_bytes(struct.pack('>I', access), 'little')}")
        self.assertEqual(qtest.value(f"readl {access}"), 0)

    def start_up(self, qtest):
        """Firmware puts the number into memory, and says where."""
        files = self.files(qtest)
        for at, byte in enumerate(self.item(qtest, *files[NUMBER_FILE])[:64]):
            qtest(f"writeb {PLACE + at} {byte}")
        self.write_file(qtest, files[ADDRESS_FILE][0], struct.pack("<Q", PLACE + OFFSET))

    def test_firmware_is_told_where_to_put_it(self):
        qtest, qmp = self.machine("-device", f"vmgenid,guid={FIRST}")
        self.assertEqual(self.number(qmp), FIRST)
        self.assertEqual(qmp.human("info vm-generation-id").strip(), FIRST)
        files = self.files(qtest)
        self.assertEqual((files[NUMBER_FILE][1], files[ADDRESS_FILE][1]), (4096, 8))
        number = self.item(qtest, *files[NUMBER_FILE])[OFFSET : OFFSET + 16]
        self.assertEqual(uuid.UUID(bytes_le=number), uuid.UUID(FIRST))
        script, loads, found = self.item(qtest, *files["etc/table-loader"]), {}, {}
        for at in range(0, len(script), 128):
            entry = script[at : at + 128]
            (code,) = struct.unpack("<I", entry[:4])
            first, second = (entry[start : start + 56].rstrip(b"\0") for start in (4, 60))
            if code == LOAD:
                loads[first.decode()] = struct.unpack("<IB", entry[60:65])
            elif second == NUMBER_FILE.encode():
                found[code] = (first.decode(), *struct.unpack("<I", entry[116:120]))
        self.assertEqual(loads[NUMBER_FILE], (4096, 1))
        self.assertEqual(found[REPORT], (ADDRESS_FILE, 0))
        tables, patched = self.item(qtest, files["etc/acpi/tables"][0], 0x4000), found[PATCH][1]
        self.assertEqual(tables[patched - 6 : patched + 4], b"\x08VGIA\x0c\0\0\0\0")

    def test_a_number_may_be_random(self):
        first, second = (self.number(self.machine("-device", "vmgenid")[1]) for _ in range(2))
        self.assertNotEqual(first, second)
        self.assertEqual(uuid.UUID(first).version, 4)

    def test_one_that_goes_on_with_another_number_tells_its_guest(self):
        for loaded, event in ((SECOND, EVENT), (FIRST, 0)):
            with self.subTest(loaded):
                saved = self.folder / "saved"
                qtest, qmp = self.machine("-device", f"vmgenid,guid={FIRST}")
                self.start_up(qtest)
                self.assertEqual(self.in_memory(qtest), FIRST)
                qmp("migrate", uri=f"file:{saved}")
                self.assertEqual(qmp.await_status("query-migrate", "completed", "failed"), "completed")
                qtest, qmp = self.machine("-device", f"vmgenid,guid={loaded}", "-incoming", f"file:{saved}")
                qmp.await_status("query-status", "running")
                self.assertEqual(self.number(qmp), loaded)
                self.assertEqual(self.in_memory(qtest), loaded)
                self.assertEqual(qtest.value(f"inw {GPE_STATUS}"), event)

    def test_a_reset_forgets_the_place(self):
        qtest, qmp = self.machine("-device", f"vmgenid,guid={FIRST}")
        self.start_up(qtest)
        address = self.files(qtest)[ADDRESS_FILE]
        self.assertEqual(self.item(qtest, *address), struct.pack("<Q", PLACE + OFFSET))
        qmp("system_reset")
        qmp.event("RESET")
        self.assertEqual(self.item(qtest, *address), bytes(8))

    def refused(self, reason, *devices, machine="pc-i440fx-9.0"):
        arguments = [text for device in devices for text in ("-device", device)]
        result = self.run_program("-M", machine, "-accel", "qtest", "-qtest", "null", "-display", "none", "-nodefaults", *arguments)
        self.assertEqual(result.status, 1)
        self.assertIn(reason, result.errors)

    def test_what_cannot_be_is_refused(self):
        self.refused("guid", "vmgenid,guid=foo")
        self.refused("at most one vmgenid device", "vmgenid", "vmgenid")
        self.refused("DMA", "vmgenid", machine="pc-i440fx-2.4")
        _, qmp = self.machine()
        self.assertEqual(qmp("query-vm-generation-id")["error"]["desc"], "VM Generation ID device not found")
        error = qmp("device_add", driver="vmgenid")["error"]["desc"]
        self.assertEqual(error, "Device 'vmgenid' does not support hotplugging")


if __name__ == "__main__":
    unittest.main()
