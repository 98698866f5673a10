"""Arranging the menu in the browser (B1-241)."""

import secrets

from playwright.sync_api import expect


def row(page, name):
    return page.locator("tbody tr").filter(has=page.get_by_text(name, exact=True))


def renamed(page, name):
    return page.locator("tbody tr").filter(has_text=name)


def test_a_shipped_entry_is_renamed_ordered_and_put_back(visit):
    page, name = visit("sysadmin"), f"岗位表{secrets.token_hex(2)}"
    page.goto("/settings/menu")
    row(page, "岗位").get_by_role("link").first.click()
    page.get_by_label("名称").fill(name)
    page.get_by_role("button", name="保存入口").click()
    expect(page.get_by_text(f"已保存“{name}”")).to_be_visible()
    expect(renamed(page, name)).to_contain_text("已改名")
    expect(page.locator("#menu")).to_contain_text(name)
    before = page.locator("tbody tr").all_inner_texts()
    place = next(index for index, text in enumerate(before) if name in text)
    # By keyboard, as every button.
    renamed(page, name).get_by_role("button", name="上移").focus()
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr").nth(place - 1)).to_contain_text(name)
    renamed(page, name).get_by_role("link").first.click()
    page.locator("summary").filter(has_text="更多").click()
    page.get_by_role("link", name="恢复交付时的样子").click()
    page.get_by_role("button", name="恢复这个菜单").click()
    expect(page.locator("#menu")).not_to_contain_text(name)
    expect(row(page, "岗位").first).to_contain_text("预置")


def test_an_own_group_shows_to_those_only_who_may_open_what_is_in_it(visit, clients):
    admin, name = clients("sysadmin"), f"常用{secrets.token_hex(3)}"
    assert admin.post("/settings/menu/new", {"kind": "group", "name": name, "shown": "on"}).status_code == 303
    page = visit("sysadmin")
    page.goto("/settings/menu")
    expect(row(page, name)).to_contain_text("自建")
    page.goto("/settings/menu/new?kind=page")
    page.get_by_label("名称").fill("通川区地址")
    page.get_by_label("所在分组").select_option(label=name)
    page.locator("#f-path").fill("/r/nothing")
    page.get_by_role("button", name="新增入口").click()
    expect(page.get_by_role("alert")).to_contain_text("没有名为“nothing”的登记表")
    page.locator("#f-path").fill("/r/address?division_code.prefix=511702")
    page.get_by_role("button", name="新增入口").click()
    expect(page.get_by_text("已新增“通川区地址”")).to_be_visible()
    # The administrator may not open addresses, so the menu of theirs has neither the entry nor its group.
    expect(page.locator("#menu")).not_to_contain_text(name)
    leader = visit("leader")
    leader.goto("/")
    expect(leader.locator("#menu")).to_contain_text(name)
    leader.locator("#menu summary").filter(has_text=name).click()
    leader.locator("#menu").get_by_role("link", name="通川区地址").click()
    expect(leader.get_by_role("heading", level=1)).to_have_text("标准地址")
    assert clients("clerk").get("/settings/menu").status_code == 403
    assert clients("clerk").post("/settings/menu/move", {"key": "/r/post", "direction": "up"}).status_code == 403


def test_what_a_role_sees_is_previewed(visit, city):
    role = city.sql("select id from role where code = 'auditor'")
    page = visit("sysadmin")
    page.goto(f"/settings/menu/preview?role={role}")
    preview = page.get_by_role("main")
    expect(preview).to_contain_text("审计日志")
    expect(preview).not_to_contain_text("数据字典")
