"""Who lives where: moving in and out, stays that want confirming, and tenants reported by their landlords."""

import datetime
import itertools
import re
import concurrent.futures
import secrets

import pytest
from clients import Markup, resident_id, until

_sequence = itertools.count(810)


@pytest.fixture(scope="module")
def homes(city):
    """Three rooms in the community of the officer: id, code, name, division."""
    rows = city.sql(
        "select a.id, a.code, a.full_name, a.division_code from address a join app_user u on u.account = 'officer' "
        "join unit n on n.id = u.unit_id where a.kind = 'room' and a.status <> 'cancelled' "
        "and starts_with(a.division_code, n.division_code) order by a.id desc limit 3").splitlines()
    return [dict(zip(["id", "code", "name", "division"], row.split("|"))) for row in rows]


def today():
    return datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()


def somebody(home, **fields):
    document = resident_id(home["division"], "19900506", next(_sequence))
    return {
        "name": "何新", "document_kind": "resident_id", "resident_id": document, "sex": "male" if int(document[16]) % 2 else "female",
        "birth_date": "1990-05-06", "residency": "floating", "division_code": home["division"], **fields}


def enter(client, entity, body):
    made = client.send("POST", f"/api/r/{entity}", body)
    assert made.status_code == 201, made.text
    return made.json()["id"]


def stays(city, person):
    """Address, since, until of each stay, the earliest first."""
    rows = city.sql_of_persons(
        f"select address_id, since, coalesce(until::text, ''), kind from residence where person_id = {person} order by id")
    return [row.split("|") for row in rows.splitlines()]


def address_of(city, person):
    return city.sql_of_persons(f"select coalesce(address_id::text, '') from person where id = {person}")


def test_who_is_entered_with_an_address_lives_there_and_moving_ends_the_stay_before(city, clients, homes):
    officer, (here, there, _) = clients("officer"), homes
    came = (today() - datetime.timedelta(days=40)).isoformat()
    person = enter(officer, "person", somebody(here, address_id=int(here["id"]), moved_in_on=came))
    assert stays(city, person) == [[here["id"], came, "", "floating"]]
    moved = (today() - datetime.timedelta(days=3)).isoformat()
    enter(officer, "residence", {
        "person_id": person, "address_id": int(there["id"]), "division_code": there["division"], "kind": "floating", "basis": "rent",
        "since": moved})
    assert stays(city, person) == [[here["id"], came, moved, "floating"], [there["id"], moved, "", "floating"]]
    assert address_of(city, person) == there["id"]
    # And back, by the person's own page.
    version = officer.json(f"/api/r/person/{person}").json()["version"]
    back = officer.send("PATCH", f"/api/r/person/{person}", {"version": version, "address_id": int(here["id"])})
    assert back.status_code == 200, back.text
    assert [row[0] for row in stays(city, person) if not row[2]] == [here["id"]]
    seen = city.sql(f"select count(*) from audit_entry where entity = 'residence' and action = 'residence.update'")
    assert int(seen) >= 2


def test_who_has_left_has_no_present_address(city, clients, homes):
    officer, here = clients("officer"), homes[0]
    person = enter(officer, "person", somebody(here, address_id=int(here["id"])))
    stay = city.sql_of_persons(f"select id from residence where person_id = {person}")
    assert officer.post(f"/r/residence/{stay}/do/move_out").status_code == 303
    assert address_of(city, person) == ""
    assert stays(city, person)[0][2] == today().isoformat()


def test_two_stays_at_one_address_do_not_take_the_address_away(city, clients, homes):
    officer, here = clients("officer"), homes[0]
    person = enter(officer, "person", somebody(here, address_id=int(here["id"])))
    enter(officer, "residence", {
        "person_id": person, "address_id": int(here["id"]), "division_code": here["division"], "kind": "floating", "basis": "relative"})
    assert address_of(city, person) == here["id"]
    assert [row[2] for row in stays(city, person)] == [today().isoformat(), ""]


