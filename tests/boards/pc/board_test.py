"""The PC board as its firmware finds it, through the qtest protocol: no CPU runs. The values are those of a running peer."""

import pathlib
import subprocess
import tempfile
import types
import unittest

from program import ProgramTest, Qmp, connect
from qtest_test import Qtest

MEBIBYTE = 1 << 20
SELECTOR, DATA = 0x510, 0x511
DIRECTORY = 0x19

# Ports at reset: number, size in bytes, value.
PORTS = [
    (0x21, 1, 0x00), (0xA1, 1, 0x00), (0x4D0, 1, 0x00), (0x4D1, 1, 0x00), (0x64, 1, 0x18),
    (0x3FD, 1, 0x60), (0x3FE, 1, 0xB0), (0x3FA, 1, 0x01), (0x3FB, 1, 0x00), (0x2FD, 1, 0xFF),
    (0x1F7, 1, 0x00), (0xCF9, 1, 0x00), (0xB2, 1, 0x00), (0xB3, 1, 0x00), (0x80, 1, 0xFF),
    (0x3F1, 1, 0xC0), (0x3F2, 1, 0x0C), (0x3F3, 1, 0x00), (0x3F4, 1, 0x80), (0x3F7, 1, 0x80),
    (0xF0, 1, 0xFF), (0xCF8, 4, 0x00), (0x402, 1, 0xFF), (0xAFE0, 4, 0x00),
]
# Configuration space at reset: device << 3 | function, identity, class and revision.
FUNCTIONS = [
    (0 << 3, 0x12378086, 0x06000002),
    (1 << 3, 0x70008086, 0x06010000),
    (1 << 3 | 1, 0x70108086, 0x01018000),
    (1 << 3 | 3, 0x71138086, 0x06800003),
]
# -m in MiB: CMOS 15h-18h, 30h-31h, 34h-35h, 5Bh-5Dh.
SIZES = {
    64: ("800200fc", "00fc", "0003", "000000"),
    128: ("8002ffff", "ffff", "0007", "000000"),
    3583: ("8002ffff", "ffff", "f0de", "000000"),
    3584: ("8002ffff", "ffff", "00bf", "002000"),
    5120: ("8002ffff", "ffff", "00bf", "008000"),
}


class PcTest(ProgramTest):
    def board(self, *arguments, memory="128M", machine="pc-i440fx-9.0", serial="null"):
        place = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        qtest = Qtest(place)
        self.process = self.start(
            *("-display", "none", "-vga", "none", "-M", machine, "-m", memory, "-serial", serial),
            *("-accel", "qtest", "-qtest", f"unix:{qtest.path}", *arguments),
        )
        qtest.accept()
        self.addCleanup(qtest.close)
        return qtest

    def cmos(self, qtest, *numbers):
        text = ""
        for number in numbers:
            qtest(f"outb 0x70 {number}")
            text += f"{qtest.value('inb 0x71'):02x}"
        return text

    def item(self, qtest, key, size):
        qtest(f"outw {SELECTOR} {key}")
        return bytes(qtest.value(f"inb {DATA}") for _ in range(size))

    def files(self, qtest):
        """Of the configuration device: name to key and size."""
        count = int.from_bytes(self.item(qtest, DIRECTORY, 4), "big")
        rows = self.item(qtest, DIRECTORY, 4 + 64 * count)[4:]
        found = {}
        for at in range(0, len(rows), 64):
            row = rows[at : at + 64]
            size, key = int.from_bytes(row[:4], "big"), int.from_bytes(row[4:6], "big")
            found[row[8:].rstrip(b"\0").decode()] = (key, size)
        return found


class Places(PcTest):
    def test_a_card_tells_where_it_is(self):
        path = self.folder / "qmp"
        self.board("-qmp", f"unix:{path},server=on,wait=off", "-nodefaults", "-device", "virtio-rng-pci,id=a", "-device", "virtio-rng-pci,id=b,addr=6")
        with Qmp(connect(path, self.process)) as qmp:
            qmp("qmp_capabilities")
            for name, place in (("a", "02.0"), ("b", "06.0")):
                self.assertEqual(qmp("qom-get", path=f"/machine/peripheral/{name}", property="addr")["return"], place)


