"""pieces - relays that pass everything on in pieces of `size` bytes

    with Front(pki, {"h2": a, "http/1.1": b}) as origin,
         Between(gate, pki) as proxy:
        origin.size = proxy.size = 1	# of new and of open connections

Both end TLS, so that TCP segments and TLS records alike have that size: Front
stands before servers that speak no TLS themselves, Between before the gateway.
A piece of one byte is a record of its own and each of its bytes a segment.
"""
import select
import socket
import ssl

from gate import Server, read_head
from tls import trusting

BATCH = 200		# segments sent before the other direction gets its turn
ENOUGH = 1 << 18	# bytes on their way at which reading stops
SIZES = (65536, 1)


class Leg:
    """One side of a relay; relay.size is asked each time."""

    def __init__(self, relay, sock, context=None, name=None, server=False):
        self.relay, self.sock, self.tls = relay, sock, None
        self.out = bytearray()
        self.ended = self.ending = self.shut = False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = context.wrap_bio(self.incoming, self.outgoing,
                                        server_side=server,
                                        server_hostname=name)
            self.handshake()
        sock.setblocking(False)

    def handshake(self):
        self.sock.settimeout(10)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.send_whole(self.outgoing.read())
                got = self.sock.recv(65536)
                if not got:
                    raise ConnectionError("ended in the handshake")
                self.incoming.write(got)
            except ssl.SSLError as e:
                self.send_whole(self.outgoing.read())
                raise ConnectionError(e)
        self.send_whole(self.outgoing.read())

    def send_whole(self, data):
        for at in range(0, len(data), self.relay.size):
            self.sock.sendall(data[at:at + self.relay.size])

    def read(self):
        try:
            got = self.sock.recv(65536)
        except BlockingIOError:
            return b""
        if not got:
            self.ended = True
        return self.decrypted(got) if self.tls else got

    def decrypted(self, got):
        """Of what came and of what was still there."""
        self.incoming.write(got)
        plain = b""
        try:
            while piece := self.tls.read(65536):
                plain += piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        self.out += self.outgoing.read()
        return plain

    def write(self, data):
        if not self.tls:
            self.out += data
            return
        for at in range(0, len(data), self.relay.size):
            self.tls.write(data[at:at + self.relay.size])
            self.out += self.outgoing.read()

    def end(self):
        self.ending = True
        if self.tls:
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass	# the other one has not ended yet
            self.out += self.outgoing.read()

    def flush(self):
        try:
            for _ in range(BATCH):
                if not self.out:
                    break
                del self.out[:self.sock.send(self.out[:self.relay.size])]
        except BlockingIOError:
            pass
        if self.ending and not self.out and not self.shut:
            self.shut = True
            self.sock.shutdown(socket.SHUT_WR)


def pump(a, b):
    """Until both have ended."""
    sides = {a.sock: (a, b), b.sock: (b, a)}
    for one, other in sides.values():
        if one.tls:
            other.write(one.decrypted(b""))
    while not (a.shut and b.shut):
        readable = [s for s, (one, other) in sides.items()
                    if not one.ended and len(other.out) < ENOUGH]
        writable = [s for s, (one, _) in sides.items() if one.out]
        got, can, _ = select.select(readable, writable, [], 30)
        if not got and not can:
            return
        for s in got:
            one, other = sides[s]
            other.write(one.read())
            if one.ended:
                other.end()
        for one in (a, b):
            one.flush()


class Relay(Server):
    size = SIZES[0]

    def handle(self, s, _number):
        with socket.socket() as onward:
            legs = self.legs(s, onward)
            if legs:
                pump(*legs)


class Front(Relay):
    """TLS before servers without: {protocol: port}, preferred ones first."""

    def __init__(self, pki, ports, **kw):
        self.ports = ports
        self.context = pki.context(list(ports))
        self.protocols = []		# of each connection
        super().__init__(**kw)

    def legs(self, s, onward):
        guest = Leg(self, s, self.context, server=True)
        chosen = guest.tls.selected_alpn_protocol()
        self.protocols.append(chosen)
        onward.connect(("127.0.0.1", self.ports.get(chosen) or
                        list(self.ports.values())[-1]))
        return guest, Leg(self, onward)


class Between(Relay):
    """A proxy before the gateway: tunnels are opened by the gateway, TLS in
    them ends here and starts again; pki must know their names."""

    def __init__(self, gate, pki, protocols=("http/1.1",), **kw):
        self.gate, self.pki = gate, pki
        self.speak(protocols)
        super().__init__(**kw)

    def speak(self, protocols):
        """What is offered to the gateway; its choice is offered to guests."""
        self.trusted = trusting(self.gate, protocols)

    @property
    def proxy(self):
        return f"http://127.0.0.1:{self.port}"

    def legs(self, s, onward):
        head = read_head(s)
        onward.connect(("127.0.0.1", self.gate.port))
        onward.sendall(head)
        if not head.startswith(b"CONNECT "):
            return Leg(self, s), Leg(self, onward)
        said = read_head(onward)
        s.sendall(said)
        if said.split(b" ")[1:2] != [b"200"]:
            return Leg(self, s), Leg(self, onward)
        name = head.split(b" ")[1].decode().rsplit(":", 1)[0]
        gateway = Leg(self, onward, self.trusted, name)
        chosen = gateway.tls.selected_alpn_protocol()
        return gateway, Leg(self, s, self.pki.context([chosen or "http/1.1"]),
                            server=True)
