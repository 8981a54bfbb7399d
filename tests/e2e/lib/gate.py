"""gate - what an end-to-end test needs: a gateway of its own, origins, raw bytes

    from gate import Gateway, Origin, check, done

    with Origin() as origin, Gateway(policy=POLICY) as gate:
        answer = gate.raw(b"GET http://localhost:%d/ HTTP/1.1\\r\\n..." % origin.port)
        check(answer.status == 403, "refused", answer)
    done()

Nothing here is a mock of the gateway: it runs build/penstock (PENSTOCK names
another). A failed check prints what was expected and ends the test.
"""
import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
PENSTOCK = os.environ.get("PENSTOCK", os.path.join(ROOT, "build/penstock"))
SUITES = os.environ.get("PENSTOCK_SUITES",
                        os.path.join(ROOT, "../shared/suites"))
LOCKED = "version: 1\npreset: locked-down\n"
for name in list(os.environ):
    if name.lower().endswith("_proxy"):
        del os.environ[name]


def check(holds, what, seen=""):
    """One expectation of a test."""
    if not holds:
        print(f"expected: {what}\n     got: {seen!r}"[:4000], flush=True)
        sys.exit(1)


def skip(why):
    print(why)
    sys.exit(77)


def suite(name):
    """A folder of the corpora, or the test is skipped."""
    path = os.path.join(SUITES, name)
    if not os.path.isdir(path):
        skip(f"no suite {name}")
    return path


# Seconds. Only what fails waits so long; a busy machine may need some of them.
PATIENCE = 20.0


