"""lab - what the tests of threats need beside gate.py: a world of our own

    from lab import local_world, Dns, Everywhere, hello

local_world() starts the test once more in namespaces of its own where every
address of both families is this machine: whatever is dialled is seen, and
nothing leaves. Dns answers as it is told, right or wrong. hello() makes a
ClientHello byte by byte, so that a test can bend it.
"""
import ipaddress
import os
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
