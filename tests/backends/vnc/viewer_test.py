"""Viewers of a PC: each encoding shows what screendump writes, keys arrive, and viewers that lie, hang or come in crowds cost
the others nothing."""

import os
import pathlib
import socket
import struct
import sys
import unittest

import rfb_client as rfb

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "cli"), str(TESTS / "boards/pc")]
from program import DEADLINE, connect  # noqa: E402
from screen_test import read_ppm  # noqa: E402
from sectors import SectorTest, sector  # noqa: E402

RETURN, SHIFT = 0xFF0D, 0xFFE1
# Text, 256 colours, 16 bits a pixel and 32 (whose memory is the picture).
MODES = (0x3, 0x13, 0x111, 0x143)
ENCODINGS = {"Raw": rfb.RAW, "Hextile": rfb.HEXTILE, "Tight": rfb.TIGHT, "ZRLE": rfb.ZRLE}

# Says on the debug port what is typed: next: mov ah, 0; int 16h; mov dx, 402h; out dx, al; jmp next
ECHO = bytes.fromhex("b400 cd16 ba0204 ee ebf6").ljust(510, b"\0") + b"\x55\xaa"
# Prints a line for each key, and a "+" on the debug port: xor bx, bx; mov bl, '!'; next: mov ah, 0; int 16h; mov cx, 70;
# letter: mov al, bl; mov ah, 0eh; push bx; mov bx, 7; int 10h; pop bx; inc bl; cmp bl, 7eh; jb more; mov bl, '!'; more: loop letter;
# mov ax, 0e0dh; int 10h; mov ax, 0e0ah; int 10h; mov dx, 402h; mov al, '+'; out dx, al; jmp next
SCROLL = bytes.fromhex(
    "31db b321 b400 cd16 b94600 88d8 b40e 53 bb0700 cd10 5b fec3 80fb7e 7202 b321 e2ea b80d0e cd10 b80a0e cd10 ba0204 b02b ee ebd1"
).ljust(510, b"\0") + b"\x55\xaa"

# Lights of the keyboard: mov al, 0edh; out 60h, al; mov al, 6; out 60h, al; halt: hlt; jmp halt, without interrupts
LIGHTS = bytes.fromhex("fa b0ed e660 b006 e660 f4 ebfd").ljust(510, b"\0") + b"\x55\xaa"

# Noise in the first 64 KiB of mode 112h: mov ax, 4f02h; mov bx, 112h; int 10h; mov ax, 0a000h; mov es, ax; xor di, di;
# mov eax, 1; next: imul eax, eax, 19660dh; add eax, 3c6ef35fh; stosd; test di, di; jnz next;
# mov dx, 402h; mov al, '!'; out dx, al; halt: hlt; jmp halt
NOISE = bytes.fromhex(
    "b8024f bb1201 cd10 b800a0 8ec0 31ff 66b801000000 6669c00d661900 66055ff36e3c 66ab 85ff 75ed ba0204 b021 ee f4 ebfd"
).ljust(510, b"\0") + b"\x55\xaa"


class ViewerTest(SectorTest):
    def setUp(self):
        super().setUp()
        self.place = self.folder / "vnc"

    def boot_with(self, code, *arguments, options=""):
        disk = f"file={self.disk(code)},format=raw,if=ide"
        self.boot("-vga", "std", "-drive", disk, "-vnc", f"unix:{self.place}{options}", *arguments)

    def connection(self):
        client = connect(self.place, self.process)
        self.addCleanup(client.close)
        return client

    def viewer(self, *encodings, **options):
        viewer = rfb.Viewer(self.connection(), **options)
        self.addCleanup(viewer.close)
        viewer.set_encodings(*encodings)
        return viewer

    def screendump(self):
        path = self.folder / "picture"
        self.assertEqual(self.qmp("screendump", filename=str(path))["return"], {})
        return read_ppm(path)

    def show_modes(self, modes):
        code = bytearray(sector("screen"))
        struct.pack_into(f"<{len(modes) + 1}H", code, 256, *modes, 0xFFFF)
        return bytes(code)

    def sees_what_is_there(self, viewer):
        """Updates until the picture is that of a screendump; a guest that waits for a key changes nothing any more."""
        width, height, pixels = self.screendump()
        while (viewer.width, viewer.height) != (width, height) or viewer.pixels != pixels:
            viewer.request()
            viewer.next_update()


