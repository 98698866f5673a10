"""Visits of officers to households: entered at the door, filed for good, confirmed by the household, counted."""

import concurrent.futures
import re
import secrets
import struct
import zlib

import pytest
from clients import Client, Markup, until

PAST = " ".join(
    f'-c lifang.scope_{name}={{"all":true}}' for name in ("duty_visit", "visit_confirmation", "person", "residence"))


def png(side=8):
    """A white picture."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = (b"\0" + b"\xff" * side) * side
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def said(response):
    return " ".join(Markup(response.text).text.split())


def visit(client, code, result="met", at=None, **fields):
    """What the page at the door sends; `at` is longitude and latitude."""
    data = {"_csrf": client.token(), "code": code, "result": result, "client_id": secrets.token_hex(12), **fields}
    if result == "met":
        data.setdefault("met_name", "王小明")
    if at:
        data.update({"position.lon": at[0], "position.lat": at[1]})
    answer = client.http.post(
        f"{client.base}/inspection/visit", data=data, files={"photo": ("", b"")}, headers={"Accept": "application/json"},
        allow_redirects=False, timeout=60)
    print(answer.status_code, answer.text[:300])  # shown when a test fails
    return answer


def latest(city, code, columns):
    return city.sql(f"select {columns} from duty_visit where code = '{code}' order by id desc limit 1", PAST)


@pytest.fixture(scope="module")
def home(city):
    """The address of the demo resident, and where it lies."""
    row = city.resident()
    x, y = city.sql(f"select st_x(location), st_y(location) from address where id = {row['address']}").split("|")
    return {**row, "at": (float(x), float(y))}


@pytest.fixture(scope="module")
def officer(city, clients, newcomer, home):
    """An officer whose beat the resident's home lies in."""
    division = city.sql(f"select left(division_code, 9) from address where id = {home['address']}")
    unit = city.sql(f"select id from unit where division_code = '{division}' order by id limit 1")
    if not unit:
        made = clients("sysadmin").send("POST", "/api/r/unit", {"code": f"GAX{division}", "name": "走访派出所", "kind": "police", "division_code": division})
        assert made.status_code == 201, made.text
        unit = made.json()["id"]
    return newcomer("beat_officer", unit=int(unit), clearance="secret")


def test_a_visit_is_entered_from_the_plate_with_its_distance_and_never_changed(city, officer, home):
    page = officer.get(f"/d/{home['code']}")
    assert f"/inspection/visit?code={home['code']}" in page.text
    form = officer.get(f"/inspection/visit?code={home['code']}")
    assert form.status_code == 200 and home["full_name"] in said(form)
    nowhere = visit(officer, home["code"])
    assert nowhere.status_code == 422 and nowhere.json()["field"] == "position"
    unnamed = visit(officer, home["code"], at=home["at"], met_name="")
    assert unnamed.status_code in (400, 422) and unnamed.json()["field"] == "met_name"
    client = secrets.token_hex(12)
    first = visit(officer, home["code"], at=home["at"], client_id=client, changes=["same", "help"], occupants="3")
    assert first.status_code == 200 and first.json()["outcome"] == "taken", first.text
    assert visit(officer, home["code"], at=home["at"], client_id=client).json()["outcome"] == "already"
    assert latest(city, home["code"], "is_far, deviation < 5, confirmation, changes") == "f|t|none|{same,help}"
    far = visit(officer, home["code"], at=(home["at"][0] + 0.02, home["at"][1]))
    assert far.status_code == 200 and latest(city, home["code"], "is_far") == "t"
    number = latest(city, home["code"], "id")
    version = int(latest(city, home["code"], "version"))
    assert officer.send("PATCH", f"/api/r/duty_visit/{number}", {"version": version, "met_name": "别人"}).status_code == 403
    assert officer.send("DELETE", f"/api/r/duty_visit/{number}").status_code in (403, 409)
    assert visit(officer, "9999990000000000000", at=home["at"]).status_code == 404


