"""Key objects, from the asking to the lifting, visits to them, and prompts of what the registers say (A-004)."""

import datetime
import itertools

import pytest
from clients import Markup, resident_id, until

_sequence = itertools.count(120)
PAST = " ".join(
    f'-c lifang.scope_{name}={{"all":true}}'
    for name in ("key_object", "key_object_visit", "analysis_prompt", "person", "residence"))


def today():
    return datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()


def said(response):
    return " ".join(Markup(response.text).text.split())


@pytest.fixture(scope="module")
def places(city):
    """Two towns of the station's county, each with a room: address id and division."""
    own = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    rows = city.sql(
        "select distinct on (left(division_code, 9)) id, division_code from address where kind = 'room' and status <> 'cancelled' "
        f"and starts_with(division_code, left('{own}', 6)) order by left(division_code, 9), id limit 2").splitlines()
    assert len(rows) == 2, "the demo city has rooms in one town only"
    return [dict(zip(["id", "division"], row.split("|"))) for row in rows]


@pytest.fixture(scope="module")
def staff(city, clients, newcomer, places):
    """An officer of each of both towns, who answers for the area, a community officer, and an approver of the county."""
    def unit(division, name, **above):
        made = clients("sysadmin").send("POST", "/api/r/unit", {
            "code": f"GAK{division}", "name": name, "kind": "police", "division_code": division, **above})
        assert made.status_code == 201, made.text
        return made.json()["id"]

    county = unit(places[0]["division"][:6], "列管分局")
    units = [unit(place["division"][:9], f"列管派出所{index}", parent_id=county) for index, place in enumerate(places)]
    return {
        "here": newcomer("station_officer", unit=units[0], clearance="secret"),
        "there": newcomer("station_officer", unit=units[1], clearance="secret"),
        "beat": newcomer("beat_officer", unit=units[0], clearance="sensitive"),
        "county": newcomer("station_officer", unit=county, clearance="secret"),
        "chief": newcomer("subbureau_approver", unit=county, clearance="secret"),
    }


def person(client, place, **fields):
    document = resident_id(place["division"], "19880203", next(_sequence))
    made = client.send("POST", "/api/r/person", {
        "name": "钱多多", "document_kind": "resident_id", "resident_id": document, "birth_date": "1988-02-03",
        "sex": "male" if int(document[16]) % 2 else "female", "residency": "floating", "division_code": place["division"],
        "address_id": int(place["id"]), **fields})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def ask(client, who, **fields):
    return client.send("POST", "/api/r/key_object", {
        "kind": "person", "person_id": who, "category": "correction", "level": "first", "reason": "社区矫正期内", **fields})


def do(client, register, record, action, **asked):
    return client.post(f"/r/{register}/{record}/do/{action}", asked)


def of(city, key, columns):
    return city.sql(f"select {columns} from key_object where id = {key}", PAST)


def prompts(city, rule, subject):
    return city.sql(
        "select coalesce(string_agg(p.state, ',' order by p.id), '') from analysis_prompt p join prompt_rule r on r.id = p.rule_id "
        f"where r.code = '{rule}' and p.subject_id = {subject}", PAST)


@pytest.fixture()
def listed(city, staff, places):
    """A key person of the community officer: id of the person and of the key object."""
    who = person(staff["beat"], places[0])
    made = ask(staff["beat"], who)
    assert made.status_code == 201, made.text
    key = made.json()["id"]
    assert do(staff["chief"], "key_object", key, "approve").status_code == 303
    assert of(city, key, "state") == "active"
    return who, key


