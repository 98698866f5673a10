"""One record: looking, changing, two editors at once, history, actions, personal data for a purpose."""

import re
import secrets
import subprocess

from playwright.sync_api import expect


def some_address(city, where):
    return city.sql(f"select id from address where division_code = '511702001001' and version = 1 and {where} order by id limit 1")


def save(page, label="保存修改"):
    page.get_by_role("button", name=label).click()


def test_a_change_is_kept_beside_what_was_before(visit, city):
    record = some_address(city, "kind = 'compound'")
    path = f"/r/address/{record}"
    page = visit("clerk")
    page.goto(f"{path}/edit")
    page.get_by_label("别名").fill("老供销社大院")
    save(page)
    expect(page).to_have_url(re.compile(f"{path}$"))
    expect(page.get_by_role("main")).to_contain_text("老供销社大院")
    expect(page.locator(".subtitle")).to_contain_text("第 2 版")

    leader = visit("leader")
    leader.goto(path)
    leader.get_by_text("更多", exact=True).click()
    leader.get_by_role("link", name="历史版本").click()
    # Background work may have changed it too: the placing of addresses whose beat is new.
    moments = leader.locator(".moment")
    expect(moments.filter(has_text="未填写 → 老供销社大院")).to_have_count(1)
    oldest = moments.last
    expect(oldest).to_contain_text("新建")
    oldest.get_by_role("link", name="看那时的全部内容").click()
    expect(leader.get_by_text("这是", exact=False).first).to_be_visible()
    expect(leader.get_by_role("main")).not_to_contain_text("老供销社大院")
    leader.get_by_role("link", name="看现在的内容").click()
    expect(leader.get_by_role("main")).to_contain_text("老供销社大院")


def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(visit):
    page = visit("clerk")
    page.goto("/r/address/new")
    page.get_by_label("备注").fill("东侧巷口第二家")
    save(page, "保存标准地址")
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("请填写所在区划")
    summary.get_by_role("link", name="请填写所在区划").click()
    field = page.get_by_role("combobox", name="所在区划")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("百花社区")
    page.get_by_role("option").filter(has_text="百花社区").first.click()
    save(page, "保存标准地址")
    # What only the server can tell: no part of an address is there.
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("备注")).to_have_value("东侧巷口第二家")
    expect(page.get_by_role("combobox", name="所在区划")).to_have_value(re.compile("百花社区"))


def test_the_second_of_two_editors_is_told_and_keeps_what_was_typed(visit, city):
    record = some_address(city, "kind = 'building'")
    first, second = visit("clerk"), visit("officer")
    first_alias, second_alias = f"先到{secrets.token_hex(2)}", f"后到{secrets.token_hex(2)}"
    for page in (first, second):
        page.goto(f"/r/address/{record}/edit")
    first.get_by_label("别名").fill(first_alias)
    save(first)
    expect(first.get_by_role("main")).to_contain_text(first_alias)
    second.get_by_label("别名").fill(second_alias)
    save(second)
    expect(second.get_by_role("alert")).to_contain_text("改")
    expect(second.get_by_label("别名")).to_have_value(second_alias)
    assert city.sql(f"select alias from address where id = {record}") == first_alias


def test_an_address_made_of_its_parts_gets_code_page_and_qr(visit, city, tmp_path):
    page, number = visit("clerk"), 1000 + secrets.randbelow(8000)
    page.goto("/r/address/new")
    division = page.get_by_role("combobox", name="所在区划")
    division.fill("百花社区")
    page.get_by_role("option").filter(has_text="百花社区").first.click()
    page.get_by_label("街路巷").fill("向阳巷")
    page.get_by_label("门牌号", exact=True).fill(f"{number}号")
    save(page, "保存标准地址")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(f"四川省达州市通川区东城街道.*向阳巷{number}号"))
    code = page.locator(".detail").filter(has_text="地址编码").locator("dd").inner_text()
    assert re.fullmatch(r"511702001\d{10}", code)

    picture = tmp_path / "plate.png"
    picture.write_bytes(page.request.get(f"/d/{code}/qr.png").body())
    read = subprocess.run(["zbarimg", "--quiet", "--raw", picture], stdout=subprocess.PIPE, text=True, check=True)
    # The demo city signs what its codes say.
    assert re.search(rf"/d/{code}\?s=\d+$", read.stdout.strip())
    stranger = visit(size="phone")
    stranger.goto(read.stdout.strip())
    expect(stranger.get_by_role("heading", level=1)).to_contain_text(f"向阳巷{number}号")


