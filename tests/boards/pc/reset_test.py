"""The ways in which a guest resets its PC, each with the reason that users are told, on each accelerator."""

import json
import unittest

from sectors import PATIENCE, SectorTest, sector

WAYS = (
    "port CF9h", "the keyboard controller's pulse", "its output port", "port 92h", "a fault without vectors",
    "the same in protected mode", "firmware's entry",
)  # fmt: skip
UNDER_KVM = (0, 4)  # a device's, and one in which the accelerator has a part
REASON = {"guest": True, "reason": "guest-reset"}


class Reset(SectorTest):
    def test_a_guest_resets_its_machine(self):
        for accelerator in self.on_each_accelerator():
            for way, name in enumerate(WAYS):
                if accelerator == "kvm" and way not in UNDER_KVM:
                    continue
                with self.subTest(name, accelerator=accelerator):
                    disk = self.disk(sector("resetter", way))
                    self.boot("-drive", f"if=ide,format=raw,file={disk}", accelerator=accelerator)
                    self.assertEqual(self.qmp.event("RESET")["data"], REASON)
                    self.sees("it started again.")
                    self.end_machine()

    def test_where_it_shall_not_the_reset_ends_the_program(self):
        for way, name in enumerate(WAYS):
            with self.subTest(name):
                disk = self.disk(sector("resetter", way))
                self.boot("-drive", f"if=ide,format=raw,file={disk}", "-no-reboot")
                self.assertEqual(self.qmp.event("SHUTDOWN")["data"], REASON)
                self.assertEqual(self.process.wait(PATIENCE), 0)
                self.assertNotIn("STOP", [json.loads(line)["event"] for line in self.qmp.lines])


if __name__ == "__main__":
    unittest.main()
