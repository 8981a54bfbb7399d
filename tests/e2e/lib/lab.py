"""lab - what the tests of threats need beside gate.py: a world of our own

    from lab import local_world, Dns, Everywhere, hello

local_world() starts the test once more in namespaces of its own where every
address of both families is this machine: whatever is dialled is seen, and
nothing leaves. Dns answers as it is told, right or wrong. hello() makes a
ClientHello byte by byte, so that a test can bend it.
"""
import ipaddress
import os
import re
import socket
import struct
import subprocess
import sys
import threading

from gate import Server, check, skip

A, NS, CNAME, TXT, AAAA, HTTPS = 1, 2, 5, 16, 28, 65


def local_world():
    """Go on in namespaces where all of IPv4 and IPv6 is this machine."""
    if os.environ.get("PENSTOCK_LOCAL_WORLD") == str(os.getuid()):
        for command in ("ip link set lo up",
                        "ip route add local 0.0.0.0/0 dev lo",
                        "ip -6 route add local ::/0 dev lo"):
            done = subprocess.run(command.split(), capture_output=True)
            if done.returncode != 0:
                skip(f"{command}: {done.stderr.decode().strip()}")
        return
    probe = subprocess.run(["unshare", "-rnm", "true"], capture_output=True)
    if probe.returncode != 0:
        skip("no namespaces: " + probe.stderr.decode().strip())
    os.environ["PENSTOCK_LOCAL_WORLD"] = "0"
    os.execvp("unshare", ["unshare", "-rnm", sys.executable,
                          os.path.abspath(sys.argv[0]), *sys.argv[1:]])


class Everywhere:
    """A server on one port of every address; `dials` are the addresses that
    were meant, in order. handle(socket, number) as in Server."""

    def __init__(self, handle, port):
        self.dials = []
        self.servers = []

        def note(s, number):
            to = ipaddress.ip_address(s.getsockname()[0].split("%")[0])
            mapped = getattr(to, "ipv4_mapped", None)
            self.dials.append(str(mapped or to))
            handle(s, number)
        for family, host in ((socket.AF_INET, "0.0.0.0"),
                             (socket.AF_INET6, "::")):
            self.servers.append(OneFamily(note, family, host, port))
        self.port = port

    def close(self):
        for server in self.servers:
            server.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class OneFamily(Server):
    def __init__(self, handle, family, host, port):
        self.handle = handle
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            self.listener.setsockopt(socket.IPPROTO_IPV6,
                                     socket.IPV6_V6ONLY, 1)
        self.listener.bind((host, port))
        self.listener.listen(1024)
        self.port = port
        self.connections = 0
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()


def dns_name(name):
    if isinstance(name, bytes):
        return name
    return b"".join(bytes([len(x)]) + x.encode()
                    for x in name.rstrip(".").split(".") if x) + b"\0"


def record(name, kind, ttl, data):
    """One resource record; `data` is text for A, AAAA and CNAME."""
    if isinstance(data, str):
        data = dns_name(data) if kind == CNAME else \
            ipaddress.ip_address(data).packed
    return dns_name(name) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


