"""Processors and memory modules that come and go, as monitors and as a guest's ACPI code see them."""

import json
import os
import shutil
import subprocess
import sys
import unittest

from program import ProgramTest, Qmp, connect
from qtest_test import Qtest

PORTS, GPE = 0xAF00, 0xAFE0
SELECTOR, STATE, COMMAND, DATA = PORTS, PORTS + 4, PORTS + 5, PORTS + 8
ENABLED, INSERTING, REMOVING, EJECT = 1, 2, 4, 8
CPU = "qemu64-x86_64-cpu"
SECOND = {"socket-id": 0, "core-id": 1, "thread-id": 0}


class HotPlugBase(ProgramTest):
    def start_pc(self, *arguments, machine="pc-i440fx-9.0", place="first"):
        folder = self.folder / place
        folder.mkdir()
        self.qtest = Qtest(folder)
        monitor = folder / "qmp"
        self.process = self.start(
            *("-M", machine, "-nodefaults", "-display", "none", "-accel", "qtest", "-qtest", f"unix:{self.qtest.path}"),
            *("-qmp", f"unix:{monitor},server=on,wait=off", *arguments),
        )
        self.qtest.accept()
        self.qmp = Qmp(connect(monitor, self.process)).__enter__()
        self.addCleanup(self.qmp.__exit__)
        self.addCleanup(self.qtest.close)
        self.qmp("qmp_capabilities")

    def place_power_management(self):
        """Where the PIIX4 has its registers, and that it has them."""
        for register, value in ((0x40, 0x601), (0x80, 1)):
            self.write(0xCF8, 0x80000B00 | register, 4)
            self.write(0xCFC, value, 4)

    def sleep_and_wake(self):
        self.write(0x604, 1 << 13 | 1 << 10, 2)
        self.qmp.event("SUSPEND")
        self.qmp("system_wakeup")
        self.qmp.event("WAKEUP")

    def counted_by_firmware(self):
        """By the CMOS memory, and by the configuration device."""
        self.write(0x70, 0x5F, 1)
        self.write(0x510, 5, 2)
        return self.read(0x71, 1) + 1, self.read(0x511, 1)

    def file(self, name, limit):
        """What firmware finds in the configuration device."""
        self.write(0x510, 0x19, 2)
        directory = bytes(self.read(0x511, 1) for _ in range(4 + 64 * 32))
        row = directory[directory.index(name.encode() + b"\0") - 8 :]
        self.write(0x510, int.from_bytes(row[4:6], "big"), 2)
        return bytes(self.read(0x511, 1) for _ in range(min(limit, int.from_bytes(row[:4], "big"))))

    def read(self, port, size):
        return int(self.qtest(f"in{ {1: 'b', 2: 'w', 4: 'l'}[size] } {port}").split()[1], 0)

    def write(self, port, value, size):
        self.qtest(f"out{ {1: 'b', 2: 'w', 4: 'l'}[size] } {port} {value}")


