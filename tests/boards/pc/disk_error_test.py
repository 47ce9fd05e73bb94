"""What becomes of a disk of the PC whose host cannot do what it is to do (werror, rerror): the host's limit of a file's size
stands for any failure, and is lifted for the second try."""

import os
import resource
import signal
import time
import unittest

from board_test import PcTest
from program import DEADLINE, Qmp, connect
from qtest_test import Qtest

LIMIT = 1 << 20
SIZE = 4 << 20
SECTOR = 2 * LIMIT // 512
READY, ERROR = 0x50, 0x51


def survive():
    """Writing behind the limit is an error, not the process's end."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


class DiskError(PcTest):
    def disk(self, *properties, drive=""):
        image = self.folder / "disk"
        image.write_bytes(b"")
        os.truncate(image, SIZE)
        place = self.folder / "q"
        place.mkdir()
        path = self.folder / "qmp"
        self.qtest = Qtest(place)
        device = ",".join(("ide-hd,drive=d,bus=ide.0,id=disk", *properties))
        self.process = self.start(
            *("-M", "pc-i440fx-9.0", "-nodefaults", "-display", "none", "-accel", "qtest", "-qtest", f"unix:{self.qtest.path}"),
            *("-drive", f"file={image},format=raw,if=none,id=d{drive}", "-device", device, "-qmp", f"unix:{path},server=on,wait=off"),
            preexec_fn=survive,
        )
        self.qtest.accept()
        self.addCleanup(self.qtest.close)
        self.qmp = Qmp(connect(path, self.process))
        self.addCleanup(self.qmp.__exit__)
        self.qmp("qmp_capabilities")
        self.limit(LIMIT)
        return image

    def limit(self, size):
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def write(self, sector, byte):
        """WRITE SECTORS of one sector."""
        for port, value in ((0x1F6, 0xE0 | sector >> 24), (0x1F2, 1), (0x1F3, sector), (0x1F4, sector >> 8), (0x1F5, sector >> 16)):
            self.qtest(f"outb {port} {value & 0xFF}")
        self.qtest("outb 0x1f7 0x30")
        for _ in range(256):
            self.qtest(f"outw 0x1f0 {byte * 0x101}")

    def status(self):
        """When it is no longer busy."""
        end = time.monotonic() + DEADLINE
        while (status := self.qtest.value("inb 0x1f7")) & 0x80:
            self.assertLess(time.monotonic(), end, "the disk stays busy")
        return status

    def failure(self):
        data = dict(self.qmp.event("BLOCK_IO_ERROR")["data"])
        self.qmp.events.clear()
        return data

    def test_the_guest_hears_of_it(self):
        self.disk("werror=report")
        self.write(SECTOR, 1)
        self.assertEqual(self.status(), ERROR)
        data = self.failure()
        self.assertEqual((data["device"], data["operation"], data["action"], data["nospace"]), ("d", "write", "report", True))
        self.assertEqual(data["qom-path"], "/machine/peripheral/disk")
        self.assertEqual(self.qmp("query-status")["return"]["status"], "running")

    def test_the_guest_is_told_that_all_is_well(self):
        self.disk("werror=ignore")
        self.write(SECTOR, 1)
        self.assertEqual(self.status(), READY)
        self.assertEqual(self.failure()["action"], "ignore")

    def test_the_machine_stops_and_tries_again(self):
        image = self.disk()
        for byte in (1, 2):
            self.write(SECTOR, byte)
            self.qmp.event("STOP")
            self.assertEqual(self.failure()["action"], "stop")
            self.assertEqual(self.qmp("query-status")["return"]["status"], "io-error")
            self.assertEqual(self.qtest.value("inb 0x1f7") & 0x80, 0x80)
            # Nothing has changed: it stops once more.
            self.qmp("cont")
            self.qmp.event("STOP")
            self.assertEqual(self.failure()["action"], "stop")
            self.limit(resource.RLIM_INFINITY)
            self.qmp("cont")
            self.assertEqual(self.status(), READY)
            self.assertEqual(self.qmp("query-status")["return"]["status"], "running")
            self.assertEqual(image.read_bytes()[SECTOR * 512 : (SECTOR + 1) * 512], bytes([byte]) * 512)
            self.limit(LIMIT)

    def test_what_is_said_of_the_drive_holds_for_its_device(self):
        self.disk(drive=",werror=report,rerror=ignore")
        self.write(SECTOR, 1)
        self.assertEqual(self.status(), ERROR)
        self.assertEqual(self.failure()["action"], "report")

    def test_the_device_knows_better_than_the_drive(self):
        self.disk("werror=ignore", drive=",werror=report")
        self.write(SECTOR, 1)
        self.assertEqual(self.status(), READY)

    def test_words_that_mean_nothing_for_a_drive_are_refused(self):
        image = self.file("image", bytes(SIZE))
        for drive, why in (
            ("werror=auto", "'auto' invalid write error action"),
            ("rerror=enospc", "'enospc' invalid read error action"),
            ("if=floppy,werror=stop", "werror=stop is not supported by if=floppy"),
        ):
            result = self.run_program("-M", "pc", "-display", "none", "-drive", f"file={image},format=raw,{drive}")
            self.assertEqual(result.status, 1)
            self.assertIn(why, result.errors)

    def test_a_reset_lets_go_of_it(self):
        self.disk("werror=stop")
        self.write(SECTOR, 1)
        self.qmp.event("STOP")
        self.qmp("system_reset")
        self.qmp.event("RESET")
        self.qmp("cont")
        self.assertEqual(self.status(), READY)
        self.assertEqual(self.qmp("query-status")["return"]["status"], "running")

    def identity(self, *properties):
        self.disk(*properties)
        self.qtest("outb 0x1f6 0xa0")
        self.qtest("outb 0x1f7 0xec")
        words = [self.qtest.value("inw 0x1f0") for _ in range(256)]
        return {number: words[number] for number in (85, 106, 217)}

    def test_a_disk_says_what_users_say_of_it(self):
        words = self.identity("physical_block_size=4096", "rotation_rate=7200", "write-cache=off")
        self.assertEqual(words, {85: 0x4001, 106: 0x6003, 217: 7200})

    def test_a_disk_says_nothing_otherwise(self):
        self.assertEqual(self.identity(), {85: 0x4021, 106: 0x6000, 217: 0})

    def test_sizes_that_do_not_fit_are_refused(self):
        image = self.file("image", bytes(SIZE))
        for properties, why in (
            ("ide-hd,logical_block_size=4096,physical_block_size=4096", "logical_block_size must be 512 for IDE"),
            ("ide-hd,physical_block_size=1000", "must be powers of two"),
            ("ide-hd,min_io_size=1000", "min_io_size must be a multiple of logical_block_size"),
            ("ide-hd,share-rw=on", "a block node has one device that uses it"),
            ("virtio-blk-pci,min_io_size=64M", "min_io_size must not exceed 65535 logical blocks"),
            ("virtio-blk-pci,discard_granularity=1000", "discard_granularity must be a multiple of logical_block_size"),
        ):
            arguments = ("-M", "pc", "-accel", "qtest", "-qtest", "null", "-display", "none", "-drive", f"file={image},format=raw,if=none,id=d")
            result = self.run_program(*arguments, "-device", f"{properties},drive=d")
            self.assertEqual(result.status, 1)
            self.assertIn(why, result.errors)


if __name__ == "__main__":
    unittest.main()
