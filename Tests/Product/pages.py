"""Every kind of page, who opens it, and how its address is found in the demo city."""

import functools

from clients import Client


def record(table, where="true"):
    return lambda city: city.sql(f"select id from {table} where {where} order by id limit 1")


def plate(city):
    return city.resident()["code"]


HOME = "division_code = '511702001001'"

APPLICANT = {
    "applicant_name": "刘芳", "applicant_document": "511702199603071223", "applicant_phone": "13800138000",
    "division_code": "511702001001", "delivery": "window",
}
# What each item asks for, without anything that has to be uploaded.
APPLICATIONS = {
    "hukou_001": {
        **APPLICANT, "relation": "child", "subject_name": "张小满", "applicant_relation": "mother", "child_name": "张小满",
        "child_sex": "male", "child_birth_date": "2025-05-12", "child_ethnicity": "01", "native_place": "四川省达州市通川区",
        "birth_place": "四川省达州市通川区", "birth_certificate_number": "S510034567", "father_standing": "family",
        "father_name": "张志强", "father_resident_id": "511702199408161215", "father_ethnicity": "01", "mother_standing": "family",
        "mother_name": "刘芳", "mother_resident_id": "511702199603071223", "mother_ethnicity": "01", "household_kind": "family",
        "household_head_name": "刘建国", "relation_to_head": "grandchild", "household_address": "达州市通川区西城街道荷叶街28号",
        "material.mother_register.way": "held", "material.birth_certificate.way": "promised",
    },
    "hukou_025": {
        **APPLICANT, "relation": "self", "registered_birth_date": "1990-03-07", "name_before": "王招弟", "name_after": "王清扬",
        "reason": "原名在生活中造成困扰", "material.written_application.way": "promised",
        "material.household_register.way": "held", "material.resident_card.way": "held",
    },
}


def apply(client, item="hukou_001", changes=(), files=None):
    """Hands in an application, online or at the client's window, and tells the address of the case."""
    taken = client.post(f"/services/{item}/apply", {**APPLICATIONS[item], **dict(changes)}, files=files)
    assert taken.status_code == 303, taken.text
    return taken.headers["Location"]


def answer(client, case, values, files=None):
    """What this account says to the one task that waits for it."""
    [task] = [task["task"] for task in client.json(case).json()["tasks"] if task["mine"]]
    return client.post(f"{case}/tasks/{task}", values, files=files)


def signed_in(city, account):
    client = Client(city.base)
    client.sign_in(account, city.accounts[account])
    return client


@functools.cache
def case(city):
    """One that waits for the first look at it."""
    return apply(signed_in(city, "resident")).split("/")[-1]


@functools.cache
def case_to_supplement(city):
    path = apply(signed_in(city, "resident"))
    answer(signed_in(city, "fujing"), path, {"review": "supplement", "opinion": "《出生医学证明》的照片不清楚，请重拍。"})
    return path.split("/")[-1]


@functools.cache
def application(city):
    """A system of others that nobody may use yet."""
    made = signed_in(city, "secadmin").send("POST", "/api/r/client_application", {
        "code": "lists", "name": "住房保障系统", "home": "https://housing.example/", "audience": "listed",
        "redirects": "https://housing.example/callback", "logout_address": "https://housing.example/logout"})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def refused_entry(city):
    application(city)
    return (
        "client_id=lists&redirect_uri=https%3A%2F%2Fhousing.example%2Fcallback&response_type=code&scope=openid"
        f"&code_challenge={'c' * 43}&code_challenge_method=S256")


