"""Applying and handling: from a form on a phone over every desk to the result, moves, batches, and who may see what."""

import re
import secrets
import struct
import threading
import zlib
from html.parser import HTMLParser

import pytest
from clients import Client, Markup, unsafe_markup
from pages import APPLICATIONS, answer, apply
from playwright.sync_api import expect
from test_accessibility import check

BIRTH = "hukou_001"
NAME = "hukou_025"
PASSED = {"review": "passed"}
UPLOADS = {"material.birth_certificate.way": "submitted"}
PHOTO = "material.birth_certificate"


def fault(what):
    """A known fault: its test is right and fails; once it is mended, the mark has to go."""
    return pytest.mark.xfail(strict=True, reason=what)


def picture(shade=0):
    """A small PNG; another shade is another file."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([shade, 96, 192]) * 32 for _ in range(24))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 24, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def photo(name="出生证.png", shade=0):
    return {"name": name, "mimeType": "image/png", "buffer": picture(shade)}


class Form(HTMLParser):
    """What a browser without scripts would send of the form of a page that goes to `action`."""

    def __init__(self, page, action):
        super().__init__(convert_charrefs=True)
        self.action, self.values, self.ids = action, {}, []
        self._inside, self._select, self._text = False, None, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "form":
            self._inside = attributes.get("action") == self.action
        if not self._inside:
            return
        name, value = attributes.get("name"), attributes.get("value") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in attributes or self._select not in self.values):
            self.values[self._select] = value
        elif tag == "textarea":
            self._text, self.values[name] = name, ""
        elif tag == "input" and name and attributes.get("type") not in ("submit", "file"):
            if attributes.get("type") not in ("radio", "checkbox") or "checked" in attributes:
                self.values[name] = value

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._text = None

    def handle_data(self, data):
        if self._text:
            # The line break after the tag is not part of the text.
            self.values[self._text] += data if self.values[self._text] else data.removeprefix("\n")


def complaints(page):
    """What the summary of errors says, by the id that each line leads to."""
    summary = page.split('class="error-summary"', 1)[1].split("</ul>", 1)[0]
    return {target: Markup(said).text for target, said in re.findall(r'<a href="#([^"]+)">(.*?)</a>', summary)}


def said(answer):
    """The words of a page without its frame."""
    main = re.search(r"<main.*?</main>", answer.text, re.S)
    return re.sub(r"\s+", " ", Markup(main.group(0) if main else answer.text).text)


def done(answer):
    assert answer.status_code == 303, (answer.status_code, said(answer)[:600])
    return answer


def refused(answer, status, text):
    assert answer.status_code == status, (answer.status_code, said(answer)[:600])
    assert text in said(answer)


def steps(client, case):
    return [task["step"] for task in client.json(case).json()["tasks"]]


def open_task(client, case):
    [task] = client.json(case).json()["tasks"]
    return f"{case}/tasks/{task['task']}"


def state(client, case):
    return client.json(case).json()["state"]


@pytest.fixture(scope="module")
def units(city):
    """The unit of each demo account."""
    return dict(line.split("|") for line in city.sql("select account, unit_id from app_user where unit_id is not null").splitlines())


@pytest.fixture(scope="module")
def users(city):
    """The id of each demo account."""
    return dict(line.split("|") for line in city.sql("select account, id from app_user").splitlines())


@pytest.fixture(scope="module")
def colleague(newcomer, units):
    """Another auxiliary of the same station."""
    return newcomer("hukou_auxiliary", unit=int(units["fujing"]), clearance="secret", name="王二妹")


@pytest.fixture(scope="module")
def neighbour(newcomer):
    """Another resident."""
    return newcomer(clearance="open", name="邻居")


@pytest.fixture(scope="module")
def far_officer(elsewhere, newcomer, city):
    """A household officer of another county."""
    unit = city.sql(f"select unit_id from app_user where id = {elsewhere.user}")
    return newcomer("hukou_officer", unit=int(unit), clearance="secret", name="外县民警")


@pytest.fixture(scope="module")
def photographed(clients):
    """A case with an uploaded picture that waits for the first look at it: its address and the key of the file."""
    case = apply(clients("resident"), changes=UPLOADS, files={PHOTO: ("出生证.png", picture())})
    [key] = re.findall(rf'href="{case}/files/([^"]+)"', clients("resident").get(case).text)
    return case, key


# --- in the browser ----------------------------------------------------------------------------------------------------


def redrawn(page, change):
    """Does what makes the server draw the form again, and waits for the new one."""
    page.evaluate("document.querySelector('.form-page').dataset.old = 'true'")
    change()
    page.locator(".form-page:not([data-old])").wait_for()


def fill(page, values):
    """Types each value where it belongs, in the order of a person who goes down the form."""
    for name, value in values.items():
        field = page.locator(f'[name="{name}"]')
        kind = field.first.evaluate("input => input.type")
        box = page.locator(f'[name="{name}"][value="{value}"]') if kind == "radio" else field.first
        draws = box.get_attribute("data-refresh") is not None

        def change():
            if kind == "radio":
                box.check()
            elif kind.startswith("select"):
                box.select_option(value)
            else:
                box.fill(value)
                box.blur()

        is_there = box.is_checked() if kind == "radio" else box.input_value() == value
        if not is_there:
            redrawn(page, change) if draws else change()


def typed(item, without=()):
    """What a person types: without the applicant's own data, which is filled in, and the names of pickers."""
    own = ("applicant_name", "applicant_document", "applicant_phone", "division_code", *without)
    return {name: value for name, value in APPLICATIONS[item].items() if name not in own}


def submit(page, label="提交"):
    page.get_by_role("main").get_by_role("button", name=label, exact=True).click()


def handle(page, case, **answers):
    """Opens the case, chooses, and hands the answer in."""
    page.goto(case)
    for name, value in answers.items():
        box = page.locator(f'[name="{name}"][value="{value}"]')
        box.check() if box.count() else page.locator(f'[name="{name}"]').fill(value)
    submit(page)
    expect(page.get_by_text("已办理“").first).to_be_visible()


def test_from_a_form_on_a_phone_to_the_number_of_the_courier(visit, clients):
    phone = visit("resident", "phone")
    phone.goto("/services?q=随母")
    phone.get_by_role("link", name="有《出生医学证明》随母入户").click()
    phone.get_by_role("link", name="开始申请").click()
    # What the register knows is there already.
    expect(phone.get_by_label("申请人身份证号", exact=False).first).to_have_value(re.compile(r"^\d{17}[\dX]$"))
    fill(phone, typed(BIRTH, without=("delivery", "material.birth_certificate.way")))
    fill(phone, {"material.mother_register.way": "promised", "delivery": "courier", "recipient_address": "通川区荷叶街28号"})
    phone.locator(f'input[type=file][name="{PHOTO}"]').set_input_files(photo())
    expect(phone.get_by_text("出生证.png")).to_be_visible()
    submit(phone, "提交申请")
    expect(phone.get_by_text("已提交，受理编号").first).to_be_visible()
    case = "/cases/" + phone.url.split("/")[-1]
    expect(phone.locator(".subtitle")).to_contain_text("正在网上预审")

    desk = visit("fujing")
    desk.goto("/inbox")
    number = phone.locator(".subtitle").inner_text().split(" ")[0]
    row = desk.locator("tbody tr").filter(has_text=number)
    expect(row).to_contain_text("待签收")
    row.locator("[data-row-link]").click()
    expect(desk).to_have_url(re.compile(case + "$"))
    link = desk.get_by_role("link", name="文件 1", exact=True).get_attribute("href")
    assert desk.request.get(link).body() == picture()
    handle(desk, case, review="passed")
    phone.reload()
    expect(phone.locator(".subtitle")).to_contain_text("正在收件核验原件")
    handle(desk, case, receipt="matched")
    handle(visit("huji"), case, review="passed", opinion="材料齐全")
    handle(desk, case, courier_company="ems", courier_number="EA123456789CN")

    phone.goto("/inbox")
    phone.get_by_role("link", name="有《出生医学证明》随母入户").first.click()
    expect(phone.get_by_text("已办结，结果已寄出，快递单号 EA123456789CN。")).to_be_visible()
    expect(phone.locator(".page-name .badge")).to_have_text("已办结")
    expect(phone.get_by_role("main")).not_to_contain_text("材料齐全")
    assert steps(clients("resident"), case) == []


