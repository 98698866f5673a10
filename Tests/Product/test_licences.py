"""Electronic licences: an applicant who showed their face hands in their own instead of photographs."""

import re

import pytest
from clients import Client, Markup
from pages import APPLICANT, APPLICATIONS
from playwright.sync_api import expect
from test_accessibility import check
from test_federation import Provider, register, through

ITEM = "/services/hukou_001/apply"
# Where the applicant's own papers are asked for, of whomever it may be.
OWN = "/services/hukou_025/apply"
CODE = "test-licences"
REGISTER = "material.mother_register"


@pytest.fixture(scope="module")
def provider(clients):
    provider = Provider()
    register(clients, provider, CODE, "测试证照认证")
    yield provider
    provider.server.shutdown()


@pytest.fixture
def mother(city, provider):
    """The applicant, signed in as surely as `level` says."""
    def sign_in(level="L3"):
        provider.user = {"name": APPLICANT["applicant_name"], "id_number": APPLICANT["applicant_document"]}
        provider.tamper = {"claims": {"acr": level}}
        person = Client(city.base)
        assert through(person, provider, CODE).status_code == 303
        return person
    return sign_in


def fetch(person):
    answer = person.post(ITEM, {**APPLICATIONS["hukou_001"], "_fill": "licence.mother_register"})
    return answer, {name: value for name, value in inputs(answer.text).items() if name.startswith(f"{REGISTER}.")}


def inputs(page):
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = (re.search(rf' {key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and 'type="hidden"' in tag:
            found[name.group(1)] = value.group(1).replace("&quot;", '"').replace("&amp;", "&") if value else ""
    return found


def hand_in(person, kept):
    return person.post(ITEM, {**APPLICATIONS["hukou_001"], **kept, f"{REGISTER}.way": "submitted"})


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_licence_takes_the_place_of_a_photograph(size, city, visit):
    page = visit(size=size)
    page.goto(f"/sign-in?return={OWN}")
    page.get_by_role("link", name="演示身份认证").click()
    page.get_by_label(city.resident()["name"]).first.check()
    page.get_by_label("认证方式").select_option(label="实名并刷脸")
    page.get_by_role("button", name="同意并登录").click()
    material = page.locator(".material").filter(has_text="《居民户口簿》")
    material.get_by_role("button", name=re.compile("调用")).click()
    told = "已调用电子证照《居民户口簿》，达州市公安局签发，签名有效"
    expect(material).to_contain_text(told)
    # A long form stays where it was.
    expect(material.locator(".material-licence")).to_be_in_viewport()
    check(page)
    # It can be looked at before it is handed in, and the draft keeps it.
    paper = page.request.get(material.locator('a[href^="/files/"]').first.get_attribute("href"))
    assert paper.status == 200 and paper.body().startswith(b"%PDF-")
    page.goto(OWN)
    expect(material).to_contain_text(told)


def test_it_is_handed_in_and_whoever_reviews_sees_that_it_was_proved(mother, clients):
    person = mother()
    filled, kept = fetch(person)
    assert filled.status_code == 200 and "已调用电子证照" in filled.text, Markup(filled.text).text
    taken = hand_in(person, kept)
    assert taken.status_code == 303, Markup(taken.text).text
    desk = Markup(clients("fujing").get(taken.headers["Location"].removesuffix("/sign")).text).text
    assert "核验一致" in desk and "电子证照《居民户口簿》" in desk and "签名有效，持证人相符" in desk


def test_a_changed_licence_and_another_file_are_refused(mother):
    person = mother()
    _, kept = fetch(person)
    licence = kept[f"{REGISTER}.licence"]
    changed = {**kept, f"{REGISTER}.licence": licence.replace("达州市公安局", "达州市民政局")}
    assert changed != kept
    refused = hand_in(person, changed)
    assert refused.status_code == 422 and "没有通过核验，不能采用" in refused.text
    assert "没有通过核验" not in hand_in(person, kept).text


def test_enter_hands_in_and_fetches_nothing(city, visit, provider, mother):
    page = visit(size="phone")
    page.goto(f"/sign-in?return={OWN}")
    page.get_by_role("link", name="演示身份认证").click()
    page.get_by_label(city.resident()["name"]).first.check()
    page.get_by_label("认证方式").select_option(label="实名并刷脸")
    page.get_by_role("button", name="同意并登录").click()
    before = city.sql("select count(*) from connector_call")
    page.locator('[name="applicant_phone"]').press("Enter")
    expect(page.locator(".error-summary, .error").first).to_be_visible()
    assert city.sql("select count(*) from connector_call") == before


def test_the_paper_of_another_is_not_fetched(mother):
    person = mother()
    refused = person.post(ITEM, {**APPLICATIONS["hukou_001"], "mother_resident_id": "511702199001010060", "_fill": "licence.mother_register"})
    assert refused.status_code == 422 and "只能调用您本人的电子证照" in refused.text


def test_without_a_face_it_is_not_offered_and_not_given(mother):
    person = mother("L2")
    page = person.post(ITEM, {**APPLICATIONS["hukou_001"], "_refresh": "mother_resident_id"}).text
    assert "刷脸登录后，可以直接调用本人的" in page and "调用电子证照</" not in page
    refused, _ = fetch(person)
    assert refused.status_code == 403 and "刷脸实名认证" in refused.text


def test_at_the_window_the_original_lies_on_the_desk(clients):
    desk = clients("fujing")
    assert "调用电子证照" not in desk.get(ITEM).text
    refused, _ = fetch(desk)
    assert refused.status_code == 422 and "核对原件" in refused.text
