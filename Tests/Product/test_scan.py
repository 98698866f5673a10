"""The page behind a plate on a phone, by who scans it; 一号查询."""

import re

import pytest
from clients import Client, until
from playwright.sync_api import expect


@pytest.fixture
def plate(city):
    """The address where the demo resident lives, with the names of everybody who lives there."""
    resident = city.resident()
    names = city.sql_of_persons(f"select name from person where address_id = {resident['address']}").splitlines()
    return {**resident, "names": names}


def scan(visit, account, code):
    page = visit(account, "phone")
    page.goto(f"/d/{code}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    return page, page.get_by_role("main")


def test_a_stranger_sees_whom_to_call_and_nobody_who_lives_there(visit, plate):
    page, content = scan(visit, None, plate["code"])
    expect(content).to_contain_text("社区民警")
    expect(content).to_contain_text("网格员")
    expect(content.locator("a[href^='tel:']").first).to_be_visible()
    expect(content).to_contain_text("一点五公里生活圈")
    expect(content).not_to_contain_text("工作信息")
    for name in plate["names"]:
        expect(content).not_to_contain_text(name)


def test_whom_to_call_follows_the_directory(clients, city, plate):
    grid = city.sql(f"select grid_id from address where code = '{plate['code']}'")
    stranger = Client(city.base)

    def look_up():
        return stranger.get(f"/api/lookup/{plate['code']}").json()["contacts"]

    before = look_up()
    assert [one["role"] for one in before][-2:] == ["网格员", "社区（村）"] and "13900001357" not in str(before)
    changed = clients("data").send("PATCH", f"/api/r/grid/{grid}", {"worker_phone": "13900001357"})
    assert changed.status_code == 200, changed.text
    until(lambda: any(one["role"] == "网格员" and one["phone"] == "13900001357" for one in look_up()))
    assert "13900001357" in stranger.get(f"/d/{plate['code']}").text


def test_a_resident_is_told_that_this_is_home(visit, plate, city):
    _, content = scan(visit, "resident", plate["code"])
    expect(content).to_contain_text("这是您登记的住址")
    expect(content).not_to_contain_text("工作信息")
    other = city.sql(f"select code from address where kind = 'room' and code <> '{plate['code']}' limit 1")
    _, content = scan(visit, "resident", other)
    expect(content).not_to_contain_text("这是您登记的住址")


def test_an_officer_in_charge_sees_the_household_after_stating_a_purpose(visit, plate):
    page, content = scan(visit, "station", plate["code"])
    expect(content).to_contain_text("工作信息")
    for name in plate["names"]:
        expect(content).not_to_contain_text(name)
    content.get_by_label("查看住户的事由").select_option("走访核实")
    content.get_by_role("button", name="查看住户信息").click()
    expect(content).to_contain_text(f"住户（{len(plate['names'])} 人）")
    for name in plate["names"]:
        expect(content).to_contain_text(name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_officer_of_another_district_sees_what_strangers_see(visit, plate):
    _, content = scan(visit, "officer", plate["code"])
    expect(content).to_contain_text("不在您的数据范围内")
    expect(content).not_to_contain_text("工作信息")
    expect(content.get_by_role("button", name="查看住户信息")).to_have_count(0)


def test_the_controls_of_the_staff_part_stand_below_each_other(visit, plate):
    page, content = scan(visit, "station", plate["code"])
    choice = content.get_by_label("查看住户的事由").bounding_box()
    button = content.get_by_role("button", name="查看住户信息").bounding_box()
    assert button["y"] >= choice["y"] + choice["height"]
    assert button["height"] < 70
    head = page.locator(".address-header").bounding_box()
    card = content.locator(".card").first.bounding_box()
    assert card["y"] >= head["y"] + head["height"] + 8


def test_a_code_leads_to_its_page_and_words_to_a_list(visit, plate):
    stranger = visit(size="phone")
    stranger.goto("/")
    stranger.get_by_label("地址编码").fill(plate["code"])
    stranger.get_by_role("button", name="查询").click()
    expect(stranger).to_have_url(re.compile(f"/d/{plate['code']}$"))
    stranger.goto("/lookup?code=511702999")
    expect(stranger.get_by_text("没有编码为“511702999”的地址")).to_be_visible()

    officer = visit("station")
    officer.goto("/lookup")
    officer.get_by_role("main").get_by_role("searchbox").fill(plate["full_name"].removeprefix("四川省达州市通川区东城街道"))
    officer.keyboard.press("Enter")
    row = officer.get_by_role("row").filter(has_text=plate["code"])
    row.get_by_role("link").first.click()
    expect(officer).to_have_url(re.compile(f"/d/{plate['code']}$"))


def test_what_is_within_1500_metres_is_listed_beside_the_map(visit, plate):
    page, content = scan(visit, None, plate["code"])
    page.get_by_role("link", name="在地图上看").click()
    expect(page).to_have_url(re.compile("/map$"))
    distances = page.locator(".nearby-distance").all_inner_texts()
    metres = [int(text.split()[0]) for text in distances]
    assert metres and metres == sorted(metres) and metres[-1] <= 1500
