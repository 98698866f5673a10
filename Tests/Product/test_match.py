"""Matching written addresses against the register: page, file, interface, command line."""

import csv
import io
import json
import subprocess

import pytest
from clients import Client
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def room(city):
    """A room of the district of the station's officer: id, code, full name."""
    return city.sql(
        "select id, code, full_name from address where kind = 'room' and road is not null and division_code like '511702001%' "
        "order by code limit 1").split("|")


@pytest.fixture(scope="module")
def leader(city):
    client = Client(city.base)
    assert client.sign_in("leader", city.accounts["leader"]).status_code == 303
    return client


def ask(client, *addresses):
    answer = client.send("POST", "/api/address/match", {"addresses": list(addresses)})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def short(name):
    return name.removeprefix("四川省达州市").replace("栋", "幢").removesuffix("室")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_pasted_addresses_are_answered_one_by_one(visit, room, size):
    page = visit("leader", size)
    page.goto("/match")
    page.get_by_role("textbox", name="地址").fill(f"{short(room[2])}\n\n北京市海淀区中关村大街1号\n")
    page.get_by_role("button", name="匹配").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("采纳")
    expect(rows.nth(0).get_by_role("link", name=room[2])).to_have_attribute("href", f"/r/address/{room[0]}")
    expect(rows.nth(1)).to_contain_text("无匹配")


def test_a_file_comes_back_with_what_each_row_is(visit, room):
    page = visit("leader")
    page.goto("/match")
    page.locator("input[type=file]").set_input_files(
        {"name": "地址.csv", "mimeType": "text/csv", "buffer": f"序号,地址\r\n1,{short(room[2])}\r\n2,不知道\r\n".encode()})
    with page.expect_download() as download:
        page.get_by_role("button", name="匹配").click()
    head, first, second = csv.reader(io.StringIO(open(download.value.path(), encoding="utf-8-sig", newline="").read()))
    assert head[:5] == ["行", "地址", "结论", "地址编码", "标准地址"]
    assert first[2:5] == ["采纳", room[1], room[2]]
    assert second[2:5] == ["无匹配", "", ""]


def test_nothing_and_too_much_are_told(leader):
    assert "请填写地址" in leader.post("/match", {"text": " \n "}).text
    many = leader.post("/match", {"text": "朝阳路1号\n" * 201})
    assert many.status_code == 422 and "一次最多 200 条" in many.text
    for body in ({}, {"addresses": []}, {"addresses": [1]}, {"addresses": ["x"] * 1001}):
        answer = leader.send("POST", "/api/address/match", body)
        assert answer.status_code == 422 and answer.json()["field"] == "addresses", answer.text


def test_a_match_sees_what_was_changed_before_it(city, leader, room):
    [before] = ask(leader, room[2])
    assert before["address"]["code"] == room[1]
    record = leader.json(f"/api/r/address/{room[0]}").json()
    manager = Client(city.base)
    manager.sign_in("station", city.accounts["station"])
    changed = manager.send("PATCH", f"/api/r/address/{room[0]}", {"room": "9801室", "version": record["version"]})
    assert changed.status_code == 200, changed.text
    try:
        name = changed.json()["full_name"]
        assert name.endswith("9801室")
        [now] = ask(leader, name)
        assert now["outcome"] == "accepted" and now["address"]["code"] == room[1]
        [gone] = ask(leader, room[2])
        assert gone["address"] is None
    finally:
        back = manager.send("PATCH", f"/api/r/address/{room[0]}", {"room": record["room"]})
        assert back.status_code == 200, back.text
    [after] = ask(leader, room[2])
    assert after["address"]["code"] == room[1]


def test_addresses_outside_of_the_scope_are_not_shown(city, leader):
    elsewhere = city.sql(
        "select code, full_name from address where kind = 'room' and division_code not like '511702%' order by code limit 1"
    ).split("|")
    assert ask(leader, elsewhere[1])[0]["address"]["code"] == elsewhere[0]
    station = Client(city.base)
    station.sign_in("station", city.accounts["station"])
    [answer] = ask(station, elsewhere[1])
    assert answer["address"] is None and answer["outcome"] != "accepted"
    assert elsewhere[0] not in [candidate["code"] for candidate in answer["candidates"]]


def test_a_place_leads_to_the_building_it_lies_in_and_to_its_rooms(city, leader, room):
    building, x, y = city.sql(
        "select a.full_name, st_x(st_pointonsurface(b.footprint)), st_y(st_pointonsurface(b.footprint)) from building b "
        "join address a on a.id = b.address_id where b.footprint is not null and a.division_code like '511702001%' "
        "order by b.id limit 1").split("|")
    found = leader.json(f"/api/address/at?lon={x}&lat={y}").json()
    assert found["inside"][0]["fullName"] == building
    assert any(entry["fullName"].startswith(building) and entry["fullName"].endswith("室") for entry in found["inside"])
    distances = [entry["metres"] for entry in found["near"]]
    assert distances == sorted(distances) and distances[-1] <= 200
    for query in ("", "lon=x&lat=31", "lon=107.5&lat=31.2&radius=0", "lon=107.5&lat=31.2&radius=9999", "lon=200&lat=31"):
        assert leader.json(f"/api/address/at?{query}").status_code == 422, query


def test_strangers_are_sent_to_sign_in(city):
    stranger = Client(city.base)
    assert stranger.get("/match").status_code in (303, 401, 403)
    assert stranger.send("POST", "/api/address/match", {"addresses": ["x"]}).status_code in (401, 403)


def test_the_command_line_matches_against_the_register_and_against_a_file(city, room, tmp_path):
    (tmp_path / "list.txt").write_text(f"{short(room[2])}\n不知道\n", encoding="utf-8")
    lines = [json.loads(line) for line in city.run("address", "match", str(tmp_path / "list.txt")).splitlines()]
    assert [line["outcome"] for line in lines] == ["accepted", "none"]
    assert lines[0]["address"]["code"] == room[1]
    (tmp_path / "base.csv").write_text(f"地址\n{room[2]}\n", encoding="utf-8")
    done = subprocess.run(
        [city.lifang, "address", "match", "--base", tmp_path / "base.csv", "--threads", "1"], text=True,
        input=f"{short(room[2])}\n", stdout=subprocess.PIPE, check=True)
    assert json.loads(done.stdout)["address"]["fullName"] == room[2]
