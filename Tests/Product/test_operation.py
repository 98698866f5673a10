"""Running the platform: how it is, what went wrong, who looks, and problems that users report."""

import re
import secrets
import urllib.request

from clients import until
from pages import apply
from test_cases import said


def test_the_operator_sees_how_the_platform_runs(clients):
    admin = clients("sysadmin")
    page = said(admin.get("/operation"))
    for words in ("24 小时请求", "数据库连接", "本机排队的请求", "数据盘剩余", "后台任务", "消息发送", "网间摆渡"):
        assert words in page, words
    told = admin.json("/operation").json()
    assert told["connections"] > 0 and told["diskFree"] > 0
    assert {one["name"] for one in told["backlogs"]} == {"后台任务", "消息发送", "办件时限", "网间摆渡"}
    assert clients("fujing").get("/operation").status_code == 403
    assert "没有启用网间摆渡" in said(admin.get("/ferry"))


def test_a_warning_of_the_log_can_be_read_without_a_shell(clients, city):
    mark = secrets.token_hex(4)
    city.sql(
        "insert into run_event (at, node, level, event, request, detail) "
        f"values (now(), 'node-1', 'error', 'request-failed', 'R{mark}', '{{\"error\":\"{mark}\"}}')")
    admin = clients("sysadmin")
    assert mark in said(admin.get("/operation/exceptions?level=error"))
    assert mark not in said(admin.get("/operation/exceptions?level=warning"))
    assert clients("fujing").get("/operation/exceptions").status_code == 403


def test_the_log_of_the_server_is_found_by_level_words_and_days_and_taken_away(clients, city):
    """日志查询: what the server wrote about itself, by level (C-257)."""
    mark, other = secrets.token_hex(4), secrets.token_hex(4)
    for level, event, word, days in (("info", "migration-applied", mark, 0), ("warning", "sql-slow", other, 3)):
        city.sql(
            "insert into run_event (at, node, level, event, detail) "
            f"values (now() - interval '{days} days', 'node-1', '{level}', '{event}', '{{\"id\":\"{word}\"}}')")
    admin, path = clients("sysadmin"), "/operation/exceptions"
    everything = said(admin.get(path + f"?q={mark}"))
    assert mark in everything and other not in everything and "信息" in everything
    assert mark not in said(admin.get(path + f"?level=warning&q={mark}"))
    # Every word counts, in whatever order.
    assert other in said(admin.get(path + f"?q={other}+node-1")) and other not in said(admin.get(path + f"?q={other}+node-2"))
    day = city.sql("select ((now() - interval '3 days') at time zone 'Asia/Shanghai')::date")
    found = said(admin.get(path + f"?time.from={day}&time.to={day}&level=warning"))
    assert other in found and mark not in found
    assert admin.get(path + "?time.from=yesterday").status_code == 400
    table = admin.get(path + f"/export?q={other}").content.decode("utf-8-sig")
    assert other in table and mark not in table and table.splitlines()[0].startswith("时间,级别")
    assert int(city.sql("select count(*) from audit_entry where action = 'platform.export'")) >= 1
    for account in ("fujing", "secadmin", "resident"):
        assert clients(account).get(path + "/export").status_code == 403


def test_what_the_server_says_at_work_is_in_its_log(city):
    """Not only what went wrong: starting is a line of information."""
    assert int(city.sql("select count(*) from run_event where level = 'info'")) >= 1


def test_starting_the_platform_is_in_the_audit(city):
    assert int(city.sql("select count(*) from audit_entry where action = 'platform.start'")) >= 1


def test_pages_with_personal_data_say_across_them_who_looks(clients, city):
    station = clients("station")
    name = city.sql("select name from app_user where account = 'station'")
    page = station.get("/r/person").text
    mark = re.search(r'<svg class="watermark".*?</svg>', page, re.S)
    assert mark and name in mark.group(0) and station.address in mark.group(0)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", mark.group(0))
    assert 'class="watermark"' not in station.get("/r/road").text
    case = apply(clients("resident"))
    assert 'class="watermark"' in clients("fujing").get(case).text


