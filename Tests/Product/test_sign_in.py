"""Signing in and out, and what each role finds on the first page."""

import re

import pytest
from conftest import sign_in
from playwright.sync_api import expect


def test_wrong_password_says_so_and_keeps_the_account(visit):
    page = visit()
    sign_in(page, "leader", "Wrong-2026")
    expect(page.get_by_role("alert")).to_contain_text("密码")
    expect(page.get_by_label("账号")).to_have_value("leader")
    expect(page.get_by_label("密码")).to_have_value("")


def test_after_signing_in_the_page_that_was_asked_for_opens(visit, city):
    page = visit()
    page.goto("/r/address?kind=building")
    expect(page).to_have_url(re.compile("/sign-in"))
    page.get_by_label("账号").fill("clerk")
    page.get_by_label("密码").fill(city.accounts["clerk"])
    page.get_by_role("button", name="登录").click()
    expect(page).to_have_url(re.compile(r"/r/address\?kind=building"))
    expect(page.get_by_role("heading", level=1)).to_have_text("标准地址")


def test_after_signing_out_pages_are_closed(visit, city):
    page = visit()
    sign_in(page, "grid", city.accounts["grid"])
    page.locator(".account summary").click()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_text("已退出登录")).to_be_visible()
    page.goto("/r/address")
    expect(page).to_have_url(re.compile("/sign-in"))


@pytest.mark.parametrize(
    "account, title, tile, missing",
    [
        ("leader", "各县（市、区）标准地址", "实有人口", "导入地址"),
        ("tongchuan", "各街道（乡镇）标准地址", "实有单位", "在线用户"),
        ("officer", "各类标准地址", "待巡检地址", "审计日志"),
        ("clerk", "登记人口", "房屋", "在线用户"),
        ("sysadmin", "登记表", "数据字典", "标准地址"),
        ("secadmin", "在线用户", "角色与权限", "标准地址"),
        ("auditor", "审计日志", "我的任务", "标准地址"),
        ("resident", "我的住址", "谁看过我的信息", "我的任务"),
    ],
)
def test_first_page_fits_the_role(visit, account, title, tile, missing):
    page = visit(account)
    page.goto("/")
    content = page.get_by_role("main")
    expect(content).to_contain_text(title)
    expect(content).to_contain_text(tile)
    expect(content).not_to_contain_text(missing)
    # Every link of the first page and of its frame leads somewhere.
    links = page.eval_on_selector_all("a[href^='/']", "all => [...new Set(all.map(a => a.getAttribute('href')))]")
    for link in links:
        assert page.request.get(link).status == 200, link


def test_a_resident_finds_the_own_address_first(visit, city):
    page = visit("resident", "phone")
    page.goto("/")
    resident = city.resident()
    page.get_by_role("link", name=resident["full_name"]).click()
    expect(page).to_have_url(re.compile(f"/d/{resident['code']}$"))


def test_an_officer_orders_chosen_users_to_change_their_passwords(city, clients, newcomer):
    chosen, other, officer = newcomer(), newcomer(), clients("secadmin")
    ticked = officer.post("/r/app_user/batch", {"action": "order_password", "id": chosen.user})
    assert ticked.status_code == 303 and ticked.headers["Location"] == f"/users/order-password?users={chosen.user}"
    asked = officer.get(ticked.headers["Location"])
    assert asked.status_code == 200 and "要求 1 位用户修改密码" in asked.text
    assert clients("sysadmin").post("/users/order-password", {"users": chosen.user}).status_code == 403
    assert officer.post("/users/order-password", {"users": "1,x"}).status_code == 400
    assert officer.post("/users/order-password", {"users": chosen.user}).status_code == 303
    demanded = chosen.http.get(chosen.base + "/inbox", allow_redirects=False, timeout=60)
    assert demanded.status_code == 303 and demanded.headers["Location"] == "/account/password"
    assert other.get("/inbox").status_code == 200
    assert city.sql("select count(*) from audit_entry where action = 'credential.order-change'") != "0"
