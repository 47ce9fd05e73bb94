"""The monitors on a real machine: QMP on a socket, the human face through it and on a terminal's bytes."""

import json
import re
import unittest

from program import ProgramTest, connect


class Qmp:
    def __init__(self, client):
        self.client = client
        self.lines = client.makefile("rb")
        self.events = []
        self.greeting = json.loads(self.lines.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.client.close()

    def send(self, text):
        self.client.sendall(text.encode())

    def read(self):
        """The next reply; events are kept."""
        while True:
            line = self.lines.readline()
            if not line:
                raise EOFError
            message = json.loads(line)
            if "event" not in message:
                return message
            self.events.append(message)

    def __call__(self, command, **arguments):
        request = {"execute": command}
        if arguments:
            request["arguments"] = {name.replace("_", "-"): value for name, value in arguments.items()}
        self.send(json.dumps(request))
        return self.read()

    def event(self, name):
        while not any(each["event"] == name for each in self.events):
            message = json.loads(self.lines.readline())
            self.events.append(message)
        return next(each for each in self.events if each["event"] == name)


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

    def human(self, qmp, line):
        return qmp("human-monitor-command", command_line=line)["return"]

    def test_the_greeting_has_a_version(self):
        qmp = self.machine()
        self.assertIn("package", qmp.greeting["QMP"]["version"])
        self.assertEqual(qmp.greeting["QMP"]["capabilities"], [])

    def test_a_machine_is_started_and_stopped(self):
        qmp = self.machine()
        self.assertEqual(qmp("query-status")["return"]["status"], "prelaunch")
        qmp("cont")
        self.assertEqual(qmp("query-status")["return"], {"status": "running", "singlestep": False, "running": True})
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

    def test_broken_json_spoils_one_line(self):
        qmp = self.machine()
        qmp.send("{\"execute\": }\n")
        self.assertEqual(qmp.read()["error"]["class"], "GenericError")
        qmp.send("[" * 500 + "\n")
        self.assertEqual(qmp.read()["error"]["class"], "GenericError")
        self.assertEqual(qmp("query-name")["return"], {"name": "guest-1"})

    def test_people_see_trees_and_registers(self):
        qmp = self.machine()
        self.assertRegex(self.human(qmp, "info status"), r"^VM status: paused \(prelaunch\)\n$")
        self.assertIn("address-space: memory", self.human(qmp, "info mtree"))
        self.assertIn("FlatView", self.human(qmp, "info mtree -f"))
        self.assertIn("dev: ", self.human(qmp, "info qtree"))
        self.assertIn("/machine", self.human(qmp, "info qom-tree"))
        self.assertIn("CPU#0", self.human(qmp, "info registers"))
        self.assertIn("monitor", self.human(qmp, "info plugins"))
        self.assertIn("qtest", self.human(qmp, "info chardev"))

    def test_people_read_memory(self):
        qmp = self.machine()
        text = self.human(qmp, "xp /4xw 0x80000000")
        self.assertRegex(text, r"^0000000080000000:( 0x[0-9a-f]{8}){4}\n$")
        self.assertRegex(self.human(qmp, "xp /2xb 0x80000000"), r"^0000000080000000:( 0x[0-9a-f]{2}){2}\n$")
        self.assertIn("Cannot access memory", self.human(qmp, "xp /1xg 0xfffffffffffff000"))
        self.assertIn("invalid char", self.human(qmp, "xp /4zz 0"))

    def test_people_are_helped(self):
        qmp = self.machine()
        self.assertRegex(self.human(qmp, "help"), r"(?m)^system_reset -- ")
        self.assertRegex(self.human(qmp, "help info"), r"(?m)^info mtree \[-f\] -- ")
        self.assertIn("did you mean 'quit'?", self.human(qmp, "qiut"))
        self.assertIn("did you mean 'status'?", self.human(qmp, "info statsu"))

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


if __name__ == "__main__":
    unittest.main()
