"""aws_server - enough of AWS for its command line, every signature checked

    with AwsServer(KEY) as server, Front(pki, {"http/1.1": server.port}) as f:
        aws s3 cp .. --endpoint-url https://s3.test:PORT	(of the Front)
        server.bad, server.good, server.objects

Signatures are computed with botocore from what has arrived, as AWS would from
what arrives there: a request whose bytes are not those that were signed is
answered 403.
"""
import hashlib
import urllib.parse

from clients import skip
from gate import Server

try:
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    skip("no botocore here")

ALGORITHM = "AWS4-HMAC-SHA256"
IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/real</Arn><UserId>AIDA</UserId>
<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


class Request:
    def __init__(self, method, target, fields, body):
        self.method, self.target, self.fields, self.body = \
            method, target, fields, body
        self.path, _, self.query = target.partition("?")
        self.parameters = dict(urllib.parse.parse_qsl(
            self.query, keep_blank_values=True))

    def field(self, name):
        return next((v for k, v in self.fields if k.lower() == name), None)

    def content(self):
        """The body without aws-chunked framing."""
        if "aws-chunked" not in (self.field("content-encoding") or ""):
            return self.body
        out, rest = b"", self.body
        while True:
            size, _, rest = rest.partition(b"\r\n")
            n = int(size.split(b";")[0], 16)
            if n == 0:
                return out
            out, rest = out + rest[:n], rest[n + 2:]


def expected(request, credentials, scope, names, date, query, payload):
    """The signature that this request must have."""
    region, service = scope
    kind = botocore.auth.S3SigV4Auth if service == "s3" else \
        botocore.auth.SigV4Auth
    auth = kind(credentials, service, region)
    host = request.field("host")
    url = f"https://{host}{request.path}" + (f"?{query}" if query else "")
    asked = AWSRequest(request.method, url, data=request.body)
    for k, v in request.fields:
        if k.lower() in names and k.lower() != "host":
            asked.headers.add_header(k, v)
    if payload:
        asked.headers["X-Amz-Content-SHA256"] = payload
    asked.context.update(timestamp=date, client_config=None)
    canonical = auth.canonical_request(asked)
    if payload and "x-amz-content-sha256" not in names:
        canonical = "\n".join(
            line for line in canonical.split("\n")
            if not line.startswith("x-amz-content-sha256:")).replace(
                ";x-amz-content-sha256", "")
    return auth.signature(auth.string_to_sign(asked, canonical), asked)


def is_signed(request, key):
    """By this key, over exactly this request?"""
    credentials = Credentials(*key)
    p = request.parameters
    given = request.field("authorization") or ""
    if "X-Amz-Signature" in p:
        query = "&".join(x for x in request.query.split("&")
                         if not x.startswith("X-Amz-Signature="))
        credential, signature = p["X-Amz-Credential"], p["X-Amz-Signature"]
        names, date = p["X-Amz-SignedHeaders"].split(";"), p["X-Amz-Date"]
        token, payload = p.get("X-Amz-Security-Token"), "UNSIGNED-PAYLOAD"
    elif given.startswith(ALGORITHM + " "):
        parts = dict(x.strip().split("=", 1)
                     for x in given[len(ALGORITHM):].split(","))
        query, credential = request.query, parts["Credential"]
        signature, names = parts["Signature"], parts["SignedHeaders"].split(";")
        date, token = request.field("x-amz-date"), \
            request.field("x-amz-security-token")
        payload = None
        told = request.field("x-amz-content-sha256")
        if told and len(told) == 64 and \
                told != hashlib.sha256(request.body).hexdigest():
            return False
    else:
        return False
    who, day, region, service, end = credential.split("/")
    if (who, token) != (key[0], key[2] if len(key) > 2 else None) or \
            end != "aws4_request" or not date.startswith(day) or \
            [n for n, _ in request.fields if n.lower().startswith("x-amz-")
             and n.lower() not in names] or "host" not in names:
        return False
    # The token is signed where it stands, not added to it.
    credentials.token = None
    return signature == expected(request, credentials, (region, service),
                                 names, date, query, payload)


