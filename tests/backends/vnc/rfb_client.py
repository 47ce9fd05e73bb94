"""A client of the RFB protocol (RFC 6143, and the extensions of "The RFB Protocol") that keeps what it is shown as red, green
and blue bytes. Whatever a server may not do raises ProtocolError."""

import struct
import zlib

RAW, COPY, HEXTILE, TIGHT, ZRLE = 0, 1, 5, 7, 16
DESKTOP_SIZE, POINTER, POINTER_MODE, EXTENDED_KEYS, LIGHTS = -223, -239, -257, -258, -261
EXTENDED_SIZE, FENCES, CONTINUOUS, ALPHA_POINTER = -308, -312, -313, -314
UPDATE, END_OF_CONTINUOUS, FENCE = 0, 150, 248


class ProtocolError(Exception):
    pass


class Refused(Exception):
    pass


class Viewer:
    def __init__(self, connection, minor=8, shared=True, answer=None):
        self.connection = connection
        self.stream = connection.makefile("rb")
        self.streams = {}
        self.news, self.fences = [], []
        self.bytes = 0
        version = self.read(12)
        if version != b"RFB 003.008\n":
            raise ProtocolError(version)
        self.send(b"RFB 003.%03d\n" % minor)
        self.authenticate(minor, answer)
        self.send(bytes([shared]))
        self.width, self.height, self.format, length = struct.unpack(">HH16sI", self.read(24))
        self.name = self.read(length).decode()
        self.pixels = bytearray(self.width * self.height * 3)

    def authenticate(self, minor, answer):
        types = [self.number(4)] if minor == 3 else list(self.read(self.number(1)))
        wanted = 1 if answer is None else 2
        if wanted not in types:
            raise Refused(types)
        if minor != 3:
            self.send(bytes([wanted]))
        if wanted == 2:
            self.send(answer(self.read(16)))
        if (wanted == 2 or minor == 8) and self.number(4) != 0:
            raise Refused(self.read(self.number(4)).decode() if minor == 8 else "")

    def close(self):
        self.stream.close()
        self.connection.close()

    # --- bytes

    def read(self, count):
        data = self.stream.read(count)
        if len(data) != count:
            raise EOFError
        self.bytes += count
        return data

    def number(self, size):
        return int.from_bytes(self.read(size), "big")

    def send(self, data):
        self.connection.sendall(data)

    # --- what it says

    def set_encodings(self, *encodings):
        self.send(struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings))

    def request(self, incremental=True, area=None):
        self.send(struct.pack(">BB4H", 3, incremental, *(area or (0, 0, self.width, self.height))))

    def key(self, symbol, down=None):
        for state in (True, False) if down is None else (down,):
            self.send(struct.pack(">BBxxI", 4, state, symbol))

    def scan_code(self, code, symbol=0):
        for state in (1, 0):
            self.send(struct.pack(">BBHII", 255, 0, state, symbol, code))

    def pointer(self, x, y, buttons=0):
        self.send(struct.pack(">BBHH", 5, buttons, x, y))

    def continuous(self, on):
        self.send(struct.pack(">BB4H", 150, on, 0, 0, self.width, self.height))

    def fence(self, payload, flags=1 << 31):
        self.send(struct.pack(">BxxxIB", FENCE, flags, len(payload)) + payload)

    # --- what it hears

    def message(self):
        """Hears one message; its number."""
        kind = self.number(1)
        if kind == UPDATE:
            self.update()
        elif kind == FENCE:
            self.read(3)
            self.fences.append((self.number(4), self.read(self.number(1))))
        elif kind != END_OF_CONTINUOUS:
            raise ProtocolError(f"message {kind}")
        return kind

    def next_update(self):
        while self.message() != UPDATE:
            pass

    def update(self):
        self.read(1)
        self.rectangles = []
        for _ in range(self.number(2)):
            x, y, width, height, encoding = struct.unpack(">4Hi", self.read(12))
            self.rectangles.append((encoding, x, y, width, height))
            if encoding in self.PIXELS:
                if x + width > self.width or y + height > self.height or not width or not height:
                    raise ProtocolError(f"{x},{y} {width}x{height} is outside of {self.width}x{self.height}")
                self.PIXELS[encoding](self, x, y, width, height)
            elif encoding in (DESKTOP_SIZE, EXTENDED_SIZE):
                screens = self.read(self.number(1) * 16 + 3) if encoding == EXTENDED_SIZE else b""
                self.news.append((encoding, x, y, screens[3:]))
                self.width, self.height = width, height
                self.pixels = bytearray(width * height * 3)
            elif encoding == POINTER:
                self.read(width * height * 4 + (width + 7) // 8 * height)
                self.news.append((encoding, width, height))
            elif encoding == LIGHTS:
                self.news.append((encoding, self.number(1)))
            elif encoding in (POINTER_MODE, EXTENDED_KEYS):
                self.news.append((encoding, x))
            else:
                raise ProtocolError(f"encoding {encoding}")

    def put_row(self, x, y, row):
        at = (y * self.width + x) * 3
        self.pixels[at : at + len(row)] = row

    def put_rows(self, x, y, width, height, rgb):
        if len(rgb) != width * height * 3:
            raise ProtocolError(f"{len(rgb)} bytes for {width}x{height}")
        for row in range(height):
            self.put_row(x, y + row, rgb[row * width * 3 : (row + 1) * width * 3])

    def inflate(self, stream, data):
        return self.streams.setdefault(stream, zlib.decompressobj()).decompress(data)

    def raw(self, x, y, width, height):
        self.put_rows(x, y, width, height, reordered(self.read(width * height * 4), 4))

    def copy(self, x, y, width, height):
        from_x, from_y = self.number(2), self.number(2)
        rows = []
        for row in range(height):
            at = ((from_y + row) * self.width + from_x) * 3
            rows.append(self.pixels[at : at + width * 3])
        self.put_rows(x, y, width, height, b"".join(rows))

    def hextile(self, x, y, width, height):
        background = foreground = bytes(3)
        for top in range(y, y + height, 16):
            for left in range(x, x + width, 16):
                columns, rows = min(16, x + width - left), min(16, y + height - top)
                what = self.number(1)
                if what & 1:
                    self.raw(left, top, columns, rows)
                    continue
                if what & 2:
                    background = reordered(self.read(4), 4)
                if what & 4:
                    foreground = reordered(self.read(4), 4)
                self.put_rows(left, top, columns, rows, background * columns * rows)
                for _ in range(self.number(1) if what & 8 else 0):
                    place, size = self.read(2)
                    colour = reordered(self.read(4), 4) if what & 16 else foreground
                    wide, high = (size >> 4) + 1, (size & 15) + 1
                    if (place >> 4) + wide > columns or (place & 15) + high > rows:
                        raise ProtocolError("a subrectangle is outside of its tile")
                    self.put_rows(left + (place >> 4), top + (place & 15), wide, high, colour * wide * high)

    def zrle(self, x, y, width, height):
        data, at = self.inflate("zrle", self.read(self.number(4))), 0

        def take(count):
            nonlocal at
            at += count
            return data[at - count : at]

        for top in range(y, y + height, 64):
            for left in range(x, x + width, 64):
                columns, rows = min(64, x + width - left), min(64, y + height - top)
                kind = take(1)[0]
                if kind == 0:
                    self.put_rows(left, top, columns, rows, reordered(take(columns * rows * 3), 3))
                    continue
                palette = [reordered(take(3), 3) for _ in range(kind & 127)]
                if kind < 128:
                    bits = 0 if kind == 1 else 1 if kind == 2 else 2 if kind <= 4 else 4
                    packed = take((columns * bits + 7) // 8 * rows)
                    self.put_rows(left, top, columns, rows, unpacked(packed, columns, rows, bits, palette))
                    continue
                runs, left_over = [], columns * rows
                while left_over > 0:
                    index, length = take(1)[0], 1
                    while index & 128:
                        more = take(1)[0]
                        length += more
                        if more < 255:
                            break
                    left_over -= length
                    runs.append((palette[index & 127] if palette else reordered(take(3), 3)) * length)
                self.put_rows(left, top, columns, rows, b"".join(runs))
        if at != len(data):
            raise ProtocolError("ZRLE goes on behind its last tile")

    def tight(self, x, y, width, height):
        if width > 2048:
            raise ProtocolError("Tight is at most 2048 pixels wide")
        control = self.number(1)
        for stream in range(4):
            if control >> stream & 1:
                self.streams.pop(stream, None)
        if control >> 4 == 8:
            return self.put_rows(x, y, width, height, self.read(3) * width * height)
        if control >> 4 == 9:
            picture = self.read(self.compact())
            if not picture.startswith(b"\xff\xd8") or not picture.endswith(b"\xff\xd9"):
                raise ProtocolError("that is no JPEG")
            self.news.append(("JPEG", x, y, width, height))
            return None
        if control >> 4 > 9:
            raise ProtocolError(f"Tight control {control:#x}")
        palette = []
        if control & 0x40:
            if (kind := self.number(1)) != 1:
                raise ProtocolError(f"Tight filter {kind}")
            palette = [self.read(3) for _ in range(self.number(1) + 1)]
        bits = 24 if not palette else 1 if len(palette) == 2 else 8
        size = (width * bits + 7) // 8 * height
        data = self.read(size) if size < 12 else self.inflate(control >> 4 & 3, self.read(self.compact()))
        if len(data) != size:
            raise ProtocolError(f"{len(data)} bytes in place of {size}")
        self.put_rows(x, y, width, height, unpacked(data, width, height, bits, palette) if palette else data)
        return None

    def compact(self):
        length = 0
        for shift in (0, 7, 14):
            part = self.number(1)
            length |= (part & 127 if shift < 14 else part) << shift
            if shift < 14 and not part & 128:
                break
        return length


Viewer.PIXELS = {RAW: Viewer.raw, COPY: Viewer.copy, HEXTILE: Viewer.hextile, TIGHT: Viewer.tight, ZRLE: Viewer.zrle}


def reordered(data, size):
    """Red, green and blue of pixels that are blue, green, red, and maybe nothing."""
    rgb = bytearray(len(data) // size * 3)
    for colour in range(3):
        rgb[colour::3] = data[2 - colour :: size]
    return bytes(rgb)


def unpacked(data, width, height, bits, palette):
    if bits == 0:
        return palette[0] * width * height
    row_size, rows, mask = (width * bits + 7) // 8, [], (1 << bits) - 1
    for y in range(height):
        row = data[y * row_size : (y + 1) * row_size]
        rows += [palette[row[x * bits // 8] >> (8 - bits - x * bits % 8) & mask] for x in range(width)]
    return b"".join(rows)