class Indices(PcTest):
    def test_tables_have_the_numbers_of_cards(self):
        cards = ("virtio-rng-pci,addr=3,acpi-index=5", "virtio-rng-pci,addr=4.0,multifunction=on", "virtio-rng-pci,addr=4.2,acpi-index=700")
        qtest = self.board("-nodefaults", *(word for card in cards for word in ("-device", card)))
        key, size = self.files(qtest)["etc/acpi/tables"]
        tables = self.item(qtest, key, min(size, 0x4000))  # zeros follow
        self.assertEqual(tables.count(b"_DSM"), 2)
        # What function 7 returns: a package of the number and an empty name (ACPI 6.4, 20.2.5.4).
        for package in ("1206 02 0a05 0d00", "1207 02 0bbc02 0d00"):
            self.assertTrue(bytes.fromhex(package) in tables, package)
        self.assertTrue(b"S22_\x08_ADR" in tables, "function 2 of device 4")

    def test_numbers_that_do_not_do_are_refused(self):
        base = ("-M", "pc", "-accel", "qtest", "-qtest", "null", "-display", "none", "-device")
        for card, why in (
            ("virtio-rng-pci,acpi-index=16384", "acpi-index should be less or equal to 16383"),
            ("virtio-rng-pci,acpi-index=3", "a PCI device with acpi-index = 3 already exists"),
        ):
            result = self.run_program(*base, "virtio-rng-pci,acpi-index=3", "-device", card)
            self.assertEqual(result.status, 1)
            self.assertIn(why, result.errors)


class Registers(PcTest):
    def test_ports(self):
        qtest = self.board()
        letter = {1: "b", 2: "w", 4: "l"}
        for port, size, value in PORTS:
            with self.subTest(hex(port)):
                self.assertEqual(qtest.value(f"in{letter[size]} {port}"), value)

    def test_configuration_space(self):
        qtest = self.board()

        def config(function, offset):
            qtest(f"outl 0xcf8 {1 << 31 | function << 8 | offset}")
            return qtest.value("inl 0xcfc")

        for function, identity, kind in FUNCTIONS:
            with self.subTest(hex(function)):
                self.assertEqual(config(function, 0), identity)
                self.assertEqual(config(function, 8), kind)
                self.assertEqual(config(function, 0x2C), 0x11001AF4)
        self.assertEqual(config(5 << 3, 0), 0xFFFFFFFF)

    def test_interrupt_controllers_and_timers_in_memory(self):
        qtest = self.board()
        self.assertEqual(qtest.value("readq 0xfed00000"), 0x009896808086A201)
        qtest("writel 0xfec00000 1")
        self.assertEqual(qtest.value("readl 0xfec00010"), 0x00170020)

    def test_the_reset_vector_is_the_firmwares(self):
        qtest = self.board()
        self.assertEqual(qtest.value("readb 0xfffffff0"), 0xEA, "a far jump")
        self.assertEqual(qtest.value("readb 0xffff0"), 0xEA)


class Network(PcTest):
    def identity(self, qtest, device):
        qtest(f"outl 0xcf8 {1 << 31 | device << 11}")
        return qtest.value("inl 0xcfc")

    def test_its_card_is_an_e1000(self):
        self.assertEqual(self.identity(self.board(), 2), 0x100E8086)
        self.assertEqual(self.identity(self.board("-nic", "none"), 2), 0xFFFFFFFF)
        self.assertEqual(self.identity(self.board("-nodefaults"), 2), 0xFFFFFFFF)
        self.assertEqual(self.identity(self.board("-nic", "user,model=virtio"), 2), 0x10001AF4)


class Clock(PcTest):
    def test_ticks_that_its_guest_could_not_see_are_made_up_for_where_that_is_asked(self):
        for machine in ("pc-i440fx-9.0", "pc-i440fx-2.4"):
            for choice, policy in (("none", "discard"), ("slew", "slew")):
                with self.subTest(f"{machine} {choice}"):
                    path = self.folder / f"{machine}-{choice}"
                    monitor = ("-qmp", f"unix:{path},server=on,wait=off")
                    self.board("-nodefaults", "-rtc", f"driftfix={choice}", *monitor, machine=machine)
                    with Qmp(connect(path, self.process)) as qmp:
                        qmp("qmp_capabilities")
                        clock = "/machine/i440fx/pci.0/PIIX3/isa.0/rtc"
                        self.assertEqual(qmp("qom-get", path=clock, property="lost_tick_policy")["return"], policy)