def test_a_county_item_passes_three_desks(clients):
    case = apply(clients("resident"), NAME)
    desks = [("pre_review", "fujing", PASSED), ("officer_review", "huji", PASSED), ("county_review", "shenpi", PASSED),
             ("receive", "fujing", {"receipt": "matched"})]
    for step, account, values in desks:
        assert steps(clients("resident"), case) == [step]
        for other in ("fujing", "huji", "suozhang", "shenpi", "resident"):
            if other != account:
                path = open_task(clients("resident"), case)
                assert clients(other).post(path, values).status_code in (404, 409), (step, other)
        done(answer(clients(account), case, {**values, "opinion": f"{step} 同意"}))
    assert state(clients("resident"), case) == "completed"
    page = Markup(clients("resident").get(case).text).text
    assert "请凭身份证件领取居民户口簿" in page and "县（分）局审批：通过" in page


def test_a_county_item_can_be_refused_with_a_reason_the_applicant_reads(clients):
    case = apply(clients("resident"), NAME)
    done(answer(clients("fujing"), case, PASSED))
    done(answer(clients("huji"), case, PASSED))
    refused(answer(clients("shenpi"), case, {"review": "refused"}), 400, "要说明理由")
    done(answer(clients("shenpi"), case, {"review": "refused", "opinion": "理由不充分"}))
    assert state(clients("resident"), case) == "refused"
    assert "不予办理：理由不充分" in said(clients("resident").get(case))


def test_what_an_auxiliary_accepts_at_the_window_an_officer_approves(visit, clients):
    window = visit("fujing")
    window.goto("/services")
    window.get_by_label("要办的事").fill("姓名变更")
    window.get_by_role("button", name="查找").click()
    window.get_by_role("link", name="姓名变更（18周岁以上）").click()
    window.get_by_role("link", name="窗口受理").last.click()
    division = window.get_by_role("combobox", name="受理区划")
    division.fill("百花社区")
    window.get_by_role("option").filter(has_text="百花社区").first.click()
    fill(window, {name: APPLICATIONS[NAME][name] for name in ("applicant_name", "applicant_document", "applicant_phone")})
    fill(window, typed(NAME))
    submit(window, "受理并提交")
    expect(window.get_by_text("已受理，受理编号").first).to_be_visible()
    case = "/cases/" + window.url.split("/")[-1]
    assert steps(clients("fujing"), case) == ["officer_review"]
    refused(clients("fujing").post(open_task(clients("fujing"), case), PASSED), 409, "没有保存")
    done(answer(clients("huji"), case, PASSED))
    assert steps(clients("shenpi"), case) == ["county_review"]


def test_what_an_officer_accepts_is_complete_at_once(clients):
    case = apply(clients("huji"))
    assert state(clients("huji"), case) == "completed"
    refused(clients("huji").post(f"{case}/tasks/2", PASSED), 409, "没有保存")


def test_a_supplement_is_asked_for_made_on_the_phone_and_comes_back(visit, clients):
    case = apply(clients("resident"), changes=UPLOADS, files={PHOTO: ("模糊.png", picture(1))})
    handle(visit("fujing"), case, review="supplement", opinion="照片不清楚，姓名与证件不一致。")

    phone = visit("resident", "phone")
    phone.goto("/inbox?box=todo")
    phone.get_by_role("link", name="有《出生医学证明》随母入户").first.click()
    expect(phone.get_by_text("需要您补正：照片不清楚，姓名与证件不一致。")).to_be_visible()
    expect(phone.locator(".page-name .badge")).to_have_text("待补正")
    expect(phone.get_by_label("婴儿姓名", exact=False).first).to_have_value("张小满")
    fill(phone, {"child_name": "张晓满"})
    phone.locator("li").filter(has_text="模糊.png").get_by_text("移除").click()
    phone.locator(f'input[type=file][name="{PHOTO}"]').set_input_files(photo("清楚.png", shade=2))
    fill(phone, {"opinion": "已经重拍"})
    submit(phone, "提交补正")
    expect(phone.get_by_text("已办理“补正材料”").first).to_be_visible()
    expect(phone.locator(".page-name .badge")).to_have_text("办理中")

    desk = clients("fujing").get(case).text
    assert "张晓满" in desk and "张小满" in desk  # the subject is still called as in the application
    keys = re.findall(rf'href="{case}/files/([^"]+)"', desk)
    assert [clients("fujing").get(f"{case}/files/{key}").content for key in keys] == [picture(2)]
    assert steps(clients("fujing"), case) == ["pre_review"]


def test_a_supplement_with_mistakes_keeps_what_was_typed_and_sent(clients):
    case = apply(clients("resident"))
    done(answer(clients("fujing"), case, {"review": "supplement", "opinion": "请改"}))
    resident = clients("resident")
    path = open_task(resident, case)
    form = Form(resident.get(case).text, path)
    wrong = {**form.values, "child_name": "张二满", "father_resident_id": "511702199408161210", **UPLOADS}
    page = resident.post(path, wrong, files={PHOTO: ("新照片.png", picture(3))})
    assert page.status_code in (400, 422)
    assert set(complaints(page.text)) == {"f-father_resident_id"}
    again = Form(page.text, path)
    assert again.values["child_name"] == "张二满" and "新照片.png" in page.text
    done(resident.post(path, {**again.values, "father_resident_id": "511702199408161215"}))
    assert len(re.findall(rf"{case}/files/", clients("fujing").get(case).text)) == 1
    assert "张二满" in clients("fujing").get(case).text


# --- what is wrong, what is kept ---------------------------------------------------------------------------------------


@pytest.fixture
def clean(city, users):
    """Nobody has begun an application."""
    city.sql("delete from case_draft")


def put_aside(client, item, changes=()):
    """Fills a form in as far as it goes."""
    done(client.post(f"/services/{item}/apply", {**APPLICATIONS[item], **dict(changes), "_draft": "1"}))


def test_everything_wrong_is_said_at_once_and_nothing_is_lost(clean, visit, clients):
    put_aside(clients("resident"), BIRTH)
    phone = visit("resident", "phone")
    phone.goto(f"/services/{BIRTH}/apply")
    phone.locator(f'input[type=file][name="{PHOTO}"]').set_input_files(photo())
    # What the page itself sees: two fields are empty.
    fill(phone, {"child_name": "", "household_address": ""})
    submit(phone, "提交申请")
    summary = phone.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_text(["请填写婴儿姓名", "请填写入户地址"])
    summary.get_by_role("link", name="请填写入户地址").click()
    expect(phone.locator('[name="household_address"]')).to_be_focused()
    # What only the server sees.
    wrong = {"child_birth_date": "2099-01-01", "birth_certificate_number": "S51", "child_ethnicity": "03"}
    fill(phone, {"child_name": "张小满", "household_address": "荷叶街28号", **wrong})
    phone.locator('[name="material.birth_certificate.way"][value="submitted"]').check()
    submit(phone, "提交申请")
    expect(summary).to_contain_text("3 处需要修改")
    check(phone)
    for name, value in wrong.items():
        summary.locator(f'a[href="#f-{name}"]').click()
        field = phone.locator(f'[name="{name}"]')
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_value(value)
    expect(phone.get_by_role("link", name="出生证.png")).to_be_visible()
    # Gone to look something up, and back.
    phone.goto("/services")
    phone.get_by_role("link", name="继续填写：有《出生医学证明》随母入户").click()
    for name, value in {"child_name": "张小满", "subject_name": "张小满", "relation": "child", **wrong}.items():
        expect(phone.locator(f'[name="{name}"]')).to_have_value(value)
    expect(phone.get_by_role("link", name="出生证.png")).to_be_visible()
    assert phone.request.get(phone.get_by_role("link", name="出生证.png").get_attribute("href")).body() == picture()
    fill(phone, {name: APPLICATIONS[BIRTH][name] for name in wrong})
    submit(phone, "提交申请")
    expect(phone.get_by_text("已提交，受理编号").first).to_be_visible()
    expect(phone.get_by_role("link", name="文件 1", exact=True)).to_be_visible()
    # What was kept goes with it.
    phone.goto("/services")
    expect(phone.get_by_text("继续填写：有《出生医学证明》随母入户")).to_have_count(0)