class Dns:
    """A UDP DNS server on 127.0.0.1. `answers` maps a lower-case name to a
    list of (type, data) or (type, data, ttl) with TTL 60, or to a function
    (type, number of the query for that name and type) -> such a list, whole
    reply bytes behind the id, or None for silence. A CNAME's target is
    answered in the same reply. Unknown names do not exist."""

    def __init__(self, answers, host="127.0.0.1", port=0):
        self.answers = answers
        self.asked = []			# (name, type)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            reply = self.reply(query)
            if reply is not None:
                self.socket.sendto(query[:2] + reply, peer)

    def reply(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin1"))
            at += 1 + query[at]
        name = ".".join(labels)
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        question = query[12:at + 5]
        self.asked.append((name.lower(), kind))
        found = self.find(name.lower(), kind)
        if found is None or isinstance(found, bytes):
            return found
        records = []
        exists = name.lower() in self.answers or "*" in self.answers
        while found:
            here = [x for x in found if x[0] in (kind, CNAME)]
            records += [record(name, x[0], x[2] if len(x) > 2 else 60, x[1])
                        for x in here]
            name = next((x[1] for x in here if x[0] == CNAME), None)
            found = name and self.answers.get(name.lower().rstrip("."), [])
            if callable(found):
                found = found(kind, 0)
        flags = 0x8180 if exists else 0x8183
        return struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + \
            question + b"".join(records)

    def find(self, name, kind):
        found = self.answers.get(name, self.answers.get("*", []))
        if not callable(found):
            return found
        return found(kind, self.asked.count((name, kind)))

    def count(self, name):
        return sum(1 for x in self.asked if x[0] == name)

    @property
    def config(self):
        return f"dns: {{ servers: [127.0.0.1:{self.port}] }}\n"

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def vector(data, bytes_of_length):
    return len(data).to_bytes(bytes_of_length, "big") + data


def extension(kind, data):
    return struct.pack(">H", kind) + vector(data, 2)


def server_name(*names, kind=0):
    """The server_name extension; no name: an empty list."""
    entries = b"".join(bytes([kind]) + vector(
        n if isinstance(n, bytes) else n.encode("latin1"), 2) for n in names)
    return extension(0, vector(entries, 2))


def ech(real):
    """encrypted_client_hello, outer (RFC 9849): GREASE or real, both look so."""
    return extension(0xfe0d, b"\0" + struct.pack(">HHB", 1, 1, 7) +
                     vector(b"k" * 32, 2) +
                     vector((b"r" if real else b"g") * 144, 2))


def handshake(*extensions, padding=0):
    """A ClientHello handshake message."""
    more = list(extensions)
    if padding:
        more.append(extension(21, b"\0" * padding))
    more.append(extension(43, vector(b"\x03\x04\x03\x03", 1)))
    body = b"\x03\x03" + b"R" * 32 + vector(b"", 1) + \
        vector(b"\x13\x01\xc0\x2f", 2) + vector(b"\0", 1) + \
        vector(b"".join(more), 2)
    return b"\x01" + vector(body, 3)


def in_records(message, size=16384):
    """The message in TLS records of `size` bytes."""
    return b"".join(b"\x16\x03\x01" + vector(message[i:i + size], 2)
                    for i in range(0, len(message), size))


def hello(*names, **kw):
    """A ClientHello record for these server names; none: no extension."""
    return in_records(handshake(*([server_name(*names)] if names else []),
                                **kw))


ALERT_ACCESS_DENIED = b"\x15\x03\x03\x00\x02\x02\x31"


def resident(pid):
    """Resident memory of a process in KiB."""
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    check(False, f"process {pid} is there")


TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(TOKEN + rb" [\x21-\x7e]+ HTTP/1\.1")
FIELD_LINE = re.compile(rb"(" + TOKEN + rb"): ?([\x20-\x7e\x80-\xff\t]*)")
CHUNK_HEAD = re.compile(rb"[0-9a-fA-F]{1,16}")


def read_requests(data):
    """What a strict reader makes of bytes that went to an origin: a list of
    (line, fields, body or None when its end is missing), or a text that says
    what another reader could read otherwise. A message that is not whole, and
    is the last, is fine."""
    out = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        if not end:
            return out if clean_lines(head) else "half a head, unclean"
        lines = head.split(b"\r\n")
        if not REQUEST_LINE.fullmatch(lines[0]):
            return f"start line {lines[0]!r}"
        fields = [FIELD_LINE.fullmatch(x) for x in lines[1:]]
        if not all(fields):
            return f"field line in {head!r}"
        fields = [(m[1].lower(), m[2].strip(b" \t")) for m in fields]
        many = {k: [v for f, v in fields if f == k] for k, _ in fields}
        length, coding = (many.get(b"content-length", []),
                          many.get(b"transfer-encoding", []))
        if len(many.get(b"host", [])) != 1:
            return f"Host in {head!r}"
        if len(length) + len(coding) > 1 or coding not in ([], [b"chunked"]) \
                or any(not re.fullmatch(rb"\d+", x) for x in length):
            return f"framing in {head!r}"
        body = b""
        if length:
            n = int(length[0])
            body, data = (data[:n], data[n:]) if len(data) >= n else (None, b"")
        elif coding:
            body, data = read_chunks(data)
            if isinstance(body, str):
                return body
        out.append((lines[0], fields, body))
    return out


def clean_lines(head):
    return not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n|$)|"
                         rb"(?<!\r)\n|\r\n[ \t]", head)


def read_chunks(data):
    """(body, rest); None: not whole; a text: what is wrong."""
    body = b""
    while True:
        size, end, rest = data.partition(b"\r\n")
        if not end:
            return (None, b"") if re.fullmatch(rb"[0-9a-fA-F]*\r?", size) \
                else (f"chunk head {size!r}", b"")
        if not CHUNK_HEAD.fullmatch(size):
            return f"chunk head {size!r}", b""
        n = int(size, 16)
        if n == 0:
            trailers, end, rest = (b"\r\n" + rest).partition(b"\r\n\r\n")
            for line in trailers.split(b"\r\n")[1:]:
                if line and end and not FIELD_LINE.fullmatch(line):
                    return f"trailer {line!r}", b""
            return (body, rest) if end else (None, b"")
        if len(rest) < n + 2:
            return None, b""
        if rest[n:n + 2] != b"\r\n":
            return f"behind a chunk {rest[n:n + 2]!r}", b""
        body += rest[:n]
        data = rest[n + 2:]


class RawOrigin(Server):
    """Keeps the bytes of each connection; answers each head at once and ends
    the connection, so that nothing hides behind a pool."""

    def __init__(self, **kw):
        self.raw = {}
        super().__init__(**kw)

    def handle(self, s, number):
        self.raw[number] = b""
        s.settimeout(5)
        answered = False
        while True:
            got = s.recv(65536)
            if not got:
                return
            self.raw[number] += got
            whole = read_requests(self.raw[number])
            if not answered and (isinstance(whole, str) or
                                 whole and whole[-1][2] is not None):
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                          b"Connection: close\r\n\r\nok")
                s.shutdown(socket.SHUT_WR)
                answered = True
