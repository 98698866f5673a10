"""Large text, no scripts, paper."""

import re
import secrets

import pytest
from conftest import SIZES, sign_in
from playwright.sync_api import expect


def test_elder_mode_enlarges_text_and_targets_and_is_remembered(visit):
    page = visit("clerk", "phone")
    page.goto("/")
    page.locator("summary[title='字号与长辈模式']").click()
    with page.expect_response(re.compile("/text-size")):
        page.get_by_role("button", name="特大").click()
    page.goto("/r/address")
    body = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    assert body == 24
    small = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && [...e.childNodes].some(
          n => n.nodeType === 3 && n.data.trim())).map(e => parseFloat(getComputedStyle(e).fontSize)).sort((a, b) => a - b)[0]""")
    assert small >= 18
    for button in page.locator("main .button:visible").all():
        assert button.bounding_box()["height"] >= 56


@pytest.fixture
def plain(chromium, city):
    """A signed-in page without scripts."""
    context = chromium.new_context(base_url=city.base, viewport=SIZES["desktop"], java_script_enabled=False)
    context.set_default_timeout(20_000)
    page = context.new_page()
    sign_in(page, "station", city.accounts["station"])
    expect(page.get_by_role("heading", level=1)).to_have_text("工作台")
    yield page
    context.close()


def test_without_scripts_lists_can_be_narrowed_and_records_changed(plain, city):
    page, former = plain, f"东风大院{secrets.token_hex(2)}"
    page.locator(".sidemenu summary").filter(has_text="地名地址").click()
    page.locator(".sidemenu").get_by_role("link", name="标准地址").click()
    # There are several of that name: the list says so instead of showing everything.
    page.get_by_role("textbox", name="所在区划").fill("百花社区")
    page.get_by_role("button", name="查询").click()
    expect(page.get_by_role("main")).to_contain_text("“百花社区”可能指通川区东城街道百花社区")
    page.go_back()
    page.get_by_role("combobox", name="地址类型").select_option(label="小区")
    page.get_by_role("textbox", name="所在区划").fill("通川区东城街道百花社区")
    page.get_by_role("button", name="查询").click()
    expect(page.locator(".chip")).to_have_count(2)
    page.locator("tbody [data-row-link]").first.click()
    page.get_by_role("link", name="修改").click()
    page.get_by_label("邮政编码").fill("63500")
    page.get_by_label("曾用名").fill(former)
    division = page.get_by_role("textbox", name="所在区划")
    place = division.input_value()
    # Without scripts the code stays behind in the form when its name is taken out or typed over.
    for wrong in ("", "没有这个社区"):
        division.fill(wrong)
        page.get_by_role("button", name="保存修改").click()
        expect(page.get_by_role("alert")).to_contain_text("区划")
        expect(page.get_by_label("曾用名")).to_have_value(former)
        expect(division).to_have_value(wrong)
    division.fill(place)
    page.get_by_role("button", name="保存修改").click()
    expect(page.get_by_role("main")).to_contain_text(former)


def test_without_scripts_a_table_is_imported(plain, city):
    page = plain
    page.goto("/import/addresses")
    lane = "无名" + "".join(secrets.choice("甲乙丙丁戊己庚辛壬癸") for _ in range(6)) + "巷"
    row = f"四川省达州市通川区东城街道百花社区{lane}5号"
    page.locator("input[type=file]").set_input_files(
        {"name": "无脚本.csv", "mimeType": "text/csv", "buffer": f"地址\r\n{row}\r\n".encode()})
    page.get_by_role("button", name="上传并预览").click()
    expect(page.locator("tbody tr")).to_contain_text("新建")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="开始导入").click()
    # Nothing moves by itself here; the link that fetches the page again does.
    for _ in range(200):
        if page.locator(".progress .badge").inner_text() == "已完成":
            break
        page.get_by_role("link", name="刷新进度").click()
    expect(page.locator(".progress .badge")).to_have_text("已完成")
    assert city.sql(f"select count(*) from address where full_name like '%{lane}5号'") == "1"


def test_file_fields_speak_chinese_and_work_by_keyboard(visit):
    page = visit("station")
    # Choosers are caught from here on; begun at the key press, it may come too late.
    page.on("filechooser", lambda chooser: None)
    page.goto("/import/addresses")
    expect(page.locator(".file-button")).to_have_text("选择文件")
    field = page.locator("input[type=file]")
    for _ in range(60):
        page.keyboard.press("Tab")
        if field.evaluate("input => input === document.activeElement"):
            break
    expect(field).to_be_focused()
    outline = page.locator(".file-button").evaluate("button => getComputedStyle(button).outlineStyle")
    assert outline == "solid"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files({"name": "地址.csv", "mimeType": "text/csv", "buffer": b"a\n"})
    expect(page.locator(".file-chosen")).to_contain_text("地址.csv")


def test_a_detail_page_prints_without_the_frame(visit, city):
    record = city.sql("select id from address where kind = 'room' order by id limit 1")
    page = visit("leader")
    page.goto(f"/r/address/{record}")
    page.emulate_media(media="print")
    for part in (".topbar", ".sidemenu", ".page-title .actions", ".crumbs"):
        expect(page.locator(part).first).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    main = page.get_by_role("main").bounding_box()
    assert main["x"] < 20
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf(format="A4")) > 10_000