def test_an_empty_application_is_answered_with_all_that_is_missing(clean, clients):
    path = f"/services/{BIRTH}/apply"
    page = clients("resident").post(path, {})
    assert page.status_code == 422
    found = complaints(page.text)
    assert set(found) <= set(Form(page.text, path).ids), "a link leads nowhere"
    missing = ["applicant_name", "applicant_document", "applicant_phone", "division_code", "applicant_relation", "child_name", "child_sex", "child_birth_date",
               "child_ethnicity", "native_place", "birth_place", "birth_certificate_number", "father_standing", "mother_standing", "household_address", PHOTO]
    assert set(found) >= {f"f-{name}" for name in missing}


def test_missing_material_is_named_beside_what_is_wrong_in_the_form(clean, clients):
    wrong = {**APPLICATIONS[BIRTH], **UPLOADS, "birth_certificate_number": "S51", "applicant_phone": "12"}
    page = clients("resident").post(f"/services/{BIRTH}/apply", wrong)
    assert page.status_code in (400, 422)
    assert set(complaints(page.text)) == {f"f-{PHOTO}", "f-birth_certificate_number", "f-applicant_phone"}


def test_what_is_put_aside_is_there_again(clean, visit):
    phone = visit("resident", "phone")
    phone.goto(f"/services/{NAME}/apply")
    fill(phone, {"name_before": "王招弟", "reason": "因为……"})
    submit(phone, "暂存")
    expect(phone.get_by_text("已暂存“姓名变更（18周岁以上）”").first).to_be_visible()
    phone.get_by_role("link", name="继续填写：姓名变更").click()
    expect(phone.locator("[name=name_before]")).to_have_value("王招弟")
    expect(phone.locator("[name=reason]")).to_have_value("因为……")


def test_what_was_typed_outlives_a_reload(clean, visit):
    """The form says that what is typed is kept by itself."""
    phone = visit("resident", "phone")
    phone.goto(f"/services/{NAME}/apply")
    fill(phone, {"name_before": "王招弟", "reason": "因为……"})
    phone.wait_for_timeout(1000)
    phone.goto("/services")
    phone.goto(f"/services/{NAME}/apply")
    offer = phone.get_by_role("button", name="恢复填写")
    if offer.count():
        offer.click()
    expect(phone.locator("[name=reason]")).to_have_value("因为……", timeout=1000)


def test_fields_come_and_go_with_what_they_depend_on(clean, visit):
    page = visit("resident")
    page.goto(f"/services/{BIRTH}/apply")
    fill(page, {"child_name": "张小满"})
    subject, name, head = (page.locator(f"[name={field}]") for field in ("subject_name", "collective_name", "household_head_name"))
    expect(subject).to_have_count(0)
    page.locator("[name=relation]").focus()
    redrawn(page, lambda: page.locator("[name=relation]").select_option("child"))
    expect(subject).to_be_visible()
    expect(page.locator("[name=relation]")).to_be_focused()
    expect(page.locator("[name=child_name]")).to_have_value("张小满")
    expect(name).to_have_count(0)
    redrawn(page, lambda: page.locator("[name=household_kind][value=collective]").check())
    expect(name).to_be_visible()
    expect(head).to_have_count(0)
    redrawn(page, lambda: page.locator("[name=household_kind][value=family]").check())
    expect(name).to_have_count(0)
    expect(head).to_be_visible()
    redrawn(page, lambda: page.locator("[name=relation]").select_option("self"))
    expect(subject).to_have_count(0)
    expect(page.get_by_role("button", name="按已填内容更新表单")).to_be_hidden()


def test_typing_while_the_form_is_drawn_again_is_not_lost(clean, visit):
    page, held = visit("resident"), []
    page.goto(f"/services/{BIRTH}/apply")
    page.route("**/apply", lambda route: held.append(route))

    def change():
        with page.expect_request("**/apply"):
            page.locator("[name=relation]").select_option("child")
        page.locator("[name=native_place]").fill("四川省达州市")
        held[0].continue_()

    redrawn(page, change)
    expect(page.locator("[name=subject_name]")).to_be_visible()
    assert page.locator("[name=native_place]").input_value() == "四川省达州市"


def test_the_line_about_a_missing_material_leads_to_its_field(clean, visit, clients):
    put_aside(clients("resident"), BIRTH, UPLOADS)
    page = visit("resident")
    page.goto(f"/services/{BIRTH}/apply")
    submit(page, "提交申请")
    page.get_by_role("alert").get_by_role("link", name=re.compile("还缺“婴儿《出生医学证明》”")).click()
    expect(page.locator(f'input[type=file][name="{PHOTO}"]')).to_be_focused(timeout=1000)


TWICE = "[...document.querySelectorAll('[id]')].map(one => one.id).filter((id, place, all) => all.indexOf(id) !== place)"


def test_no_two_parts_of_the_form_have_one_id(clean, visit):
    page = visit("resident")
    page.goto(f"/services/{BIRTH}/apply")
    assert page.evaluate(TWICE) == []


def test_without_scripts_a_button_draws_the_form_again(clean, chromium, city, states):
    context = chromium.new_context(base_url=city.base, java_script_enabled=False, storage_state=states("resident"), locale="zh-CN")
    page = context.new_page()
    page.goto(f"/services/{BIRTH}/apply")
    page.locator("[name=child_name]").fill("张小满")
    page.locator("[name=relation]").select_option("child")
    page.locator("[name=household_kind][value=collective]").check()
    page.locator(f'input[type=file][name="{PHOTO}"]').set_input_files(photo())
    page.get_by_role("button", name="按已填内容更新表单").click()
    for name in ("subject_name", "collective_name"):
        expect(page.locator(f"[name={name}]")).to_be_visible()
    expect(page.locator("[name=household_head_name]")).to_have_count(0)
    expect(page.locator("[name=child_name]")).to_have_value("张小满")
    expect(page.get_by_role("link", name="出生证.png")).to_be_visible()
    page.get_by_role("button", name="提交申请").click()
    summary = page.get_by_role("alert")
    expect(summary.get_by_role("link", name=re.compile("集体户名称"))).to_be_visible()
    expect(page.get_by_role("link", name="出生证.png")).to_be_visible()
    context.close()