class HotPlug(PcTest):
    """Of PCI devices, as the methods of the DSDT have it."""

    def board_and_monitor(self, **options):
        path = self.folder / "qmp"
        qtest = self.board("-nodefaults", "-qmp", f"unix:{path},server=on,wait=off", **options)
        qmp = Qmp(connect(path, self.process)).__enter__()
        self.addCleanup(qmp.__exit__)
        qmp("qmp_capabilities")
        return qtest, qmp

    def test_a_device_comes_and_goes(self):
        up, down, eject, event = 0xAE00, 0xAE04, 0xAE08, 0xAFE0
        qtest, qmp = self.board_and_monitor()
        self.assertEqual(qmp("device_add", driver="pvpanic-pci", id="panic", addr="7")["return"], {})
        self.assertEqual(qtest.value(f"inw {event}"), 2)
        self.assertEqual(qtest.value(f"inl {up}"), 1 << 7)
        self.assertEqual(qmp("device_del", id="panic")["return"], {})
        self.assertEqual(qtest.value(f"inl {down}"), 1 << 7)
        qtest(f"outl {eject} {1 << 7}")
        self.assertEqual(qmp.event("DEVICE_DELETED")["data"]["device"], "panic")

    def test_a_usb_device_comes_and_goes_as_a_plug_does(self):
        qtest, qmp = self.board_and_monitor(machine="pc-i440fx-9.0,usb=on")
        qtest(f"outl 0xcf8 {1 << 31 | (1 << 3 | 2) << 8}")
        self.assertEqual(qtest.value("inl 0xcfc"), 0x70208086)
        qtest(f"outl 0xcf8 {1 << 31 | (1 << 3 | 2) << 8 | 0x20}")
        qtest("outl 0xcfc 0xc000")
        qtest(f"outl 0xcf8 {1 << 31 | (1 << 3 | 2) << 8 | 4}")
        qtest("outw 0xcfc 1")
        self.assertEqual(qtest.value("inw 0xc010"), 0x80)
        self.assertEqual(qmp("device_add", driver="usb-tablet", id="pen")["return"], {})
        self.assertEqual(qtest.value("inw 0xc010"), 0x83)
        self.assertIn("port = 1", qmp.human("info qtree"))
        self.assertEqual(qmp("device_del", id="pen")["return"], {})
        qmp.event("DEVICE_DELETED")
        self.assertEqual(qtest.value("inw 0xc010"), 0x82)

    def test_without_acpi_nothing_does(self):
        _, qmp = self.board_and_monitor(machine="pc-i440fx-9.0,acpi=off")
        reply = qmp("device_add", driver="pvpanic-pci", id="panic", addr="7")
        self.assertIn("hotplug", reply["error"]["desc"])

    def test_what_is_plugged_into_a_device_goes_with_it(self):
        qtest, qmp = self.board_and_monitor()
        eject = 0xAE08
        for driver, place in (("piix3-usb-uhci", {"addr": "7"}), ("usb-hub", {"bus": "first.0"}),
                              ("usb-mouse", {"bus": "first.0", "port": "1.2"})):
            name = {"piix3-usb-uhci": "first", "usb-hub": "second", "usb-mouse": "third"}[driver]
            self.assertEqual(qmp("device_add", driver=driver, id=name, **place)["return"], {})
        self.assertIn("usb-mouse", qmp("device_del", id="second")["error"]["desc"])
        qtest(f"outl {eject} {1 << 7}")
        gone = set()
        while len(gone) < 3:
            qmp.events.clear()
            gone.add(qmp.event("DEVICE_DELETED")["data"]["device"])
        self.assertEqual(gone, {"first", "second", "third"})
        self.assertNotIn("usb", qmp.human("info qtree"))


