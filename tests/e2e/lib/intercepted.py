"""intercepted - a host whose requests get a key, on the way of a real client

    with Intercepted({"http/1.1": server.port}, "{ header: X-Key }") as way:
        for how, env in way.rounds():
            must([curl, f"https://{way.host}/"], env=env)

The servers speak no TLS; a Front does it for them. The first round goes to the
gateway itself; in the others a Between is the client's proxy, and everything
comes in pieces of 64 KiB or of one byte, on both sides of the gateway.
"""
import json
import os

from gate import Gateway, check
from keys import files_with
from pieces import SIZES, Between, Front
from tls import Pki

KEY = "sk-real-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
CA_VARIABLES = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
                "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
                   "grpc_proxy")


def environment(gate, *args):
    """Of a guest after eval "$(penstock env)", with all else as it is here."""
    return dict(os.environ, **json.loads(gate.ok("env", "--json", *args)))


class Intercepted:
    """inject: how the key goes, YAML; protocols: what the client speaks."""

    def __init__(self, ports, inject, protocols=("http/1.1",),
                 name="api.test"):
        self.pki = Pki(name)
        self.front = Front(self.pki, ports)
        self.host = f"{name}:{self.front.port}"
        policy = f"""version: 1
preset: locked-down
network: {{ allow: ["{self.host}", 127.0.0.0/8] }}
secrets:
  key: {{ hosts: ["{self.host}"], inject: {inject}, env: API_KEY }}
"""
        self.gate = Gateway(policy, config=self.pki.config("workers: 1\n"))
        self.gate.ok("secret", "set", "key", input=KEY)
        self.between = Between(self.gate, self.pki, protocols)

    def rounds(self):
        """(what it is, the client's environment)"""
        env = environment(self.gate)
        check(env["API_KEY"] not in ("", KEY), "a placeholder", env["API_KEY"])
        yield "directly", env
        env = dict(env, **dict.fromkeys(CA_VARIABLES, self.pki.ca),
                   **dict.fromkeys(PROXY_VARIABLES, self.between.proxy))
        for size in SIZES:
            self.front.size = self.between.size = size
            yield f"in pieces of {size}", env

    def requests(self):
        """What is on record: each allowed, each with the key's name alone."""
        records = self.gate.records("request")
        check({(r["verdict"], r.get("secret")) for r in records} ==
              {("allow", "key")}, "each got the key", records)
        found = files_with(self.gate.home, KEY)
        check(not found, "the key is in no file", found)
        return records

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.between.close()
        self.gate.__exit__(*why)
        self.front.close()
