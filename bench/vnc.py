"""What a VNC viewer gets of a busy screen: frames and bytes a second, and the CPU time that they take.

A boot sector (guest/screen.S) scrolls a text of 1024 by 768 pixels, or moves a window over 1280 by 800, a hundred times a second.
A viewer asks for the next update as soon as it has one, and only finds where updates end. The CPU is the process's without the thread
that has most of it, which runs the guest.
"""

import pathlib
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests/backends/vnc"))

import rfb_client as rfb  # noqa: E402

SECONDS = 10
WAYS = {"text scroll, 1024x768": 0, "moving window, 1280x800": 1}
WAY_AT = 508
ENCODINGS = {"Tight": rfb.TIGHT, "ZRLE": rfb.ZRLE}


class CountingViewer(rfb.Viewer):
    """It reads updates, and looks at no pixel."""

    def put_row(self, x, y, row):
        pass

    def put_rows(self, x, y, width, height, rgb):
        pass

    def raw(self, x, y, width, height):
        self.read(width * height * 4)

    def zrle(self, x, y, width, height):
        self.read(self.number(4))

    def copy(self, x, y, width, height):
        self.read(4)

    def tight(self, x, y, width, height):
        control = self.number(1)
        if control >> 4 == 8:
            return self.read(3)
        if control >> 4 == 9:
            return self.read(self.compact())
        bits, colours = 24, 0
        if control & 0x40 and self.number(1) == 1:
            colours = self.number(1) + 1
            self.read(3 * colours)
            bits = 1 if colours == 2 else 8
        size = (width * bits + 7) // 8 * height
        return self.read(size if size < 12 else self.compact())


CountingViewer.PIXELS = {rfb.RAW: CountingViewer.raw, rfb.COPY: CountingViewer.copy,
                         rfb.TIGHT: CountingViewer.tight, rfb.ZRLE: CountingViewer.zrle}


def cpu_seconds(process):
    """Of each thread."""
    found = {}
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        found[task.name] = (int(fields[11]) + int(fields[12])) / 100
    return found


def connect(place):
    end = time.monotonic() + 30
    while True:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(60)
        try:
            client.connect(str(place))
            return client
        except OSError:
            client.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def measure_one(folder, program, way, encoding):
    disk, place = folder / "disk", folder / "vnc"
    sector = bytearray((folder / "screen").read_bytes())
    sector[WAY_AT] = way
    disk.write_bytes(bytes(sector).ljust(1 << 20, b"\0"))
    command = [program, "-M", "pc", "-accel", "tcg", "-nodefaults", "-vga", "std", "-net", "none"]
    command += ["-drive", f"file={disk},format=raw,if=ide", "-vnc", f"unix:{place}"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        viewer = CountingViewer(connect(place))
        viewer.set_encodings(encoding, rfb.COPY, rfb.RAW, rfb.DESKTOP_SIZE)
        while viewer.width < 1024:
            viewer.request()
            viewer.next_update()
        settled = time.monotonic() + 2
        while time.monotonic() < settled:
            viewer.request()
            viewer.next_update()
        before, began, bytes_before, frames = cpu_seconds(process), time.monotonic(), viewer.bytes, 0
        while (passed := time.monotonic() - began) < SECONDS:
            viewer.request()
            viewer.next_update()
            frames += 1
        after = cpu_seconds(process)
        used = sorted(after[task] - before.get(task, 0) for task in after)
        received = viewer.bytes - bytes_before
        viewer.close()
    finally:
        process.kill()
        process.wait()
        place.unlink(missing_ok=True)
    return {"frames/s": frames / passed, "KiB/s": received / passed / 1024, "KiB/frame": received / frames / 1024,
            "CPU, %": 100 * sum(used[:-1]) / passed}


def measure(programs):
    """Prints a table; `programs`: of each emulator by its key."""
    with tempfile.TemporaryDirectory(prefix="backplane-vnc-") as name:
        folder = pathlib.Path(name)
        source, linked = HERE / "guest/screen.S", folder / "screen.o"
        subprocess.run(["gcc", "-c", source, "-o", linked], check=True)
        subprocess.run(["objcopy", "-O", "binary", "-j", ".text", linked, folder / "screen"], check=True)
        print(f"{'':40}" + "".join(f"{title:>12}" for title in ("frames/s", "KiB/s", "KiB/frame", "CPU, %")))
        for title, way in WAYS.items():
            for encoding, number in ENCODINGS.items():
                for key, program in programs.items():
                    found = measure_one(folder, program, way, number)
                    row = "".join(f"{figure:12.1f}" for figure in found.values())
                    print(f"{title + ', ' + encoding + ', ' + key:40}{row}", flush=True)
