"""Media of the PC's drives: what users take out and put in while the machine runs. No CPU runs."""

import unittest

from board_test import PcTest
from program import Qmp, connect

CD = "ide1-cd0"


class MediaTest(PcTest):
    def machine(self, *arguments):
        path = self.folder / "qmp.sock"
        path.unlink(missing_ok=True)
        self.qtest = self.board("-qmp", f"unix:{path},server=on,wait=off", *arguments)
        qmp = Qmp(connect(path, self.process))
        self.addCleanup(qmp.__exit__)
        qmp("qmp_capabilities")
        return qmp

    def image(self, name, size=2048 * 100):
        path = self.folder / name
        path.write_bytes(bytes(size))
        return str(path)

    def drives(self, qmp):
        return {row["device"] or row["qdev"]: row for row in qmp("query-block")["return"]}

    def done(self, answer):
        self.assertEqual(answer, {"return": {}})

    def refused(self, text, answer):
        self.assertIn(text, answer["error"]["desc"])

    def say(self, qmp, line):
        return qmp("human-monitor-command", **{"command-line": line})["return"]

    def tray(self, qmp):
        """What DEVICE_TRAY_MOVED said."""
        qmp("query-status")
        moved = [each["data"] for each in qmp.events if each["event"] == "DEVICE_TRAY_MOVED"]
        qmp.events.clear()
        return [(each["device"] or each["id"], each["tray-open"]) for each in moved]


class Drives(MediaTest):
    def test_a_pc_has_an_empty_cd_and_an_empty_floppy_drive(self):
        qmp = self.machine()
        drives = self.drives(qmp)
        self.assertEqual(sorted(drives), ["floppy0", CD])
        self.assertEqual(drives[CD]["tray_open"], False)
        self.assertNotIn("tray_open", drives["floppy0"])
        for drive in drives.values():
            self.assertTrue(drive["removable"])
            self.assertFalse(drive["locked"])
            self.assertNotIn("inserted", drive)
        lines = self.say(qmp, "info block").splitlines()
        self.assertEqual(lines[0], f"{CD}: [not inserted]")
        self.assertIn("    Removable device: not locked, tray closed", lines)

    def test_what_users_ask_for_takes_their_place(self):
        image = self.image("disk", 1 << 20)
        for arguments, names in [
            (("-nodefaults",), []),
            (("-hdc", image), ["floppy0", "ide1-hd0"]),
            (("-cdrom", image), ["floppy0", CD]),
            (("-device", "ide-cd,id=c"), ["c", "floppy0"]),
            (("-device", "floppy,id=f"), ["f", CD]),
            (("-drive", "if=floppy,index=1"), ["floppy0", "floppy1", CD]),
            (("-drive", "if=ide,media=cdrom"), ["floppy0", "ide0-cd0", CD]),
            (("-drive", f"if=none,file={image}"), ["floppy0", CD, "none0"]),
            (("-drive", "if=none,id=x,media=cdrom", "-device", "ide-cd,drive=x"), ["floppy0", "x"]),
            (("-nodefaults", "-device", "floppy"), ["/machine/peripheral-anon/device[0]"]),
        ]:
            with self.subTest(arguments=arguments):
                self.assertEqual(sorted(self.drives(self.machine(*arguments))), names)
                self.process.kill()
                self.process.wait()

    def test_drives_without_a_bus_find_places(self):
        qmp = self.machine("-nodefaults", *[word for number in range(4) for word in ("-device", f"ide-cd,id=d{number}")])
        self.assertEqual(len(self.drives(qmp)), 4)
        self.assertEqual(self.say(qmp, "info qtree").count("dev: ide-cd"), 4)

    def test_an_empty_disk_drive_is_refused(self):
        result = self.run_program("-M", "pc", "-accel", "qtest", "-qtest", "null", "-display", "none", "-drive", "if=ide")
        self.assertIn("the drive is empty", result.errors)