def test_who_asks_does_not_decide_and_nobody_is_listed_twice(city, staff, places):
    who = person(staff["beat"], places[0])
    made = ask(staff["beat"], who)
    assert made.status_code == 201, made.text
    key = made.json()["id"]
    assert of(city, key, "state, subject, due_on is null") == "submitted|钱多多|t"
    assert of(city, key, "officer_id, asked_by") == f"{staff['beat'].user}|{staff['beat'].user}"
    assert do(staff["beat"], "key_object", key, "approve").status_code in (403, 404)
    again = ask(staff["here"], who)
    assert again.status_code == 409 and again.json()["field"] == "person_id"
    # It waits for those who may approve; who only asked is not told to decide.
    assert "列管待审" in said(staff["chief"].get("/"))
    assert "列管待审" not in said(staff["beat"].get("/"))
    unexplained = do(staff["chief"], "key_object", key, "refuse")
    assert unexplained.status_code in (400, 422) and of(city, key, "state") == "submitted"
    assert do(staff["chief"], "key_object", key, "approve").status_code == 303
    due = today() + datetime.timedelta(days=7)
    assert of(city, key, "state, due_on, visit_state, listed_on") == f"active|{due}|current|{today()}"
    assert do(staff["beat"], "key_object", key, "ask_lift", lift_reason="矫正期满").status_code == 303
    kept = do(staff["chief"], "key_object", key, "keep", decision="")
    assert kept.status_code == 422 and of(city, key, "state") == "lifting", "who asked is told why it stays"
    assert do(staff["chief"], "key_object", key, "keep", decision="期满前仍有走访异常").status_code == 303
    assert of(city, key, "state, kept_on") == f"active|{today()}"
    assert do(staff["beat"], "key_object", key, "ask_lift", lift_reason="矫正期满").status_code == 303
    again = do(staff["chief"], "key_object", key, "keep", decision="")
    assert again.status_code == 422, "the reason of the time before does not do"
    assert do(staff["chief"], "key_object", key, "lift").status_code == 303
    assert of(city, key, "state, due_on is null, lifted_on") == f"lifted|t|{today()}"
    assert ask(staff["beat"], who).status_code == 201, "who was let go may be listed again"


def test_where_a_key_person_lives_can_be_a_key_place_of_its_own(staff, places, listed):
    def ask_place():
        return staff["here"].send("POST", "/api/r/key_object", {
            "kind": "place", "address_id": int(places[0]["id"]), "category": "rental", "level": "second", "reason": "人员聚集"})

    made = ask_place()
    assert made.status_code == 201, made.text
    again = ask_place()
    assert again.status_code == 409 and again.json()["field"] == "address_id"


def test_only_those_who_answer_for_it_know_of_it_and_its_reason_is_told_for_a_purpose(city, staff, clients, listed):
    who, key = listed
    assert staff["here"].get(f"/r/key_object/{key}").status_code == 200
    assert staff["there"].get(f"/r/key_object/{key}").status_code == 404
    assert clients("grid").get("/r/key_object").status_code == 403
    other = staff["beat"].get(f"/r/person/{who}")
    assert other.status_code == 200 and "重点对象" in said(other)
    assert "重点对象" not in said(clients("grid").get("/"))
    before = int(city.sql(f"select count(*) from audit_entry where record_id = {key} and action = 'key_object.view'"))
    shown = said(staff["beat"].get(f"/r/key_object/{key}"))
    assert "社区矫正期内" not in shown
    after = int(city.sql(f"select count(*) from audit_entry where record_id = {key} and action = 'key_object.view'"))
    assert after == before + 1
    assert staff["beat"].post(f"/r/key_object/{key}/reveal", {"purpose": ""}).status_code in (400, 422)
    told = staff["beat"].post(f"/r/key_object/{key}/reveal", {"purpose": "走访核实"})
    assert told.status_code == 200 and "社区矫正期内" in said(told)


def test_a_visit_sets_the_next_and_one_that_found_nobody_alarms(city, staff, listed):
    _, key = listed
    page = staff["beat"].get(f"/r/key_object/{key}")
    assert f"/r/key_object_visit/new?key_object_id={key}" in page.text
    earlier = f"{today() - datetime.timedelta(days=2)}T09:00"
    made = staff["beat"].send("POST", "/api/r/key_object_visit", {
        "key_object_id": key, "visited_at": earlier, "way": "home", "situation": "normal", "note": "在家，情绪稳定"})
    assert made.status_code == 201, made.text
    assert of(city, key, "visited_on, due_on") == f"{today() - datetime.timedelta(days=2)}|{today() + datetime.timedelta(days=5)}"
    version = made.json()["version"]
    changed = staff["beat"].send("PATCH", f"/api/r/key_object_visit/{made.json()['id']}", {"version": version, "note": "别的"})
    assert changed.status_code in (403, 409)
    missed = staff["beat"].send("POST", "/api/r/key_object_visit", {
        "key_object_id": key, "way": "home", "situation": "missing", "note": "不在家，邻居说搬走了"})
    assert missed.status_code == 201, missed.text
    assert of(city, key, "due_on") == str(today() + datetime.timedelta(days=5)), "it does not count as a visit"
    assert prompts(city, "key_at_risk", missed.json()["id"]) == "open"
    told = said(staff["beat"].get("/messages"))
    assert "研判预警" in told and "钱多多" not in told
    row = city.sql(f"select p.id from analysis_prompt p where p.subject_id = {missed.json()['id']} and p.register = 'key_object_visit'", PAST)
    silent = do(staff["beat"], "analysis_prompt", row, "answer", answer="settled")
    assert silent.status_code in (400, 422)
    assert do(staff["beat"], "analysis_prompt", row, "answer", answer="settled", note="已在亲属家找到").status_code == 303
    assert prompts(city, "key_at_risk", missed.json()["id"]) == "handled"


