"""What a PC's VGA shows in the modes that its BIOS sets, pixel by pixel: the sums are those of a running peer's pictures."""

import hashlib
import os
import struct
import threading
import unittest
import zlib

from program import DEADLINE, ProgramTest, Qmp, connect
from sectors import SectorTest, sector

# Mode: width, height, the beginning of the SHA-256 of its pixels (red, green, blue).
PICTURES = {
    0x0: (640, 400, "0c3fc30f4ae1968a"),
    0x1: (640, 400, "0c3fc30f4ae1968a"),
    0x2: (720, 400, "5b3ba3ac858425e1"),
    0x3: (720, 400, "5b3ba3ac858425e1"),
    0x4: (640, 400, "3c034fae31f30b05"),
    0x5: (640, 400, "3c034fae31f30b05"),
    0x6: (640, 400, "1bca1c2979140c7b"),
    0xD: (640, 400, "28a9721bb4ea4d75"),
    0xE: (640, 400, "afab422f86f64f00"),
    0xF: (640, 350, "0da2f3c58afab909"),
    0x10: (640, 350, "08cf2e3f7e8e7316"),
    0x11: (640, 480, "5b5ec90ee1dc8481"),
    0x12: (640, 480, "09bf36bc9afa4f2c"),
    0x13: (640, 400, "51b4e16849f320d4"),
    0x101: (640, 480, "f98a2ed0ba0b8729"),
    0x10D: (320, 200, "783df72b976eef31"),
    0x10E: (320, 200, "8b759a4f2cd08d26"),
    0x10F: (320, 200, "3d984cdbe6e9ef04"),
    0x111: (640, 480, "deaa0a5808e79906"),
    0x112: (640, 480, "f9e1db60f29626ba"),
    0x115: (800, 600, "03e44e2eb835d887"),
    0x118: (1024, 768, "880ac67c0ea16063"),
    0x143: (800, 600, "bb0d5d6630d67184"),
}
# A monochrome adapter's registers are elsewhere: firmware goes neither to that mode nor from it without a start of its own.
MONOCHROME = {0x7: (720, 400, "b6d4e5283ed061e2")}


def read_ppm(path):
    """Width, height and pixels of a picture."""
    kind, width, height, most, pixels = path.read_bytes().split(maxsplit=4)
    assert (kind, most) == (b"P6", b"255")
    return int(width), int(height), pixels