class ProcessorHotPlug(HotPlugBase):
    def state(self, slot):
        self.write(SELECTOR, slot, 4)
        return self.read(STATE, 1)

    def places(self):
        return {row["props"]["core-id"]: row.get("qom-path") for row in self.qmp("query-hotpluggable-cpus")["return"]}

    def refusal(self, **arguments):
        return self.qmp("device_add", **{"driver": CPU, **arguments})["error"]["desc"]

    def test_places_are_listed(self):
        self.start_pc("-smp", "1,maxcpus=3")
        rows = self.qmp("query-hotpluggable-cpus")["return"]
        self.assertEqual([row["props"] for row in rows], [{"socket-id": 0, "core-id": n, "thread-id": 0} for n in (2, 1, 0)])
        self.assertEqual({row["type"] for row in rows}, {CPU})
        self.assertEqual(["qom-path" in row for row in rows], [False, False, True])

    def test_one_comes_and_goes(self):
        self.start_pc("-smp", "1,maxcpus=2")
        self.assertEqual(self.qmp("device_add", driver=CPU, id="c1", **SECOND)["return"], {})
        self.assertEqual(self.places()[1], "/machine/peripheral/c1")
        self.assertEqual(self.read(GPE, 1), 4)
        self.assertEqual(self.state(1), ENABLED | INSERTING)
        self.assertEqual(len(self.qmp("query-cpus-fast")["return"]), 2)
        self.write(STATE, INSERTING, 1)

        self.assertEqual(self.qmp("device_del", id="c1")["return"], {})
        self.assertEqual(self.state(1), ENABLED | REMOVING)
        self.write(COMMAND, 1, 1)
        self.write(DATA, 3, 4)
        self.write(COMMAND, 2, 1)
        self.write(DATA, 0x84, 4)
        report = self.qmp.event("ACPI_DEVICE_OST")["data"]["info"]
        self.assertEqual(report, {"device": "c1", "slot": "1", "slot-type": "CPU", "source": 3, "status": 0x84})
        self.write(STATE, EJECT, 1)
        self.assertEqual(self.qmp.event("DEVICE_DELETED")["data"], {"device": "c1", "path": "/machine/peripheral/c1"})
        self.assertEqual(self.state(1), 0)
        self.assertIsNone(self.places()[1])
        self.assertEqual(self.qmp("device_add", driver=CPU, id="c1", **SECOND)["return"], {}, "and comes again")

    def test_one_of_the_first_goes_but_not_the_first_of_all(self):
        self.start_pc("-smp", "2")
        path = self.places()
        self.assertIn("in use", self.qmp("device_del", id=path[0])["error"]["desc"])
        self.write(SELECTOR, 0, 4)
        self.write(STATE, EJECT, 1)
        self.assertEqual(self.state(0), ENABLED)
        self.assertEqual(self.qmp("device_del", id=path[1])["return"], {})
        self.write(SELECTOR, 1, 4)
        self.write(STATE, EJECT, 1)
        self.assertEqual(self.qmp.event("DEVICE_DELETED")["data"], {"path": path[1]})
        self.assertEqual(self.state(1), 0)

    def test_reports_of_one_without_a_name(self):
        self.start_pc("-smp", "2")
        self.write(SELECTOR, 1, 4)
        self.write(COMMAND, 2, 1)
        self.write(DATA, 0x84, 4)
        report = self.qmp.event("ACPI_DEVICE_OST")["data"]["info"]
        self.assertEqual(report, {"slot": "1", "slot-type": "CPU", "source": 0, "status": 0x84})
        self.assertIn(report, self.qmp("query-acpi-ospm-status")["return"])

    def test_what_does_not_fit_is_refused(self):
        self.start_pc("-smp", "1,maxcpus=4,cores=2,sockets=2")
        self.assertEqual(self.refusal(), "CPU socket-id is not set")
        self.assertEqual(self.refusal(**{"socket-id": 0, "core-id": 1}), "CPU thread-id is not set")
        self.assertIn("Invalid CPU core-id: 2 must be in range 0:1", self.refusal(**{"socket-id": 0, "core-id": 2, "thread-id": 0}))
        self.assertIn("Invalid CPU die-id: 1 must be in range 0:0", self.refusal(**{**SECOND, "die-id": 1}))
        self.assertIn("CPU[0] with APIC ID 0 exists", self.refusal(**{"socket-id": 0, "core-id": 0, "thread-id": 0}))
        self.assertIn(f"expected cpu type: '{CPU}'", self.refusal(driver="kvm64-x86_64-cpu", **SECOND))
        self.assertEqual(self.places()[1], None)
        self.assertEqual(self.qmp("device_add", driver=CPU, id="c", **{"apic-id": 3})["return"], {})

    def test_dies_and_modules(self):
        self.start_pc("-smp", "2,maxcpus=8,dies=2,modules=2")
        rows = self.qmp("query-hotpluggable-cpus")["return"]
        place = {"socket-id": 0, "die-id": 1, "module-id": 0, "core-id": 1, "thread-id": 0}
        self.assertEqual(rows[2]["props"], place)
        self.assertEqual([cpu["props"]["core-id"] for cpu in self.qmp("query-cpus-fast")["return"]], [0, 1])
        without = {name: value for name, value in place.items() if name != "die-id"}
        self.assertEqual(self.refusal(**without), "CPU die-id is not set")
        self.assertIn("Invalid CPU module-id: 2 must be in range 0:1", self.refusal(**{**place, "module-id": 2}))
        self.assertEqual(self.qmp("device_add", driver=CPU, id="c", **place)["return"], {})
        self.assertEqual(self.state(5), ENABLED | INSERTING)
        added = self.qmp("query-cpus-fast")["return"][2]
        self.assertEqual((added["cpu-index"], added["props"]), (5, place))
        self.assertEqual(self.qmp("qom-get", path="/machine/peripheral/c", property="apic-id")["return"], 5)

    def test_firmware_that_wakes_is_told_what_it_knew(self):
        self.start_pc("-smp", "1,maxcpus=2")
        self.place_power_management()
        self.assertEqual(self.counted_by_firmware(), (1, 1))
        self.assertEqual(self.qmp("device_add", driver=CPU, id="c1", **SECOND)["return"], {})
        self.sleep_and_wake()
        self.assertEqual(self.counted_by_firmware(), (1, 1))
        self.qmp("system_reset")
        self.qmp.event("RESET")
        self.assertEqual(self.counted_by_firmware(), (2, 2), "it waits for it after a reset")

    def test_the_chosen_one_may_leave(self):
        self.start_pc("-smp", "1,maxcpus=3")
        say = self.qmp.human
        self.assertEqual(self.qmp("device_add", driver=CPU, id="c2", **{**SECOND, "core-id": 2})["return"], {})
        self.assertIn("invalid CPU index 1", say("cpu 1"))
        self.assertNotIn("invalid", say("cpu 2"))
        self.assertIn("CPU#2", say("info registers"))
        self.write(SELECTOR, 2, 4)
        self.write(STATE, EJECT, 1)
        self.qmp.event("DEVICE_DELETED")
        self.assertIn("CPU#0", say("info registers"))

    def test_one_that_is_there_from_the_start_is_no_news(self):
        self.start_pc("-smp", "1,maxcpus=2", "-device", f"{CPU},id=c1,socket-id=0,core-id=1,thread-id=0")
        self.assertEqual(self.state(1), ENABLED)
        self.assertEqual(self.read(GPE, 1), 0)

    def test_guests_of_old_versions_have_a_bitmap(self):
        self.start_pc("-smp", "1,maxcpus=2", machine="pc-i440fx-2.6")
        self.assertEqual(self.read(PORTS, 1), 1)
        second = {"socket-id": 1, "core-id": 0, "thread-id": 0}
        self.assertEqual(self.qmp("device_add", driver=CPU, id="c1", **second)["return"], {})
        self.assertEqual(self.read(PORTS, 1), 3)
        self.assertIn("not asked", self.qmp("device_del", id="c1")["error"]["desc"])