def test_what_nobody_answered_does_not_disappear_by_itself(city, staff, listed):
    """A finding stays open however long ago it was, and a later visit does not answer it."""
    _, key = listed
    found = staff["beat"].send("POST", "/api/r/key_object_visit", {
        "key_object_id": key, "visited_at": f"{today() - datetime.timedelta(days=40)}T09:00", "way": "home", "situation": "risk",
        "note": "扬言报复"})
    assert found.status_code == 201, found.text
    assert prompts(city, "key_at_risk", found.json()["id"]) == "open"
    later = staff["beat"].send("POST", "/api/r/key_object_visit", {
        "key_object_id": key, "way": "home", "situation": "normal", "note": "在家"})
    assert later.status_code == 201, later.text
    assert prompts(city, "key_at_risk", found.json()["id"]) == "open"


def test_one_who_moves_is_told_to_where_they_moved(city, staff, places, listed):
    who, key = listed
    before = {row["id"] for row in staff["there"].json("/api/r/analysis_prompt").json()["items"]}
    missed = staff["beat"].send("POST", "/api/r/key_object_visit", {
        "key_object_id": key, "way": "home", "situation": "missing", "note": "不在家"})
    assert missed.status_code == 201, missed.text
    risk = ("select officer_id, division_code from analysis_prompt where register = 'key_object_visit' and state = 'open' "
            f"and subject_id = {missed.json()['id']}")
    assert city.sql(risk, PAST) == f"{staff['beat'].user}|{places[0]['division']}"
    version = city.sql(f"select version from person where id = {who}", PAST)
    answer = staff["county"].send("PATCH", f"/api/r/person/{who}", {
        "version": int(version), "address_id": int(places[1]["id"]), "division_code": places[1]["division"]})
    assert answer.status_code == 200, answer.text
    assert of(city, key, "division_code, moved_from") == f"{places[1]['division']}|{places[0]['division']}"
    found = [row for row in staff["there"].json("/api/r/analysis_prompt").json()["items"] if row["id"] not in before]
    assert sorted((row["name"], row["subject"]) for row in found) == [
        ("重点人员迁入辖区", "钱多多"), ("重点对象走访发现异常", f"钱多多 · {today()}")]
    assert "研判预警" in said(staff["there"].get("/"))
    # Who took care before still knows, answers for it still, and sees what was written.
    assert staff["beat"].get(f"/r/key_object/{key}").status_code == 200
    assert "重点人员迁入辖区" not in said(staff["beat"].get("/r/analysis_prompt")), "it is for those who take over"
    # Who is there now takes over, with what was written before.
    assert do(staff["there"], "key_object", key, "assign", officer_id=str(staff["there"].user)).status_code == 303
    assert of(city, key, "officer_id") == str(staff["there"].user)
    # What was open goes along, and the new officer is told of it.
    assert city.sql(risk, PAST) == f"{staff['there'].user}|{places[1]['division']}"
    assert "重点对象走访发现异常" in said(staff["there"].get("/messages"))
    # It is passed on to colleagues and to nobody else; then it is theirs, whoever becomes responsible.
    prompt = city.sql(risk.replace("officer_id, division_code", "id"), PAST)
    resident = city.sql("select id from app_user where unit_id is null limit 1")
    assert resident and do(staff["there"], "analysis_prompt", prompt, "pass_on", officer_id=resident).status_code == 422
    assert do(staff["there"], "analysis_prompt", prompt, "pass_on", officer_id=str(staff["here"].user)).status_code == 303
    assert do(staff["county"], "key_object", key, "assign", officer_id=str(staff["beat"].user)).status_code == 303
    assert city.sql(risk, PAST).split("|")[0] == str(staff["here"].user)


