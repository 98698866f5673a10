"""Document camera and card reader at the window: the program on the officer's own PC that leads to them, played."""

import re

import pytest
import requests
from playwright.sync_api import expect
from clients import Client

CODE = "20260807"
FORM = "/services/hukou_025/apply"


@pytest.fixture(scope="module")
def bridge(city):
    port = city.sql("select value #>> '{}' from parameter_value where name = 'bridge.port'")
    assert port.isdigit(), "the demo city has a bridge"
    return f"http://127.0.0.1:{port}"


def form(visit, account="huji", size="desktop"):
    page = visit(account, size)
    page.goto(FORM)
    return page


def paired(page):
    page.evaluate(f"localStorage.setItem('bridge-code', '{CODE}')")
    return page


def read_card(page):
    page.locator('[data-field="applicant_document"] [data-bridge-read], .field:has([name="applicant_document"]) [data-bridge-read]').first.click()


def shoot(page):
    material = page.locator(".material:has([data-bridge-shoot])").first
    material.locator("[data-bridge-shoot]").click()
    return material, page.get_by_role("dialog", name="高拍仪拍摄")


def kept_picture(page):
    """Size and colours near three corners of the one picture that the form keeps."""
    page.get_by_role("button", name="暂存").click()
    page.wait_for_url("**/services")
    page.goto(FORM)
    link = page.locator(".file-list a").last
    assert link.inner_text().endswith(".jpg")
    return page.evaluate(
        """async path => {
          const picture = await createImageBitmap(await (await fetch(path)).blob());
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [picture.width, picture.height];
          const drawing = canvas.getContext('2d');
          drawing.drawImage(picture, 0, 0);
          const name = (x, y) => {
            const [red, green, blue] = drawing.getImageData(x, y, 1, 1).data;
            return red > 150 && blue < 90 ? 'red' : blue > 150 && red < 90 ? 'blue' : green > 110 && red < 90 ? 'green' : 'other';
          };
          const [right, bottom] = [picture.width - 21, picture.height - 61];
          return { size: [picture.width, picture.height], corners: [name(20, 60), name(right, 60), name(right, bottom)] };
        }""", link.get_attribute("href"))


def test_a_card_fills_the_form_and_leaves_no_trace_in_the_browser(city, visit):
    own = Client(city.base)
    own.sign_in("resident", city.accounts["resident"])
    text = own.get("/services/hukou_045/apply").text
    name, number = (re.search(rf'name="applicant_{part}"[^>]*value="([^"]+)"', text).group(1) for part in ("name", "document"))
    page = form(visit)
    # Whatever an earlier draft of this officer had.
    for field in ("applicant_name", "applicant_document"):
        page.locator(f"[name={field}]").fill("")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    read_card(page)
    # This PC was never paired; a wrong code is asked for again.
    for code in ("falsch", CODE):
        dialog = page.get_by_role("dialog", name="配对本机设备")
        dialog.get_by_label("配对码").fill(code)
        dialog.get_by_role("button", name="配对").click()
    page.get_by_text("来自身份证").first.wait_for()
    assert page.locator("[name=applicant_document]").input_value() == number
    assert page.locator("[name=applicant_name]").input_value() == name
    assert "来自身份证" in page.locator(".form-page").inner_text()
    # What was typed is compared, not overwritten.
    page.locator("[name=applicant_name]").fill("错名")
    read_card(page)
    page.locator("[data-error-summary]").wait_for()
    assert f"卡上是“{name}”" in page.locator("[data-error-summary]").inner_text()
    assert page.locator("[name=applicant_name]").input_value() == "错名"
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert number not in kept and name not in kept
    assert not [url for url in asked + [page.url] if number in url]
    assert number not in open(city.log, errors="replace").read()
    assert city.sql("select count(*) from audit_entry where purpose like '受理%时带入'") != "0"


def test_what_is_no_card_is_refused_and_told(city, clients):
    huji = clients("huji")
    card = {"_fill": "card.read", "_card.field": "applicant_document", "_card.name": "王芳", "_card.birth_date": "1996-03-07"}
    wrong = huji.post(FORM, {**card, "_card.number": "511702199603071224"})
    assert wrong.status_code == 422 and "读出的号码不对" in wrong.text
    other = huji.post(FORM, {**card, "_card.number": "511702199603071223", "_card.birth_date": "1996-03-08"})
    assert other.status_code == 422 and "读出的号码不对" in other.text
    old = huji.post(FORM, {**card, "_card.number": "511702199603071223", "_card.valid_to": "2020-01-01"})
    assert old.status_code == 422 and "已于 2020-01-01 到期" in old.text
    # Somebody from elsewhere is in no register: the card alone fills the form.
    stranger = huji.post(FORM, {**card, "_card.number": "110101198001010010", "_card.birth_date": "1980-01-01", "_card.name": "陈远"})
    assert stranger.status_code == 200 and "人口登记里没有此人" in stranger.text
    assert re.search(r'name="applicant_name"[^>]*value="陈远"', stranger.text)
    # What was read goes into fields of the form only.
    assert 'name="_card' not in stranger.text
    assert huji.post(FORM, {**card, "_card.field": "id", "_card.number": "511702199603071223"}).status_code == 400
    # Nobody reads cards into a form from home.
    assert clients("resident").post(FORM, {**card, "_card.number": "511702199603071223"}).status_code in (403, 404)


