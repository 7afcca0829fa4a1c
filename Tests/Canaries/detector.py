"""Finds a secret in bytes, whatever form it has taken there."""

import base64
import binascii
import html
import random
import re
import urllib.parse
import zlib

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
# Any eleven characters of a core hold one of these pieces whole, so that a cut secret is found as well.
PIECE, STRIDE = 8, 4
DEPTH = 3  # encodings in encodings, such as gzip in base64 in JSON
COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
TEXT = re.compile(rb"(?:[\t\r\n\x20-\x7e]\0?){8}")


def core(name: str) -> str:
    """What is searched for: 24 letters and digits that no other canary has and that no word holds."""
    letters = random.Random(f"canary {name}")
    while True:
        found = "".join(letters.choice(ALPHABET) for _ in range(24))
        # A token of any service has digits.
        if sum(letter.isdigit() for letter in found) >= 3:
            return found


def runs(data: bytes, pattern: bytes, decode) -> list[bytes]:
    """The runs of an alphabet decoded from each offset, as nobody knows where in a run the encoded text begins; without
    what any word gives that is read so."""
    found = re.findall(pattern, data)
    views = []
    for offset in range(4 if found else 0):
        parts = []
        for run in found:
            try:
                parts.append(decode(run[offset:]))
            except (binascii.Error, ValueError):
                pass
        views.append(b"\n".join(part for part in parts if is_worth_reading(part)))
    return views


def is_worth_reading(data: bytes) -> bool:
    """Whether decoded bytes hold a text or something compressed."""
    return COMPRESSED.search(data) is not None or TEXT.search(data) is not None


