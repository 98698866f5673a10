"""A server with a small demo city, and browsers signed in to it; everything is ended when the run ends."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import pytest
from playwright.sync_api import sync_playwright
from visitors import clients, elsewhere, newcomer, own_city, stranger  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def executable():
    """What `LIFANG_BINARY` names, else the release build (bin/run made it), else the one the Swift tests were built with."""
    if named := os.environ.get("LIFANG_BINARY"):
        return pathlib.Path(named)
    for kind in ("release", "debug"):
        path = ROOT / ".build" / kind / "lifang"
        if path.exists():
            return path
    pytest.exit("lifang is not built; bin/test builds it", 2)


RUNNING = []


@pytest.fixture(autouse=True)
def still_running():
    """A server that fell is told at the test that felled it, and no further test is tried."""
    yield
    for city in RUNNING:
        if (code := city.server.poll()) is not None:
            text = pathlib.Path(city.log).read_text(errors="replace")
            crash = text.find("crashed")
            pytest.exit(f"the server ended with {code}:\n{text[crash - 1500:crash + 4000] if crash > 0 else text[-4000:]}", 3)


def sow(data):
    """Begins with a copy of the data folder that `LIFANG_SEED` names, whose cluster must be stopped: spares a developer
    who runs the tests again and again the making of the demo city."""
    if seed := os.environ.get("LIFANG_SEED"):
        subprocess.run(["cp", "-a", "--reflink=auto", seed, data], check=True)


@pytest.fixture(scope="session")
def executable_path():
    return executable()


class City:
    def __init__(self, data, port, lifang):
        self.data, self.port, self.lifang = data, port, lifang
        self.base = f"http://127.0.0.1:{port}"
        self.accounts = {entry["account"]: entry["password"] for entry in json.loads(self.run("demo", "accounts", "--json"))}

    def run(self, *arguments, check=True):
        done = subprocess.run([self.lifang, *arguments, "--data", self.data], stdout=subprocess.PIPE, text=True, check=check)
        return done.stdout

    def sql(self, statement):
        conninfo = self.run("cluster", "conninfo").strip().splitlines()[-1]
        done = subprocess.run(["psql", "-XAtq", "-d", conninfo, "-c", statement], stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()


@pytest.fixture(scope="session")
def city():
    with tempfile.TemporaryDirectory(prefix="lifang-browser-") as folder:
        os.chmod(folder, 0o755)
        data = os.path.join(folder, "data")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        lifang = executable()
        sow(data)
        log = open(os.path.join(folder, "server.log"), "wb")
        server = subprocess.Popen(
            [lifang, "serve", "--demo", "--demo-scale", "0.003", "--data", data, "--port", str(port)],
            stdout=log, stderr=log)
        try:
            until = time.monotonic() + 300
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                        if answer.status == 200:
                            break
                except OSError:
                    pass
                if server.poll() is not None or time.monotonic() > until:
                    log.flush()
                    pytest.exit("the server did not start:\n" + pathlib.Path(log.name).read_text()[-3000:], 2)
                time.sleep(0.1)
            city = City(data, port, lifang)
            city.log, city.server = log.name, server
            RUNNING.append(city)
            yield city
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            subprocess.run([lifang, "cluster", "stop", "--data", data], stdout=subprocess.DEVNULL)
            log.close()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def states(chromium, city):
    """Signed-in storage states, one sign-in an account for the whole run."""
    kept = {}

    def state(account):
        if account not in kept:
            context = chromium.new_context(base_url=city.base)
            page = context.new_page()
            page.goto("/sign-in")
            page.locator('input[name=account]').fill(account)
            page.locator('input[name=password]').fill(city.accounts[account])
            page.get_by_role("button", name="登录").click()
            page.wait_for_url(lambda url: "/sign-in" not in url)
            kept[account] = context.storage_state()
            context.close()
        return kept[account]

    return state


@pytest.fixture
def visit(chromium, city, states):
    """`visit(account, size)` opens a page of that account's; None is a stranger."""
    contexts = []

    def open_page(account=None, size="desktop", **options):
        context = chromium.new_context(
            base_url=city.base, viewport=SIZES[size], storage_state=states(account) if account else None,
            locale="zh-CN", **options)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
