"""Other systems: materials verified, forms filled in, parcels, the page of connectors, and information shared with keys."""

import re
import subprocess

import pytest
from clients import Client, Markup, resident_id
from pages import APPLICATIONS, answer, apply
from playwright.sync_api import expect
from test_accessibility import check
from visitors import make_key

BIRTH = "hukou_001"
NUMBER = "birth_certificate_number"


def text(response):
    return " ".join(Markup(response.text).text.split())


def material(city, case):
    return city.sql(
        f"select id from case_material where service_case_id = {case.split('/')[-1]} and requirement = 'birth_certificate'",
        '-c lifang.scope_case_material={"all":true}')


def test_the_applicant_sees_what_was_verified_and_the_officer_verifies_again(city, clients):
    case = apply(clients("resident"))
    own = text(clients("resident").get(case))
    assert "核验一致 与出生医学证明登记一致" in own and "再次核验" not in own
    number = material(city, case)
    page = text(clients("fujing").get(case))
    assert "再次核验" in page and "人工核验" in page
    assert clients("fujing").post(f"{case}/materials/{number}/verify").status_code == 303
    assert clients("resident").post(f"{case}/materials/{number}/verify").status_code == 403
    asked = clients("fujing").get(f"{case}/materials/{number}/confirm")
    assert asked.status_code == 200 and "对照原件" in text(asked)
    empty = clients("fujing").post(f"{case}/materials/{number}/confirm", {"result": "match", "reason": ""})
    assert empty.status_code in (400, 422) and "请写明怎样核验的" in text(empty)
    kept = clients("fujing").post(f"{case}/materials/{number}/confirm", {"result": "mismatch", "reason": "原件姓名有涂改"})
    assert kept.status_code == 303
    assert "核验不一致 人工核验：原件姓名有涂改" in text(clients("fujing").get(case))


def test_a_certificate_that_does_not_match_is_refused_with_what_to_do(clients):
    for number, said in (("S510034569", "不一致"), ("S510034568", "已作废")):
        page = clients("resident").post(f"/services/{BIRTH}/apply", {**APPLICATIONS[BIRTH], NUMBER: number})
        assert page.status_code == 422 and said in text(page) and "到窗口办理" in text(page)
        # What was typed is still there.
        assert number in page.text
    at_window = {**APPLICATIONS[BIRTH], NUMBER: "S510034569"}
    taken = clients("fujing").post(f"/services/{BIRTH}/apply", at_window)
    assert taken.status_code == 303, text(taken)
    assert "核验不一致" in text(clients("fujing").get(taken.headers["Location"]))


def test_the_number_of_a_certificate_fills_the_newborn_in(city, clients):
    page = clients("resident").post(f"/services/{BIRTH}/apply", {NUMBER: "S510034563", "_fill": "birth_certificate.read"})
    assert page.status_code == 200, text(page)
    assert re.search(r'name="child_name"[^>]*value="张子墨"', page.text), "the name of the newborn"
    assert "来自出生医学证明" in text(page)
    other = clients("resident").post(
        f"/services/{BIRTH}/apply", {NUMBER: "S510034563", "child_name": "张小满", "_fill": "birth_certificate.read"})
    assert other.status_code == 422 and "证件上是“张子墨”" in text(other)
    missing = clients("resident").post(f"/services/{BIRTH}/apply", {NUMBER: "S510034560", "_fill": "birth_certificate.read"})
    assert missing.status_code == 422 and "没有带入" in text(missing) and "可以手工填写" in text(missing)
    # Nothing of it stands in an address or in the log of the server.
    assert "S510034563" not in open(city.log, errors="replace").read()