def test_online_users_are_counted_by_unit(clients, city):
    clients("fujing")
    page = said(clients("secadmin").get("/online"))
    unit = city.sql("select n.name from app_user u join unit n on n.id = u.unit_id where u.account = 'fujing'")
    assert "在线率" in page and unit in page


def test_a_look_keeps_browser_and_system(clients, city):
    case = apply(clients("resident"))
    client = clients("fujing")
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"
    client.get(case, headers={"User-Agent": agent})
    entry = city.sql(
        "select id from audit_entry where entity = 'service_case' and details ->> 'agent' like '%Windows NT%' order by id desc limit 1")
    assert entry
    assert "Chrome · Windows" in said(clients("auditor").get(f"/logs/{entry}"))


def test_what_somebody_was_refused_is_in_the_audit_and_warned_of(clients, newcomer, city):
    client = newcomer("hukou_officer", clearance="secret", name="越权者")
    for _ in range(25):
        assert client.get("/logs").status_code == 403
    assert int(city.sql("select count(*) from audit_entry where action = 'access.refuse' and principal_name = '越权者'")) >= 25
    # The watch looks once a minute.
    officer = clients("secadmin")
    until(lambda: "越权者" in officer.get("/r/access_warning").text, 90, 1)
    assert "多次越权访问" in said(officer.get("/r/access_warning?q=越权者"))
    assert "访问预警" in officer.get("/messages").text


def test_a_problem_is_reported_answered_and_asked_about_again(clients, newcomer, city):
    units = city.sql("select unit_id from app_user where account = 'shenpi'")
    mark = secrets.token_hex(4)
    made = clients("fujing").send("POST", "/api/r/problem_report", {
        "summary": f"待办打不开{mark}", "kind": "fault", "description": "点开待办后一直转圈。"})
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    # Others of the same rank do not see it; the bureau does.
    assert clients("shenpi").get(f"/r/problem_report/{number}").status_code == 404
    bureau = newcomer("city_hukou_manager", unit=int(units), clearance="secret")
    assert mark in bureau.get("/r/problem_report").text
    assert bureau.post(f"/r/problem_report/{number}/do/answer", {"answer": "已修复，请刷新。"}).status_code == 303
    assert "已修复，请刷新。" in said(clients("fujing").get(f"/r/problem_report/{number}"))
    assert f"待办打不开{mark}" in said(clients("fujing").get("/messages"))
    assert clients("fujing").post(f"/r/problem_report/{number}/do/reopen", {"again": "还是不行"}).status_code == 303
    assert bureau.post(f"/r/problem_report/{number}/do/resolve", {"resolution": "换了服务器"}).status_code == 303
    assert "已落实" in said(clients("fujing").get(f"/r/problem_report/{number}"))
    exported = bureau.get("/r/problem_report/export")
    assert exported.status_code == 200
    assert clients("fujing").post(f"/r/problem_report/{number}/do/answer", {"answer": "我来"}).status_code in (403, 404, 409)


def test_an_incident_is_dispatched_handled_and_closed(clients, city):
    admin = clients("sysadmin")
    handler = int(city.sql("select id from app_user where account = 'sysadmin'"))
    unit = int(city.sql("select id from unit order by id limit 1"))
    known = admin.send("POST", "/api/r/security_knowledge", {"name": "磁盘写满", "library": "case", "content": "日志没有轮转。", "solution": "清理并开启轮转。"})
    assert known.status_code == 201, known.text
    made = admin.send("POST", "/api/r/incident_order", {
        "name": f"磁盘告警{secrets.token_hex(3)}", "origin": "alarm", "level": "serious", "description": "剩余空间不足一成。", "unit_id": unit})
    assert made.status_code == 201, made.text
    order = f"/r/incident_order/{made.json()['id']}"
    assert admin.post(f"{order}/do/dispatch", {"handler_id": str(handler), "due_at": "2027-01-01T10:00"}).status_code == 303
    done = admin.post(f"{order}/do/resolve", {"handling": "已清理。", "known_solution": str(known.json()["id"])})
    assert done.status_code == 303, done.text
    assert admin.post(f"{order}/do/close", {"verdict": "确认恢复"}).status_code == 303
    page = said(admin.get(order))
    assert "已关闭" in page and "已清理。" in page
    assert clients("fujing").get(order).status_code in (403, 404)


