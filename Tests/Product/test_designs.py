"""Designing in the browser: processes, items, calendars and messages from draft over trial to force, and back."""

import re
import secrets

import pytest
from pages import answer, apply
from playwright.sync_api import expect
from test_accessibility import check
from test_cases import NAME, PASSED, Form, said

PROCESS = "/designs/process/hukou_on_site"
ITEM = "/designs/item/hukou_001"
NAMING = "/designs/item/hukou_025"


def form(client, path, action=None):
    page = client.get(path)
    assert page.status_code == 200, said(page)[:500]
    return Form(page.text, action or path.split("?")[0]).values


def saved(answer):
    assert answer.status_code == 303, said(answer)[:800]
    return answer


def publish(clients, path, why="业务要求"):
    """The system administrator tries the draft, the security officer publishes it."""
    saved(clients("sysadmin").post(f"{path}/try"))
    saved(clients("secadmin").post(f"{path}/publish", {"note": why}))


def roll_back(clients, path, version=0):
    saved(clients("secadmin").post(f"{path}/rollback", {"version": version, "note": "恢复"}))


def restore(clients, path):
    """Whatever a test left: no draft, and what was delivered in force."""
    clients("sysadmin").post(f"{path}/discard")
    if "交付版生效" not in said(clients("sysadmin").get(path)):
        roll_back(clients, path)


def steps(client, case):
    return [task["label"] for task in client.json(case).json()["tasks"]]


@pytest.mark.parametrize("path", ["/designs/process", "/designs/item", "/designs/materials", "/designs/calendar", "/designs/message"])
def test_designs_are_for_those_who_may(clients, path):
    assert clients("sysadmin").get(path).status_code == 200
    assert clients("secadmin").get(path).status_code == 200
    for account in ("officer", "resident", "auditor"):
        assert clients(account).get(path).status_code == 403


def test_a_step_is_added_tried_published_and_taken_back_while_cases_run(clients, city):
    admin, citizen, desk = clients("sysadmin"), clients("resident"), clients("fujing")
    running = apply(citizen)
    page = f"{PROCESS}/chain/new"
    values = form(admin, f"{page}?behind=pre_review", page)
    values |= {"name": "所长复核", "handler": "role:station_hukou_chief", "fallback": "role:hukou_officer", "limit_days": "2", "remind_days": "1", "overdue": "pass", "asked": "review", "required": "review", "signing": "one", "dispatch": "pool"}
    saved(admin.post(page, values))
    chain = said(admin.get(f"{PROCESS}/chain"))
    assert "所长复核" in chain and "到期前 1 个工作日提醒，超时自动通过" in chain
    # Whoever drafted cannot publish, and nobody can before it was tried.
    assert admin.post(f"{PROCESS}/publish", {"note": "我要"}).status_code == 403
    assert clients("secadmin").post(f"{PROCESS}/publish", {"note": "先发"}).status_code == 409
    saved(admin.post(f"{PROCESS}/try"))
    overview = said(admin.get(PROCESS))
    assert "试运行" in overview and "所长复核（" in overview
    assert "＋" in said(admin.get(f"{PROCESS}/compare"))
    assert clients("secadmin").post(f"{PROCESS}/publish", {"note": ""}).status_code == 422
    saved(clients("secadmin").post(f"{PROCESS}/publish", {"note": "加强复核"}))
    try:
        later = apply(citizen)
        for case in (running, later):
            saved(answer(desk, case, {"review": "passed"}))
        assert steps(citizen, running) == ["收件核验原件"]
        assert steps(citizen, later) == ["所长复核"]
        versions = said(clients("secadmin").get(PROCESS))
        assert "版生效" in versions and "加强复核" in versions
    finally:
        roll_back(clients, PROCESS)
    after = apply(citizen)
    saved(answer(desk, after, {"review": "passed"}))
    assert steps(citizen, after) == ["收件核验原件"]
    entries = city.sql("select string_agg(action, ' ' order by id) from audit_entry where action like 'definition.%' and details->>'name' = 'hukou_on_site'")
    assert entries.endswith("definition.draft definition.try definition.publish definition.rollback")


