"""frames - WebSocket frames (RFC 6455), and an Origin's script that echoes"""
from gate import read_exactly, websocket_accept


def frame(payload, mask=None, code=1):
    head = bytes([0x80 | code])
    n = len(payload)
    bit = 0x80 if mask else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += bytes([bit | 126]) + n.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + n.to_bytes(8, "big")
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return head + (mask or b"") + payload


def read_frame(s):
    head = read_exactly(s, 2)
    if len(head) < 2:
        return None, b""
    n = head[1] & 0x7f
    if n == 126:
        n = int.from_bytes(read_exactly(s, 2), "big")
    elif n == 127:
        n = int.from_bytes(read_exactly(s, 8), "big")
    mask = read_exactly(s, 4) if head[1] & 0x80 else b"\0\0\0\0"
    data = read_exactly(s, n)
    return head[0] & 15, bytes(b ^ mask[i % 4] for i, b in enumerate(data))


def speak(request):
    """Echoes text and binary, in frames; /plain does not upgrade."""
    if request["target"] == "/plain" or "upgrade" not in request["low"]:
        return b""
    s = request["socket"]
    # The first frame comes with the 101, in one segment.
    s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
              b"Connection: Upgrade\r\nSec-WebSocket-Accept: " +
              websocket_accept(request["low"]["sec-websocket-key"]).encode() +
              b"\r\n\r\n" + frame(b"hello"))
    while True:
        code, data = read_frame(s)
        if code is None:
            return None
        if code == 8:
            s.sendall(frame(data, code=8))
            return None
        s.sendall(frame(data, code=code))