def test_a_roster_is_made_from_its_arrangement_and_read_as_a_month(clients, city):
    admin = clients("sysadmin")
    mark = secrets.token_hex(3)
    handler = int(city.sql("select id from app_user where account = 'sysadmin'"))
    unit = int(city.sql("select id from unit order by id limit 1"))
    made = admin.post("/r/work_plan/new", {
        "name": f"排班{mark}", "register": "duty_shift", "content": f"班次：白班{mark}\n值班类别：运维值班\n注意事项：先看机房{mark}",
        "rhythm": "day", "at_time": "00:00", "hours": "24", "ahead": "3", "starts_on": city.sql("select current_date"),
        "turn_every": "1", "tells": "true", "unit_id": str(unit)})
    assert made.status_code == 303, said(made)
    plan = int(made.headers["Location"].split("/")[3].split("?")[0])
    member = admin.send("POST", "/api/r/plan_member", {"work_plan_id": plan, "user_id": handler, "part": "turn", "position": 1})
    assert member.status_code == 201, member.text
    # Plans are followed once a minute.
    until(lambda: int(city.sql(f"select count(*) from plan_run where work_plan_id = {plan}")) >= 3, 90, 1)
    month = admin.get("/duty")
    assert f"白班{mark}" in said(month) and "正在值班" in said(month)
    assert f"先看机房{mark}" in said(admin.get("/"))
    assert "计划执行记录" in said(admin.get(f"/r/plan_run?work_plan_id={plan}"))
    assert admin.get("/duty?month=2026-13").status_code == 400
    assert clients("fujing").get("/duty").status_code == 403
    wrong = admin.post("/r/work_plan/new", {
        "name": "不行", "register": "incident_order", "content": "事件：没写现象", "rhythm": "day", "at_time": "08:00", "ahead": "0",
        "starts_on": city.sql("select current_date"), "turn_every": "1", "unit_id": str(unit)})
    assert wrong.status_code == 422 and "现象和影响" in said(wrong)
    assert admin.post(f"/r/work_plan/{plan}/do/pause", {}).status_code == 303


def test_a_figure_beyond_its_threshold_becomes_an_alarm_with_an_order(clients, city):
    admin = clients("sysadmin")
    mark = secrets.token_hex(3)
    made = admin.post("/r/alarm_rule/new", {
        "name": f"连接数{mark}", "metric": "lifang_disk_free_percent", "measure": "value", "comparison": "gt", "threshold": "0",
        "minutes": "0", "quiet_minutes": "600", "level": "general", "responses": ["site", "order"], "duty_kind": "leader",
        "within_hours": "4"})
    assert made.status_code == 303, said(made)
    until(lambda: city.sql(f"select count(*) from alarm where name = '连接数{mark}'") == "1", 90, 1)
    alarm, order = city.sql(f"select id || ' ' || order_id from alarm where name = '连接数{mark}'").split()
    page = said(admin.get(f"/r/alarm/{alarm}"))
    assert "触发" in page and "高于阈值 0" in page
    assert f"连接数{mark}" in said(admin.get("/messages"))
    assert "待派单" in said(admin.get(f"/r/incident_order/{order}"))
    assert admin.post(f"/r/alarm/{alarm}/do/confirm", {}).status_code == 303
    assert admin.post(f"/r/alarm/{alarm}/do/handle", {"handling": "测试规则"}).status_code == 303
    assert "已处置" in said(admin.get(f"/r/alarm/{alarm}"))
    assert admin.get("/r/alarm/statistics?view=rules").status_code == 200
    assert clients("fujing").get(f"/r/alarm/{alarm}").status_code in (403, 404)
    rule = made.headers["Location"].split("/")[3].split("?")[0]
    assert admin.post(f"/r/alarm_rule/{rule}/do/disable", {}).status_code == 303
    with urllib.request.urlopen(city.base + "/metrics") as metrics:
        figures = metrics.read().decode()
    assert "lifang_disk_free_percent" in figures and "lifang_requests_waiting 0" in figures