def test_a_process_is_called_from_another_and_cases_go_through_it(clients):
    admin, citizen = clients("sysadmin"), clients("resident")
    page = f"{PROCESS}/chain/call"
    try:
        values = form(admin, f"{page}?behind=pre_review", page)
        values |= {"name": "调查核实", "process": "hukou_investigate", "inputs": "channel = 'window'"}
        refused = admin.post(page, values)
        assert refused.status_code == 422 and "没有给它这个变量" in said(refused) and "受理人员" in said(refused)
        assert admin.post(page, {**values, "inputs": "channel"}).status_code == 422
        lines = "channel = 'window'\r\naccepted_by = accepted_by\r\noriginals = false\r\ndelivery = 'none'"
        saved(admin.post(page, {**values, "inputs": lines}))
        chain = said(admin.get(f"{PROCESS}/chain"))
        assert "调查核实" in chain and "accepted_by = accepted_by" in chain
        again = form(admin, f"{page}?id=call_1", page)
        assert again["process"] == "hukou_investigate" and "originals = false" in again["inputs"]
        assert "“调查核实”调用的流程" in said(admin.get(PROCESS))
        publish(clients, PROCESS)
        case = apply(citizen)
        saved(answer(clients("fujing"), case, {"review": "passed"}))
        assert steps(citizen, case) == ["社区民警调查核实"]
        assert "“调查核实”调用的流程" in said(citizen.get(case))
        # Nothing may be called that would call back, and what is called cannot be broken under its callers.
        other = "/designs/process/hukou_investigate"
        assert "hukou_on_site" not in admin.get(f"{other}/chain/call?behind=pre_review").text
        gone = citizen.post(f"{case}/do/void", {"reason": "不办了"})
        saved(gone)
        assert citizen.json(case).json()["state"] == "withdrawn"
    finally:
        restore(clients, PROCESS)


def test_a_refused_bpmn_file_names_the_element(clients):
    admin = clients("sysadmin")
    path = "/designs/process/hukou_proof"
    file = admin.get(f"{path}/file")
    assert file.headers["Content-Type"].startswith("application/xml") and "hukou_proof.bpmn" in file.headers["Content-Disposition"]
    wrong = file.text.replace("<bpmn:endEvent ", "<bpmn:sendTask ", 1)
    page = admin.post(f"{path}/text", {"text": wrong, "seen": ""})
    assert page.status_code == 422
    assert "sendTask，这里不支持" in said(page) and re.search(r"第 \d+ 行", said(page))
    assert "草稿" not in Form(admin.get(path).text, "").ids
    # What can be read but would hang is kept, named, and can be neither tried nor published.
    loose = re.sub(r'<bpmn:sequenceFlow id="([^"]+)"[^>]*targetRef="done"\s*/>', "", file.text, count=1)
    assert loose != file.text
    saved(admin.post(f"{path}/text", {"seen": ""}, files={"file": ("hukou_proof.bpmn", loose.encode())}))
    try:
        text = said(admin.get(f"{path}/text"))
        assert "没有线连出，流程会停在这里" in text or "走不到" in text
        assert admin.post(f"{path}/try").status_code == 422
    finally:
        saved(admin.post(f"{path}/discard"))
    assert "交付版生效" in said(admin.get(path))


def test_a_condition_is_chosen_by_variable_and_value(clients):
    admin = clients("sysadmin")
    name = f"flow_{secrets.token_hex(3)}"
    saved(admin.post("/designs/process/new", {"name": name, "label": "新流程", "copy": ""}))
    path = f"/designs/process/{name}"
    page = f"{path}/chain/branch"
    values = form(admin, f"{page}?behind=review", page)
    saved(admin.post(page, values | {"chosen": "review == 'refused'", "target": "end", "label": "直接退"}))
    assert "直接退" in said(admin.get(f"{path}/chain"))
    values = form(admin, f"{page}?behind=review", page)
    wrong = admin.post(page, values | {"chosen": "", "formula": "nothing == 1", "target": "end"})
    assert wrong.status_code == 422 and "nothing" in said(wrong)
    saved(admin.post(f"{path}/discard"))
    assert admin.get(path).status_code == 404


