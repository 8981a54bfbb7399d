"""inside - a guest's requests inside TLS that ends at the gateway, HTTP/1.1 or
HTTP/2, and an origin that speaks all of them

    with AnyOrigin(pki) as origin, Gateway(..) as gate:
        for protocol in PROTOCOLS:
            with Inside(gate, f"a.test:{origin.port}", protocol) as s:
                answer = s.ask("GET", "/x", ["X-Team: red"])
                check(answer.status == 200, protocol, answer)

Frames are made by hand, so that a request may be what no library would send;
only header blocks are read by Debian's python3-hpack.
"""
import json
import socket
import ssl
import struct
import sys
import time

from gate import Answer, Origin, check, json_answer, read_all, skip
from tls import guest

sys.path.append("/usr/lib/python3/dist-packages")
try:
    import hpack
except ImportError:
    skip("python3-hpack is not installed")

PROTOCOLS = ("http/1.1", "h2")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, \
    WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
PROTOCOL_ERROR = 1
WIDE = (1 << 31) - 1
# Windows that never close; no header table.
OPEN = struct.pack(">HIHI", 4, WIDE, 1, 0)


def frame(kind, flags, stream, payload=b""):
    return (struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) +
            struct.pack(">I", stream) + payload)


def text(s):
    """A string of a header block, as it is."""
    s = s if isinstance(s, bytes) else s.encode("latin1")
    if len(s) < 127:
        return bytes([len(s)]) + s
    rest, out = len(s) - 127, b"\x7f"
    while rest >= 128:
        out += bytes([rest & 0x7f | 0x80])
        rest >>= 7
    return out + bytes([rest]) + s


def block(lines):
    return b"".join(b"\0" + text(n) + text(v) for n, v in lines)


class Frames:
    """One side of an HTTP/2 connection: frames in, frames out, windows kept."""

    def __init__(self, sock, client):
        self.sock, self.buffer = sock, b""
        self.decoder = hpack.Decoder()
        self.window, self.first_window = 65535, 65535
        self.windows = {}
        sock.sendall((PREFACE if client else b"") + frame(SETTINGS, 0, 0, OPEN)
                     + frame(WINDOW_UPDATE, 0, 0,
                             struct.pack(">I", WIDE - 65535)))

    def next(self):
        """(kind, flags, stream, payload); None: it has ended."""
        while True:
            n = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) >= 9 + n:
                kind, flags = self.buffer[3], self.buffer[4]
                stream = int.from_bytes(self.buffer[5:9], "big")
                payload = self.buffer[9:9 + n]
                self.buffer = self.buffer[9 + n:]
                self.note(kind, flags, stream, payload)
                return kind, flags, stream, payload
            try:
                got = self.sock.recv(65536)
            except socket.timeout:
                raise
            except OSError:
                got = b""
            if not got:
                return None
            self.buffer += got

    def note(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[at:at + 6])
                if name == 4:
                    for s in self.windows:
                        self.windows[s] += value - self.first_window
                    self.first_window = value
            self.sock.sendall(frame(SETTINGS, ACK, 0))
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            if stream == 0:
                self.window += more
            else:
                self.windows[stream] = self.left(stream) + more
        elif kind == PING and not flags & ACK:
            self.sock.sendall(frame(PING, ACK, 0, payload))

    def left(self, stream):
        return self.windows.setdefault(stream, self.first_window)

    def room(self, stream):
        return max(0, min(self.window, self.left(stream), 16384))

    def send_data(self, stream, data, flags=0):
        self.window -= len(data)
        self.windows[stream] = self.left(stream) - len(data)
        self.sock.sendall(frame(DATA, flags, stream, data))

    def headers(self, payload):
        return [(n if isinstance(n, str) else n.decode("latin1"),
                 v if isinstance(v, str) else v.decode("latin1"))
                for n, v in self.decoder.decode(payload, raw=True)]


class Seen:
    """What came for one request: status 0 where it was reset, or all ended."""

    def __init__(self, how):
        self.how = how			# done, reset, goaway, ended, silent
        self.code = None
        self.status, self.fields, self.body, self.trailers = 0, [], b"", []
        self.informational = []

    def field(self, name):
        found = [v for k, v in self.fields if k.lower() == name.lower()]
        return found[0] if found else None

    def all(self, name):
        return [v for k, v in self.fields if k.lower() == name.lower()]

    @property
    def reason(self):
        return self.field("penstock-reason")

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    @property
    def is_refused_as_malformed(self):
        """400, 421 or the like; over HTTP/2 a reset of the stream as well."""
        return self.status in (400, 421, 501) or \
            (self.how, self.code) == ("reset", PROTOCOL_ERROR)

    def __repr__(self):
        return (f"{self.how} {self.code} {self.status} {self.fields} "
                f"{self.body[:600]!r}")