MEMORY = 0xA00
MEMORY_STATE = MEMORY + 0x14
MEBIBYTE = 1 << 20


class MemoryHotPlug(HotPlugBase):
    ROOM = ("-m", "512M,slots=2,maxmem=2G")

    def backend(self, name, mebibytes):
        self.assertEqual(self.qmp("object-add", **{"qom-type": "memory-backend-ram", "id": name, "size": mebibytes * MEBIBYTE})["return"], {})

    def add(self, **arguments):
        answer = self.qmp("device_add", driver="pc-dimm", **arguments)
        return answer.get("error", {}).get("desc")

    def devices(self):
        return [row["data"] for row in self.qmp("query-memory-devices")["return"]]

    def test_a_module_comes_and_goes(self):
        self.start_pc(*self.ROOM)
        self.backend("m1", 128)
        self.assertIsNone(self.add(id="d1", memdev="m1"))
        expected = {"id": "d1", "addr": 1 << 32, "slot": 0, "node": 0, "size": 128 * MEBIBYTE, "memdev": "/objects/m1"}
        self.assertEqual(self.devices(), [{**expected, "hotplugged": True, "hotpluggable": True}])
        summary = self.qmp("query-memory-size-summary")["return"]
        self.assertEqual(summary, {"base-memory": 512 * MEBIBYTE, "plugged-memory": 128 * MEBIBYTE})
        self.assertEqual(self.read(GPE, 1), 8)
        self.assertEqual([self.read(MEMORY + 4 * n, 4) for n in range(5)], [0, 1, 128 * MEBIBYTE, 0, 0])
        self.assertEqual(self.read(MEMORY_STATE, 1), ENABLED | INSERTING)
        self.qtest("writeq 0x100000000 0x123456789")
        self.assertEqual(self.qtest.value("readq 0x100000000"), 0x123456789)
        self.assertIn("in use", self.qmp("object-del", id="m1")["error"]["desc"])

        self.assertEqual(self.qmp("device_del", id="d1")["return"], {})
        self.assertEqual(self.read(MEMORY_STATE, 1), ENABLED | INSERTING | REMOVING)
        self.write(MEMORY_STATE, EJECT, 1)
        self.assertEqual(self.qmp.event("DEVICE_DELETED")["data"]["device"], "d1")
        self.assertEqual(self.devices(), [])
        self.assertEqual(self.read(MEMORY_STATE, 1), 0)
        self.assertEqual(self.qtest.value("readq 0x100000000"), (1 << 64) - 1)
        self.assertEqual(self.qmp("object-del", id="m1")["return"], {})

    def test_modules_find_places(self):
        self.start_pc(*self.ROOM)
        self.backend("m1", 128)
        self.backend("m2", 256)
        self.backend("m3", 64)
        self.assertIsNone(self.add(id="d1", memdev="m1", addr=0x108000000, slot=1))
        self.assertIsNone(self.add(id="d2", memdev="m2"))
        self.assertEqual([(device["addr"], device["slot"]) for device in self.devices()], [(0x108000000, 1), (0x110000000, 0)])
        self.assertEqual(self.add(memdev="m3"), "no free slots available")

    def test_what_does_not_fit_is_refused(self):
        self.start_pc(*self.ROOM)
        self.backend("m", 128)
        self.backend("odd", 3)
        for wanted, arguments in {
            "'memdev' property must be set": {},
            "must be multiple of 0x200000": {"memdev": "odd"},
            "exceeds the number of numa nodes: 1": {"memdev": "m", "node": 3},
            "invalid slot number 7, valid range is [0-1]": {"memdev": "m", "slot": 7},
            "invalid slot number -2, valid range is [0-1]": {"memdev": "m", "slot": -2},
            "address must be aligned to 0x200000 bytes": {"memdev": "m", "addr": 0x100000001},
            "usable range for memory devices [0x100000000:0xe0000000]": {"memdev": "m", "addr": 0x1F0000000},
        }.items():
            self.assertIn(wanted, self.add(**arguments))
        self.assertEqual(self.devices(), [])
        self.assertIsNone(self.add(memdev="m"), "a refusal leaves the backend free")

    def test_only_modules_go_into_slots(self):
        self.start_pc(*self.ROOM, "--plugin-dir", os.environ["FIXTURES"])
        self.assertEqual(self.qmp("device_add", driver="stranger")["error"]["desc"], "'stranger' is no memory module")

    def test_room_that_processors_do_not_reach_is_refused(self):
        for most in ("2T", "17179869183G"):
            result = self.run_program("-M", "pc", "-display", "none", "-accel", "tcg", "-m", f"512M,slots=2,maxmem={most}")
            self.assertEqual(result.status, 1, most)
            self.assertIn("and processors reach RAM below 0xfd00000000", result.errors)

    def test_without_room_there_is_none(self):
        self.start_pc("-m", "512M")
        self.backend("m", 128)
        self.assertIn("not enabled, please specify the maxmem option", self.add(memdev="m"))

    def test_their_chip_says_that_it_reports(self):
        types = json.loads(self.run_program("plugin", "info", "acpi-hotplug", "--json").output)["types"]
        events = {each["name"]: each.get("events") for each in types}
        self.assertEqual(events["acpi-memory-hotplug"], ["ACPI_DEVICE_OST"])
        self.assertEqual(events["acpi-memory-hotplug"], events["acpi-cpu-hotplug"])

    def test_firmware_keeps_off(self):
        self.start_pc(*self.ROOM, "-object", "memory-backend-ram,id=m,size=64M", "-device", "pc-dimm,id=d,memdev=m")
        self.assertEqual(self.read(GPE, 1), 0, "what is there from the start is no news")
        self.assertEqual(self.file("etc/reserved-memory-end", 8), (0x200000000).to_bytes(8, "little"))
        self.assertEqual(self.qmp("query-memory-devices")["return"][0]["data"]["hotplugged"], False)


