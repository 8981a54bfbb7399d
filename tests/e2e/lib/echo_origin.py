"""echo_origin - an origin that gives back what it was sent, in any spelling

    with EchoOrigin(pki, speaks_h2=True) as origin:
        GET /?where=body&form=base64&coding=gzip&cut=17&framing=chunked

It speaks HTTP/1.1 and, where python3-h2 is installed, HTTP/2. What it echoes is
that field's value, credentials' scheme cut off. Parameters:

where    body (default), header, name, trailer, location, cookie, phrase
form     a key of FORMS (default plain)
coding   none (default) or a list of CODINGS: gzip,br
cut      the body goes out in two pieces, cut there; each: byte by byte
pad      bytes of other text around it (default 40)
framing  length (default), chunked, close
label    what Content-Encoding says (default: the truth)
"""
import base64
import ctypes
import gzip
import json
import ssl
import sys
import time
import urllib.parse
import zlib

from gate import Server, read_exactly, read_head

sys.path.append("/usr/lib/python3/dist-packages")	# Debian's python3-h2
try:
    import h2.config
    import h2.connection
    import h2.events
except ImportError:
    h2 = None


def escaped(text, form):
    return "".join(form % ord(c) for c in text)


FORMS = {
    "plain": lambda t: t,
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "base64-1": lambda t: base64.b64encode(b"x" + t.encode() + b"y").decode(),
    "base64-2": lambda t: base64.b64encode(b"xy" + t.encode()).decode(),
    "base64-url": lambda t: base64.urlsafe_b64encode(
        t.encode()).decode().rstrip("="),
    "base64-lines": lambda t: base64.encodebytes(
        b"x" * 20 + t.encode() + b"y" * 60).decode().strip(),
    "hex": lambda t: t.encode().hex(),
    "hex-capital": lambda t: t.encode().hex().upper(),
    "bytes": lambda t: t.encode().hex(" "),
    "percent": lambda t: urllib.parse.quote(t, safe=""),
    "percent-all": lambda t: escaped(t, "%%%02x"),
    "percent-twice": lambda t: urllib.parse.quote(escaped(t, "%%%02X")),
    "json": lambda t: json.dumps(t).replace("/", "\\/"),
    "json-all": lambda t: '"' + escaped(t, "\\u%04x") + '"',
    "json-in-json": lambda t: json.dumps(json.dumps(t).replace("/", "\\/")),
    "html": lambda t: escaped(t, "&#%d;"),
    "html-hex": lambda t: escaped(t, "&#x%X;"),
    "c": lambda t: escaped(t, "\\x%02x"),
}


def brotli(data):
    lib = ctypes.CDLL("libbrotlienc.so.1")
    room = ctypes.create_string_buffer(2 * len(data) + 1024)
    size = ctypes.c_size_t(len(room))
    assert lib.BrotliEncoderCompress(9, 22, 0, ctypes.c_size_t(len(data)), data,
                                     ctypes.byref(size), room)
    return room.raw[:size.value]


def zstd(data):
    lib = ctypes.CDLL("libzstd.so.1")
    lib.ZSTD_compress.restype = ctypes.c_size_t
    room = ctypes.create_string_buffer(2 * len(data) + 1024)
    size = lib.ZSTD_compress(room, ctypes.c_size_t(len(room)), data,
                             ctypes.c_size_t(len(data)), 3)
    return room.raw[:size]


CODINGS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli,
           "zstd": zstd}


class Reply:
    """What a request asked for: head, pieces of the body, trailers."""

    def __init__(self, target, value):
        ask = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query))
        where = ask.get("where", "body")
        text = FORMS[ask.get("form", "plain")](value)
        filling = "{\"a\": 1, \"text\": \"some words, some words\"},\n" * 1000
        pad = int(ask.get("pad", 40))
        body = (filling[:pad] + (text if where == "body" else "") +
                filling[:pad]).encode()
        self.fields, self.trailers, self.phrase = [], [], "OK"
        self.status = 200
        self.framing = ask.get("framing", "length")
        if where == "header":
            self.fields.append(("x-echo", text))
        elif where == "name":
            self.fields.append((text.lower(), "x"))
        elif where == "location":
            self.status = 302
            self.fields.append(("location", "https://a.test/?k=" + text))
        elif where == "cookie":
            self.fields.append(("set-cookie", f"k={text}; Path=/; Secure"))
        elif where == "phrase":
            self.phrase = "OK " + text
        elif where == "trailer":
            self.trailers.append(("x-echo", text))
            self.framing = "chunked"
        codings = ask.get("coding", "none")
        if codings != "none":
            for name in codings.split(","):
                body = CODINGS[name](body)
            self.fields.append(("content-encoding",
                                ask.get("label", codings)))
        self.fields.append(("content-type", "text/plain"))
        cut = ask.get("cut")
        self.body = body
        if cut == "each":
            self.pieces = [body[i:i + 1] for i in range(len(body))]
        elif cut:
            self.pieces = [p for p in (body[:int(cut)], body[int(cut):]) if p]
        else:
            self.pieces = [body]