def wait_for(condition, seconds=PATIENCE, what="a condition"):
    """The first true value of condition(); fails after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    check(False, f"{what} within {seconds} s")


class Answer:
    """One HTTP answer, read strictly from bytes; `rest` is what follows."""

    def __init__(self, data):
        self.data = data
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        parts = lines[0].split(b" ", 2)
        self.ok = len(parts) >= 2 and parts[0].startswith(b"HTTP/1.")
        self.status = int(parts[1]) if self.ok and parts[1].isdigit() else 0
        self.phrase = parts[2].decode("latin1") if len(parts) > 2 else ""
        self.fields = [tuple(x.strip().decode("latin1")
                             for x in line.split(b":", 1))
                       for line in lines[1:] if b":" in line]
        self.body = body
        if (self.field("transfer-encoding") or "").lower() == "chunked":
            self.body = unchunk(body)

    def field(self, name):
        found = [v for k, v in self.fields if k.lower() == name.lower()]
        return found[0] if found else None

    @property
    def reason(self):
        return self.field("penstock-reason")

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"Answer({self.data[:1500]!r})"


def unchunk(data):
    out, at = [], 0
    while at < len(data):
        end = data.find(b"\r\n", at)
        end = len(data) if end < 0 else end
        n = int(data[at:end].split(b";")[0] or b"0", 16)
        if n == 0:
            break
        at = end + 2 + n
        out.append(data[end + 2:at])
        at += 2
    return b"".join(out)


def read_all(sock, seconds=5.0):
    """Everything until the end or silence."""
    sock.settimeout(seconds)
    out = b""
    try:
        while True:
            got = sock.recv(65536)
            if not got:
                break
            out += got
    except OSError:
        pass
    return out


def read_head(sock, seconds=PATIENCE):
    """Byte by byte up to the empty line: what follows stays in the socket."""
    sock.settimeout(seconds)
    out = b""
    try:
        while b"\r\n\r\n" not in out:
            got = sock.recv(1)
            if not got:
                break
            out += got
    except OSError:
        pass
    return out


def read_answer(sock, seconds=PATIENCE):
    """One answer with its body by Content-Length or chunks."""
    head = read_head(sock, seconds)
    answer = Answer(head)
    length = answer.field("content-length")
    body = b""
    try:
        if (answer.field("transfer-encoding") or "") == "chunked":
            while not body.endswith(b"0\r\n\r\n"):
                got = sock.recv(1)
                if not got:
                    break
                body += got
        elif length and answer.status not in (204, 304):
            while len(body) < int(length):
                got = sock.recv(int(length) - len(body))
                if not got:
                    break
                body += got
    except OSError:
        pass
    return Answer(head + body)


class Gateway:
    """A running gateway with a home, a policy and a configuration of its own."""

    def __init__(self, policy=LOCKED, config=None, args=(), start=True,
                 listen=("127.0.0.1:0",), env=None, wrap=()):
        self.home = tempfile.mkdtemp(prefix="gate-")
        os.chmod(self.home, 0o755)
        self.env = dict(os.environ, PENSTOCK_HOME=self.home + "/home",
                        **(env or {}))
        self.process = None
        self.log_path = self.home + "/gateway.log"
        self.args = list(args)
        self.wrap = list(wrap)	# a command that runs the gateway
        for address in listen:
            self.args += ["--listen", address]
        if policy is not None:
            self.policy = self.write("policy.yaml", policy)
            if config is None:
                self.args += ["--policy", self.policy]
        if config is not None:
            text = "version: 1\n"
            if policy is not None:
                text += f"policy: [{self.policy}]\n"
            self.args += ["--config",
                          self.write("penstock.yaml", text + config)]
        if start:
            self.start()

    def write(self, name, text):
        path = os.path.join(self.home, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def start(self):
        log = open(self.log_path, "a")
        begin = log.tell()
        self.process = subprocess.Popen(
            [*self.wrap, PENSTOCK, "gateway", *self.args], env=self.env,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            text = open(self.log_path).read()[begin:]
            found = re.search(r"^ready: listening on (.*)$", text, re.M)
            if not found and self.process.poll() is not None:
                check(False, "the gateway serves", text)
            return found
        line = wait_for(ready, 20, "the ready line").group(1)
        self.listeners = [x.strip() for x in line.split(",")]
        ports = re.findall(r"127\.0\.0\.1:(\d+)", line)
        self.port = int(ports[0]) if ports else None
        self.ports = [int(p) for p in ports]
        return self

    @property
    def proxy(self):
        return f"http://127.0.0.1:{self.port}"

    def log(self):
        return open(self.log_path).read()

    def run(self, *args, input=None, timeout=20):
        """penstock ARGS against this gateway: (exit code, stdout, stderr)."""
        done = subprocess.run([PENSTOCK, *args], env=self.env,
                              capture_output=True, text=True, input=input,
                              timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def ok(self, *args, **kw):
        code, out, err = self.run(*args, **kw)
        check(code == 0, "penstock " + " ".join(args) + ": exit 0",
              (code, out, err))
        return out

    def status(self):
        return json.loads(self.ok("status", "--json"))

    def pids(self):
        p = self.status()["pids"]
        return [p["supervisor"], p["keeper"], p["auditor"], *p["workers"]]

    def records(self, event=None):
        lines = self.ok("log", "show", "--json").splitlines()
        all_records = [json.loads(line) for line in lines]
        return [r for r in all_records if event in (None, r["event"])]

    def connect(self, port=None, seconds=PATIENCE):
        return socket.create_connection(("127.0.0.1", port or self.port),
                                        seconds)

    def raw(self, data, seconds=PATIENCE, port=None):
        """Send these bytes, end our side, read one answer (or what comes)."""
        with self.connect(port, seconds) as s:
            try:
                s.sendall(data)
            except OSError:
                pass
            return Answer(read_all_or_answer(s, seconds))

    def get(self, url, fields=(), method="GET", body=b"", port=None,
            seconds=PATIENCE):
        """An absolute-form request on a connection of its own."""
        host = url.split("/")[2]
        lines = [f"{method} {url} HTTP/1.1", f"Host: {host}",
                 "Connection: close", *fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.raw("\r\n".join(lines).encode("latin1") + b"\r\n\r\n" +
                        body, seconds, port)

    def tunnel(self, authority, fields=(), port=None):
        """(socket, answer to the CONNECT)."""
        s = self.connect(port)
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", *fields]
        s.sendall("\r\n".join(lines).encode("latin1") + b"\r\n\r\n")
        answer = Answer(read_head(s))
        length = answer.field("content-length")
        if answer.status != 200 and length:
            answer = Answer(answer.data + read_exactly(s, int(length)))
        return s, answer

    def kill_all(self):
        """kill -9 of every process at once."""
        pids = self.pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode if self.process else None

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        if kind is not None and kind is not SystemExit or \
                kind is SystemExit and rest[0].code == 1:
            sys.stdout.write("".join(
                open(self.log_path).readlines()[-10:])
                if os.path.exists(self.log_path) else "")
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def read_exactly(sock, n):
    out = b""
    while len(out) < n:
        got = sock.recv(n - len(out))
        if not got:
            break
        out += got
    return out


def read_all_or_answer(sock, seconds):
    """Until the end; an answer that is complete by its length is enough."""
    sock.settimeout(seconds)
    out = b""
    try:
        while True:
            got = sock.recv(65536)
            if not got:
                return out
            out += got
            head, end, body = out.partition(b"\r\n\r\n")
            if not end:
                continue
            found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
            if found and len(body) >= int(found.group(1)):
                return out
    except OSError:
        return out


class Server:
    """A TCP server: handle(socket, number) in a thread for each connection."""

    def __init__(self, handle=None, family=socket.AF_INET, host="127.0.0.1",
                 port=0):
        if handle:
            self.handle = handle
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(1024)
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(s)
            threading.Thread(target=self.serve, args=(s, self.connections),
                             daemon=True).start()

    def serve(self, s, number):
        try:
            self.handle(s, number)
        except OSError:
            pass
        finally:
            try:
                s.close()
            except OSError:
                pass

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for s in self.open:
            try:
                s.close()
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Raw(dict):
    """Connections may still come while a test looks at all of them."""

    def values(self):
        return list(super().values())


class Origin(Server):
    """An HTTP/1.1 origin that keeps every byte it was sent, for each
    connection, and answers each request with JSON: method, target, fields,
    body length and its SHA-256. `script(request)` may return raw bytes to
    send instead, or None to close."""

    def __init__(self, script=None, **kw):
        self.script = script
        self.seen = []			# requests, in order
        self.raw = Raw()			# connection number: bytes
        super().__init__(**kw)

    def handle(self, s, number):
        self.raw[number] = b""
        data = bytearray()
        s.settimeout(60)
        while True:
            while b"\r\n\r\n" not in data:
                got = s.recv(65536)
                if not got:
                    return
                self.raw[number] += got
                data += got
            head, _, data = data.partition(b"\r\n\r\n")
            lines = head.decode("latin1").split("\r\n")
            method, target, version = (lines[0].split(" ") + ["", ""])[:3]
            fields = [tuple(x.strip() for x in line.split(":", 1))
                      for line in lines[1:]]
            low = {k.lower(): v for k, v in fields}
            body = b""
            if low.get("transfer-encoding", "").lower() == "chunked":
                while not complete_chunks(data):
                    got = s.recv(65536)
                    if not got:
                        return
                    self.raw[number] += got
                    data += got
                body, data = unchunk(data), bytearray()
            elif "content-length" in low:
                n = int(low["content-length"])
                while len(data) < n:
                    got = s.recv(65536)
                    if not got:
                        return
                    self.raw[number] += got
                    data += got
                body, data = bytes(data[:n]), data[n:]
            request = dict(method=method, target=target, version=version,
                           fields=fields, low=low, body=body,
                           connection=number, socket=s)
            self.seen.append(request)
            out = self.script(request) if self.script else b""
            if out is None:
                return
            if out == b"":
                out = json_answer(request)
            s.sendall(out)


def complete_chunks(data):
    at = 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return False
        n = int(data[at:end].split(b";")[0], 16)
        if n == 0:		# trailers end with an empty line
            return data.find(b"\r\n\r\n", end) >= 0
        at = end + 2 + n + 2
        if len(data) < at:
            return False


def json_answer(request, status="200 OK", extra=()):
    body = json.dumps(dict(
        m=request["method"], p=request["target"], h=request["fields"],
        n=len(request["body"]),
        sha=hashlib.sha256(request["body"]).hexdigest())).encode()
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json",
             f"Content-Length: {len(body)}", *extra]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return head if request["method"] == "HEAD" else head + body


def echo(s, _number):
    """For Server(): sends back what it gets."""
    while True:
        got = s.recv(65536)
        if not got:
            s.shutdown(socket.SHUT_WR)
            return
        s.sendall(got)


def certificates(folder, *names):
    """A CA and one leaf for `names`: paths (ca.pem, leaf.pem, leaf.key)."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True,
                       capture_output=True)
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *ec, "-days", "30", "-subj", "/CN=test root",
            "-keyout", "ca.key", "-out", "ca.pem", "-addext",
            "basicConstraints=critical,CA:TRUE", "-addext",
            "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", *ec, "-subj", f"/CN={names[0]}", "-keyout", "leaf.key",
            "-out", "leaf.csr")
    with open(os.path.join(folder, "ext"), "w") as f:
        f.write("subjectAltName=" + ",".join("DNS:" + n for n in names) +
                "\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", "-days", "20", "-extfile", "ext",
            "-out", "leaf.pem")
    return tuple(os.path.join(folder, x)
                 for x in ("ca.pem", "leaf.pem", "leaf.key"))


def websocket_accept(key):
    """RFC 6455 4.2.2."""
    digest = hashlib.sha1(key.encode() +
                          b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return base64.b64encode(digest).decode()


def done():
    sys.exit(0)
