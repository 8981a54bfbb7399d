"""certs - authorities and certificates of their own for a test, by openssl

    ca = Authority(gate.home, "guests")
    web = ca.issue("web", names="DNS:web.test")     # web.cert, web.key: paths
"""
import os
import subprocess

from clients import need

OPENSSL = need("openssl")


def call(*args, **kw):
    return subprocess.run([OPENSSL, *args], check=True, capture_output=True,
                          **kw).stdout


class Certificate:
    def __init__(self, folder, name):
        self.name = name
        self.cert = os.path.join(folder, name + ".pem")
        self.key = os.path.join(folder, name + ".key")
        call("genpkey", "-algorithm", "EC", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-out", self.key)
        os.chmod(self.key, 0o600)

    @property
    def digest(self):
        """SHA-256 of the public key, in hex."""
        der = call("pkey", "-pubin", "-outform", "DER",
                   input=call("x509", "-in", self.cert, "-noout", "-pubkey"))
        return call("dgst", "-sha256", "-r", input=der).split()[0].decode()


class Authority(Certificate):
    def __init__(self, folder, name):
        super().__init__(folder, name)
        self.folder = folder
        call("req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}",
             "-days", "30", "-out", self.cert)

    def issue(self, name, names="", days=30, subject=None):
        leaf = Certificate(self.folder, name)
        request = call("req", "-new", "-key", leaf.key, "-subj",
                       subject or f"/CN={name}")
        extensions = leaf.key + ".ext"
        with open(extensions, "w") as f:
            f.write("basicConstraints=CA:FALSE\n" +
                    (f"subjectAltName={names}\n" if names else ""))
        call("x509", "-req", "-CA", self.cert, "-CAkey", self.key,
             "-CAcreateserial", "-days", str(days), "-extfile", extensions,
             "-out", leaf.cert, input=request)
        return leaf
