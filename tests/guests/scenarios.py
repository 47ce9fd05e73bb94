"""The whole-machine scenarios: real firmware and kernels, from a dozen instructions up to Debian.

Each is a function of a Guest (see run_guest.py); its first line says what holds when it passes.
"""

import hashlib
import http.server
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

from fat_image import make_fat_image
from payload import finish, image, say
from run_guest import Failed, Skipped, check

SCENARIOS = {}
MEBIBYTE = 1 << 20


def scenario(function):
    SCENARIOS[function.__name__.replace("_", "-")] = function
    return function


# A dozen instructions, without firmware.
def payload(guest, instructions):
    return guest.scratch("payload.bin", image(instructions))


@scenario
def test_device_pass(guest):
    """0x5555 in the test device ends the emulator with status 0."""
    guest.start("-bios", payload(guest, finish(0x5555)))
    guest.expect_exit(0)


@scenario
def test_device_fail(guest):
    """0x3333 in the test device ends the emulator with the status in the upper half."""
    guest.start("-bios", payload(guest, finish(0x0007_3333)))
    guest.expect_exit(7)


@scenario
def uart_hello(guest):
    """Bytes stored into the UART's transmit register come out on stdio."""
    guest.start("-bios", payload(guest, say("hello, wire\n") + finish(0x5555)))
    guest.expect("hello, wire")
    guest.expect_exit(0)


# Firmware.
@scenario
def opensbi_banner(guest):
    """OpenSBI finds the board in the device tree, and Ctrl-a x leaves the emulator."""
    guest.start("-bios", guest.file("firmware/fw_dynamic.bin"))
    guest.expect(r"OpenSBI v\d+\.\d+")
    guest.expect(r"Platform Name +: riscv-virtio")
    guest.expect(r"Platform Console Device +: uart8250")
    guest.expect(r"Platform Shutdown Device +: sifive_test")
    guest.expect(r"Domain0 SysReset +: yes")
    guest.expect(r"Boot HART MEDELEG +: 0x")
    guest.send("\x01x")
    guest.expect_exit(0)


def u_boot_prompt(guest):
    guest.expect(r"U-Boot 20\d\d")
    guest.expect(r"Model: riscv-virtio")
    guest.expect(r"Hit any key to stop autoboot")
    guest.send(" ")
    guest.expect(r"^=> ")


def u_boot_command(guest, command):
    guest.send(command + "\n")
    guest.expect(r"^=> ")


@scenario
def u_boot_machine_mode(guest):
    """U-Boot as the firmware comes to its prompt, reads a virtio disk, and powers off."""
    content = random.Random(1).randbytes(MEBIBYTE)
    disk = guest.scratch("disk.img", content)
    guest.start(
        *("-bios", guest.file("firmware/u-boot-mmode.bin")),
        *("-drive", f"file={disk},format=raw,if=none,id=disk", "-device", "virtio-blk-device,drive=disk"),
    )
    u_boot_prompt(guest)
    u_boot_command(guest, "virtio scan")
    u_boot_command(guest, "virtio read 84000000 3 2")
    guest.send("md.b 84000000 8\n")
    found = guest.expect(r"^84000000: ((?:[0-9a-f]{2} ){8})").group(1)
    check(bytes.fromhex(found.decode()) == content[3 * 512 : 3 * 512 + 8], "U-Boot read other bytes than the disk has")
    guest.expect(r"^=> ")
    guest.send("poweroff\n")
    guest.expect_exit(0)


@scenario
def u_boot_supervisor_mode(guest):
    """U-Boot as OpenSBI's next stage comes to its prompt; a reset with -no-reboot ends the emulator."""
    guest.start(
        *("-bios", guest.file("firmware/fw_dynamic.bin"), "-kernel", guest.file("firmware/u-boot-smode.bin")),
        "-no-reboot",
    )
    guest.expect(r"OpenSBI v\d+\.\d+")
    u_boot_prompt(guest)
    guest.send("reset\n")
    guest.expect_exit(0)


# UEFI firmware in two flashes, and boot loaders that it finds on a disk.
KERNEL_ARGUMENTS = "console=ttyS0 guest=harts"


