"""ACPI tables of the user's beside the PC's own: -acpitable. The bytes are those of a running peer."""

import unittest

from board_test import PcTest

TABLES = "etc/acpi/tables"
USER_TABLES = 0x8000
BODY = b"hello tables"


class AcpiTable(PcTest):
    def data(self, name="data", contents=BODY):
        path = self.folder / name
        path.write_bytes(contents)
        return str(path)

    def refused(self, why, option):
        result = self.run_program(*("-M", "pc-i440fx-9.0", "-accel", "qtest", "-qtest", "null", "-display", "none", "-nodefaults"), "-acpitable", option)
        self.assertEqual(result.status, 1)
        self.assertIn(f"-acpitable {option}: ", result.errors)
        self.assertIn(why, result.errors)

    def test_a_table_is_told_beside_the_others(self):
        header = "sig=TEST,rev=3,oem_id=ABC,oem_table_id=DEF,oem_rev=7,asl_compiler_id=XYZ,asl_compiler_rev=9"
        qtest = self.board("-acpitable", f"{header},data={self.data()}")
        tables = self.item(qtest, self.files(qtest)[TABLES][0], 0x4000)
        wanted = b"TEST0\0\0\0\x03\0ABC\0\0\0DEF\0\0\0\0\0\x07\0\0\0XYZ\0\x09\0\0\0" + BODY
        at = tables.index(wanted)
        root = tables.index(b"RSDT")
        size = int.from_bytes(tables[root + 4 : root + 8], "little")
        entries = [int.from_bytes(tables[entry : entry + 4], "little") for entry in range(root + 36, root + size, 4)]
        self.assertIn(at, entries)

    def test_what_is_not_said_is_this_programs(self):
        files = f"{self.data()}:{self.data('more', b'!')}"
        qtest = self.board("-acpitable", f"data={files}", machine="pc-i440fx-9.0,acpi=off")
        self.assertNotIn(TABLES, self.files(qtest))
        table = self.item(qtest, USER_TABLES, 4 + 36 + 13)
        self.assertEqual(table[:4], b"\x01\0\x31\0")
        self.assertEqual(table[4:12] + table[14:], b"QEMU\x31\0\0\0QEMUQEQEMUQEMU\x01\0\0\0QEMU\x01\0\0\0" + BODY + b"!")
        self.assertEqual(sum(table[4:]) & 0xFF, 0)

    def test_a_whole_table_keeps_its_header(self):
        whole = b"SSDT\xff\0\0\0\x02\0MAKER!TABLE#12\x05\0\0\0INTL\x06\0\0\0" + BODY
        qtest = self.board("-acpitable", f"file={self.data('whole', whole)},oem_rev=8")
        table = self.item(qtest, USER_TABLES, 4 + len(whole))[4:]
        self.assertEqual(table[:9], b"SSDT\x30\0\0\0\x02")
        self.assertEqual(table[10:], b"MAKER!TABLE#12\x08\0\0\0INTL\x06\0\0\0" + BODY)
        self.assertEqual(sum(table) & 0xFF, 0)

    def test_what_is_no_table_is_refused(self):
        data = self.data()
        self.refused("requires one of 'data' or 'file'", "sig=TEST")
        self.refused("requires one of 'data' or 'file'", f"data={data},file={data}")
        self.refused("Could not open '/nonexist': No such file or directory", "data=/nonexist")
        self.refused("too short, available: 12, expected: 36", f"file={data}")
        self.refused("65,535 bytes", f"data={self.data('large', bytes(1 << 16))}")
        self.refused("rev' expects a value from 0 to 255", f"data={data},rev=300")


if __name__ == "__main__":
    unittest.main()