class Tables(HotPlugBase):
    def check_dsdt(self, machine, *wanted):
        self.start_pc("-smp", "2,maxcpus=4", "-m", "64M,slots=3,maxmem=1G", machine=machine)
        tables = self.file("etc/acpi/tables", 0x3000)
        start = tables.index(b"DSDT")
        table = bytearray(tables[start : start + int.from_bytes(tables[start + 4 : start + 8], "little")])
        table[9] = -(sum(table) - table[9]) & 0xFF  # as firmware makes it right
        path = self.folder / "dsdt.aml"
        path.write_bytes(table)
        self.assertEqual(subprocess.run(["iasl", "-d", path], capture_output=True).returncode, 0)
        made = subprocess.run(["iasl", path.with_suffix(".dsl")], capture_output=True, text=True)
        self.assertIn("0 Errors, 0 Warnings", made.stdout, made.stdout + made.stderr)
        text = path.with_suffix(".dsl").read_text()
        for name in wanted:
            self.assertIn(name, text)

    def test_processors_and_modules_are_devices(self):
        self.check_dsdt("pc", "Device (C003)", "Device (MP02)", "_E02", "_E03", "CRMV")

    def test_old_ones_go_by_the_bitmap(self):
        self.check_dsdt("pc-i440fx-2.6", "Device (C003)", "Device (MP02)", "_E02", "CPON")


