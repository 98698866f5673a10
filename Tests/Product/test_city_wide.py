"""全城通办: what one station accepts for another, told, followed and counted in the browser; series of numbers."""

import re

import pytest
from clients import Client, until
from pages import apply
from test_cases import done, refused, said, state
from test_subscriptions import Subscriber, allow, subscribe
from visitors import make_key


@pytest.fixture(scope="module")
def far_officer(elsewhere, newcomer, city):
    """A household officer of another county."""
    unit = city.sql(f"select unit_id from app_user where id = {elsewhere.user}")
    return newcomer("hukou_officer", unit=int(unit), clearance="secret", name="外县通办民警")


def test_the_home_station_is_told_and_follows_up(clients, far_officer, city):
    case = apply(far_officer, changes={"child_name": "通办满", "birth_certificate_number": "S510034599"})
    assert state(far_officer, case) == "completed"
    home = clients("huji")
    assert "通办已办结：" in said(home.get("/messages"))
    listed = home.get("/r/city_wide_case?follow_up=waiting")
    assert listed.status_code == 200
    row = city.sql(
        f"select id from city_wide_case where case_id = {case.split('/')[-1]}",
        '-c lifang.scope_city_wide_case={"all":true}')
    assert f"/r/city_wide_case/{row}" in listed.text
    # The way of the case can be followed from home, and nobody of the accepting side notes the follow-up.
    assert "提交申请" in said(home.get(case))
    assert far_officer.post(f"/r/city_wide_case/{row}/do/settle", {"follow_note": "好"}).status_code in (403, 404)
    done(home.post(f"/r/city_wide_case/{row}/do/settle", {"follow_note": "已核对户信息"}))
    assert "已处理" in said(home.get(f"/r/city_wide_case/{row}"))


def test_figures_by_station_open_their_cases(clients, far_officer):
    apply(far_officer, changes={"child_name": "通办圆", "birth_certificate_number": "S510034598"})
    home = clients("huji")
    page = home.get("/city-wide")
    assert page.status_code == 200
    assert "他所办结" in said(page)
    figures = home.json("/city-wide").json()["stations"]
    assert any(station["by_others"] >= 1 for station in figures)
    for link in re.findall(r'href="(/r/city_wide_case\?[^"]+)"', page.text):
        assert home.get(link.replace("&amp;", "&")).status_code == 200
    refused(home.get("/city-wide?from=2026-02-01&to=2026-01-01"), 400, "开始日期")
    assert clients("resident").get("/city-wide").status_code == 403


def test_a_series_only_goes_up(clients):
    admin = clients("sysadmin")
    done(admin.post("/settings/series/edit", {"entity": "household", "text": "511703", "next": "500"}))
    assert "5117030000500" in said(admin.get("/settings/series?q=511703"))
    refused(admin.post("/settings/series/edit", {"entity": "household", "text": "511703", "next": "20"}), 409, "只能调大")
    refused(admin.post("/settings/series/edit", {"entity": "household", "text": "51", "next": "20"}), 400, "6 位")
    assert clients("huji").post("/settings/series/edit", {"entity": "household", "text": "511703", "next": "900"}).status_code == 403


def test_whoever_subscribed_is_told_of_completed_cases_and_reads_them_with_rights_of_its_own(city, far_officer):
    subscriber = Subscriber()
    allow(city, subscriber.host)
    subscribe(city, subscriber, "city_wide_result", role="city_wide_reader", initial=False)
    case = apply(far_officer, changes={"child_name": "通办推", "birth_certificate_number": "S510034597"})
    number = city.sql(f"select number from service_case where id = {case.split('/')[-1]}", '-c lifang.scope_service_case={"all":true}')
    until(lambda: any(one["number"] == number for one in subscriber.records().values()), 30, 0.2)
    told = next(one for one in subscriber.records().values() if one["number"] == number)
    assert told["item_label"] and "通办推" not in str(subscriber.bodies), "no names are pushed"
    key = make_key(city, "city_wide_reader")
    read = Client(city.base, key=key).json(f"/api/r/city_wide_case?number={number}")
    assert read.status_code == 200 and read.json()["items"][0]["state"] == "completed", read.text[:400]
    subscriber.server.shutdown()