def test_a_number_at_the_window_brings_who_it_is(city, clients):
    own = clients("resident").get("/services/hukou_045/apply").text
    name, number = (re.search(rf'name="applicant_{part}"[^>]*value="([^"]+)"', own).group(1) for part in ("name", "document"))
    form = {"applicant_document": number, "_fill": "register.people"}
    page = clients("huji").post(f"/services/{BIRTH}/apply", form)
    assert page.status_code == 200, text(page)
    assert re.search(rf'name="applicant_name"[^>]*value="{name}"', page.text), "the name of whoever has the number"
    assert "来自人口登记" in text(page) and "按身份证号带入人口信息" in text(page)
    other = clients("huji").post(f"/services/{BIRTH}/apply", {**form, "applicant_name": "错名"})
    assert other.status_code == 422 and f"登记的是“{name}”" in text(other)
    unknown = clients("huji").post(f"/services/{BIRTH}/apply", {**form, "applicant_document": "511702198001012432"})
    assert unknown.status_code == 422 and "没有带入" in text(unknown)
    # Nobody looks people up from home.
    assert clients("resident").post(f"/services/{BIRTH}/apply", form).status_code == 403
    assert city.sql("select count(*) from audit_entry where purpose like '受理%时带入'") != "0"


@pytest.fixture
def registered(city):
    """The resident's registration says where; afterwards as before."""
    where, scope = "user_id = (select id from app_user where account = 'resident')", '-c lifang.scope_person={"all":true}'
    before = city.sql(f"select coalesce(registered_address, ''), coalesce(registered_division, '') from person where {where}", scope).split("|")
    city.sql(f"update person set registered_address = '达州市通川区荷叶街28号', registered_division = '511702001001' where {where}", scope)
    yield ["达州市通川区荷叶街28号", city.sql(f"select household_number from person where {where}", scope), "511702001001"]
    city.sql(f"update person set registered_address = nullif('{before[0]}', ''), registered_division = nullif('{before[1]}', '') where {where}", scope)


def test_what_household_and_station_know_is_proposed_at_the_window(city, clients, registered):
    place = "".join(city.sql(f"select name from division where code = '{registered[2][:length]}'") for length in (6, 9, 12))
    own = clients("resident").get("/services/hukou_045/apply").text
    number = re.search(r'name="applicant_document"[^>]*value="([^"]+)"', own).group(1)
    form = {"relation": "child", "subject_document": number, "_fill": "register.people"}
    page = clients("huji").post("/services/hukou_084/apply", form)
    assert page.status_code == 200, text(page)
    for name, value in zip(("registered_address", "household_number", "division_code"), registered):
        assert re.search(rf'name="{name}"[^>]*value="{re.escape(value)}"', page.text), (name, value)
    assert "来自人口、户登记" in text(page)
    # What was typed otherwise stays and is told; the same address with blanks is the same.
    spaced = clients("huji").post("/services/hukou_084/apply", {**form, "registered_address": "通川区 荷叶街２８号"})
    assert spaced.status_code == 200, text(spaced)
    other = clients("huji").post("/services/hukou_084/apply", {**form, "registered_address": "别处街9号"})
    assert other.status_code == 422 and "别处街9号" in other.text and f"登记的是“{registered[0]}”" in text(other)
    # A division is told by its name, as it is chosen by name.
    elsewhere = clients("huji").post("/services/hukou_084/apply", {**form, "division_code": "511702002001"})
    said = re.search(r"与人口、户登记不同：登记的是“([^”]+)”", text(elsewhere))
    assert elsewhere.status_code == 422 and said and said.group(1) == place and registered[2] not in said.group(0), text(elsewhere)
    # Where nobody is registered, the own station's division is proposed.
    nobody = clients("huji").post("/services/hukou_084/apply", {**form, "subject_document": "511702198001012432"})
    assert "来自本单位辖区" in text(nobody)


