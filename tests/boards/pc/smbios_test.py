"""SMBIOS tables of the PC board, as firmware finds them. The values are a running peer's."""

import unittest

from board_test import PcTest
from program import Qmp, connect

QEMU, NAME, VERSION = b"QEMU", b"Standard PC (i440FX + PIIX, 1996)", b"pc-i440fx-9.0"

# Of the processors: leaf 1 of CPUID, EAX and EDX; no accelerator says here which features they have.
PROCESSOR = "b10f060000000000"
# Type, handle, area behind the header, strings: with 5 GiB, and two sockets of two cores.
STRUCTURES = [
    (1, 0x0100, "0102030000000000000000000000000000000000060000", [QEMU, NAME, VERSION]),
    (3, 0x0300, "010102000003030302000000000000000000", [QEMU, VERSION]),
    (4, 0x0400, "0103fe02" + PROCESSOR + "03000000d007d0074101ffffffffffff00000002020202000100", [b"CPU 0", QEMU, VERSION]),
    (4, 0x0401, "0103fe02" + PROCESSOR + "03000000d007d0074101ffffffffffff00000002020202000100", [b"CPU 1", QEMU, VERSION]),
    (16, 0x1000, "01030600005000feff01000000000000000000", []),
    (17, 0x1100, "0010feffffffffff00140900010007020000000200000000000000000000000000000000", [b"DIMM 0", QEMU]),
    (19, 0x1300, "00000000ffff2f0000100100000000000000000000000000000000", []),
    (19, 0x1301, "00004000ffff5f0000100100000000000000000000000000000000", []),
    (32, 0x2000, "00000000000000", []),
    (127, 0x7F00, "", []),
]  # fmt: skip


def structures(table):
    at = 0
    while at < len(table):
        kind, size = table[at], table[at + 1]
        end = at + size
        while table[end : end + 2] != b"\0\0":
            end += 1
        strings = [text for text in table[at + size : end].split(b"\0") if text]
        yield kind, int.from_bytes(table[at + 2 : at + 4], "little"), table[at + 4 : at + size], strings
        at = end + 2


class Smbios(PcTest):
    def tables(self, *arguments, **options):
        qtest = self.board(*arguments, **options)
        files = self.files(qtest)
        read = [self.item(qtest, *files[f"etc/smbios/smbios-{name}"]) for name in ("anchor", "tables")]
        return read[0], list(structures(read[1]))

    def test_structures(self):
        anchor, found = self.tables("-smp", "4,sockets=2,cores=2", memory="5G")
        self.assertEqual(anchor.hex(), "5f534d5f001f020851000000000000005f444d495f00a601000000000a0028")
        shown = []
        for kind, handle, area, strings in found:
            shown.append((kind, handle, area.hex(), strings))
        self.assertEqual(shown, STRUCTURES)

    def test_a_processor_has_the_cores_of_all_its_dies(self):
        _, found = self.tables("-smp", "16,sockets=2,dies=2,modules=2,cores=1,threads=2")
        counts = [area[31:34].hex() for kind, _, area, _ in found if kind == 4]
        self.assertEqual(counts, ["040408"] * 2)

    def test_a_wide_entry_point_is_of_version_3(self):
        anchor, found = self.tables(machine="pc-i440fx-9.0,smbios-entry-point-type=64")
        self.assertEqual(anchor[:5] + anchor[6:9], b"_SM3_\x18\x03\0")
        self.assertEqual([len(area) for kind, _, area, _ in found if kind == 4], [44])

    def test_modules_are_larger_since_9_1(self):
        for version, size in (("9.0", 16 << 30), ("9.1", 0)):
            monitor = self.folder / version
            self.board("-qmp", f"unix:{monitor},server=on,wait=off", machine=f"pc-i440fx-{version}")
            with Qmp(connect(monitor, self.process)) as qmp:
                qmp("qmp_capabilities")
                reply = qmp("qom-get", path="/machine/smbios", property="memory-device-size")
            self.assertEqual(reply["return"], size, version)

    def test_users_say_more(self):
        uuid = "00112233-4455-6677-8899-aabbccddeeff"
        _, found = self.tables(
            *("-smbios", "type=0,vendor=V", "-smbios", "type=2,manufacturer=M", "-uuid", uuid),
            *("-smbios", "type=4,sock_pfx=S,max-speed=3000", "-smbios", "type=17,part=P,speed=1"),
        )
        by_kind = {kind: (area, strings) for kind, _, area, strings in found}
        self.assertEqual(by_kind[0][0].hex(), "010000e80000080000000000000000140000ffff")
        self.assertEqual(by_kind[1][0][4:20].hex(), "33221100554477668899aabbccddeeff")
        self.assertEqual(by_kind[2][0].hex(), "0102030000010000030a00")
        self.assertEqual(by_kind[4][1], [b"S 0", QEMU, VERSION])
        self.assertEqual(by_kind[17][1], [b"DIMM 0", QEMU, b"P"])


if __name__ == "__main__":
    unittest.main()