def uefi_starts(guest, loader, configuration):
    """The firmware starts the loader from a virtio disk on PCIe, and that starts Linux."""
    files = {"EFI/BOOT/BOOTRISCV64.EFI": guest.file(f"efi/{loader}"), "vmlinux": guest.file("riscv64/vmlinux")}
    files["initramfs.cpio"] = guest.file("riscv64/initramfs.cpio")
    contents = {name: pathlib.Path(path).read_bytes() for name, path in files.items()}
    contents.update({name: text.encode() for name, text in configuration.items()})
    disk = guest.folder / "efi.img"
    make_fat_image(disk, contents)
    variables = guest.scratch("variables.fd", pathlib.Path(guest.file("efi/RISCV_VIRT_VARS.fd")).read_bytes())
    code = guest.file("efi/RISCV_VIRT_CODE.fd")
    guest.start(
        *("-machine", "virt,acpi=off"),
        *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}"),
        *("-drive", f"if=pflash,unit=1,format=raw,file={variables}"),
        *("-drive", f"file={disk},format=raw,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk"),
        memory="512M",
    )
    guest.expect(r"OpenSBI v\d+\.\d+")
    guest.expect(r"EDK2 firmware version")
    expect_init(guest)
    expect_pass(guest, "harts")
    finish_linux(guest)


@scenario
def uefi_grub(guest):
    """UEFI firmware in flash starts GRUB from a disk, GRUB its menu's entry, and that is Linux."""
    menu = f"set timeout=0\nlinux /vmlinux {KERNEL_ARGUMENTS}\ninitrd /initramfs.cpio\nboot\n"
    uefi_starts(guest, "grub.efi", {"EFI/debian/grub.cfg": menu})


@scenario
def uefi_systemd_boot(guest):
    """UEFI firmware in flash starts systemd-boot from a disk, and that Linux."""
    entry = f"title Linux\nlinux /vmlinux\ninitrd /initramfs.cpio\noptions {KERNEL_ARGUMENTS}\n"
    loader = {"loader/loader.conf": "timeout 0\ndefault linux.conf\n", "loader/entries/linux.conf": entry}
    uefi_starts(guest, "systemd-boot.efi", loader)


# Linux with the test initramfs.
def start_linux(guest, tests, *arguments, memory="256M", harts=1, append="", initramfs=None):
    guest.start(
        *("-bios", guest.file("firmware/fw_dynamic.bin")),
        *("-kernel", guest.file("riscv64/vmlinux"), "-initrd", initramfs or guest.file("riscv64/initramfs.cpio")),
        *("-append", f"console=ttyS0 guest={tests} {append}".strip()),
        *arguments,
        memory=memory,
        harts=harts,
    )


def expect_init(guest, harts=1):
    found = guest.expect(r"^BACKPLANE-GUEST-OK \S+ with (\d+) harts").group(1)
    check(int(found) == harts, f"the guest counts {int(found)} harts, expected {harts}")


def expect_pass(guest, test):
    verdict = guest.expect(rf"^(PASS|FAIL) {test}\r?\n").group(1)
    check(verdict == b"PASS", f"the guest's own test {test!r} failed")


def linux_with_harts(guest, harts):
    start_linux(guest, "harts,clock", harts=harts)
    expect_init(guest, harts)
    expect_pass(guest, "harts")
    epoch = int(guest.expect(r"^EPOCH (\d+)\s").group(1))
    check(abs(epoch - time.time()) < 120, f"the guest's clock is {epoch}, the host's {time.time():.0f}")
    expect_pass(guest, "clock")
    guest.expect(r"reboot: Power down|Power off")
    guest.expect_exit(0)


@scenario
def linux_one_hart(guest):
    """Linux on one hart comes to /init, works, and powers off with status 0."""
    linux_with_harts(guest, 1)


@scenario
def linux_two_harts(guest):
    """Linux on two harts comes to /init, works on both, and powers off with status 0."""
    linux_with_harts(guest, 2)