def test_originals_are_collected_and_followed(city, clients, tmp_path):
    case = apply(clients("resident"))
    page = clients("resident").get(case)
    assert "预约上门取件" in text(page)
    asked = clients("resident").get(f"{case}/courier/pickup")
    assert asked.status_code == 200
    wrong = clients("resident").post(f"{case}/courier/pickup", {"name": "刘芳", "phone": "12", "address": "荷叶街28号"})
    assert wrong.status_code in (400, 422) and "联系电话不对" in text(wrong)
    done = clients("resident").post(
        f"{case}/courier/pickup", {"name": "刘芳", "phone": "13800138000", "address": "达州市通川区荷叶街28号"})
    assert done.status_code == 303, text(done)
    own = text(clients("resident").get(case))
    waybill = re.search(r"EA\d{9}CN", own).group()
    assert "待揽收" in own and "打印面单" not in own
    parcel = city.sql(f"select id from courier_order where waybill = '{waybill}'", '-c lifang.scope_courier_order={"all":true}')
    assert clients("resident").post(f"{case}/parcels/{parcel}/track").status_code == 303
    assert "已揽收" in text(clients("fujing").get(case))
    assert clients("resident").get(f"{case}/parcels/{parcel}/label").status_code == 403
    label = clients("fujing").get(f"{case}/parcels/{parcel}/label")
    assert label.status_code == 200 and label.headers["Content-Type"] == "application/pdf"
    (tmp_path / "label.pdf").write_bytes(label.content)
    printed = subprocess.run(["pdftotext", "-layout", tmp_path / "label.pdf", "-"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert waybill in printed and "刘芳" in printed and "荷叶街28号" in printed
    subprocess.run(["pdftoppm", "-r", "200", "-png", "-singlefile", tmp_path / "label.pdf", tmp_path / "label"], check=True)
    read = subprocess.run(["zbarimg", "--quiet", "--raw", tmp_path / "label.png"], stdout=subprocess.PIPE, text=True, check=True)
    assert waybill in read.stdout


def test_the_result_is_sent_by_the_courier_that_was_ordered(clients):
    case = apply(clients("resident"), changes={"delivery": "courier", "recipient_address": "达州市通川区荷叶街28号"})
    assert answer(clients("fujing"), case, {"review": "passed"}).status_code == 303
    assert answer(clients("fujing"), case, {"receipt": "matched"}).status_code == 303
    assert answer(clients("huji"), case, {"review": "passed"}).status_code == 303
    page = clients("fujing").get(case)
    assert "下单寄送结果" in text(page)
    done = clients("fujing").post(
        f"{case}/courier/delivery", {"name": "刘芳", "phone": "13800138000", "address": "达州市通川区荷叶街28号"})
    assert done.status_code == 303, text(done)
    page = clients("fujing").get(case)
    waybill = re.search(r"EA\d{9}CN", text(page)).group()
    # The step that asks for the number has it.
    assert re.search(rf'name="courier_number"[^>]*value="{waybill}"', page.text)


def test_administrators_set_connectors_up_and_try_them(city, clients):
    page = clients("sysadmin").get("/connectors")
    assert page.status_code == 200 and "已开通" in text(page)
    assert clients("officer").get("/connectors").status_code == 403
    one = clients("sysadmin").get("/connectors/marriage_certificate")
    assert one.status_code == 200 and "HMAC-SM3" in text(one)
    contract = clients("sysadmin").get("/connectors/marriage_certificate/contract")
    assert "POST /marriage-certificates/compare" in contract.text
    assert clients("sysadmin").post("/connectors/marriage_certificate/probe").status_code == 303
    assert "已连通" in text(clients("sysadmin").get("/connectors/marriage_certificate"))
    # A wrong key is said as such, and mended again.
    address, settings = city.sql("select address from connector where name = 'ems'"), "/connectors/marriage_certificate/settings"
    asked = clients("sysadmin").get(settings)
    assert asked.status_code == 200 and "lifang-demo-peers" not in asked.text and "留空不变" in text(asked)
    short = clients("sysadmin").post(settings, {"address": address, "key_name": "demo", "secret": "x", "enabled": "true"})
    assert short.status_code in (400, 422) and "6 至 200" in text(short)
    given = {"address": address, "key_name": "demo", "enabled": "true"}
    assert clients("sysadmin").post(settings, {**given, "secret": "falsches"}).status_code == 303
    assert clients("auditor").post(settings, given).status_code == 403
    try:
        clients("sysadmin").post("/connectors/marriage_certificate/probe")
        assert "不认本系统的密钥或签名" in text(clients("sysadmin").get("/connectors/marriage_certificate"))
    finally:
        assert clients("sysadmin").post(settings, {**given, "secret": "lifang-demo-peers"}).status_code == 303
        clients("sysadmin").post("/connectors/marriage_certificate/probe")
        assert "已连通" in text(clients("sysadmin").get("/connectors/marriage_certificate"))
    log = clients("sysadmin").send("GET", "/api/r/connector_call?outcome=denied").json()
    assert log["count"] >= 1 and log["items"][0]["actor_name"] == "李系统"
    assert clients("sysadmin").get("/r/connector_call/statistics").status_code == 200
    assert clients("sysadmin").send("POST", "/api/r/connector_call", {"purpose": "x"}).status_code == 403


def test_an_approved_key_reads_shared_information_and_nothing_else(city, clients):
    key = make_key(city, "resource_user")
    client = Client(city.base, key=key)
    query = {"filters": {"code": "5117"}}
    refused = client.send("POST", "/api/shared/division/query", query)
    assert refused.status_code == 403 and "没有获准使用" in refused.text
    resource = int(city.sql("select id from shared_resource where name = 'division'"))
    made = clients("tongchuan").send("POST", "/api/r/share_application", {
        "resource_id": resource, "purpose": "不动产登记核对区划", "basis": "《政务数据共享条例》", "contact": "王 0818-2380000",
        "until": "2099-12-31"})
    assert made.status_code == 201, made.text
    application = made.json()["id"]
    # Whoever applies does not approve.
    assert clients("tongchuan").post(f"/r/share_application/{application}/do/approve", {"note": "x"}).status_code == 403
    done = clients("data").post(f"/r/share_application/{application}/do/approve", {
        "api_key_id": key.split("_")[1], "until": "2099-12-31", "note": "同意"})
    assert done.status_code == 303, text(done)
    found = client.send("POST", "/api/shared/division/query", query)
    assert found.status_code == 200 and found.json()["items"][0]["name"] == "达州市", found.text
    assert [one["name"] for one in client.send("GET", "/api/shared").json()["items"]] == ["division"]
    assert client.send("GET", "/api/r/division").status_code == 403
    assert client.send("POST", "/api/shared/resident/query", {"filters": {"name": "刘芳"}}).status_code == 403
    assert clients("sysadmin").send("POST", "/api/shared/division/query", query).status_code == 403


def test_an_approved_key_fetches_the_picture_itself(city, clients):
    photo = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc00000030101"
                          "00c9fe92ef0000000049454e44ae426082")
    officer = clients("station")
    division = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    made = officer.http.post(
        f"{city.base}/r/person/new",
        data={"name": "共享照片人", "document_kind": "passport", "document_number": "E87654321", "sex": "male", "birth_date": "1990-01-01",
              "residency": "foreign", "division_code": division, "_csrf": officer.token()},
        files={"photo": ("照片.png", photo, "image/png")}, allow_redirects=False)
    assert made.status_code == 303, text(made)
    key = make_key(city, "resource_user")
    client = Client(city.base, key=key)
    asked = {"filters": {"name": "共享照片人"}, "field": "photo"}
    assert client.send("POST", "/api/shared/photo/picture", asked).status_code == 403
    resource = int(city.sql("select id from shared_resource where name = 'photo'"))
    application = clients("tongchuan").send("POST", "/api/r/share_application", {
        "resource_id": resource, "purpose": "人像比对", "basis": "《政务数据共享条例》", "contact": "王 0818-2380000", "until": "2099-12-31"}).json()["id"]
    done = clients("data").post(f"/r/share_application/{application}/do/approve", {
        "api_key_id": key.split("_")[1], "until": "2099-12-31", "note": "同意"})
    assert done.status_code == 303, text(done)
    found = client.send("POST", "/api/shared/photo/picture", asked)
    assert found.status_code == 200 and found.content == photo and found.headers["Cache-Control"] == "no-store", found.text[:300]
    assert client.send("POST", "/api/shared/photo/picture", {"filters": {"name": "共享照片人"}, "field": "name"}).status_code == 400
    assert client.send("POST", "/api/shared/photo/picture", {"filters": {}, "field": "photo"}).status_code == 400
    assert officer.send("POST", "/api/shared/photo/picture", asked).status_code == 403


@pytest.mark.parametrize("path", ["/connectors", "/connectors/{name}", "/api/shared"])
def test_strangers_see_nothing_of_it(stranger, path):
    answered = stranger.get(path.replace("{name}", "ems"))
    assert answered.status_code in (302, 303, 401, 403)


def test_officers_query_the_provincial_base_with_a_purpose(city, clients):
    officer = clients("station")
    assert "实有房屋查询" in text(officer.get("/queries"))
    assert clients("grid").get("/queries").status_code == 403
    path = "/queries/population_base/population_query"
    asked = {"document": "511702199401016234", "name": "张伟"}
    aimless = officer.post(path, asked)
    assert aimless.status_code == 422 and "请选择查询的事由" in text(aimless)
    found = officer.post(path, {**asked, "purpose": "走访核实"})
    assert found.status_code == 200 and "锦华路12号" in text(found) and "511702199401016234" in text(found)
    clerk = clients("officer").post(path, {**asked, "purpose": "走访核实"})
    assert "锦华路12号" in text(clerk)
    nobody = officer.post(path, {"document": "511702199001011112", "purpose": "案件办理"})
    assert nobody.status_code == 200 and "没有查到" in text(nobody)
    houses = officer.post("/queries/population_base/house_query", {"address": "SC511710000001", "purpose": "数据核对"})
    assert "SC511710000001" in text(houses)
    units = officer.post("/queries/population_base/unit_query", {"name": "锦华路便民超市", "purpose": "走访核实"})
    assert "91511702MA6A0B1C2D" in text(units)
    logged = city.sql("select string_agg(operation_name || ' ' || purpose || ' ' || request, ';') from connector_call where operation_name like '%查询%' or operation_name like '%query%'")
    assert "走访核实" in logged and "511702199401016234" not in logged
    assert city.sql("select count(*) from audit_entry where action = 'connector_query.use'") >= "5"
    # Which queries were about one number can be told, though it stands nowhere.
    spoken = city.sql("select string_agg(details::text, ';') from audit_entry where action = 'connector_query.use'")
    assert "511702199401016234" not in spoken and "锦华路便民超市" not in spoken
    assert city.sql("select count(distinct details->'asked'->>'document') from audit_entry where action = 'connector_query.use'") == "2"


def test_administrators_look_up_users_that_other_systems_keep_themselves(city, clients):
    administrator, path = clients("sysadmin"), "/queries/legacy_accounts/user_query"
    assert "原有系统用户查询" in text(administrator.get("/queries")) and "实有人口查询" not in text(administrator.get("/queries"))
    found = administrator.post(path, {"name": "张伟", "purpose": "账号核对"})
    shown = text(found)
    assert found.status_code == 200 and "住房保障系统" in shown and "维修资金系统" in shown and "窗口受理" in shown
    assert "13800138000" not in shown, "who may not read telephone numbers here does not read them there"
    assert administrator.post(path, {"name": "张伟", "purpose": "走访核实"}).status_code == 422
    assert "没有查到" in text(administrator.post(path, {"account": "nobody", "purpose": "权限核查"}))
    # Neither way do the rights to one of them open the other.
    assert administrator.get("/queries/population_base/population_query").status_code == 404
    assert clients("station").get(path).status_code == 404
    assert clients("grid").get(path).status_code == 403
    logged = city.sql(
        "select string_agg(c.request, ';') from connector_call c join connector k on k.id = c.connector_id where k.name = 'legacy_accounts'")
    assert "nobody" in logged and "张伟" not in logged


def test_officers_read_the_archives_of_before_and_every_look_is_told(city, clients, visit):
    path, mother = "/queries/historical_archive/archive_query", city.sql("select name from app_user where account = 'resident'")
    page = visit("huji")
    page.goto("/")
    page.goto(path)
    page.get_by_label("姓名").fill(mother)
    page.get_by_label("业务类别").fill("迁入")
    page.get_by_label("事由").select_option("核对户籍沿革")
    page.get_by_role("button", name="查询", exact=True).click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("511702-2009-QR-1")
    check(page)
    officer = clients("huji")
    seen = officer.post("/queries/historical_archive/archive_images", {"archive_number": "511702-2009-QR-1", "purpose": "核对户籍沿革"})
    assert seen.status_code == 200 and seen.content.startswith(b"%PDF-") and seen.headers["Cache-Control"] == "no-store"
    assert seen.headers["Content-Disposition"].startswith("inline")
    fields = page.locator("tbody form input[type=hidden]").evaluate_all("inputs => Object.fromEntries(inputs.map(i => [i.name, i.value]))")
    assert fields["archive_number"] == "511702-2009-QR-1" and fields["purpose"] == "核对户籍沿革"
    # On a phone the pictures can be opened too.
    phone = visit("huji", "phone")
    phone.goto(path)
    phone.get_by_label("姓名").fill(mother)
    phone.get_by_label("事由").select_option("核对户籍沿革")
    phone.get_by_role("button", name="查询", exact=True).click()
    expect(phone.get_by_role("button", name="看影像").first).to_be_visible()
    # Without a purpose, for an archive that is not there, and for others than officers of registration there is nothing to see.
    assert officer.post("/queries/historical_archive/archive_images", {"archive_number": "511702-2009-QR-1"}).status_code == 422
    none = officer.post("/queries/historical_archive/archive_images", {"archive_number": "X", "purpose": "档案利用"})
    assert none.status_code == 200 and "没有给出文件" in text(none)
    for account in ("station", "grid", "clerk", "resident"):
        assert clients(account).get(path).status_code in (403, 404), account
    listed = text(officer.get("/queries"))
    assert "户籍历史档案查询" in listed and "户籍历史档案影像" not in listed, "pictures are opened from their archive"
    logged = city.sql("select string_agg(request || ' ' || response, ';') from connector_call where purpose = '核对户籍沿革'")
    assert "511702-2009-QR-1" in logged and "字节" in logged and mother not in logged


def test_somebody_of_the_register_finds_the_query_among_the_looks(city, clients):
    officer, number = clients("officer"), resident_id("511702", "19910307", 779)
    made = officer.send("POST", "/api/r/person", {
        "name": "查询人", "document_kind": "resident_id", "resident_id": number, "sex": "male", "birth_date": "1991-03-07",
        "residency": "registered", "division_code": "511702001001"})
    assert made.status_code in (200, 201), made.text
    person = made.json()["id"]
    asked = clients("station").post(
        "/queries/population_base/population_query", {"document": number, "purpose": "群众求助"})
    assert asked.status_code == 200
    looks = city.sql(f"select purpose from audit_entry where entity = 'person' and record_id = {person} and action = 'person.reveal'")
    assert looks.endswith("实有人口查询：群众求助"), looks
    # By the fingerprint in the register the query is found too.
    index = city.sql_of_persons(f"select encode(resident_id_index, 'hex') from person where id = {person}")
    assert city.sql(f"select count(*) from audit_entry where action = 'connector_query.use' and details->'asked'->>'document' = '{index}'") == "1"


def test_whoever_handles_a_hit_looks_up_the_last_registered_place_with_a_purpose(city, clients):
    """提醒定位: from the notice in the case, for officers who handle alerts, with a purpose that the audit keeps (C-034)."""
    case = apply(clients("resident"), changes={"father_resident_id": "51170219700803404X", "father_name": "张强"})
    officer = clients("huji")
    page = officer.get(case)
    link = re.search(rf"{case}/alerts/\d+/whereabouts", page.text)
    assert link, page.text[:500]
    assert "用途" in officer.get(link.group(0)).text
    assert "请选择查询的用途" in officer.post(link.group(0), {}).text
    shown = officer.post(link.group(0), {"purpose": "案件办理"})
    assert shown.status_code == 200 and "最后登记的地点" in shown.text
    # Neither the applicant nor an auxiliary, who only sees that there is one.
    for account in ("resident", "fujing"):
        assert clients(account).post(link.group(0), {"purpose": "案件办理"}).status_code == 404, account
    assert "whereabouts" not in clients("resident").get(case).text
