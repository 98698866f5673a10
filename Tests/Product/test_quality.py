"""The quality of the base of addresses: what the inspection finds, how it is settled, and departments that report errors."""

import pytest
from clients import Client, until
from playwright.sync_api import expect
from visitors import make_key


@pytest.fixture(scope="module")
def inspected(city):
    """The first inspection of the demo city has ended."""
    until(lambda: city.sql("select count(*) from job where kind = 'address-quality' and state = 'done'") != "0")
    return city


def defect(city, kind, more="true"):
    """An open defect of the station's town: id, its address, the other one."""
    return city.sql(
        f"select id, address_id, coalesce(other_id, 0) from address_defect where kind = '{kind}' and state = 'open' "
        f"and division_code like '511702001%' and source = 'inspection' and {more} order by id limit 1").split("|")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_way_leads_from_the_overview_to_both_addresses_side_by_side(visit, inspected, size):
    number, address, other = defect(inspected, "duplicate")
    page = visit("station", size)
    page.goto("/addresses/quality")
    page.get_by_role("link", name="地址重复").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("问题地址")
    expect(page.locator("tbody tr").first).to_contain_text("地址重复")
    page.goto(f"/addresses/defects/{number}")
    for one in (address, other):
        expect(page.locator(f"a[href='/r/address/{one}']").first).to_be_visible()
    expect(page.locator("tbody")).to_contain_text("不同")
    expect(page.locator(".notice")).to_contain_text("不能申领门牌")


def test_merging_leaves_one_address_and_the_code_of_the_other_points_at_it(visit, inspected):
    number, address, other = defect(inspected, "duplicate", "evidence like '%社区%'")
    code = inspected.sql(f"select code from address where id = {other}")
    page = visit("station")
    page.goto(f"/addresses/defects/{number}")
    page.get_by_role("link", name="保留问题地址").click()
    page.get_by_role("dialog").get_by_role("button", name="保留问题地址").click()
    expect(page.locator(".toast, .flash, [role=status]").first).to_contain_text("保留问题地址")
    assert inspected.sql(f"select status, merged_into_id, code from address where id = {other}") == f"cancelled|{address}|{code}"
    assert inspected.sql(f"select state from address_defect where id = {number}") == "fixed"


def test_an_address_with_an_open_defect_gets_no_plate(inspected, clients):
    number, address, _ = defect(inspected, "room_number")
    inspected.sql(f"update address set status = 'confirmed' where id = {address}")
    station = clients("station")
    asked = {"address_id": int(address), "purpose": "new"}
    refused = station.send("POST", "/api/r/door_plate", asked)
    assert refused.status_code == 422 and refused.json()["code"] == "plate-address-defect", refused.text
    # Corrected, the defect is settled by itself and the plate may be applied for.
    changed = station.send("PATCH", f"/api/r/address/{address}", {"floor": None})
    assert changed.status_code == 200, changed.text
    assert inspected.sql(f"select state, reason from address_defect where id = {number}") == "fixed|地址已修改"
    taken = station.send("POST", "/api/r/door_plate", asked)
    assert taken.status_code == 201, taken.text


def test_a_department_reports_an_error_and_subscribers_see_the_correction(inspected, clients):
    key = make_key(inspected, "address_reporter")
    department, other = Client(inspected.base, key=key), Client(inspected.base, key=make_key(inspected, "address_reporter"))
    address, code = inspected.sql(
        "select id, code from address where kind = 'roadside' and division_code like '511702001%' and road_id is not null "
        "and id not in (select address_id from address_defect) order by code limit 1").split("|")
    report = {"code": code, "kind": "other", "problem": "楼下挂的是旧名称", "proposed": "补充别名", "reference": "SJ-2026-1"}
    made = department.send("POST", "/api/address/reports", report)
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    assert made.json()["state"] == "open" and made.json()["address"]["code"] == code
    assert department.send("POST", "/api/address/reports", report).json()["id"] == number
    assert other.json(f"/api/address/reports/{number}").status_code == 404
    assert department.json("/api/r/address").status_code == 403
    wrong = department.send("POST", "/api/address/reports", {"text": "某处", "kind": "nothing", "problem": "不对"})
    assert wrong.status_code == 422 and wrong.json()["code"] == "report-kind"

    before = inspected.sql("select to_char(now() at time zone 'Asia/Shanghai', 'YYYY-MM-DD\"T\"HH24:MI:SS')")
    done = clients("station").send("PATCH", f"/api/r/address/{address}", {"compound": "临街商铺", "note": "已订正"})
    assert done.status_code == 200, done.text
    answer = department.json(f"/api/address/reports/{number}").json()
    assert answer["state"] == "fixed" and answer["answer"] == "地址已修改" and "临街商铺" in answer["address"]["fullName"]
    changes = clients("leader").json(f"/api/r/address?updated_at.from={before}&sort=updated_at").json()["items"]
    assert code in [one["code"] for one in changes]


def test_only_those_with_the_right_report_and_inspect(inspected, clients):
    client = Client(inspected.base, key=make_key(inspected, "integrator"))
    refused = client.send("POST", "/api/address/reports", {"text": "某处", "kind": "other", "problem": "不对"})
    assert refused.status_code == 403
    assert clients("station").post("/addresses/quality/inspect").status_code == 403
    assert clients("resident").get("/addresses/quality").status_code == 403


def test_a_doubtful_row_of_an_import_is_decided_by_picking_a_candidate(visit, inspected):
    name, full, address = inspected.sql(
        "select road || house_number || compound || building_number, full_name, id from address "
        "where kind = 'building' and division_code like '511702001%' and road is not null and status <> 'cancelled' "
        "and id not in (select address_id from address_defect) order by code limit 1").split("|")
    page = visit("station")
    page.goto("/import/addresses")
    table = f"地址\r\n{name}\r\n{name}附近\r\n"
    page.locator("input[type=file]").set_input_files({"name": "存疑.csv", "mimeType": "text/csv", "buffer": table.encode()})
    page.get_by_role("button", name="上传并预览").click()
    page.get_by_role("button", name="开始导入").click()
    expect(page.locator(".progress .badge")).to_have_text("已完成", timeout=30_000)
    page.get_by_role("link", name="查看逐行结果").click()
    page.locator("tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("第 2 行")
    page.get_by_role("button", name="确认").click()
    page.get_by_role("radio", name=full).first.check()
    page.get_by_role("button", name="确认").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("第 3 行")
    run = page.url.split("/addresses/")[1].split("/")[0]
    assert inspected.sql(f"select outcome, address_id from address_import_row where run_id = {run} and row = 2") == f"matched|{address}"
    page.get_by_role("radio", name="都不是").check()
    page.get_by_role("button", name="确认").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("导入结果")
    assert inspected.sql(f"select matched, doubtful, rejected from address_import_run where id = {run}") == "1|0|1"