def read_png(path):
    """The same of a picture whose lines have no filter that looks at others but the ones that libpng chooses."""
    data, at, packed, size = path.read_bytes(), 8, b"", None
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    stride = size[0] * 3
    raw, before, rows = zlib.decompress(packed), bytes(stride), []
    for y in range(size[1]):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        for x in range(stride):
            left, up, corner = row[x - 3] if x >= 3 else 0, before[x], before[x - 3] if x >= 3 else 0
            estimate = left + up - corner
            nearest = min((abs(estimate - left), 0, left), (abs(estimate - up), 1, up), (abs(estimate - corner), 2, corner))[2]
            row[x] = row[x] + (0, left, up, (left + up) // 2, nearest)[kind] & 0xFF
        rows.append(bytes(row))
        before = row
    return *size, b"".join(rows)


class Screen(SectorTest):
    def start_modes(self, modes):
        """Starts the boot sector that goes through modes."""
        code = bytearray(sector("screen"))
        struct.pack_into(f"<{len(modes) + 1}H", code, 256, *modes, 0xFFFF)
        self.boot("-vga", "std", "-drive", f"file={self.disk(bytes(code))},format=raw,if=ide")
        return self.qmp

    def await_marks(self, count):
        self.await_debug(lambda text: text.count("!") >= count)

    def picture(self, qmp, **arguments):
        path = self.folder / "picture"
        self.assertEqual(qmp("screendump", filename=str(path), **arguments)["return"], {})
        return path

    def compare(self, pictures):
        qmp = self.start_modes(list(pictures))
        for count, (mode, expected) in enumerate(pictures.items(), 1):
            self.await_marks(count)
            width, height, pixels = read_ppm(self.picture(qmp))
            with self.subTest(hex(mode)):
                self.assertEqual((width, height, hashlib.sha256(pixels).hexdigest()[:16]), expected)
            qmp("send-key", keys=[{"type": "qcode", "data": "ret"}])

    def test_modes_look_as_they_do_elsewhere(self):
        self.compare(PICTURES)

    def test_monochrome_mode_looks_as_it_does_elsewhere(self):
        self.compare(MONOCHROME)

    def test_png_has_the_same_pixels(self):
        qmp = self.start_modes([0x3])
        self.await_marks(1)
        png = read_png(self.picture(qmp, format="png", device="/machine/peripheral-anon/device[0]"))
        self.assertEqual(png, read_ppm(self.picture(qmp, head=0)))

    def test_characters_come_as_text(self):
        qmp = self.start_modes([0x3, 0x13])
        self.await_marks(1)
        shown = qmp("x-query-screen-text")["return"]
        self.assertEqual((shown["columns"], shown["rows"]), (80, 25))
        self.assertNotIn("cursor-row", shown)
        lines = shown["text"].split("\n")
        self.assertEqual(lines[0][:32], " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼")
        self.assertEqual(lines[0][32:], " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNO")
        self.assertIn("░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀", lines[2])
        self.assertIn("░▒▓│", qmp("human-monitor-command", **{"command-line": "info screen-text"})["return"])
        qmp("send-key", keys=[{"type": "qcode", "data": "ret"}])
        self.await_marks(2)
        self.assertIn("no characters", qmp("x-query-screen-text")["error"]["desc"])

    def test_people_name_the_format_as_elsewhere(self):
        qmp = self.start_modes([])
        path = self.folder / "picture"
        for line in (f"screendump {path} -f png", f"screendump -f png {path}"):
            self.assertEqual(qmp("human-monitor-command", **{"command-line": line})["return"], "")
            self.assertEqual(path.read_bytes()[1:4], b"PNG")
        self.assertIn("-f expects", qmp("human-monitor-command", **{"command-line": f"screendump {path} -f"})["return"])

    def test_a_pipe_is_written_to(self):
        qmp = self.start_modes([0x3])
        self.await_marks(1)
        path = self.folder / "pipe"
        os.mkfifo(path)
        got = []
        reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
        reader.start()
        self.assertEqual(qmp("screendump", filename=str(path))["return"], {})
        reader.join(DEADLINE)
        self.assertTrue(path.is_fifo())
        self.assertEqual(len(got[0]), len(b"P6\n720 400\n255\n") + 720 * 400 * 3)

    def test_two_of_what_there_is_once_are_refused(self):
        result = self.run_program("-M", "pc", "-nodefaults", "-display", "none", "-vga", "std", "-device", "VGA")
        self.assertEqual(result.status, 1)
        self.assertIn("there is a VGA in this machine already, and its ports are there once; use secondary-vga", result.errors)

    def test_pictures_that_cannot_be_taken_are_refused(self):
        qmp = self.start_modes([])
        path = self.folder / "nowhere" / "picture"
        error = qmp("screendump", filename=str(path))["error"]["desc"]
        self.assertEqual(error, f"cannot write '{path}': No such file or directory")
        for arguments, why in (
            ({"device": "x"}, "there is no screen 'x'"),
            ({"head": 1}, "there is no head 1"),
            ({"head": 1 << 32}, "there is no head 4294967296"),
            ({"format": "gif"}, "format"),
        ):
            self.assertIn(why, qmp("screendump", filename="picture", **arguments)["error"]["desc"])


class NoScreen(ProgramTest):
    def test_machine_without_a_screen_says_so(self):
        monitor = self.folder / "qmp"
        process = self.start(
            *("-M", "pc", "-nodefaults", "-display", "none", "-accel", "qtest", "-qtest", "null"),
            *("-qmp", f"unix:{monitor},server=on,wait=off"),
        )
        with Qmp(connect(monitor, process)) as qmp:
            qmp("qmp_capabilities")
            error = qmp("screendump", filename="picture")["error"]["desc"]
        self.assertEqual(error, "this machine has no screen; add a graphics adapter (-device VGA)")


if __name__ == "__main__":
    unittest.main()