def read_request(f):
    line = f.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin1").split(" ")
    fields = []
    for row in iter(f.readline, b"\r\n"):
        name, _, value = row.decode("latin1").rstrip("\r\n").partition(":")
        fields.append((name, value.strip()))
    return Request(method, target, fields, b"")


def read_body(f, request):
    if (request.field("transfer-encoding") or "") == "chunked":
        body = b""
        while size := int(f.readline().split(b";")[0], 16):
            body += f.read(size)
            f.readline()
        while f.readline() not in (b"\r\n", b""):
            pass
        return body
    return f.read(int(request.field("content-length") or 0))


class AwsServer(Server):
    def __init__(self, key):
        self.key = key
        self.objects, self.parts = {}, {}
        self.good, self.bad = [], []
        super().__init__()

    def handle(self, s, _number):
        f = s.makefile("rb")
        while request := read_request(f):
            if request.field("expect"):
                s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.body = read_body(f, request)
            right = is_signed(request, self.key)
            (self.good if right else self.bad).append(request)
            status, fields, body = self.answer(request) if right else \
                ("403 Forbidden", {}, b"<Error><Code>SignatureDoesNotMatch"
                 b"</Code><Message>no</Message></Error>")
            if request.method == "HEAD":
                length, body = fields.pop("Content-Length", 0), b""
            else:
                length = len(body)
            head = "".join(f"{k}: {v}\r\n" for k, v in fields.items())
            s.sendall(f"HTTP/1.1 {status}\r\n{head}Content-Length: {length}"
                      "\r\n\r\n".encode() + body)

    def answer(self, r):
        host = r.field("host").split(".")[0]
        if host == "sts":
            return "200 OK", {"Content-Type": "text/xml"}, IDENTITY.encode()
        if host == "dynamodb":
            return "200 OK", {"Content-Type": "application/x-amz-json-1.0"}, \
                b'{"TableNames":["real-table"]}'
        return self.store(r)

    def store(self, r):
        """S3 with the bucket in the path."""
        _, bucket, *key = urllib.parse.unquote(r.path).split("/", 2)
        key = "/".join(key)
        xml = {"Content-Type": "application/xml"}
        if r.method == "POST" and "uploads" in r.parameters:
            self.parts[key] = {}
            return "200 OK", xml, (
                f"<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket>"
                f"<Key>{key}</Key><UploadId>u1</UploadId>"
                "</InitiateMultipartUploadResult>").encode()
        if r.method == "POST":
            self.objects[key] = b"".join(
                data for _, data in sorted(self.parts.pop(key).items()))
            return "200 OK", xml, (
                "<CompleteMultipartUploadResult><ETag>\"e\"</ETag>"
                "</CompleteMultipartUploadResult>").encode()
        if r.method == "PUT" and "partNumber" in r.parameters:
            self.parts[key][int(r.parameters["partNumber"])] = r.content()
            return "200 OK", {"ETag": '"p"'}, b""
        if r.method == "PUT":
            self.objects[key] = r.content()
            return "200 OK", {"ETag": '"e"'}, b""
        if not key:
            listed = "".join(
                f"<Contents><Key>{k}</Key><Size>{len(v)}</Size><LastModified>"
                "2026-01-01T00:00:00.000Z</LastModified></Contents>"
                for k, v in self.objects.items())
            return "200 OK", xml, (
                "<ListBucketResult><IsTruncated>false</IsTruncated>"
                f"{listed}</ListBucketResult>").encode()
        data = self.objects.get(key)
        if data is None:
            return "404 Not Found", xml, b"<Error><Code>NoSuchKey</Code></Error>"
        fields = {"ETag": '"e"', "Content-Length": len(data),
                  "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        part = r.field("range")
        if r.method == "HEAD" or not part:
            fields.pop("Content-Length") if r.method != "HEAD" else None
            return "200 OK", fields, data
        first, _, last = part.removeprefix("bytes=").partition("-")
        first, last = int(first), min(int(last or len(data)), len(data) - 1)
        del fields["Content-Length"]
        fields["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return "206 Partial Content", fields, data[first:last + 1]
