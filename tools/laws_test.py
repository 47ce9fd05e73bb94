"""Each law finds a violation in a small tree, and leaves its lawful neighbour alone."""

import pathlib
import tempfile
import unittest

import laws


class Laws(unittest.TestCase):
    def complaints(self, law, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return list(law(root, [pathlib.Path(name) for name in files]))

    def test_plugin_may_include_sdk_and_own_folder(self):
        files = {
            "plugins/devices/uart/uart.cpp": '#include "uart.h"\n#include <backplane/device.h>\n#include <vector>\n',
            "plugins/devices/uart/uart.h": "",
            "plugins/devices/uart/test/x.cpp": '#include "../uart.h"\n',
        }
        self.assertEqual(self.complaints(laws.plugin_includes, files), [])

    def test_plugin_may_not_include_core_or_another_plugin(self):
        files = {
            "plugins/devices/uart/uart.cpp": '#include "kernel/object/type.h"\n#include "../rtc/rtc.h"\n',
            "plugins/devices/rtc/rtc.h": "#include <kernel/x.h>\n",
        }
        self.assertEqual(len(self.complaints(laws.plugin_includes, files)), 3)

    def test_core_may_not_include_a_plugin(self):
        files = {"kernel/a.cpp": '#include "../plugins/x/y.h"\n', "kernel/b.cpp": '#include "kernel/a.h"\n'}
        self.assertEqual(len(self.complaints(laws.kernel_includes, files)), 1)

    def test_launching_and_managing_stay_apart(self):
        files = {
            "kernel/launch/a.cpp": '#include "kernel/management/command.h"\n#include "kernel/vocabulary/words.h"\n',
            "kernel/management/a.cpp": '#include "kernel/launch/plan.h"\n#include "kernel/management/command.h"\n',
            "kernel/vocabulary/a.cpp": '#include "kernel/program/program.h"\n#include "kernel/object/type.h"\n',
            "kernel/program/a.cpp": '#include "kernel/launch/plan.h"\n#include "kernel/management/command.h"\n',
        }
        self.assertEqual(len(self.complaints(laws.kernel_folders, files)), 3)

    def test_sdk_may_not_include_the_core(self):
        files = {
            "sdk/include/backplane/a.h": "#include <backplane/b.h>\n#include <span>\n",
            "sdk/include/backplane/b.h": '#include "kernel/c.h"\n',
        }
        self.assertEqual(len(self.complaints(laws.sdk_includes, files)), 1)

    def test_a_draft_header_marks_what_includes_it(self):
        files = {
            "sdk/include/backplane/draft/cpu.h": "#include <backplane/draft/mark.h>\n",
            "sdk/include/backplane/draft/mark.h": "",
            "sdk/include/backplane/draft/x/new.h": "#include <backplane/abi.h>\n",
            "plugins/accel/tcg/a.cpp": "#include <backplane/draft/cpu.h>\n",
            "plugins/devices/uart/uart.cpp": "#include <backplane/draft/cpu.h>\n",
        }
        found = self.complaints(laws.draft_marks, files)
        self.assertEqual([line.split(":")[0] for line in found],
                         ["sdk/include/backplane/draft/x/new.h", "plugins/devices/uart/uart.cpp"])

    def test_what_crosses_the_boundary_says_how_it_grows(self):
        header = "sdk/include/backplane/lamp.h"
        for text, expected in (
            ("enum class Light : int { On };\n", 1),
            ("/// Default: On.\nenum class Light : int { On };\n", 0),
            ("/// A lamp.\nstruct Lamp {\n", 1),
            ("/// A lamp. Sized.\nstruct Lamp {\n", 0),
            ("template <class T>\nstruct Lamp {\n", 0),
            ("struct Later;\n", 0),
        ):
            self.assertEqual(len(self.complaints(laws.growth_of_contracts, {header: text})), expected, text)
            self.assertEqual(self.complaints(laws.growth_of_contracts, {"kernel/lamp.h": text}), [])

    def test_hardware_word_is_found_in_identifiers_and_comments(self):
        for line in ("PciBus bus;", "int virtio_blk;", "// like the PLIC", '"fw_cfg"', "riscv64", "kVirtioId", "x86_64"):
            self.assertEqual(len(self.complaints(laws.hardware_words, {"kernel/a.h": line})), 1, line)

    def test_other_words_are_left_alone(self):
        for line in ("specific", "alarm", "spicy", "Harting", "isa", "override", "arming", "guest_address"):
            self.assertEqual(self.complaints(laws.hardware_words, {"kernel/a.h": line}), [], line)

    def test_plugins_may_name_hardware(self):
        self.assertEqual(self.complaints(laws.hardware_words, {"plugins/devices/a/a.h": "PciBus"}), [])

    def test_allow_list_needs_a_reason(self):
        allowed = str(laws.ALLOWED)
        files = {"kernel/a.h": "pci", allowed: "kernel/a.h pci because\n"}
        self.assertEqual(self.complaints(laws.hardware_words, files), [])
        files[allowed] = "kernel/a.h pci\n"
        self.assertEqual(len(self.complaints(laws.hardware_words, files)), 1)

    def test_entropy_and_dates_come_through_one_gate(self):
        for line in ("getrandom(p, n, 0);", "std::random_device device;", 'open("/dev/urandom")', "std::time(nullptr)",
                     "system_clock::now()", "clock_gettime(CLOCK_REALTIME, &now);", "std::mt19937_64 generator;", "rand()"):
            self.assertEqual(len(self.complaints(laws.one_gate, {"plugins/devices/a/a.cpp": line})), 1, line)
            self.assertEqual(self.complaints(laws.one_gate, {"kernel/event/host_time.cpp": line}), [])
        for line in ("clock.now_ns()", "steady_clock::now()", "set_time(now)", "context.random(bytes);", "// time(nullptr)"):
            self.assertEqual(self.complaints(laws.one_gate, {"plugins/devices/a/a.cpp": line}), [], line)

    def test_a_test_may_not_sleep(self):
        for line in ("std::this_thread::sleep_for(1s);", "usleep(10);", "::sleep (1);"):
            self.assertEqual(len(self.complaints(laws.sleeping_tests, {"tests/a_test.cpp": line})), 1, line)

    def test_words_about_sleep_are_left_alone(self):
        files = {"tests/a_test.cpp": "// usleep(10) would be wrong\nmark_asleep();\n", "tests/guests/x/a.c": "usleep(1);"}
        self.assertEqual(self.complaints(laws.sleeping_tests, files), [])

    def test_what_a_device_shows_is_listed(self):
        shown = "context.export_region(a, b);\n"
        self.assertEqual(len(self.complaints(laws.unlisted_outside, {"plugins/devices/a/a.cpp": shown})), 1)
        listed = {"plugins/devices/a/a.cpp": shown, "plugins/devices/a/plugin.cpp": ".regions = kRegions"}
        self.assertEqual(self.complaints(laws.unlisted_outside, listed), [])

    def test_long_file_is_reported(self):
        self.assertEqual(len(self.complaints(laws.long_files, {"kernel/a.cpp": "\n" * 601})), 1)
        self.assertEqual(self.complaints(laws.long_files, {"kernel/a.cpp": "\n" * 600}), [])


if __name__ == "__main__":
    unittest.main()