def base64_of(run: bytes) -> bytes:
    return base64.b64decode(run.translate(bytes.maketrans(b"-_", b"+/"))[: len(run) // 4 * 4])


def base32_of(run: bytes) -> bytes:
    return base64.b32decode(run.upper()[: len(run) // 8 * 8])


def hex_of(run: bytes) -> bytes:
    return bytes.fromhex(run[: len(run) // 2 * 2].decode())


def byte_escapes(data: bytes) -> bytes:
    def replaced(match: re.Match) -> bytes:
        hexadecimal, octal = match[1] or match[2], match[3]
        number = int(hexadecimal, 16) if hexadecimal else int(octal, 8)
        return chr(number).encode("utf-8", "surrogatepass")

    text = re.sub(rb"\\u\{?([0-9A-Fa-f]{4})\}?|\\x([0-9A-Fa-f]{2})|\\([0-3][0-7]{2})", replaced, data)
    return re.sub(rb"\\(.)", rb"\1", text)


def inflated(data: bytes) -> list[bytes]:
    views = []
    for match in COMPRESSED.finditer(data):
        try:
            views.append(zlib.decompressobj(47).decompress(data[match.start() :], 1 << 22))
        except zlib.error:
            pass
    return views


# Each gives other readings of the same bytes.
DECODERS = {
    "line breaks": lambda data: [re.sub(rb"[\s\"'+\\]+", b"", data)],
    "reversed": lambda data: [data[::-1]],
    "percent": lambda data: [urllib.parse.unquote_to_bytes(data)] if b"%" in data else [],
    "escapes": lambda data: [byte_escapes(data)] if b"\\" in data else [],
    "entities": lambda data: [html.unescape(data.decode("latin-1")).encode("latin-1", "replace")] if b"&" in data else [],
    "quoted-printable": lambda data: [binascii.a2b_qp(data)] if b"=" in data else [],
    "UTF-16": lambda data: [data.replace(b"\0", b"")] if b"\0" in data else [],
    "base64": lambda data: runs(data, rb"[A-Za-z0-9+/_-]{10,}", base64_of),
    "base32": lambda data: runs(data, rb"[A-Za-z2-7]{16,}", base32_of),
    "hexadecimal": lambda data: runs(data, rb"[0-9A-Fa-f]{16,}", hex_of),
    "spaced hexadecimal": lambda data: runs(
        re.sub(rb"(?<=\b[0-9A-Fa-f]{2})[ :,-]+(?=[0-9A-Fa-f]{2}\b)", b"", data), rb"[0-9A-Fa-f]{16,}", hex_of),
    "gzip": inflated,
}
class Detector:
    def __init__(self, names):
        self.pieces = {
            name: [core(name)[at : at + PIECE].lower().encode() for at in range(0, 24 - PIECE + 1, STRIDE)]
            for name in names
        }
        self.clean: set[int] = set()

    def find(self, data: bytes) -> dict[str, str]:
        """The canaries in the data, each with the way in which it was read there. Lines that were looked at before and
        were clean then are left out: what holds a part of a secret is not among them."""
        lines = [line for line in data.split(b"\n") if hash(line) not in self.clean]
        found = self.look(b"\n".join(lines))
        if not found:
            self.clean.update(map(hash, lines))
        return found

    def look(self, data: bytes) -> dict[str, str]:
        found: dict[str, str] = {}
        seen = {data}
        level: list[tuple[tuple[str, ...], bytes]] = [((), data)]
        for depth in range(DEPTH + 1):
            following = []
            for way, view in level:
                text = view.lower()
                for name, pieces in self.pieces.items():
                    if name not in found and any(piece in text for piece in pieces):
                        found[name] = ", ".join(way) or "as it is"
                if depth == DEPTH or "reversed" in way:
                    continue
                for label, decode in DECODERS.items():
                    # What is decoded twice as a whole says nothing new; a run may lie in another.
                    if label in way and label != "base64":
                        continue
                    for other in decode(view):
                        if len(other) >= PIECE and other not in seen:
                            seen.add(other)
                            following.append((way + (label,), other))
            level = following
        return found


# Ways in which a program could show a value, each of which the detector must see through.
ENCODERS = {
    "raw": lambda value: value,
    "a part": lambda value: value[5:17],
    "upper case": lambda value: value.upper(),
    "reversed": lambda value: value[::-1],
    "base64": base64.b64encode,
    "base64, second alignment": lambda value: base64.b64encode(b"x" + value),
    "base64, third alignment": lambda value: base64.b64encode(b"xy" + value),
    "base64 behind a word": lambda value: b"token" + base64.b64encode(value),
    "base64url": lambda value: base64.urlsafe_b64encode(b"\xff\xfe\xfd" + value),
    "base64 of base64": lambda value: base64.b64encode(b"a: " + base64.b64encode(value)),
    "base64 in lines": lambda value: re.sub(rb"(.{16})", rb"\1\n    ", base64.b64encode(b"xyz" + value)),
    "base32": base64.b32encode,
    "hexadecimal": lambda value: value.hex().encode(),
    "hexadecimal, apart": lambda value: value.hex(":").upper().encode(),
    "every byte in percent": lambda value: b"".join(b"%%%02X" % byte for byte in value),
    "JSON escapes": lambda value: b"".join(b"\\u%04x" % byte for byte in value),
    "bytes in escapes": lambda value: b"".join(b"\\x%02x" % byte for byte in value),
    "octal escapes": lambda value: b"".join(b"\\%03o" % byte for byte in value),
    "entities": lambda value: b"".join(b"&#%d;" % byte for byte in value),
    "quoted-printable": lambda value: b"".join(b"=%02X" % byte for byte in value),
    "UTF-16": lambda value: value.decode().encode("utf-16-le"),
    "gzip": lambda value: zlib_gzip(b"a file with " + value),
    "gzip in base64": lambda value: base64.b64encode(zlib_gzip(b"a file with " + value)),
    "gzip in base64 in JSON": lambda value: base64.b64encode(zlib_gzip(b"a file with " + value)).replace(b"/", b"\\/"),
    "gzip in lines of base64": lambda value: base64.encodebytes(zlib_gzip(b"a file " + value * 8)).replace(b"\n", b"\n  "),
    "zlib": lambda value: zlib.compress(b"a file with " + value),
    "quotes between": lambda value: value[:4] + b"''" + value[4:10] + b'""' + value[10:16] + b"'\\''" + value[16:],
    "broken lines": lambda value: b"\n    ".join(value[at : at + 6] for at in range(0, 24, 6)),
}


def zlib_gzip(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=31)
    return stream.compress(data) + stream.flush()


def check_itself(names) -> list[str]:
    """What the detector does not see, and what it sees that is not there: both must be nothing."""
    detector = Detector(names)
    noise = random.Random(7)
    faults = []
    for name in names:
        for form, encode in ENCODERS.items():
            text = b"/etc/a.yaml:3:1: error: the value \"" + encode(core(name).encode()) + b"\" is wrong [input-value]\n"
            found = detector.find(text)
            if set(found) != {name}:
                faults.append(f"{name}, {form}: {found or 'not found'}")
    plain = b"".join(bytes(noise.choices(b"abcdefghijklmnopqrstuvwxyz0123456789 =%\\&\n", k=4000)) for _ in range(5))
    for text in (plain, base64.b64encode(plain), zlib_gzip(plain), noise.randbytes(20_000)):
        if detector.find(text):
            faults.append(f"found in noise: {detector.find(text)}")
    return faults