WRONG_FILES = {
    "a program": ("照片.png", b"MZ\x90\x00\x03" + bytes(300)),
    "a page": ("照片.png", b"<!doctype html><html><script>alert(1)</script></html>"),
    "a drawing with a script": ("照片.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    "text": ("照片.txt", "出生证".encode()),
}


@pytest.mark.parametrize("kind", WRONG_FILES)
def test_a_file_of_the_wrong_kind_is_refused_at_its_field_and_the_rest_is_kept(clean, clients, kind):
    path = f"/services/{BIRTH}/apply"
    page = clients("resident").post(path, {**APPLICATIONS[BIRTH], **UPLOADS}, files={PHOTO: WRONG_FILES[kind]})
    assert page.status_code in (400, 415, 422), (page.status_code, page.headers.get("Location"))
    assert Form(page.text, path).values.get("child_name") == "张小满", said(page)[:300]
    assert f"f-{PHOTO}" in complaints(page.text)
    assert Form(clients("resident").get(path).text, path).values["child_name"] == "张小满"


def test_a_program_called_a_picture_is_not_kept(city, clients):
    before = city.sql("select count(*) from file_reference")
    page = clients("resident").post(f"/services/{BIRTH}/apply", {**APPLICATIONS[BIRTH], **UPLOADS}, files={PHOTO: WRONG_FILES["a program"]})
    assert page.status_code in (400, 415, 422) and "照片.png" in said(page)
    assert "《出生医学证明》" in said(page)
    assert city.sql("select count(*) from file_reference") == before


def test_a_file_sent_beside_another_way_of_handing_in_is_not_forgotten(clean, clients):
    """免提交 is chosen beforehand: who uploads nevertheless means the upload."""
    case = apply(clients("resident"), files={"material.mother_register": ("户口簿.png", picture(7))})
    assert f"{case}/files/" in clients("fujing").get(case).text


def test_an_item_of_the_window_cannot_be_applied_for_online(clients):
    listed = clients("resident").get("/services").text
    item = re.search(r'href="(/services/\w+)"><span class="service-name">[^<]*</span><span class="service-note">[^<]*限窗口', listed)[1]
    assert "开始申请" not in clients("resident").get(item).text
    refused(clients("resident").get(f"{item}/apply"), 422, "只能到窗口办理")
    refused(clients("resident").post(f"{item}/apply", {}), 422, "只能到窗口办理")
    assert "窗口受理" in said(clients("fujing").get(item))


def test_what_the_form_does_not_ask_for_cannot_be_slipped_in(clients, city, users):
    slipped = {"situation": "adoption", "settle_with": "father", "state": "completed", "number": "1", "step": "办结", "item_code": NAME, "channel": "window",
               "unit_id": "1", "applicant_user_id": users["huji"], "due_at": "2099-01-01T00:00:00+08:00", "courier_number": "X1", "household_head_name": "刘建国"}
    case = apply(clients("resident"), changes={**slipped, "household_kind": "collective", "collective_name": "人才集体户"})
    body = clients("resident").json(case).json()
    assert (body["item"], body["state"], body["step"]) == (BIRTH, "active", "网上预审") and body["number"] != "1" and body["dueAt"] < "2099"
    page = said(clients("resident").get(case))
    assert "有《出生医学证明》" in page and "随母入户" in page and "人才集体户" in page
    assert "收养" not in page.split("流程")[0].replace("（养父）", "").replace("（被收养人）", "") and "刘建国" not in page and "X1" not in page


# --- two at once -------------------------------------------------------------------------------------------------------


def test_an_answer_sent_twice_counts_once(clients):
    case = apply(clients("resident"))
    path = open_task(clients("fujing"), case)
    done(clients("fujing").post(path, PASSED))
    refused(clients("fujing").post(path, PASSED), 409, "没有保存")
    completed = [event for event in clients("fujing").json(case).json()["history"] if event["action"] == "complete"]
    assert len(completed) == 1


def test_answers_that_arrive_together_count_once(clients, city):
    case = apply(clients("resident"))
    path = open_task(clients("fujing"), case)
    token, codes = clients("fujing").token(), []

    def send():
        own = Client(city.base)
        own.http.cookies.update(clients("fujing").http.cookies)
        codes.append(own.post(path, PASSED, token=token).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [303, 409, 409, 409]
    assert steps(clients("fujing"), case) == ["receive"]


def test_an_impatient_second_click_makes_no_second_case(clean, visit, city, clients, users):
    count = f"select count(*) from case_process where starter_id = {users['resident']}"
    put_aside(clients("resident"), NAME)
    before = int(city.sql(count))
    page = visit("resident")
    page.goto(f"/services/{NAME}/apply")
    page.get_by_role("button", name="提交申请").dblclick()
    expect(page.get_by_text("已提交，受理编号").first).to_be_visible()
    assert int(city.sql(count)) == before + 1


def test_the_second_of_two_who_take_a_task_learns_who_has_it(clients, colleague):
    case = apply(clients("resident"))
    path = open_task(clients("fujing"), case)
    done(clients("fujing").post(f"{path}/claim"))
    refused(colleague.post(f"{path}/claim"), 409, "吴磊")
    done(clients("fujing").post(f"{path}/release"))
    done(colleague.post(f"{path}/claim"))
    refused(clients("fujing").post(f"{path}/claim"), 409, "王二妹")
    done(answer(colleague, case, PASSED))


def test_the_second_of_two_who_answer_a_task_learns_who_has_it(clients, colleague):
    case = apply(clients("resident"))
    path = open_task(clients("fujing"), case)
    done(clients("fujing").post(f"{path}/claim"))
    refused(colleague.post(path, {**PASSED, "opinion": "我也看过了"}), 409, "吴磊")
    assert steps(clients("fujing"), case) == ["pre_review"]


# --- moves -------------------------------------------------------------------------------------------------------------


def ask(page, move):
    """Opens the dialog of a move."""
    page.get_by_role("main").get_by_text("更多", exact=True).click()
    page.get_by_role("main").get_by_role("link", name=move, exact=True).click()
    return page.get_by_role("dialog")


def confirm(page, dialog, button, message):
    dialog.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_text(message).first).to_be_visible()


def test_taking_giving_back_and_handing_on_a_task(visit, clients):
    case = apply(clients("resident"))
    page, other = visit("fujing"), visit("huji")
    page.goto(case)
    page.get_by_role("button", name="签收").click()
    expect(page.get_by_text("已签收“网上预审”").first).to_be_visible()
    expect(page.get_by_role("button", name="签收")).to_have_count(0)
    page.get_by_role("main").get_by_text("更多", exact=True).click()
    page.get_by_role("button", name="放回").click()
    expect(page.get_by_text("已放回“网上预审”").first).to_be_visible()
    page.goto(case)
    expect(page.get_by_role("button", name="签收")).to_be_visible()

    dialog = ask(page, "转办")
    dialog.get_by_role("button", name="转办").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请选择交给谁")
    check(page)
    dialog.get_by_label("交给谁").select_option(label="郑晓燕")
    dialog.locator("[name=reason]").fill("请您看")
    confirm(page, dialog, "转办", "已转办“网上预审”")
    page.goto(case)
    expect(page.get_by_role("button", name="提交", exact=True)).to_have_count(0)
    handle(other, case, review="passed")
    expect(other.get_by_role("main")).to_contain_text("转办（郑晓燕）")


def test_colleagues_are_asked_before_the_decision(visit, clients):
    case = apply(clients("resident"))
    page = visit("fujing")
    page.goto(case)
    dialog = ask(page, "前加签")
    dialog.get_by_label("李建军").check()
    dialog.get_by_label("郑晓燕").check()
    confirm(page, dialog, "前加签", "已前加签")
    page.goto(case)
    expect(page.get_by_role("button", name="提交", exact=True)).to_have_count(0)
    done(answer(clients("suozhang"), case, {"opinion": "可以"}))
    refused(clients("fujing").post(f"{case}/tasks/2", PASSED), 409, "没有保存")
    done(answer(clients("huji"), case, {"opinion": "同意"}))
    handle(page, case, review="passed")
    assert steps(clients("fujing"), case) == ["receive"]


def test_the_words_beside_a_dialogs_field_belong_to_it(visit, clients):
    """The form of the page behind it has a field of the same name."""
    page = visit("fujing")
    page.goto(apply(clients("resident")))
    dialog = ask(page, "转办")
    expect(dialog.get_by_label("说明")).to_have_count(1, timeout=1000)
    assert page.evaluate(TWICE) == []


def test_somebody_else_works_on_it_and_it_comes_back(clients, users):
    fujing, huji = clients("fujing"), clients("huji")
    case = apply(clients("resident"))
    done(fujing.post(open_task(fujing, case) + "/delegate", {"people": users["huji"]}))
    done(answer(huji, case, {"opinion": "已核对"}))
    done(fujing.post(open_task(fujing, case) + "/add-before", {"people": users["huji"]}))
    assert huji.post(open_task(huji, case) + "/release").status_code == 409
    done(fujing.post(open_task(fujing, case) + "/remove"))
    refused(huji.post(open_task(huji, case), {"opinion": "x"}), 409, "没有保存")
    done(fujing.post(open_task(fujing, case) + "/add-after", {"people": users["huji"]}))
    done(answer(fujing, case, PASSED))
    assert steps(fujing, case) == ["pre_review"]
    done(answer(huji, case, {"opinion": "同意"}))
    assert steps(fujing, case) == ["receive"]


def test_a_refusal_does_not_speak_of_the_inside(clients):
    case = apply(clients("resident"))
    path = open_task(clients("fujing"), case)
    done(clients("fujing").post(f"{path}/claim"))
    done(clients("fujing").post(f"{path}/release"))
    page = clients("fujing").post(f"{path}/release")
    assert page.status_code == 409
    assert "role:" not in said(page)


def test_sending_back_and_taking_back(visit, clients):
    case = apply(clients("resident"))
    done(answer(clients("fujing"), case, PASSED))
    page = visit("fujing")
    page.goto(case)
    dialog = ask(page, "撤回")
    confirm(page, dialog, "撤回", "已撤回")
    assert steps(clients("fujing"), case) == ["pre_review"]
    done(answer(clients("fujing"), case, PASSED))
    done(answer(clients("fujing"), case, {"receipt": "matched"}))
    officer = visit("huji")
    officer.goto(case)
    dialog = ask(officer, "退回")
    dialog.get_by_label("网上预审").check()
    dialog.get_by_role("button", name="退回").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请填写理由")
    expect(dialog.get_by_label("网上预审")).to_be_checked()
    dialog.locator("[name=reason]").fill("请再看照片")
    confirm(officer, dialog, "退回", "已退回")
    # It goes to whoever did it, not to the pool.
    page.goto(case)
    expect(page.get_by_role("button", name="签收")).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text("请再看照片")
    done(answer(clients("fujing"), case, PASSED))
    # Somebody has worked after huji's return: nothing to take back there.
    refused(clients("huji").post(f"{case}/do/withdraw"), 409, "不能撤回")


def test_a_shelved_case_stands_still_until_it_is_resumed(visit, clients):
    case = apply(clients("resident"))
    path = open_task(clients("fujing"), case)
    chief = visit("suozhang")
    chief.goto(case)
    dialog = ask(chief, "挂账")
    dialog.get_by_role("button", name="挂账").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请填写理由")
    dialog.get_by_label("理由").fill("等外省回函")
    confirm(chief, dialog, "挂账", "已挂账")
    expect(chief.locator(".page-name .badge")).to_have_text("挂账")
    refused(clients("fujing").post(path, PASSED), 409, "没有保存")
    dialog = ask(chief, "恢复办理")
    confirm(chief, dialog, "恢复办理", "已恢复办理")
    done(answer(clients("fujing"), case, PASSED))


def test_urging_works_once_an_hour(visit, clients, city):
    case = apply(clients("resident"))
    phone = visit("resident", "phone")
    phone.goto(case)
    phone.get_by_role("button", name="催办").click()
    expect(phone.get_by_text("已催办").first).to_be_visible()
    refused(clients("resident").post(f"{case}/do/urge"), 409, "一小时内已经催过")
    refused(clients("suozhang").post(f"{case}/do/urge"), 409, "一小时内已经催过")
    number = clients("fujing").json(case).json()["number"]
    assert "催办" in said(clients("fujing").get(f"/inbox?q={number}"))
    city.sql(f"update case_task set urged_at = urged_at - interval '61 minutes' where case_id = {case.split('/')[-1]}")
    done(clients("resident").post(f"{case}/do/urge"))


def test_a_copy_lets_somebody_see_and_nothing_more(visit, clients):
    case = apply(clients("resident"), changes=UPLOADS, files={PHOTO: ("照片.png", picture(4))})
    [key] = re.findall(rf'href="{case}/files/([^"]+)"', clients("resident").get(case).text)
    assert clients("officer").get(case).status_code == 404
    page = visit("fujing")
    page.goto(case)
    dialog = ask(page, "抄送")
    dialog.get_by_label("赵天佑").check()
    confirm(page, dialog, "抄送", "已抄送")
    assert case in listed(clients("officer"), box="copied")
    seen = said(clients("officer").get(case))
    assert "511702199408161215" not in seen and "办理：" not in seen
    assert clients("officer").get(f"{case}/files/{key}").status_code == 404
    assert clients("officer").post(open_task(clients("officer"), case), PASSED).status_code == 409


def test_ending_before_the_end_and_beginning_again(visit, clients):
    case = apply(clients("resident"))
    phone = visit("resident", "phone")
    phone.goto(case)
    dialog = ask(phone, "撤销申请")
    dialog.get_by_role("button", name="撤销申请").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请填写理由")
    dialog.get_by_label("理由").fill("不办了")
    confirm(phone, dialog, "撤销申请", "已")
    expect(phone.locator(".page-name .badge")).to_have_text("已撤销")
    refused(clients("fujing").post(f"{case}/tasks/2", PASSED), 409, "没有保存")

    other = apply(clients("resident"))
    assert clients("huji").post(f"{other}/do/void", {"reason": "重复"}).status_code == 403
    chief = visit("suozhang")
    chief.goto(other)
    dialog = ask(chief, "作废")
    dialog.get_by_label("理由").fill("重复申请")
    confirm(chief, dialog, "作废", "已作废")
    expect(chief.locator(".page-name .badge")).to_have_text("已作废")
    assert clients("suozhang").post(f"{other}/do/reopen", {"step": "pre_review", "reason": "再办"}).status_code in (409, 410)

    finished = apply(clients("resident"))
    for account, values in (("fujing", PASSED), ("fujing", {"receipt": "matched"}), ("huji", PASSED)):
        done(answer(clients(account), finished, values))
    assert clients("huji").post(f"{finished}/do/reopen", {"step": "officer_review", "reason": "再办"}).status_code == 403
    chief.goto(finished)
    dialog = ask(chief, "重开")
    dialog.get_by_label("民警审核").check()
    dialog.get_by_label("理由").fill("登记有误")
    confirm(chief, dialog, "重开", "已重开")
    expect(chief.locator(".page-name .badge")).to_have_text("办理中")
    done(answer(clients("huji"), finished, PASSED))
    assert state(clients("suozhang"), finished) == "completed"


def test_a_dialog_that_is_refused_keeps_what_was_typed(clients, users):
    case = apply(clients("resident"))
    path = open_task(clients("fujing"), case)
    page = clients("fujing").post(f"{path}/transfer", {"reason": "请您看一下这件"})
    assert page.status_code == 400 and "请选择人员" in said(page)
    assert "请您看一下这件" in page.text


@pytest.mark.parametrize("target", ["resident", "nobody"])
@pytest.mark.parametrize("move", ["transfer", "add-before"])
def test_a_task_goes_to_colleagues_only(clients, users, move, target):
    case = apply(clients("resident"))
    path = open_task(clients("fujing"), case)
    got = clients("fujing").post(f"{path}/{move}", {"people": users.get(target, "987654321")})
    assert got.status_code in (400, 403, 404, 422), "given to " + target
    assert [task["mine"] for task in clients("fujing").json(case).json()["tasks"]] == [True]


def test_an_applicant_never_decides_on_the_own_application(clients, users):
    case = apply(clients("resident"))
    clients("fujing").post(open_task(clients("fujing"), case) + "/transfer", {"people": users["resident"]})
    clients("resident").post(open_task(clients("resident"), case), PASSED)
    assert steps(clients("resident"), case) == ["pre_review"]


@pytest.mark.parametrize("target", ["sysadmin", "nobody"])
def test_copies_go_to_colleagues_only(clients, users, target):
    case = apply(clients("resident"))
    got = clients("fujing").post(f"{case}/do/copy", {"people": users.get(target, "987654321")})
    assert got.status_code in (400, 403, 404, 422), "sent to " + target


# --- several at once ---------------------------------------------------------------------------------------------------


def test_three_tasks_of_one_step_are_handled_together(visit, clients):
    tag = f"批{secrets.token_hex(2)}"
    cases = [apply(clients("fujing"), changes={"applicant_name": f"{tag}{number}"}) for number in range(3)]
    page = visit("huji")
    page.goto(f"/inbox?q={tag}")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.locator("[data-select-all]").check()
    expect(page.locator("[data-batch-count]")).to_have_text("已选 3 条")
    page.get_by_role("button", name="批量办理").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("民警审核（3 件）")
    check(page)
    page.get_by_label("退回补正").check()
    page.get_by_role("button", name="办理这 3 件").click()
    expect(page.get_by_role("alert")).to_contain_text("要说明理由")
    page.get_by_label("通过").check()
    page.get_by_label("意见", exact=False).last.fill("一并通过")
    page.get_by_role("button", name="办理这 3 件").click()
    expect(page.get_by_text("已办理 3 件").first).to_be_visible()
    assert [state(clients("fujing"), case) for case in cases] == ["completed"] * 3


def ids_of(client, cases):
    return [("id", f"{case.split('/')[-1]}-{task['task']}") for case in cases for task in client.json(case).json()["tasks"]]


def test_a_mixed_selection_is_refused(clients):
    first, second, third = apply(clients("fujing")), apply(clients("fujing"), NAME), apply(clients("resident"))
    huji, fujing = clients("huji"), clients("fujing")
    mixed = ids_of(huji, [first, second])
    refused(huji.post("/inbox/batch", mixed), 422, "不能一起办理")
    refused(huji.post("/inbox/batch/answer", [*mixed, ("review", "passed")]), 422, "不能一起办理")
    refused(huji.post("/inbox/batch", []), 400, "没有勾选")
    refused(huji.post("/inbox/batch", [("id", "x"), ("id", "1-99999999999999999999"), ("id", "-")]), 400, "没有勾选")
    assert huji.post("/inbox/batch", [("id", "1-1")] * 60).status_code == 413
    # Somebody else's task slipped in among one's own is not answered.
    foreign = ids_of(fujing, [third])
    huji.post("/inbox/batch/answer", [*ids_of(huji, [first]), *foreign, ("review", "passed")])
    assert steps(fujing, third) == ["pre_review"]
    assert steps(huji, second) == ["officer_review"]


def test_a_batch_says_what_was_not_done(clients):
    cases = [apply(clients("fujing")) for _ in range(2)]
    huji = clients("huji")
    ids = ids_of(huji, cases)
    done(answer(huji, cases[1], PASSED))
    done(huji.post("/inbox/batch/answer", [*ids, ("review", "passed")]))
    told = Markup(huji.get("/inbox").text).text
    assert state(huji, cases[0]) == "completed"
    assert "1 件没有办成" in told, re.findall("(?:已?办理).{0,60}件.{0,60}", told)


# --- the inbox ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pile(clients, city):
    """Three cases of one applicant's name: a birth that is late, a birth, a change of name; and the name."""
    name = f"堆{secrets.token_hex(3)}"
    late, birth, change = [apply(clients("fujing"), item, {"applicant_name": name}) for item in (BIRTH, BIRTH, NAME)]
    city.sql(f"update case_task set due_at = now() - interval '1 day', asked_at = now() - interval '3 days' where case_id = {late.split('/')[-1]}")
    city.sql(f"update case_task set due_at = now() + interval '1 day' where case_id = {birth.split('/')[-1]}")
    city.sql(f"update case_task set due_at = now() + interval '2 days' where case_id = {change.split('/')[-1]}")
    return name, late, birth, change


def listed(client, **query):
    items = client.json("/inbox", params=query).json()["items"]
    return [f"/cases/{item['case']}" for item in items]


def test_the_inbox_filters_searches_and_sorts(clients, pile):
    name, late, birth, change = pile
    huji = clients("huji")
    assert listed(huji, q=name) == [late, birth, change]
    assert listed(huji, q=name[1:]) == [late, birth, change]
    number = huji.json(birth).json()["number"]
    assert listed(huji, q=number) == [birth]
    assert listed(huji, q=name, item=NAME) == [change]
    assert listed(huji, q=name, step="民警审核") == [late, birth, change]
    assert listed(huji, q=name, step="网上预审") == []
    assert listed(huji, q=name, late="true") == [late]
    assert listed(huji, q=name, sort="newest") == [change, birth, late]
    assert listed(huji, q=name, sort="oldest") == [late, birth, change]
    lights = [item["light"] for item in huji.json("/inbox", params={"q": name}).json()["items"]]
    assert lights[0] == "red" and lights[2] == "green"


def test_wildcards_are_letters_to_the_search_of_the_inbox(clients, pile):
    for text in ("%", "_", pile[0][:2] + "%"):
        assert listed(clients("huji"), q=text) == [], text


def test_filters_stand_in_the_address_and_can_be_taken_off(visit, pile):
    name, late, _, change = pile
    page = visit("huji")
    page.goto(f"/inbox?q={name}")
    expect(page.locator(".subtitle")).to_contain_text("已超过时限")
    expect(page.locator("tbody tr").first).to_contain_text("已超时")
    page.get_by_label("事项").select_option(label="姓名变更（18周岁以上）")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(f"item={NAME}"))
    page.locator(".chip").filter(has_text="姓名变更").click()
    expect(rows).to_have_count(3)
    page.go_back()
    expect(rows).to_have_count(1)


