"""Applications from other portals by keys: handed in once, followed, supplemented, withdrawn, and never seen by others."""

import secrets

import pytest
from clients import Client, resident_id
from pages import answer
from test_cases import picture
from test_signatures import OWN_HOUSE, sign
from visitors import make_key

DEED = {
    "applicant_relation": "mother", "child_name": "张小满", "child_sex": "male", "child_birth_date": "2025-05-12",
    "child_ethnicity": "01", "native_place": "四川省达州市通川区", "birth_place": "四川省达州市通川区",
    "father_standing": "family", "father_name": "张志强", "father_resident_id": "511702199408161215", "father_ethnicity": "01",
    "mother_standing": "family", "mother_name": "刘芳", "mother_resident_id": "511702199603071223", "mother_ethnicity": "01",
    "household_kind": "family", "household_head_name": "刘建国", "relation_to_head": "grandchild",
    "household_address": "达州市通川区西城街道荷叶街28号",
}


@pytest.fixture(scope="module")
def provider(city):
    """A platform whose persons the key may act for."""
    stamps, now = "version, created_at, created_by, updated_at, updated_by", "1, now(), 0, now(), 0"
    return city.sql(
        f"insert into identity_provider ({stamps}, code, name, icon, issuer, client_id, scopes, name_claim, document_claim,"
        " phone_claim, level_claim, levels, default_level, position, state) values "
        f"({now}, 'app-{secrets.token_hex(3)}', '某某通', 'shield', 'https://app.example', 'x', 'openid', 'name', 'id_number',"
        " 'phone_number', 'acr', 'L3=face', 'real_name', 900, 'on') returning id")


@pytest.fixture(scope="module")
def platform(city, provider):
    key = make_key(city, "application_platform")
    city.sql(f"update api_key set provider_id = {provider} where id = {key.split('_')[1]}; notify identity, 'api_key'")
    return Client(city.base, key)


def person():
    return {"subject": secrets.token_hex(8), "name": "刘芳芳", "document": resident_id("511702", "19900307", secrets.randbelow(900) + 50), "phone": "13800138000"}


def application(files, who=None, **form):
    return {
        "applicant": who or person(), "case": {"relation": "child", "subject_name": "张小满", "division_code": "511702001001", "delivery": "window"},
        "form": {**DEED, "birth_certificate_number": f"S51{secrets.randbelow(10 ** 6):06}1", **form},
        "materials": [
            {"requirement": "mother_register", "way": "held"},
            {"requirement": "birth_certificate", "files": files},
        ],
    }


def upload(client, shade=0):
    sent = client.http.post(
        client.base + "/api/application-files", files={"file": ("出生证.png", picture(shade), "image/png")},
        timeout=60)
    assert sent.status_code == 201, sent.text
    return [one["file"] for one in sent.json()["files"]]


def hand_in(client, body, request=None, item="hukou_001"):
    return client.http.post(
        f"{client.base}/api/services/{item}/applications", json=body, timeout=60,
        headers={"Idempotency-Key": request or secrets.token_hex(8)})


def test_a_platform_hands_in_follows_and_supplements(city, platform, clients):
    listed = platform.json("/api/services?q=出生").json()["items"]
    assert any(item["code"] == "hukou_001" for item in listed)
    item = platform.json("/api/services/hukou_001").json()
    assert "child_name" in item["form"]["required"] and "applicant_name" not in item["case"]["properties"]
    assert {one["requirement"] for one in item["materials"]} >= {"mother_register", "birth_certificate"}
    due = platform.send("POST", "/api/services/hukou_001/preview", {"form": {"child_name": "张小满"}}).json()
    assert due["problems"] and any(one["requirement"] == "birth_certificate" for one in due["materials"])

    who = person()
    taken = hand_in(platform, application(upload(platform), who))
    assert taken.status_code == 201, taken.text
    number = taken.json()["number"]
    assert taken.json()["state"] == "active" and taken.headers["Location"] == f"/api/applications/{number}"
    case = city.sql(f"select case_id from case_relay where number = '{number}'")
    # The item asks for no signature; one on paper that an officer enters is told, and that a supplement outdates it.
    assert taken.json()["signature"] == {"awaited": False, "holds": None}
    assert sign(clients("fujing"), f"/cases/{case}", "paper", seen_paper="true").status_code == 303
    assert platform.json(f"/api/applications/{number}").json()["signature"] == {"awaited": False, "holds": True}
    assert city.sql(f"select count(*) from audit_entry where action = 'case.relay' and record_id = {case}") == "1"

    assert answer(clients("fujing"), f"/cases/{case}", {"review": "supplement", "opinion": "照片不清楚，请重拍。"}).status_code == 303
    asked = platform.json(f"/api/applications/{number}").json()
    assert asked["state"] == "supplement" and asked["supplement"]["materials"]
    assert asked["supplement"]["asked"] == "照片不清楚，请重拍。"
    assert "fujing" not in str(asked) and city.sql("select name from app_user where account = 'fujing'") not in str(asked)
    path = f"/api/applications/{number}/supplement"
    assert platform.send("POST", path, {"materials": [{"requirement": "birth_certificate", "files": ["nothing"]}]}).status_code == 422
    again = platform.send("POST", path, {"materials": [{"requirement": "birth_certificate", "files": upload(platform, 9)}], "form": {"child_name": "张大满"}})
    assert again.status_code == 200 and again.json()["state"] == "active", again.text
    assert again.json()["signature"] == {"awaited": False, "holds": False}
    assert platform.send("POST", path, {}).status_code == 409, "nothing is asked any more"

    gone = platform.send("POST", f"/api/applications/{number}/withdraw", {"reason": "改到窗口办理"})
    assert gone.status_code == 200 and gone.json()["state"] == "withdrawn", gone.text
    assert platform.send("POST", f"/api/applications/{number}/withdraw", {"reason": "再来"}).status_code == 410