def test_an_action_asks_first_and_then_shows_the_new_state(visit, city):
    record = some_address(city, "status = 'pending'")
    page = visit("officer")
    page.goto(f"/r/address/{record}")
    status = page.locator(".page-name .badge")
    expect(status).to_have_text("待巡检")
    page.get_by_role("link", name="确认", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("确认该地址已实地核查、准确无误？")
    dialog.get_by_role("link", name="先不确认").click()
    expect(dialog).to_be_hidden()
    expect(status).to_have_text("待巡检")
    page.get_by_role("link", name="确认", exact=True).click()
    dialog.get_by_role("button", name="确认").click()
    expect(status).to_have_text("已确认")
    expect(page.get_by_role("link", name="确认", exact=True)).to_have_count(0)


def test_who_acts_on_what_somebody_else_changed_meanwhile_is_told(visit, city):
    record = some_address(city, "status = 'pending' and kind = 'room'")
    first, second = visit("clerk"), visit("officer")
    second.goto(f"/r/address/{record}")
    first.goto(f"/r/address/{record}/edit")
    alias = f"先到{secrets.token_hex(2)}"
    first.get_by_label("别名").fill(alias)
    save(first)
    expect(first.get_by_role("main")).to_contain_text(alias)
    # The page that the officer acts from is older than the change.
    second.get_by_role("link", name="确认", exact=True).click()
    dialog = second.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("不是最新内容")
    assert city.sql(f"select status from address where id = {record}") == "pending"
    # Who has been told may go on.
    dialog.get_by_role("button", name="确认").click()
    expect(second.locator(".page-name .badge")).to_have_text("已确认")


def test_an_action_sent_with_an_older_version_changes_nothing_and_keeps_the_answers(clients, city):
    record = some_address(city, "status <> 'cancelled' and kind in ('building', 'room')")
    before, officer = city.sql(f"select status from address where id = {record}"), clients("officer")
    version = officer.json(f"/api/r/address/{record}").json()["version"]
    changed = clients("clerk").send("PATCH", f"/api/r/address/{record}", {"note": "旁人改的"})
    assert changed.status_code == 200, changed.text
    answer = {"error_kind": "other", "note": "门牌对不上"}
    refused = officer.post(f"/r/address/{record}/do/doubt", {"version": str(version), **answer})
    assert refused.status_code == 409
    assert "门牌对不上" in refused.text and "旁人改的" not in refused.text
    assert city.sql(f"select status, note from address where id = {record}") == f"{before}|旁人改的"


def test_personal_data_in_full_needs_a_purpose(visit, city):
    person = city.sql_of_persons(
        "select p.id from person p join address a on a.id = p.address_id where a.division_code = '511702001001' "
        "and p.resident_id is not null order by p.id limit 1")
    page = visit("officer")
    page.goto(f"/r/person/{person}")
    number = page.locator(".detail").filter(has_text="身份证号").locator("dd")
    expect(number).to_contain_text("*")
    number.get_by_role("link", name="查看完整信息").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="查看完整信息").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请选择用途")
    dialog.get_by_label("用途").select_option("案件办理")
    dialog.get_by_label("说明").fill("浏览器测试核对")
    dialog.get_by_role("button", name="查看完整信息").click()
    expect(page.get_by_role("main")).to_contain_text("用途：案件办理：浏览器测试核对")
    expect(page.locator(".detail").filter(has_text="身份证号").locator("dd")).to_have_text(re.compile(r"^\d{17}[\dX]$"))


def test_a_person_learns_who_looked_and_why(visit, city):
    page = visit("station", "phone")
    page.goto(f"/r/person/{city.resident()['person']}/reveal")
    page.get_by_label("用途").select_option("群众求助")
    reason = f"寻人{secrets.token_hex(2)}"
    page.get_by_label("说明").fill(reason)
    page.get_by_role("button", name="查看完整信息").click()
    expect(page.get_by_role("main")).to_contain_text(f"用途：群众求助：{reason}")

    resident = visit("resident")
    resident.goto("/")
    resident.get_by_role("main").get_by_role("link", name="谁看过我的信息").click()
    look = resident.locator("tbody tr").filter(has_text=reason)
    expect(look).to_contain_text("派出所")


def test_why_a_record_can_be_seen_is_explained(visit, city):
    page = visit("officer")
    page.goto(f"/r/address/{some_address(city, 'true')}")
    page.get_by_text("更多", exact=True).click()
    page.get_by_role("link", name="为什么我能看到").click()
    expect(page.get_by_role("dialog")).to_contain_text("本辖区")


def test_a_record_out_of_scope_looks_missing(visit, city):
    elsewhere = city.sql("select id from address where division_code like '511781%' limit 1")
    page = visit("officer")
    assert page.goto(f"/r/address/{elsewhere}").status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("没有找到")