def test_what_was_wrong_is_entered_anew_and_counts_instead(city, officer, clients, home):
    assert visit(officer, home["code"], at=home["at"], occupants="2").status_code == 200
    wrong = latest(city, home["code"], "id")
    asked = officer.get(f"/inspection/visit?correct={wrong}")
    assert asked.status_code == 200 and "原来的走访记录保留" in said(asked)
    done = visit(officer, home["code"], at=home["at"], occupants="4", correction_of_id=wrong)
    assert done.status_code == 200, done.text
    assert city.sql(f"select is_corrected, occupants from duty_visit where id = {wrong}", PAST) == "t|2"
    again = visit(officer, home["code"], at=home["at"], correction_of_id=wrong)
    assert again.status_code == 409


def test_officers_see_their_own_visits_and_leaders_those_of_their_units(city, officer, clients, newcomer, home):
    assert visit(officer, home["code"], at=home["at"]).status_code == 200
    own = officer.json("/api/r/duty_visit").json()["count"]
    assert own == int(city.sql(f"select count(*) from duty_visit where officer_id = {officer.user}", PAST))
    unit = city.sql(f"select unit_id from app_user where id = {officer.user}")
    other = newcomer("beat_officer", unit=int(unit))
    assert other.json("/api/r/duty_visit").json()["count"] == 0
    assert clients("leader").json("/api/r/duty_visit").json()["count"] >= own
    assert clients("grid").get("/r/duty_visit").status_code == 403
    table = clients("leader").get("/r/duty_visit/statistics?view=officer")
    assert table.status_code == 200 and "新来者" in said(table) and "确认率" in said(table)
    export = clients("leader").get("/r/duty_visit/statistics/export?view=officer")
    assert export.status_code == 200 and len(export.content) > 1000


def test_the_household_confirms_or_disputes_by_its_own_account(city, officer, clients, home):
    resident = clients("resident")
    done = visit(officer, home["code"], at=home["at"], ask_confirmation="true")
    assert done.json()["next"].endswith("/confirm"), done.text
    number = latest(city, home["code"], "id")
    assert "请确认民警走访" in said(resident.get("/messages"))
    assert officer.post(f"/visits/{number}/answer", {"answer": "confirmed"}).status_code == 404, "it is not the officer's home"
    mine = resident.get("/visits/mine")
    assert f"/visits/{number}/answer" in mine.text
    assert resident.post(f"/visits/{number}/answer", {"answer": "confirmed"}).status_code == 303
    assert latest(city, home["code"], "confirmation, confirmed_points") == "confirmed|100"
    silent = resident.post(f"/visits/{number}/answer", {"answer": "disputed"})
    assert silent.status_code == 400 and "请写明" in said(silent)
    assert resident.post(f"/visits/{number}/answer", {"answer": "disputed", "note": "那天没有人来"}).status_code == 303
    assert latest(city, home["code"], "confirmation, confirmed_points") == "disputed|0"
    assert city.sql(f"select string_agg(way || ' ' || answer, ',' order by id) from visit_confirmation where duty_visit_id = {number}", PAST) == \
        "account confirmed,account disputed"