def test_a_warning_shows_the_assets_that_it_concerns(clients, city):
    admin, officer = clients("sysadmin"), clients("secadmin")
    mark = secrets.token_hex(3)
    unit = int(city.sql("select id from unit order by id limit 1"))
    for name, release in (("旧库", "15.3"), ("新库", "15.14")):
        made = admin.send("POST", "/api/r/asset", {
            "name": f"{name}{mark}", "kind": "database", "importance": "core", "product": f"产品{mark}", "release": release,
            "unit_id": unit})
        assert made.status_code == 201, made.text
    warning = officer.send("POST", "/api/r/safety_warning", {
        "name": f"漏洞{mark}", "origin": "vendor", "level": "red", "content": "提权", "measure": "升级", "product": f"产品{mark}",
        "release_until": "15.13", "unit_id": unit})
    assert warning.status_code == 201, warning.text
    page = said(officer.get(f"/r/safety_warning/{warning.json()['id']}"))
    assert f"旧库{mark}" in page and f"新库{mark}" not in page


def test_the_library_answers_to_the_codes_of_the_log(clients):
    admin = clients("sysadmin")
    assert "网间摆渡缺号" in said(admin.get("/r/security_knowledge?q=ferry-alarm"))
    assert "从备份恢复" in said(admin.get("/r/security_knowledge?q=恢复&library=document"))


def test_a_plan_sends_officers_to_those_whose_identity_card_expires(clients, newcomer, city):
    person = city.sql_of_persons(
        "select id, name from person where division_code like '511702001001%' and household_number is not null "
        "and resident_id is not null and deceased_on is null order by id desc limit 1")
    saved = clients("officer").send(
        "PATCH", f"/api/r/person/{person.split('|')[0]}", {
            "card_expires_on": city.sql("select current_date"), "registered_division": "511702001001"})
    assert saved.status_code == 200, saved.text
    bureau = int(city.sql("select unit_id from app_user where account = 'shenpi'"))
    manager = newcomer("city_hukou_manager", unit=bureau, clearance="secret")
    name = f"换证{secrets.token_hex(3)}"
    made = manager.post("/r/work_plan/new", {
        "name": name, "register": "batch_task", "content": f"任务名称：{name}\n任务类型：居民身份证到期换领\n名单来源：从人口登记生成",
        "rhythm": "days", "every_days": "30", "at_time": "00:00", "ahead": "0", "starts_on": city.sql("select current_date"),
        "turn_every": "1", "unit_id": str(bureau)})
    assert made.status_code == 303, said(made)
    plan = made.headers["Location"].split("/")[3].split("?")[0]
    until(lambda: city.sql(f"select count(*) from batch_task where name = '{name}'") == "1"
          or city.sql(f"select failure from work_plan where id = {plan}"), 90, 1)
    task = city.sql(f"select id, state, roster_note from batch_task where name = '{name}'").split("|")
    assert task[1] == "issued" and task[2].startswith("列入 "), city.sql(f"select failure from work_plan where id = {plan}")
    entries = manager.json(f"/api/r/batch_task_entry?batch_task_id={task[0]}").json()
    assert entries["count"] == int(re.search(r"列入 (\d+) 人", task[2]).group(1)) >= 1
    assert person.split("|")[1][0] in said(manager.get(f"/r/batch_task_entry?batch_task_id={task[0]}"))
    assert name in said(manager.get(f"/r/plan_run?work_plan_id={plan}"))
    assert manager.post(f"/r/work_plan/{plan}/do/pause", {}).status_code == 303
