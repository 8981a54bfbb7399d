"""oauth2_server - an authorization server and a resource that asks it

    with Oauth2Server(pki, "me", "client-secret") as server, \\
            Resource(pki, server) as api:
        first = server.grant()		# a refresh token
        ...
        server.check_unharmed()

It is as strict as servers get (RFC 6749, 4.4, 5 and 6; RFC 9700, 2.2.2): the
client's secret must be right, by Basic or in the form; a refresh token is good
once, and whoever uses it again is a thief: all tokens of its grant are revoked,
and check_unharmed() fails. What it is told and tells is in `asked`.
"""
import base64
import json
import secrets
import threading
import time
import urllib.parse

from gate import check
from tls import TlsOrigin


def http(status, body, extra=()):
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json",
             f"Content-Length: {len(data)}", *extra]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class Refused(Exception):
    pass


class Oauth2Server(TlsOrigin):
    def __init__(self, pki, client, secret, lasts=3600, rotates=True,
                 **kw):
        self.client, self.secret = client, secret
        self.lasts, self.rotates = lasts, rotates
        self.takes = 0.0	# seconds for each answer
        self.down = False
        self.lock = threading.Lock()
        self.access = {}	# token: its grant
        self.refresh = {}	# token: (its grant, has it been used)
        self.grants = 0
        self.revoked = set()
        self.stolen = []	# refresh tokens that were used again
        self.asked = []		# (grant type, what was answered)
        super().__init__(pki, self.answer, **kw)

    # --- what a test does ---

    def grant(self):
        """As if somebody had logged in: the refresh token of a new grant."""
        with self.lock:
            self.grants += 1
            return self.new_refresh(self.grants)

    def times(self, kind=None, status=200):
        return len([a for a in self.asked
                    if a["status"] == status and kind in (None, a["grant"])])

    def check_unharmed(self, what=""):
        check(not self.stolen, f"no refresh token was used twice {what}",
              self.stolen)

    def values(self):
        """Everything that no guest, log or record may show."""
        return [self.secret, *self.access, *self.refresh]

    def takes_token(self, token):
        with self.lock:
            return token in self.access and \
                self.access[token] not in self.revoked

    # --- the server ---

    def new_refresh(self, grant):
        token = "refresh-" + secrets.token_urlsafe(24)
        self.refresh[token] = [grant, False]
        return token

    def client_of(self, request, form):
        """(id, secret) in either way, never in both."""
        field = request["low"].get("authorization", "")
        if field.startswith("Basic "):
            if "client_secret" in form:
                raise Refused("400 Bad Request", "invalid_request")
            pair = base64.b64decode(field[6:]).decode()
            return [urllib.parse.unquote_plus(x)
                    for x in pair.split(":", 1)]
        return form.get("client_id"), form.get("client_secret")

    def use_refresh(self, token):
        known = self.refresh.get(token)
        if known is None or known[0] in self.revoked:
            raise Refused("400 Bad Request", "invalid_grant")
        if known[1]:
            self.stolen.append(token)
            self.revoked.add(known[0])
            raise Refused("400 Bad Request", "invalid_grant")
        known[1] = self.rotates
        return known[0]

    def tokens(self, request):
        form = dict(urllib.parse.parse_qsl(request["body"].decode()))
        if self.client_of(request, form) != [self.client, self.secret] and \
                self.client_of(request, form) != (self.client, self.secret):
            raise Refused("401 Unauthorized", "invalid_client")
        kind = form.get("grant_type")
        answer = dict(token_type="Bearer", expires_in=self.lasts)
        if kind == "client_credentials":
            self.grants += 1
            grant = self.grants
        elif kind == "refresh_token":
            grant = self.use_refresh(form.get("refresh_token"))
            if self.rotates:
                answer["refresh_token"] = self.new_refresh(grant)
        else:
            raise Refused("400 Bad Request", "unsupported_grant_type")
        token = "access-" + secrets.token_urlsafe(24)
        self.access[token] = grant
        return dict(answer, access_token=token)

    def answer(self, request):
        form = dict(urllib.parse.parse_qsl(request["body"].decode()))
        kind = form.get("grant_type")
        if self.down:
            return None
        try:
            with self.lock:
                body = self.tokens(request)
            out, status = http("200 OK", body), 200
        except Refused as refused:
            line, error = refused.args
            out, status = http(line, dict(error=error)), int(line[:3])
        self.asked.append(dict(grant=kind, status=status))
        if self.takes:
            time.sleep(self.takes)
        return out


class Resource(TlsOrigin):
    """Serves whoever brings an access token that is good."""

    def __init__(self, pki, server, **kw):
        self.server = server
        super().__init__(pki, self.answer, **kw)

    def answer(self, request):
        scheme, _, token = request["low"].get("authorization", "") \
            .partition(" ")
        if scheme == "Bearer" and self.server.takes_token(token):
            return http("200 OK", dict(served=True))
        return http("401 Unauthorized", dict(served=False))