class Pictures(ViewerTest):
    def test_each_encoding_shows_what_is_there(self):
        self.boot_with(self.show_modes(MODES))
        for count, mode in enumerate(MODES, 1):
            self.await_debug(lambda text: text.count("!") >= count)
            for name, encoding in ENCODINGS.items():
                with self.subTest(f"{name} in mode {mode:#x}"):
                    viewer = self.viewer(encoding, rfb.DESKTOP_SIZE)
                    viewer.request(incremental=False)
                    viewer.next_update()
                    width, height, pixels = self.screendump()
                    self.assertEqual((viewer.width, viewer.height), (width, height))
                    self.assertEqual(viewer.pixels, pixels)
                    self.assertLessEqual({kind for kind, *_ in viewer.rectangles}, {encoding})
            viewer.key(RETURN)

    def test_who_stays_is_told_of_changes_and_of_other_sizes(self):
        self.boot_with(self.show_modes(MODES), options=",key-delay-ms=0")
        viewer = self.viewer(rfb.ZRLE, rfb.DESKTOP_SIZE, rfb.EXTENDED_SIZE)
        for count in range(1, len(MODES) + 1):
            self.await_debug(lambda text: text.count("!") >= count)
            self.sees_what_is_there(viewer)
            viewer.key(RETURN)
        screens = next(screens for kind, *_, screens in viewer.news if kind == rfb.EXTENDED_SIZE)
        self.assertEqual(len(screens), 16)

    def test_scrolled_text_is_moved(self):
        self.boot_with(SCROLL, options=",key-delay-ms=0")
        self.sees("Booting from 0000:7c00")
        viewers = [self.viewer(rfb.ZRLE, rfb.COPY), self.viewer(rfb.TIGHT)]
        moved = 0
        for lines in range(1, 40):
            viewers[0].key(ord("x"))
            self.await_debug(lambda text: text.count("+") >= lines)
            for viewer in viewers[: 2 if lines % 4 == 0 else 1]:
                viewer.rectangles = []
                self.sees_what_is_there(viewer)
                moved += sum(kind == rfb.COPY for kind, *_ in viewer.rectangles)
        self.assertGreater(moved, 10)

    def test_who_knows_no_other_sizes_sees_what_fits(self):
        self.boot_with(self.show_modes((0x3, 0x143)))
        self.await_debug(lambda text: text.count("!") >= 1)
        viewer = self.viewer(rfb.HEXTILE)
        viewer.key(RETURN)
        self.await_debug(lambda text: text.count("!") >= 2)
        width, height, pixels = self.screendump()
        self.assertLess((viewer.width, viewer.height), (width, height))
        shown = b"".join(pixels[y * width * 3 :][: viewer.width * 3] for y in range(viewer.height))
        while viewer.pixels != shown:
            viewer.request()
            viewer.next_update()

    def test_updates_come_without_asking_until_that_ends(self):
        self.boot_with(self.show_modes((0x13,)))
        self.await_debug(lambda text: text.count("!") >= 1)
        viewer = self.viewer(rfb.RAW, rfb.CONTINUOUS, rfb.FENCES)
        self.assertEqual([viewer.message(), viewer.message()], [rfb.END_OF_CONTINUOUS, rfb.FENCE])
        viewer.request(incremental=False)
        viewer.next_update()
        viewer.continuous(True)
        viewer.request(incremental=False)  # all of it is damage, which nobody has to ask for
        viewer.next_update()
        viewer.continuous(False)
        viewer.fence(b"behind", 1 << 31 | 2)
        self.assertEqual([viewer.message(), viewer.message()], [rfb.END_OF_CONTINUOUS, rfb.FENCE])
        self.assertEqual(viewer.fences[-1], (2, b"behind"))

    def test_jpeg_is_for_who_asks_and_replaced_when_the_picture_stands_still(self):
        self.boot_with(NOISE, options=",lossy=on")
        self.await_debug(lambda text: text.count("!") >= 1)
        exact = self.viewer(rfb.TIGHT, rfb.DESKTOP_SIZE)
        self.sees_what_is_there(exact)
        self.assertEqual([news for news in exact.news if news[0] == "JPEG"], [])
        viewer = self.viewer(rfb.TIGHT, rfb.DESKTOP_SIZE, -32 + 5)
        viewer.request()
        viewer.next_update()
        self.assertTrue([news for news in viewer.news if news[0] == "JPEG"])
        self.sees_what_is_there(viewer)

    def test_a_machine_without_a_screen_shows_black(self):
        self.boot("-vnc", f"unix:{self.place}")
        viewer = self.viewer(rfb.RAW)
        viewer.request()
        viewer.next_update()
        self.assertEqual((viewer.width, viewer.height), (640, 480))


