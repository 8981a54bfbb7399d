"""mutual - origins that ask for a client certificate, and the text of one

    clients = Authority(folder, "clients")
    with MutualOrigin(pki, clients) as origin:
        gate.ok("secret", "set", "corp", input=pem(clients.issue("one")))
        ...
        origin.shown        # the common names that it was shown, by connection
"""
import socket
import ssl

from tls import TlsOrigin


def pem(leaf, *chain):
    """What is stored: the certificate, its chain, its key."""
    files = [leaf.cert, *(c.cert for c in chain), leaf.key]
    return "".join(open(f).read() for f in files)


def common_name(cert):
    names = dict(x[0] for x in (cert or {}).get("subject", ()))
    return names.get("commonName")


class MutualOrigin(TlsOrigin):
    """It answers {"who": the name of the certificate it was shown}."""

    def __init__(self, pki, clients, version=None, must=True, **kw):
        self.shown, self.resumed, self.failed, self.alive = [], 0, [], 0
        self.clients, self.version, self.must = clients, version, must
        super().__init__(pki, script=self.say, **kw)
        self.context.verify_mode = (ssl.CERT_REQUIRED if must
                                    else ssl.CERT_OPTIONAL)
        self.context.load_verify_locations(clients.cert)
        if version:
            self.context.minimum_version = version
            self.context.maximum_version = version

    def say(self, request):
        who = common_name(request["socket"].getpeercert()) or "nobody"
        body = b'{"who": "%s"}' % who.encode()
        return (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def handle(self, s, number):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            tls = self.context.wrap_socket(s, server_side=True)
        except (ssl.SSLError, OSError) as e:
            self.failed.append(str(e))
            return
        self.handshakes += 1
        self.resumed += tls.session_reused
        self.shown.append(common_name(tls.getpeercert()))
        self.alive += 1
        try:
            super(TlsOrigin, self).handle(tls, number)
        except OSError:
            pass
        finally:
            self.alive -= 1
            tls.close()


def who(answer):
    """Whom the origin took the request for."""
    return answer.json()["who"] if answer.status == 200 else answer.status
