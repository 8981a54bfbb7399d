"""fetch.py LIBRARY URL [TIMES] - GET by a Python library and the environment's proxy

Prints the answers' bodies; what the library says of a refusal, and exit 1."""
import asyncio
import os
import sys
import urllib.error
import urllib.request

library, url = sys.argv[1:3]
times = int(sys.argv[3]) if len(sys.argv) > 3 else 1


def refuse(status, phrase):
    print(status, phrase)
    sys.exit(1)


def by_urllib():
    try:
        return [urllib.request.urlopen(url, timeout=10).read().decode()
                for _ in range(times)]
    except urllib.error.HTTPError as e:
        refuse(e.code, e.reason)


def by_urllib3():
    import urllib3
    proxy = urllib.request.getproxies()[url.split(":")[0]]
    with urllib3.ProxyManager(proxy, retries=False, timeout=10,
                              ca_certs=os.environ.get("SSL_CERT_FILE")) as pool:
        answers = [pool.request("GET", url) for _ in range(times)]
    if answers[0].status != 200:
        refuse(answers[0].status, answers[0].reason)
    return [a.data.decode() for a in answers]


def by_requests():
    import requests
    with requests.Session() as session:
        answers = [session.get(url, timeout=10) for _ in range(times)]
    if answers[0].status_code != 200:
        refuse(answers[0].status_code, answers[0].reason)
    return [a.text for a in answers]


def by_httpx(http2=False):
    import httpx
    with httpx.Client(timeout=10, http2=http2) as client:
        answers = [client.get(url) for _ in range(times)]
    if http2 and answers[0].http_version != "HTTP/2":
        refuse(answers[0].http_version, "is not HTTP/2")
    if answers[0].status_code != 200:
        refuse(answers[0].status_code, answers[0].extensions[
            "reason_phrase"].decode())
    return [a.text for a in answers]


def by_aiohttp():
    import aiohttp

    async def all_of_them():
        async with aiohttp.ClientSession(trust_env=True) as session:
            texts = []
            for _ in range(times):
                async with session.get(url) as answer:
                    if answer.status != 200:
                        refuse(answer.status, answer.reason)
                    texts.append(await answer.text())
            return texts
    return asyncio.run(all_of_them())


try:
    for text in {"urllib.request": by_urllib, "urllib3": by_urllib3,
                 "requests": by_requests, "httpx": by_httpx,
                 "httpx+h2": lambda: by_httpx(True),
                 "aiohttp": by_aiohttp}[library]():
        print(text)
except Exception as e:
    print(f"{type(e).__name__}: {e}")
    sys.exit(1)
