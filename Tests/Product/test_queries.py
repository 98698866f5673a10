"""Queries of changes in the register, and reports: worked out, issued, printed, maintained."""

import io
import re

import docx
import pytest
from test_papers import squeezed, text

HOUSEHOLD_QUERIES = {"household_kind": "户别变更查询", "members": "户成员变动查询", "four": "四变查询"}


@pytest.fixture(scope="module")
def changed(city, clients):
    """Somebody of the station whose relation to the head was put right by hand; of the last household, since other tests
    take the first."""
    row = city.sql_of_persons(
        "select id, name from person where division_code like '511702001001%' and household_number is not null "
        "and relation_to_head in ('son', 'daughter') and deceased_on is null order by id desc limit 1")
    person, name = row.split("|")
    saved = clients("officer").send("PATCH", f"/api/r/person/{person}", {"relation_to_head": "in_law"})
    assert saved.status_code == 200, saved.text
    return {"person": person, "name": name}


def test_the_queries_of_changes_stand_in_the_menu_and_keep_their_conditions(clients, changed):
    officer = clients("huji")
    menu = officer.get("/").text
    for view, label in HOUSEHOLD_QUERIES.items():
        assert f'href="/r/household_change?view={view}"' in menu
        page = officer.get(f"/r/household_change?view={view}")
        assert f"<h1>{label}</h1>" in re.sub(r"<h1[^>]*>\s*", "<h1>", page.text).replace("\n", "") or label in page.text
    members = officer.get("/r/household_change?view=members").text
    assert changed["name"] in members and "与户主关系变动" in members
    # A query never shows more than it is for, whatever its address says besides.
    assert changed["name"] not in officer.get("/r/household_change?view=four").text
    assert changed["name"] not in officer.get("/r/household_change?view=four&kind=edit").text
    # Narrowing keeps the query, and clearing goes back to it.
    narrowed = officer.get("/r/household_change?view=members&membership=relation").text
    assert changed["name"] in narrowed and 'href="/r/household_change?view=members"' in narrowed
    assert changed["name"] not in officer.get("/r/household_change?view=members&membership=joined").text


def test_a_change_shows_both_sides_and_is_exported_within_the_scope(clients, changed):
    officer = clients("huji")
    found = re.search(r'href="/r/household_change/(\d+)"', officer.get("/r/household_change?view=members").text)
    page = officer.get(f"/r/household_change/{found.group(1)}").text
    assert "变动前" in page and "变动后" in page and "其他亲属" in page and "登记表修改" in page
    assert "/services/hukou_revert/apply?change=B" in page
    asked = officer.get("/r/household_change/export?view=members")
    assert asked.status_code == 200 and "导出户籍变动" in asked.text
    rows = officer.post(
        "/r/household_change/export",
        {"view": "members", "export.columns": ["number", "person_name", "membership"], "export.format": "csv",
         "export.purpose": "数据核对"})
    assert changed["name"] in rows.content.decode("utf-8-sig")
    assert clients("leader").get("/r/household_change").status_code == 403


def test_restoring_begins_with_the_change_and_refuses_what_is_none(clients, changed):
    officer = clients("huji")
    found = re.search(r"apply\?change=(B\d+)", officer.get(
        "/r/household_change/" + re.search(r'/r/household_change/(\d+)"', officer.get("/r/household_change?view=members").text).group(1)).text)
    form = officer.get(f"/services/hukou_revert/apply?change={found.group(1)}")
    assert form.status_code == 200 and f'value="{found.group(1)}"' in form.text


def test_a_report_is_worked_out_issued_and_printed_again(clients, city, tmp_path):
    county = clients("shenpi")
    listed = county.get("/r/business_report?view=business").text
    assert "派出所时段报表" in listed and "户口四变月报" not in listed
    report = city.sql("select id from business_report where name = 'hukou_county'")
    page = county.get(f"/reports/{report}?since=2026-01-01&until=2026-12-31").text
    assert "区县时段报表" in page and "期末户数" in page and "东城街道" in page
    assert "没有统计" in county.get(f"/reports/{report}?since=2026-12-31&until=2026-01-01").text
    issued = county.post(f"/reports/{report}/issue", {"since": "2026-01-01", "until": "2026-12-31"})
    assert issued.status_code == 303, issued.text
    record = county.get(issued.headers["Location"]).text
    number = re.search(r"BB\d{10}", record).group(0)
    link = re.search(r"/issued-reports/\d+/pdf", record).group(0)
    for _ in range(2):
        printed = county.get(link)
        assert printed.headers["Content-Type"] == "application/pdf"
        words = squeezed(text(printed.content))
        assert number in words and "区县时段报表" in words and "东城街道" in words and "合计" in words and "2026年" in words
    assert "2次" in squeezed(re.sub(r"<[^>]+>", "", county.get(issued.headers["Location"]).text))
    # The same for Word opens in another reader.
    files = [county.get(path) for path in sorted(set(re.findall(r'href="(/files/[^"]+)"', record)))]
    [word] = [file for file in files if "wordprocessingml" in file.headers["Content-Type"]]
    opened = docx.Document(io.BytesIO(word.content))
    assert opened.paragraphs[0].text == "区县时段报表" and opened.paragraphs[0].style.name.lower() == "heading 1"
    cells = [[cell.text for cell in row.cells] for row in opened.tables[0].rows]
    assert any("东城街道" in row[0] for row in cells) and cells[-1][0] == "合计" and "期末户数" in cells[0]
    assert any(number in paragraph.text for paragraph in opened.paragraphs)
    # An officer of another office neither sees nor prints it.
    assert clients("data").get(link).status_code in (403, 404)


