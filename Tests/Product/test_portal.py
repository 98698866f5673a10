"""The citizen's portal: booking a window, what anybody may read, progress by telephone, judging, correcting."""

import re
import threading

import pytest
from clients import Client, Markup, form_token, resident_id, unsafe_markup, until
from pages import answer, apply
from playwright.sync_api import expect
from test_accessibility import check
from test_cases import picture

ALL = '-c lifang.scope_appointment={"all":true} -c lifang.scope_service_case={"all":true}'
PERSON = {"name": "陈预约", "document": resident_id("511702", "19900101", 117), "phone": "13800138001"}


def said(answer):
    main = re.search(r"<main.*?</main>", answer.text, re.S)
    return re.sub(r"\s+", " ", Markup(main.group(0) if main else answer.text).text)


def slot(city, number=0, service="identity_card"):
    """A slot to come that is empty, with its window; each number is another one."""
    row = city.sql(
        "select s.id, s.service_window_id from appointment_slot s where s.slot_date > current_date + 1 and s.booked = 0 "
        f"order by s.id offset {number} limit 1")
    return dict(zip(["slot", "window"], row.split("|")), service=service)


@pytest.fixture(autouse=True)
def nobody_has_booked(city):
    """Every test begins without open bookings of the resident."""
    city.sql("update appointment set state = 'cancelled' where state = 'booked' and user_id = "
             "(select id from app_user where account = 'resident')", ALL)


def test_booking_on_a_phone_from_the_first_page_to_the_queue_number(visit):
    page = visit("resident", "phone")
    page.goto("/")
    page.get_by_role("link", name="预约到窗口").click()
    page.get_by_role("link", name="新的预约").click()
    page.get_by_role("main").get_by_role("link", name="居民身份证", exact=True).click()
    expect(page.get_by_text("第 2 步")).to_be_visible()
    page.locator(".nearby-row").first.click()
    page.locator("a.slot").last.click()
    expect(page.get_by_text("来自您的实名登记").first).to_be_visible()
    page.get_by_role("textbox", name="手机号码").fill("13800138000")
    page.get_by_role("button", name="确认预约").click()
    expect(page.locator(".queue-number strong")).to_have_text(re.compile(r"^[A-Z]\d{3}$"))
    page.get_by_role("link", name="取消预约").click()
    page.get_by_role("dialog").get_by_role("button", name="取消预约").click()
    expect(page.get_by_text("已取消预约").first).to_be_visible()


