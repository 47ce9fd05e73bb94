"""The guests that the bench boots: the machine, the emulators' options, and the compiler that makes the items' program."""

import pathlib
import sys

MEMORY_MIB = 512


def fetched_peer(folder, program):
    fetched = sorted(folder.glob(f"peer-*/{program}"))
    return str(fetched[-1]) if fetched else None


class Riscv:
    """Debian's kernel behind OpenSBI on the virt machine."""

    name = "riscv"
    compiler = "riscv64-linux-gnu-gcc"
    files = "riscv64"

    def machine(self, processors, memory=MEMORY_MIB):
        return ["-M", "virt", "-cpu", "rv64", "-m", f"{memory}M", "-smp", str(processors), "-nographic"]

    def kernel(self, guests):
        return ["-bios", guests / "firmware/fw_dynamic.bin", "-kernel", guests / "riscv64/vmlinux"]

    def peer(self, options):
        return options.peer or fetched_peer(options.guests, "run")


class X86:
    """Debian's cloud kernel behind SeaBIOS on a PC, translated."""

    name = "x86"
    compiler = "gcc"
    files = "x86_64"

    def machine(self, processors, memory=MEMORY_MIB):
        board = ["-M", "pc-i440fx-9.0,graphics=off", "-accel", "tcg", "-cpu", "max"]
        size = ["-m", f"{memory}M", "-smp", str(processors)]
        return [*board, *size, "-nodefaults", "-display", "none", "-serial", "stdio"]

    def kernel(self, guests):
        return ["-kernel", guests / "x86_64/vmlinuz"]

    def peer(self, options):
        return options.peer_x86 or fetched_peer(options.guests, "run-x86")


GUESTS = {guest.name: guest for guest in (Riscv(), X86())}


def initramfs_command(guest, guests, program, archive):
    """The command that makes the guest's initramfs, with the bench program in it."""
    tests = pathlib.Path(__file__).resolve().parent.parent / "tests/guests"
    arguments = ["--busybox", guests / guest.files / "busybox", "--guest", tests / "guest"]
    arguments += ["--add", f"{program}:bin/bench", "--out", archive]
    return [sys.executable, "-B", tests / "make_initramfs.py", *arguments]
