"""HTTP clients that behave as a browser does, or worse: cookies, form tokens, and an address of their own."""

import html
import http.server
import itertools
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.parse
from html.parser import HTMLParser

import requests
from requests.adapters import HTTPAdapter

# Limits count by address, so every client comes from one of its own.
_addresses = itertools.count(2)


def new_address():
    number = next(_addresses) + (os.getpid() % 200) * 1000
    return f"127.{1 + number // 64516 % 250}.{number // 254 % 254}.{1 + number % 254}"


class _Bound(HTTPAdapter):
    def __init__(self, address):
        self.address = address
        super().__init__(pool_connections=2, pool_maxsize=4)

    def init_poolmanager(self, *arguments, **options):
        options["source_address"] = (self.address, 0)
        super().init_poolmanager(*arguments, **options)


class Client:
    """Somebody's browser without scripts. `Client(base)` is a stranger until `sign_in`."""

    def __init__(self, base, key=None):
        self.base, self.address = base, new_address()
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.mount("http://", _Bound(self.address))
        self.http.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
        if key:
            self.http.headers["X-API-Key"] = key
        self._token = None

    def get(self, path, **options):
        options.setdefault("allow_redirects", False)
        options.setdefault("timeout", 60)
        return self.http.get(self.base + path, **options)

    def json(self, path, **options):
        return self.get(path, headers={"Accept": "application/json"}, **options)

    def token(self):
        """The form token of this session; a new sign-in makes a new one."""
        if self._token is None:
            path = "/account" if "session" in self.http.cookies else "/sign-in"
            page = self.get(path)
            if page.is_redirect:  # a new password is demanded first
                page = self.get(page.headers["Location"])
            self._token = form_token(page.text)
        return self._token

    def post(self, path, data=None, token=True, **options):
        """A form as a page of ours sends it; `token` may be another's, or None for none."""
        options.setdefault("allow_redirects", False)
        options.setdefault("timeout", 60)
        fields = [(key, value) for key, value in (data.items() if isinstance(data, dict) else data or [])]
        if token is True:
            token = self.token()
        if token is not None:
            fields.append(("_csrf", token))
        return self.http.post(self.base + path, data=fields, **options)

    def send(self, method, path, body=None, **options):
        """A call of the JSON interface within the session."""
        options.setdefault("timeout", 60)
        headers = {"Accept": "application/json", **options.pop("headers", {})}
        if "X-API-Key" not in self.http.headers:
            headers.setdefault("X-CSRF-Token", self.token())
        return self.http.request(method, self.base + path, json=body, headers=headers, **options)

    def sign_in(self, account, password):
        answer = self.post("/sign-in", {"account": account, "password": password})
        if answer.status_code == 303:
            self._token = None
        return answer

    @property
    def cookie(self):
        return self.http.cookies.get("session")


def form_token(page):
    found = re.search(r'name="_csrf"[^>]*value="([^"]+)"', page) or re.search(r'value="([^"]+)"[^>]*name="_csrf"', page)
    return html.unescape(found.group(1)) if found else None


class PeerHandler(http.server.BaseHTTPRequestHandler):
    """What a system of somebody else's answers, in tests that play one."""

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def form(self):
        return dict(urllib.parse.parse_qsl(self.body().decode()))

    def say(self, content=b"", kind="application/json", status=200, headers=()):
        """Bytes as they are, anything else as JSON."""
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def serve(handler):
    """A server of such answers on a free port of the loopback, and its address; `shutdown` ends it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


class Markup(HTMLParser):
    """What of a page matters for safety: tags with their attributes, links, and text outside of tags."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.links, self.texts, self.inline = [], [], [], []
        self._inside = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        self.tags.append((tag, attributes))
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        self._inside = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside:
            self.inline.append((self._inside, data))
        else:
            self.texts.append(data)

    @property
    def text(self):
        return "".join(self.texts)


def unsafe_markup(page):
    """Everything in a page that a strict content security policy would block, or that runs what a user typed."""
    markup = Markup(page)
    found = [f"<{tag}> {text.strip()[:60]}" for tag, text in markup.inline if text.strip()]
    for tag, attributes in markup.tags:
        if tag == "style" or tag == "script" and not attributes.get("src"):
            found.append(f"<{tag}> {attributes}")
        for name, value in attributes.items():
            if name == "style" or re.match(r"on[a-z]+$", name) or name.startswith("hx-on"):
                found.append(f"<{tag} {name}={value[:60]!r}>")
            if name in ("href", "src", "action", "formaction") and re.match(r"\s*(javascript|data|vbscript):", value, re.I):
                found.append(f"<{tag} {name}={value[:60]!r}>")
    return found


def raw(address, data, pause=None, timeout=20, source=None):
    """Bytes to a port and all that comes back, until the server closes or falls silent; `data` may be pieces to send with pauses."""
    received = b""
    with socket.create_connection(address, timeout=timeout, source_address=(source or new_address(), 0)) as connection:
        try:
            for piece in data if isinstance(data, list) else [data]:
                connection.sendall(piece)
                if pause:
                    time.sleep(pause)
        except OSError:
            pass
        try:
            while piece := connection.recv(65536):
                received += piece
                connection.settimeout(0.3)  # a connection that is kept open has no more to say
        except (ConnectionResetError, TimeoutError):
            pass
    return received


def statuses(received):
    """The statuses of the answers in what was received, each behind the body of the one before."""
    codes = []
    while found := re.match(rb"HTTP/1\.[01] (\d{3})[^\r]*\r\n(.*?)\r\n\r\n", received, re.S):
        codes.append(int(found.group(1)))
        length = re.search(rb"^content-length: *(\d+)", found.group(2), re.I | re.M)
        if not length:
            break
        received = received[found.end() + int(length.group(1)):]
    return codes


def resident_id(division, birth, sequence):
    """A number with the right check digit (GB 11643)."""
    body = f"{division:0<6.6}{birth}{sequence:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights)) % 11]


def sm3(text):
    done = subprocess.run(["openssl", "dgst", "-sm3", "-r"], input=text.encode(), stdout=subprocess.PIPE, check=True)
    return done.stdout.split()[0].decode()


def local_path(base, link):
    """A link as a path of this site, without its fragment; None when it leads elsewhere."""
    whole = urllib.parse.urljoin(base + "/", link)
    if not whole.startswith(base + "/"):
        return None
    return whole[len(base):].split("#")[0]


def until(condition, seconds=60, every=0.05):
    """The first true value of `condition()`, polled; fails when it never is."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(every)


def sms_gateway(client, code, url, **fields):
    """A gateway of short messages, tried and switched on by an administrator; answers its number."""
    made = client.send("POST", "/api/r/sms_gateway", {"code": code, "name": f"短信平台 {code}", "url": url, **fields})
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    tried = client.post(f"/messages/gateways/{number}/test", {"phone": "13800009999"})
    assert tried.status_code == 303, Markup(tried.text).text
    enabled = client.post(f"/r/sms_gateway/{number}/do/enable")
    assert enabled.status_code == 303, Markup(enabled.text).text
    return number
