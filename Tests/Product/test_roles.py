"""Roles for people from outside (企业、租户、供应商、访客): what each may and may not (B1-215, B5-363), and their second factor (B5-018)."""

import itertools

import pytest
from clients import until
from pages import case

STAMPS = "version, created_at, created_by, updated_at, updated_by"
NOW = "1, now(), 0, now(), 0"
NEVER = [
    "/r/person", "/r/residence", "/r/address", "/r/organisation", "/r/app_user", "/r/role", "/r/tenancy_report", "/r/household",
    "/logs", "/online", "/settings/parameters", "/settings/menu", "/r/person/new", "/import/addresses",
]
OPEN = ["/r/public_facility", "/r/road", "/r/division", "/r/police_station"]
MAY = {
    "enterprise": OPEN + ["/r/service_link", "/r/merchant", "/r/public_notice", "/r/service_case", "/r/unit", "/r/problem_report/new", "/merchant", "/services"],
    "tenant": OPEN + ["/r/service_link", "/r/service_case", "/r/problem_report/new", "/services", "/inbox"],
    "supplier": ["/r/door_plate", "/r/plate_batch", "/r/unit", "/r/problem_report/new"],
    "visitor": OPEN + ["/r/building", "/r/grid"],
}
MAY_NOT = {
    "enterprise": ["/r/merchant/new", "/r/door_plate", "/r/plate_batch", "/r/building", "/r/room"],
    "tenant": ["/r/merchant", "/r/unit", "/r/door_plate", "/r/building", "/r/tenancy_report/new"],
    "supplier": ["/r/merchant", "/r/service_case", "/r/public_facility", "/r/door_plate/new", "/r/door_plate/export", "/plates/pack", "/plates/reports"],
    "visitor": ["/r/problem_report", "/r/problem_report/new", "/r/service_case", "/r/merchant", "/r/unit", "/r/door_plate", "/r/road/export", "/r/road/new"],
}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def company(clients):
    """`company()` is the id of a new unit of a company."""

    def make():
        number = next(_numbers)
        made = clients("sysadmin").send(
            "POST", "/api/r/unit", {"code": f"QY{number:03}R", "name": f"外部企业{number}", "kind": "enterprise"})
        assert made.status_code == 201, made.text
        return made.json()["id"]

    return make


@pytest.fixture(scope="module")
def outsiders(newcomer, company):
    """One account of each role, as the administrators make it."""
    return {
        role: newcomer(role, unit=company() if role in ("enterprise", "supplier") else None) for role in MAY}


@pytest.mark.parametrize("role", MAY)
def test_a_role_from_outside_opens_what_is_its_own_and_nothing_else(outsiders, role):
    client = outsiders[role]
    assert {path: client.get(path).status_code for path in MAY[role]} == dict.fromkeys(MAY[role], 200)
    shut = NEVER + MAY_NOT[role]
    assert {path: client.get(path).status_code for path in shut} == dict.fromkeys(shut, 403)
    for body in ({"name": "新路"},):
        assert client.send("POST", "/api/r/road", body).status_code == 403
        assert client.send("POST", "/api/r/person", {"name": "某人"}).status_code == 403


def test_a_company_sees_its_own_merchants_and_unit_only(city, outsiders, company):
    client = outsiders["enterprise"]
    address = city.sql("select id from address order by id limit 1")
    other = city.sql("select id from app_user where account = 'resident'")
    own, foreign = [
        city.sql(
            f"insert into merchant ({STAMPS}, number, name, credit_code, address_id, phone, user_id, applied_at, state, division_code) "
            f"values ({NOW}, '{number}', '{name}', '91511702MA6XXXXX0{place}', {address}, '13800000000', {user}, now(), 'pending', '511702') "
            "returning id")
        for place, (number, name, user) in enumerate([("SH-own", "本企业", client.user), ("SH-other", "别的企业", other)])]
    listed = client.json("/api/r/merchant").json()["items"]
    assert [item["id"] for item in listed] == [int(own)]
    assert client.get(f"/r/merchant/{foreign}").status_code == 404
    # Nobody judges their own application.
    assert client.post(f"/r/merchant/{own}/do/approve").status_code == 403
    unit = int(city.sql(f"select unit_id from app_user where id = {client.user}"))
    assert [item["id"] for item in client.json("/api/r/unit").json()["items"]] == [unit]
    assert client.get(f"/r/unit/{company()}").status_code == 404


def test_a_tenant_sees_own_cases_and_nobody_elses(city, outsiders):
    client = outsiders["tenant"]
    number = case(city)
    assert client.json("/api/r/service_case").json()["items"] == []
    assert client.get(f"/r/service_case/{number}").status_code == 404
    assert client.get(f"/cases/{number}").status_code in (403, 404)


def test_a_supplier_follows_what_was_handed_to_it_and_changes_nothing(city, clients, outsiders, company):
    client = outsiders["supplier"]
    unit = city.sql(f"select unit_id from app_user where id = {client.user}")
    batches = []
    for owner in (unit, company()):
        maker = clients("data").send("POST", "/api/r/plate_maker", {"name": f"供货{owner}", "unit_id": int(owner)})
        assert maker.status_code == 201, maker.text
        batches.append(city.sql(
            f"insert into plate_batch ({STAMPS}, number, maker_id, maker_unit_id, division_code, plates, packed_at) "
            f"values ({NOW}, 'B-{owner}', {maker.json()['id']}, {owner}, '511702', 0, now()) returning id"))
    assert [item["id"] for item in client.json("/api/r/plate_batch").json()["items"]] == [int(batches[0])]
    assert client.get(f"/r/plate_batch/{batches[1]}").status_code == 404
    assert client.get(f"/plates/batches/{batches[0]}/package.zip").status_code == 403
    assert client.json("/api/r/door_plate").json()["items"] == []
    plate = city.sql("select id from door_plate order by id limit 1")
    if plate:
        assert client.get(f"/r/door_plate/{plate}").status_code == 404
        assert client.post(f"/r/door_plate/{plate}/do/made").status_code == 403


def test_a_visitor_sees_what_a_stranger_sees(outsiders, stranger):
    client = outsiders["visitor"]
    for path in ("/api/r/road?size=5", "/api/r/public_facility?size=5"):
        shown, public = client.json(path), stranger.json(path)
        assert shown.status_code == public.status_code == 200
        assert shown.json()["items"] == public.json()["items"]


def test_the_list_of_roles_says_what_each_is_for(visit):
    page = visit("secadmin")
    page.goto("/r/role?external=true")
    rows = page.locator("tbody tr")
    for name in ("企业", "租户", "供应商", "访客", "制牌企业"):
        row = rows.filter(has=page.get_by_text(name, exact=True))
        assert len(row.inner_text()) > 40, name
    assert rows.filter(has_text="社区民警").count() == 0


def test_people_from_outside_alone_are_led_to_a_second_factor(clients, outsiders, newcomer):
    admin, rule = clients("sysadmin"), "/settings/parameters/identity.second_factor"
    worker = newcomer("grid_worker")
    try:
        assert admin.post(rule, {"value": "external"}).status_code == 303
        # The change reaches the sessions in memory a moment later.
        until(lambda: outsiders["tenant"].get("/services").status_code == 303, 10)
        assert outsiders["tenant"].get("/services").headers["Location"] == "/account/second-factor"
        assert "二维码" in outsiders["tenant"].get("/account/second-factor").text
        assert worker.get("/").status_code == 200
    finally:
        assert admin.post(rule, {"value": "optional"}).status_code == 303
    until(lambda: outsiders["tenant"].get("/services").status_code == 200, 10)
