"""Archives, readings, inspection and statistics as people meet them in the browser."""

import random
import re
import struct
import subprocess
import zlib

import pytest
from clients import Markup, until
from pages import APPLICATIONS, answer, apply
from test_accessibility import check
from test_cases import done, refused, said

UPLOADS = {"material.birth_certificate.way": "submitted"}
PHOTO = "material.birth_certificate"


def sheet(seed, width=820, height=1160, paper=240, ink=20):
    """A page of print as PNG."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = []
    for y in range(height):
        if 60 < y < height - 60 and y % 22 < 9:
            line = bytes(ink if 60 < x < width - 60 and (x // 5 + seed) % 3 else paper for x in range(width))
        else:
            line = bytes([paper]) * width
        rows.append(b"\0" + b"".join(bytes([value]) * 3 for value in line))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b""))


@pytest.fixture(scope="module")
def filed(clients):
    """A case that went through every desk: its address and the key of its one file."""
    case = apply(clients("resident"), changes=UPLOADS, files={PHOTO: ("证.png", sheet(1), "image/png")})
    done(answer(clients("fujing"), case, {"review": "passed"}))
    done(answer(clients("huji"), case, {"review": "passed"}))
    assert clients("huji").json(case).json()["state"] == "completed"
    [key] = re.findall(rf'href="{case}/files/([^"]+)"', clients("resident").get(case).text)
    return case, key


def archive_of(clients, case):
    number = clients("huji").json(case).json()["number"]
    page = clients("huji").get(f"/r/archive?case_number={number}").text
    return re.search(r'href="/r/archive/(\d+)"', page).group(1)


def test_a_completed_case_is_filed_by_itself_and_its_catalogue_prints(clients, filed, tmp_path):
    number = archive_of(clients, filed[0])
    page = said(clients("huji").get(f"/r/archive/{number}"))
    assert "已归档" in page and re.search(r"-HJ-2026-D30-\d{5}", page)
    pdf = tmp_path / "catalogue.pdf"
    answered = clients("huji").get(f"/archives/{number}/catalogue.pdf")
    assert answered.headers["Content-Type"] == "application/pdf"
    pdf.write_bytes(answered.content)
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], stdout=subprocess.PIPE, text=True, check=True).stdout
    text = "".join(text.split())
    assert "卷内目录" in text and "出生医学证明" in text and "共2件，1页" in text
    assert clients("resident").get(f"/archives/{number}/catalogue.pdf").status_code == 403


def test_files_are_looked_at_with_a_reason_and_carry_who_looks(clients, filed):
    case, key = filed
    chief = clients("suozhang")
    assert chief.get(f"{case}/view").headers["Location"] == f"{case}/read"
    assert chief.get(f"{case}/pages/{key}/1").status_code == 403
    refused(chief.post(f"{case}/read", {"basis": "inspection", "days": "1", "purpose": ""}), 422, "调阅事由")
    done(chief.post(f"{case}/read", {"basis": "inspection", "days": "1", "purpose": "抽查材料"}))
    viewer = said(chief.get(f"{case}/view"))
    assert "每一页都带您的姓名" in viewer and "第 1 页，共 1 页" in viewer
    marked = chief.get(f"{case}/pages/{key}/1")
    assert marked.headers["Content-Type"] == "image/jpeg" and "no-store" in marked.headers["Cache-Control"]
    plain = clients("resident").get(f"{case}/pages/{key}/1")
    assert marked.content != plain.content
    # The file itself is not handed to a reader.
    assert chief.get(f"{case}/files/{key}").status_code == 403


def test_every_look_is_in_the_audit(clients, city, filed):
    case, key = filed
    rows = city.sql("select purpose from audit_entry where action = 'case_material.open' and purpose like '调阅 %抽查材料'")
    assert rows, "the look of the chief is nowhere"


def test_without_the_right_somebody_has_to_say_yes(clients, filed):
    case, key = filed
    clerk = clients("fujing")
    assert "登记调阅事由" in said(clerk.get(case))
    asked = done(clerk.post(f"{case}/read", {"basis": "duty", "days": "2", "purpose": "群众来电核对"}))
    reading = asked.headers["Location"]
    assert "待审批" in said(clerk.get(reading))
    assert clerk.get(f"{case}/pages/{key}/1").status_code == 403
    assert clerk.post(f"{reading}/do/approve", {"days": "2"}).status_code == 403
    done(clients("suozhang").post(f"{reading}/do/approve", {"days": "2", "decision_note": ""}))
    assert clerk.get(f"{case}/pages/{key}/1").status_code == 200


def test_an_archive_is_verified_and_what_was_altered_is_named(clients, city, filed):
    page = said(clients("huji").get(f"/r/archive/{archive_of(clients, filed[0])}"))
    number = re.search(r"[A-Z0-9]+-HJ-2026-D30-\d{5}", page).group(0)
    assert "档案完整" in city.run("archive", "verify", number)
    scope = '-c lifang.scope_archive={"all":true}'
    submitted = f"action = 'submit' and case_id = (select service_case_id from archive where number = '{number}')"
    city.sql(f"update case_event set opinion = '改过' where {submitted}", scope)
    assert f"{number}：办理过程被改动" in city.run("archive", "verify", number, check=False)
    city.sql(f"update case_event set opinion = null where {submitted}", scope)


def test_a_supplement_is_one_more_line_and_counts(clients, filed):
    number = archive_of(clients, filed[0])
    page = clients("huji").get(f"/archives/{number}/add")
    assert "加入后不能修改或删除" in said(page)
    refused(clients("huji").post(f"/archives/{number}/add", {"kind": "supplement", "label": "补充证明"}), 422, "还没有选择影像")
    done(clients("huji").post(f"/archives/{number}/add", {"kind": "supplement", "label": "补充证明", "note": "当事人补交"},
                              files={"files": ("补.png", sheet(7), "image/png")}))
    assert "补充证明" in said(clients("huji").get(f"/r/archive/{number}"))
    assert clients("fujing").get(f"/archives/{number}/add").status_code == 403


def test_whoever_uploads_a_bad_picture_is_told_and_not_refused(clients):
    small = {PHOTO: ("小.png", sheet(9, width=300, height=420), "image/png")}
    form = {**APPLICATIONS["hukou_001"], **UPLOADS}
    page = clients("resident").post("/services/hukou_001/apply", {**form, "_refresh": "child_name"}, files=small)
    assert page.status_code == 200 and "图片尺寸过小，建议重拍" in said(page)
    case = apply(clients("resident"), changes=UPLOADS, files=small)
    told = Markup(clients("resident").get(case).text).text
    assert "已提交，受理编号" in told and "（尺寸过小）的图片可能看不清，工作人员审核时会请您补交" in told
    case = apply(clients("resident"), changes=UPLOADS, files={PHOTO: ("清楚.png", sheet(10), "image/png")})
    assert "请留意" not in Markup(clients("resident").get(case).text).text


def test_a_large_photograph_is_made_smaller_before_it_is_sent(visit, tmp_path):
    noise = random.Random(5).randbytes(3000 * 900 * 3)
    rows = b"".join(b"\0" + noise[y * 9000:(y + 1) * 9000] for y in range(900))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    photo = tmp_path / "照片.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3000, 900, 8, 2, 0, 0, 0))
                      + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))
    page = visit("resident", "phone")
    page.goto("/services/hukou_001/apply")
    field = page.locator(f'input[type="file"][name="{PHOTO}"]')
    field.set_input_files(photo)
    page.get_by_text("压缩").first.wait_for(state="attached", timeout=20000)
    size, kind, width, height = field.evaluate(
        "async input => { const file = input.files[0]; const picture = await createImageBitmap(file);"
        " return [file.size, file.type, picture.width, picture.height]; }")
    assert kind == "image/jpeg" and (width, height) == (2400, 720) and size < photo.stat().st_size * 0.8
    # What is small goes as it is.
    scan = tmp_path / "小.png"
    scan.write_bytes(sheet(12))
    field.set_input_files(scan)
    assert field.evaluate("input => [input.files[0].name, input.files[0].size]") == ["小.png", scan.stat().st_size]


def pdf_text(content, tmp_path):
    path = tmp_path / "paper.pdf"
    path.write_bytes(content)
    said = subprocess.run(["pdftotext", "-layout", path, "-"], stdout=subprocess.PIPE, text=True, check=True).stdout
    shown = subprocess.run(["pdfinfo", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return "".join(said.split()), int(re.search(r"Pages:\s+(\d+)", shown).group(1))


def test_the_approval_form_is_made_of_the_case_and_sealed_as_a_version(clients, city, filed, tmp_path):
    case, _ = filed
    number = archive_of(clients, case)
    assert "生成受理审批单" in said(clients("huji").get(f"/archives/{number}/add"))
    before = said(clients("huji").get(f"/r/archive/{number}"))
    made = done(clients("huji").post(f"/archives/{number}/digitise", {"kind": "approval_form"}))
    page = said(clients("huji").get(made.headers["Location"]))
    assert "受理审批单" in page and "版本" in page and "版本" in before
    assert "档案完整" in city.run("archive", "verify", re.search(r"[A-Z0-9]+-HJ-2026-D30-\d{5}", page).group(0))
    # The newborn is not registered before the case is over; the register of the applicant is what there is.
    register = clients("huji").post(f"/archives/{number}/digitise", {"kind": "register_form"})
    assert register.status_code in (303, 422)
    assert clients("fujing").post(f"/archives/{number}/digitise", {"kind": "approval_form"}).status_code == 403
    # A reason is asked for.
    refused(clients("huji").post(f"/archives/{number}/add", {"kind": "supplement", "label": "证明"},
                                 files={"files": ("补.png", sheet(8), "image/png")}), 422, "说明")


def test_the_whole_archive_prints_at_once_for_whoever_said_why(clients, city, filed, tmp_path):
    case, _ = filed
    number = archive_of(clients, case)
    city.sql("update case_reading set state = 'ended' where state = 'granted'")
    huji = clients("huji")
    assert huji.get(f"/archives/{number}/paper").headers["Location"] == f"{case}/read"
    done(huji.post(f"{case}/read", {"basis": "duty", "days": "1", "purpose": "装订纸质档案"}))
    assert "卷内目录和全部材料影像" in said(huji.get(f"/archives/{number}/paper"))
    refused(huji.post(f"/archives/{number}/paper", {"purpose": " "}), 422, "请写明用途")
    sent = done(huji.post(f"/archives/{number}/paper", {"purpose": "装订入盒"}))
    printed = huji.get(sent.headers["Location"])
    assert printed.headers["Content-Type"] == "application/pdf", printed.text
    words, pages = pdf_text(printed.content, tmp_path)
    assert "卷内目录" in words and re.search(r"第\d+件", words) and "页号1" in words and "郑晓燕" in words
    assert pages >= 2
    assert "装订入盒" in said(huji.get(f"/r/archive/{number}"))
    assert clients("suozhang").get(f"/archives/{number}/paper.pdf").status_code == 403, "printed by somebody else"
    assert clients("fujing").get(f"/archives/{number}/paper").status_code == 403


def test_a_catalogue_is_made_when_enough_was_filed_and_prints_the_same_again(clients, city, filed, tmp_path):
    saved = clients("sysadmin").post("/settings/parameters/archive.catalogue_files", {"value": "1"})
    assert saved.status_code == 303
    scope = '-c lifang.scope_archive={"all":true}'
    until(lambda: int(city.sql("select count(*) from archive_catalogue")) > 0, 150)
    number = city.sql("select id from archive_catalogue order by id limit 1")
    assert city.sql(f"select count(*) > 0 from archive where catalogue_id = {number}", scope) == "t"
    unit = city.sql(f"select u.account from archive_catalogue c join app_user u on u.unit_id = c.unit_id and u.account = 'huji' where c.id = {number}")
    assert unit == "huji"
    huji = clients("huji")
    assert "归档目录" in said(huji.get("/messages")) and "待打印归档目录" in said(huji.get("/"))
    assert "待打印" in said(huji.get(f"/r/archive_catalogue/{number}"))
    assert huji.get(f"/archives/catalogues/{number}/catalogue.pdf").status_code == 409
    assert "打印出的目录留存" in said(huji.get(f"/archives/catalogues/{number}/print"))
    sent = done(huji.post(f"/archives/catalogues/{number}/print"))
    first = huji.get(sent.headers["Location"])
    words, _ = pdf_text(first.content, tmp_path)
    assert "归档目录" in words and "移交人" in words
    again = done(huji.post(f"/archives/catalogues/{number}/print"))
    assert huji.get(again.headers["Location"]).content == first.content
    assert "已打印" in said(huji.get(f"/r/archive_catalogue/{number}"))
    assert clients("fujing").get(f"/archives/catalogues/{number}/print").status_code == 403


def test_nobody_deletes_or_changes_an_archive(clients, filed):
    number = archive_of(clients, filed[0])
    for account in ("huji", "suozhang", "shenpi"):
        for path in (f"/r/archive/{number}/delete", f"/r/archive/{number}/edit"):
            assert clients(account).post(path, {"item_label": "别的"}).status_code in (403, 404)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_viewer_is_accessible_and_follows_the_keys(visit, clients, filed, size):
    case, _ = filed
    clients("suozhang").post(f"{case}/read", {"basis": "inspection", "days": "1", "purpose": "看一看"})
    page = visit("suozhang", size)
    page.goto(f"{case}/view")
    check(page)
    if size == "desktop":
        page.keyboard.press("+")
        page.wait_for_url("**zoom=2**")
        page.keyboard.press("r")
        page.wait_for_url("**turn=1**")


def numbers(page):
    """The rows of the table of a page of statistics: label and numbers."""
    table = page.split('data-table', 1)[1].split("</table>", 1)[0]
    rows = []
    for row in re.findall(r"<tr[ >].*?</tr>", table, re.S):
        cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)]
        rows.append((cells, re.findall(r'href="([^"]+)"', row)))
    return rows


def test_every_number_opens_the_list_of_its_records(clients, filed):
    officer = clients("shenpi")
    for path in ("/r/service_case/statistics?view=business", "/r/service_case/statistics?view=volume",
                 "/r/service_case/statistics?view=separation", "/r/case_handling/statistics?view=people",
                 "/r/service_case/statistics?view=overview", "/r/service_case/statistics?view=region",
                 "/r/service_case/statistics?view=unit&since=2020-01-01&until=2030-12-31"):
        page = officer.get(path)
        assert page.status_code == 200, said(page)
        rows = [(cells, links) for cells, links in numbers(page.text) if links]
        assert rows, path
        cells, links = rows[0]
        for link in links:
            answered = officer.get(link.replace("&amp;", "&"))
            assert answered.status_code == 200, (link, said(answered)[:300])
        first = int(next(cell for cell in cells[1:] if cell.isdigit()))
        link = links[1 if len(links) > 1 else 0].replace("&amp;", "&")
        assert officer.json(link.replace("/r/", "/api/r/", 1)).json()["count"] == first, (path, link)


def test_the_overview_of_business_on_line_counts_what_was_reviewed_apart(clients, filed):
    page = said(clients("shenpi").get("/r/service_case/statistics?view=overview"))
    for word in ("受理数", "待审核", "已审核待办结", "办结数", "终止"):
        assert word in page, word
    assert "2026年" in page or re.search(r"20\d\d-\d\d", page)
    assert clients("shenpi").get("/r/service_case/statistics?view=overview&per=year").status_code == 200


def test_statistics_compare_with_the_time_before_and_are_exported(clients, filed):
    officer = clients("shenpi")
    page = officer.get("/r/service_case/statistics?view=business&since=2026-01-01&until=2030-12-31&compare=true")
    assert "上期" in said(page)
    assert "请先选起止日期" in said(officer.get("/r/service_case/statistics?view=business&compare=true"))
    refused(officer.get("/r/service_case/statistics?since=yesterday"), 400, "读不懂")
    book = officer.get("/r/service_case/statistics/export?view=volume")
    assert book.content[:2] == b"PK" and "xlsx" in book.headers["Content-Disposition"]
    assert clients("resident").get("/r/service_case/statistics/export").status_code == 403


def test_a_sample_is_drawn_and_what_fails_is_put_right(clients, filed):
    bureau = clients("shenpi")
    made = done(bureau.post("/r/inspection_plan/new", {
        "name": "产品测试抽检", "kind": "image", "from_on": "2020-01-01", "to_on": "2030-12-31", "percent": "100",
        "seed": "13579", "correct_days": "7"}))
    plan = made.headers["Location"].split("?")[0]
    done(bureau.post(f"{plan}/do/draw", {}))
    page = bureau.get(plan).text
    samples = re.findall(r'href="(/r/inspection_sample/\d+)"', page)
    assert samples, said(bureau.get(plan))[:600]
    done(bureau.post(f"{samples[0]}/do/fail", {"problems": "blurred", "severity": "minor", "finding": "看不清"}))
    assert "JC2026" in said(bureau.get(samples[0]))


def test_pages_of_the_slice_are_accessible(visit, clients, filed):
    page = visit("shenpi", "desktop")
    for path in ("/r/archive", f"/r/archive/{archive_of(clients, filed[0])}", "/r/service_case/statistics?view=volume",
                 "/r/service_case/statistics?view=separation", "/r/inspection_plan"):
        page.goto(path)
        check(page)