class Hands(ViewerTest):
    def test_keys_arrive_by_symbol_and_by_scan_code(self):
        self.boot_with(ECHO)
        viewer = self.viewer(rfb.RAW, rfb.EXTENDED_KEYS)
        viewer.request(incremental=False)
        viewer.next_update()
        self.assertIn((rfb.EXTENDED_KEYS, 0), viewer.news)
        self.sees("Booting from Hard Disk...")
        for letter in "Hi, ":
            viewer.key(ord(letter))
        self.sees("Hi, ")
        viewer.key(SHIFT, down=True)
        viewer.key(ord("Y"))
        viewer.key(SHIFT, down=False)
        for code in (0x18, 0x16, 0x35):  # o, u, /
            viewer.scan_code(code)
        self.sees("Hi, You/")

    def test_keys_that_a_viewer_held_go_up_when_it_leaves(self):
        self.boot_with(ECHO, options=",key-delay-ms=0")
        self.sees("Booting from 0000:7c00")
        viewer = self.viewer(rfb.RAW)
        viewer.key(SHIFT, down=True)
        viewer.key(ord("A"))
        self.await_debug(lambda text: text.endswith("A"))
        viewer.close()
        self.qmp.event("VNC_DISCONNECTED")
        self.qmp("send-key", keys=[{"type": "qcode", "data": "b"}])
        self.sees("Ab")

    def test_lights_of_the_keyboard_are_shown(self):
        self.boot_with(LIGHTS)
        viewer = self.viewer(rfb.RAW, rfb.LIGHTS)
        while (rfb.LIGHTS, 6) not in viewer.news:
            viewer.request()
            viewer.next_update()

    def test_movements_are_for_machines_without_a_tablet(self):
        for tablet in (False, True):
            self.boot_with(ECHO, *(("-usb", "-device", "usb-tablet") if tablet else ()))
            viewer = self.viewer(rfb.RAW, rfb.POINTER_MODE)
            viewer.request(incremental=False)
            viewer.next_update()
            self.assertIn((rfb.POINTER_MODE, tablet), viewer.news)
            viewer.pointer(10, 10, buttons=0x7F)
            viewer.pointer(0xFFFF, 0xFFFF)
            self.assertEqual(self.qmp("query-status")["return"]["status"], "running")
            viewer.close()
            self.end_machine()


