"""A server with a small demo city, and browsers signed in to it; everything is ended when the run ends."""

import os
import pathlib
import tempfile

import pytest
from playwright.sync_api import sync_playwright
from servers import City, prepare
from visitors import clients, elsewhere, newcomer, own_city, phones, stranger  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu-compositing", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.add_cleanup(prepare())


def executable():
    """`LIFANG_BINARY`, or the release build when there is one (bin/run made it), or the one the Swift tests run with."""
    if named := os.environ.get("LIFANG_BINARY"):
        # It may lie outside the tree, where it would not find its resources by itself.
        os.environ.setdefault("LIFANG_RESOURCES", str(ROOT))
        return pathlib.Path(named)
    for kind in ("release", "debug"):
        path = ROOT / ".build" / kind / "lifang"
        if path.exists():
            return path
    pytest.exit("lifang is not built; bin/test builds it", 2)


RUNNING = []


def give_up(message, code):
    """Ends the round. A round in parts loses what its parts say at their end, so it stands in a file too."""
    (ROOT / ".lifang" / "given-up.log").write_text(message)
    pytest.exit(message, code)


@pytest.fixture(autouse=True)
def still_running():
    """A server that fell is told at the test that felled it, and no further test is tried."""
    yield
    for city in RUNNING:
        if (code := city.process.poll()) is not None:
            text = pathlib.Path(city.log).read_text(errors="replace")
            crash = text.find("crashed")
            give_up(f"the server ended with {code}:\n{text[crash - 1500:crash + 4000] if crash > 0 else text[-4000:]}", 3)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows what the servers logged as errors last."""
    report = (yield).get_result()
    if report.failed:
        for city in RUNNING:
            lines = pathlib.Path(city.log).read_text(errors="replace").splitlines()
            if errors := [line for line in lines if '"level":"error"' in line]:
                report.sections.append(("errors in the server's log", "\n".join(errors[-8:])))


@pytest.fixture(scope="session")
def executable_path():
    return executable()


@pytest.fixture(scope="session")
def city():
    with tempfile.TemporaryDirectory(prefix="lifang-browser-") as folder:
        os.chmod(folder, 0o755)
        city = City(executable(), folder)
        try:
            try:
                city.sow().start()
            except AssertionError as error:
                give_up(f"the server did not start:\n{error}", 2)
            city.let_everybody_stay_signed_in()
            RUNNING.append(city)
            yield city
        finally:
            city.stop()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium-headless-shell", args=ARGUMENTS)
        yield browser
        browser.close()


def sign_in(page, account, password):
    page.goto("/sign-in")
    page.get_by_label("账号").fill(account)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()


@pytest.fixture(scope="session")
def states(chromium, city):
    """Signed-in storage states, one sign-in an account for the whole run."""
    kept = {}

    def state(account):
        if account not in kept:
            context = chromium.new_context(base_url=city.base)
            page = context.new_page()
            sign_in(page, account, city.accounts[account])
            page.wait_for_url(lambda url: "/sign-in" not in url)
            kept[account] = context.storage_state()
            context.close()
        return kept[account]

    return state


def is_problem(message):
    """Whether the console complains of more than an answer that says no, which a test expects or checks itself."""
    return message.type == "error" and "the server responded with a status of" not in message.text


@pytest.fixture(scope="session")
def windows(chromium, city, states):
    """Browser windows by account and size, kept for the whole run with what they have cached."""
    kept = {}

    def window(account, size):
        if (account, size) not in kept:
            context = chromium.new_context(
                base_url=city.base, viewport=SIZES[size], has_touch=size == "phone", is_mobile=size == "phone",
                locale="zh-CN", service_workers="block")
            context.set_default_timeout(20_000)
            kept[account, size] = context
        return kept[account, size]

    yield window
    for context in kept.values():
        context.close()


@pytest.fixture
def visit(windows, states):
    """`visit(account, size)` opens a page of that account's; None is a stranger. No script may fail on it."""
    pages = []

    def open_page(account=None, size="desktop"):
        context = windows(account, size)
        if not any(page.context == context for page in pages):
            context.clear_cookies()
            if account:
                context.add_cookies(states(account)["cookies"])
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: page.problems.append(message.text) if is_problem(message) else None)
        pages.append(page)
        return page

    yield open_page
    problems = [problem for page in pages for problem in page.problems]
    for page in pages:
        # What a page keeps in the browser is for the next page of this test only.
        if page.url.startswith("http"):
            page.evaluate("localStorage.clear(), sessionStorage.clear()")
        page.close()
    assert not problems
