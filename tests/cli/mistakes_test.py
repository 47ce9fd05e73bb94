"""Every mistake ends in one line that names the culprit, and status 1."""

import resource
import socket
import struct
import subprocess
import unittest

from program import BINARY, ProgramTest

BASE = ("-display", "none", "-M", "virt", "-S")


class Mistakes(ProgramTest):
    def refused(self, expected, *arguments, **options):
        result = self.run_program(*arguments, **options)
        said = f"{' '.join(map(str, arguments))}: {result.errors!r}"
        self.assertEqual(result.status, 1, said)
        lines = [line for line in result.errors.splitlines() if not line.startswith("backplane: warning:")]
        self.assertEqual(len(lines), 1, said)
        self.assertTrue(lines[0].startswith("backplane: "), said)
        self.assertIn(expected, lines[0])

    def blamed(self, beginning, *arguments, **options):
        """Refused, and the message begins with the option at fault."""
        self.refused(f"backplane: {beginning}", *arguments, **options)

    # Objects that lead to each other
    def test_nothing_is_made_of_itself(self):
        self.blamed("-chardev mux,id=a,chardev=a: ", *BASE, "-chardev", "mux,id=a,chardev=a")
        self.blamed("-blockdev driver=raw,node-name=n,file=n: ", *BASE, "-blockdev", "driver=raw,node-name=n,file=n")

    def test_ports_that_none_can_be(self):
        for port in ("70000", "65536", "4294967297"):
            self.refused(f"port {port} is not from 0 to 65535", *BASE, "-serial", f"tcp:127.0.0.1:{port}")
            self.refused(port, *BASE, "-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{port}-:22")
            self.refused(port, *BASE, "-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:2222-:{port}")
        self.blamed("-gdb tcp::99999999: tcp::99999999: port", *BASE, "-gdb", "tcp::99999999")

    # Options and names
    def test_unknown_options(self):
        self.refused("-nettap,ifname=tap0: invalid option", "-nettap,ifname=tap0")
        self.refused("did you mean -device?", "-deviec", "x")
        self.refused("requires an argument", "-kernel")

    def test_unknown_names_suggest_the_nearest_and_say_where_they_looked(self):
        self.refused("did you mean 'virt'?", "-M", "vrit")
        self.refused("searched", "-M", "foo")
        self.refused("did you mean", *BASE, "-cpu", "rv46")
        self.refused("did you mean 'tcg'?", *BASE, "-accel", "tgc")
        self.refused("did you mean 'virtio-blk-device'", *BASE, "-device", "virtio-blk-devcie,drive=d")
        self.refused("-netdev usr,id=n", *BASE, "-netdev", "usr,id=n")
        self.refused("-chardev stdi,id=c", *BASE, "-chardev", "stdi,id=c")
        self.refused("-object nosuch,id=o", *BASE, "-object", "nosuch,id=o")
        self.refused("no such log item", *BASE, "-d", "in_sam")

    def test_unknown_names_say_what_lists_them(self):
        self.refused("; -machine help lists them", "-M", "foo")
        self.refused("; -cpu help lists them", *BASE, "-cpu", "foo")
        self.blamed("-accel foo: unsupported", *BASE, "-accel", "foo")
        self.refused("; -accel help lists them", *BASE, "-accel", "foo")
        self.refused("unable to find CPU model 'r64'; did you mean 'rv64'?", *BASE, "-cpu", "r64")
        self.refused("; -chardev help lists them", *BASE, "-chardev", "foo,id=c")
        self.refused("; -netdev help lists them", *BASE, "-netdev", "foo,id=n")
        self.refused("; -object help lists them", *BASE, "-object", "foo,id=o")
        self.refused("; -device help lists them", *BASE, "-device", "foo")
        image = self.file("disk.img", bytes(512))
        self.refused("; -blockdev help lists them", *BASE, "-drive", f"file={image},format=foo,if=none,id=d")

    def test_the_machine_comes_before_its_console(self):
        done = subprocess.run(["sh", "-c", '"$BACKPLANE_BINARY" -M foo <&-'], capture_output=True, timeout=60)
        self.assertTrue(done.stderr.startswith(b"backplane: -M foo: unsupported machine type 'foo'"), done.stderr)

    def test_a_value_of_two_lines(self):
        self.refused("-display a b: there is no display 'a b'", "-display", "a\nb")

    def test_an_empty_cpu(self):
        self.refused("-cpu option cannot be empty", *BASE, "-cpu", "")

    # Memory and processors
    def test_memory(self):
        self.refused("-m 0: a machine needs memory", *BASE, "-m", "0")
        self.refused("-m 1000T: ", *BASE, "-m", "1000T")
        self.refused("expects a size", *BASE, "-m", "abc")

    def test_topology(self):
        self.refused("must be greater than zero", *BASE, "-smp", "0")
        self.refused("product of the hierarchy must match maxcpus", *BASE, "-smp", "5,sockets=2,cores=2,threads=1")
        self.refused("Invalid SMP CPUs 6000. The max CPUs supported by machine 'virt' is", *BASE, "-smp", "6000")

    # Properties
    def test_properties(self):
        self.refused(".foo' not found; -machine virt,help lists them", *BASE[:2], "-M", "virt,foo=on")
        self.blamed("-cpu rv64,nonexist=on: ", *BASE, "-cpu", "rv64,nonexist=on")
        self.refused("; -cpu rv64,help lists them", *BASE, "-cpu", "rv64,nonexist=on")
        self.refused("did you mean 'zicsr'? -cpu rv64,help lists them", *BASE, "-cpu", "rv64,zicrs=on")
        self.refused("; -boot help lists them", *BASE, "-boot", "nonsense=1")
        self.refused("; -accel tcg,help lists them", *BASE, "-accel", "tcg,nonsense=1")
        self.refused("; -object rng-random,help lists them", *BASE, "-object", "rng-random,id=r,nonsense=1")
        self.refused("; -netdev user,help lists them", *BASE, "-netdev", "user,id=n,nonsense=1")
        self.blamed("-cpu rv64,zicsr=off: ", *BASE, "-cpu", "rv64,zicsr=off")
        self.refused("; -device virtio-rng-device,help lists them", *BASE, "-device", "virtio-rng-device,nonsense=1")
        self.refused("expects", *BASE, "-cpu", "rv64,c=maybe")
        self.refused("drive", *BASE, "-device", "virtio-blk-device")
        self.refused("not valid JSON", *BASE, "-device", "{bad")

    def test_defaults_of_types(self):
        for rest in ((), ("-device", "virtio-rng-device")):
            self.blamed("-global virtio-rng-device.max-bytes=abc: property 'virtio-rng-device.max-bytes' expects a number",
                        *BASE, "-global", "virtio-rng-device.max-bytes=abc", *rest)

    # Places
    def test_one_place_for_two(self):
        self.refused("Duplicate ID 'a'", *BASE, "-device", "virtio-rng-device,id=a", "-device", "virtio-rng-device,id=a")
        self.refused("Bus 'nowhere' not found", *BASE, "-device", "virtio-rng-device,bus=nowhere")
        places = [each for _ in range(9) for each in ("-device", "virtio-rng-device")]
        self.refused("No free slot", *BASE, *places)

    def test_an_interface_that_the_board_has_not(self):
        image = self.file("disk.img", bytes(512))
        self.refused("machine 'virt' has no drive if=floppy", *BASE, "-drive", f"file={image},if=floppy,format=raw")

    # Files
    def test_a_saved_machine_that_is_not_there(self):
        for place in ("file:/nonexist", "exec:false", "nowhere:x"):
            self.blamed(f"-incoming {place}: ", *BASE, "-incoming", place)

    def test_a_value_that_others_have_too_is_blamed_on_its_own_option(self):
        same = self.file("same", bytes(4096))
        self.blamed(f"-dtb {same}: ", *BASE, "-bios", "none", "-kernel", same, "-dtb", same)

    def test_missing_files(self):
        # Scripts that try what an emulator takes look for "could not open kernel".
        for option, what in (("-kernel", "kernel"), ("-bios", "firmware"), ("-dtb", "dtb")):
            self.blamed(f"{option} /nonexist: could not open {what} '/nonexist'", *BASE, option, "/nonexist")
        kernel = self.file("kernel", bytes(4096))
        self.blamed("-initrd /nonexist: could not open", *BASE, "-kernel", kernel, "-initrd", "/nonexist")
        self.blamed("-M virt,kernel=/nonexist: could not open", *BASE[:2], "-M", "virt,kernel=/nonexist")
        self.refused("searched /here ", *BASE, "-L", "/here", "-bios", "nonexist.bin")
        self.refused("/nonexist", *BASE, "-drive", "file=/nonexist,if=none,id=d,format=raw")
        self.refused("/nonexist", "-readconfig", "/nonexist")

    def test_files_that_are_something_else(self):
        self.refused("dtb", *BASE, "-dtb", self.file("bad.dtb", b"nonsense" * 64))
        self.blamed("-kernel /dev/zero: could not open kernel '/dev/zero': it is not a regular file", *BASE, "-kernel", "/dev/zero")
        self.blamed("-kernel /: could not open kernel '/': it is a directory", *BASE, "-kernel", "/")
        loop = self.folder / "loop"
        loop.symlink_to(loop)
        self.blamed(f"-kernel {loop}: could not open kernel '{loop}': Too many levels", *BASE, "-kernel", loop)
        # An ELF file for another machine (EM_X86_64), and one that ends in its header.
        foreign = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, 62, 1) + bytes(40)
        self.blamed("-kernel ", *BASE, "-kernel", self.file("foreign", foreign))
        self.blamed("-bios ", *BASE, "-bios", self.file("short", foreign[:20]))
        self.refused(str(self.folder), *BASE, "-kernel", self.folder)

    def test_what_needs_a_kernel(self):
        self.blamed("-append x: -append is only allowed with the -kernel option", *BASE, "-append", "x")
        self.blamed("-initrd x: -initrd is only allowed with the -kernel option", *BASE, "-initrd", "x")

    def test_a_disk_image_alone(self):
        self.blamed("disk image /nonexist: ", *BASE, "/nonexist")

    def test_a_full_disk(self):
        self.refused("No space left on device", *BASE, "-pidfile", "/dev/full")

    def test_a_start_that_fails_leaves_no_pid_file(self):
        pid_file = self.folder / "pid"
        for mistake in (
            *(("-kernel", "/nonexist"), ("-device", "nosuch"), ("-device", "virtio-blk-device"), ("-smp", "6000")),
            *(("-accel", "nosuch"), ("-qmp", "unix:/nonexist/q,server=on"), ("-drive", "file=/nonexist,if=none,id=d")),
        ):
            self.assertEqual(self.run_program(*BASE, "-pidfile", pid_file, *mistake).status, 1, mistake)
            self.assertFalse(pid_file.exists(), mistake)

    def test_a_limit_on_files(self):
        def no_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        self.refused("File too large", *BASE, "-pidfile", self.folder / "pid", preexec_fn=no_files)

    def test_a_log_that_cannot_be_written(self):
        self.refused("-D /nonexist/log", *BASE, "-D", "/nonexist/log")

    # The host
    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.refused(str(port), *BASE, "-serial", f"tcp:127.0.0.1:{port},server=on,wait=off")
            self.refused(str(port), *BASE, "-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{port}-:22")

    def test_one_terminal_for_two(self):
        self.refused("cannot use stdio by multiple character devices", *BASE, "-serial", "stdio", "-monitor", "stdio")

    def test_a_closed_standard_input(self):
        command = " ".join(['"$BACKPLANE_BINARY"', "-M", "virt", "-nographic", "-S", "<&-"])
        done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard input is closed", done.stderr)

    def test_what_is_said_of_the_machine_is_the_accelerators(self):
        self.refused("one-insn-per-tb' expects", "-M", "virt,accel=tcg,one_insn_per_tb=maybe", "-display", "none")
        self.refused("virt-machine.one_insn_per_tbs' not found", "-M", "virt,accel=tcg,one_insn_per_tbs=on", "-display", "none")

    def test_a_console_without_a_bus_for_it(self):
        self.refused("No 'isa' bus found", *BASE, "-debugcon", "null")

    def test_what_others_have_is_refused_with_what_is_there(self):
        for option, name, expected in (
            ("-device", "virtio-keyboard-device", "a PC has a PS/2 keyboard"), ("-device", "qemu-xhci", "-usb has a PC's UHCI"),
            ("-device", "bochs-display", "a VGA (-vga std)"), ("-device", "virtio-scsi-pci", "disks are virtio-blk-device"),
            ("-device", "pcie-root-port,id=r", "no bridge but pci-bridge"), ("-object", "iothread,id=i", "threads of its own"),
            ("-object", "tls-creds-x509,id=t", "there is no TLS"), ("-cpu", "rva23s64", "vectors and more"), ("-cpu", "host", "use max"),
        ):
            self.blamed(f"{option} {name}: ", *BASE, option, name)
            self.refused(expected, *BASE, option, name)
        for option in ("-device", "-object", "-cpu"):
            self.assertNotIn("absent", self.run_program(option, "help").output)
            self.assertNotIn("rva23", self.run_program(option, "help").output)

    def test_another_word_is_no_misspelling(self):
        result = self.run_program(*BASE, "-device", "acme-hovercraft-device")
        self.assertNotIn("did you mean", result.errors)

    def test_the_option_that_was_typed_is_blamed(self):
        self.blamed("-trace enable=in_sam: ", *BASE, "-trace", "enable=in_sam")
        self.blamed("-d in_sam: ", *BASE, "-d", "in_sam")
        self.blamed("-M virt,x=1: ", *BASE[:2], "-M", "virt,x=1")
        self.blamed("-vga voodoo: there is no card", *BASE, "-vga", "voodoo")
        self.blamed("-audiodev alsa,id=a: there is no sound", *BASE, "-audiodev", "alsa,id=a")
        self.blamed("-fw_cfg name=opt/x: name, plus exactly one of file and string", *BASE, "-fw_cfg", "name=opt/x")
        self.blamed("-boot order=zz: ", *BASE, "-boot", "order=zz")
        self.blamed("-uuid x: ", *BASE, "-uuid", "x")
        self.blamed("-readconfig /dev/zero: ", *BASE, "-readconfig", "/dev/zero")

    def test_json_of_the_wrong_kind(self):
        self.refused("'max-bytes' is empty", *BASE, "-device", '{"driver":"virtio-rng-device","max-bytes":[]}')
        self.refused("'max-bytes' must be a number", *BASE, "-device", '{"driver":"virtio-rng-device","max-bytes":"5"}')
        self.refused("'filename' must be a text", *BASE, "-blockdev", '{"driver":"file","node-name":"n","filename":5}')
        self.refused("'max-bytes' is a number of more than 64 bits", *BASE, "-device", '{"driver":"virtio-rng-device","max-bytes":1e400}')
        self.refused("seconds is 0 or more", *BASE, "-device", "virtio-balloon-device,guest-stats-polling-interval=-1")
        self.refused("stands there twice", *BASE, "-device", '{"driver":"virtio-rng-device","driver":"x"}')

    def test_a_long_argument_is_cut(self):
        result = self.run_program(*BASE, "-device", "x" * 100_000)
        self.assertEqual(result.status, 1)
        self.assertLess(len(result.errors), 2000)

    def test_output_that_nobody_can_have(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BINARY, "-help"], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left on device", done.stderr)
        self.refused("there is no display", "-M", "virt", "-display", "gtk")
        self.refused("not throttled", *BASE, "-drive", "file=x,if=none,id=d,iops=10")
        self.refused("not by 'nbd:'", *BASE, "-drive", "file=nbd:localhost:10809,if=none,id=d")
        image = self.file("aio.img", bytes(512))
        self.refused("requires cache.direct=on", *BASE, "-drive", f"file={image},if=none,id=d,aio=native")

    # Plugins
    def test_a_plugin_that_is_none(self):
        self.file("broken.so", b"not an ELF file")
        self.refused("broken.so", "-plugin-dir", self.folder, "-M", "nosuch-machine")


if __name__ == "__main__":
    unittest.main()