def test_a_code_goes_to_the_registered_telephone_only(city, officer, clients, home, phones):
    person = city.sql(f"select id from person where address_id = {home['address']} and phone is not null order by id limit 1", PAST)
    assert visit(officer, home["code"], at=home["at"], ask_confirmation="true").status_code == 200
    number = latest(city, home["code"], "id")
    page = officer.get(f"/visits/{number}/confirm")
    assert page.status_code == 200 and "尾号" in said(page)
    stranger = city.sql(f"select id from person where address_id <> {home['address']} and phone is not null order by id limit 1", PAST)
    other = officer.post(f"/visits/{number}/confirm", {"way": "code", "do": "send", "person": stranger})
    assert other.status_code == 422 and not [one for one in phones if "验证码" in one["text"]]
    assert officer.post(f"/visits/{number}/confirm", {"way": "code", "do": "send", "person": person}).status_code == 303
    [message] = until(lambda: [one for one in phones if "验证码" in one["text"]], 60)
    code = re.search(r"验证码(\d{6})", message["text"]).group(1)
    wrong = officer.post(f"/visits/{number}/confirm", {"way": "code", "person": person, "code": "000000" if code != "000000" else "111111"})
    assert wrong.status_code == 422 and "验证码不对" in said(wrong)
    assert officer.post(f"/visits/{number}/confirm", {"way": "code", "person": person, "code": code}).status_code == 303
    assert latest(city, home["code"], "confirmation") == "confirmed"
    assert officer.get(f"/visits/{number}/confirm").status_code == 409


def test_a_signature_is_kept_and_the_household_is_told(city, officer, clients, home):
    assert visit(officer, home["code"], at=home["at"], ask_confirmation="true").status_code == 200
    number = latest(city, home["code"], "id")
    def sign(**files):
        return officer.http.post(
            f"{officer.base}/visits/{number}/confirm", data={"_csrf": officer.token(), "way": "signature", "signer": "王小明"},
            files=files or {"signature": ("", b"")}, allow_redirects=False, timeout=60)
    assert sign().status_code == 400
    done = sign(signature=("签字.png", png(), "image/png"))
    assert done.status_code == 303, said(done)
    assert "签字确认" in said(clients("resident").get("/messages"))
    assert city.sql(f"select way, signature is not null from visit_confirmation where duty_visit_id = {number}", PAST) == "signature|t"


def test_the_register_itself_takes_visits_within_the_scope_only(city, officer, home):
    def enter(address, x, y):
        return officer.send("POST", "/api/r/duty_visit", {
            "address_id": int(address), "result": "met", "met_name": "王小明", "ask_confirmation": True,
            "position": {"type": "Point", "coordinates": [float(x), float(y)]}})
    away = city.sql(
        "select id, st_x(location), st_y(location) from address where location is not null and status <> 'cancelled' and left(division_code, 9) <> "
        f"(select left(division_code, 9) from address where id = {home['address']}) order by id limit 1").split("|")
    other = enter(*away)
    assert other.status_code == 404 and "address-unknown" in other.text, other.text
    assert city.sql(f"select count(*) from duty_visit where address_id = {away[0]}", PAST) == "0"
    own = enter(home["address"], *home["at"])
    assert own.status_code == 201, own.text


def test_a_dispute_outlives_a_correction(city, officer, clients, home):
    resident = clients("resident")
    assert visit(officer, home["code"], at=home["at"], ask_confirmation="true").status_code == 200
    wrong = latest(city, home["code"], "id")
    assert resident.post(f"/visits/{wrong}/answer", {"answer": "disputed", "note": "那天没有人来"}).status_code == 303
    silent = visit(officer, home["code"], at=home["at"], correction_of_id=wrong)
    assert silent.status_code == 422 and silent.json()["field"] == "note", silent.text
    def correct(_):
        return visit(officer, home["code"], at=home["at"], correction_of_id=wrong, result="nobody", note="登错了，家里没有人").status_code
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(correct, range(2))) == [200, 409]
    assert latest(city, home["code"], f"correction_of_id = {wrong}, confirmation, confirmed_points") == "t|waiting|0"
    mine = said(resident.get("/visits/mine"))
    assert "民警已另记一条更正" in mine and "有异议" in mine
    assert resident.post(f"/visits/{wrong}/answer", {"answer": "confirmed"}).status_code == 409
    assert resident.post(f"/visits/{latest(city, home['code'], 'id')}/answer", {"answer": "confirmed"}).status_code == 303
    table = said(clients("leader").get("/r/duty_visit/statistics?view=officer"))
    assert "有异议" in table and "确认未告知" in table