def test_the_boxes_hold_what_they_say(clients, pile, users):
    name, late, birth, change = pile
    fujing, huji = clients("fujing"), clients("huji")
    assert set(listed(fujing, box="started", q=name)) == {late, birth, change}
    assert listed(fujing, box="todo", q=name) == []
    assert listed(huji, box="started", q=name) == []
    mine = apply(fujing, changes={"applicant_name": name + "二"})
    done(answer(huji, mine, PASSED))
    assert listed(huji, box="done", q=name + "二") == [mine]
    assert listed(huji, box="todo", q=name + "二") == []
    done(fujing.post(f"{mine}/do/copy", {"people": users["suozhang"]}))
    assert mine in listed(clients("suozhang"), box="copied")
    assert mine not in listed(clients("officer"), box="copied")


def test_a_page_of_the_inbox_is_as_long_as_asked(clients, pile):
    huji = clients("huji")
    first = huji.json("/inbox", params={"q": pile[0], "size": "10", "page": "1"}).json()
    assert first["count"] == 3 and len(first["items"]) == 3
    assert listed(huji, q=pile[0], page="2", size="10") == []
    for query in ({"page": "-1"}, {"page": "x", "size": "x"}, {"size": "100000"}, {"page": "99999999999999999999"}, {"box": "x"}, {"sort": "'"}):
        assert huji.json("/inbox", params=query).status_code == 200, query