def test_the_page_of_a_plate_begins_a_registration_at_its_address(city, visit, homes):
    here = homes[1]
    page = visit("officer", "phone")
    page.goto(f"/d/{here['code']}")
    page.get_by_role("link", name="登记居住").click()
    assert page.locator("[name=address_id]").input_value() == here["id"]
    assert here["name"] in page.locator("[name='address_id.text']").input_value()
    assert page.locator("[name=division_code]").input_value() == here["division"]


def test_stays_that_nobody_confirmed_are_told_of_once_a_week(city, clients, homes):
    officer, here = clients("officer"), homes[0]
    person = enter(officer, "person", somebody(here, address_id=int(here["id"])))
    stay = city.sql_of_persons(f"select id from residence where person_id = {person}")
    old = (today() - datetime.timedelta(days=400)).isoformat()
    city.sql_of_persons(f"update residence set since = '{old}', confirmed_on = '{old}' where id = {stay}")

    def told():
        return int(city.sql(
            "select count(*) from message m join app_user u on u.id = m.user_id where u.account = 'officer' and m.template = 'residence_review'"))

    def remind():
        before = city.sql("select count(*) from job where kind = 'residence-review' and state = 'done'")
        city.sql("update job_schedule set next_run = now() where kind = 'residence-review'")
        until(lambda: city.sql("select count(*) from job where kind = 'residence-review' and state = 'done'") != before)

    remind()
    assert told() == 1
    remind()
    assert told() == 1
    due = f"/r/residence?state=confirmed&kind=floating&kind=foreign&until.empty=true&confirmed_on.to={old}"
    assert f"/r/residence/{stay}" in officer.get(due).text
    assert officer.post(f"/r/residence/{stay}/do/confirm_stay").status_code == 303
    assert f"/r/residence/{stay}" not in officer.get(due).text


def report(client, home, **fields):
    body = {
        "address_code": home["code"], "tenant_name": "罗小满", "document_kind": "resident_id",
        "resident_id": resident_id(home["division"], "19950304", next(_sequence)), "phone": "13900001111",
        "since": today().isoformat(), "landlord_phone": "13800002222", **fields}
    return client.post("/r/tenancy_report/new", body), body


def test_a_landlord_reports_a_tenant_who_is_registered_after_review_and_ended_when_gone(city, clients, homes):
    landlord, officer, home = clients("resident"), clients("officer"), homes[2]
    sent, body = report(landlord, home)
    assert sent.status_code == 303, Markup(sent.text).text
    path = sent.headers["Location"]
    assert path in landlord.get("/r/tenancy_report").text
    assert body["resident_id"] not in landlord.get(path).text
    assert path in officer.get("/r/tenancy_report?state=submitted").text
    assert landlord.post(f"{path}/do/approve").status_code == 403
    assert officer.post(f"{path}/do/approve").status_code == 303
    record = path.rsplit("/", 1)[1]
    stay, person, basis, source, until_ = city.sql_of_persons(
        "select r.id, r.person_id, r.basis, r.source_kind, coalesce(r.until::text, '') from residence r join tenancy_report t "
        f"on t.residence_id = r.id where t.id = {record}").split("|")
    assert (basis, source, until_) == ("rent", "landlord", "") and address_of(city, person) == home["id"]
    assert city.sql_of_persons(f"select name || residency || birth_date from person where id = {person}") == "罗小满floating1995-03-04"
    assert city.sql(
        "select count(*) from message m join app_user u on u.id = m.user_id where u.account = 'resident' and m.template = 'tenancy_answered'") != "0"
    gone = landlord.post(f"{path}/do/end", {"until": today().isoformat()})
    assert gone.status_code == 303, Markup(gone.text).text
    assert address_of(city, person) == ""
    assert city.sql_of_persons(f"select until from residence where id = {stay}") == today().isoformat()


