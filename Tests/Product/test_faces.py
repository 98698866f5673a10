"""Comparing whoever stands at the window with the photograph on record."""

import re

from clients import Markup, resident_id
from pages import apply
from playwright.sync_api import expect
from test_accessibility import check
from test_cases import picture

# A number that ends in 9 is somebody else to the system that the demo plays.
OTHER = next(number for number in (resident_id("511702", "19900101", serial) for serial in range(100, 999)) if number.endswith("9"))


def test_an_auxiliary_compares_a_photograph_at_the_window(clients, visit, tmp_path):
    case = apply(clients("fujing"))
    page = visit("fujing")
    page.goto(case)
    page.get_by_text("更多", exact=True).first.click()
    page.get_by_role("link", name="人像比对").click()
    expect(page.get_by_role("heading", name="人像比对")).to_be_visible()
    check(page)
    page.get_by_role("button", name="比对", exact=True).click()
    expect(page.get_by_role("link", name="请选择照片")).to_be_visible()
    shot = tmp_path / "本人.png"
    shot.write_bytes(picture(3))
    page.locator('input[name="photo"]').set_input_files(shot)
    page.get_by_role("button", name="比对", exact=True).click()
    expect(page.get_by_text("现场照片与登记照片是同一人，相似度 93").first).to_be_visible()
    assert re.search("人像比对.*申请人：核验一致", Markup(clients("fujing").get(case).text).text, re.S)


def test_a_photograph_that_is_none_and_somebody_who_does_not_handle_it_are_refused(clients, stranger):
    case = apply(clients("fujing"))
    desk = clients("fujing")
    for files, told in [({}, "还没有照片"), ({"photo": ("a.png", b"%PDF-1.7 x")}, "应是 JPEG 或 PNG")]:
        refused = desk.post(f"{case}/face", {"person": "applicant"}, files=files or {"photo": ("", b"")})
        assert refused.status_code == 400 and told in refused.text, Markup(refused.text).text
    assert desk.post(f"{case}/face", {"person": "nobody"}, files={"photo": ("a.png", picture(1))}).status_code == 400
    for account in ("clerk", "grid", "resident"):
        answer = clients(account).post(f"{case}/face", {"person": "applicant"}, files={"photo": ("a.png", picture(1))})
        assert answer.status_code in (403, 404), account
    assert stranger.get(f"{case}/face").status_code in (303, 401, 403, 404)


def test_somebody_else_is_an_alert_to_whoever_handles_the_case(clients):
    desk = clients("fujing")
    case = apply(desk, changes={"applicant_document": OTHER})
    answer = desk.post(f"{case}/face", {"person": "applicant"}, files={"photo": ("a.png", picture(1))})
    assert answer.status_code == 303
    page = Markup(clients("fujing").get(case).text).text
    assert "人证不一致（申请人）" in page and "请当面核对证件和本人" in page
