"""What firmware starts from: what -boot says of its menu, of letters, of how often, and of what it does when there is nothing;
a disk behind bridges; and diskettes of each format."""

import time
import unittest

from sectors import SectorTest, printing, sector

# KiB; cylinders, heads, sectors
FORMATS = (
    (160, 40, 1, 8), (180, 40, 1, 9), (320, 40, 2, 8), (360, 40, 2, 9), (720, 80, 2, 9), (1200, 80, 2, 15),
    (1440, 80, 2, 18), (2880, 80, 2, 36),
)  # fmt: skip


class Boot(SectorTest):
    def setUp(self):
        super().setUp()
        self.drives = ()
        for text, interface, size in (("1st", "ide", 1 << 20), ("2nd", "ide", 1 << 20), ("diskette", "floppy", 1440 << 10)):
            path = self.disk(printing(f"this is the {text}."), size)
            self.drives += ("-drive", f"if={interface},format=raw,file={path}")

    def starts(self, text):
        self.reads("this is the ")
        self.reads(".")
        return self.assertIn(text, self.before)

    def reads(self, text, **options):
        self.before = super().reads(text, **options)
        return self.before

    def test_its_user_chooses_from_a_menu(self):
        self.boot(*self.drives, "-boot", "menu=on,splash-time=60000")
        self.reads("Press ESC for boot menu")
        self.press("esc")
        self.reads("3. ")
        self.press("2")
        self.starts("2nd")

    def test_the_menu_waits_as_long_as_it_is_told(self):
        self.boot(*self.drives, "-boot", "menu=on,splash-time=1500")
        self.reads("Press ESC for boot menu")
        began = time.monotonic()
        self.starts("1st")
        self.assertGreater(time.monotonic() - began, 1.2)

    def test_once_is_for_the_first_start(self):
        self.boot(*self.drives, "-boot", "once=a,order=c")
        self.starts("diskette")
        self.qmp("system_reset")
        self.starts("1st")
        self.qmp("system_reset")
        self.starts("1st")

    def test_the_first_letter_that_has_something_is_started(self):
        for order, text in (("a", "diskette"), ("c", "1st"), ("dnc", "1st"), ("dac", "diskette")):
            with self.subTest(order):
                self.boot(*self.drives, "-boot", f"order={order}")
                self.starts(text)
                self.end_machine()

    def test_strictly_what_has_no_index_is_not_started(self):
        drive = ("-drive", f"if=none,id=blank,format=raw,file={self.disk(b'')}")
        blank = (*drive, "-device", "ide-hd,drive=blank,bootindex=0,bus=ide.1")
        self.boot(*self.drives, *blank, "-boot", "strict=on")
        self.reads("not a bootable disk")
        self.reads("No bootable device")
        self.assertNotIn("this is", self.before)
        self.end_machine()
        self.boot(*self.drives, *blank)
        self.starts("diskette")

    def test_it_tries_again_after_a_while(self):
        self.boot("-boot", "reboot-timeout=1500")
        for _ in range(2):
            self.reads("No bootable device.  Retrying in 1 seconds.")
        self.qmp("query-status")
        self.assertEqual(self.qmp.event("RESET")["data"], {"guest": True, "reason": "guest-reset"})

    def test_a_disk_behind_two_bridges_is_started_from(self):
        bridges = ("-device", "pci-bridge,id=one,chassis_nr=1", "-device", "pci-bridge,id=two,chassis_nr=2,bus=one,addr=3")
        for name, properties in (("legacy", "disable-modern=on"), ("modern", "disable-legacy=on")):
            with self.subTest(name):
                drive = ("-drive", f"if=none,id=d,format=raw,file={self.disk(printing('this is the far one.'))}")
                self.boot(*bridges, *drive, "-device", f"virtio-blk-pci,drive=d,bus=two,addr=7,{properties}")
                self.starts("far one")
                self.end_machine()

    def test_diskettes_of_each_format_are_read_to_their_last_sector(self):
        for kibibytes, *place in FORMATS:
            with self.subTest(kibibytes):
                cylinders, heads, sectors = place
                start = bytearray(sector("far_sector"))
                start[505:508] = cylinders - 1, heads - 1, sectors
                size = kibibytes << 10
                content = start.ljust(size - 512, b"\0") + f"the end of {kibibytes} KiB.".encode()
                self.boot("-drive", f"if=floppy,format=raw,file={self.disk(content, size)}")
                self.sees(f"the end of {kibibytes} KiB.")
                self.end_machine()


if __name__ == "__main__":
    unittest.main()
