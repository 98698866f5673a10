"""Sensitive labels set by the security officer (D2-570)."""

import json

from clients import Client, until
from playwright.sync_api import expect

FIELD = "/settings/labels/public_facility/contact"


def test_an_officer_labels_a_field_and_takes_it_back(visit, city, clients):
    number = city.sql("select id from public_facility where name is not null order by id limit 1")
    city.sql(f"update public_facility set contact = '陈建国', version = version + 1 where id = {number}")
    leader = clients("leader")
    assert leader.json(f"/api/r/public_facility/{number}").json()["contact"] == "陈建国"
    page = visit("secadmin")
    page.goto(FIELD)
    page.get_by_label("机密").check()
    page.get_by_label("怎样脱敏").select_option("name")
    page.get_by_role("button", name="保存标记").click()
    expect(page.get_by_role("alert")).to_contain_text("请填写原因")
    page.get_by_label("原因").fill("按分级分类办法调整")
    page.get_by_role("button", name="保存标记").click()
    expect(page.get_by_text("“联系人”已标为机密，即刻生效。")).to_be_visible()
    expect(page.locator("tbody tr").filter(has_text="联系人")).to_contain_text("公开")
    try:
        shown = leader.json(f"/api/r/public_facility/{number}").json()
        assert shown["contact"] == "陈**" and "contact" in shown["masked"]
        assert leader.get("/r/public_facility?contact.prefix=陈").status_code in (400, 403)
        details = json.loads(city.sql("select details from audit_entry where action = 'policy.label' order by id desc limit 1"))
        assert (details["before"], details["level"], details["field"]) == ("open", "secret", "contact")
        # It is the officer's alone.
        admin = clients("sysadmin")
        assert admin.get("/settings/labels").status_code == 403
        assert admin.post("/settings/declarations/labels.public_facility/withdraw").status_code == 403
        assert "labels.public_facility" not in admin.get("/settings/registers/public_facility").text
    finally:
        page.goto(FIELD)
        page.get_by_label("原因").fill("恢复")
        page.get_by_role("button", name="回到声明的级别").click()
        expect(page.get_by_text("“联系人”已回到声明的级别：公开，即刻生效。")).to_be_visible()
    assert leader.json(f"/api/r/public_facility/{number}").json()["contact"] == "陈建国"


def test_a_level_below_the_declared_one_is_refused(clients):
    officer = clients("secadmin")
    answer = officer.post("/settings/labels/person/phone", {"level": "open", "reason": "公开"})
    assert answer.status_code == 400 and "级别只能提高" in answer.text
    assert clients("clerk").post("/settings/labels/person/phone", {"level": "secret", "reason": "x"}).status_code == 403


def test_what_is_labelled_leaves_the_page_of_strangers_and_the_map(clients, city):
    officer, stranger = clients("secadmin"), Client(city.base)
    code, grid = city.sql("select a.code || ' ' || g.id from address a join grid g on g.id = a.grid_id where g.worker_phone is not null "
                          "and a.kind = 'room' order by a.id limit 1").split()
    phone = city.sql(f"select worker_phone from grid where id = {grid}")
    x, y, z = city.sql(f"select floor((st_x(c) + 180) / 360 * 16384)::int || ' ' || floor((1 - ln(tan(radians(st_y(c))) + 1 / cos(radians(st_y(c)))) / pi()) / 2 "
                       f"* 16384)::int || ' 14' from (select st_centroid(boundary) as c from grid where id = {grid}) g").split()

    def worker():
        found = [one for one in stranger.get(f"/api/lookup/{code}").json()["contacts"] if one["role"] == "网格员"]
        return found[0]["phone"]

    def tile():
        return clients("leader").get(f"/tiles/grids-work/{z}/{x}/{y}").content

    assert worker() == phone and phone in stranger.get(f"/d/{code}").text
    assert len(tile()) > 20
    fields = {"worker_phone": "phone", "kind": "all"}
    for field, mask in fields.items():
        done = officer.post(f"/settings/labels/grid/{field}", {"level": "secret", "mask": mask, "reason": "试验"})
        assert done.status_code == 303, done.text
    try:
        until(lambda: worker() is None)
        until(lambda: phone not in stranger.get(f"/d/{code}").text)
        # The layers of kinds are gone: they would say of which kind each grid is.
        until(lambda: clients("leader").get(f"/tiles/grids-work/{z}/{x}/{y}").status_code == 404)
    finally:
        for field in fields:
            assert officer.post(f"/settings/labels/grid/{field}", {"level": "open", "reason": "恢复"}).status_code == 303
    until(lambda: worker() == phone)
