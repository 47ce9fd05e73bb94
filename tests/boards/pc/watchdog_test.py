"""A guest that does not serve its watchdog: what follows is what the user chose, and told of. The same interrupt that cannot be
masked comes from a monitor."""

import unittest

from sectors import PATIENCE, SectorTest, sector

WATCHDOGS = ("ib700", "i6300esb,addr=5")
REACTIONS = ("reset", "shutdown", "poweroff", "pause", "debug", "none", "inject-nmi")


class Watchdog(SectorTest):
    def neglect(self, way, *arguments, accelerator="tcg"):
        disk = self.disk(sector("neglect", way))
        drive = ("-drive", f"if=ide,format=raw,file={disk}")
        self.boot(*drive, "-device", WATCHDOGS[way], *arguments, accelerator=accelerator)

    def follows(self, reaction):
        if reaction == "reset":
            self.assertEqual(self.qmp.event("RESET")["data"], {"guest": True, "reason": "guest-reset"})
        elif reaction == "shutdown":
            self.qmp.event("POWERDOWN")
        elif reaction == "poweroff":
            self.assertEqual(self.process.wait(PATIENCE), 0)
        elif reaction == "inject-nmi":
            self.sees("an interrupt came.")
        paused = reaction == "pause"
        if reaction not in ("poweroff", "reset"):
            self.assertEqual(self.qmp("query-status")["return"]["status"], "watchdog" if paused else "running")

    def test_what_follows_is_the_users_choice(self):
        for way, watchdog in enumerate(WATCHDOGS):
            for reaction in REACTIONS:
                with self.subTest(watchdog, reaction=reaction):
                    self.neglect(way, "-action", f"watchdog={reaction}")
                    self.assertEqual(self.qmp.event("WATCHDOG")["data"], {"action": reaction})
                    self.follows(reaction)
                    if self.process.poll() is None:
                        self.end_machine()

    def test_an_interrupt_comes_on_each_accelerator(self):
        for accelerator in self.on_each_accelerator():
            with self.subTest(accelerator):
                self.neglect(0, "-action", "watchdog=none", accelerator=accelerator)
                self.qmp.event("WATCHDOG")
                self.assertEqual(self.qmp("inject-nmi"), {"return": {}})
                self.sees("an interrupt came.")
                self.end_machine()


if __name__ == "__main__":
    unittest.main()
