"""ways - the same request by every way in

    for way, ask in WAYS.items():
        answer = ask(gate, "a.test:80", "GET", "/x", ["X-Team: red"])

WAYS are those of plain HTTP. ALL_WAYS are TLS inside a CONNECT, too, on
HTTP/1.1 and HTTP/2, for an origin that speaks it on the same port (AnyOrigin).
"""
from gate import Answer, read_answer, read_head


def lines(method, target, host, fields, body):
    out = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
    if body:
        out.append(f"Content-Length: {len(body)}")
    return "\r\n".join(out).encode("latin1") + b"\r\n\r\n" + body


def read(sock, method):
    return Answer(read_head(sock)) if method == "HEAD" else read_answer(sock)


def forward(gate, host, method="GET", path="/", fields=(), body=b"",
            port=None):
    """In absolute form."""
    with gate.connect(port) as s:
        s.sendall(lines(method, f"http://{host}{path}", host, fields, body))
        return read(s, method)


def connect(gate, host, method="GET", path="/", fields=(), body=b"",
            port=None):
    """Inside a CONNECT; its own answer when that is refused."""
    accept = [f for f in fields if f.startswith("Accept:")]
    s, answer = gate.tunnel(host, accept, port=port)
    with s:
        if answer.status != 200:
            return answer
        s.sendall(lines(method, path, host, fields, body))
        return read(s, method)


def inside(protocol):
    def ask(gate, host, method="GET", path="/", fields=(), body=b"",
            port=None):
        """Inside TLS inside a CONNECT; its own answer when that is refused."""
        from inside import Inside
        try:
            with Inside(gate, host, protocol, port=port) as s:
                return s.ask(method, path, fields, body)
        except ConnectionRefusedError as e:
            return e.args[0]
    return ask


WAYS = {"forward": forward, "connect": connect}
ALL_WAYS = dict(WAYS, tls=inside("http/1.1"), h2=inside("h2"))


def by_every_way(gate, *request, ways=WAYS, **kw):
    """(status, reason) when all agree, else a list of what each got."""
    got = [ask(gate, *request, **kw) for ask in ways.values()]
    said = {(a.status, a.reason) for a in got}
    return said.pop() if len(said) == 1 else got
