"""Which serial and printer ports the PC has, by what its user says of them. The rows are those of a running peer."""

import re
import unittest

from board_test import PcTest
from program import Qmp, connect

BARE = ("-display", "none")
NULL = ("-chardev", "null,id=c")
# Arguments; character devices beside the monitor's, ports on the ISA bus with their index.
CASES = [
    (BARE, {"serial0": "vc", "parallel0": "vc"}, ["parallel 0", "serial 0"]),
    (("-nographic",), {"serial0": "mux", "serial0-base": "stdio", "parallel0": "null"}, ["parallel 0", "serial 0"]),
    ((*BARE, "-nodefaults"), {}, []),
    (("-nodefaults", *BARE, "-parallel", "null"), {"parallel0": "null"}, ["parallel 0"]),
    ((*BARE, "-serial", "null"), {"serial0": "null", "parallel0": "vc"}, ["parallel 0", "serial 0"]),
    ((*BARE, "-parallel", "none"), {"serial0": "vc"}, ["serial 0"]),
    ((*BARE, "-serial", "none"), {"parallel0": "vc"}, ["parallel 0"]),
    (("-nographic", "-parallel", "none"), {"serial0": "mux", "serial0-base": "stdio"}, ["serial 0"]),
    ((*BARE, "-serial", "none", "-serial", "null"), {"serial1": "null", "parallel0": "vc"}, ["parallel 0", "serial 1"]),
    ((*BARE, "-parallel", "none", "-parallel", "null"), {"parallel1": "null", "serial0": "vc"}, ["parallel 1", "serial 0"]),
    ((*BARE, *NULL, "-device", "isa-serial,chardev=c,index=1"), {"c": "null", "parallel0": "vc"}, ["parallel 0", "serial 1"]),
    ((*BARE, *NULL, "-device", "isa-parallel,chardev=c"), {"c": "null", "serial0": "vc"}, ["parallel 0", "serial 0"]),
    ((*BARE, *NULL, "-parallel", "chardev:c"), {"c": "null", "serial0": "vc"}, ["parallel 0", "serial 0"]),
]  # fmt: skip


class BytePorts(PcTest):
    def test_ports_are_there_unless_the_user_says_otherwise(self):
        for number, (arguments, chardevs, ports) in enumerate(CASES):
            with self.subTest(arguments=arguments):
                path = self.folder / f"qmp{number}"
                monitor = ("-chardev", f"socket,id=q,path={path},server=on,wait=off", "-mon", "q,mode=control")
                process = self.start(*("-M", "pc-i440fx-9.0", "-accel", "qtest", "-qtest", "null", "-S", *monitor, *arguments))
                with Qmp(connect(path, process)) as qmp:
                    qmp("qmp_capabilities")
                    found = {row["label"]: row["filename"] for row in qmp("query-chardev")["return"]}
                    self.assertEqual({label: name for label, name in found.items() if label not in ("q", "qtest")}, chardevs)
                    tree = qmp.human("info qtree")
                    shown = re.findall(r"dev: isa-(serial|parallel),(?:.*\n)*?\s+index = (\d+)", tree)
                    self.assertEqual(sorted(" ".join(row) for row in shown), ports)

    def test_tables_have_them_at_their_places(self):
        printer = "isa-parallel,chardev=c,iobase=0x123"
        qtest = self.board("-serial", "null", *NULL, "-device", printer, serial="none")
        key, size = self.files(qtest)["etc/acpi/tables"]
        tables = self.item(qtest, key, size)
        self.assertEqual(re.findall(rb"(?:COM|LPT)[1-4]", tables), [b"COM2"])
        # A descriptor of ports and one of a line (ACPI 6.4, 6.4.2.5 and 6.4.2.1).
        resources = bytes.fromhex("4701f802f8020108 220800 7900")
        self.assertTrue(resources in tables, "COM2 has other resources")


if __name__ == "__main__":
    unittest.main()