def test_the_last_place_goes_to_one_of_many(city, newcomer):
    place = slot(city, 3)
    city.sql(f"update appointment_slot set quota = 1 where id = {place['slot']}")
    people = [newcomer() for _ in range(4)]
    answers = [None] * 4

    def book(index):
        answers[index] = people[index].post("/appointments", {**place, **PERSON}).status_code

    for person in people:
        person.token()
    threads = [threading.Thread(target=book, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409, 409, 409]
    assert city.sql(f"select booked from appointment_slot where id = {place['slot']}") == "1"
    assert city.sql(f"select count(*) from appointment where appointment_slot_id = {place['slot']}", ALL) == "1"


def test_one_open_booking_an_item_and_a_cancelled_place_is_free_again(city, newcomer):
    person = newcomer()
    place = slot(city, 5)
    booked = person.post("/appointments", {**place, **PERSON})
    assert booked.status_code == 303, said(booked)
    path = booked.headers["Location"]
    again = person.post("/appointments", {**slot(city, 6), **PERSON})
    assert again.status_code == 409 and "已经约了" in said(again)
    other = newcomer()
    assert other.get(path).status_code == 404
    assert other.post(path + "/cancel").status_code == 404
    assert person.post(path + "/cancel").status_code == 303
    assert city.sql(f"select booked from appointment_slot where id = {place['slot']}") == "0"
    assert person.post(path + "/cancel").status_code == 409
    assert person.post("/appointments", {**place, **PERSON}).status_code == 303
    # A queue number is never given twice.
    numbers = city.sql(f"select string_agg(queue_number, ',' order by id) from appointment where appointment_slot_id = {place['slot']}", ALL)
    first, second = numbers.split(",")
    assert first != second
    heard = person.json("/messages")
    assert "预约成功" in person.get("/messages").text, heard.text[:300]


def test_wrong_particulars_are_named_and_nothing_is_booked(city, newcomer):
    person = newcomer()
    place = slot(city, 8)
    wrong = person.post("/appointments", {**place, "name": "", "document": "511702199001011170", "phone": "12345"})
    assert wrong.status_code == 422
    for text in ("请填写姓名", "身份证号不正确", "请填写手机号码"):
        assert text in said(wrong)
    gone = person.post("/appointments", {**place, **PERSON, "slot": "999999999"})
    assert gone.status_code == 404
    past = city.sql("select id from appointment_slot where slot_date <= current_date order by id limit 1")
    if past:
        city.sql(f"update appointment_slot set slot_date = current_date - 30 where id = {past}")
        late = person.post("/appointments", {**place, **PERSON, "slot": past})
        assert late.status_code == 409
    assert Client(city.base).post("/appointments", {**place, **PERSON}).status_code in (401, 403)


def test_the_window_checks_in_by_queue_number_and_serves(city, clients, newcomer):
    person = newcomer()
    window = city.sql("select w.id from service_window w join app_user u on u.unit_id = w.unit_id where u.account = 'huji'")
    free = city.sql(f"select id from appointment_slot where service_window_id = {window} and slot_date > current_date + 1 and booked = 0 order by id desc limit 1")
    booked = person.post("/appointments", {"slot": free, "window": window, "service": "hukou", **PERSON})
    assert booked.status_code == 303, said(booked)
    number = booked.headers["Location"].split("/")[-1]
    early = clients("huji").post(f"/desk/appointments/{number}/arrive")
    assert early.status_code == 409, said(early)
    city.sql(f"update appointment set slot_date = current_date where id = {number}", ALL)
    queue = city.sql(f"select number from appointment where id = {number}", ALL)
    page = said(clients("huji").get("/desk/appointments"))
    assert "陈**" in page and "已预约" in page
    assert clients("huji").post("/desk/appointments/arrive", {"queue": queue}).status_code == 303
    assert city.sql(f"select state from appointment where id = {number}", ALL) == "arrived"
    assert clients("huji").post(f"/desk/appointments/{number}/serve").status_code == 303
    assert "已办完" in said(person.get(booked.headers["Location"]))
    assert person.get("/desk/appointments").status_code == 403
    assert clients("leader").get("/desk/appointments").status_code == 403
    assert clients("huji").get("/r/appointment/statistics").status_code == 200


def test_who_stays_away_too_often_cannot_book_until_it_is_lifted(city, clients, newcomer):
    person = newcomer()
    for index, service in enumerate(["hukou", "migration", "certificate"]):
        booked = person.post("/appointments", {**slot(city, 10 + index, service), **PERSON})
        assert booked.status_code == 303, said(booked)
    more = person.post("/appointments", {**slot(city, 14), **PERSON})
    assert more.status_code == 409 and "未办的预约" in said(more)
    city.sql(f"update appointment set slot_date = current_date - 1 where user_id = {person.user}", ALL)
    blocked = '-c lifang.scope_appointment_block={"all":true}'
    until(lambda: city.sql(f"select count(*) from appointment_block where user_id = {person.user}", blocked) == "1", 150, 1)
    refused = person.post("/appointments", {**slot(city, 15), **PERSON})
    assert refused.status_code == 403 and "爽约 3 次" in said(refused)
    assert "不能网上预约" in said(person.get("/appointments/new"))
    block = city.sql(f"select id from appointment_block where user_id = {person.user}", blocked)
    lifted = clients("shenpi").send("POST", f"/api/r/appointment_block/{block}/actions/lift", {"lift_note": "核实为系统故障"})
    if lifted.status_code == 404:
        lifted = clients("shenpi").post(f"/r/appointment_block/{block}/do/lift", {"lift_note": "核实为系统故障", "version": "1"})
    assert lifted.status_code in (200, 303), lifted.text[:500]
    assert person.post("/appointments", {**slot(city, 16), **PERSON}).status_code == 303


PUBLIC = {
    "/windows": "户籍窗口", "/windows?service=identity_card&lon=107.468&lat=31.209": "公里", "/policies?q=出生登记": "户口登记条例",
    "/hotlines": "户政", "/questions": "咨询答疑", "/progress": "获取验证码", "/names": "取名", "/identity-cards?number=1": "没有找到",
}


@pytest.mark.parametrize("path", PUBLIC)
def test_anybody_reads_the_public_pages(stranger, path):
    page = stranger.get(path)
    assert page.status_code == 200 and PUBLIC[path] in said(page), said(page)[:600]
    assert unsafe_markup(page.text) == []


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('.map-pin')].map(pin => pin.getBoundingClientRect());
  return boxes.some((a, i) => boxes.slice(i + 1).some(b =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
}"""


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_windows_on_the_map_have_their_names_and_none_hides_another(size, visit, city):
    names = city.sql("select name from service_window order by name").split("\n")
    page = visit(None, size)
    page.goto("/windows?service=hukou")
    page.locator("[data-map][data-ready]").wait_for()
    for away in [False, True]:
        while away and page.locator(".map-pin").count() > 1:
            page.get_by_role("button", name="缩小").click()
        labels = page.locator(".map-pin").evaluate_all("pins => pins.map(pin => pin.ariaLabel)")
        assert labels and all(any(name in label for name in names) for label in labels), labels
        assert not page.evaluate(OVERLAPS)
    # From far away they are one pin with their number; it opens all of them.
    together = page.locator(".map-pin").first
    expect(together).to_have_attribute("aria-label", re.compile("^[0-9]+ 处："))
    together.focus()
    page.keyboard.press("Enter")
    links = page.locator(".map-card a")
    assert links.count() == int(together.text_content())
    links.first.click()
    page.wait_for_url(re.compile("/windows/[0-9]+$"))


@pytest.mark.parametrize("path", ["/", "/windows", "/policies", "/hotlines", "/questions", "/progress", "/names"])
def test_public_pages_are_for_everyone_on_a_phone_and_in_large_type(visit, path):
    page = visit(None, "phone")
    page.goto(path)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    check(page)


def test_every_link_of_the_first_page_leads_somewhere(visit):
    for account in (None, "resident"):
        page = visit(account)
        page.goto("/")
        links = page.eval_on_selector_all("main a[href^='/']", "all => [...new Set(all.map(a => a.getAttribute('href')))]")
        assert len(links) > 10
        for link in links:
            assert page.request.get(link).status == 200, link


def test_a_window_shows_hours_telephone_and_the_way(stranger, city):
    window = city.sql("select id from service_window order by id limit 1")
    page = stranger.get(f"/windows/{window}")
    assert "tel:" in page.text and "uri.amap.com" in page.text and "工作日" in said(page)
    assert stranger.get("/windows/999999").status_code == 404


def test_few_bearers_of_a_name_are_not_counted_exactly(stranger, city):
    rare = city.sql_of_persons("select name from person group by name having count(*) = 1 and length(name) = 3 limit 1")
    page = said(stranger.get(f"/names?name={rare}"))
    assert "不到 5 人" in page
    assert "没有人" in said(stranger.get("/names?name=欧阳不存在"))
    assert "两个字以上的汉字" in said(stranger.get("/names?name=a%27--"))


def test_a_question_is_asked_answered_and_read_by_all_without_the_asker(city, clients, stranger):
    division = city.sql("select left(n.division_code, 6) from app_user u join unit n on n.id = u.unit_id where u.account = 'shenpi'")
    asked = clients("resident").post("/questions", {
        "kind": "question", "name": "新生儿多久可以上户口", "content": "我叫王小明，孩子刚出生，多久可以上户？", "division_code": division})
    assert asked.status_code == 303, said(asked)
    path = asked.headers["Location"]
    assert stranger.get(path).status_code == 404
    assert clients("resident").get(path).status_code == 200
    number = path.split("/")[-1]
    office = clients("shenpi")
    for action, fields in (("answer", {"reply": "出生后一个月以内申报。"}), ("show", {"public_question": "新生儿多久可以申报出生登记？"})):
        version = office.json(f"/api/r/desk_question/{number}").json()["version"]
        made = office.post(f"/r/desk_question/{number}/do/{action}", {"version": str(version), **fields})
        assert made.status_code == 303, said(made)
    page = said(stranger.get(path))
    assert "一个月以内" in page and "王小明" not in page
    assert "新生儿多久可以上户口" in said(stranger.get("/questions"))
    assert clients("resident").post("/questions", {"kind": "question"}).status_code in (400, 422)
    assert stranger.post("/questions", {"kind": "question"}).status_code == 401


def test_a_bank_report_is_the_reporters_own(city, clients, newcomer):
    division = city.sql("select left(n.division_code, 6) from app_user u join unit n on n.id = u.unit_id where u.account = 'shenpi'")
    person = newcomer()
    made = person.post("/identity-reports", [
        ("person_name", "陈预约"), ("resident_id", PERSON["document"]), ("phone", PERSON["phone"]), ("bank", "建设银行通川支行"),
        ("happened_on", "2026-11-02"), ("problems", "name"), ("problems", "photo"), ("division_code", division)])
    assert made.status_code == 303, said(made)
    assert "建设银行通川支行" in said(person.get("/identity-reports"))
    assert "建设银行通川支行" not in said(newcomer().get("/identity-reports"))


def test_progress_by_number_and_telephone_needs_the_code_that_came_there(city, clients, stranger, phones):
    case = apply(clients("resident"))
    number = clients("resident").json(case).json()["number"]
    page = stranger.get("/progress")
    stranger._token = form_token(page.text)
    fields = {"number": number, "phone": "13800138000"}
    asked = stranger.post("/progress", fields)
    assert asked.status_code == 200 and "短信验证码" in said(asked), said(asked)
    [message] = until(lambda: [one for one in phones if "验证码" in one["text"]], 60)
    code = re.search(r"验证码(\d{6})", message["text"]).group(1)
    soon = stranger.post("/progress", fields)
    assert soon.status_code == 422 and "等一分钟" in said(soon)
    wrong = stranger.post("/progress", {**fields, "code": "000000" if code != "000000" else "111111"})
    assert wrong.status_code == 422 and "验证码不对" in said(wrong)
    shown = stranger.post("/progress", {**fields, "code": code})
    assert shown.status_code == 200 and number in said(shown) and "受理单位" in said(shown)
    assert "刘芳" not in shown.text and "13800138000" not in shown.text
    # A code is good once.
    assert stranger.post("/progress", {**fields, "code": code}).status_code == 422
    # For a telephone that is not the applicant's the answer is the same, and nothing is sent.
    before = len(phones)
    other = stranger.post("/progress", {"number": number, "phone": "13800138999"})
    assert other.status_code == 200 and "短信验证码" in said(other)
    assert len(phones) == before


def test_people_change_their_telephone_and_address_themselves(city, newcomer, phones):
    """The number once its code came back, told to nobody in addresses; the address by a form; what the register owns by applying."""
    me = newcomer()
    assert "申请变更更正" in said(clients_page := me.get("/account/profile")) or "绑定实名身份" in said(clients_page)
    number = "13800138%03d" % (int(city.sql("select count(*) from app_user")) % 1000)
    asked = me.post("/account/profile/phone", {"phone": number})
    assert asked.status_code == 200 and "6 位验证码" in said(asked), said(asked)
    [message] = until(lambda: [one for one in phones if "验证码" in one["text"]], 60)
    code = re.search(r"验证码(\d{6})", message["text"]).group(1)
    wrong = me.post("/account/profile/phone", {"phone": number, "code": "000000" if code != "000000" else "111111"})
    assert wrong.status_code == 422 and "验证码不对" in said(wrong)
    done = me.post("/account/profile/phone", {"phone": number, "code": code})
    assert done.status_code == 303 and number not in done.headers["Location"]
    assert number[:3] + "****" + number[-4:] in said(me.get("/account/profile"))
    assert me.post("/account/profile/address", {"address": "通川区朝阳中路 88 号"}).status_code == 303
    assert "通川区朝阳中路 88 号" in me.get("/account/profile").text
    entry = city.sql("select details::text from audit_entry where action = 'app_user.update' order by id desc limit 1")
    assert "朝阳" not in entry and number not in entry


PASSED = {"review": "passed"}


def completed(clients, item="hukou_001"):
    case = apply(clients("resident"), item)
    for account, values in (("fujing", PASSED), ("fujing", {"receipt": "matched"}), ("huji", PASSED), ("fujing", {})):
        if clients("resident").json(case).json()["state"] == "completed":
            break
        done = answer(clients(account), case, values)
        assert done.status_code == 303, said(done)
    assert clients("resident").json(case).json()["state"] == "completed"
    return case


def test_a_finished_case_is_judged_once_and_a_bad_word_is_answered(city, clients):
    early = apply(clients("resident"))
    assert clients("resident").get(early + "/evaluation").status_code == 409
    case = completed(clients)
    assert "评价" in said(clients("resident").get(case))
    assert clients("fujing").get(case + "/evaluation").status_code == 403
    bare = clients("resident").post(case + "/evaluation", {"stars": "1"})
    assert bare.status_code == 422 and "选一个原因" in said(bare)
    given = clients("resident").post(case + "/evaluation", [
        ("stars", "1"), ("tags", "slow"), ("words", "等了很久"), ("anonymous", "true")])
    assert given.status_code == 303, said(given)
    twice = clients("resident").post(case + "/evaluation", {"stars": "5"})
    assert twice.status_code == 409 and "只能评价一次" in said(twice)
    row = city.sql("select id, coalesce(service_case_id::text, 'none'), created_by, state from service_evaluation order by id desc limit 1")
    number, linked, creator, state = row.split("|")
    assert (linked, creator, state) == ("none", "0", "pending")
    chief = clients("suozhang")
    assert "等了很久" in said(chief.get(f"/r/service_evaluation/{number}"))
    assert "不满意" in chief.get("/messages").text
    version = chief.json(f"/api/r/service_evaluation/{number}").json()["version"]
    answered = chief.post(f"/r/service_evaluation/{number}/do/rectify", {"version": str(version), "answer": "已增开一个窗口，向您致歉。"})
    assert answered.status_code == 303, said(answered)
    assert "已增开一个窗口" in said(clients("resident").get(case + "/evaluation"))
    assert chief.get("/r/service_evaluation/statistics").status_code == 200
    assert clients("resident").get("/r/service_evaluation").status_code == 403


def test_an_error_is_corrected_within_three_working_days_by_its_owner_only(city, clients):
    case = completed(clients)
    number = clients("resident").json(case).json()["number"]
    page = clients("resident").get(case).text
    assert f"/services/hukou_correction/apply?old={number}" in page
    assert number in clients("resident").get(f"/services/hukou_correction/apply?old={number}").text
    form = {
        "applicant_name": "刘芳", "applicant_document": "511702199603071223", "applicant_phone": "13800138000",
        "division_code": "511702001001", "delivery": "window", "relation": "self", "old_number": number,
        "document": "household_register", "wrong_item": "出生日期", "wrong_text": "5月12日", "right_text": "5月13日",
        "material.wrong_document.way": "held"}
    foreign = clients("resident").post("/services/hukou_correction/apply", {**form, "old_number": "51170200000000"})
    assert foreign.status_code == 422 and "没有找到您的这件办件" in said(foreign)
    taken = clients("resident").post("/services/hukou_correction/apply", form)
    assert taken.status_code == 303, said(taken)
    assert number in said(clients("resident").get(taken.headers["Location"]))
    city.sql(f"update service_case set finished_at = now() - interval '15 days' where number = '{number}'", ALL)
    late = clients("resident").post("/services/hukou_correction/apply", form)
    assert late.status_code == 422 and "纠错期" in said(late)


def test_pictures_and_notices_of_the_first_page_are_set_by_the_office(city, clients, stranger):
    made = clients("shenpi").send("POST", "/api/r/portal_banner", {
        "name": "冬季窗口时间调整", "kind": "notice", "content": "十二月起下午四点半下班。", "shown_from": "2026-01-01"})
    assert made.status_code == 201, made.text
    assert "冬季窗口时间调整" in said(stranger.get("/"))
    number = made.json()["id"]
    assert "下午四点半" in said(stranger.get(f"/notices/{number}"))
    version = clients("shenpi").json(f"/api/r/portal_banner/{number}").json()["version"]
    assert clients("shenpi").post(f"/r/portal_banner/{number}/do/disable", {"version": str(version)}).status_code == 303
    assert "冬季窗口时间调整" not in said(stranger.get("/"))
    assert stranger.get(f"/notices/{number}").status_code == 404
    assert clients("huji").send("POST", "/api/r/portal_banner", {"name": "x"}).status_code == 403


def test_booking_works_without_scripts(chromium, city, states):
    context = chromium.new_context(base_url=city.base, storage_state=states("resident"), java_script_enabled=False)
    page = context.new_page()
    page.goto("/appointments/new")
    page.get_by_role("main").get_by_role("link", name="户口迁移", exact=True).click()
    page.locator(".nearby-row").first.click()
    page.locator("a.slot").last.click()
    page.get_by_role("textbox", name="手机号码").fill("13800138000")
    page.get_by_role("button", name="确认预约").click()
    expect(page.locator(".queue-number strong")).to_be_visible()
    context.close()


def test_a_notice_is_public_within_its_dates_only(city, stranger):
    stamps, now = "version, created_at, created_by, updated_at, updated_by", "1, now(), 0, now(), 0"
    found = {}
    for name, first, last in [("明天的公告", 1, 3), ("过去的公告", -9, -2), ("今天的公告", -1, 1)]:
        found[name] = city.sql(
            f"insert into portal_banner ({stamps}, name, kind, content, shown_from, shown_until, position, state) values "
            f"({now}, '{name}', 'notice', '正文', current_date + {first}, current_date + {last}, 1, 'on') returning id")
    try:
        assert "今天的公告" in stranger.get("/").text
        answers = {name: stranger.get(f"/notices/{number}").status_code for name, number in found.items()}
        assert answers == {"明天的公告": 404, "过去的公告": 404, "今天的公告": 200}
    finally:
        city.sql(f"delete from portal_banner where id in ({', '.join(found.values())})")


# --- keeping the portal ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keeper(city, newcomer):
    """Who manages household registration for the whole city."""
    bureau = city.sql("select id from unit where parent_id is null order by id limit 1")
    return newcomer("city_hukou_manager", unit=int(bureau), clearance="secret", name="市局门户")


def test_visits_of_the_portal_are_counted_by_page_and_say_nothing_of_who(city, clients, stranger, keeper):
    path = "/statistics/portal"

    def seen(page, kind):
        return {line["page"]: line for line in keeper.json(path).json()["pages"]}.get(page, {}).get(kind, 0)

    before = {page: seen(page, "strangers") for page in ("/policies", "/services/{item}")}
    own = seen("/policies", "residents")
    for _ in range(3):
        assert stranger.get("/policies").status_code == 200
    assert stranger.get("/services/hukou_001").status_code == 200
    assert clients("resident").get("/policies").status_code == 200
    assert keeper.get("/policies").status_code == 200  # staff does not count
    assert stranger.get("/policies/999999999").status_code == 404  # nor what there is not
    until(lambda: seen("/policies", "strangers") >= before["/policies"] + 3, seconds=15)
    until(lambda: seen("/services/{item}", "strangers") > before["/services/{item}"], seconds=15)
    assert seen("/policies", "residents") >= own + 1
    assert city.sql("select string_agg(column_name, ',' order by column_name) from information_schema.columns where table_name = 'portal_visit'") == "day,page,resident,visits"
    page = keeper.get(path)
    assert page.status_code == 200 and "政策法规" in page.text and "办事指南" in page.text
    assert page.text.count("<figure") == 2, "by day and by page"
    figures = keeper.json(path).json()
    assert figures["users"] == int(city.sql("select count(*) from app_user where unit_id is null"))
    assert figures["days"][-1]["visits"] >= 4 and len(figures["days"]) == 30
    csv = keeper.get(path + "/export")
    assert csv.status_code == 200 and "政策法规" in csv.content.decode("utf-8-sig")
    assert clients("shenpi").get(path).status_code == 200 and clients("shenpi").get(path + "/export").status_code == 403
    assert clients("fujing").get(path).status_code == 403 and clients("resident").get(path).status_code == 403
    assert keeper.get(path + "?since=2026-13-01").status_code == 400


def test_users_that_register_are_counted_by_day(newcomer, keeper):
    before = keeper.json("/statistics/portal").json()
    newcomer()
    after = keeper.json("/statistics/portal").json()
    assert after["users"] >= before["users"] + 1
    assert after["days"][-1]["registered"] >= before["days"][-1]["registered"] + 1


def test_users_of_one_platform_are_counted_by_day(city, keeper):
    platform, name = city.sql("select id, name from identity_provider order by id limit 1").split("|")
    page = keeper.get(f"/statistics/portal?platform={platform}")
    assert page.status_code == 200 and name in said(page) and "绑定的账号" in said(page) and "最常看的页面" not in said(page)
    table = keeper.get(f"/statistics/portal/export?platform={platform}").content.decode("utf-8-sig")
    assert name in table and "页面" not in table
    every, one = keeper.json("/statistics/portal").json(), keeper.json(f"/statistics/portal?platform={platform}").json()
    assert one["users"] <= every["users"] and len(one["days"]) == len(every["days"])
    assert keeper.get("/statistics/portal?platform=0").status_code == 400


def test_whoever_keeps_the_portal_sees_what_is_shown_and_what_waits(city, clients, keeper):
    page = said(keeper.get("/portal/manage"))
    for part in ("政策法规", "户政咨询电话", "首页图片和公告", "群众咨询答疑", "户政窗口", "通知通报"):
        assert part in page or part in keeper.get("/portal/manage").text, part
    assert "市局户政管理" in page, "who keeps it"
    waiting = int(city.sql("select count(*) from desk_question where state = 'pending'", '-c lifang.scope_desk_question={"all":true}'))
    link = re.search(r'href="(/r/desk_question\?state=pending)"', keeper.get("/portal/manage").text)
    assert (waiting > 0) == bool(link), waiting
    if link:
        assert keeper.get(link.group(1)).status_code == 200
    assert '/r/desk_policy/new' in keeper.get("/portal/manage").text
    # Who may only report sees nothing of it.
    for account in ("fujing", "officer", "resident"):
        assert clients(account).get("/portal/manage").status_code == 403, account


@pytest.fixture
def praised(city, clients):
    """Six windows of one quarter, taken away again afterwards."""
    unit = city.sql("select unit_id from app_user where account = 'shenpi'")
    made = []
    for place in range(1, 7):
        sent = clients("shenpi").post(
            "/r/portal_model_window/new",
            {"name": f"示范窗口{place}", "kind": "window", "period_kind": "quarter", "period_from": "2031-01-01",
             "period_to": "2031-03-31", "place": str(place), "unit_id": unit, "figures": f"办件 {1000 + place} 件"},
            files={"photo": (f"{place}.png", picture(place), "image/png")})
        assert sent.status_code == 303, said(sent)
        made.append(sent.headers["Location"].split("?")[0])
    yield made
    for path in made:
        clients("shenpi").post(f"{path}/do/withdraw")


def test_the_best_windows_pass_by_on_the_workbench_until_they_are_stopped(praised, visit):
    page = visit("shenpi")
    page.emulate_media(reduced_motion="no-preference")
    page.clock.install()
    page.goto("/")
    row = page.get_by_role("list", name="示范窗口与优秀民警")
    assert [one.split("\n")[0] for one in row.get_by_role("link").all_inner_texts()] == [f"示范窗口{n}" for n in range(1, 7)]
    left = lambda: row.evaluate("row => Math.round(row.scrollLeft)")
    page.mouse.move(5, 5)
    assert left() == 0
    page.clock.run_for(5100)
    until(lambda: left() > 0, 10)
    # Whoever reaches it with the keyboard is not carried on, and a button ends it.
    stop = page.get_by_role("button", name="停止滚动")
    stop.focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("button", name="自动滚动").count() == 1
    page.evaluate("document.activeElement.blur()")
    row.evaluate("row => row.scrollTo({ left: 0, behavior: 'instant' })")
    page.clock.run_for(30000)
    assert left() == 0
    still = visit("shenpi")
    still.emulate_media(reduced_motion="reduce")
    still.goto("/")
    assert still.get_by_role("button", name="自动滚动").count() == 1
    check(still)
