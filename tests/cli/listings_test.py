"""What is listed, and that listing maps no plugin and is quick."""

import json
import os
import re
import subprocess
import time
import unittest

from program import BINARY, ProgramTest
from qtest_test import Qtest


class Listings(ProgramTest):
    def listed(self, *arguments):
        result = self.run_program(*arguments)
        self.assertEqual((result.status, result.errors), (0, ""))
        return result.output

    def test_machines(self):
        text = self.listed("-machine", "help")
        self.assertRegex(text, r"(?m)^Supported machines are:$")
        self.assertRegex(text, r"(?m)^virt +\S.*")
        self.assertIn("(default)", text)

    def program_for(self, architecture):
        """Lists what the program says that was started by a name that users know."""
        link = self.folder / f"qemu-system-{architecture}"
        if not link.exists():
            link.symlink_to(os.path.abspath(BINARY))

        def listed(*arguments):
            done = subprocess.run([link, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
            return done.stdout + done.stderr

        return listed

    def test_versions_of_a_machine_newest_first(self):
        rows = [line for line in self.program_for("x86_64")("-machine", "help").splitlines() if line.startswith("pc")]
        self.assertRegex(rows[0], r"^pc {19}Standard PC \(i440FX \+ PIIX, 1996\) \(alias of (pc-i440fx-\d+\.\d+)\)$")
        self.assertEqual(rows[1].split()[0], re.search(r"alias of (\S+)\)", rows[0])[1])
        self.assertRegex(rows[1], r"\(default\)$")
        versions = [tuple(map(int, re.findall(r"\d+", row.split()[0])[1:])) for row in rows if row.startswith("pc-i440fx-") and "alias" not in row]
        self.assertEqual(versions, sorted(versions, reverse=True))
        self.assertRegex(rows[-1], r"^pc-i440fx-2\.4 +Standard PC .* \(deprecated\)$")
        self.assertRegex(rows[-2], r"^pc-i440fx-trusty +.* \(alias of pc-i440fx-2\.4\)$")
        self.assertEqual([row for row in rows if row.startswith("pc-i440fx ")], [])

    def test_a_programs_name_selects_the_architecture(self):
        pc, virt = self.program_for("x86_64"), self.program_for("riscv64")
        for program, machine, model, device, other in (
            (pc, "pc-i440fx-9.0", "qemu64", "isa-serial", "virt"), (virt, "virt", "rv64", "", "pc-i440fx-9.0"),
        ):
            machines = program("-machine", "help")
            self.assertRegex(machines, rf"(?m)^{machine} ")
            self.assertNotRegex(machines, rf"(?m)^{other} ")
            self.assertEqual(len(re.findall(r"\(default\)", machines)), 1)
            self.assertRegex(program("-cpu", "help"), rf"(?m)^  {model} ")
            self.assertEqual('name "isa-serial"' in program("-device", "help"), device == "isa-serial")
            self.assertIn('name "virtio-blk-pci"', program("-device", "help"))
            self.assertIn("this program was started by its name for", program("-M", other))
        self.assertNotIn("qemu64", virt("-cpu", "help"))
        self.assertNotIn("rv64", pc("-cpu", "help"))
        self.assertIn('"default": true', json.dumps(self.starts_without_a_machine("x86_64", "pc-i440fx-")))
        self.starts_without_a_machine("riscv64", "virt")

    def starts_without_a_machine(self, architecture, name):
        self.program_for(architecture)
        place = self.folder / f"{architecture}-started"
        place.mkdir()
        qtest = Qtest(place)
        self.addCleanup(qtest.listener.close)
        done = subprocess.run(
            [
                *(self.folder / f"qemu-system-{architecture}", "-S", "-accel", "qtest", "-qtest", f"unix:{qtest.path}"),
                *("-display", "none", "-vga", "none", "-qmp", "stdio"),
            ],
            input='{"execute":"qmp_capabilities"}{"execute":"query-machines"}{"execute":"query-target"}{"execute":"quit"}',
            capture_output=True, text=True, timeout=60,
        )
        replies = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertIn({"return": {"arch": architecture}}, replies)
        machines = next(each["return"] for each in replies if isinstance(each.get("return"), list))
        return [{"default": each.get("is-default", False)} for each in machines if each["name"].startswith(name)]

    def test_an_architecture_that_there_is_not(self):
        self.assertIn("qemu-system-vax: no machine of architecture 'vax'", self.program_for("vax")("-machine", "help"))

    def test_without_such_a_name_all_are_listed_by_architecture(self):
        for listing, first, second in (("-machine", "virt", "pc"), ("-cpu", "rv64", "qemu64")):
            text = self.listed(listing, "help")
            self.assertRegex(text, rf"(?ms)^riscv64:$.*^ *{first} .*^x86_64:$.*^ *{second} ")

    def test_devices(self):
        text = self.listed("-device", "help")
        self.assertRegex(text, r'(?m)^name "virtio-blk-device", bus \S+')

    def test_a_devices_properties(self):
        text = self.listed("-device", "virtio-blk-device,help")
        self.assertRegex(text, r"(?m)^virtio-blk-device options:$")
        self.assertRegex(text, r"(?m)^  drive=<\w+>")

    def test_what_a_device_shows_to_a_board(self):
        text = self.listed("-device", "riscv.sifive.plic,help")
        self.assertRegex(text, r"(?m)^Memory and wires of riscv.sifive.plic, for boards:$")
        self.assertRegex(text, r"(?m)^  registers \(memory\) +- \S")
        self.assertRegex(text, r"(?m)^  '' \(inputs\) +- \S")
        self.assertRegex(self.listed("-device", "goldfish_rtc,help"), r"(?m)^  registers \(36 bytes\) +- \S")
        self.assertRegex(self.listed("plugin", "info", "goldfish-rtc"), r"(?m)^  wire irq \(output\) +- \S")
        types = json.loads(self.listed("plugin", "info", "goldfish-rtc", "--json"))["types"]
        self.assertEqual([(row["name"], row["size"]) for row in types[0]["regions"]], [("registers", 36)])
        self.assertEqual([(row["name"], row["direction"], row["count"]) for row in types[0]["wires"]], [("irq", "output", 1)])

    def test_cpus(self):
        self.assertRegex(self.listed("-cpu", "help"), r"(?m)^  rv64\b")
        text = self.program_for("x86_64")("-cpu", "help")
        self.assertRegex(text, r"\AAvailable CPUs:\n  486                   \S")
        self.assertIn("\n  Broadwell-IBRS        (alias of Broadwell-v3)\n", text)
        self.assertIn("\n  Broadwell-v1          Intel Core Processor (Broadwell)\n", text)
        self.assertRegex(text, r"(?s)\n\nRecognized CPUID flags:\n  3dnow .* avx2 .* zero-fcs-fds\n")
        self.assertNotIn("cmp_legacy", text)
        self.assertEqual([line for line in text[text.index("Recognized"):].splitlines() if len(line) > 78], [])

    def test_accelerators(self):
        text = self.listed("-accel", "help")
        self.assertRegex(text, r"(?m)^  tcg\b")
        self.assertRegex(text, r"(?m)^  qtest\b")

    def test_backends(self):
        self.assertRegex(self.listed("-chardev", "help"), r"(?m)^  stdio\b")
        self.assertRegex(self.listed("-netdev", "help"), r"(?m)^  user\b")
        self.assertRegex(self.listed("-blockdev", "help"), r"(?m)^  file\b")

    def test_parameters_are_listed_and_nothing_starts(self):
        for option, question, expected in (
            ("-smp", "help", "maxcpus"), ("-rtc", "help", "driftfix"), ("-m", "help", "size"), ("-name", "help", "process"),
            ("-action", "help", "watchdog"), ("-msg", "help", "timestamp"), ("-boot", "help", "splash"),
            ("-overcommit", "help", "mem-lock"), ("-sandbox", "help", "spawn"), ("-run-with", "help", "chroot"),
            ("-accel", "tcg,help", "tb-size"), ("-cpu", "rv64,help", "zba"), ("-M", "virt,help", "dumpdtb"),
            ("-blockdev", "file,help", "filename"), ("-chardev", "socket,help", "reconnect"), ("-netdev", "user,help", "hostfwd"),
            ("-object", "rng-random,help", "filename"), ("-smbios", "help", "sku"), ("-fw_cfg", "help", "string"),
            ("-semihosting-config", "help", "chardev"), ("-device", "loader,help", "cpu-num"),
        ):
            with self.subTest(f"{option} {question}"):
                self.assertIn(expected, self.listed(option, question))

    def test_log_items(self):
        self.assertRegex(self.listed("-d", "help"), r"(?m)^in_asm\b")

    def test_help_and_version(self):
        self.assertRegex(self.listed("-version"), r"^QEMU emulator version (\d+)\.\d+\.\d+ \(.*backplane \d+\.\d+\.\d+\)\n$")
        # What looks for the first number with dots in it, and wants one that is not too old.
        self.assertGreaterEqual(int(re.search(r"(\d+)\.\d+", self.listed("--version"))[1]), 6)
        text = self.listed("-help")
        self.assertIn("-kernel FILE", text)
        self.assertEqual([line for line in text.splitlines() if len(line) > 100], [])

    def test_plugins(self):
        text = self.listed("plugin", "list")
        self.assertRegex(text, r"(?m)^monitor +\S+ ")
        self.assertIn("type monitor-qmp", self.listed("plugin", "info", "monitor"))
        self.assertEqual(self.run_program("plugin", "info", "monitr").status, 1)

    def test_a_plan_is_json(self):
        plan = json.loads(self.listed("-M", "virt", "-smp", "2", "-m", "1G", "-print-plan"))
        self.assertEqual(plan["machine"]["type"], "virt")
        self.assertEqual(plan["memory"], 1 << 30)

    def test_no_plugin_is_mapped(self):
        trace = self.folder / "trace"
        environment = dict(os.environ, LD_DEBUG="files", LD_DEBUG_OUTPUT=str(trace))
        for question in (["-device", "help"], ["-machine", "help"], ["-device", "virtio-blk-device,help"]):
            self.assertEqual(self.run_program(*question, env=environment).status, 0)
        text = "".join(path.read_text() for path in self.folder.glob("trace.*"))
        self.assertIn("libbackplane", text)
        self.assertEqual(re.findall(r"plugins/[\w.-]+\.so", text), [])

    def test_a_listing_is_quick(self):
        best = min(self.timed("-device", "help") for _ in range(10))
        self.assertLess(best, 0.1, f"{BINARY} -device help takes {best * 1000:.0f} ms")

    def timed(self, *arguments):
        start = time.monotonic()
        self.run_program(*arguments)
        return time.monotonic() - start


if __name__ == "__main__":
    unittest.main()