# --- who may see what --------------------------------------------------------------------------------------------------


MOVES = ["claim", "release", "transfer", "delegate", "add-before", "add-after", "back", "remove"]
CONTROLS = ["withdraw", "urge", "copy", "shelve", "resume", "void", "reopen"]


@pytest.fixture(scope="module")
def outsiders(clients, neighbour, far_officer):
    """Whoever has nothing to do with a case of this station."""
    others = {account: clients(account) for account in ("officer", "station", "clerk", "leader", "sysadmin", "auditor")}
    return {**others, "another resident": neighbour, "an officer of another county": far_officer}


def test_nobody_else_opens_a_case_or_its_files(outsiders, clients, photographed):
    case, key = photographed
    number = clients("resident").json(case).json()["number"]
    for who, client in outsiders.items():
        for path in (case, f"{case}/files/{key}", f"/files/{key}", f"{case}/tasks/2/transfer", f"{case}/tasks/2/back", f"{case}/do/copy", f"{case}/do/void"):
            for got in (client.get(path), client.json(path)):
                assert got.status_code in (403, 404), (who, path, got.status_code)
                assert "张小满" not in got.text and number not in got.text
        assert client.json("/inbox", params={"q": number}).json()["items"] == [], who
        assert client.json("/inbox", params={"q": number, "box": "started"}).json()["items"] == [], who


def test_nobody_else_moves_a_case(outsiders, clients, photographed, users):
    case, _ = photographed
    before = clients("resident").json(case).json()
    number = case.split("/")[-1]
    body = {**PASSED, "people": users["officer"], "step": "pre_review", "opinion": "x"}
    for who, client in outsiders.items():
        for path in [f"{case}/tasks/2", *(f"{case}/tasks/2/{move}" for move in MOVES), *(f"{case}/do/{move}" for move in CONTROLS)]:
            assert client.post(path, body).status_code in (403, 404), (who, path)
        for path in ("/inbox/batch", "/inbox/batch/answer"):
            assert client.post(path, {**body, "id": f"{number}-2"}).status_code in (400, 403, 404), (who, path)
    assert clients("resident").json(case).json() == before


