"""Registers that follow other systems: synchronising, the report, files, differences, and the commands."""

import json
import re

from clients import Markup, until

RUN = re.compile(r"/feeds/runs/(\d+)")


def text(response):
    return " ".join(Markup(response.text).text.split())


def ended(city, run):
    until(lambda: city.sql(f"select state from feed_run where id = {run}") != "running", 120)
    return city.sql(f"select state from feed_run where id = {run}")


def start(client, path, data=None, **options):
    begun = client.post(path, data or {}, **options)
    assert begun.status_code == 303, text(begun)
    return int(RUN.search(begun.headers["Location"])[1])


def line(key, address, state="1"):
    return json.dumps({"address_id": key, "full_address": address, "division_code": "511702001000", "state": state},
                      ensure_ascii=False) + "\n"


def load(client, city, content):
    run = start(client, "/feeds/standard_addresses/file", {"mode": "incremental"},
                files={"file": ("变动.jsonl", content.encode(), "application/json")})
    assert ended(city, run) == "done"
    return run


def test_addresses_come_from_the_provincial_base_and_the_report_says_what_became_of_them(city, clients):
    data = clients("data")
    listed = text(data.get("/feeds"))
    assert all(name in listed for name in ("一标三实标准地址", "公安组织机构", "派出所", "社区民警"))
    run = start(data, "/feeds/standard_addresses/run")
    assert ended(city, run) == "done"
    report = text(data.get(f"/feeds/runs/{run}"))
    assert "对账报告" in report and "收到300条" in report and "两边计数" in report
    created = int(city.sql(f"select created from feed_run where id = {run}"))
    assert created > 250
    rows = text(data.get(f"/r/feed_row?run_id={run}&outcome=created"))
    assert "SC5117" in rows
    known = city.sql("select record_id from feed_link where feed = 'standard_addresses' and external_key = 'SC511710000000'")
    assert city.sql(f"select data_source from address where id = {known}") == "police"
    # The next changes of the other side come with the next run.
    again = start(data, "/feeds/standard_addresses/run")
    assert ended(city, again) == "done"
    assert city.sql(f"select received from feed_run where id = {again}") == "10"


def test_what_was_corrected_here_waits_for_a_person(city, clients):
    data = clients("data")
    load(data, city, line("P1", "四川省达州市通川区东城街道锦绣同步路8号"))
    known = city.sql("select record_id from feed_link where external_key = 'P1'")
    city.sql(f"update address set house_number = '6号', version = version + 1, updated_at = now() where id = {known}")
    load(data, city, line("P1", "四川省达州市通川区东城街道锦绣同步路10号"))
    assert city.sql(f"select house_number from address where id = {known}") == "6号"
    page = text(data.get("/r/feed_difference?state=open"))
    assert "门牌号：6号" in page and "门牌号：10号" in page
    number = city.sql("select id from feed_difference where external_key = 'P1'")
    refused = data.post(f"/r/feed_difference/{number}/do/keep", {"reason": ""})
    assert refused.status_code in (400, 422)
    taken = data.post(f"/r/feed_difference/{number}/do/take")
    assert taken.status_code == 303, text(taken)
    assert city.sql(f"select house_number from address where id = {known}") == "10号"
    assert clients("station").get("/feeds").status_code == 403


def test_a_file_that_is_none_is_refused_with_what_to_do(clients):
    page = clients("data").post(
        "/feeds/standard_addresses/file", {"mode": "incremental"},
        files={"file": ("表.csv", "地址,说明\n荷叶街,无\n".encode(), "text/csv")})
    assert page.status_code == 422 and "标准地址编号" in text(page)


def test_the_commands_list_run_and_load(city, clients, tmp_path):
    assert city.run("feed", "run", "police_units", "--json").count('"state":"done"') == 1
    path = tmp_path / "officers.csv"
    path.write_text("警号,姓名,所属机构代码,手机号码,状态（1 在岗、0 离岗）\n059901,何晓东,GA511702001,13981234567,1\n", encoding="utf-8")
    loaded = json.loads(city.run("feed", "load", "police_officers", str(path), "--json"))
    assert loaded["outcome"]["created"] == 1
    standings = [json.loads(line) for line in city.run("feed", "list", "--json").splitlines()]
    assert {one["feed"]: one["state"] for one in standings}["police_officers"] == "done"
    assert "何晓东" in clients("sysadmin").get("/r/app_user?account=059901").text
    assert "13981234567" not in open(city.log, errors="replace").read()