def test_a_report_sent_back_is_corrected_and_sent_again(city, clients, homes):
    landlord, officer, home = clients("resident"), clients("officer"), homes[2]
    known = enter(officer, "person", somebody(home, name="真名者"))
    document = somebody(home)["resident_id"]
    officer_person = enter(officer, "person", {**somebody(home, name="真名者"), "resident_id": document,
                                               "sex": "male" if int(document[16]) % 2 else "female"})
    sent, _ = report(landlord, home, resident_id=document, tenant_name="别名者")
    path = sent.headers["Location"]
    refused = officer.post(f"{path}/do/approve")
    assert refused.status_code == 422 and "另一个姓名" in Markup(refused.text).text
    assert officer.post(f"{path}/do/send_back", {"answer": ""}).status_code == 422
    assert officer.post(f"{path}/do/send_back", {"answer": "姓名与证件不符，请核对"}).status_code == 303
    assert "姓名与证件不符" in landlord.get(path).text
    version = city.sql_of_persons(f"select version from tenancy_report where id = {path.rsplit('/', 1)[1]}")
    saved = landlord.post(f"{path}/edit", {
        "version": version, "address_code": home["code"], "tenant_name": "真名者", "document_kind": "resident_id", "resident_id": "",
        "phone": "", "since": today().isoformat(), "landlord_phone": ""})
    assert saved.status_code == 303, Markup(saved.text).text
    assert landlord.post(f"{path}/do/resubmit").status_code == 303
    assert officer.post(f"{path}/do/approve").status_code == 303
    assert address_of(city, officer_person) == home["id"] and address_of(city, known) == ""


def test_reports_are_their_landlords_own_and_of_addresses_that_exist(city, clients, newcomer, homes, stranger):
    sent, _ = report(clients("resident"), homes[2], tenant_name="甲租客")
    path = sent.headers["Location"]
    neighbour = newcomer()
    assert neighbour.get(path).status_code == 404
    assert path not in neighbour.get("/r/tenancy_report").text
    assert neighbour.post(f"{path}/do/withdraw").status_code == 404
    assert neighbour.get("/r/person").status_code == 403
    unknown, _ = report(neighbour, {**homes[2], "code": "9" * 19})
    assert unknown.status_code == 422 and "没有这个地址编码" in Markup(unknown.text).text
    foreign, _ = report(neighbour, homes[2], document_kind="passport", resident_id="", document_number="E12345678")
    assert foreign.status_code == 422 and "性别" in Markup(foreign.text).text
    assert stranger.get("/r/tenancy_report/new").status_code in (303, 401)
    assert clients("resident").post(f"{path}/do/withdraw").status_code == 303