def test_the_table_of_tail_numbers_is_a_report_like_the_others(clients, city):
    report = city.sql("select id from business_report where name = 'resident_number_tail'")
    page = clients("shenpi").get(f"/reports/{report}?since=2026-01-01").text
    assert "尾数表" in page and "最小尾数" in page


def test_an_administrator_maintains_reports(clients, city):
    administrator = clients("sysadmin")
    report = city.sql("select id from business_report where name = 'hukou_business'")
    definition = city.sql(f"select definition from business_report where id = {report}")
    wrong = administrator.post(f"/r/business_report/{report}/edit", {"definition": definition.replace("service_case", "service_cases")})
    assert wrong.status_code == 422 and "报表定义有误" in wrong.text and "service_cases" in wrong.text
    saved = administrator.post(f"/r/business_report/{report}/edit", {"definition": definition.replace("label: 受理\n", "label: 受理件数\n", 1)})
    assert saved.status_code == 303, saved.text
    assert "受理件数" in clients("shenpi").get(f"/reports/{report}").text


def test_the_committee_of_an_address_follows_from_its_road_and_number(clients, city):
    road, name, division = city.sql(
        "select id, name, left(division_code, 6) from road where division_code like '511702%' and name not like '%村%' order by id limit 1").split("|")
    community, label = city.sql(
        f"select code, name from division where level = 'community' and code like '{division}%' order by code limit 1").split("|")
    other = city.sql(f"select code from division where level = 'community' and code like '{division}%' and code <> '{community}' order by code limit 1")
    chief, station = clients("suozhang"), clients("tongchuan")
    made = chief.post("/r/road_community/new", {"road_id": road, "division_code": community, "number_from": "90001", "number_to": "90099", "parity": "odd", "active": "true"})
    if made.status_code == 403 or "/r/road_community" not in made.headers.get("Location", ""):
        pytest.fail(made.text[:2000])

    def enter(division_code, number):
        return station.send("POST", "/api/r/address", {"division_code": division_code, "road": name, "house_number": number})

    entered = enter(community[:9], "90001号")
    assert entered.status_code in (200, 201), entered.text
    got = station.json(f"/api/r/address/{entered.json()['id']}").json()
    assert got["division_code"] == community and got["community"] == label
    refused = enter(other, "90003号")
    assert refused.status_code == 422 and label in refused.text
    # Even numbers are nobody's by this line.
    assert enter(other, "90002号").status_code in (200, 201)
    # A road of the same name in another town is another road.
    elsewhere = city.sql(
        f"select code from division where level = 'community' and code like '{division}%' and left(code, 9) <> left('{community}', 9) order by code limit 1")
    assert elsewhere and enter(elsewhere, "90005号").status_code in (200, 201)


def test_knowledge_is_narrowed_to_a_business_class(clients):
    chief = clients("shenpi")
    for title, business in (("居住证办理口径", "residence_permit"), ("落户办理口径", "hukou")):
        saved = chief.post("/r/portal_knowledge/new", {"name": title, "kind": "norm", "business": business, "content": "口径", "published_on": "2026-11-18"})
        assert saved.status_code == 303, saved.text
    page = clients("huji").get("/r/portal_knowledge?business=residence_permit").text
    assert "居住证办理口径" in page and "落户办理口径" not in page


def test_instructions_that_are_not_implemented_stand_on_the_desktop(clients, city):
    county = clients("shenpi")
    unit = city.sql("select unit_id from app_user where account = 'huji'")
    made = county.post(
        "/r/portal_instruction/new",
        {"kind": "instruction", "name": "核查空挂户", "business": "hukou", "content": "月底前核查。", "issued_on": "2026-11-18",
         "sign_due_on": "2026-11-20", "feedback_due_on": "2026-11-28"})
    assert made.status_code == 303, made.text
    instruction = made.headers["Location"].rsplit("/", 1)[-1]
    receipt = county.post(
        "/r/portal_receipt/new", {"portal_instruction_id": instruction, "unit_id": unit, "sign_due_on": "2026-11-20", "feedback_due_on": "2026-11-28"})
    assert receipt.status_code == 303, receipt.text
    desktop = clients("huji").get("/").text
    assert "未落实指令" in desktop and 'href="/r/portal_receipt?state=open"' in desktop
