"""keys - secrets typed with and without a running gateway, and a search for
what must never be seen

    for home in homes(POLICY):
        home.ok("secret", "set", "openai", input=KEY)
"""
import os
import subprocess

from gate import PENSTOCK, Gateway, check

OPENAI = "sk-proj-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
OTHER = "sk-proj-ZyXwVuTsRqPoNmLkJiHgFeDcBa9876543210"
GITHUB = "ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"


class Home(Gateway):
    """A gateway's home; without a gateway the same commands work on files."""

    def __init__(self, policy, runs):
        config = "" if runs else None
        super().__init__(policy=policy, start=False, config=config)
        self.runs = runs
        if runs:
            self.start()
        else:
            # What a gateway would start from.
            os.makedirs(self.home + "/home/config")
            with open(self.home + "/home/config/policy.yaml", "w") as f:
                f.write(policy)

    def __str__(self):
        return "with a gateway" if self.runs else "without a gateway"

    @property
    def local_rules(self):
        path = self.home + "/home/state/local-rules.yaml"
        return open(path).read() if os.path.exists(path) else ""

    def typed(self, text, *args, program=PENSTOCK):
        """penstock ARGS on a terminal on which `text` is typed: (code,
        output)."""
        done = subprocess.run(
            ["python3", os.path.join(os.path.dirname(__file__), "typed.py"),
             text, program, *args], env=self.env, capture_output=True,
            text=True, timeout=30)
        return done.returncode, done.stdout


def homes(policy):
    """One home without a gateway, then one with."""
    for runs in (False, True):
        with Home(policy, runs) as home:
            yield home


def files_with(folder, value):
    """The files below it that have these bytes."""
    found = []
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                with open(os.path.join(at, name), "rb") as f:
                    if value.encode() in f.read():
                        found.append(os.path.join(at, name))
            except OSError:
                pass	# a socket
    return found


def shows_no_end(text, value, shown=12):
    """No six bytes in a row of what stands behind the first characters."""
    for at in range(shown, len(value) - 5):
        if value[at:at + 6] in text:
            return False
    return True


def check_hidden(home, value, *outputs):
    for text in outputs:
        check(shows_no_end(text, value), f"no end of a value, {home}", text)
    found = files_with(home.home, value)
    check(not found, f"no value on disk, {home}", found)