def test_households_answer_once_and_for_their_own_time_only(city, officer, clients, home):
    resident = clients("resident")
    def enter():
        assert visit(officer, home["code"], at=home["at"], ask_confirmation="true").status_code == 200
        return latest(city, home["code"], "id")
    def answer(number, text):
        return resident.post(f"/visits/{number}/answer", {"answer": text, "note": "情况不符"}).status_code
    number = enter()
    assert [answer(number, text) for text in ("confirmed", "confirmed", "disputed", "confirmed", "disputed")] == [303, 409, 303, 409, 409]
    old, before = enter(), enter()
    city.sql(f"update duty_visit set visited_at = now() - interval '31 days' where id = {old}", PAST)
    assert answer(old, "confirmed") == 404 and f"/visits/{old}/" not in resident.get("/visits/mine").text
    stay = f"person_id = {home['person']} and address_id = {home['address']} and until is null"
    since = city.sql(f"select since from residence where {stay} order by since limit 1", PAST)
    city.sql(f"update duty_visit set visited_at = now() - interval '5 days' where id = {before}", PAST)
    try:
        city.sql(f"update residence set since = current_date - 1 where {stay}", PAST)
        assert answer(before, "confirmed") == 404
    finally:
        city.sql(f"update residence set since = '{since}' where {stay}", PAST)
    assert answer(before, "confirmed") == 303


def sign(officer, number):
    return officer.http.post(
        f"{officer.base}/visits/{number}/confirm", data={"_csrf": officer.token(), "way": "signature", "signer": "王小明"},
        files={"signature": ("签字.png", png(), "image/png")}, allow_redirects=False, timeout=60)


def test_a_telephone_that_the_officer_entered_confirms_nothing(city, officer, clients, home, phones):
    person = city.sql(f"select id from person where address_id = {home['address']} and phone is not null order by id limit 1", PAST)
    assert visit(officer, home["code"], at=home["at"], ask_confirmation="true").status_code == 200
    number = latest(city, home["code"], "id")
    looks = f"select count(*) from audit_entry where action = 'person.view' and record_id = {person} and purpose = '被访确认：{home['code']}'"
    seen = int(city.sql(looks))
    assert officer.get(f"/visits/{number}/confirm").status_code == 200 and int(city.sql(looks)) == seen + 1
    def set_phone(client, text):
        version = int(city.sql(f"select version from person where id = {person}", PAST))
        changed = client.send("PATCH", f"/api/r/person/{person}", {"version": version, "phone": text})
        assert changed.status_code == 200, changed.text
    def send(of):
        return officer.post(f"/visits/{of}/confirm", {"way": "code", "do": "send", "person": person})
    set_phone(officer, "13900139077")
    own = send(number)
    assert own.status_code == 422 and "自己登记" in said(own)
    set_phone(clients("station"), "13900139078")
    late = send(number)
    assert late.status_code == 422 and not [one for one in phones if "验证码" in one["text"]]
    assert visit(officer, home["code"], at=home["at"], ask_confirmation="true").status_code == 200
    number = latest(city, home["code"], "id")
    assert send(number).status_code == 303, "registered by somebody else before the visit"
    [message] = until(lambda: [one for one in phones if "验证码" in one["text"]], 60)
    code = re.search(r"验证码(\d{6})", message["text"]).group(1)
    assert officer.post(f"/visits/{number}/confirm", {"way": "code", "person": person, "code": code}).status_code == 303
    assert "已用短信确认" in said(clients("resident").get("/messages"))


def empty_place(city, home):
    """An address of the same beat where nobody is registered, with its place."""
    return city.sql(
        "select a.id, a.code, st_x(a.location), st_y(a.location) from address a where a.location is not null and a.status <> 'cancelled' "
        f"and left(a.division_code, 9) = (select left(division_code, 9) from address where id = {home['address']}) "
        "and not exists (select 1 from person p where p.address_id = a.id) and not exists (select 1 from duty_visit v where v.address_id = a.id) "
        "order by a.id limit 1", PAST).split("|")