def test_a_platform_learns_that_a_signature_is_awaited(city, platform, clients):
    form = {name: value for name, value in OWN_HOUSE.items() if name.startswith(("new_head_", "house_")) or name in ("person_count", "reason")}
    who = {**person(), "name": form["new_head_name"], "document": form["new_head_id"]}
    body = {
        "applicant": who, "case": {"relation": "self", "division_code": "511702001001", "delivery": "window"},
        "form": {**form, "person_count": 1, "jointly_owned": False},
        "materials": [{"requirement": name, "way": "promised"} for name in ("house_proof", "household_relation_proof")],
    }
    taken = hand_in(platform, body, item="hukou_112")
    assert taken.status_code == 201, taken.text
    assert taken.json()["signature"] == {"awaited": True, "holds": None}
    case = city.sql(f"select case_id from case_relay where number = '{taken.json()['number']}'")
    assert sign(clients("fujing"), f"/cases/{case}", "paper", seen_paper="true").status_code == 303
    signed = platform.json(f"/api/applications/{taken.json()['number']}").json()["signature"]
    assert signed == {"awaited": False, "holds": True}


def test_a_repeated_request_is_the_same_application(platform, city):
    body, request = application(upload(platform)), secrets.token_hex(8)
    first, second = hand_in(platform, body, request), hand_in(platform, body, request)
    assert (first.status_code, second.status_code) == (201, 200), second.text
    assert first.json()["number"] == second.json()["number"]
    other = hand_in(platform, {**body, "note": "别的"}, request)
    assert other.status_code == 409 and other.json()["code"] == "request-reused"
    assert city.sql(f"select count(*) from case_relay where request = '{request}'") == "1"
    assert hand_in(platform, body, "short").status_code == 400


def test_what_is_wrong_is_told_field_by_field_and_nothing_is_kept(platform, city):
    before = city.sql("select count(*) from case_relay")
    body = application(upload(platform), child_sex="neither", child_birth_date="soon")
    wrong = hand_in(platform, body)
    assert wrong.status_code in (400, 422) and {"child_sex", "child_birth_date"} & set(str(wrong.json()).replace("'", " ").split()), wrong.text
    closed = hand_in(platform, {**application([]), "case": {"state": "completed"}})
    assert closed.status_code == 400 and closed.json()["code"] == "field-closed"
    missing = hand_in(platform, application([]))
    assert missing.status_code in (400, 422) and "出生医学证明" in missing.text
    nobody = hand_in(platform, {**application([]), "applicant": {"subject": "x", "name": "某某", "document": "123"}})
    assert nobody.status_code == 400 and "document" in nobody.text
    assert city.sql("select count(*) from case_relay") == before


def test_only_platforms_hand_in_and_see_only_their_own(platform, city, clients):
    number = hand_in(platform, application(upload(platform))).json()["number"]
    other = Client(city.base, make_key(city, "application_platform"))
    assert other.json(f"/api/applications/{number}").status_code == 404
    assert hand_in(other, application([])).json()["code"] == "key-provider", "without a platform nobody is vouched for"
    reader = Client(city.base, make_key(city, "integrator"))
    assert reader.json("/api/services").status_code == 403
    assert Client(city.base).json("/api/services").status_code == 401
    assert clients("resident").json(f"/api/applications/{number}").status_code == 403
    stolen = upload(other)
    body = application(stolen)
    refused = hand_in(platform, body)
    assert refused.status_code == 422 and refused.json()["code"] == "file-missing"