class Guests(ViewerTest):
    """Who is let in."""

    def setUp(self):
        super().setUp()
        self.events = []

    def start_server(self, options=""):
        self.boot_with(self.show_modes((0x3,)), options=options)

    def ends(self, connection):
        """The server closes it."""
        try:
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass

    def test_older_protocols(self):
        self.start_server()
        for minor in (3, 5, 7, 8, 889):
            with self.subTest(minor):
                viewer = self.viewer(rfb.RAW, minor=3 if minor == 5 else 8 if minor == 889 else minor)
                viewer.request(incremental=False)
                viewer.next_update()

    def test_who_wants_to_be_alone(self):
        self.start_server()
        first = self.viewer(rfb.RAW)
        alone = self.viewer(rfb.RAW, shared=False)
        self.ends(first.connection)
        with self.assertRaises((EOFError, ConnectionError)):
            self.viewer(rfb.RAW)
        alone.close()

    def test_nobody_is_alone_where_all_share(self):
        self.start_server(",share=force-shared")
        first = self.viewer(rfb.RAW)
        with self.assertRaises((EOFError, ConnectionError)):
            self.viewer(rfb.RAW, shared=False)
        first.request(incremental=False)
        first.next_update()

    def test_a_wrong_password_is_refused_with_a_reason(self):
        self.start_server(",password=on")
        for wrong in (None, lambda challenge: challenge):
            with self.assertRaises(rfb.Refused):
                self.viewer(answer=wrong)
            self.assertEqual(self.qmp("set_password", protocol="vnc", password="secret")["return"], {})

    def test_monitors_tell_who_is_there(self):
        self.start_server(",id=one")
        viewer = self.viewer(rfb.RAW)
        for name in ("VNC_CONNECTED", "VNC_INITIALIZED"):
            event = self.qmp.event(name)["data"]
            self.assertEqual(event["server"]["service"], str(self.place))
            self.assertEqual(event["client"]["family"], "unix")
        known = self.qmp("query-vnc-servers")["return"]
        self.assertEqual((known[0]["id"], known[0]["auth"], len(known[0]["clients"])), ("one", "none", 1))
        self.assertEqual(self.qmp("query-vnc")["return"]["enabled"], True)
        self.assertIn("Client:", self.qmp.human("info vnc"))
        self.assertIn("error", self.qmp("change-vnc-password", password="x"))
        viewer.close()
        self.qmp.event("VNC_DISCONNECTED")
        self.assertEqual(self.qmp("query-vnc")["return"]["clients"], [])

    def test_machines_without_vnc_say_so(self):
        self.boot()
        self.assertEqual(self.qmp("query-vnc")["return"], {"enabled": False})
        self.assertEqual(self.qmp("query-vnc-servers")["return"], [])
        self.assertEqual(self.qmp.human("info vnc"), "None\n")

    # --- who means no good

    def test_lies_end_their_own_connection(self):
        self.start_server()
        honest = self.viewer(rfb.RAW)
        handshakes = [b"GET / HTTP/1.1\r\n\r\n", b"RFB 003.008\n\x05", b"RFB 003.008\n\x02", b"\0" * 4096]
        for words in handshakes:
            with self.subTest(words[:16]):
                connection = self.connection()
                connection.sendall(words)
                self.ends(connection)
        for message in (
            b"\x63",
            b"\x02\0\xff\xff" + b"\0" * 1000,
            b"\x06\0\0\0\x7f\xff\xff\xff",
            b"\x06\0\0\0\x80\0\0\0",
            b"\0\0\0\0\x18\x18\0\1" + b"\0" * 12,
            b"\xff\x07" + b"\0" * 100,
        ):
            with self.subTest(message[:16]):
                viewer = self.viewer(rfb.RAW)
                viewer.send(message)
                self.ends(viewer.connection)
        honest.request(incremental=False)
        honest.next_update()

    def test_half_a_message_waits_for_its_other_half(self):
        self.start_server()
        viewer = self.viewer(rfb.RAW)
        viewer.send(b"\x03\0\0\0")
        other = self.viewer(rfb.RAW)
        other.request(incremental=False)
        other.next_update()
        viewer.send(b"\0\0" + struct.pack(">HH", viewer.width, viewer.height))
        viewer.next_update()

    def memory(self):
        """KiB that the process has."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def test_who_does_not_read_costs_one_picture(self):
        self.start_server()
        self.await_debug(lambda text: text.count("!") >= 1)
        honest = self.viewer(rfb.RAW)
        honest.request(incremental=False)
        honest.next_update()
        before = self.memory()
        deaf = self.viewer(rfb.RAW, rfb.FENCES)
        deaf.connection.settimeout(1)
        asked = 0
        try:
            for _ in range(2000):
                deaf.request(incremental=False)
                for _ in range(100):
                    deaf.fence(bytes(64))
                asked += 1
        except TimeoutError:
            pass
        self.assertLess(asked, 2000, "the server went on reading")
        honest.request(incremental=False)
        honest.next_update()
        self.assertLess(self.memory() - before, 16 << 10)

    def test_a_thousand_connections_leave_room_for_one_more(self):
        self.start_server(",connections=8")
        honest = self.viewer(rfb.RAW)
        crowd = []
        for _ in range(1000):
            crowd.append(connect(self.place, self.process))
            if len(crowd) > 100:
                crowd.pop(0).close()
        late = self.viewer(rfb.RAW)
        for viewer in (honest, late):
            viewer.request(incremental=False)
            viewer.next_update()
        for connection in crowd:
            connection.close()


class Options(ViewerTest):
    def refusal(self, *arguments):
        result = self.run_program("-M", "pc", "-nodefaults", "-display", "none", *arguments)
        self.assertEqual(result.status, 1)
        return result.errors

    def test_what_is_not_there_is_refused_with_what_is(self):
        for option, word in (("websocket=on", "websockify"), ("tls-creds=t", "tunnel"), ("sasl=on", "password"),
                             ("audiodev=a", "sound"), ("reverse=on", "viewer"), ("to=1", "less than"),
                             ("display=none-such", "none-such"), ("password-secret=s", "-object secret")):
            with self.subTest(option):
                self.assertIn(word, self.refusal("-vnc", f":3,{option}"))
        for place in ("3", ":", ":x", ":99999", "unix:", "host"):
            with self.subTest(place):
                self.assertIn("give HOST:DISPLAY" if place != "unix:" else "path", self.refusal("-vnc", place))

    def test_consoles_are_not_on_the_terminal_of_a_machine_with_a_display(self):
        for arguments, terminal in (((), True), (("-vnc", "none"), False), (("-vnc", ":3", "-nographic"), True)):
            with self.subTest(arguments):
                plan = self.run_program("-M", "pc", *arguments, "-print-plan").output
                self.assertEqual('"stdio"' in plan, terminal)

    def test_a_display_that_is_taken_is_an_error_and_to_takes_the_next(self):
        taken = socket.socket()
        self.addCleanup(taken.close)
        display = 60
        while True:
            try:
                taken.bind(("127.0.0.1", 5900 + display))
                break
            except OSError:
                display += 2
        taken.listen(1)
        self.assertIn("cannot listen", self.refusal("-vnc", f"127.0.0.1:{display}"))
        self.boot("-vnc", f"127.0.0.1:{display},to={display + 30}")
        self.assertGreater(int(self.qmp("query-vnc")["return"]["service"]), 5900 + display)


if __name__ == "__main__":
    unittest.main()
