"""What the three administrators do: sessions, the audit log and its chain."""

import re

from conftest import sign_in
from playwright.sync_api import expect


def test_a_session_that_is_ended_must_sign_in_again(visit, newcomer):
    one = newcomer(role="grid_worker")
    worker = visit()
    sign_in(worker, one.account, one.password)
    expect(worker.get_by_role("heading", level=1)).to_have_text("工作台")
    page = visit("secadmin")
    page.goto("/online")
    mine = page.get_by_role("row").filter(has=page.get_by_text(one.account, exact=True))
    # The one they chose their password in, and the browser's.
    expect(mine).to_have_count(2)
    for left in (1, 0):
        mine.first.get_by_role("button", name="强制下线").click()
        expect(page.get_by_text("该会话已强制下线。")).to_be_visible()
        expect(mine).to_have_count(left)
    worker.goto("/r/address")
    expect(worker).to_have_url(re.compile("/sign-in"))


def test_the_log_speaks_chinese_and_can_be_narrowed(visit, city):
    clerk = visit("clerk")
    clerk.goto("/r/person")
    page = visit("auditor")
    page.goto("/logs")
    actions = page.locator("tbody tr td:nth-child(4)")
    assert actions.count() > 0
    for text in actions.all_inner_texts() + page.locator("tbody tr td:nth-child(5)").all_inner_texts():
        assert not re.fullmatch("[a-z_.-]+", text), text
    # Whoever asks for one kind of action gets it from every register.
    page.get_by_label("操作", exact=True).select_option(label="查看列表")
    expect(page).to_have_url(re.compile("action=list"))
    assert set(page.locator("tbody tr td:nth-child(4)").all_inner_texts()) == {"查看列表"}
    page.locator("tbody tr").filter(has_text="人口").first.get_by_role("link").first.click()
    expect(page.get_by_role("main")).to_contain_text("查看列表（person.list）")
    name = city.sql("select name from app_user where account = 'clerk'")
    expect(page.get_by_role("main")).to_contain_text(name)


def test_the_chain_is_verified_on_a_page(visit):
    page = visit("auditor")
    page.goto("/logs")
    page.get_by_role("button", name="校验日志链").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("日志链校验")
    expect(page.get_by_role("main")).to_contain_text("日志链完整")
    assert int(re.search(r"共校验 ([\d,]+) 条", page.get_by_role("main").inner_text())[1].replace(",", "")) > 0


def test_the_list_of_users_shows_their_roles_and_is_narrowed_by_one(visit, city):
    role, name = city.sql(
        "select r.id, r.name from role r join user_role h on h.role_id = r.id join app_user u on u.id = h.user_id "
        "where u.account = 'clerk'").split("|")
    page = visit("sysadmin")
    page.goto("/r/app_user?size=500")
    row = page.locator("tbody tr").filter(has=page.get_by_text("clerk", exact=True))
    expect(row).to_contain_text(name)
    page.goto(f"/r/app_user?size=500&roles={role}")
    expect(page.get_by_role("group", name="正在使用的筛选")).to_contain_text(name)
    held = int(city.sql(f"select count(distinct user_id) from user_role where role_id = {role}"))
    expect(page.locator("tbody tr")).to_have_count(held)
    expect(row).to_have_count(1)