def test_a_signature_that_nobody_was_told_of_counts_apart(city, officer, home):
    _, code, x, y = empty_place(city, home)
    assert visit(officer, code, at=(float(x), float(y)), ask_confirmation="true").status_code == 200
    done = sign(officer, latest(city, code, "id"))
    assert done.status_code == 303, said(done)
    assert latest(city, code, "confirmation, is_unannounced, confirmed_points") == "confirmed|t|0"


def test_coverage_follows_a_correction(city, officer, home):
    address, code, x, y = empty_place(city, home)
    at = (float(x), float(y))
    row = f"select state, visited_on is null, due_on is null, coverage from visit_household where address_id = {address}"
    assert visit(officer, code, at=at).status_code == 200
    assert city.sql(row) == "current|f|f|100"
    assert visit(officer, code, at=at, correction_of_id=latest(city, code, "id"), result="nobody").status_code == 200
    assert city.sql(row) == "never|t|t|0"


def test_households_to_be_visited_are_a_work_list(city, officer, home):
    until(lambda: city.sql("select count(*) from visit_household where state = 'never'") != "0", 60)
    assert visit(officer, home["code"], at=home["at"]).status_code == 200
    assert city.sql(f"select state, officer_id = {officer.user}, due_on > visited_on from visit_household where address_id = {home['address']}") == "current|t|t"
    waiting = officer.get("/r/visit_household?state=never")
    assert waiting.status_code == 200 and home["full_name"] not in said(waiting)
    table = officer.get("/r/visit_household/statistics?view=station")
    assert table.status_code == 200 and "走访率" in said(table)


def test_the_officer_on_a_plate_is_the_one_of_the_directory(city, clients, stranger):
    row = city.sql(
        "select a.code, a.beat, a.police_station_id, s.officer_name from address a join police_station s on s.id = a.police_station_id "
        "where a.beat is not null and s.officer_name is not null and s.unit_id is null order by a.id limit 1").split("|")
    code, beat, station, typed = row
    assert typed in said(stranger.get(f"/d/{code}"))
    made = clients("sysadmin").send("POST", "/api/r/unit", {"code": f"GAD{station}", "name": "目录派出所", "kind": "police"})
    assert made.status_code == 201, made.text
    linked = clients("data").send(
        "PATCH", f"/api/r/police_station/{station}",
        {"version": int(city.sql(f"select version from police_station where id = {station}")), "unit_id": made.json()["id"]})
    assert linked.status_code == 200, linked.text
    account = clients("sysadmin").send("POST", "/api/r/app_user", {
        "account": f"0517{station}", "name": "唐远航", "unit_id": made.json()["id"], "beat": beat, "service_phone": "0818-2385001"})
    assert account.status_code == 201, account.text
    page = until(lambda: (lambda text: text if "唐远航" in text else None)(said(Client(city.base).get(f"/d/{code}"))), 10)
    assert "0818-2385001" in page and typed not in page
    assert "唐远航" in said(stranger.get(f"/places/station/{station}"))
    user = account.json()
    changed = clients("sysadmin").send("PATCH", f"/api/r/app_user/{user['id']}", {"version": user["version"], "beat": "别的警务区"})
    assert changed.status_code == 200, changed.text
    until(lambda: "唐远航" not in said(Client(city.base).get(f"/d/{code}")), 10)
    # The other tests of this city know the station as it was.
    apart = clients("data").send(
        "PATCH", f"/api/r/police_station/{station}",
        {"version": int(city.sql(f"select version from police_station where id = {station}")), "unit_id": None})
    assert apart.status_code == 200, apart.text
    until(lambda: typed in said(Client(city.base).get(f"/d/{code}")), 10)