def test_a_stranger_is_sent_to_sign_in(stranger, photographed):
    case, key = photographed
    for path in (case, f"{case}/files/{key}", f"/services/{BIRTH}/apply", "/inbox", f"{case}/do/void"):
        got = stranger.get(path)
        assert got.status_code == 303 and got.headers["Location"].startswith("/sign-in"), path
    token = stranger.token()
    for path in (f"{case}/tasks/2", f"{case}/tasks/2/claim", f"{case}/do/void", f"/services/{BIRTH}/apply"):
        assert stranger.post(path, {**PASSED, "opinion": "x"}, token=token).status_code in (401, 403), path
    for path in ("/inbox/batch", "/inbox/batch/answer"):
        assert stranger.post(path, {**PASSED, "id": f"{case.split('/')[-1]}-2"}, token=token).status_code in (400, 401, 403, 404), path


def test_staff_without_the_task_see_no_file_and_no_number(clients, photographed):
    case, key = photographed
    secret = ("511702199408161215", "511702199603071223", "13800138000", "S510034567", "荷叶街28号")
    handler = said(clients("fujing").get(case))
    assert all(text in handler for text in secret)
    assert clients("fujing").get(f"{case}/files/{key}").content == picture()
    for account in ("huji", "suozhang", "shenpi"):
        page = clients(account).get(case)
        assert page.status_code == 200
        assert not [text for text in secret if text in page.text], account
        assert key not in page.text
        assert clients(account).get(f"{case}/files/{key}").status_code == 404
        assert clients(account).post(open_task(clients(account), case), PASSED).status_code == 409


def test_what_was_seen_with_a_task_is_hidden_after_it(clients):
    case = apply(clients("resident"), changes=UPLOADS, files={PHOTO: ("照片.png", picture(5))})
    [key] = re.findall(rf'href="{case}/files/([^"]+)"', clients("fujing").get(case).text)
    done(answer(clients("fujing"), case, PASSED))
    done(answer(clients("huji"), case, PASSED))
    for account in ("fujing", "huji"):
        assert "511702199408161215" not in clients(account).get(case).text
        assert clients(account).get(f"{case}/files/{key}").status_code == 404
    assert clients("resident").get(f"{case}/files/{key}").content == picture(5)


def test_guessed_ids_open_nothing(clients, neighbour, photographed):
    case, key = photographed
    for guess in ("0", "-1", "999999", "9223372036854775807", "9223372036854775808", "abc", "1e3", "%00", "1%27", "..%2f1"):
        for account in ("fujing", "resident"):
            for path in (f"/cases/{guess}", f"/cases/{guess}/files/{key}", f"{case}/tasks/{guess}/transfer"):
                assert clients(account).get(path).status_code in (400, 404), (account, path)
            assert clients(account).post(f"{case}/tasks/{guess}", PASSED).status_code in (400, 404, 409), guess
    for guess in ("x", key[:-1], key + "A", "..%2f..%2fetc%2fpasswd", "%00"):
        assert clients("fujing").get(f"{case}/files/{guess}").status_code in (400, 404), guess
    # A key is good for its own case only.
    other = apply(neighbour)
    assert neighbour.get(f"{other}/files/{key}").status_code == 404


def test_the_files_of_another_cannot_be_handed_in_as_ones_own(clients, neighbour, photographed, clean):
    _, key = photographed
    path = f"/services/{BIRTH}/apply"
    sent = {**APPLICATIONS[BIRTH], **UPLOADS, f"{PHOTO}.keep": key}
    page = neighbour.post(path, sent)
    if page.status_code == 303:
        assert neighbour.get(f"{page.headers['Location']}/files/{key}").content != picture(), "the file is open to a stranger to it"
    assert page.status_code in (400, 422)
    assert "出生证.png" not in page.text
    assert clients("fujing").get(f"{photographed[0]}/files/{key}").content == picture()


def test_the_files_of_a_case_are_tied_to_it(city, photographed):
    """What is tied to nothing is cleared a day later."""
    case, key = photographed
    assert city.sql(f"select entity, attached_at is not null from file_reference where key = '{key}'") == "case_material|t"


def test_a_draft_is_its_writers(clean, clients, neighbour, city):
    path = f"/services/{NAME}/apply"
    put_aside(clients("resident"), NAME, {"reason": "只给自己看的理由"})
    assert "只给自己看的理由" in clients("resident").get(path).text
    assert "只给自己看的理由" not in neighbour.get(path).text
    stored = city.sql("select string_agg(encode(content, 'hex'), '') from case_draft")
    assert stored and not [text for text in ("只给自己看的理由", "relation") if text.encode().hex() in stored]


def test_no_change_without_the_token_of_the_form(clients, photographed):
    case, _ = photographed
    before = clients("resident").json(case).json()
    fujing, resident = clients("fujing"), clients("resident")
    posts = [(fujing, f"{case}/tasks/2"), (fujing, f"{case}/tasks/2/claim"), (fujing, f"{case}/do/copy"), (resident, f"{case}/do/void"),
             (resident, f"/services/{BIRTH}/apply"), (fujing, "/inbox/batch"), (fujing, "/inbox/batch/answer")]
    for client, path in posts:
        for token in (None, "", "x" * 43):
            assert client.post(path, {**PASSED, "opinion": "x", "id": "1-2"}, token=token).status_code == 403, (path, token)
    assert clients("resident").post(f"/services/{BIRTH}/apply", {}, token=None, files={PHOTO: ("a.png", picture())}).status_code == 403
    assert clients("resident").json(case).json() == before


# --- what the applicant is told ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def discussed(clients, users):
    """A case that was talked about among colleagues, and then sent back for a supplement."""
    case = apply(clients("resident"))
    path = open_task(clients("fujing"), case)
    done(clients("fujing").post(f"{path}/add-before", {"people": users["suozhang"], "reason": "内部：疑似冒名"}))
    done(answer(clients("suozhang"), case, {"opinion": "内部：先补正"}))
    done(answer(clients("fujing"), case, {"review": "supplement", "opinion": "请补拍证件"}))
    done(clients("fujing").post(f"{case}/do/copy", {"people": users["suozhang"], "reason": "内部：请关注此人"}))
    return case


def test_the_page_of_the_applicant_does_not_tell_who_was_asked_inside(clients, discussed):
    page = said(clients("resident").get(discussed))
    assert "请补拍证件" in page and "前加签" not in page and "内部：疑似冒名" not in page


def test_the_applicant_is_told_what_the_supplement_is_for(clients, discussed):
    page = said(clients("resident").get(discussed))
    assert "需要您补正：请补拍证件" in page and "内部：请关注此人" not in page


def test_the_opinion_of_a_colleague_is_not_for_the_applicant(clients, discussed):
    assert "内部：先补正" not in said(clients("resident").get(discussed))


def test_a_program_of_the_applicant_is_told_no_more_than_the_page(clients, discussed):
    assert "内部" not in clients("resident").json(discussed).text


def test_the_applicant_answers_a_supplement_and_does_not_pass_it_on(clients, discussed, neighbour):
    path = open_task(clients("resident"), discussed)
    for move in ("back", "transfer", "delegate", "add-before", "add-after"):
        assert clients("resident").post(f"{path}/{move}", {"people": str(neighbour.user), "step": "pre_review", "reason": "x"}).status_code in (400, 403, 404, 409, 422), move
    assert neighbour.get(discussed).status_code == 404


def test_the_applicant_is_shown_what_was_asked_only(clients, photographed):
    """Fields that the form never showed are not part of the application."""
    page = said(clients("resident").get(photographed[0]))
    assert "婴儿姓名" in page
    assert "出生时已取得外国国籍" not in page and "父母双方同时到场" not in page