# Name: (account, address, what fills its braces). No account is a stranger.
KINDS = {
    "welcome": (None, "/", None),
    "sign-in": (None, "/sign-in", None),
    "scan": (None, "/d/{}", plate),
    "scan of staff": ("station", "/d/{}", plate),
    "scan of the resident": ("resident", "/d/{}", plate),
    "surroundings": (None, "/d/{}/map", plate),
    "look-up of a stranger": (None, "/lookup?code=0", None),
    "plates by road and number": (None, "/lookup?q=荷叶街28号", None),
    "public resources": (None, "/places?kind=police_room", None),
    "public resources around an address": (None, "/places?code={}", plate),
    "page of a police room": (None, "/places/station/{}", record("police_station", "kind = 'room'")),
    "culture of roads": (None, "/culture", None),
    "culture of a road": (None, "/culture/{}", record("culture_page", "state = 'published'")),
    "favourites": ("resident", "/favourites", None),
    "my merchants": ("resident", "/merchant", None),
    "authentication of a merchant": ("resident", "/merchant/new", None),
    "merchants": ("clerk", "/r/merchant", None),
    "notices of the neighbourhood": (None, "/offers", None),
    "own notices": ("resident", "/offers/mine", None),
    "new notice": ("resident", "/offers/new", None),
    "scans": ("leader", "/statistics/scans", None),
    "codes of addresses": ("station", "/r/address?columns=full_name,qr,kind,community&size=20", None),
    "page of a facility": (None, "/places/facility/{}", record("public_facility", "kind = 'bus_stop'")),
    "report from a plate": (None, "/d/{}/report?about=plate", plate),
    "answer to a report": (None, "/address-reports", None),
    "inspections": ("officer", "/inspection", None),
    "reports of residents": ("station", "/r/address_report", None),
    "inspection tasks": ("station", "/r/inspection_task", None),
    "workbench": ("leader", "/", None),
    "home of a resident": ("resident", "/", None),
    "look-up": ("officer", "/lookup?q=米市", None),
    "search": ("leader", "/search?q=东城", None),
    "help": ("officer", "/help", None),
    "map": ("leader", "/map?q=米市", None),
    "list": ("station", "/r/address?kind=room&size=20", None),
    "empty list": ("clerk", "/r/address?q=没有这样的地址", None),
    "statistics": ("leader", "/r/address/statistics", None),
    "detail": ("station", "/r/address/{}", record("address", f"kind = 'room' and {HOME}")),
    "detail of a person": ("station", "/r/person/{}", lambda city: city.resident()["person"]),
    "form": ("station", "/r/address/{}/edit", record("address", f"kind = 'room' and {HOME}")),
    "new record": ("officer", "/r/person/new", None),
    "history": ("leader", "/r/address/{}/history", record("address", HOME)),
    "confirmation": ("officer", "/r/address/{}/do/doubt", record("address", HOME)),
    "reveal": ("station", "/r/person/{}/reveal", lambda city: city.resident()["person"]),
    "missing record": ("officer", "/r/address/1", None),
    "no permission": ("officer", "/logs", None),
    "parsing addresses": ("station", "/parse", None),
    "import of addresses": ("station", "/import/addresses", None),
    "import": ("station", "/r/road/import", None),
    "export": ("leader", "/r/address/export?kind=building", None),
    "account": ("officer", "/account", None),
    "systems to use": ("officer", "/account/applications", None),
    "a system that one may not use": ("officer", "/oauth/authorize?{}", refused_entry),
    "application": ("secadmin", "/client-applications/{}", application),
    "signing keys": ("secadmin", "/token-keys", None),
    "messages": ("sysadmin", "/messages", None),
    "own particulars": ("resident", "/account/profile", None),
    "signing an application": ("resident", "/cases/{}/sign", case),
    "message settings": ("resident", "/account/messages", None),
    "log of messages": ("sysadmin", "/messages/log", None),
    "message templates": ("sysadmin", "/designs/message", None),
    "message template": ("sysadmin", "/designs/message/case_result", None),
    "password": ("officer", "/account/password", None),
    "second factor": ("clerk", "/account/second-factor", None),
    "who looked": ("resident", "/account/lookups", None),
    "users": ("sysadmin", "/r/app_user?size=20", None),
    "dictionaries": ("sysadmin", "/settings/dictionaries", None),
    "dictionary": ("sysadmin", "/settings/dictionaries/address_kind", None),
    "code": ("sysadmin", "/settings/dictionaries/address_kind/new", None),
    "menu": ("sysadmin", "/settings/menu", None),
    "menu entry": ("sysadmin", "/settings/menu/edit?key=/r/post", None),
    "new menu entry": ("sysadmin", "/settings/menu/new?kind=page", None),
    "preview of the menu": ("sysadmin", "/settings/menu/preview", None),
    "sensitive labels": ("secadmin", "/settings/labels", None),
    "sensitive label": ("secadmin", "/settings/labels/person/phone", None),
    "new parameter": ("sysadmin", "/settings/parameters/new", None),
    "parameters": ("sysadmin", "/settings/parameters", None),
    "parameter": ("sysadmin", "/settings/parameters/identity.password_days", None),
    "series": ("sysadmin", "/settings/series", None),
    "new series": ("sysadmin", "/settings/series/edit", None),
    "figures of stations": ("huji", "/city-wide", None),
    "registers": ("sysadmin", "/settings/registers", None),
    "register": ("sysadmin", "/settings/registers/address", None),
    "new register": ("sysadmin", "/settings/registers/new", None),
    "run monitor": ("sysadmin", "/operation", None),
    "roster of a month": ("sysadmin", "/duty", None),
    "plan by the calendar": ("sysadmin", "/r/work_plan/new?register=duty_shift", None),
    "exceptions": ("sysadmin", "/operation/exceptions", None),
    "ferry": ("sysadmin", "/ferry", None),
    "problem report": ("fujing", "/r/problem_report/new", None),
    "online users": ("secadmin", "/online", None),
    "log": ("auditor", "/logs", None),
    "log entry": ("auditor", "/logs/{}", record("audit_entry")),
    "log statistics": ("auditor", "/logs/statistics", None),
    "log of calls": ("auditor", "/logs/calls", None),
    "report of the audit": ("auditor", "/logs/report", None),
    "catalogue of a stranger": (None, "/services", None),
    "catalogue": ("resident", "/services", None),
    "guide": ("resident", "/services/hukou_001", None),
    "application": ("resident", "/services/hukou_001/apply", None),
    "acceptance": ("fujing", "/services/hukou_025/apply", None),
    "inbox": ("fujing", "/inbox?box={}", lambda city: case(city) and "todo"),
    "inbox of a resident": ("resident", "/inbox?box={}", lambda city: case(city) and "started"),
    "case of the handler": ("fujing", "/cases/{}", case),
    "case of the applicant": ("resident", "/cases/{}", case),
    "case to supplement": ("resident", "/cases/{}", case_to_supplement),
    "connectors": ("sysadmin", "/connectors", None),
    "connector": ("sysadmin", "/connectors/birth_certificate", None),
    "log of connectors": ("sysadmin", "/r/connector_call", None),
    "shared resources": ("data", "/r/shared_resource", None),
    "order of a parcel": ("resident", "/cases/{}/courier/pickup", case),
    "windows of a stranger": (None, "/windows?service=hukou", None),
    "window": (None, "/windows/{}", record("service_window")),
    "keeping the portal": ("shenpi", "/portal/manage", None),
    "visits of the portal": ("shenpi", "/statistics/portal", None),
    "policies": (None, "/policies", None),
    "policy": (None, "/policies/{}", record("desk_policy")),
    "hotlines": (None, "/hotlines", None),
    "questions": (None, "/questions", None),
    "question": ("resident", "/questions/new", None),
    "progress": (None, "/progress", None),
    "names": (None, "/names?name=王芳", None),
    "identity cards": (None, "/identity-cards?number=123", None),
    "appointments": ("resident", "/appointments", None),
    "booking": ("resident", "/appointments/new?service=hukou", None),
    "hours of a window": ("resident", "/appointments/new?service=hukou&window={}", record("service_window")),
    "desk of a window": ("huji", "/desk/appointments", None),
    "bank report": ("resident", "/identity-reports/new", None),
    "ways to sign in": ("resident", "/account/identities", None),
    "transfer of a task": ("fujing", "/cases/{}/tasks/2/transfer", case),
}


def address(kind, city):
    """Who opens a page of this kind, and where."""
    account, path, filling = KINDS[kind]
    return account, path.format(filling(city)) if filling else path


def reviewers_task(client, plate, city):
    """The case of the application of a plate, and the task that somebody has in it."""
    case = city.sql(
        "select service_case_id from plate_application where id = (select application_id from door_plate where id = " + str(plate) + ")",
        '-c lifang.scope_plate_application={"all":true}')
    items = client.json("/inbox").json()["items"]
    return case, next((item["task"] for item in items if str(item["case"]) == case), None)


def review_plate(client, plate, city, answer="passed", opinion=""):
    case, task = reviewers_task(client, plate, city)
    assert task is not None, "nobody asked them"
    return client.post(f"/cases/{case}/tasks/{task}", {"review": answer, "opinion": opinion})
