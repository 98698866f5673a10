"""The product starts, shows each role its workbench, and a plate to anybody."""

import urllib.request

import pytest


def test_the_server_answers_and_lists_its_interface(city):
    with urllib.request.urlopen(f"{city.base}/healthz", timeout=10) as answer:
        assert answer.status == 200
    assert '"openapi"' in city.run("openapi")


def test_the_declarations_hold(city):
    assert "检查通过" in city.run("check")


@pytest.mark.parametrize("account", ["leader", "tongchuan", "station", "officer", "clerk", "grid", "sysadmin", "auditor"])
def test_each_role_has_a_workbench_without_errors(visit, account):
    page = visit(account)
    page.goto("/")
    assert page.get_by_role("heading", name="工作台").is_visible()
    assert page.problems == []


def test_a_stranger_scans_a_plate(visit, city):
    code = city.sql("select code from address where kind = 'room' order by id limit 1")
    page = visit(size="phone")
    page.goto(f"/d/{code}")
    assert page.get_by_text(code).first.is_visible()
    assert page.get_by_text("我的社区").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.problems == []