class Memory(PcTest):
    def test_what_cmos_says_of_ram(self):
        for size, (low, extended, above, high) in SIZES.items():
            with self.subTest(size):
                qtest = self.board(memory=f"{size}M")
                self.assertEqual(self.cmos(qtest, 0x15, 0x16, 0x17, 0x18), low)
                self.assertEqual(self.cmos(qtest, 0x30, 0x31), extended)
                self.assertEqual(self.cmos(qtest, 0x34, 0x35), above)
                self.assertEqual(self.cmos(qtest, 0x5B, 0x5C, 0x5D), high)

    def test_a_large_machine_goes_on_above_4_gibibytes(self):
        qtest = self.board(memory="5G", machine="pc-i440fx-9.0,max-ram-below-4g=1G")
        self.assertEqual(qtest("writel 0x100000000 0x12345678"), "OK")
        self.assertEqual(qtest.value("readl 0x100000000"), 0x12345678)
        self.assertEqual(self.cmos(qtest, 0x34, 0x35), "003f")

    def test_a_boundary_above_4_gibibytes_is_refused(self):
        result = self.run_program("-M", "pc-i440fx-9.0,max-ram-below-4g=5G", "-accel", "qtest", "-display", "none")
        self.assertEqual(result.status, 1)
        self.assertIn("expects size less than or equal to 4G", result.errors)

    def test_e820(self):
        qtest = self.board(memory="5G")
        key, size = self.files(qtest)["etc/e820"]
        data = self.item(qtest, key, size)
        rows = [
            tuple(int.from_bytes(data[at + i : at + i + n], "little") for i, n in ((0, 8), (8, 8), (16, 4)))
            for at in range(0, size, 20)
        ]
        self.assertEqual(
            rows, [(0xFD00000000, 0x300000000, 2), (0, 0xC0000000, 1), (0x100000000, 0x80000000, 1)]
        )


class Disks(PcTest):
    NUMBERS = (0x12, *range(0x19, 0x2D), 0x39)

    def drive(self, number, mebibytes, last=None):
        """A disk; `last`: head and sector at the end of its partition."""
        path = self.folder / f"{mebibytes}-{number}.img"
        table = bytearray(512)
        if last:
            table[446:462] = bytes((0x80, 1, 1, 0, 12, *last, 5)) + (63).to_bytes(4, "little") + (80000).to_bytes(4, "little")
            table[510:] = b"\x55\xaa"
        with open(path, "wb") as file:
            file.write(table)
            file.truncate(mebibytes << 20)
        return "-drive", f"file={path},format=raw,if=ide,index={number}"

    def test_what_cmos_says_of_them(self):
        # As a running peer has it.
        none = "00" * 10
        for arguments, text in [
            (self.drive(0, 504), "f0" "2f00" "0004" "10ffffc8" "00043f" + none[2:] + "00"),
            (self.drive(0, 9000), "f0" "2f00" "ff3f" "10ffffc8" "ff3f3f" + none[2:] + "01"),
            (self.drive(0, 100, (15, 17)), "f0" "2f00" "f002" "10ffffc8" "f00211" + none[2:] + "00"),
            (self.drive(0, 2000, (254, 63)), "f0" "2f00" "df0f" "10ffffc8" "df0f3f" + none[2:] + "02"),
            (self.drive(1, 4000), "0f" "002f" + none[2:] + "be1f" "10ffffc8" "be1f3f" "04"),
            (self.drive(3, 4000), "00" + none + none + "40"),
        ]:
            with self.subTest(arguments):
                self.assertEqual(self.cmos(self.board(*arguments), *self.NUMBERS), text)


class Floppies(PcTest):
    def image(self, kibibytes):
        path = self.folder / f"{kibibytes}.img"
        path.write_bytes(bytes(kibibytes << 10))
        return str(path)

    def test_what_cmos_says_of_drives(self):
        for arguments, types in [
            ((), "50"),
            (("-nodefaults",), "00"),
            (("-fda", self.image(720)), "40"),
            (("-nodefaults", "-fdb", self.image(1200)), "02"),
            (("-fda", self.image(2880), "-fdb", self.image(1440)), "54"),
        ]:
            with self.subTest(arguments):
                self.assertEqual(self.cmos(self.board(*arguments), 0x10), types)

    def test_an_image_that_is_no_diskette_is_refused(self):
        machine = ("-M", "pc", "-accel", "qtest", "-qtest", "null", "-display", "none")
        result = self.run_program(*machine, "-fda", self.image(4096))
        self.assertEqual(result.status, 1)
        self.assertIn("larger than any diskette", result.errors)


