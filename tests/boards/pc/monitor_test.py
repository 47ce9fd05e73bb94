"""What monitors say of a PC's chips and processors, and what they change there."""

import re
import unittest

from program import ProgramTest, Qmp, connect


class Monitor(ProgramTest):
    def machine(self, *arguments, accel="tcg", place="qmp.sock", display=("-display", "none", "-nodefaults")):
        path = self.folder / place
        self.process = self.start(
            *("-M", "pc-i440fx-9.0,graphics=off", "-accel", accel, *display, "-S", "-m", "32"),
            *("-qmp", f"unix:{path},server=on,wait=off", *arguments),
        )
        qmp = Qmp(connect(path, self.process))
        self.addCleanup(qmp.__exit__)
        qmp("qmp_capabilities")
        return qmp

    def test_a_display_has_an_adapter(self):
        rows = (
            (("-vnc", "none"), ["VGA controller"]),
            (("-display", "none"), []),
            (("-vnc", "none", "-vga", "none"), []),
            (("-vnc", "none", "-nodefaults"), []),
            (("-vnc", "none", "-device", "secondary-vga"), ["Display controller"]),
        )
        for number, (display, wanted) in enumerate(rows):
            with self.subTest(display):
                text = self.machine(place=f"display{number}", display=display).human("info pci")
                self.assertEqual(re.findall(r"(\w+ controller): PCI device 1234:1111", text), wanted)

    def test_interrupt_controllers_show_what_they_hold(self):
        lines = self.machine().human("info pic").splitlines()
        pin = "0x0000000000010000 dest=0 vec=0   active-hi edge  masked fixed  physical"
        for line in (
            "ioapic0: ver=0x20 id=0x00 sel=0x00",
            f"  pin 0  {pin}",
            f"  pin 23 {pin}",
            "  IRR      2 ",  # the timer's output is high until it is programmed
            "  Remote IRR (none)",
            "pic0: irr=01 imr=00 isr=00 hprio=0 irq_base=00 rr_sel=0 elcr=00 fnm=0",
            "pic1: irr=00 imr=00 isr=00 hprio=0 irq_base=00 rr_sel=0 elcr=00 fnm=0",
        ):
            self.assertIn(line, lines)

    def test_a_local_apic_is_that_of_its_processor(self):
        qmp = self.machine("-smp", "2")
        masked = "0x00010000 active-hi edge  masked                      Fixed  (vec 0)"
        self.assertEqual(
            qmp.human("info lapic 1"),
            "dumping local APIC state for CPU 1 \n\n"
            + "".join(f"{name}\t {masked}\n" for name in ("LVT0", "LVT1", "LVTPC", "LVTERR", "LVTTHMR"))
            + "LVTT\t 0x00010000 active-hi edge  masked         one-shot     Fixed  (vec 0)\n"
            "Timer\t DCR=0x0 (divide by 2) initial_count = 0 current_count = 0\n"
            "SPIV\t 0x000000ff APIC disabled, focus=off, spurious vec 255\n"
            "ICR\t 0x00000000 physical edge de-assert no-shorthand\n"
            "ICR2\t 0x00000000 cpu 0 (APIC ID)\n"
            "ESR\t 0x00000000\n"
            "ISR\t (none)\n"
            "IRR\t (none)\n"
            "\nAPR 0x00 TPR 0x00 DFR 0x0f LDR 0x00 PPR 0x00\n",
        )
        self.assertIn("for CPU 0", qmp.human("info lapic"))
        self.assertIn("No CPU available", qmp.human("info lapic 9"))
        self.assertEqual(qmp.human("info mem"), "PG disabled\n")
        self.assertEqual(qmp.human("info tlb"), "PG disabled\n")

    def test_ports_are_read_and_written_as_a_processor_does(self):
        qmp = self.machine()
        self.assertEqual(qmp.human("o /w 0xcf8 0x80000000"), "")
        self.assertEqual(qmp.human("i /w 0xcfc"), "portl[0x0cfc] = 0x12378086\n")
        self.assertEqual(qmp.human("i /h 0xcf8 + 4"), "portw[0x0cfc] = 0x8086\n")
        self.assertIn("unexpected end", qmp.human("i /b 0x80 +"))

    def test_numbers_may_be_registers(self):
        qmp = self.machine()
        self.assertEqual(qmp.human("p $rip"), "0xfff0\n")
        self.assertEqual(qmp.human("p /x $cs * 0x10 + $rip"), "0xffff0\n")
        self.assertIn("unknown register", qmp.human("p $cr99"))

    def test_drives_are_ordered_for_the_next_start(self):
        qmp = self.machine()
        self.assertEqual(qmp.human("boot_set dn"), "boot device list now set to dn\n")
        qmp.human("o /b 0x70 0x3d")
        self.assertEqual(qmp.human("i /b 0x71"), "portb[0x0071] = 0x43\n")
        self.assertIn("'x'", qmp.human("boot_set xyz"))
        self.assertEqual(qmp.human("i /b 0x71"), "portb[0x0071] = 0x43\n")

    def test_networks_come_and_go_and_plugs_are_pulled(self):
        qmp = self.machine("-netdev", "user,id=n0", "-device", "e1000,netdev=n0,id=nic0", "-device", "e1000")
        qmp("netdev_add", type="user", id="n1", hostfwd=[{"str": "tcp:127.0.0.1:0-:22"}], restrict=True)
        self.assertEqual(
            qmp.human("info network"),
            "nic0: index=0,type=nic,model=e1000,macaddr=52:54:00:12:34:56\n"
            " \\ n0: index=0,type=user,net=10.0.2.0,restrict=off\n"
            "e1000.0: index=0,type=nic,model=e1000,macaddr=52:54:00:12:34:57\n"
            "n1: index=0,type=user,net=10.0.2.0,restrict=on\n",
        )
        self.assertEqual(qmp.human("netdev_del n1"), "")
        self.assertEqual(qmp("netdev_del", id="n1")["error"]["class"], "DeviceNotFound")
        self.assertIn("in use", qmp("netdev_del", id="n0")["error"]["desc"])
        self.assertIn("'fog'", qmp("netdev_add", type="fog", id="n2")["error"]["desc"])
        self.assertEqual(qmp("set_link", name="nic0", up=False), {"return": {}})
        self.assertEqual(qmp.human("set_link n0 on"), "")
        self.assertEqual(qmp("set_link", name="none", up=True)["error"]["class"], "DeviceNotFound")
        self.assertIn("no network", qmp("set_link", name="e1000.0", up=True)["error"]["desc"])

    def test_a_balloon_is_told_how_much_memory_the_guest_is_to_have(self):
        qmp = self.machine("-device", "virtio-balloon-pci,id=b")
        self.assertEqual(qmp("query-balloon")["return"], {"actual": 32 << 20})
        self.assertEqual(qmp.human("info balloon"), "balloon: actual=32\n")
        pages = lambda: qmp("qom-get", path="/machine/peripheral/b", property="num-pages")["return"]  # noqa: E731
        self.assertEqual(qmp("balloon", value=(32 << 20) - 4096), {"return": {}})
        self.assertEqual(pages(), 1)
        self.assertEqual(qmp.human("balloon 8"), "")
        self.assertEqual(pages(), 24 << 8)
        self.assertEqual(qmp("balloon", value=1 << 40), {"return": {}})
        self.assertEqual(pages(), 0)
        self.assertIn("'value'", qmp("balloon", value=0)["error"]["desc"])

    def test_without_a_balloon_the_class_says_so(self):
        qmp = self.machine()
        for reply in (qmp("query-balloon"), qmp("balloon", value=4096)):
            self.assertEqual(reply["error"]["class"], "DeviceNotActive")

    def test_usb_shows_who_is_plugged_in(self):
        qmp = self.machine("-usb", "-device", "usb-tablet", "-device", "usb-kbd,id=keys")
        self.assertEqual(
            qmp.human("info usb"),
            "  Device 0.0, Port 1, Speed 12 Mb/s, Product QEMU USB Tablet\n"
            "  Device 0.0, Port 2, Speed 12 Mb/s, Product QEMU USB Keyboard, ID: keys\n",
        )

    def test_an_accelerator_says_what_it_is(self):
        qmp = self.machine()
        self.assertEqual(qmp("query-kvm")["return"], {"enabled": False, "present": True})
        self.assertEqual(qmp.human("info kvm"), "kvm support: disabled\n")
        self.assertIn("gen code size", qmp.human("info jit"))

    def test_models_are_expanded_for_management_tools(self):
        qmp = self.machine()
        models = {each["name"]: each for each in qmp("query-cpu-definitions")["return"]}
        self.assertEqual(models["Haswell"]["alias-of"], "Haswell-v1")
        self.assertIn("rtm", models["Haswell-v1"]["unavailable-features"])
        self.assertEqual(models["host"]["unavailable-features"], ["kvm"])
        self.assertTrue(models["base"]["static"])

        def expand(kind, **model):
            return qmp("query-cpu-model-expansion", type=kind, model=model)

        static = expand("static", name="Haswell-v4", props={"aes": False, "stepping": 2})["return"]["model"]
        self.assertEqual(static["name"], "base")
        wanted = {"aes": False, "avx2": True, "rtm": False, "vmx": False, "family": 6, "model": 60, "stepping": 2}
        self.assertEqual({name: static["props"][name] for name in wanted}, wanted)
        self.assertEqual(static["props"]["vendor"], "GenuineIntel")
        self.assertEqual(static["props"]["min-xlevel"], 0x80000008)
        again = expand("full", **static)["return"]["model"]
        self.assertEqual({name: again["props"][name] for name in static["props"]}, static["props"])
        self.assertIs(again["props"]["enforce"], False)
        self.assertIs(expand("static", name="max")["return"]["model"]["props"]["sse4.2"], True)
        self.assertIn("'zz'", expand("full", name="zz")["error"]["desc"])
        self.assertIn("fly", expand("full", name="max", props={"fly": True})["error"]["desc"])
        self.assertIn("boolean", expand("full", name="max", props={"aes": 1})["error"]["desc"])
        self.assertIn("'type'", expand("half", name="max")["error"]["desc"])


if __name__ == "__main__":
    unittest.main()
