"""bench - what the measuring programs share: processes on a core, their CPU time, results.md"""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(HERE)
PENSTOCK = os.environ.get("PENSTOCK", f"{ROOT}/build/penstock")
TICK = os.sysconf("SC_CLK_TCK")


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            sys.exit(f"{os.path.basename(sys.argv[0])} needs {tool}: "
                     "tools/install-packages bench")


def build(folder):
    for name in ("load", "echo"):
        subprocess.run(["cc", "-std=gnu17", "-O2", "-D_GNU_SOURCE", "-o",
                        f"{folder}/{name}", f"{HERE}/{name}.c"], check=True)


def pinned(core, command, **kw):
    return subprocess.Popen(["taskset", "-c", str(core), *command], **kw)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listening(what, port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on {what}, port {port}")


def tree(pid):
    """The process and all below it."""
    found = [pid]
    for p in os.listdir("/proc"):
        if not p.isdigit():
            continue
        try:
            stat = open(f"/proc/{p}/stat").read()
        except OSError:
            continue
        if int(stat.rsplit(")", 1)[1].split()[1]) == pid:
            found += tree(int(p))
    return found


def cpu_of(pid):
    """Of all threads, by the scheduler's nanoseconds where the kernel has
    them: ticks are too coarse for ratios of a few percent."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
        return total / 1e9
    except OSError:
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK


def cpu_seconds(pid):
    return sum(cpu_of(p) for p in tree(pid))


def start_nginx(folder, port, core=1):
    os.makedirs(f"{folder}/www", exist_ok=True)
    with open(f"{folder}/www/1k", "w") as f:
        f.write("x" * 1024)
    with open(f"{folder}/nginx.conf", "w") as f:
        f.write(f"""daemon off; worker_processes 1; pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 8192; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 300;
  client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port} backlog=8192; root {folder}/www; }} }}
""")
    os.chmod(folder, 0o755)
    return pinned(core, ["nginx", "-c", f"{folder}/nginx.conf", "-p", folder])


class Load:
    """What a run of bench/load printed."""

    def __init__(self, folder, kind, port, target, seconds, host=None):
        out = subprocess.run(
            ["taskset", "-c", "1", f"{folder}/load", kind, str(port),
             str(target), "64", str(seconds)] + ([host] if host else []),
            stdout=subprocess.PIPE, text=True, check=True).stdout
        _, requests, took, errors, p50, p99, most = out.split()
        self.requests, self.errors = int(requests), int(errors)
        self.rate = self.requests / float(took)
        self.p50, self.p99, self.most = int(p50), int(p99), int(most)
        self.text = out


def write_list(folder, count, seed, path, extra):
    """A policy of `count` rules of the list that bench/rules uses and some of
    one's own."""
    maker, patterns = f"{folder}/rules_list", f"{folder}/patterns"
    if not os.path.exists(maker):
        subprocess.run(["cc", "-std=gnu17", "-O2", "-D_GNU_SOURCE",
                        f"-I{ROOT}", "-o", maker, f"{HERE}/rules_list.c",
                        f"{HERE}/rules_table.c", "-lm"], check=True)
    subprocess.run([maker, str(count), "1", str(seed), patterns, "/dev/null"],
                   check=True)
    with open(patterns) as f, open(path, "w") as out:
        out.write("version: 1\nnetwork:\n  allow:\n")
        for line in [*extra, *f]:
            out.write(f'  - "{line.rstrip()}"\n')


def write_section(title, lines):
    """Replace or add one section of results.md."""
    path = os.path.join(HERE, "results.md")
    text = open(path).read() if os.path.exists(path) else "# Results\n"
    section = f"\n## {title}\n\n" + "\n".join(lines) + "\n"
    old = re.search(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", text, re.S)
    if old:
        text = text[:old.start()] + section + text[old.end():]
    else:
        text = text.rstrip("\n") + "\n" + section
    with open(path, "w") as f:
        f.write(text)


class Scene:
    """A folder and processes that end with it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="bench-")
        self.running = []
        return self

    def add(self, process):
        self.running.append(process)
        return process

    def __exit__(self, *exception):
        for p in reversed(self.running):
            p.terminate()
        for p in self.running:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
