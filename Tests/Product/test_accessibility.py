"""Every kind of page on a desktop, on a phone and in elder mode: axe finds nothing, nothing is cut off at the side."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from pages import KINDS, address

SCRIPT = Axe().axe_script
# Of a long list the first rows are looked at: the others are made by the same lines.
LOOK = """options => axe.run({exclude: [["tbody > tr:nth-child(n + 31)"]]}, options).then(result => result.violations)"""
EVERYTHING = {"resultTypes": ["violations"]}
# Larger text is another style on the same markup.
OF_STYLE = {
    **EVERYTHING,
    "runOnly": {"type": "rule", "values": [
        "color-contrast", "target-size", "link-in-text-block", "scrollable-region-focusable", "avoid-inline-spacing"]},
}


def check(page, options=EVERYTHING):
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT)
    violations = page.evaluate(LOOK, options)
    told = [f"{found['id']}: {node['target']} {node['html'][:160]}" for found in violations for node in found["nodes"]]
    assert not told, "\n".join(told)
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_can_use(kind, visit, city):
    account, path = address(kind, city)
    page = visit(account)
    page.goto(path)
    check(page)
    # The same page on a phone, and with the largest text on a phone.
    page = visit(account, "phone")
    page.goto(path)
    check(page)
    page.evaluate("document.documentElement.classList.add('elder', 'text-largest')")
    check(page, OF_STYLE)


def test_what_scripts_open_can_be_used_too(visit, city):
    page = visit("officer")
    page.goto("/r/address?sort=code")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="搜索")
    palette.get_by_role("combobox").fill("米市")
    palette.get_by_role("option").first.wait_for()
    check(page)
    page.keyboard.press("Escape")
    page.locator("[data-row-link]").first.click()
    page.locator("[data-panel-title]").wait_for()
    check(page)
    page.locator("#panel").get_by_role("link", name="标记错误").click()
    page.get_by_role("dialog").get_by_role("button", name="标记错误").wait_for()
    check(page)
