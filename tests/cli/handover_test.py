"""What a machine uses goes with it, when it is saved here and goes on there: disk images, and the files that it
starts from."""

import select
import unittest

from program import ProgramTest, Qmp, connect

BASE = ("-display", "none", "-M", "virt", "-m", "512M", "-accel", "qtest", "-qtest", "null")


class Handover(ProgramTest):
    def machine(self, name, *arguments):
        path = self.folder / f"{name}.sock"
        process = self.start(*BASE, *arguments, "-qmp", f"unix:{path},server=on,wait=off")
        qmp = Qmp(connect(path, process))
        self.addCleanup(qmp.__exit__)
        qmp("qmp_capabilities")
        qmp.process = process
        return qmp

    def with_disk(self, name, *arguments):
        return self.machine(name, "-bios", "none", *self.disk(), *arguments)

    def disk(self):
        image = self.folder / "disk.img"
        if not image.exists():
            image.write_bytes(bytes(1 << 20))
        return ("-drive", f"file={image},format=raw,if=none,id=d", "-device", "virtio-blk-device,drive=d")

    def wait_for(self, qmp, *statuses):
        for _ in range(1200):
            found = qmp("query-migrate")["return"].get("status")
            if found in statuses:
                return found
            select.select([], [], [], 0.05)
        raise AssertionError(f"the migration is {found}")

    def assertRefused(self, reply):
        self.assertIn("Failed to get", reply["error"]["desc"])
        self.assertIn("disk.img", reply["error"]["desc"])

    def test_an_image_goes_with_the_machine(self):
        here = self.with_disk("here")
        there = self.with_disk("there", "-incoming", "defer")
        third = self.run_program(*BASE, "-bios", "none", "-S", *self.disk())
        self.assertEqual(third.status, 1)
        self.assertIn("Failed to get", third.errors)
        place = f"unix:{self.folder / 'stream'}"
        self.assertEqual(there("migrate-incoming", uri=place), {"return": {}})
        self.assertEqual(here("migrate", uri=place), {"return": {}})
        self.assertEqual(self.wait_for(there, "completed", "failed"), "completed")
        self.assertEqual(self.wait_for(here, "completed", "failed"), "completed")
        there.event("RESUME")
        self.assertRefused(here("cont"))
        self.assertEqual(here("query-status")["return"]["status"], "postmigrate")
        there("quit")
        there.process.communicate()
        self.assertEqual(here("cont"), {"return": {}})
        self.assertEqual(here("query-status")["return"]["status"], "running")

    def test_an_image_that_somebody_has_keeps_the_machine_stopped(self):
        saved = f"file:{self.folder / 'saved'}"
        here = self.with_disk("here")
        self.assertEqual(here("migrate", uri=saved), {"return": {}})
        self.wait_for(here, "completed")
        there = self.with_disk("there", "-incoming", "defer")
        other = self.with_disk("other", "-S")  # it is free now
        self.assertEqual(there("migrate-incoming", uri=saved), {"return": {}})
        self.wait_for(there, "completed")
        self.assertEqual(there("query-status")["return"]["status"], "paused")
        self.assertRefused(there("cont"))
        other("quit")
        other.process.communicate()
        self.assertEqual(there("cont"), {"return": {}})
        self.assertEqual(there("query-status")["return"]["status"], "running")

    def test_a_save_that_fails_keeps_the_image(self):
        here = self.with_disk("here")
        self.assertEqual(here("migrate", uri="exec:exit 3"), {"return": {}})
        self.wait_for(here, "failed")
        here.event("RESUME")
        self.assertEqual(self.run_program(*BASE, "-bios", "none", "-S", *self.disk()).status, 1)

    def test_what_it_would_start_from_is_not_read(self):
        kernel, initrd = self.file("kernel", b"\x13\0\0\0" * 1024), self.folder / "initrd"
        with open(initrd, "wb") as file:
            file.truncate(300 << 20)
        there = self.machine("there", "-bios", "none", "-kernel", kernel, "-initrd", initrd, "-incoming", "defer")
        resident = 0
        with open(f"/proc/{there.process.pid}/smaps") as maps:
            for line in maps:
                if line.startswith("Rss:"):
                    resident += int(line.split()[1])
        self.assertLess(resident, 100 << 10)

    def test_a_place_is_needed(self):
        result = self.run_program(*BASE, "-bios", "none", "-incoming", "")
        self.assertEqual(result.status, 1)
        self.assertIn("-incoming", result.errors)
        self.assertIn("file:PATH", result.errors)


if __name__ == "__main__":
    unittest.main()