class Inside:
    """One connection; ask() as often as one likes."""

    def __init__(self, gate, authority, protocol="http/1.1", name=None,
                 port=None, fields=(), seconds=5.0):
        self.authority, self.protocol = authority, protocol
        self.sock = guest(gate, authority, name, (protocol,), fields, port)
        check(self.sock.selected_alpn_protocol() == protocol,
              f"{protocol} is agreed", self.sock.selected_alpn_protocol())
        self.sock.settimeout(seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = -1
        self.frames = Frames(self.sock, True) if protocol == "h2" else None

    def send(self, data):
        self.sock.sendall(data)

    def ask(self, method="GET", path="/", fields=(), body=b"", host=None,
            pieces=None, trailers=()):
        """`fields`: "Name: value"; `pieces`: the body, in these, with no
        length said; `trailers` go behind it."""
        self.begin(method, path, fields, body, host, pieces or trailers)
        if self.protocol == "h2":
            self.send_body(pieces or ([body] if body else []), trailers)
        elif pieces or trailers:
            for piece in pieces or [body]:
                self.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.send(b"0\r\n" + b"".join(
                t.encode("latin1") + b"\r\n" for t in trailers) + b"\r\n")
        elif body:
            self.send(body)
        return self.answer(method)

    def begin(self, method, path, fields, body, host, no_length):
        host = host or self.authority
        has_body = body or no_length
        if self.protocol != "h2":
            head = [f"{method} {path} HTTP/1.1", f"Host: {host}", *fields]
            if no_length:
                head.append("Transfer-Encoding: chunked")
            elif body:
                head.append(f"Content-Length: {len(body)}")
            self.send("\r\n".join(head).encode("latin1") + b"\r\n\r\n")
            return
        self.stream += 2
        lines = [(":method", method), (":scheme", "https"),
                 (":authority", host), (":path", path)]
        for f in fields:
            n, _, v = f.partition(":")
            lines.append((n.lower(), v.strip()))
        if body and not no_length:
            lines.append(("content-length", str(len(body))))
        self.send_lines(lines, not has_body)

    def send_lines(self, lines, end):
        self.send(frame(HEADERS, END_HEADERS | (0 if not end else END_STREAM),
                        self.stream, block(lines)))

    def send_body(self, pieces, trailers):
        """In frames of these pieces, as the windows allow; an answer that
        comes first ends it."""
        self.early = []
        for i, piece in enumerate(pieces):
            last = i == len(pieces) - 1 and not trailers
            while True:
                n = min(self.frames.room(self.stream), len(piece))
                if n == 0 and piece:
                    got = self.frames.next()
                    self.early.append(got)
                    if got is None or got[0] == GOAWAY or \
                            got[2] == self.stream and (
                                got[0] == RST_STREAM or got[1] & END_STREAM):
                        return
                    continue
                data, piece = piece[:n], piece[n:]
                self.frames.send_data(self.stream, data,
                                      END_STREAM if last and not piece else 0)
                if not piece:
                    break
        if trailers:
            lines = [tuple(x.strip() for x in t.split(":", 1))
                     for t in trailers]
            self.send_lines([(n.lower(), v) for n, v in lines], True)

    def answer(self, method="GET"):
        if self.protocol == "h2":
            return self.answer_h2()
        return read_h1(self.sock, method)

    def answer_h2(self):
        seen = Seen("silent")
        early = getattr(self, "early", [])
        self.early = []
        while True:
            try:
                got = early.pop(0) if early else self.frames.next()
            except socket.timeout:
                return seen
            if got is None:
                seen.how = "ended"
                return seen
            kind, flags, stream, payload = got
            if kind == GOAWAY:
                last, seen.code = struct.unpack(">II", payload[:8])
                if seen.code != 0 or last < self.stream:
                    seen.how = "goaway"
                    return seen
            elif stream != self.stream:
                continue
            elif kind == RST_STREAM:
                if seen.how == "done":
                    return seen
                seen.how = "reset"
                seen.code = int.from_bytes(payload, "big")
                return seen
            elif kind == HEADERS:
                lines = self.frames.headers(payload)
                if not lines or lines[0][0] != ":status":
                    seen.trailers = lines
                elif int(lines[0][1]) < 200:
                    seen.informational.append(int(lines[0][1]))
                else:
                    seen.status, seen.fields = int(lines[0][1]), lines[1:]
            elif kind == DATA:
                seen.body += payload
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                seen.how = "done"
                return seen

    def ended(self, seconds=3.0):
        """Nothing more comes, and the end does."""
        self.sock.settimeout(seconds)
        try:
            while True:
                if not self.sock.recv(65536):
                    return True
        except socket.timeout:
            return False
        except OSError:
            return True

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_line(sock):
    line = b""
    while not line.endswith(b"\n"):
        got = sock.recv(1)
        if not got:
            raise EOFError
        line += got
    return line


def read_n(sock, n):
    out = b""
    while len(out) < n:
        got = sock.recv(n - len(out))
        if not got:
            raise EOFError
        out += got
    return out


def read_h1(sock, method="GET"):
    """One answer of HTTP/1.1 with all that belongs to it."""
    seen = Seen("ended")
    try:
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += read_line(sock)
            one = Answer(head)
            if one.status >= 200 or one.status == 101:
                break
            seen.informational.append(one.status)
        seen.status, seen.fields = one.status, one.fields
        if one.field("transfer-encoding"):
            while True:
                n = int(read_line(sock).split(b";")[0], 16)
                if n == 0:
                    break
                seen.body += read_n(sock, n)
                read_line(sock)
            while (line := read_line(sock)) != b"\r\n":
                n, _, v = line.decode("latin1").strip().partition(": ")
                seen.trailers.append((n, v))
        elif one.field("content-length") and method != "HEAD":
            seen.body = read_n(sock, int(one.field("content-length")))
        elif method != "HEAD" and one.status not in (101, 204, 304):
            seen.body = read_all(sock)
        seen.how = "done"
    except socket.timeout:
        seen.how = "silent"
    except (OSError, EOFError):
        pass
    return seen


class Raw(dict):
    """Long bytes that grow."""

    def __setitem__(self, number, data):
        super().__setitem__(number, data if isinstance(data, bytearray)
                            else bytearray(data))


class AnyOrigin(Origin):
    """Plain HTTP/1.1 and TLS on one port, HTTP/1.1 and HTTP/2 inside it. What
    it has seen says `scheme`, `protocol` and the server name, too; every byte
    of each connection that it could read is in `raw` (header blocks decoded).
    `script` as in Origin; over HTTP/2 it answers (status, fields, body)."""

    def __init__(self, pki, script=None, protocols=("http/1.1",), **kw):
        self.context = pki.context(protocols)
        self.context.sni_callback = self.on_name
        self.names = {}
        self.speaks_tls = {}
        super().__init__(script, **kw)
        self.raw = Raw()

    def on_name(self, tls, name, _context):
        self.names[tls] = name

    def handle(self, s, number):
        s.settimeout(60)
        first = s.recv(1, socket.MSG_PEEK)
        if first != b"\x16":
            super().handle(s, number)
            return
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            tls = self.context.wrap_socket(s, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.speaks_tls[number] = self.names.get(tls)
        try:
            if tls.selected_alpn_protocol() == "h2":
                self.handle_h2(tls, number)
            else:
                super().handle(tls, number)
        finally:
            tls.close()

    def handle_h2(self, s, number):
        self.raw[number] = b""
        check(read_n(s, len(PREFACE)) == PREFACE, "the preface")
        f = Frames(s, False)
        open_streams = {}
        while (got := f.next()) is not None:
            kind, flags, stream, payload = got
            if kind == HEADERS and stream not in open_streams:
                lines = f.headers(payload)
                self.raw[number] += "".join(
                    f"{n}: {v}\r\n" for n, v in lines).encode("latin1")
                low = dict(lines)
                open_streams[stream] = dict(
                    method=low.get(":method"), target=low.get(":path"),
                    version="HTTP/2", low=dict(low, host=low[":authority"]),
                    fields=[x for x in lines if x[0][0] != ":"],
                    body=bytearray(),
                    connection=number, socket=s)
            elif kind == HEADERS:
                self.raw[number] += b"".join(
                    f"{n}: {v}\r\n".encode() for n, v in f.headers(payload))
            elif kind == DATA:
                self.raw[number] += payload
                open_streams[stream]["body"] += payload
            elif kind == RST_STREAM:
                open_streams.pop(stream, None)
                continue
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                request = open_streams.pop(stream)
                self.seen.append(request)
                self.answer_h2(f, stream, request)

    def answer_h2(self, f, stream, request):
        out = self.script(request) if self.script else None
        if out is None:
            body = Answer(json_answer(dict(request, method="GET"))).body
            out = 200, [("content-type", "application/json")], body
        status, fields, body = out
        f.sock.sendall(frame(HEADERS, END_HEADERS, stream, block(
            [(":status", str(status)), *fields])))
        while body:
            n = min(f.room(stream), len(body))
            if n == 0:
                if f.next() is None:
                    return
                continue
            f.send_data(stream, body[:n])
            body = body[n:]
        f.sock.sendall(frame(DATA, END_STREAM, stream))


def settle(gate, wanted, event="request", seconds=3.0):
    """The records when there are `wanted` of that event."""
    end = time.monotonic() + seconds
    while True:
        got = gate.records(event)
        if len(got) >= wanted or time.monotonic() > end:
            return got
        time.sleep(0.05)
