"""oauth2.py client|refresh TOKEN_URL URL - GET with a token of requests-oauthlib

The credentials are the variable SVC, as they would be in an agent's settings.
Prints the access token, the refresh token or "-", and the answer."""
import os
import sys

from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

grant, token_url, url = sys.argv[1:4]
secret = os.environ["SVC"]

if grant == "client":
    session = OAuth2Session(client=BackendApplicationClient(client_id="me"))
    token = session.fetch_token(token_url, timeout=10,
                                auth=HTTPBasicAuth("me", secret))
else:
    # As if it had been used an hour ago: it refreshes before it asks.
    token = dict(access_token=secret, refresh_token=secret,
                 token_type="Bearer", expires_in=-30)
    kept = []
    session = OAuth2Session(
        "me", token=token, auto_refresh_url=token_url,
        auto_refresh_kwargs=dict(client_id="me", client_secret=secret),
        token_updater=kept.append)
answer = session.get(url, timeout=10)
token = token if grant == "client" else kept[0]
print(token["access_token"], token.get("refresh_token", "-"), answer.text)