# --- hostile text ------------------------------------------------------------------------------------------------------


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
HOSTILE = [SCRIPT, "'; drop table service_case; --", "\" onfocus=alert(1) autofocus x=\"", "{{7*7}}${7*7}", "\u202e\u0000\ufffe", "%s%n' || '1", "a\r\nSet-Cookie: x=1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(clean, clients, text):
    changes = {"applicant_name": text[:50], "subject_name": text[:50], "child_name": text[:50], "household_address": text, "note": text}
    taken = clients("resident").post(f"/services/{BIRTH}/apply", {**APPLICATIONS[BIRTH], **changes})
    assert taken.status_code in (303, 400, 422), taken.status_code
    assert not unsafe_markup(taken.text)
    if taken.status_code != 303:
        return
    case = taken.headers["Location"]
    assert clients("fujing").post(open_task(clients("fujing"), case), {"review": text, "opinion": text}).status_code in (400, 422)
    done(answer(clients("fujing"), case, {"review": "supplement", "opinion": text}))
    for client, path in ((clients("fujing"), case), (clients("resident"), case), (clients("fujing"), "/inbox?box=done"), (clients("resident"), "/inbox")):
        page = client.get(path)
        assert page.status_code == 200 and not unsafe_markup(page.text), path
        assert "<img src=x" not in page.text
    assert re.sub(r"\s+", "", text.replace("\0", "")) in re.sub(r"\s+", "", Markup(clients("resident").get(case).text).text)


def test_hostile_text_in_every_other_place_harms_nothing(clean, clients, photographed):
    case, _ = photographed
    fujing, resident = clients("fujing"), clients("resident")
    for text in [*HOSTILE[:2], HOSTILE[4], "长" * 10_000, "99999999999999999999"]:
        for params in ({"q": text}, {"item": text}, {"step": text}, {"box": text, "sort": text}):
            got = fujing.get("/inbox", params=params)
            assert got.status_code in (200, 400, 414, 431) and not unsafe_markup(got.text), params
        got = resident.get("/services", params={"q": text})
        assert got.status_code in (200, 400, 414, 431) and not unsafe_markup(got.text)
        for path, body in ((f"{case}/tasks/2/transfer", {"people": text}), (f"{case}/tasks/2/back", {"step": text, "reason": text}),
                           (f"{case}/do/copy", {"people": text, "reason": text}), (f"{case}/do/reopen", {"step": text, "reason": text}),
                           ("/inbox/batch", {"id": text}), ("/inbox/batch/answer", {"id": text, "review": text, "opinion": text})):
            got = fujing.post(path, body)
            assert 400 <= got.status_code < 500 and not unsafe_markup(got.text), (path, text[:20], got.status_code)
        page = resident.post(f"/services/{BIRTH}/apply", dict.fromkeys([*APPLICATIONS[BIRTH], f"{PHOTO}.keep", f"{PHOTO}.kind", "division_code.text"], text))
        assert page.status_code in (400, 413, 422) and not unsafe_markup(page.text), (text[:20], page.status_code)
        got = resident.get(f"/services/{BIRTH}/apply")
        assert got.status_code == 200 and not unsafe_markup(got.text)


def test_far_too_long_text_is_refused_or_cut_and_never_an_error_of_ours(clean, clients):
    path = f"/services/{BIRTH}/apply"
    page = clients("resident").post(path, {**APPLICATIONS[BIRTH], "note": "长" * 10_000, "child_name": "名" * 10_000})
    assert page.status_code in (400, 422)
    assert {"f-note", "f-child_name"} <= set(complaints(page.text))
    assert Form(page.text, path).values["note"] == "长" * 10_000
    case = apply(clients("resident"))
    done(answer(clients("fujing"), case, {"review": "supplement", "opinion": "改" * 10_000}))
    opinion = clients("resident").json(case).json()["history"][-1]["opinion"]
    assert set(opinion) == {"改"} and len(opinion) <= 10_000
    many = clients("resident").post(path, {**APPLICATIONS[BIRTH], "note": "长" * 200_000})
    assert many.status_code in (400, 413, 422)


# --- for programs ------------------------------------------------------------------------------------------------------


def test_a_case_and_the_inbox_for_programs(clients):
    case = apply(clients("resident"))
    number = int(case.split("/")[-1])
    got = clients("fujing").json(case)
    assert got.headers["Content-Type"].startswith("application/json")
    body = got.json()
    assert body["id"] == number and body["item"] == BIRTH and body["state"] == "active" and body["step"] == "网上预审"
    assert re.fullmatch(r"511702\d{8}\d{6}", body["number"])
    [task] = body["tasks"]
    assert task["step"] == "pre_review" and task["label"] == "网上预审" and task["mine"] is True
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", task["dueAt"]) and body["dueAt"]
    # The birth certificate is verified with whoever issued it.
    assert [event["action"] for event in body["history"]] == ["submit", "verify"]
    assert [task["mine"] for task in clients("suozhang").json(case).json()["tasks"]] == [False]

    inbox = clients("fujing").json("/inbox", params={"q": body["number"]}).json()
    assert inbox["count"] == 1
    [item] = inbox["items"]
    assert (item["case"], item["number"], item["task"], item["step"]) == (number, body["number"], task["task"], "网上预审")
    sent = clients("fujing").post(f"{case}/tasks/{task['task']}", PASSED, headers={"Accept": "application/json"})
    assert sent.status_code == 200 and sent.json() == {"done": True}
    again = clients("fujing").post(f"{case}/tasks/{task['task']}", PASSED, headers={"Accept": "application/json"})
    assert again.status_code == 409 and again.headers["Content-Type"].startswith("application/")
    assert clients("clerk").json(case).status_code == 404


def test_a_wrong_answer_of_a_program_is_refused_in_its_language(clients):
    case = apply(clients("resident"))
    got = clients("fujing").post(open_task(clients("fujing"), case), {}, headers={"Accept": "application/json"})
    assert got.status_code in (400, 422)
    assert "json" in got.headers["Content-Type"], got.headers["Content-Type"]


# --- the audit ---------------------------------------------------------------------------------------------------------


def entries(city, users, account, after):
    lines = city.sql(
        "select action, coalesce(record_id, 0), coalesce(purpose, ''), coalesce(remote_address, '') from audit_entry "
        f"where principal_id = {users[account]} and id > {after} order by id").splitlines()
    return [tuple(line.split("|")) for line in lines]


def last(city):
    return city.sql("select coalesce(max(id), 0) from audit_entry")


def test_every_look_at_a_case_is_in_the_audit(clients, city, users, photographed):
    case, key = photographed
    number = case.split("/")[-1]
    fujing = clients("fujing")
    for look in (lambda: fujing.get(case), lambda: fujing.json(case), lambda: fujing.get(f"{case}/files/{key}"), lambda: fujing.get(f"{case}/tasks/2/transfer"),
                 lambda: fujing.post("/inbox/batch", {"id": f"{number}-2"})):
        before = last(city)
        assert look().status_code == 200
        found = entries(city, users, "fujing", before)
        assert ("service_case.reveal", number, "办理办件：网上预审", fujing.address) in found, found
        seen = {(action, purpose) for action, _, purpose, _ in found}
        assert {("hukou_birth.reveal", "办理办件：网上预审"), ("case_material.reveal", "办理办件：网上预审")} <= seen
    before = last(city)
    clients("suozhang").get(case)
    found = {action for action, *_ in entries(city, users, "suozhang", before)}
    assert {"service_case.view", "hukou_birth.list", "case_material.list"} <= found
    assert not [action for action in found if action.endswith("reveal")]
    entry = city.sql(f"select max(id) from audit_entry where action = 'service_case.reveal' and record_id = {number}")
    assert "办理办件：网上预审" in said(clients("auditor").get(f"/logs/{entry}"))


def test_a_look_without_a_task_does_not_claim_one(clients, city, users, photographed):
    before = last(city)
    clients("suozhang").get(photographed[0])
    purposes = {purpose for action, _, purpose, _ in entries(city, users, "suozhang", before)}
    assert "办理办件：" not in purposes


def test_one_look_at_a_case_is_one_entry_for_each_thing_seen(clients, city, users, photographed):
    before = last(city)
    clients("suozhang").get(photographed[0])
    found = [action for action, *_ in entries(city, users, "suozhang", before)]
    assert len(found) == len(set(found)), found


def test_moves_are_in_the_audit(clients, city, users):
    case = apply(clients("resident"))
    number = case.split("/")[-1]
    before = last(city)
    done(answer(clients("fujing"), case, PASSED))
    assert ("service_case.update", number) in {(action, record) for action, record, *_ in entries(city, users, "fujing", before)}
