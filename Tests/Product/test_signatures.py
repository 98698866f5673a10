"""Electronic signatures: signed on a phone with a finger, by a code without scripts, in the cloud or on paper; proved by anybody, off line too."""

import json
import re
import struct
import subprocess
import zlib

import pytest
from clients import Client, until
from pages import APPLICANT, answer, apply
from playwright.sync_api import expect
from test_cases import PASSED, Form, done, open_task, said, state

# Somebody of many owners wants a household of their own: the item demands a signature.
OWN_HOUSE = {
    **APPLICANT, "relation": "self", "new_head_name": "刘芳", "new_head_id": "511702199603071223", "new_head_birth_date": "1996-03-07",
    "person_count": "1", "house_address": "达州市通川区长江西路100号3栋203室", "house_right": "owner",
    "reason": "购房后单独生活", "material.house_proof.way": "promised", "material.household_relation_proof.way": "promised",
}


def strokes(written=True):
    """A PNG with a stroke through it, as a browser sends the frame that somebody signed in."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + b"".join(b"\x11" if written and abs(x / 3 - y) < 4 and 60 < x < 300 else b"\xff" for x in range(320)) for y in range(120))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 320, 120, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def hand_in(client):
    taken = client.post("/services/hukou_112/apply", OWN_HOUSE)
    assert taken.status_code == 303, said(taken)[:800]
    return taken.headers["Location"].removesuffix("/sign")


def ask(client, case, way):
    """What the form of this way holds, as it would be sent."""
    page = client.get(f"{case}/sign")
    assert page.status_code == 200, said(page)[:400]
    return {"way": way, "digest": re.search(r'name="digest" value="([0-9a-f]{64})"', page.text)[1]}


def sign(client, case, way="handwriting", written=True, **more):
    files = {"signature": ("signature.png", strokes(written), "image/png")} if way == "handwriting" else {"signature": ("", b"")}
    return client.post(f"{case}/sign", {**ask(client, case, way), **more}, files=files)


def code(client, case):
    return client.json(case).json()["signatures"][0]["code"]


def text(pdf):
    return re.sub(r"\s+", "", subprocess.run(["pdftotext", "-", "-"], input=pdf, stdout=subprocess.PIPE, check=True).stdout.decode())


@pytest.fixture(scope="module")
def signed(clients):
    """A case that its applicant has signed by hand."""
    resident = clients("resident")
    case = apply(resident)
    done(sign(resident, case))
    return case


def test_an_applicant_signs_with_a_finger_on_the_phone(visit, clients):
    resident = clients("resident")
    taken = done(resident.post("/services/hukou_112/apply", OWN_HOUSE))
    assert taken.headers["Location"].endswith("/sign")
    page = visit("resident", "phone")
    page.goto(taken.headers["Location"])
    expect(page.get_by_role("heading", name="核对并签名")).to_be_visible()
    expect(page.get_by_text("购房后单独生活")).to_be_visible()
    canvas = page.locator("canvas.signature")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    for step in range(1, 20):
        page.mouse.move(box["x"] + 30 + step * 12, box["y"] + 40 + (step % 5) * 12)
    page.mouse.up()
    page.get_by_role("button", name="确认签名").click()
    expect(page.get_by_text("有效，未改动")).to_be_visible()
    expect(page.get_by_role("img", name="的签名")).to_be_visible()


def test_what_stands_in_the_frame_or_was_chosen_last_is_what_is_sent(visit, clients):
    case = apply(clients("resident"))
    page = visit("resident", "desktop")
    page.goto(f"{case}/sign")
    canvas = page.locator("canvas.signature")
    button = page.get_by_role("button", name="确认签名")
    canvas.scroll_into_view_if_needed()

    def write(down):
        box = canvas.bounding_box()
        page.mouse.move(box["x"] + 40, box["y"] + 30)
        page.mouse.down()
        for step in range(1, 12):
            page.mouse.move(box["x"] + 40 + step * 15, box["y"] + 30 + step * down)
        page.mouse.up()

    def held():
        return page.evaluate("""async () => {
            const file = document.querySelector('[data-signature-form] input[type="file"]').files[0];
            return file ? `${file.name} ${[...new Uint8Array(await file.arrayBuffer())].join()}` : null;
        }""")

    def send():
        """An upload that comes to nothing: the page stays."""
        with page.expect_request(lambda request: request.method == "POST"):
            button.click()
        return held()

    page.route("**/sign", lambda route: route.fulfill(status=204) if route.request.method == "POST" else route.continue_())
    write(1)
    first = send()
    assert first.startswith("signature.png ") and send() == first
    page.get_by_role("button", name="重签").click()
    assert held() is None
    write(9)
    second = send()
    assert second.startswith("signature.png ") and second != first
    # A photograph takes the place of strokes, and strokes that of a photograph.
    photograph = {"name": "签名.png", "mimeType": "image/png", "buffer": strokes()}
    page.locator('[data-signature-form] input[type="file"]').set_input_files(photograph)
    assert send().startswith("签名.png ")
    write(9)
    assert held() is None
    assert send() == second
    page.unroute("**/sign")
    button.click()
    expect(page.get_by_text("有效，未改动")).to_be_visible()


def test_an_empty_frame_is_no_signature(clients):
    resident = clients("resident")
    case = apply(resident)
    empty = sign(resident, case, written=False)
    assert empty.status_code == 422 and "笔画太少" in said(empty)
    assert resident.json(case).json()["signatures"] == []


def test_what_has_to_be_signed_waits_for_the_signature(clients):
    resident = clients("resident")
    case = hand_in(resident)
    assert "还差一步" in said(resident.get(case))
    for account, values in [("fujing", PASSED), ("fujing", {"receipt": "matched"})]:
        done(answer(clients(account), case, values))
    stopped = answer(clients("huji"), case, PASSED)
    assert stopped.status_code == 422 and "还没有在申请书上签名" in said(stopped) and "不必退回" in said(stopped)
    done(sign(resident, case))
    done(answer(clients("huji"), case, PASSED))
    assert state(resident, case) == "completed"
    late = resident.get(f"{case}/sign")
    assert late.status_code == 409 and "不能再签名" in late.text


def test_a_supplement_has_to_be_signed_anew(clients):
    resident = clients("resident")
    case = apply(resident)
    done(sign(resident, case))
    done(answer(clients("fujing"), case, {"review": "supplement", "opinion": "姓名请核对"}))
    path = open_task(resident, case)
    sent = done(resident.post(path, {**Form(resident.get(case).text, path).values, "child_name": "张大满"}))
    # The item asks for no signature: nothing is missing, only what was signed no longer fits.
    assert sent.headers["Location"] == f"{case}/sign" and "还差一步" not in said(resident.get(f"{case}/sign"))
    [kept] = resident.json(case).json()["signatures"]
    assert not kept["holds"] and len(kept["changed"]) == 1
    assert f"签名后改动，不再受这次签名约束：{kept['changed'][0]}。" in said(clients("fujing").get(case))
    assert "内容已改动" in said(Client(resident.base).get(f"/verify/{kept['code']}"))
    done(sign(resident, case))
    assert [one["holds"] for one in resident.json(case).json()["signatures"]] == [True, False]


def test_a_page_that_is_out_of_date_signs_nothing(clients):
    resident = clients("resident")
    case = apply(resident)
    old = {**ask(resident, case, "handwriting"), "digest": "0" * 64}
    stale = resident.post(f"{case}/sign", old, files={"signature": ("signature.png", strokes(), "image/png")})
    assert stale.status_code == 409 and "重新核对后再签" in said(stale)


def test_without_scripts_a_code_to_the_bound_telephone_confirms(clients, newcomer, phones):
    me = newcomer(phone="13800138761")
    case = apply(me)
    sent = done(sign(me, case, "phone_code", do="send"))
    assert sent.headers["Location"] == f"{case}/sign?sent=1#by-code"
    [message] = until(lambda: [one for one in phones if "在申请表上签名" in one["text"]], 60)
    right = re.search(r"验证码(\d{6})", message["text"])[1]
    wrong = sign(me, case, "phone_code", code="000000" if right != "000000" else "111111")
    assert wrong.status_code == 422 and "验证码不对" in said(wrong)
    # What it confirms is one content of one case.
    other = apply(me)
    assert sign(me, other, "phone_code", code=right).status_code == 422
    done(sign(me, case, "phone_code", code=right))
    assert "短信验证码确认" in said(me.get(case)) and "有效，未改动" in said(me.get(case))
    unbound = clients("resident")
    assert "没有绑定手机" in said(unbound.get(f"{apply(unbound)}/sign"))


def test_the_cloud_signs_after_the_signer_confirmed_there(clients):
    resident = clients("resident")
    case = apply(resident)
    first = done(sign(resident, case, "cloud"))
    assert first.headers["Location"] == f"{case}/sign"
    done(sign(resident, case, "cloud"))
    page = said(resident.get(case))
    assert "云签" in page and "云签流水号" in page and "有效，未改动" in page


def test_an_officer_enters_a_signature_on_paper(clients):
    resident = clients("resident")
    case = apply(resident)
    desk = clients("fujing")
    unseen = sign(desk, case, "paper")
    assert unseen.status_code == 400 and "请确认已收到" in said(unseen)
    done(sign(desk, case, "paper", seen_paper="true"))
    own = said(resident.get(case))
    assert "纸质签名" in own and "未当面核对证件" in own and "登记人员" in own and "在场人员" not in own
    # On the pad at the window, with the document compared.
    other = apply(resident)
    done(sign(desk, other, saw_signer="true"))
    seen = said(resident.get(other))
    assert "受理人员当面核对证件" in seen and "未当面核对证件" not in seen
    assert sign(resident, apply(resident), "paper", seen_paper="true").status_code == 400
    assert sign(desk, case, "phone_code", do="send").status_code == 400


def test_a_scan_of_signed_paper_comes_later(clients, city):
    resident, desk = clients("resident"), clients("fujing")
    case = apply(resident)
    done(sign(desk, case, "paper", seen_paper="true", saw_document="true"))
    assert "补登扫描件" in said(desk.get(case)) and "补登扫描件" not in said(resident.get(case))
    page = said(desk.get(f"{case}/sign"))
    assert "还没有扫描件" in page and "手写签名" not in page

    def scan(name, content, media, **more):
        return desk.post(
            f"{case}/sign", {**ask(desk, case, "paper"), "seen_paper": "true", **more}, files={"scan": (name, content, media)})

    empty = scan("", b"", "application/octet-stream")
    assert empty.status_code == 400 and "还没有选择扫描件" in said(empty)
    for name, content in [("说明.txt", "签好了".encode()), ("扫描.webp", b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 20)]:
        other = scan(name, content, "image/png")
        assert other.status_code == 415 and "PNG、JPEG 图片或 PDF" in said(other), name
    done(scan("IMG_1.pdf", strokes(), "application/pdf"))
    seen = said(desk.get(case))
    # What was seen when the paper was taken stays so; named by what it is, not by what it was called.
    assert "受理人员当面核对证件" in seen and "补登扫描件" not in seen and "看签名的申请表" in seen
    [key] = set(re.findall(rf"{case}/view\?file=([^\"&]+)", desk.get(case).text))
    assert city.sql(f"select name from file_reference where key = '{key}'") == "申请表（已签名）.png"
    assert desk.get(f"{case}/files/{key}").content == strokes()


def test_nobody_else_signs_or_sees_the_strokes(signed, clients):
    resident, desk = clients("resident"), clients("fujing")
    [picture] = set(re.findall(rf"{signed}/pages/([^/\"]+)/1\?size=thumb", resident.get(signed).text))
    assert resident.get(f"{signed}/pages/{picture}/1").status_code == 200
    assert desk.get(f"{signed}/pages/{picture}/1").status_code == 200
    # The last is an officer in whose scope it lies, and who has nothing to do with it.
    for account in ["clerk", "grid", "suozhang"]:
        other = clients(account)
        assert other.get(f"{signed}/sign").status_code in (403, 404)
        for path in (f"{signed}/pages/{picture}/1", f"{signed}/pages/{picture}/1?size=thumb", f"{signed}/files/{picture}"):
            assert other.get(path).status_code in (403, 404), path
        by_key = other.get(f"/files/{picture}")
        assert by_key.status_code in (303, 403, 404) and not by_key.content.startswith(b"\x89PNG")
    assert clients("suozhang").get(signed).status_code == 200
    assert Client(resident.base).get(f"{signed}/sign").headers["Location"].startswith("/sign-in")


def test_every_look_at_the_strokes_is_audited(signed, clients, city):
    resident, desk = clients("resident"), clients("fujing")
    [picture] = set(re.findall(rf"{signed}/pages/([^/\"]+)/1\?size=thumb", resident.get(signed).text))

    def looks():
        return int(city.sql(
            "select count(*) from audit_entry where action = 'case_material.open' and principal_id = "
            f"(select id from app_user where account = 'fujing') and details->>'file' = '{picture[:8]}'"))

    ways = [f"{signed}/pages/{picture}/1", f"{signed}/pages/{picture}/1?size=thumb", f"{signed}/files/{picture}"]
    for path in ways + ways:
        before = looks()
        assert desk.get(path).status_code == 200
        assert looks() == before + 1, path
    # By its key alone nobody sees it, whatever register they may read: the way goes through the case.
    before = looks()
    by_key = desk.get(f"/files/{picture}")
    assert by_key.status_code in (303, 404) and not by_key.content.startswith(b"\x89PNG") and looks() == before
    if by_key.status_code == 303:
        assert by_key.headers["Location"] == f"{signed}/files/{picture}"


def test_the_form_carries_signature_digest_and_code(signed, clients, tmp_path):
    resident = clients("resident")
    printed = text(resident.get(f"{signed}/form.pdf").content)
    called = code(resident, signed)
    assert "签名摘要（SM3）" in printed and "手写签名" in printed and called in printed
    [sheet] = set(re.findall(rf'href="{signed}/files/([^"]+)"[^>]*>[^<]*(?:<[^>]+>[^<]*)*?下载签名的申请表', resident.get(signed).text))
    kept = resident.get(f"{signed}/files/{sheet}").content
    assert "申请人签名" in text(kept) and called in text(kept)


def test_a_stranger_proves_it_with_stock_openssl(signed, clients, tmp_path):
    called = code(clients("resident"), signed)
    stranger = Client(clients("resident").base)
    page = said(stranger.get(f"/verify/{called}"))
    assert "签名有效" in page and "刘*" in page and "刘芳" not in page and "张小满" not in page
    assert stranger.json(f"/verify/{called}").json()["verdict"] == "whole"
    for part, name in [("statement", "statement.txt"), ("signature", "signature.der"), ("key", "key.pem")]:
        (tmp_path / name).write_bytes(stranger.get(f"/signatures/{called}/{part}").content)
    command = ["openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678", "-verify", "key.pem", "-signature", "signature.der", "statement.txt"]
    assert subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True).stdout == "Verified OK\n"
    statement = (tmp_path / "statement.txt").read_text()
    assert statement.startswith("lifang-signature-1\n") and "刘芳" not in statement and "511702199603071223" not in statement


def test_a_code_is_typed_where_documents_are_proved(signed, clients):
    called = code(clients("resident"), signed)
    stranger = Client(clients("resident").base)
    page = said(stranger.get("/verify"))
    assert "证照、签名验真" in page and "申请表的签名旁" in page
    spaced = " ".join(called[at:at + 4] for at in range(0, len(called), 4)).lower()
    assert "签名有效" in said(stranger.http.get(f"{stranger.base}/verify", params={"code": spaced}, timeout=60))
    wrong = stranger.get(f"/verify/{called[:-1]}{'A' if called[-1] != 'A' else 'B'}")
    assert wrong.status_code == 404 and "没有这个验真码对应的证照或签名" in said(wrong)
    own = said(clients("resident").get(signed))
    assert "验真码" in own and "验证码" not in own


def test_the_evidence_is_checked_off_line(signed, clients, city, executable_path, tmp_path):
    resident = clients("resident")
    link = re.search(rf"{signed}/signatures/\d+/evidence\.json", resident.get(signed).text)[0]
    evidence = resident.get(link).json()
    (tmp_path / "evidence.json").write_text(json.dumps(evidence, ensure_ascii=False))
    (tmp_path / "key.pem").write_text(city.run("signature", "key"))

    def verify(*words):
        return subprocess.run([executable_path, "signature", "verify", *words], cwd=tmp_path, stdout=subprocess.PIPE, text=True)

    sound = verify("evidence.json", "--key", "key.pem")
    assert sound.returncode == 0 and "签名有效" in sound.stdout and "公钥取自文件本身" not in sound.stdout, sound.stdout
    assert json.loads(verify("evidence.json", "--json", "--key", "key.pem").stdout)["keyTrusted"] is True
    unproved = verify("evidence.json", "--json")
    assert unproved.returncode == 0 and json.loads(unproved.stdout)["keyTrusted"] is False
    part = next(part for part in evidence["parts"] if part["name"] == "form.child_name")
    part["value"] = "张大满"
    (tmp_path / "forged.json").write_text(json.dumps(evidence, ensure_ascii=False))
    forged = verify("forged.json")
    assert forged.returncode == 1 and "的内容与摘要不符" in forged.stdout
    (tmp_path / "other.pdf").write_bytes(b"%PDF-1.4\n")
    assert verify("evidence.json", "--sheet", "other.pdf").returncode == 1