def test_a_paper_is_turned_cut_with_keys_and_kept_upright(visit):
    page = paired(form(visit))
    material, dialog = shoot(page)
    dialog.get_by_text("已拍好").wait_for()
    dialog.get_by_role("button", name="左转").click()
    for _ in range(2):
        dialog.get_by_role("button", name="右转").click()
    dialog.get_by_role("button", name="框选").click()
    for _ in range(5):
        page.keyboard.press("Shift+ArrowUp")
    dialog.get_by_role("button", name="使用这张").click()
    expect(material.locator("[data-file-chosen]")).to_contain_text("高拍1.jpg")
    # The focus returns to where the officer was.
    assert page.evaluate("document.activeElement.matches('[data-bridge-shoot]')")
    kept = kept_picture(page)
    assert kept["size"] == [960, 1120] and kept["corners"][:2] == ["green", "red"]


def test_a_portrait_is_cut_with_the_pointer_on_a_small_screen(visit):
    page = paired(form(visit, size="phone"))
    _, dialog = shoot(page)
    dialog.get_by_text("已拍好").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dialog.get_by_role("button", name="拍人像").click()
    dialog.get_by_text("已拍好").wait_for()
    dialog.get_by_role("button", name="框选").click()
    stage = dialog.locator(".bridge-stage").bounding_box()
    # From the frame's lower right corner to the middle of the picture.
    page.mouse.move(stage["x"] + stage["width"] * 0.9 - 5, stage["y"] + stage["height"] * 0.9 - 5)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.5, stage["y"] + stage["height"] * 0.5, steps=4)
    page.mouse.up()
    dialog.get_by_role("button", name="使用这张").click()
    width, height = kept_picture(page)["size"]
    assert abs(width - 480) < 25 and abs(height - 640) < 25, (width, height)


def answering(answer):
    """A bridge that gives this answer to whoever asks for a card."""
    def handle(route):
        if route.request.method != "POST":
            return route.continue_()
        return route.fulfill(headers={"Access-Control-Allow-Origin": "*"}, **answer)
    return handle


def test_without_the_program_the_form_is_as_before(visit, bridge):
    page = paired(form(visit))
    page.route(f"{bridge}/**", lambda route: route.abort())
    read_card(page)
    page.get_by_text("没有连上本机的设备桥程序").wait_for()
    _, dialog = shoot(page)
    dialog.get_by_text("没有连上本机的设备桥程序").wait_for()
    assert dialog.get_by_role("button", name="使用这张").is_disabled()
    page.keyboard.press("Escape")
    page.unroute(f"{bridge}/**")
    for answer, said in (
            ({"status": 503, "json": {"code": "device-missing", "message": ""}}, "没有找到设备"),
            ({"status": 422, "json": {"code": "no-card", "message": ""}}, "没有读到身份证"),
            ({"status": 200, "json": {"kind": "library_card"}}, "看不懂")):
        page.route(f"{bridge}/v1/card/read", answering(answer))
        read_card(page)
        page.get_by_text(said).wait_for()
        page.unroute(f"{bridge}/v1/card/read")
    page.problems[:] = [problem for problem in page.problems if "Failed to load resource" not in problem]


def test_other_pages_and_other_policies_are_kept_out(city, visit, clients, bridge):
    headers = {"Origin": city.base, "X-Lifang-Bridge": CODE}
    assert requests.get(f"{bridge}/v1/devices", headers=headers).status_code == 200
    for origin in ("http://evil.example", "null", None):
        answer = requests.post(f"{bridge}/v1/card/read", json={}, headers={**headers, "Origin": origin})
        assert answer.status_code == 403 and "Access-Control-Allow-Origin" not in answer.headers
    assert requests.get(f"{bridge}/v1/devices", headers={**headers, "Host": "rebound.example"}).status_code == 403
    assert requests.post(f"{bridge}/v1/card/read", json={}, headers={**headers, "X-Lifang-Bridge": "x"}).status_code == 401
    preflight = requests.options(f"{bridge}/v1/card/read", headers={"Origin": city.base})
    assert preflight.headers["Access-Control-Allow-Origin"] == city.base
    assert preflight.headers["Access-Control-Allow-Private-Network"] == "true"
    # Only pages that use it may reach it, and they nothing else.
    policy = clients("huji").get(FORM).headers["Content-Security-Policy"]
    assert policy.endswith(f"; connect-src 'self' {bridge}")
    for account, path in (("huji", "/services/hukou_025"), ("huji", "/inbox"), ("resident", "/services/hukou_001/apply")):
        assert "connect-src" not in clients(account).get(path).headers["Content-Security-Policy"]
    assert "data-bridge" not in clients("resident").get("/services/hukou_001/apply").text
    page = form(visit)
    refused = page.evaluate(
        """() => new Promise(done => {
          addEventListener('securitypolicyviolation', event => done(event.effectiveDirective), { once: true });
          fetch('http://127.0.0.1:9/').catch(() => {});
        })""")
    assert refused == "connect-src"
    page.problems.clear()


def test_administrators_switch_the_devices_off(clients):
    admin = clients("sysadmin")
    bad = admin.post("/settings/parameters/bridge.port", {"value": "80"})
    assert bad.status_code in (400, 422)
    try:
        assert admin.post("/settings/parameters/bridge.enabled", {}).status_code == 303
        page = clients("huji").get(FORM)
        assert "data-bridge" not in page.text and "connect-src" not in page.headers["Content-Security-Policy"]
    finally:
        assert admin.post("/settings/parameters/bridge.enabled", {"value": "true"}).status_code == 303
