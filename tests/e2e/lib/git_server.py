"""git_server - git repositories over HTTP, by git's own CGI program

    from git_server import GitServer, git, new_repository

    new_repository(folder)			# folder/x.git, folder/work
    with GitServer(folder) as server: ...	# http://...:PORT/x.git
"""
import os
import subprocess

from clients import must, need
from gate import Server, skip

git = need("git")
BACKEND = os.path.join(subprocess.run([git, "--exec-path"], text=True,
                                      capture_output=True).stdout.strip(),
                       "git-http-backend")
if not os.access(BACKEND, os.X_OK):
    skip("no git-http-backend here")


def read_body(f, fields):
    if fields.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(f.readline(), 16):
            body += f.read(size)
            f.readline()
        f.readline()
        return body
    return f.read(int(fields.get("content-length", 0)))


def backend(root, request, fields, body):
    """One request by CGI (RFC 3875)."""
    method, target, _ = request.split(" ")
    path, _, query = target.partition("?")
    env = dict(os.environ, GIT_PROJECT_ROOT=root, GIT_HTTP_EXPORT_ALL="1",
               REQUEST_METHOD=method, PATH_INFO=path, QUERY_STRING=query,
               CONTENT_TYPE=fields.get("content-type", ""),
               CONTENT_LENGTH=str(len(body)), REMOTE_USER="guest",
               HTTP_CONTENT_ENCODING=fields.get("content-encoding", ""),
               GIT_PROTOCOL=fields.get("git-protocol", ""))
    out = subprocess.run([BACKEND], env=env, input=body,
                         stdout=subprocess.PIPE).stdout
    head, _, page = out.partition(b"\r\n\r\n")
    status = b"200 OK"
    lines = [line for line in head.split(b"\r\n") if line]
    for line in list(lines):
        if line.lower().startswith(b"status:"):
            status = line.split(b":", 1)[1].strip()
            lines.remove(line)
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" %
                         len(page)]) + b"\r\n\r\n" + page


class GitServer(Server):
    """wanted: the Authorization without which everything is 401."""

    def __init__(self, root, tls=None, wanted=None, **kw):
        self.root, self.tls, self.chunked = root, tls, 0
        self.wanted = wanted
        super().__init__(**kw)

    def handle(self, s, _number):
        if self.tls:
            s = self.tls.wrap_socket(s, server_side=True)
        f = s.makefile("rb")
        while line := f.readline():
            fields = {}
            for row in iter(f.readline, b"\r\n"):
                name, _, value = row.decode("latin1").partition(":")
                fields[name.lower()] = value.strip()
            self.chunked += fields.get("transfer-encoding") == "chunked"
            body = read_body(f, fields)
            if self.wanted in (None, fields.get("authorization")):
                s.sendall(backend(self.root, line.decode().strip(), fields,
                                  body))
            else:
                s.sendall(b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: '
                          b'Basic realm="git"\r\nContent-Length: 0\r\n\r\n')


def new_repository(folder):
    os.mkdir(folder)
    work = folder + "/work"
    must([git, "init", "-q", "-b", "main", work])
    for key, value in (("user.name", "guest"), ("user.email", "g@x.test")):
        must([git, "-C", work, "config", key, value])
    with open(work + "/first", "w") as f:
        f.write("one\n" * 1000)
    must([git, "-C", work, "add", "."])
    must([git, "-C", work, "commit", "-qm", "first"])
    must([git, "clone", "-q", "--bare", work, folder + "/x.git"])
    must([git, "-C", folder + "/x.git", "config", "http.receivepack", "true"])