def value_of(field):
    """"Bearer KEY", "Basic <user:KEY>" or "KEY"."""
    scheme, _, rest = field.partition(" ")
    if scheme.lower() == "basic":
        return base64.b64decode(rest).decode().partition(":")[2]
    return rest or scheme


class EchoOrigin(Server):
    # Between two pieces: time for the first to be read on its own.
    pause = 0.002

    def __init__(self, pki, speaks_h2=True, field="authorization", **kw):
        self.field = field
        self.context = pki.context(("h2", "http/1.1") if h2 and speaks_h2 else
                                   ("http/1.1",))
        self.values, self.versions = [], []
        super().__init__(**kw)

    def handle(self, s, number):
        s.setsockopt(6, 1, 1)	# TCP_NODELAY
        try:
            tls = self.context.wrap_socket(s, server_side=True)
        except (ssl.SSLError, OSError):
            return
        try:
            if tls.selected_alpn_protocol() == "h2":
                self.serve_h2(tls)
            else:
                while self.serve_h1(tls):
                    pass
        except OSError:
            pass
        finally:
            tls.close()

    def reply(self, target, fields, version):
        value = value_of(fields.get(self.field, ""))
        self.values.append(value)
        self.versions.append(version)
        return Reply(target, value)

    # --- HTTP/1.1 ---

    def serve_h1(self, s):
        head = read_head(s, 60)
        if not head:
            return False
        lines = head.decode("latin1").split("\r\n")
        fields = {k.lower(): v.strip() for k, _, v in
                  (line.partition(":") for line in lines[1:] if line)}
        read_exactly(s, int(fields.get("content-length", 0)))
        r = self.reply(lines[0].split(" ")[1], fields, "1.1")
        out = [f"HTTP/1.1 {r.status} {r.phrase}"]
        out += [f"{k}: {v}" for k, v in r.fields]
        if r.framing == "chunked":
            out.append("Transfer-Encoding: chunked")
        elif r.framing == "length":
            out.append(f"Content-Length: {len(r.body)}")
        else:
            out.append("Connection: close")
        s.sendall(("\r\n".join(out) + "\r\n\r\n").encode("latin1"))
        for i, piece in enumerate(r.pieces):
            if i:
                time.sleep(self.pause)
            if r.framing == "chunked":
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            s.sendall(piece)
        if r.framing == "chunked":
            s.sendall(("0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in
                                         r.trailers) + "\r\n").encode())
        return r.framing != "close"

    # --- HTTP/2 ---

    def serve_h2(self, s):
        c = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="latin1",
                                      validate_outbound_headers=False))
        c.initiate_connection()
        s.sendall(c.data_to_send())
        while True:
            data = s.recv(65536)
            if not data:
                return
            for event in c.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.answer_h2(s, c, event)
                elif isinstance(event, h2.events.DataReceived):
                    c.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id)
            s.sendall(c.data_to_send())

    def answer_h2(self, s, c, event):
        fields = dict(event.headers)
        r = self.reply(fields[":path"], fields, "2")
        stream = event.stream_id
        try:
            c.send_headers(stream, [(":status", str(r.status)), *(
                (k.lower(), v) for k, v in r.fields)])
            for i, piece in enumerate(r.pieces):
                if i:
                    s.sendall(c.data_to_send())
                    time.sleep(self.pause)
                c.send_data(stream, piece, end_stream=not r.trailers and
                            i + 1 == len(r.pieces))
            if r.trailers:
                c.send_headers(stream, r.trailers, end_stream=True)
        except h2.exceptions.ProtocolError:
            pass	# it was reset