class Acpi(PcTest):
    def test_tables_are_what_the_specification_asks_for(self):
        qtest = self.board("-smp", "2", "-device", "pvpanic", "-device", "vmgenid")
        key, size = self.files(qtest)["etc/acpi/tables"]
        self.assertEqual(size, 0x20000)
        data = self.item(qtest, key, 0x2000)
        at, seen = 64, []
        while data[at] != 0:
            name = data[at : at + 4].decode()
            length = int.from_bytes(data[at + 4 : at + 8], "little")
            table = bytearray(data[at : at + length])
            table[9] = -(sum(table) - table[9]) & 0xFF  # as firmware makes it right
            path = self.folder / f"{name}.aml"
            path.write_bytes(table)
            with self.subTest(name):
                taken = subprocess.run(["iasl", "-d", path], capture_output=True, text=True)
                self.assertEqual(taken.returncode, 0, taken.stderr)
                made = subprocess.run(["iasl", path.with_suffix(".dsl")], capture_output=True, text=True)
                if name == "SSDT":
                    # Of the name that drivers know the device by.
                    self.assertIn("1 Errors, 0 Warnings", made.stdout)
                    self.assertIn("_HID suffix must be all hex digits", made.stdout + made.stderr)
                else:
                    self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
                if name == "DSDT":
                    self.assertIn("0 Errors, 0 Warnings", made.stdout)
                    self.assertIn("QEMU0001", path.with_suffix(".dsl").read_text())
            seen.append(name)
            at += length
        self.assertEqual(data[:4], b"FACS")
        self.assertEqual(seen, ["DSDT", "FACP", "APIC", "HPET", "SSDT", "WAET", "RSDT"])

    def test_nodes_are_told(self):
        backends = [f"memory-backend-ram,id=m{number},size=128M" for number in range(2)]
        nodes = ["node,memdev=m0,cpus=0-1", "node,memdev=m1,cpus=2-3", "dist,src=0,dst=1,val=20"]
        options = [word for each in backends for word in ("-object", each)]
        options += [word for each in nodes for word in ("-numa", each)]
        qtest = self.board("-m", "256M", "-smp", "4,sockets=2,cores=2", *options)
        numbers = [2, 0, 0, 1, 1, 128 << 20, 128 << 20]
        self.assertEqual(self.item(qtest, 13, 56), b"".join(number.to_bytes(8, "little") for number in numbers))
        key, _ = self.files(qtest)["etc/acpi/tables"]
        data = self.item(qtest, key, 0x3000)
        at = data.index(b"SRAT", 64)
        entries, table = [], data[at + 48 : at + int.from_bytes(data[at + 4 : at + 8], "little")]
        while table:
            if table[0] == 0:
                entries.append(("cpu", table[3], table[2]))
            else:
                base, size = (int.from_bytes(table[i : i + 8], "little") for i in (8, 16))
                entries.append(("memory", base, size, table[2], table[28]))
            table = table[table[1] :]
        self.assertEqual(
            entries,
            [("cpu", 0, 0), ("cpu", 1, 0), ("cpu", 2, 1), ("cpu", 3, 1)]
            + [("memory", 0, 0xA0000, 0, 1), ("memory", 0x100000, 0x7F00000, 0, 1)]
            + [("memory", 0x8000000, 0x8000000, 1, 1), ("memory", 0, 0, 0, 0)],
        )
        at = data.index(b"SLIT", 64)
        self.assertEqual(data[at + 36 : at + 48], b"\2" + bytes(7) + bytes([10, 20, 20, 10]))

    def test_nodes_are_told_how_fast_they_are(self):
        backends = [f"memory-backend-ram,id=m{number},size=128M" for number in range(2)]
        nodes = ["node,memdev=m0,initiator=0,cpus=0-1", "node,memdev=m1,initiator=0"]
        for target, latency, bandwidth in ((0, 5, "200M"), (1, 10, "100M")):
            measure = f"hmat-lb,initiator=0,target={target},hierarchy=memory,data-type=access-"
            nodes += [f"{measure}latency,latency={latency}", f"{measure}bandwidth,bandwidth={bandwidth}"]
        nodes.append("hmat-cache,node-id=0,size=10K,level=1,associativity=direct,policy=write-back,line=8")
        options = [word for each in backends for word in ("-object", each)]
        options += [word for each in nodes for word in ("-numa", each)]
        qtest = self.board("-m", "256M", "-smp", "2", *options, machine="pc-i440fx-9.0,hmat=on")
        key, _ = self.files(qtest)["etc/acpi/tables"]
        data = self.item(qtest, key, 0x3000)
        at = data.index(b"HMAT", 64)
        table = data[at : at + int.from_bytes(data[at + 4 : at + 8], "little")]
        domains = "".join(f"00000000280000000100000000000000{node:02x}000000" + "00" * 20 for node in range(2))
        latencies = "010000003000000000000000010000000200000000000000e80300000000000000000000000000000100000005000a00"
        bandwidths = "0100000030000000000300000100000002000000000000000400000000000000000000000000000001000000" + "32001900"
        cache = "02000000200000000000000000000000002800000000000011110800" + "00000000"
        self.assertEqual(table[36:].hex(), "00000000" + domains + latencies + bandwidths + cache)

    def test_without_acpi_there_are_no_tables(self):
        files = self.files(self.board(machine="pc-i440fx-9.0,acpi=off"))
        self.assertNotIn("etc/acpi/tables", files)