class Saved(HotPlugBase):
    SIZE = ("-smp", "1,maxcpus=2", "-m", "64M,slots=2,maxmem=1G")

    PROCESSOR = ("-device", f"{CPU},id=c,socket-id=0,core-id=1,thread-id=0")

    def save(self):
        stream = self.folder / "stream"
        self.assertEqual(self.qmp("migrate", uri=f"file:{stream}")["return"], {})
        self.assertEqual(self.qmp.await_status("query-migrate", "completed", "failed"), "completed")
        return stream

    def load(self, stream, *arguments):
        self.start_pc(*self.SIZE, *arguments, "-incoming", f"file:{stream}", place="second")
        self.qmp.await_status("query-status", "running")

    def test_firmware_that_wakes_elsewhere_is_told_what_it_knew(self):
        self.start_pc(*self.SIZE)
        self.place_power_management()
        self.assertEqual(self.qmp("device_add", driver=CPU, id="c", **SECOND)["return"], {})
        self.load(self.save(), *self.PROCESSOR)
        self.sleep_and_wake()
        self.assertEqual(self.counted_by_firmware(), (1, 1))
        self.qmp("system_reset")
        self.qmp.event("RESET")
        self.assertEqual(self.counted_by_firmware(), (2, 2))

    def test_what_came_goes_along(self):
        self.start_pc(*self.SIZE)
        first = self.qmp
        first("object-add", **{"qom-type": "memory-backend-ram", "id": "m", "size": 2 * MEBIBYTE})
        self.assertEqual(first("device_add", driver="pc-dimm", id="d", memdev="m")["return"], {})
        self.assertEqual(first("device_add", driver=CPU, id="c", **SECOND)["return"], {})
        self.write(SELECTOR, 1, 4)
        self.qtest("writeq 0x100001000 0x123456789")
        devices = ("-object", "memory-backend-ram,id=m,size=2M", "-device", "pc-dimm,id=d,memdev=m")
        self.load(self.save(), *devices, *self.PROCESSOR)
        self.assertEqual(self.read(STATE, 1), ENABLED | INSERTING, "the guest has not looked yet")
        self.assertEqual(self.read(MEMORY_STATE, 1), ENABLED | INSERTING)
        self.assertEqual(self.qtest.value("readq 0x100001000"), 0x123456789)


if __name__ == "__main__":
    if not shutil.which("iasl"):
        print("skipped: no iasl, which checks tables")
        sys.exit(77)
    unittest.main()