def linux_on(guest, model):
    start_linux(guest, "harts", "-cpu", model, harts=2)
    expect_init(guest, 2)
    expect_pass(guest, "harts")
    finish_linux(guest)


@scenario
def linux_on_an_older_hart(guest):
    """Linux runs on harts that leave A and D bits to software and have no timer of the supervisor's own."""
    linux_on(guest, "sifive-u54")


@scenario
def linux_on_all_features(guest):
    """Linux runs on harts with everything that there is: five levels of page tables, Svinval, Svnapot."""
    linux_on(guest, "max")


@scenario
def linux_reboot(guest):
    """A reboot by the guest starts the firmware again."""
    start_linux(guest, "reboot")
    expect_init(guest)
    guest.expect(r"OpenSBI v\d+\.\d+")
    expect_init(guest)
    guest.send("\x01x")
    guest.expect_exit(0)


# Programs that look closely at what the processor does, compiled here and run under Linux.
PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"


def compile_program(guest, name, *more):
    compiler = "riscv64-linux-gnu-gcc"
    if not shutil.which(compiler):
        raise Skipped(f"{compiler} is missing; run: ./dev setup test")
    program = guest.folder / name
    flags = ["-O2", "-static", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-pthread"]
    subprocess.run([compiler, *flags, PROGRAMS / f"{name}.c", "-lm", *more, "-o", program], check=True)
    return program


def make_initramfs(guest, programs):
    arguments = ["--busybox", guest.file("riscv64/busybox"), "--guest", PROGRAMS.parent / "guest"]
    for program in programs:
        arguments += ["--add", f"{program}:tests/{program.name}"]
    initramfs = guest.folder / "initramfs.cpio"
    maker = PROGRAMS.parent / "make_initramfs.py"
    subprocess.run([sys.executable, "-B", maker, *arguments, "--out", initramfs], check=True)
    return initramfs


def run_programs(guest, harts, names=("atomics", "faults", "floating", "self_modify")):
    initramfs = make_initramfs(guest, [compile_program(guest, name) for name in names])
    start_linux(guest, ",".join(names), harts=harts, initramfs=initramfs)
    expect_init(guest, harts)
    for name in names:
        expect_pass(guest, name)
    finish_linux(guest)


@scenario
def programs_one_hart(guest):
    """Faults, self-modifying code, floating point and atomics are right under Linux on one hart."""
    run_programs(guest, 1)


@scenario
def programs_two_harts(guest):
    """The same on two harts at once."""
    run_programs(guest, 2)


@scenario
def programs_shared_code(guest):
    """A hart that rewrites code, while another runs it, runs what it wrote. (The peer fails this at times.)"""
    run_programs(guest, 2, ["shared_code"])


@scenario
def debugger_in_linux(guest):
    """gdb stops at the kernel's entry in S mode, steps, stops in a program, and sees its variable change."""
    gdb = "gdb-multiarch"
    if not shutil.which(gdb):
        raise Skipped(f"{gdb} is missing; run: ./dev setup test")
    # At an address of its own: a breakpoint is met in every address space.
    program = compile_program(guest, "watched", "-Wl,-Ttext-segment=0x70000000")
    place = guest.folder / "gdb.sock"
    start_linux(
        guest,
        "watched",
        *("-S", "-gdb", f"unix:{place},server=on,wait=off"),
        harts=2,
        initramfs=make_initramfs(guest, [program]),
    )
    while not place.exists():
        check(guest.process.poll() is None, "the emulator ended before a debugger could connect")
        time.sleep(0.05)
    commands = [
        *(f"target remote {place}", "hbreak *0x80200000", "continue", "print $priv", "stepi", "stepi", "delete"),
        *("hbreak *ready", "continue", "print $priv", "print (long)watched", "delete"),
        *("watch *(long*)&watched", "continue", "print (long)watched", "info threads", "detach"),
    ]
    line = [gdb, "-nx", "-batch", "-ex", f"file {program}"]
    for command in commands:
        line += ["-ex", command]
    said = guest.run_beside(line)
    for expected in (
        "Breakpoint 1, 0x0000000080200000",
        "$1 = 1",
        "Breakpoint 2, ",
        "$2 = 0",
        "$3 = 1",
        "Hardware watchpoint 3",
        "$4 = 2",
        "CPU#1",
    ):
        check(expected in said, f"gdb did not say {expected!r}:\n{said}")
    expect_init(guest, 2)
    expect_pass(guest, "watched")
    finish_linux(guest)


# Linux with virtio devices, on each transport. A transport is a suffix of type names and options.
TRANSPORTS = {
    "mmio-legacy": ("device", ["-global", "virtio-mmio.force-legacy=true"]),
    "mmio": ("device", ["-global", "virtio-mmio.force-legacy=false"]),
    "pci": ("pci", []),
}


def for_each_transport(function):
    def bound(suffix, options):
        def run(guest):
            function(guest, suffix, options)

        run.__doc__ = function.__doc__
        return run

    for transport, (suffix, options) in TRANSPORTS.items():
        name = function.__name__.replace("_", "-")
        SCENARIOS[f"{name}-{transport}"] = bound(suffix, options)
    return function


def finish_linux(guest):
    guest.expect("^BACKPLANE-TESTS-DONE")
    guest.expect_exit(0)


@scenario
def platform_device(guest):
    """Linux finds somebody else's device, which -device alone put on the platform bus, and binds a driver to it."""
    start_linux(guest, "accum", "-device", "acme-accum,step=5", append="iomem=relaxed")
    expect_init(guest)
    expect_pass(guest, "accum")
    finish_linux(guest)


@for_each_transport
def virtio_blk(guest, suffix, options):
    """Two disks read back what the host wrote, and the host reads what the guest wrote."""
    contents = {name: random.Random(name).randbytes(8 * MEBIBYTE) for name in ("vda", "vdb")}
    paths = {name: guest.scratch(f"{name}.img", content) for name, content in contents.items()}
    arguments = list(options)
    for name, path in paths.items():
        arguments += ["-drive", f"file={path},format=raw,if=none,id={name}"]
    # Either order of discovery is right, so each disk is found by its checksum.
    arguments += ["-device", f"virtio-blk-{suffix},drive=vda", "-device", f"virtio-blk-{suffix},drive=vdb"]
    start_linux(guest, "block", *arguments)
    expect_init(guest)
    found = {guest.expect(r"^SHA256 vd[ab] ([0-9a-f]{64})").group(1).decode() for _ in paths}
    check(found == {hashlib.sha256(each).hexdigest() for each in contents.values()}, "the guest read other bytes")
    expect_pass(guest, "block")
    finish_linux(guest)
    for name, content in contents.items():
        expected = bytearray(content)
        expected[3 * MEBIBYTE : 4 * MEBIBYTE] = content[MEBIBYTE : 2 * MEBIBYTE]
        check(paths[name].read_bytes() == bytes(expected), f"{name} does not hold what the guest wrote")


class BlobServer:
    """Serves one blob by HTTP to whoever asks."""

    def __init__(self, blob):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(blob)))
                self.end_headers()
                self.wfile.write(blob)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server.server_address[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(guest, port, question):
    """Connects until the guest listens, sends a line, returns the answer."""
    while time.monotonic() < guest.deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(question + b"\n")
                answer = connection.recv(1000)
                if answer:
                    return answer
        except OSError:
            pass
        time.sleep(0.2)
    return b""


@for_each_transport
def virtio_net(guest, suffix, options):
    """DHCP, ping, a download of 1 MiB from the host, and a call by the host on a forwarded port."""
    blob = random.Random(2).randbytes(MEBIBYTE)
    server, port = BlobServer(blob), free_port()
    start_linux(
        guest,
        "net",
        *options,
        *("-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:7"),
        *("-device", f"virtio-net-{suffix},netdev=net"),
        append=f"http_port={server.port}",
    )
    expect_init(guest)
    found = guest.expect(r"^SHA256 net ([0-9a-f]{64})").group(1).decode()
    check(found == hashlib.sha256(blob).hexdigest(), "the download differs from what the host serves")
    guest.expect("^SERVING")
    answer = ask(guest, port, b"plugh")
    check(answer == b"guest heard plugh\n", f"the forwarded port answered {answer!r}")
    expect_pass(guest, "net")
    finish_linux(guest)


@for_each_transport
def virtio_rng(guest, suffix, options):
    """/dev/hwrng gives bytes from the host."""
    start_linux(guest, "rng", *options, "-device", f"virtio-rng-{suffix}")
    expect_init(guest)
    expect_pass(guest, "rng")
    finish_linux(guest)


def connect(guest, path):
    while time.monotonic() < guest.deadline:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
            connection.settimeout(max(1.0, guest.deadline - time.monotonic()))
            return connection
        except OSError:
            connection.close()
            if guest.process.poll() is not None:
                guest.expect_exit(0)  # Reads what it said last.
                raise Failed("the emulator ended before its socket could be reached")
            time.sleep(0.05)
    raise Failed(f"nothing listens on {path}")


@for_each_transport
def virtio_console(guest, suffix, options):
    """A line each way through /dev/hvc0 and a socket on the host."""
    path = guest.folder / "hvc.sock"
    start_linux(
        guest,
        "console",
        *options,
        *("-chardev", f"socket,id=hvc,path={path},server=on,wait=off"),
        *("-device", f"virtio-serial-{suffix}", "-device", "virtconsole,chardev=hvc"),
    )
    with connect(guest, path) as wire:
        expect_init(guest)
        heard = b""
        while b"hello from hvc0" not in heard:
            chunk = wire.recv(1000)
            check(chunk, f"the guest's console closed after {heard!r}")
            heard += chunk
        wire.sendall(b"a line for the guest\n")
        guest.expect("^HVC a line for the guest")
    expect_pass(guest, "console")
    finish_linux(guest)


@for_each_transport
def virtio_balloon(guest, suffix, options):
    """The balloon's driver takes the device."""
    start_linux(guest, "balloon", *options, "-device", f"virtio-balloon-{suffix}")
    expect_init(guest)
    expect_pass(guest, "balloon")
    finish_linux(guest)


# A Debian user space on a disk.
def debian(guest, suffix):
    source = guest.file("riscv64/debian.ext4")
    disk = guest.folder / "debian.ext4"
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, disk], check=True)
    start_linux(
        guest,
        "debian",
        *("-drive", f"file={disk},format=raw,if=none,id=debian"),
        *("-device", f"virtio-blk-{suffix},drive=debian", "-device", f"virtio-rng-{suffix}"),
        memory="512M",
        harts=2,
        append="TERM=dumb",  # Bash then prints no escape sequences.
    )
    expect_init(guest, 2)
    guest.expect(r"^BACKPLANE-DEBIAN-OK 13")
    guest.expect(r"# ")
    guest.send("id -un; tty; echo $((6 * 7)) $BASH_VERSION; date +%s >/root/written; sync\n")
    guest.expect(r"^root\r?$")
    guest.expect(r"^/dev/ttyS0\r?$")
    guest.expect(r"^42 5\.")
    guest.send("exit\n")
    guest.expect(r"reboot: Power down|Power off")
    guest.expect_exit(0)
    examine_file_system(disk)


def examine_file_system(disk):
    if not shutil.which("e2fsck"):
        raise Skipped("e2fsck is missing; run: ./dev setup test")
    verdict = subprocess.run(["e2fsck", "-fn", disk], capture_output=True, text=True)
    check(verdict.returncode == 0, f"e2fsck finds the disk damaged:\n{verdict.stdout}{verdict.stderr}")
    shown = subprocess.run(["debugfs", "-R", "cat /root/written", disk], capture_output=True, text=True)
    check(shown.stdout.strip().isdigit(), "what the guest wrote is not on its disk")


@scenario
def debian_mmio(guest):
    """Debian from a virtio-mmio disk comes to a root shell; its file system is whole afterwards."""
    debian(guest, "device")


@scenario
def debian_pci(guest):
    """Debian from a PCIe virtio disk comes to a root shell; its file system is whole afterwards."""
    debian(guest, "pci")