class Cd(MediaTest):
    def test_eject_and_change(self):
        first, second = self.image("first"), self.image("second", 2048 * 50)
        qmp = self.machine("-cdrom", first)
        self.done(qmp("eject", device=CD))
        self.assertEqual(self.tray(qmp), [(CD, True)])
        self.assertNotIn("inserted", self.drives(qmp)[CD])
        self.assertEqual([row["node-name"] for row in qmp("query-named-block-nodes")["return"]], [])
        self.done(qmp("blockdev-change-medium", device=CD, filename=second, format="raw"))
        self.assertEqual(self.tray(qmp), [(CD, False)])
        inserted = self.drives(qmp)[CD]["inserted"]
        self.assertEqual(inserted["image"]["virtual-size"], 2048 * 50)
        self.assertTrue(inserted["ro"])
        self.assertEqual(self.say(qmp, f"change {CD} {first}"), "")
        self.assertEqual(self.tray(qmp), [(CD, True), (CD, False)])
        self.assertIn(f"{first} (", self.say(qmp, f"info block {CD}"))
        self.assertEqual(self.say(qmp, f"eject {CD}"), "")
        self.assertEqual(self.drives(qmp)[CD]["tray_open"], True)

    def test_step_by_step_as_management_tools_do(self):
        image = self.image("disc")
        qmp = self.machine("-device", "ide-cd,id=cd", "-device", "ide-cd,id=cd2")
        node = {"driver": "raw", "node-name": "n", "read-only": True, "file": {"driver": "file", "filename": image}}
        self.done(qmp("blockdev-add", **node))
        read_only = {row["node-name"]: row["ro"] for row in qmp("query-named-block-nodes")["return"]}
        self.assertEqual(read_only, {"n": True, "n-file": True})
        self.refused("Duplicate nodes with node-name='n'", qmp("blockdev-add", **node))
        insert = {"id": "cd", "node-name": "n"}
        self.refused("Tray of the device is not open", qmp("blockdev-insert-medium", **insert))
        self.refused("Tray of device 'cd' is not open", qmp("blockdev-remove-medium", id="cd"))
        self.done(qmp("blockdev-open-tray", id="cd"))
        self.done(qmp("blockdev-open-tray", id="cd"))
        self.done(qmp("blockdev-remove-medium", id="cd"))
        self.refused("Node 'm' not found", qmp("blockdev-insert-medium", **insert | {"node-name": "m"}))
        self.done(qmp("blockdev-insert-medium", **insert))
        self.refused("Node 'n' is already in use", qmp("blockdev-insert-medium", **insert | {"id": "cd2"}))
        self.done(qmp("blockdev-close-tray", id="cd"))
        self.assertEqual(self.tray(qmp), [("cd", True), ("cd", False)])
        self.assertEqual(self.drives(qmp)["cd"]["inserted"]["node-name"], "n")
        self.refused("in use", qmp("blockdev-del", **{"node-name": "n"}))
        self.done(qmp("eject", id="cd"))
        self.done(qmp("blockdev-del", **{"node-name": "n"}))
        self.assertEqual(qmp("query-named-block-nodes")["return"], [])
        self.refused("Failed to find node", qmp("blockdev-del", **{"node-name": "n"}))

    def test_what_cannot_be_is_refused(self):
        disk = self.image("disk", 1 << 20)
        qmp = self.machine("-hda", disk)
        self.assertEqual(qmp("eject", device="no")["error"]["class"], "DeviceNotFound")
        self.refused("Need exactly one of 'device' and 'id'", qmp("eject"))
        self.refused("Device 'ide0-hd0' is not removable", qmp("eject", device="ide0-hd0"))
        self.refused("No such file or directory", qmp("blockdev-change-medium", device=CD, filename="/nonexist"))
        self.assertEqual(self.drives(qmp)[CD]["tray_open"], False)
        self.refused("Parameter 'id' is missing", qmp("blockdev-remove-medium"))
        self.assertIn("Error: Device 'no' not found", self.say(qmp, "eject no"))

    def test_a_guest_that_has_locked_the_drive_is_asked(self):
        qmp = self.machine("-cdrom", self.image("disc"))
        qtest = self.qtest

        def packet(*bytes_):
            qtest("outb 0x176 0xa0")
            qtest("outb 0x171 0")
            qtest("outb 0x174 0xfe")
            qtest("outb 0x175 0xff")
            qtest("outb 0x177 0xa0")
            words = bytes(bytes_).ljust(12, b"\0")
            for at in range(0, 12, 2):
                qtest(f"outw 0x170 {int.from_bytes(words[at : at + 2], 'little')}")

        packet(0)  # the reset is reported
        packet(0x1E, 0, 0, 0, 1)
        self.assertTrue(self.drives(qmp)[CD]["locked"])
        self.refused("is locked and force was not specified", qmp("eject", device=CD))
        self.assertIn("inserted", self.drives(qmp)[CD])
        packet(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8)
        event = [qtest.value("inw 0x170") for _ in range(4)]
        self.assertEqual(event[2] & 15, 1, "a user wants the disc")
        packet(0x1E, 0, 0, 0, 0)
        packet(0x1B, 0, 0, 0, 2)
        self.assertEqual(self.tray(qmp), [(CD, True)])
        self.done(qmp("eject", device=CD))
        self.assertEqual(self.tray(qmp), [])
        packet(0x1E, 0, 0, 0, 1)
        self.done(qmp("blockdev-close-tray", device=CD))
        self.done(qmp("eject", device=CD, force=True))
        self.assertEqual(self.tray(qmp), [(CD, False), (CD, True)])


class Floppy(MediaTest):
    def test_a_diskette_is_changed(self):
        qmp = self.machine()
        image = self.image("diskette", 1440 << 10)
        self.done(qmp("blockdev-change-medium", device="floppy0", filename=image, format="raw"))
        self.assertEqual(self.tray(qmp), [], "it has no tray")
        self.assertFalse(self.drives(qmp)["floppy0"]["inserted"]["ro"])
        self.assertEqual(self.qtest.value("inb 0x3f7"), 0x80, "changed")
        self.refused("larger than any diskette", qmp("blockdev-change-medium", device="floppy0", filename=self.image("large", 4 << 20)))
        self.assertEqual(self.drives(qmp)["floppy0"]["inserted"]["file"], image)
        self.done(qmp("blockdev-change-medium", device="floppy0", filename=image, **{"read-only-mode": "read-only"}))
        self.assertTrue(self.drives(qmp)["floppy0"]["inserted"]["ro"])
        self.assertEqual(self.say(qmp, "eject floppy0"), "")
        self.assertNotIn("inserted", self.drives(qmp)["floppy0"])


if __name__ == "__main__":
    unittest.main()
