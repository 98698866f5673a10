"""地址解析: written addresses taken apart; page, file, interface."""

import csv
import io

import pytest
from clients import Client
from playwright.sync_api import expect
from test_accessibility import check
from visitors import make_key

GIVEN = "浙江省杭州市西湖区文苑北路188号青枫花园6幢2单元1203室"
PARTS = [("prov", "浙江省"), ("city", "杭州市"), ("district", "西湖区"), ("road", "文苑北路"), ("roadno", "188号"), ("poi", "青枫花园"),
         ("houseno", "6幢"), ("cellno", "2单元"), ("roomno", "1203室")]
TITLES = ["省", "市", "区县", "道路", "门牌号", "兴趣点", "楼幢号", "单元号", "房间号"]


@pytest.fixture(scope="module")
def station(city):
    client = Client(city.base)
    assert client.sign_in("station", city.accounts["station"]).status_code == 303
    return client


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_pasted_addresses_are_shown_in_their_parts(visit, size):
    page = visit("station", size)
    page.goto("/r/address")
    page.goto("/parse")
    page.get_by_role("textbox", name="地址").fill(f"{GIVEN}\n\n<b>青枫路 12号\n")
    page.get_by_role("button", name="解析").click()
    rows = page.locator(".parsed > li")
    expect(rows).to_have_count(2)
    expect(rows.nth(0).locator("dd")).to_have_text([text for _, text in PARTS])
    expect(rows.nth(0).locator("dt")).to_have_text(TITLES)
    expect(rows.nth(1)).to_contain_text("<b>青枫路 12号")
    # What was pasted stays, to be corrected and asked again.
    expect(page.get_by_role("textbox", name="地址")).to_have_value(f"{GIVEN}\n\n<b>青枫路 12号\n")
    check(page)
    page.evaluate("document.documentElement.classList.add('elder', 'text-largest')")
    check(page)


def test_a_file_comes_back_in_columns(visit):
    page = visit("station")
    page.goto("/parse")
    page.locator("input[type=file]").set_input_files(
        {"name": "地址.csv", "mimeType": "text/csv", "buffer": f"序号,地址\r\n1,{GIVEN}\r\n2,青枫路3号-4号\r\n".encode()})
    with page.expect_download() as download:
        page.get_by_role("button", name="解析").click()
    assert download.value.suggested_filename == "地址解析结果.csv"
    first, second = csv.DictReader(io.StringIO(open(download.value.path(), encoding="utf-8-sig", newline="").read()))
    assert first["地址"] == GIVEN and [first[title] for title in TITLES] == [text for _, text in PARTS]
    assert first["分段"].startswith("浙江省/省 杭州市/市 ") and first["国家"] == ""
    assert "".join(part.split("/")[0] for part in second["分段"].split(" ")) == "青枫路3号-4号"


def test_the_interface_answers_in_the_order_asked(station):
    answer = station.send("POST", "/api/address/parse", {"addresses": [GIVEN, "", "電話\"\\"]})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [item["text"] for item in items] == [GIVEN, "", "電話\"\\"]
    assert [(part["label"], part["text"]) for part in items[0]["parts"]] == PARTS
    for item in items:
        assert "".join(part["text"] for part in item["parts"]) == item["text"]
    described = station.json("/api/openapi.json").json()
    assert "/api/address/parse" in described["paths"]
    labels = described["components"]["schemas"]["ParsedAddress"]["properties"]["parts"]["items"]["properties"]["label"]["enum"]
    assert len(labels) == 21 and {part["label"] for item in items for part in item["parts"]} <= set(labels)


def test_nothing_too_much_and_too_long_are_told(station):
    assert "请填写地址" in station.post("/parse", {"text": " \n "}).text
    many = station.post("/parse", {"text": "朝阳路1号\n" * 201})
    assert many.status_code == 422 and "一次最多 200 条" in many.text
    long = station.post("/parse", {"text": "朝阳路1号\n" + "朝" * 501})
    assert long.status_code == 422 and "第 2 条超过 500 字" in long.text
    for body in ({}, {"addresses": []}, {"addresses": [1]}, {"addresses": ["x"] * 1001}, {"addresses": ["朝" * 501]}):
        answer = station.send("POST", "/api/address/parse", body)
        assert answer.status_code == 422 and answer.json()["field"] == "addresses", answer.text
    assert station.send("POST", "/api/address/parse", {"addresses": ["朝" * 500]}).status_code == 200


def test_a_file_that_is_no_list_of_addresses_is_refused(visit):
    page = visit("station")
    page.goto("/parse")
    page.locator("input[type=file]").set_input_files(
        {"name": "名单.csv", "mimeType": "text/csv", "buffer": "姓名,电话\r\n张三,1\r\n".encode()})
    page.get_by_role("button", name="解析").click()
    expect(page.get_by_role("alert")).to_contain_text("没有找到地址列")


def test_it_works_without_scripts(station):
    page = station.get("/parse").text
    assert 'action="/parse"' in page and 'enctype="multipart/form-data"' in page
    shown = station.post("/parse", {"text": GIVEN}).text
    assert "青枫花园" in shown and "兴趣点" in shown


def test_who_may_not_see_addresses_may_not_parse(city):
    stranger = Client(city.base)
    assert stranger.get("/parse").status_code in (303, 401, 403)
    assert stranger.send("POST", "/api/address/parse", {"addresses": ["x"]}).status_code in (401, 403)
    resident = Client(city.base)
    resident.sign_in("resident", city.accounts["resident"])
    refused = resident.send("POST", "/api/address/parse", {"addresses": ["x"]})
    assert refused.status_code == 403 and "解析地址" in refused.json()["message"]


def test_a_key_asks_within_its_rights(city):
    allowed = Client(city.base, key=make_key(city, "integrator"))
    answer = allowed.send("POST", "/api/address/parse", {"addresses": [GIVEN]})
    assert [(part["label"], part["text"]) for part in answer.json()["items"][0]["parts"]] == PARTS
    refused = Client(city.base, key=make_key(city, "application_platform"))
    assert refused.send("POST", "/api/address/parse", {"addresses": [GIVEN]}).status_code == 403
