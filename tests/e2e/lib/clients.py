"""clients - real clients for the tests named client-*, and servers for them

    with ModelServer() as models, Gateway() as gate:
        code, out = node("models.cjs", "openai", url, env=proxied(gate))
"""
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import threading

from gate import ROOT, Gateway, Server, check, skip

FOLDER = os.path.join(ROOT, "tests/e2e/clients")


def need(*programs):
    """Paths of these programs, or the test is skipped."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    found = [shutil.which(p, path=path) for p in programs]
    for program, where in zip(programs, found):
        if not where:
            skip(f"no {program} here")
    return found if len(found) > 1 else found[0]


def proxied(gate, **more):
    """An environment with the usual proxy variables and nothing else of them."""
    env = {k: v for k, v in os.environ.items()
           if not k.lower().endswith("_proxy")}
    return dict(env, http_proxy=gate.proxy, https_proxy=gate.proxy,
                HTTP_PROXY=gate.proxy, HTTPS_PROXY=gate.proxy, **more)


def run(argv, env=None, timeout=60, **kw):
    """(exit code, standard output and error together)."""
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout, **kw)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def must(argv, **kw):
    code, out = run(argv, **kw)
    check(code == 0, "exit 0 of " + " ".join(argv), (code, out))
    return out


def modules():
    """The folder of the npm packages, or the test is skipped."""
    code, out = run([os.path.join(FOLDER, "install")], timeout=110)
    if code == 77:
        skip(out.strip())
    check(code == 0, "the npm packages are installed", out)
    return out.strip()


def node_argv(script, *args):
    return ["node", os.path.join(FOLDER, script), *map(str, args)]


def node(script, *args, env=None, timeout=60):
    """A script of tests/e2e/clients with the npm packages: (code, output)."""
    env = dict(env or os.environ, NODE_PATH=modules(), NODE_NO_WARNINGS="1")
    return run(node_argv(script, *args), env=env, timeout=timeout)


def node_lines(script, *args, env=None, each=None, timeout=30):
    """As node(); each(line) is called as soon as the script prints a line."""
    env = dict(env or os.environ, NODE_PATH=modules(), NODE_NO_WARNINGS="1")
    process = subprocess.Popen(
        node_argv(script, *args), env=env, text=True, bufsize=1,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if each:
            each(lines[-1])
    code = process.wait()
    killer.cancel()
    return code, "\n".join(lines)


class Steps:
    """Lets a server send its next piece only when the client has shown the
    one before: what is held back anywhere between them stops the test."""

    def __init__(self):
        self.seen = threading.Semaphore(0)

    def show(self):
        self.seen.release()

    def wait(self, seconds=5.0):
        return self.seen.acquire(timeout=seconds)


class ModelServer(Server):
    """Speaks what the OpenAI and Anthropic clients ask: one chat completion
    or message, whole or as server-sent events in lock-step with the client.
    keys: (host, field, value); a request that has none of them gets 401."""
    WORDS = ["The ", "gate ", "is ", "open", "."]

    def __init__(self, keys=None, **kw):
        self.keys = keys
        self.steps = Steps()
        self.late = 0			# pieces that no client showed in time
        self.seen = []
        super().__init__(**kw)

    def handle(self, s, number):
        f = s.makefile("rb")
        while True:
            line = f.readline()
            if not line:
                return
            method, target, _ = line.decode("latin1").split(" ")
            fields = {}
            for row in iter(f.readline, b"\r\n"):
                name, _, value = row.decode("latin1").partition(":")
                fields[name.lower()] = value.strip()
            if fields.get("transfer-encoding") == "chunked":
                body = b""
                while size := int(f.readline(), 16):
                    body += f.read(size)
                    f.readline()
                f.readline()
            else:
                body = f.read(int(fields.get("content-length", 0)))
            asked = json.loads(body) if body else {}
            self.seen.append((method, target, fields, asked))
            path = target.partition("?")[0]
            if self.keys and not any(
                    fields["host"] == host and fields.get(name) == value
                    for host, name, value in self.keys):
                s.sendall(b"HTTP/1.1 401 Unauthorized\r\n"
                          b"Content-Length: 7\r\n\r\nno key\n")
                continue
            if path.endswith("/chat/completions"):
                whole, pieces = self.chat(asked)
            elif path.endswith("/messages"):
                whole, pieces = self.message(asked)
            else:
                whole, pieces = {"path": target}, None
            if asked.get("stream"):
                self.stream(s, pieces)
            else:
                data = json.dumps(whole).encode()
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json"
                          b"\r\nContent-Length: %d\r\n\r\n" % len(data) + data)

    def stream(self, s, pieces):
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n")
        for text, waits in pieces:
            data = text.encode()
            s.sendall(b"%x\r\n%s\r\n" % (len(data), data))
            if waits and not self.steps.wait():
                self.late += 1
        s.sendall(b"0\r\n\r\n")

    def chat(self, asked):
        def chunk(delta, why=None):
            return "data: " + json.dumps(dict(
                id="c1", object="chat.completion.chunk", created=1,
                model=asked["model"], choices=[dict(
                    index=0, delta=delta, finish_reason=why)])) + "\n\n"
        whole = dict(
            id="c1", object="chat.completion", created=1,
            model=asked["model"], choices=[dict(
                index=0, finish_reason="stop", message=dict(
                    role="assistant", content="".join(self.WORDS)))],
            usage=dict(prompt_tokens=1, completion_tokens=5, total_tokens=6))
        pieces = [(chunk(dict(content=w)), True) for w in self.WORDS]
        return whole, pieces + [(chunk({}, "stop"), False),
                                ("data: [DONE]\n\n", False)]

    def message(self, asked):
        def event(kind, **more):
            return (f"event: {kind}\ndata: " +
                    json.dumps(dict(type=kind, **more)) + "\n\n")
        empty = dict(id="m1", type="message", role="assistant",
                     model=asked["model"], content=[], stop_reason=None,
                     stop_sequence=None,
                     usage=dict(input_tokens=1, output_tokens=1))
        whole = dict(empty, stop_reason="end_turn", content=[
            dict(type="text", text="".join(self.WORDS))])
        pieces = [(event("message_start", message=empty) + event(
            "content_block_start", index=0,
            content_block=dict(type="text", text="")), False)]
        pieces += [(event("content_block_delta", index=0, delta=dict(
            type="text_delta", text=w)), True) for w in self.WORDS]
        return whole, pieces + [
            (event("content_block_stop", index=0), False),
            (event("message_delta", usage=dict(output_tokens=5),
                   delta=dict(stop_reason="end_turn")), False),
            (event("message_stop"), False)]


def talk_to_models(sdk):
    """An SDK by each way through the proxy: refused with what it can show of
    the sentence; after `policy allow`, with no restart, whole and streamed."""
    ways = ["ProxyAgent", "absolute-form", "https-proxy-agent", "axios",
            "axios+https-proxy-agent", "EnvHttpProxyAgent", "global-agent"]
    with ModelServer() as models, Gateway() as gate:
        url = f"http://host.docker.internal:{models.port}"
        sentence = ("Blocked by network policy: domain "
                    f"localhost:{models.port}")
        env = proxied(gate)
        code, out = node("models.cjs", sdk, url, "whole", *ways, env=env)
        lines = out.splitlines()
        check(code == 0 and len(lines) == len(ways), "a line each", out)
        for way, line in zip(ways, lines):
            # undici keeps nothing of a refused CONNECT but its status.
            shown = "Proxy response (403)" if "ProxyAgent" in way else sentence
            check(line.startswith(way + " error:") and shown in line,
                  f"{way} shows: {shown}", line)
        check(not models.seen, "nothing at the server", models.seen)

        gate.ok("policy", "allow", "network", f"localhost:{models.port}")
        pieces = []

        def each(line):
            if line.startswith("piece: "):
                pieces.append(line[7:])
                models.steps.show()
        code, out = node_lines("models.cjs", sdk, url, "stream", *ways,
                               env=env, each=each)
        for way in ways:
            check(f"{way} done: The gate is open." in out.splitlines(),
                  f"{way} gets its answers", out)
        check(pieces == models.WORDS * len(ways), "each piece", pieces)
        check(models.late == 0, "each piece reaches the client before the "
              "next is sent", (models.late, out))
        check(len(models.seen) == 2 * len(ways) and
              {f["host"] for _, _, f, _ in models.seen} ==
              {f"localhost:{models.port}"},
              "all asked of localhost:PORT", models.seen)
        return gate.records()


def talk_through_interception(sdk, field, text):
    """An SDK that holds a placeholder, by HTTP/1.1 and by HTTP/2, whole and
    streamed, as it comes and in pieces; text: how the field holds the key."""
    from intercepted import KEY, Intercepted
    variable = sdk.upper() + "_API_KEY"
    with ModelServer() as models, Intercepted(
            {"http/1.1": models.port},
            '{ header: %s, format: "%s" }' % (field, text),
            ("h2", "http/1.1")) as way:
        models.keys = [(way.host, field, text % KEY)]
        ways = ["EnvHttpProxyAgent", "https-proxy-agent", "ProxyAgent+h2"]

        def each(line):
            if line.startswith("piece: "):
                models.steps.show()
        for how, env in way.rounds():
            # Between takes one protocol for both sides: what the way speaks.
            for wanted in (ways[:2], ways[2:]):
                way.between.speak(["h2"] if wanted == ways[2:] else
                                  ["http/1.1"])
                code, out = node_lines(
                    "models.cjs", sdk, f"https://{way.host}", "stream",
                    *wanted, env=dict(env, **{variable: env["API_KEY"]}),
                    each=each)
                for name in wanted:
                    check(f"{name} done: The gate is open." in
                          out.splitlines(), f"{name} {how}", out)
        check(models.late == 0, "each piece reaches the client before the "
              "next is sent", models.late)
        return way.requests(), len(way.front.protocols)


def alone_on_loopback(*addresses, must_be=False):
    """For tests of fixed ports: start again in a network of our own, in which
    these addresses are this machine too. Where that cannot be had the test
    runs as it is, or is skipped (`must_be`)."""
    if os.environ.get("ALONE_ON_LOOPBACK"):
        return
    # Ordinary users keep their name there: a gateway started as root wants
    # to change its own.
    argv = ["unshare", "-n"] if os.geteuid() == 0 else \
        ["unshare", "-Un", "--map-current-user", "--keep-caps"]
    setup = " && ".join(["ip link set lo up"] + [
        f"ip address add {a} dev lo" for a in addresses])
    if shutil.which("unshare") and shutil.which("ip") and \
            run([*argv, "sh", "-c", setup])[0] == 0:
        os.environ["ALONE_ON_LOOPBACK"] = "1"
        os.execvp("unshare", [*argv, "sh", "-c", setup + ' && exec "$0" "$@"',
                              sys.executable, *sys.argv])
    if must_be:
        skip("no network namespace can be had here")


def is_special(address):
    """Addresses that a name may only lead to where a CIDR allows it."""
    a = ipaddress.ip_address(address)
    return not a.is_global or a.is_multicast


def outside(*hosts):
    """Patterns that let these hosts of the real world through: HOST:PORT and,
    where this machine's names lead to special ranges, those networks."""
    allow = []
    for host in hosts:
        name, _, port = host.rpartition(":")
        try:
            found = {x[4][0] for x in socket.getaddrinfo(
                name, int(port), type=socket.SOCK_STREAM)}
        except OSError as e:
            skip(f"no address for {name}: {e}")
        allow.append(host)
        for address in sorted(found):
            if is_special(address):
                bits = 64 if ":" in address else 24
                allow.append(str(ipaddress.ip_network(
                    f"{address}/{bits}", strict=False)))
    return list(dict.fromkeys(allow))


def reachable(host, port, seconds=3):
    try:
        socket.create_connection((host, port), seconds).close()
        return True
    except OSError:
        return False


def policy_of(allow):
    return ("version: 1\npreset: locked-down\nnetwork:\n  allow: " +
            json.dumps(allow) + "\n")
