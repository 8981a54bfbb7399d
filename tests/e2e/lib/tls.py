"""tls - origins that speak TLS, and guests that trust the gateway's CA

    pki = Pki("a.test", "b.test")
    with TlsOrigin(pki) as origin, Gateway(policy, config=pki.config()) as gate:
        with guest(gate, f"a.test:{origin.port}") as s:
            s.sendall(b"GET / HTTP/1.1\\r\\nHost: ..")
"""
import os
import socket
import ssl
import tempfile

from gate import Origin, certificates, read_answer


class Pki:
    """A CA for origins and one leaf of it for `names`."""

    def __init__(self, *names):
        self.folder = tempfile.TemporaryDirectory(prefix="penstock-pki-")
        self.names = names
        self.ca, self.cert, self.key = certificates(self.folder.name, *names)

    def config(self, more=""):
        """penstock.yaml: these names are this machine, this CA is trusted."""
        hosts = ", ".join(f"{n}: 127.0.0.1" for n in self.names)
        return (f"dns: {{ hosts: {{ {hosts} }} }}\n"
                f"tls: {{ upstream_ca: [{self.ca}] }}\n{more}")

    def context(self, protocols=("http/1.1",)):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(self.cert, self.key)
        c.set_alpn_protocols(list(protocols))
        return c


class TlsOrigin(Origin):
    """An Origin behind TLS; `handshakes` counts those that were completed."""

    def __init__(self, pki, script=None, protocols=("http/1.1",), **kw):
        self.context = pki.context(protocols)
        self.handshakes = 0
        super().__init__(script, **kw)

    def handle(self, s, number):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            tls = self.context.wrap_socket(s, server_side=True)
        except (ssl.SSLError, OSError):
            return
        self.handshakes += 1
        try:
            super().handle(tls, number)
        finally:
            tls.close()


def gateway_ca(gate):
    """The file of the gateway's CA certificate."""
    path = os.path.join(gate.home, "exported-ca.pem")
    with open(path, "w") as f:
        f.write(gate.ok("ca", "export"))
    return path


def trusting(gate, protocols=("http/1.1",)):
    c = ssl.create_default_context(cafile=gateway_ca(gate))
    c.set_alpn_protocols(list(protocols))
    return c


def guest(gate, authority, name=None, protocols=("http/1.1",), fields=(),
          port=None):
    """A TLS connection through the gateway that trusts its CA alone."""
    s, said = gate.tunnel(authority, fields, port=port)
    if said.status != 200:
        s.close()
        raise ConnectionRefusedError(said)
    return trusting(gate, protocols).wrap_socket(
        s, server_hostname=name or authority.rsplit(":", 1)[0])


def ask(gate, authority, method="GET", path="/", fields=(), body=b"",
        host=None):
    """One request inside TLS."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {host or authority}", *fields]
    if body:
        head.append(f"Content-Length: {len(body)}")
    with guest(gate, authority) as s:
        s.sendall("\r\n".join(head).encode("latin1") + b"\r\n\r\n" + body)
        return read_answer(s)
