"""The monitors on a real machine: QMP on a socket, the human face through it and on a terminal's bytes."""

import pathlib
import re
import socket
import struct
import unittest

from program import ProgramTest, Qmp, connect


class Monitors(ProgramTest):
    def machine(self, *arguments):
        """A stopped machine and its monitor, negotiated."""
        path = self.folder / "qmp.sock"
        self.process = self.start(
            *("-display", "none", "-M", "virt", "-m", "64M", "-S", "-bios", "none", "-accel", "qtest"),
            *("-qtest", "null", "-name", "guest-1", "-qmp", f"unix:{path},server=on,wait=off", *arguments),
        )
        qmp = Qmp(connect(path, self.process))
        self.addCleanup(qmp.__exit__)
        self.assertEqual(qmp("qmp_capabilities"), {"return": {}})
        return qmp

    def test_the_greeting_has_a_version(self):
        qmp = self.machine()
        self.assertIn("package", qmp.greeting["QMP"]["version"])
        self.assertEqual(qmp.greeting["QMP"]["capabilities"], [])

    def test_a_server_that_is_added_does_not_wait(self):
        qmp = self.machine()
        path = self.folder / "added.sock"
        address = {"type": "unix", "data": {"path": str(path)}}
        backend = {"type": "socket", "data": {"addr": address, "server": True}}
        self.assertEqual(qmp("chardev-add", id="c0", backend=backend), {"return": {}})
        connect(path, self.process).close()
        backend["data"]["wait"] = True
        address["data"]["path"] = str(self.folder / "other.sock")
        self.assertIn("wait=on", qmp("chardev-add", id="c1", backend=backend)["error"]["desc"])

    def test_values_of_the_wrong_kind_are_named(self):
        qmp = self.machine()

        def refused(name, command, text):
            qmp.send('{"execute": "%s", "arguments": %s}' % (command, text))
            error = qmp.read()["error"]["desc"]
            self.assertIn(f"'{name}'", error)

        refused("max-bytes", "device_add", '{"driver": "virtio-rng-device", "max-bytes": []}')
        refused("max-bytes", "device_add", '{"driver": "virtio-rng-device", "max-bytes": true}')
        refused("max-bytes", "device_add", '{"driver": "virtio-rng-device", "max-bytes": "5"}')
        refused("max-bytes", "device_add", '{"driver": "virtio-rng-device", "max-bytes": 1.5}')
        refused("max-bytes", "device_add", '{"driver": "virtio-rng-device", "max-bytes": 1e400}')
        refused("filename", "object-add", '{"qom-type": "rng-random", "id": "r", "filename": 7}')
        refused("filename", "object-add", '{"qom-type": "rng-random", "id": "r", "filename": []}')
        refused("backend.data.out", "chardev-add", '{"id": "c", "backend": {"type": "file", "data": {"out": 7}}}')
        refused("backend.data", "chardev-add", '{"id": "c", "backend": {"type": "file", "data": 7}}')
        refused("id", "chardev-add", '{"id": "c", "id": "d", "backend": {"type": "null", "data": {}}}')
        qmp.send("{'execute': 'chardev-add', 'arguments': {'id': 'it', 'backend': {'type': 'null', 'data': {}}}}")
        self.assertEqual(qmp.read(), {"return": {}})

    def test_character_devices_are_added_as_programs_describe_them(self):
        qmp = self.machine()
        inet = lambda port: {"type": "inet", "data": {"host": "127.0.0.1", "port": port}}
        for number, (kind, data) in enumerate(
            (
                ("null", {}),
                ("ringbuf", {"size": 4096}),
                ("udp", {"remote": inet("9"), "local": inet("0")}),
                ("file", {"out": str(self.folder / "out"), "append": True, "logfile": str(self.folder / "log")}),
                ("hub", {"chardevs": ["c0", "c1"]}),
                ("mux", {"chardev": "c2"}),
            )
        ):
            with self.subTest(kind):
                reply = qmp("chardev-add", id=f"c{number}", backend={"type": kind, "data": data})
                self.assertEqual(reply, {"return": {}})

    def test_a_client_that_is_added_says_whom_it_does_not_reach(self):
        qmp = self.machine()
        backend = {"type": "socket", "data": {"addr": {"type": "unix", "data": {"path": "/nowhere/s"}}, "server": False}}
        self.assertIn("Failed to connect", qmp("chardev-add", id="c0", backend=backend)["error"]["desc"])
        self.assertEqual(qmp("query-status")["return"]["status"], "prelaunch")

    def test_a_machine_is_started_and_stopped(self):
        qmp = self.machine()
        self.assertEqual(qmp("query-status")["return"]["status"], "prelaunch")
        qmp("cont")
        self.assertEqual(qmp("query-status")["return"], {"status": "running", "running": True})
        self.assertEqual(qmp.event("RESUME")["event"], "RESUME")
        qmp("stop")
        self.assertEqual(qmp("query-status")["return"]["status"], "paused")
        self.assertIn("seconds", qmp.event("STOP")["timestamp"])

    def test_a_reset_is_an_event(self):
        qmp = self.machine()
        qmp("system_reset")
        self.assertEqual(qmp.event("RESET")["data"], {"guest": False, "reason": "host-qmp-system-reset"})

    def test_quit_ends_with_0(self):
        qmp = self.machine()
        self.assertEqual(qmp("quit"), {"return": {}})
        self.assertEqual(qmp.event("SHUTDOWN")["data"]["reason"], "host-qmp-quit")
        self.assertEqual(self.process.wait(timeout=60), 0)

    def test_errors_have_classes(self):
        qmp = self.machine()
        self.assertEqual(qmp("fly")["error"]["class"], "CommandNotFound")
        self.assertEqual(qmp("device_del", id="none")["error"]["class"], "DeviceNotFound")
        self.assertEqual(qmp("qom-list")["error"]["desc"], "Parameter 'path' is missing")
        self.assertEqual(qmp("qom-list", path=1)["error"]["class"], "GenericError")
        self.assertEqual(qmp("stop", now=True)["error"]["desc"], "Parameter 'now' is unexpected")
        self.assertEqual(qmp("qmp_capabilities")["error"]["class"], "CommandNotFound")

    def test_every_command_is_listed_once(self):
        names = [each["name"] for each in self.machine()("query-commands")["return"]]
        self.assertEqual(len(names), len(set(names)))
        for name in (
            "quit stop cont system_reset system_powerdown query-status query-version query-commands query-name "
            "query-machines query-cpus-fast query-chardev query-block qom-list qom-get qom-set qom-list-types "
            "device-list-properties object-add object-del device_add device_del human-monitor-command query-events"
        ).split():
            self.assertIn(name, names)

    def test_objects_are_a_tree_with_properties(self):
        qmp = self.machine()
        rows = qmp("qom-list", path="/machine")["return"]
        self.assertIn("type", [row["name"] for row in rows])
        self.assertTrue(any(row["type"].startswith("child<") for row in rows))
        self.assertTrue(qmp("qom-get", path="/machine", property="type")["return"].endswith("-machine"))
        self.assertEqual(qmp("qom-get", path="/machine", property="nonsense")["error"]["class"], "GenericError")
        self.assertEqual(qmp("qom-get", path="/nowhere", property="x")["error"]["class"], "DeviceNotFound")

    def test_values_have_the_kind_of_their_property(self):
        qmp = self.machine("-object", "rng-builtin,id=r0", "-device", "virtio-rng-device,rng=r0,id=d0")
        get = lambda property: qmp("qom-get", path="/machine/peripheral/d0", property=property)["return"]  # noqa: E731
        self.assertIs(get("event_idx"), True)
        self.assertIsInstance(get("max-bytes"), int)
        self.assertEqual(get("rng"), "/objects/r0")

    def test_types_are_listed(self):
        qmp = self.machine()
        devices = [row["name"] for row in qmp("qom-list-types", implements="device")["return"]]
        self.assertIn("virtio-blk-device", devices)
        properties = qmp("device-list-properties", typename="virtio-blk-device")["return"]
        self.assertIn("drive", [row["name"] for row in properties])

    def test_what_the_machine_is(self):
        qmp = self.machine("-smp", "2")
        self.assertEqual(qmp("query-name")["return"], {"name": "guest-1"})
        cpus = qmp("query-cpus-fast")["return"]
        self.assertEqual([cpu["cpu-index"] for cpu in cpus], [0, 1])
        self.assertEqual(cpus[1]["props"]["core-id"], 1)
        self.assertIn("virt", [row.get("alias", row["name"]) for row in qmp("query-machines")["return"]])

    def test_backends_are_listed(self):
        image = self.file("disk.img", bytes(8192))
        qmp = self.machine("-drive", f"file={image},if=none,id=d0,format=raw,readonly=on")
        self.assertIn("compat_monitor0", [row["label"] for row in qmp("query-chardev")["return"]])
        (block,) = qmp("query-block")["return"]
        self.assertEqual(block["device"], "d0")
        self.assertEqual(block["inserted"]["image"]["virtual-size"], 8192)
        self.assertTrue(block["inserted"]["ro"])

    def test_a_chardev_says_what_it_leads_to(self):
        qmp = self.machine()
        names = {row["label"]: row["filename"] for row in qmp("query-chardev")["return"]}
        self.assertEqual(names["compat_monitor0"], f"unix:{self.folder}/qmp.sock,server=on")
        path = self.folder / "nobody.sock"
        data = {"addr": {"type": "unix", "data": {"path": str(path)}}, "server": True}
        qmp("chardev-add", id="c1", backend={"type": "socket", "data": data})
        names = {row["label"]: row["filename"] for row in qmp("query-chardev")["return"]}
        self.assertEqual(names["c1"], f"disconnected:unix:{path},server=on")

    def test_forwards_come_and_go(self):
        qmp = self.machine("-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            side = f"tcp:127.0.0.1:{free.getsockname()[1]}"
        self.assertEqual(qmp.human(f"hostfwd_add n0 {side}-:22"), "")
        self.assertIn("TCP[HOST_FORWARD]", qmp.human("info usernet"))
        self.assertTrue(qmp.human("info usernet").startswith("Hub -1 (n0):\n"))
        self.assertEqual(qmp.human(f"hostfwd_remove {side}"), f"host forwarding rule for {side} removed\n")
        self.assertIn("not found", qmp.human(f"hostfwd_remove {side}"))
        self.assertIn("70000", qmp.human("hostfwd_add tcp::70000-:22"))
        self.assertIn("unrecognized netdev id 'n9'", qmp.human(f"hostfwd_add n9 {side}-:22"))

    def test_a_chardev_comes_and_goes(self):
        qmp = self.machine()
        self.assertEqual(qmp("chardev-add", id="c1", backend={"type": "null", "data": {}}), {"return": {}})
        self.assertIn("c1", [row["label"] for row in qmp("query-chardev")["return"]])
        self.assertEqual(qmp("chardev-remove", id="c1"), {"return": {}})
        self.assertIn("not found", qmp("chardev-remove", id="c1")["error"]["desc"])
        self.assertIn("in use", qmp("chardev-remove", id="compat_monitor0")["error"]["desc"])

    def test_a_device_that_cannot_be_plugged_in_says_why(self):
        qmp = self.machine()
        self.assertIn("virtio-blk-device", qmp("device_add", driver="virtio-blk-devcie")["error"]["desc"])
        self.assertIn("hotplug", qmp("device_add", driver="virtio-rng-device")["error"]["desc"])

    def test_a_device_that_could_not_be_made_leaves_nothing(self):
        qmp = self.machine("-chardev", "null,id=c")
        for _ in range(2):
            error = qmp("device_add", driver="virtio-rng-device", id="x", rng="none")["error"]["desc"]
            self.assertNotIn("Duplicate", error)
        self.assertEqual(qmp("qom-list", path="/machine/peripheral")["return"], [{"name": "type", "type": "string"}])

    def test_pci_is_shown(self):
        qmp = self.machine("-device", "virtio-rng-pci,id=r,addr=4")
        (bus,) = qmp("query-pci")["return"]
        host, entropy = bus["devices"]
        self.assertEqual(host["class_info"], {"class": 0x600, "desc": "Host bridge"})
        self.assertEqual((entropy["slot"], entropy["qdev_id"], entropy["irq_pin"]), (4, "r", 1))
        self.assertEqual(entropy["id"]["vendor"], 0x1AF4)
        regions = {region["bar"]: region for region in entropy["regions"]}
        self.assertEqual((regions[4]["type"], regions[4]["mem_type_64"], regions[4]["address"]), ("memory", True, -1))
        text = qmp.human("info pci")
        self.assertIn("  Bus  0, device   0, function 0:\n    Host bridge: PCI device 1b36:0008\n", text)
        self.assertIn("      BAR4: 64 bit prefetchable memory (not mapped)\n      id \"r\"\n", text)

    def test_broken_json_spoils_one_line(self):
        qmp = self.machine()
        qmp.send("{\"execute\": }\n")
        self.assertEqual(qmp.read()["error"]["class"], "GenericError")
        qmp.send("[" * 500 + "\n")
        self.assertEqual(qmp.read()["error"]["class"], "GenericError")
        self.assertEqual(qmp("query-name")["return"], {"name": "guest-1"})

    def test_people_see_trees_and_registers(self):
        qmp = self.machine()
        self.assertRegex(qmp.human("info status"), r"^VM status: paused \(prelaunch\)\n$")
        self.assertIn("address-space: memory", qmp.human("info mtree"))
        self.assertIn("FlatView", qmp.human("info mtree -f"))
        self.assertIn("dev: ", qmp.human("info qtree"))
        self.assertIn("/machine", qmp.human("info qom-tree"))
        self.assertIn("CPU#0", qmp.human("info registers"))
        self.assertIn("monitor", qmp.human("info plugins"))
        self.assertIn("qtest", qmp.human("info chardev"))

    def test_people_read_memory(self):
        qmp = self.machine()
        text = qmp.human("xp /4xw 0x80000000")
        self.assertRegex(text, r"^0000000080000000:( 0x[0-9a-f]{8}){4}\n$")
        self.assertRegex(qmp.human("xp /2xb 0x80000000"), r"^0000000080000000:( 0x[0-9a-f]{2}){2}\n$")
        self.assertIn("Cannot access memory", qmp.human("xp /1xg 0xfffffffffffff000"))
        self.assertIn("invalid char", qmp.human("xp /4zz 0"))

    def test_the_chosen_cpu_has_a_star(self):
        qmp = self.machine("-smp", "2")
        self.assertRegex(qmp.human("info cpus"), r"^\* CPU #0: .*\n  CPU #1: ")
        qmp.human("cpu 1")
        self.assertRegex(qmp.human("info cpus"), r"^  CPU #0: .*\n\* CPU #1: ")

    def test_people_are_helped(self):
        qmp = self.machine()
        self.assertRegex(qmp.human("help"), r"(?m)^system_reset -- ")
        self.assertRegex(qmp.human("help info"), r"(?m)^info mtree \[-f\] -- ")
        self.assertIn("did you mean 'quit'?", qmp.human("qiut"))
        self.assertIn("did you mean 'int'?", qmp.human("log itn"))
        self.assertIn("did you mean 'status'?", qmp.human("info statsu"))

    def test_a_terminal_gets_a_prompt(self):
        path = self.folder / "hmp.sock"
        qmp = self.machine("-monitor", f"unix:{path},server=on,wait=off")
        client = connect(path, self.process)
        self.addCleanup(client.close)
        text = b""
        while not text.endswith(b"(backplane) "):
            text += client.recv(4096)
        client.sendall(b"info st\t\r")
        while not re.search(rb"VM status: [^\r]*\r\n\(backplane\) $", text):
            text += client.recv(4096)
        self.assertEqual(qmp("query-status")["return"]["running"], False)


class Running(ProgramTest):
    """Monitors of a machine whose CPU runs: a loop that counts in memory at COUNTER."""

    COUNTER = 0x80000100
    # auipc a0, 0; lw a1, 0x100(a0); addi a1, a1, 1; sw a1, 0x100(a0); j back to the lw
    LOOP = struct.pack("<5I", 0x00000517, 0x10052583, 0x00158593, 0x10B52023, 0xFF5FF06F)

    def setUp(self):
        super().setUp()
        path = self.folder / "qmp.sock"
        self.process = self.start(
            *("-display", "none", "-M", "virt", "-m", "64M", "-bios", self.file("loop.bin", self.LOOP)),
            *("-accel", "tcg", "-qmp", f"unix:{path},server=on,wait=off"),
        )
        self.qmp = Qmp(connect(path, self.process))
        self.addCleanup(self.qmp.__exit__)
        self.qmp("qmp_capabilities")

    def count(self):
        return int(self.qmp.human(f"xp /1xw {self.COUNTER:#x}").split()[1], 16)

    def await_count(self, condition):
        for _ in range(10000):
            if condition(self.count()):
                return
        self.fail(f"the guest's counter stays at {self.count()}")

    def test_a_machine_that_is_stopped_stands_still(self):
        self.await_count(lambda count: count > 0)
        self.qmp("stop")
        before = self.count()
        self.assertEqual([self.count() for _ in range(20)], [before] * 20)
        self.qmp("cont")
        self.await_count(lambda count: count != before)

    def test_a_cpu_names_the_thread_that_runs_it(self):
        (cpu,) = self.qmp("query-cpus-fast")["return"]
        name = pathlib.Path(f"/proc/{self.process.pid}/task/{cpu['thread-id']}/comm").read_text()
        self.assertTrue(name.startswith("CPU 0/"), name)

    def test_looking_does_not_stop_it(self):
        text = self.qmp.human("info registers")
        self.assertRegex(text, r"pc\s+0*(8000000|1000)")
        self.assertRegex(self.qmp.human("x /1xw 0x80000000"), r": 0x00000517\n$")
        before = self.count()
        self.await_count(lambda count: count != before)

    def test_a_reset_starts_again(self):
        self.await_count(lambda count: count > 1000)
        self.qmp("stop")
        before = self.count()
        self.qmp("system_reset")
        self.qmp.event("RESET")
        self.qmp("cont")
        self.assertEqual(self.qmp("query-status")["return"]["status"], "running")
        self.await_count(lambda count: count != before)

    def test_stop_and_go_a_hundred_times(self):
        for _ in range(100):
            self.qmp("stop")
            self.qmp("cont")
        before = self.count()
        self.await_count(lambda count: count != before)

    def test_quit_while_it_runs(self):
        self.qmp("quit")
        self.assertEqual(self.process.wait(timeout=60), 0)


if __name__ == "__main__":
    unittest.main()