def test_an_item_is_changed_tried_with_a_form_and_published(clients):
    admin, citizen = clients("sysadmin"), clients("resident")
    page = f"{NAMING}/edit"
    values = form(admin, page)
    assert values["limit"]
    wrong = admin.post(page, values | {"c0.check": "no_such_field == 1", "step": "save"})
    assert wrong.status_code == 422 and "no_such_field" in said(wrong)
    more = admin.post(page, values | {"step": "material"})
    assert more.status_code == 200 and f'm{values["materials"]}.kind' in Form(more.text, page).values
    saved(admin.post(page, values | {"limit": "9", "guide": "请带齐材料。", "step": "save"}))
    try:
        trial = f"{NAMING}/trial"
        tried = form(admin, trial)
        answer = admin.post(trial, tried | {"channel": "window", "registered_birth_date": "1990-03-07", "name_before": "王招弟", "name_after": "王清扬", "reason": "原名造成困扰", "step": "try"})
        assert answer.status_code == 200, said(answer)[:500]
        assert "可以受理" in said(answer) and "9 个工作日" in said(answer)
        publish(clients, NAMING)
        assert "9 个工作日" in said(citizen.get("/services/hukou_025"))
    finally:
        restore(clients, NAMING)
    assert "9 个工作日" not in said(citizen.get("/services/hukou_025"))


def test_a_day_of_the_calendar_is_turned_with_one_click(visit, clients):
    page = visit("sysadmin")
    page.goto("/designs/calendar/china_2026/edit?month=2026-12")
    page.get_by_role("button", name="2026-12-24 工作，点一下改为休息").click()
    expect(page.get_by_role("button", name="2026-12-24 放假，点一下改为工作")).to_be_visible()
    try:
        trial = clients("sysadmin").post("/designs/calendar/china_2026/try", headers={"Accept": "application/json"})
        assert trial.status_code == 200 and trial.json()["faults"] == []
        page.get_by_label("周五").fill("8点到12点")
        page.get_by_role("button", name="保存到草稿").click()
        expect(page.get_by_role("alert")).to_contain_text("办公时间读不懂")
    finally:
        saved(clients("sysadmin").post("/designs/calendar/china_2026/discard"))


def test_an_item_goes_up_to_the_city_bureau_when_the_city_says_so(clients, newcomer, city):
    """三级审批: station, county, city (C-340, C-511)."""
    admin = clients("sysadmin")
    text = form(admin, f"{NAMING}/text")["text"]
    higher = text.replace("hukou_county", "hukou_city").replace(
        "county_hukou_approver]", "county_hukou_approver, city_hukou_manager]")
    assert higher.count("hukou_city") > 1
    saved(admin.post(f"{NAMING}/text", {"text": higher, "seen": ""}))
    try:
        publish(clients, NAMING, "市局要求审批")
        bureau = newcomer(
            "city_hukou_manager", clearance="secret",
            unit=int(city.sql("select parent_id from unit where id = (select unit_id from app_user where account = 'shenpi')")))
        case = apply(clients("resident"), NAME)
        for account in ("fujing", "huji", "shenpi"):
            saved(answer(clients(account), case, PASSED | {"opinion": "同意"}))
        assert steps(clients("resident"), case) == ["市局审批"]
        saved(answer(bureau, case, {"review": "refused", "opinion": "依据不足"}))
        assert "不予办理：依据不足" in said(clients("resident").get(case))
    finally:
        restore(clients, NAMING)


def test_a_message_is_reworded_with_a_preview(clients):
    admin = clients("sysadmin")
    path = "/designs/message/case_submitted"
    values = form(admin, f"{path}/edit")
    wrong = admin.post(f"{path}/edit", values | {"text": "{nobody}您好", "step": "save"})
    assert wrong.status_code == 422 and "{nobody}" in said(wrong)
    preview = admin.post(f"{path}/edit", values | {"title": "受理通知：{item}", "step": "preview"})
    assert preview.status_code == 200 and "受理通知：" in said(preview)
    assert "交付版生效" in said(admin.get(path))