def test_rules_are_entered_in_the_browser_and_counted(city, staff, clients, places):
    delivered = city.sql("select string_agg(code, ' ' order by code) from prompt_rule where delivered and active").split()
    assert delivered == sorted([
        "room_crowded", "several_homes", "moves_often", "let_ended", "tenancy_waiting", "key_visit_overdue", "key_moved_in",
        "key_homeless", "key_expired", "key_at_risk"])
    # Who may not read people asks for none by a rule; rules over rooms are theirs.
    probing = clients("data").send("POST", "/api/r/prompt_rule", {
        "name": "试探", "register": "key_object", "condition": "category == 'mental'", "level": "general", "within_days": 7})
    assert probing.status_code == 422 and probing.json()["field"] == "register", probing.text
    rooms = clients("data").send("POST", "/api/r/prompt_rule", {
        "name": "出租没有租客", "register": "room", "condition": "is_let == true and is_let == false", "level": "general", "within_days": 7})
    assert rooms.status_code == 201, rooms.text
    manager = clients("leader")
    form = {"name": "两人同住", "register": "residence", "condition": "until == null and state == 'confirmed'", "level": "general",
            "within_days": "7", "group_field": "地址", "at_least": "2"}
    page = manager.get("/r/prompt_rule/new")
    assert page.status_code == 200 and "研判规则" in said(page)
    wrong = manager.post("/r/prompt_rule/new", {**form, "condition": "until = null"})
    assert wrong.status_code == 422 and "条件第" in said(wrong) and "两人同住" in wrong.text
    unknown = manager.post("/r/prompt_rule/new", {**form, "group_field": "住处"})
    assert unknown.status_code == 422 and "address_id（地址）" in said(unknown), "a refusal names what can be used"
    for _ in range(2):
        person(staff["beat"], places[0], name="孙同住")
    taken = manager.post("/r/prompt_rule/new", form)
    assert taken.status_code == 303, said(taken)
    rule = taken.headers["Location"].split("/")[-1]
    assert city.sql(f"select group_field from prompt_rule where id = {rule}") == "address_id"
    until(lambda: city.sql(f"select swept_at is not null from prompt_rule where id = {rule}") == "t", 60)
    count = int(city.sql(f"select found from prompt_rule where id = {rule}") or 0)
    assert count >= 1
    seen = staff["here"].json(f"/api/r/analysis_prompt?rule_id={rule}&state=open").json()["count"]
    assert 1 <= seen <= count
    table = staff["here"].get("/r/analysis_prompt/statistics?view=rules")
    assert table.status_code == 200 and "两人同住" in said(table)
    assert do(manager, "prompt_rule", rule, "disable").status_code == 303
    assert staff["here"].json(f"/api/r/analysis_prompt?rule_id={rule}&state=open").json()["count"] == 0
    assert clients("grid").get("/r/prompt_rule").status_code == 403


def test_every_delivered_rule_can_be_worked_out(city, clients, staff):
    """Asked for at once, each says how much it found and none that it failed."""
    rules = city.sql("select id from prompt_rule where delivered order by id").split()
    for rule in rules:
        assert do(clients("leader"), "prompt_rule", rule, "sweep").status_code == 303
    asked = "select count(*) from prompt_rule where delivered and failure is null and found is not null"
    until(lambda: city.sql(asked) == str(len(rules)), 60)
    assert city.sql("select coalesce(string_agg(code || ' ' || failure, ','), '') from prompt_rule where failure is not null") == ""
    # It stays the product's own, so that later versions reach it.
    assert city.sql("select count(*) from prompt_rule where delivered and adapted") == "0"


def test_who_writes_rules_sees_which_fields_there_are(clients):
    leader = clients("leader")
    page = leader.get("/prompt-fields?register=residence")
    shown = said(page)
    assert page.status_code == 200 and "room_id房屋" in shown and "'confirmed'" in shown
    assert "/prompt-fields" in Markup(leader.get("/").text).links
    assert clients("grid").get("/prompt-fields").status_code == 403


def test_who_moved_often_is_told_to_every_station_they_lived_at(city, staff, places, clients):
    """What is gathered lies in several divisions; each of them has to know."""
    who = person(staff["beat"], places[0], name="常迁居")
    for place in [places[1], places[0], places[1]]:
        version = city.sql(f"select version from person where id = {who}", PAST)
        moved = staff["county"].send("PATCH", f"/api/r/person/{who}", {
            "version": int(version), "address_id": int(place["id"]), "division_code": place["division"]})
        assert moved.status_code == 200, moved.text
    lowered = clients("leader").send("POST", "/api/r/prompt_rule", {
        "name": "两处住过", "register": "residence", "condition": "state == 'confirmed' and days(since, today()) <= 180",
        "level": "general", "within_days": 7, "group_field": "人员", "distinct_field": "地址", "at_least": 2})
    assert lowered.status_code == 201, lowered.text
    rule = lowered.json()["id"]
    until(lambda: city.sql(f"select swept_at is not null from prompt_rule where id = {rule}") == "t", 60)
    for officer in ("here", "there"):
        seen = staff[officer].json(f"/api/r/analysis_prompt?rule_id={rule}").json()["items"]
        assert [row["subject"] for row in seen if row["subject"] == "常迁居"] == ["常迁居"], officer