class Processors(PcTest):
    def test_apic_ids_follow_the_topology(self):
        qtest = self.board("-smp", "4,sockets=2,cores=2,threads=1")
        self.assertEqual(self.item(qtest, 5, 2), b"\x04\0")
        self.assertEqual(self.item(qtest, 15, 2), b"\x04\0")
        # Three cores take the room of four.
        qtest = self.board("-smp", "6,sockets=2,cores=3,threads=1")
        self.assertEqual(self.item(qtest, 15, 2), b"\x07\0")
        key, _ = self.files(qtest)["etc/acpi/tables"]
        table = self.item(qtest, key, 0x2000)
        at = table.index(b"APIC", 64) + 44
        ids = [table[at + 8 * number + 3] for number in range(6)]
        self.assertEqual(ids, [0, 1, 2, 4, 5, 6])


class Trees(PcTest):
    """What users read of the board, in the words that they know."""

    def tree(self, line):
        path = self.folder / "qmp"
        self.board("-qmp", f"unix:{path},server=on,wait=off", "-nodefaults")
        with Qmp(connect(path, types.SimpleNamespace(poll=lambda: None))) as qmp:
            qmp("qmp_capabilities")
            return qmp.human(line)

    def test_devices(self):
        text = self.tree("info qtree")
        for line in (
            "  dev: hpet, id \"\"", "    mmio 00000000fed00000/0000000000000400", "    pci-hole64-size = 2147483648 (2 GiB)",
            "    version = 32 (0x20)", "        class IDE controller, addr 00:01.1, pci id 8086:7010 (sub 1af4:1100)",
            "        bar 4: i/o at 0xffffffffffffffff [0xe]", '            lost_tick_policy = "discard"', "    msi = false",
        ):
            self.assertIn(f"\n{line}\n", text)
        self.assertNotIn("-cpu, id", text)
        self.assertLess(text.index("dev: hpet"), text.index("dev: i440FX-pcihost"), "the last one that was made comes first")
        self.assertLess(text.index("timers = "), text.index("hpet-intcap = "), "in the order of their declaration")

    def test_memory(self):
        text = self.tree("info mtree")
        self.assertRegex(text, r"(?m)^  0+-f{16} \(prio 0, container\): system$")
        self.assertRegex(text, r"(?m)^    0+-f{16} \(prio -1, i/o\): pci$")
        self.assertRegex(text, r"(?m)^    00000000fee00000-00000000feefffff \(prio 4096, i/o\): apic-msi$")
        self.assertRegex(text, r"(?m)^    00000000000c0000-00000000000c3fff \(prio 1, i/o\): alias pam-pci @pci ")

    def test_memories_of_modules(self):
        text = self.tree("info qtree")
        for socket in range(8):
            self.assertIn(f"address = {0x50 + socket} ", text)

    def test_functions(self):
        self.assertIn("\n    Bridge: PCI device 8086:7113\n", self.tree("info pci"))


class Versions(PcTest):
    def test_the_configuration_device_is_the_releases(self):
        for version, identity in (("9.0", 3), ("2.5", 3), ("2.4", 1)):
            with self.subTest(version):
                qtest = self.board(machine=f"pc-i440fx-{version}")
                self.assertEqual(self.item(qtest, 1, 1)[0], identity)


if __name__ == "__main__":
    unittest.main()
