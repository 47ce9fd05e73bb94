"""A PC under KVM: what an exit for a port and one for memory cost, how soon the guest's first instruction runs and what is
then resident beyond its memory, and how long SeaBIOS takes to a boot attempt. Both emulators with the same options, each
with the interrupt controllers that it has by itself."""

import os
import pathlib
import select
import struct
import time

PATIENCE = 120  # seconds
MEMORY_MIB = 128
EXITS = 20000
DEVICE = pathlib.Path("/dev/kvm")

FIRST = "KVM: start to first instruction, ms"
RESIDENT = "KVM: resident beyond the guest, MiB"
PORT = "KVM: port write exit, ns"
MEMORY = "KVM: memory read exit, ns"
FIRMWARE = "KVM: SeaBIOS to a boot sector, ms"

SERIAL = ["-serial", "stdio"]


def rom():
    """64 KiB for -bios: says 0, counts down, says 1, writes a port as often, says 2, reads a register of the HPET as often,
    says 3. The count is at 5eh, the GDT (of flat code and data) at 68h."""
    code = bytes.fromhex(
        "fa"  # cli
        "2e660f01165800"  # lgdt cs:[58h]
        "0f20c0 0c01 0f22c0"  # mov eax, cr0; or al, 1; mov cr0, eax
        "66ea18000f000800"  # jmp 8:0f0018h
        "66b81000 8ed8"  # mov ax, 16; mov ds, ax
        "66baf803 b030 ee"  # mov dx, 3f8h; mov al, '0'; out dx, al
        "8b0d5e000f00 49 75fd"  # mov ecx, [0f005eh]; dec ecx; jnz to it
        "b031 ee"  # mov al, '1'; out dx, al
        "8b0d5e000f00 e680 49 75fb"  # mov ecx, [0f005eh]; out 80h, al; dec ecx; jnz to the out
        "b032 ee"  # mov al, '2'; out dx, al
        "8b0d5e000f00 8b1d0000d0fe 49 75f7"  # mov ecx, [0f005eh]; mov ebx, [0fed00000h]; dec ecx; jnz to it
        "b033 ee"  # mov al, '3'; out dx, al
        "f4 ebfd"  # hlt; jmp to it
    )
    image = bytearray(code.ljust(0x58, b"\x90"))
    image += struct.pack("<HII", 23, 0xF0068, EXITS)
    image += bytes(0x68 - len(image)) + struct.pack("<QQQ", 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF)
    image += bytes(0xFFF0 - len(image)) + bytes.fromhex("ea000000f0")  # jmp 0f000h:0
    return bytes(image.ljust(0x10000, b"\0"))


def boot_sector():
    """Says byte 1 at the first serial port, and halts."""
    # mov dx, 3f8h; mov al, 1; out dx, al; cli; hlt
    return bytes.fromhex("baf803 b001 ee fa f4").ljust(510, b"\0") + b"\x55\xaa"


def refusal():
    """Why there is nothing to measure here; None: there is."""
    try:
        os.close(os.open(DEVICE, os.O_RDWR))
    except OSError as error:
        return f"{DEVICE}: {error.strerror}"
    return None


def await_byte(run, byte):
    """Seconds from the start to when it was said."""
    while True:
        if not select.select([run.process.stdout], [], [], PATIENCE)[0]:
            raise SystemExit(f"bench: {byte!r} was not said by: {run.process.args}")
        said = os.read(run.process.stdout.fileno(), 1)
        if not said:
            raise SystemExit(f"bench: it ended: {run.process.args}")
        if said == byte:
            return time.monotonic() - run.began


def best(rounds):
    return {name: min(each[name] for each in rounds) for name in rounds[0]}


class Kvm:
    def __init__(self, folder, start, resident):
        """`start(command)` gives a run.Run; `resident(process id, guest memory in MiB)` what is resident beside that."""
        self.start = start
        self.resident = resident
        self.rom = folder / "exits.bin"
        self.rom.write_bytes(rom())
        self.disk = folder / "boot.img"
        self.disk.write_bytes(boot_sector().ljust(1 << 20, b"\0"))

    def command(self, program, *arguments):
        machine = ["-M", "pc-i440fx-9.0,graphics=off", "-accel", "kvm", "-m", f"{MEMORY_MIB}M"]
        return [program, *machine, "-nodefaults", "-display", "none", *SERIAL, *map(str, arguments)]

    def measure(self, program):
        """{figure: value} of one round."""
        with self.start(self.command(program, "-bios", self.rom)) as run:
            said = [await_byte(run, byte) for byte in (b"0", b"1", b"2", b"3")]
            resident = self.resident(run.process.pid, MEMORY_MIB)
        loop, port, memory = (later - earlier for earlier, later in zip(said, said[1:]))
        drive = f"file={self.disk},format=raw,if=ide"
        with self.start(self.command(program, "-drive", drive)) as run:
            firmware = await_byte(run, b"\x01")
        nanoseconds = 1e9 / EXITS
        return {
            FIRST: said[0] * 1e3,
            RESIDENT: resident,
            PORT: (port - loop) * nanoseconds,
            MEMORY: (memory - loop) * nanoseconds,
            FIRMWARE: firmware * 1e3,
        }