def test_a_form_asks_for_what_the_answers_so_far_make_necessary(city, visit, clients, homes, tmp_path):
    picture = tmp_path / "人像.png"
    picture.write_bytes(bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"))
    page = visit("resident", "phone")
    page.goto(f"/r/tenancy_report/new?address_code={homes[0]['code']}")
    assert page.locator("[name=resident_id]").count() == 1 and page.locator("[name=document_number]").count() == 0
    assert page.locator("[name=answer]").count() == 0, "what officers write is not asked of landlords"
    page.locator("[name=tenant_name]").fill("马丁")
    page.locator("[name=photo]").set_input_files(picture)
    page.locator("[name=document_kind]").select_option("passport")
    page.wait_for_selector("[name=document_number]")
    assert page.locator("[name=resident_id]").count() == 0 and page.locator("[name=sex]").count() == 1
    assert page.locator("[name=tenant_name]").input_value() == "马丁"
    assert page.evaluate("document.querySelector('[name=photo]').files.length") == 1
    # Without scripts the form is asked for again, and nothing is saved.
    count = city.sql_of_persons("select count(*) from tenancy_report")
    again = clients("resident").post("/r/tenancy_report/new", {"document_kind": "passport", "tenant_name": "马丁", "_refresh": "1"})
    assert again.status_code == 200 and 'name="document_number"' in again.text and "马丁" in again.text
    assert 'class="error-summary"' not in again.text and city.sql_of_persons("select count(*) from tenancy_report") == count


def test_an_answer_that_a_change_makes_pointless_goes_with_it(city, clients, homes):
    officer, here = clients("officer"), homes[0]
    person = enter(officer, "person", somebody(here, stay_reason="work"))
    version = officer.json(f"/api/r/person/{person}").json()["version"]
    assert city.sql_of_persons(f"select stay_reason from person where id = {person}") == "work"
    form = {"version": version, "name": "何新", "document_kind": "resident_id", "resident_id": "", "sex": "male", "birth_date": "1990-05-06",
            "nationality": "CHN", "residency": "permanent", "division_code": here["division"]}
    saved = officer.post(f"/r/person/{person}/edit", form)
    assert saved.status_code == 303, Markup(saved.text).text
    row = city.sql_of_persons(f"select residency || coalesce(stay_reason, '-') || (resident_id is not null) from person where id = {person}")
    assert row == "permanent-true"


def check(client, code, **fields):
    """What the page of a check at the door sends."""
    return client.http.post(
        f"{client.base}/inspection/household", data={"_csrf": client.token(), "code": code, "client_id": secrets.token_hex(12), **fields},
        headers={"Accept": "application/json"}, allow_redirects=False, timeout=60)


def test_an_auxiliary_checks_a_household_at_the_door_and_an_officer_reviews_who_is_new(city, clients, newcomer):
    home = city.resident()
    division = city.sql(f"select division_code from address where id = {home['address']}")
    unit = city.sql(f"select id from unit where starts_with('{division}', division_code) and division_code <> '' order by length(division_code) desc limit 1")
    auxiliary = newcomer("plate_auxiliary", unit=int(unit))
    assert f"/inspection/household?code={home['code']}" in auxiliary.get(f"/d/{home['code']}").text
    page = auxiliary.get(f"/inspection/household?code={home['code']}")
    stays = re.findall(r'name="stay\.(\d+)"', page.text)
    assert page.status_code == 200 and stays and home["name"] in Markup(page.text).text
    stay = next(one for one in stays if city.sql_of_persons(f"select person_id from residence where id = {one}") == home["person"])
    city.sql_of_persons(f"update residence set confirmed_on = '2020-01-01' where id = {stay}")
    passport = {"name": "ANNA BERG", "document_kind": "passport", "document_number": "X" + secrets.token_hex(4).upper(), "phone": "13800138011"}
    assert check(auxiliary, home["code"]).json()["code"] == "check-empty"
    unsure = check(auxiliary, home["code"], **passport)
    assert unsure.status_code == 400 and unsure.json()["field"] == "sex", unsure.text
    wrong = check(auxiliary, home["code"], name="张三", document_kind="resident_id", resident_id="511702199001011111")
    assert wrong.status_code == 400 and wrong.json()["field"] == "resident_id"
    number = secrets.token_hex(12)
    whole = {f"stay.{stay}": "confirmed", **passport, "sex": "female", "birth_date": "1990-05-01", "client_id": number}
    first = check(auxiliary, home["code"], **whole)
    assert first.status_code == 200 and first.json()["outcome"] == "taken", first.text
    assert check(auxiliary, home["code"], **whole).json()["outcome"] == "already"
    assert city.sql_of_persons(f"select confirmed_on = (now() at time zone 'Asia/Shanghai')::date from residence where id = {stay}") == "t"
    new = city.sql_of_persons("select r.id, r.state, p.address_id is null from residence r join person p on p.id = r.person_id where p.name = 'ANNA BERG'").split("|")
    assert new[1:] == ["submitted", "t"], "nobody lives there before an officer has looked"
    again = check(auxiliary, home["code"], **{**whole, "client_id": secrets.token_hex(12)})
    assert again.status_code == 200
    assert city.sql_of_persons("select count(*) from person p join residence r on r.person_id = p.id where p.name = 'ANNA BERG'") == "1"
    assert clients("station").post(f"/r/residence/{new[0]}/do/approve").status_code == 303
    assert city.sql_of_persons("select address_id from person where name = 'ANNA BERG'") == home["address"]
    gone = check(auxiliary, home["code"], **{f"stay.{new[0]}": "gone"})
    assert gone.status_code == 200 and city.sql_of_persons("select address_id is null from person where name = 'ANNA BERG'") == "t"
    stale = check(auxiliary, home["code"], **{f"stay.{new[0]}": "gone"})
    assert stale.status_code == 409
    assert auxiliary.json("/api/r/household_check").json()["count"] == 3
    away = city.sql(f"select code from address where not starts_with(division_code, '{division[:9]}') limit 1")
    assert check(auxiliary, away, **passport).status_code == 404


def test_a_check_that_a_telephone_kept_overwrites_nothing_newer_and_is_entered_once(city, clients, newcomer):
    home = city.resident()
    division = city.sql(f"select division_code from address where id = {home['address']}")
    unit = city.sql(f"select id from unit where starts_with('{division}', division_code) and division_code <> '' order by length(division_code) desc limit 1")
    auxiliary = newcomer("plate_auxiliary", unit=int(unit))
    looks = f"select count(*) from audit_entry where action = 'person.view' and record_id = {home['person']} and purpose = '上门核对：{home['code']}' and principal_id = {auxiliary.user}"
    page = auxiliary.get(f"/inspection/household?code={home['code']}")
    assert page.status_code == 200 and city.sql(looks) == "1"
    stay = city.sql_of_persons(f"select id from residence where person_id = {home['person']} and address_id = {home['address']} and until is null")
    state = f"select until is null, confirmed_on from residence where id = {stay}"
    today, days_ago = city.sql("select (now() at time zone 'Asia/Shanghai')::date, (now() at time zone 'Asia/Shanghai')::date - 3").split("|")
    taken = city.sql("select to_char((now() - interval '3 days') at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    city.sql_of_persons(f"update residence set confirmed_on = '{today}', updated_at = now() where id = {stay}")
    late = check(auxiliary, home["code"], taken_at=taken, **{f"stay.{stay}": "gone"})
    assert late.status_code == 200 and "1 人" in late.json()["message"], late.text
    assert city.sql_of_persons(state) == f"t|{today}"
    city.sql_of_persons(f"update residence set confirmed_on = '2020-01-01', updated_at = now() - interval '9 days' where id = {stay}")
    kept = {"client_id": secrets.token_hex(12), "taken_at": taken, f"stay.{stay}": "confirmed",
            "name": "ERIK BERG", "document_kind": "passport", "document_number": "X" + secrets.token_hex(4).upper(), "sex": "male", "birth_date": "1991-05-01"}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: check(auxiliary, home["code"], **kept), range(2)))
    assert sorted(answer.json().get("outcome") for answer in answers) == ["already", "taken"], [answer.text for answer in answers]
    assert city.sql_of_persons(state) == f"t|{days_ago}"
    assert city.sql_of_persons("select count(*) from person p join residence r on r.person_id = p.id where p.name = 'ERIK BERG'") == "1"
    assert city.sql_of_persons(f"select string_agg(skipped::text, ',' order by id) from household_check where checked_by = {auxiliary.user}") == "1,0"
    city.sql_of_persons(f"update residence set state = 'returned', updated_at = now() - interval '9 days' where id = {stay}")
    try:
        assert check(auxiliary, home["code"], **{f"stay.{stay}": "confirmed"}).status_code == 409
    finally:
        city.sql_of_persons(f"update residence set state = 'confirmed' where id = {stay}")
