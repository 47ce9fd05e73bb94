"""Options that change what the guest or the process is given."""

import json
import os
import pathlib
import socket
import unittest
import unittest.mock

from monitors_test import Qmp
from program import ProgramTest, connect
from qtest_test import Qtest

FW_CFG = 0x10100000  # of riscv-virt
UUID = "00112233-4455-6677-8899-aabbccddeeff"


class Options(ProgramTest):
    def items(self, *arguments):
        """The machine's configuration device, read as a guest does: item(key, size), and the keys of files."""
        qtest = Qtest(self.folder)
        self.addCleanup(qtest.close)
        self.start(
            *("-display", "none", "-M", "virt", "-m", "64M", "-bios", "none"),
            *("-accel", "qtest", "-qtest", f"unix:{qtest.path}", *arguments),
        )
        qtest.accept()

        def item(key, size):
            qtest(f"writew {FW_CFG + 8:#x} {int.from_bytes(key.to_bytes(2, 'big'), 'little'):#x}")
            return bytes(qtest.value(f"readb {FW_CFG:#x}") for _ in range(size))

        count = int.from_bytes(item(0x19, 4), "big")
        directory = item(0x19, 4 + 64 * count)[4:]
        rows = [directory[i : i + 64] for i in range(0, len(directory), 64)]
        files = {row[8:].rstrip(b"\0").decode(): (int.from_bytes(row[4:6], "big"), int.from_bytes(row[:4], "big")) for row in rows}
        return item, files

    def test_files_for_the_firmware(self):
        source = self.file("source", b"from a file")
        item, files = self.items("-fw_cfg", "name=opt/a,string=text", "-fw_cfg", f"opt/b,file={source}")
        self.assertEqual(item(*files["opt/a"]), b"text")
        self.assertEqual(item(*files["opt/b"]), b"from a file")

    def test_what_firmware_does_first(self):
        item, files = self.items("-boot", "menu=on,splash-time=5,reboot-timeout=7", "-uuid", UUID)
        self.assertEqual(item(0x0E, 2), b"\x01\0")
        self.assertEqual(item(*files["etc/boot-menu-wait"]), b"\x05\0")
        self.assertEqual(item(*files["etc/boot-fail-wait"]), b"\x07\0\0\0")
        self.assertEqual(item(0x02, 16).hex(), UUID.replace("-", ""))

    def test_what_has_an_index_is_started_in_that_order(self):
        drive = ("-drive", f"if=none,id=d,file={self.file('disk', bytes(1 << 20))},format=raw")
        item, files = self.items(
            *(*drive, "-device", "virtio-blk-device,drive=d,bootindex=3", "-device", "virtio-net-pci,bootindex=1,addr=1"),
            *("-boot", "strict=on"),
        )
        self.assertEqual(
            item(*files["bootorder"]).decode().split("\n"),
            [
                "/pci@ffffffffffffffff/ethernet@1/ethernet-phy@0",
                "/virtio-mmio@0000000010008000/disk@0,0",
                "HALT\0",
            ],
        )

    def test_what_the_machine_tells_of_itself(self):
        whole = self.file("whole", bytes([221, 4, 0, 0xDD]) + b"\0\0")
        item, files = self.items(
            *("-smbios", "type=1,serial=S 1", "-smbios", "type=11,value=one,value=two", "-smbios", f"file={whole}"),
            *("-uuid", UUID, "-smp", "4,sockets=2", "-device", "virtio-rng-pci,id=r,addr=3"),
            *("-smbios", "type=41,designation=entropy,kind=other,pcidev=r"),
        )
        anchor, table = item(*files["etc/smbios/smbios-anchor"]), item(*files["etc/smbios/smbios-tables"])
        self.assertEqual(anchor[:5], b"_SM3_")
        structures = list(self.structures(table))
        self.assertEqual([kind for kind, _, _ in structures], [221, 1, 3, 4, 4, 11, 16, 17, 19, 32, 41, 127])
        fields = {kind: (area, strings) for kind, area, strings in structures}
        self.assertIn(b"S 1", fields[1][1])
        self.assertEqual(fields[1][0][8:24].hex(), "33221100" "5544" "7766" "8899aabbccddeeff")
        self.assertEqual(fields[11][1], [b"one", b"two"])
        self.assertEqual(fields[41][0][10], 3 << 3)

    def structures(self, table):
        """Each one's type, formatted area and strings."""
        at = 0
        while at < len(table):
            area = table[at : at + table[at + 1]]
            end = table.index(b"\0\0", at + len(area))
            yield area[0], area, [text for text in table[at + len(area) : end].split(b"\0") if text]
            at = end + 2

    def test_what_a_machine_cannot_tell(self):
        for text, expected in (
            ("type=99", "types that can be filled in"), ("serial=x", "give type=, or file="), ("type=1,bank=x", "'bank' is not one of type 1"),
            ("type=0,release=1", "expects MAJOR.MINOR"), ("type=1,uuid=x", "expects a UUID"), ("type=4,max-speed=x", "expects a number"),
            ("file=/nonexist", "could not read '/nonexist'"), (f"file={self.file('x', b'hello')}", "is no SMBIOS structure"),
            ("type=41,kind=x", "is no such kind"), ("type=41,pcidev=x", "there is no PCI device 'x'"),
        ):
            result = self.run_program("-M", "virt", "-display", "none", "-S", "-smbios", text)
            self.assertEqual(result.status, 1, text)
            self.assertTrue(result.errors.startswith(f"backplane: -smbios {text}: "), result.errors)
            self.assertIn(expected, result.errors)

    def machine(self, *arguments, **options):
        path = self.folder / "qmp.sock"
        self.process = self.start(
            *("-display", "none", "-M", "virt", "-m", "64M", "-S", "-bios", "none", "-monitor", "none"),
            *("-qmp", f"unix:{path},server=on,wait=off", *arguments),
            **options,
        )
        qmp = Qmp(connect(path, self.process))
        self.addCleanup(qmp.__exit__)
        qmp("qmp_capabilities")
        return qmp

    def test_a_uuid_is_shown(self):
        qmp = self.machine("-uuid", UUID)
        self.assertEqual(qmp("query-uuid")["return"], {"UUID": UUID})
        self.assertEqual(qmp.human("info uuid"), UUID + "\n")

    def test_a_filtered_process_serves_its_monitor(self):
        qmp = self.machine("-sandbox", "on,spawn=deny,elevateprivileges=deny,resourcecontrol=deny")
        self.assertEqual(qmp("query-status")["return"]["status"], "prelaunch")
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        self.assertIn("Seccomp:\t2", status)

    def test_descriptors_are_passed_to_a_monitor(self):
        qmp = self.machine()
        with open(self.file("disk", bytes(4096)), "r+b") as disk:
            request = b'{"execute": "add-fd", "arguments": {"fdset-id": 3}}'
            socket.send_fds(qmp.client, [request], [disk.fileno()])
        self.assertEqual(qmp.read()["return"]["fdset-id"], 3)
        self.assertEqual(qmp("add-fd")["error"]["desc"], "No file descriptor supplied via SCM_RIGHTS")
        self.assertEqual([each["fdset-id"] for each in qmp("query-fdsets")["return"]], [3])

    def test_a_character_device_is_a_descriptor_with_a_name(self):
        qmp = self.machine()
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        with theirs:
            socket.send_fds(qmp.client, [b'{"execute": "getfd", "arguments": {"fdname": "line"}}'], [theirs.fileno()])
        self.assertEqual(qmp.read(), {"return": {}})
        backend = lambda name: {"type": "socket", "data": {"addr": {"type": "fd", "data": {"str": name}}, "server": False}}
        self.assertIn("'other' has not been found", qmp("chardev-add", id="c", backend=backend("other"))["error"]["desc"])
        self.assertIn("error", qmp("chardev-add", id="1", backend=backend("line")))
        self.assertEqual(qmp("chardev-add", id="c", backend=backend("line")), {"return": {}})
        self.assertIn("not found", qmp("closefd", fdname="line")["error"]["desc"])

    def test_a_disk_is_a_descriptor_that_the_process_was_started_with(self):
        with open(self.file("disk", bytes(4096)), "r+b") as disk:
            number = disk.fileno()
            qmp = self.machine(
                *("-add-fd", f"fd={number},set=2", "-blockdev", "file,node-name=n,filename=/dev/fdset/2"),
                pass_fds=(number,),
            )
        (block,) = qmp("query-named-block-nodes")["return"]
        self.assertEqual(block["image"]["virtual-size"], 4096)
        refused = self.run_program("-M", "virt", "-display", "none", "-blockdev", "file,node-name=n,filename=/dev/fdset/7")
        self.assertIn("no descriptor was added to that set", refused.errors)

    def test_disks_are_described_as_management_tools_do(self):
        disk = self.file("disk", bytes(8192))
        storage = {"driver": "file", "filename": disk, "node-name": "s", "auto-read-only": True, "discard": "unmap"}
        cache = {"direct": False, "no-flush": True}
        format = {"node-name": "f", "read-only": False, "discard": "unmap", "cache": cache, "driver": "raw", "file": "s"}
        qmp = self.machine(
            *("-blockdev", json.dumps(storage), "-blockdev", json.dumps(format)),
            *("-device", json.dumps({"driver": "virtio-blk-pci", "drive": "f", "id": "d", "bootindex": 1, "write-cache": "on"})),
        )
        self.assertEqual(sorted(row["node-name"] for row in qmp("query-named-block-nodes")["return"]), ["f", "s"])
        (drive,) = qmp("query-block")["return"]
        self.assertEqual((drive["device"], drive["inserted"]["node-name"]), ("", "f"))
        self.assertEqual(drive["qdev"], "/machine/peripheral/d/virtio-backend")
        kind = qmp("qom-get", path=drive["qdev"], property="type")["return"]
        self.assertEqual(kind, "virtio-blk-device")

    def test_messages_have_a_stamp(self):
        result = self.run_program("-msg", "timestamp=on,guest-name=on", "-name", "g", "-M", "virt", "-display", "none", "-kernel", "/nonexist")
        self.assertRegex(result.errors, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z g backplane: -kernel /nonexist: ")

    def test_a_daemon_goes_on_when_it_is_ready(self):
        pid_file, path = self.folder / "pid", self.folder / "qmp.sock"
        result = self.run_program(
            *("-display", "none", "-M", "virt", "-m", "64M", "-S", "-bios", "none", "-monitor", "none"),
            *("-daemonize", "-pidfile", pid_file, "-qmp", f"unix:{path},server=on,wait=off"),
        )
        self.assertEqual((result.status, result.errors), (0, ""))
        pid = int(pid_file.read_text())
        self.addCleanup(lambda: os.path.exists(f"/proc/{pid}") and os.kill(pid, 9))
        with Qmp(connect(path, unittest.mock.Mock(poll=lambda: None))) as qmp:
            qmp("qmp_capabilities")
            self.assertEqual(os.readlink(f"/proc/{pid}/fd/0"), "/dev/null")
            qmp("quit")

    def test_room_for_memory_that_nothing_can_have_is_warned_of(self):
        for size, warns in (("64M,slots=2,maxmem=1G", True), ("64M,maxmem=1G", True), ("64M,maxmem=64M", False)):
            result = self.run_program("-M", f"virt,dumpdtb={self.folder}/tree", "-display", "none", "-m", size)
            self.assertEqual(result.status, 0, result.errors)
            self.assertEqual("slots= and maxmem= hold nothing" in result.errors, warns, size)

    def test_a_daemon_that_could_not_start_says_so(self):
        pid_file = self.folder / "pid"
        result = self.run_program("-display", "none", "-M", "virt", "-daemonize", "-pidfile", pid_file, "-kernel", "/nonexist")
        self.assertEqual(result.status, 1)
        self.assertIn("-kernel /nonexist: could not open", result.errors)
        self.assertFalse(pid_file.exists())

    def test_lines_that_are_for_many_machines_are_taken(self):
        options = "-vga std -k en-us -audiodev none,id=a -audio none -only-migratable -net nic -m 64M,slots=2,maxmem=1G"
        result = self.run_program("-M", f"virt,dumpdtb={self.folder}/tree", "-display", "none", *options.split())
        self.assertEqual(result.status, 0, result.errors)
        for said in ("-vga std: machine 'virt' has no such card", "-net nic: there is no network for it", "slots= and maxmem= hold nothing"):
            self.assertIn(said, result.errors)

    def test_defaults_that_nothing_has_are_warned_of(self):
        for text, expected in (("nosuch.foo=1", "there is no type 'nosuch'"), ("virtio-rng-device.nosuch=1", "no such property"),
                               ("virtio-rng-device.max-bytes=5", "")):
            result = self.run_program("-M", f"virt,dumpdtb={self.folder}/tree", "-display", "none", "-global", text)
            self.assertEqual(result.status, 0, result.errors)
            self.assertEqual(result.errors.startswith(f"backplane: warning: -global {text}: "), bool(expected))
            self.assertIn(expected, result.errors)

    def test_a_machine_without_a_card_of_its_own_goes_without(self):
        for options in (("-nic", "user"), ("-net", "nic", "-net", "user")):
            result = self.run_program("-M", f"virt,dumpdtb={self.folder}/tree", "-display", "none", *options)
            self.assertEqual(result.status, 0, result.errors)
            self.assertIn("has no NIC of its own, and none was made; name one with model=", result.errors)

    def test_secrets_are_taken_and_not_shown(self):
        qmp = self.machine("-object", '{"qom-type": "secret", "id": "s", "data": "YWJj", "format": "base64"}')
        self.assertIn("error", qmp("qom-get", path="/objects/s", property="data"))
        refused = self.run_program("-M", "virt", "-display", "none", "-object", "secret,id=s")
        self.assertIn("-object secret,id=s: give either data= or file=", refused.errors)

    def test_spare_serial_ports_are_accepted(self):
        self.machine("-serial", "null", "-serial", "null", "-serial", "null", "-parallel", "none", "-vga", "none")


if __name__ == "__main__":
    unittest.main()