def test_a_message_of_ones_own_is_sent_when_a_record_fulfils_its_condition(clients, newcomer, city):
    admin, mark = clients("sysadmin"), secrets.token_hex(3)
    path = f"/designs/message/own_{mark}"
    made = admin.post("/designs/message/new", {"name": f"own_{mark}", "label": f"上报提醒{mark}", "copy": ""})
    saved(made)
    assert "系统不知道何时发送它" in said(admin.get(path))
    values = form(admin, f"{path}/edit") | {
        "title": "{who}上报了{summary}", "text": "{summary}（{state}）", "channels": "site",
        "trigger_register": "problem_report", "trigger_when": f"summary == '灯{mark}' and state == 'answered'",
        "trigger_to": "user", "trigger_field": "reporter_user_id",
        "variables": "who | 上报人 | reporter_user_id | 王五\nsummary | 问题 | summary | 打不开\nstate | 状态 | state | 已答复",
    }
    wrong = admin.post(f"{path}/edit", values | {"trigger_field": "nobody", "step": "save"})
    assert wrong.status_code == 422 and "没有字段“nobody”" in said(wrong)
    preview = admin.post(f"{path}/edit", values | {"step": "preview"})
    assert "王五上报了打不开" in said(preview)
    saved(admin.post(f"{path}/edit", values | {"step": "save"}))
    publish(clients, path)
    assert f"上报提醒{mark}" in said(admin.get("/designs/message?q=own"))

    reporter = clients("fujing")
    report = reporter.send("POST", "/api/r/problem_report", {
        "summary": f"灯{mark}", "kind": "fault", "description": "打不开"})
    assert report.status_code == 201, report.text
    number = report.json()["id"]

    def told():
        return [item["title"] for item in reporter.json("/messages").json()["items"] if mark in item["title"]]

    own = [title for title in told() if "上报了" in title]
    assert own == [], "it has not been answered yet"
    unit = int(city.sql("select unit_id from app_user where account = 'shenpi'"))
    bureau = newcomer("city_hukou_manager", unit=unit, clearance="secret")
    assert bureau.post(f"/r/problem_report/{number}/do/answer", {"answer": "已修复"}).status_code == 303
    own = [title for title in told() if "上报了" in title]
    assert len(own) == 1 and own[0].endswith(f"上报了灯{mark}") and not own[0].startswith("上报了")
    # The program's own messages keep their variables and their occasion.
    other = admin.get("/designs/message/case_result/edit").text
    assert "trigger_register" not in other


def test_a_kind_of_material_is_added_and_one_in_use_stays(clients):
    admin = clients("sysadmin")
    path = "/designs/materials/hukou_common"
    values = form(admin, f"{path}/edit")
    count, mark = int(values["rows"]), secrets.token_hex(3)
    first = values["r0.name"]
    wrong = admin.post(f"{path}/edit", values | {"r0.name": "", "r0.label": "", "step": "save"})
    assert wrong.status_code == 422 and first in said(wrong)
    more = Form(admin.post(f"{path}/edit", values | {"step": "row"}).text, f"{path}/edit").values
    saved(admin.post(f"{path}/edit", more | {f"r{count}.name": f"paper_{mark}", f"r{count}.label": f"新证明{mark}", f"r{count}.medium": "electronic", "step": "save"}))
    try:
        publish(clients, path)
        choices = admin.get(f"{ITEM}/edit").text
        assert f"新证明{mark}" in choices
    finally:
        restore(clients, path)


def test_two_people_do_not_write_over_each_other(clients):
    admin = clients("sysadmin")
    path = "/designs/message/case_result"
    values = form(admin, f"{path}/edit")
    saved(admin.post(f"{path}/edit", values | {"title": "结果：{item}", "step": "save"}))
    try:
        late = admin.post(f"{path}/edit", values | {"title": "另一种：{item}", "step": "save"})
        assert late.status_code == 409 and "刚被别人改动" in said(late)
    finally:
        saved(admin.post(f"{path}/discard"))


PAGES = ["/designs/process", PROCESS, f"{PROCESS}/chain", f"{PROCESS}/chain/step?id=pre_review", f"{PROCESS}/chain/branch?behind=pre_review", f"{PROCESS}/variables", f"{PROCESS}/text", ITEM, f"{ITEM}/edit", f"{ITEM}/trial", "/designs/materials/hukou_common/edit", "/designs/item/new", f"{PROCESS}/compare", "/designs/materials/hukou_common", "/designs/calendar/china_2026", "/designs/message/case_result", "/designs/calendar/china_2026/edit", "/designs/message/case_result/edit"]


@pytest.mark.parametrize("path", PAGES)
def test_designers_are_for_everybody(path, visit):
    for size in ("desktop", "phone"):
        page = visit("sysadmin", size)
        page.goto(path)
        check(page)
