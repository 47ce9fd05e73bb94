"""Debian's cloud kernel on a PC with two translated processors: it has nothing to complain of, devices come and go while it
runs, it sleeps and wakes, and it powers the machine off."""

import re
import sys
import time
import unittest

from console import GUEST, ConsoleTest, missing
from make_initramfs import Archive
from program import Qmp, connect

COMPLAINT = re.compile(r"ACPI.*(error|warning|bug|failed)|unchecked MSR|WARNING:|BUG:|firmware bug", re.IGNORECASE)
# What it says of every PC, and of models whose hosts are known to leak.
ADVICE = re.compile(r"if necessary, use|RETBleed: |Speculative Return Stack Overflow: ")
INIT = b"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin PS1=
stty -echo
echo it is up
exec sh
"""


def initramfs():
    archive = Archive()
    archive.add("dev/console", 0o020600, device=(5, 1))
    archive.file("bin/busybox", (GUEST / "busybox").read_bytes(), 0o755)
    archive.file("init", INIT, 0o755)
    return archive.finish()


def complaints(log):
    return [line for line in log.splitlines() if COMPLAINT.search(line) and not ADVICE.search(line)]


class Models(ConsoleTest):
    """Systems choose what they do of the processor they find: its vendor, its features, the caches and cores it names."""

    def log_of(self, model, topology):
        self.boot(
            *("-M", "pc-i440fx-9.0,graphics=off", "-cpu", model, "-smp", topology, "-m", "256"),
            *("-kernel", GUEST / "vmlinuz", "-initrd", self.file("initramfs", initramfs()), "-append", "console=ttyS0"),
        )
        self.await_text("it is up")
        return self.run_in_guest("dmesg")

    def power_off(self):
        self.type("poweroff -f")
        self.assertEqual(self.process.wait(self.patience), 0)

    def test_each_kind_runs(self):
        for model in ("max", "kvm64", "Nehalem", "SandyBridge", "Haswell", "Opteron_G5", "EPYC-Genoa,check=off", "YongFeng"):
            with self.subTest(model):
                self.assertEqual(complaints(self.log_of(model, "2")), [])
                self.power_off()

    def test_dies_are_found(self):
        for model in ("Skylake-Server,check=off", "EPYC-Rome"):
            with self.subTest(model):
                self.assertEqual(complaints(self.log_of(model, "8,dies=2,cores=2,threads=2")), [])
                shared = "topology/thread_siblings_list topology/die_cpus_list cache/index2/shared_cpu_list cache/index3/shared_cpu_list"
                self.assertEqual(self.run_in_guest(f"cd /sys/devices/system/cpu/cpu6 && cat topology/die_id {shared}").split(), ["1", "6-7", "4-7", "6-7", "4-7"])
                self.power_off()


class Linux(ConsoleTest):
    def setUp(self):
        super().setUp()
        monitor = self.folder / "monitor"
        self.boot(
            *("-M", "pc-i440fx-9.0,graphics=off", "-smp", "2,maxcpus=3", "-m", "256,slots=1,maxmem=1G"),
            *("-qmp", f"unix:{monitor},server=on,wait=off", "-device", "pci-bridge,id=behind,chassis_nr=1,addr=8"),
            *("-kernel", GUEST / "vmlinuz", "-initrd", self.file("initramfs", initramfs()), "-append", "console=ttyS0"),
        )
        self.await_text("it is up")
        self.qmp = Qmp(connect(monitor, self.process)).__enter__()
        self.addCleanup(self.qmp.__exit__)
        self.qmp("qmp_capabilities")

    def devices(self, wanted, present):
        """Until a PCI device is there, or gone."""
        end = time.monotonic() + self.patience
        while (wanted in self.run_in_guest("ls /sys/bus/pci/devices").split()) != present:
            self.assertLess(time.monotonic(), end, f"{wanted} is {'not ' if present else ''}there")

    def processors(self, wanted):
        """Until the guest runs on as many; one that comes is not yet in use."""
        end = time.monotonic() + self.patience
        wake = "for f in /sys/devices/system/cpu/cpu*/online; do echo 1 >$f; done 2>/dev/null; nproc"
        while self.run_in_guest(wake).split()[-1:] != [str(wanted)]:
            self.assertLess(time.monotonic(), end, f"it has not {wanted} processors")

    def memory(self):
        """MiB that it has."""
        return int(re.search(r"MemTotal:\s+(\d+)", self.run_in_guest("cat /proc/meminfo"))[1]) >> 10

    def pages_are_where_they_are_listed(self):
        """As `x` finds them by its own way through the tables."""
        self.qmp("stop")
        pages = re.findall(r"^([0-9a-f]{16}): ([0-9a-f]{16}) ([X-][G-][P-][D-][A-][C-][T-][U-][W-])$", tlb := self.qmp.human("info tlb"), re.M)
        self.assertEqual(len(pages), len(tlb.splitlines()))
        self.assertGreater(len(pages), 100)
        for flag, name in ((2, "a large page"), (0, "one without code"), (8, "one that is written")):
            virtual, physical, _ = next(page for page in pages if page[2][flag] != "-")
            words = lambda line: self.qmp.human(line).split(":")[-1]  # noqa: E731
            self.assertEqual(words(f"x /2xg 0x{virtual}"), words(f"xp /2xg 0x{physical}"), name)
        ranges = [
            (int(start, 16), int(end, 16), int(size, 16))
            for start, end, size in re.findall(r"^([0-9a-f]{16})-([0-9a-f]{16}) ([0-9a-f]{16}) [u-]r[w-]$", self.qmp.human("info mem"), re.M)
        ]
        self.assertTrue(ranges and all(end - start == size for start, end, size in ranges))
        self.assertTrue(all(any(start <= int(page[0], 16) < end for start, end, _ in ranges) for page in pages[:: len(pages) // 50]))
        counter = re.search(r"RIP=([0-9a-f]{16})", self.qmp.human("info registers"))[1]
        self.assertEqual(int(self.qmp.human("p $rip"), 16), int(counter, 16))
        self.qmp("cont")

    def memory_comes_and_goes(self):
        before = self.memory()
        self.qmp("object-add", **{"qom-type": "memory-backend-ram", "id": "ram", "size": 128 << 20})
        self.assertEqual(self.qmp("device_add", driver="pc-dimm", id="dimm", memdev="ram")["return"], {})
        end = time.monotonic() + self.patience
        wake = "for f in /sys/devices/system/memory/memory*/state; do echo online_movable >$f; done 2>/dev/null"
        while (self.run_in_guest(wake), self.memory())[1] < before + 100:
            self.assertLess(time.monotonic(), end, "it has no more memory")
        self.qmp.events.clear()
        self.assertEqual(self.qmp("device_del", id="dimm")["return"], {})
        self.assertEqual(self.qmp.event("DEVICE_DELETED")["data"]["device"], "dimm")
        self.assertLess(self.memory(), before + 100)

    def test_it_lives_on_a_pc(self):
        log = self.run_in_guest("dmesg")
        self.assertEqual(complaints(log), [])
        self.assertIn("ACPI: Interpreter enabled", log)
        self.assertEqual(self.run_in_guest("nproc").strip(), "2")
        self.pages_are_where_they_are_listed()
        self.run_in_guest("dmesg -n 1")  # what it says of itself would stand between answers

        self.assertEqual(self.qmp("device_add", driver="virtio-rng-pci", id="rng", bus="pci.0", addr="7")["return"], {})
        self.devices("0000:00:07.0", True)
        self.assertEqual(self.qmp("device_del", id="rng")["return"], {})
        self.assertEqual(self.qmp.event("DEVICE_DELETED")["data"]["device"], "rng")
        self.devices("0000:00:07.0", False)

        self.qmp.events.clear()
        self.assertEqual(self.qmp("device_add", driver="virtio-rng-pci", id="far", bus="behind", addr="4")["return"], {})
        self.devices("0000:01:04.0", True)
        self.assertEqual(self.qmp("device_del", id="far")["return"], {})
        self.assertEqual(self.qmp.event("DEVICE_DELETED")["data"]["device"], "far")
        self.devices("0000:01:04.0", False)

        place = {"socket-id": 0, "core-id": 2, "thread-id": 0}
        self.assertEqual(self.qmp("device_add", driver="qemu64-x86_64-cpu", id="cpu", **place)["return"], {})
        self.processors(3)
        self.qmp.events.clear()
        self.assertEqual(self.qmp("device_del", id="cpu")["return"], {})
        self.assertEqual(self.qmp.event("DEVICE_DELETED")["data"]["device"], "cpu")
        self.processors(2)
        self.memory_comes_and_goes()

        self.type("echo mem >/sys/power/state; echo aw''ake")
        self.qmp.event("SUSPEND")
        self.assertEqual(self.qmp("query-status")["return"]["status"], "suspended")
        self.assertEqual(self.qmp("system_wakeup")["return"], {})
        self.await_text("awake")
        self.assertEqual(self.run_in_guest("nproc").strip(), "2")

        self.type("poweroff -f")
        self.assertEqual(self.process.wait(self.patience), 0)


if __name__ == "__main__":
    if reason := missing("vmlinuz", "busybox"):
        print(reason + "; tests/guests/fetch.sh --pc brings them")
        sys.exit(77)
    unittest.main()
