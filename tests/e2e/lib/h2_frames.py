"""h2_frames - HTTP/2 frame by frame, for what no client library would send

    with H2(guest(gate, authority, protocols=("h2",))) as h2:
        h2.headers(1, [(":method", "GET"), ...], end=True)
        check(h2.outcome(1) == 200, ...)

Header blocks are literals without Huffman; of answers the status alone is
read, so each connection should ask for one answer.
"""
import shutil
import socket
import struct
import subprocess
import time

from gate import skip, wait_for

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, \
    WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
# Of Huffman's code the digits (RFC 7541 B).
DIGITS = {"00000": "0", "00001": "1", "00010": "2", "011001": "3",
          "011010": "4", "011011": "5", "011100": "6", "011101": "7",
          "011110": "8", "011111": "9"}
STATUS = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}


def string(s):
    s = s if isinstance(s, bytes) else s.encode("latin1")
    if len(s) < 127:
        return bytes([len(s)]) + s
    rest, out = len(s) - 127, b"\x7f"
    while rest >= 128:
        out += bytes([rest & 0x7f | 0x80])
        rest >>= 7
    return out + bytes([rest]) + s


def block(lines):
    return b"".join(b"\0" + string(n) + string(v) for n, v in lines)


def frame(kind, flags, stream, payload=b""):
    return (struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) +
            struct.pack(">I", stream) + payload)


def request(authority, method="GET", path="/", scheme="https", more=()):
    return [(":method", method), (":scheme", scheme),
            (":authority", authority), (":path", path), *more]


def status_of(payload):
    """The first line of a header block is :status."""
    if payload[0] & 0x80:
        return STATUS.get(payload[0] & 0x7f)
    huffman, length = payload[1] & 0x80, payload[1] & 0x7f
    text = payload[2:2 + length]
    if not huffman:
        return int(text)
    bits, out = "".join(f"{b:08b}" for b in text), ""
    while len(out) < 3:
        for code, digit in DIGITS.items():
            if bits.startswith(code):
                out, bits = out + digit, bits[len(code):]
                break
        else:
            return None
    return int(out)


class H2:
    def __init__(self, sock, preface=True):
        self.sock, self.buffer = sock, b""
        self.frames = []
        self.ended = False
        if preface:
            self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))

    def send(self, data):
        self.sock.sendall(data)

    def headers(self, stream, lines, end=False):
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0),
                        stream, block(lines)))

    def read(self, until, seconds=5.0):
        """Frames until one for which until(kind, stream) holds, or the end."""
        deadline = time.monotonic() + seconds
        while not self.ended:
            while len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) < 9 + length:
                    break
                kind, flags = self.buffer[3], self.buffer[4]
                stream = int.from_bytes(self.buffer[5:9], "big")
                one = (kind, flags, stream, self.buffer[9:9 + length])
                self.buffer = self.buffer[9 + length:]
                self.frames.append(one)
                if kind == SETTINGS and not flags & ACK:
                    try:
                        self.send(frame(SETTINGS, ACK, 0))
                    except OSError:
                        pass
                if until(kind, stream):
                    return one
            self.sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                got = self.sock.recv(65536)
            except (TimeoutError, socket.timeout):
                return None
            except OSError:
                got = b""
            self.ended = not got
            self.buffer += got
        return None

    def outcome(self, stream, seconds=5.0):
        """A status, or ("reset", code), ("goaway", code), "ended"."""
        one = self.read(lambda k, s: k == GOAWAY or
                        (k in (HEADERS, RST_STREAM) and s == stream), seconds)
        if one is None:
            return "ended" if self.ended else "nothing"
        kind, _, _, payload = one
        if kind == HEADERS:
            return status_of(payload)
        if kind == RST_STREAM:
            return "reset", int.from_bytes(payload, "big")
        return "goaway", int.from_bytes(payload[4:8], "big")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


class Nghttpd:
    """nghttp2's server, with its options; skips the test where there is none."""

    def __init__(self, pki, folder, *options, tls=True):
        if shutil.which("nghttpd") is None:
            skip("nghttpd is not installed")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen(
            ["nghttpd", "--echo-upload", "-a", "127.0.0.1", "-d", folder,
             *options, *([] if tls else ["--no-tls"]), str(self.port),
             *([pki.key, pki.cert] if tls else [])],
            stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        wait_for(self.listens, what="nghttpd listens")

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
