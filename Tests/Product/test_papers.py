"""Documents on paper: issued at the counter and by cases, printed, voided, and proved to strangers."""

import re
import secrets
import subprocess

import pytest
from clients import Client, Markup, resident_id
from pages import APPLICANT
from test_cases import picture

PROOF = {
    **APPLICANT, "relation": "self", "applicant_role": "self", "purpose": "办理公证", "copies": "1",
    "material.proof_application.way": "promised", "material.identity.kind": "resident_card", "material.identity.way": "held",
}


def text(pdf, *options):
    return subprocess.run(["pdftotext", "-layout", *options, "-", "-"], input=pdf, stdout=subprocess.PIPE, check=True).stdout.decode()


def squeezed(words):
    return re.sub(r"\s+", "", words)


def said(answer):
    found = re.search(r"<main.*?</main>", answer.text, re.S)
    return squeezed(Markup(found.group(0) if found else answer.text).text)


def scanned(pdf, folder):
    (folder / "sheet.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "250", "-png", "-f", "1", "-l", "1", "sheet.pdf", "sheet"], cwd=folder, check=True)
    [picture] = folder.glob("sheet*.png")
    return subprocess.run(["zbarimg", "--raw", "-q", picture], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def station(city):
    """Unit and division of the officers at the counter."""
    row = city.sql("select u.unit_id, n.division_code from app_user u join unit n on n.id = u.unit_id where account = 'huji'")
    return dict(zip(["unit", "division"], row.split("|")))


def test_who_applies_says_the_same_in_both_places(clients):
    person = {"party_sex": "female", "party_birth_date": "2019-05-04", "party_address": "达州市通川区荷叶街28号"}
    form = {**PROOF, **person, "relation": "child", "subject_name": "张小满"}
    answer = clients("huji").post("/services/hukou_proof_unregistered/apply", form)
    assert answer.status_code == 422
    asked = re.search(r'data-field="applicant_role".*?data-field=', answer.text, re.S)
    assert "两处都不选“本人”" in Markup(asked.group(0)).text, "the answer stands at the field"
    assert 'value="张小满"' in answer.text, "what was typed is still there"


@pytest.fixture(scope="module")
def household(city, clients, station):
    """A household of the register, with the people who carry its number."""
    row = city.sql_of_persons(
        "select household_number, count(*), min(address_id), min(division_code) from person "
        f"where division_code like '{station['division']}%' and household_number is not null and deceased_on is null "
        "group by household_number having count(*) between 2 and 5 and count(*) filter (where relation_to_head = 'head') = 1 "
        "order by 1 limit 1")
    number, count, address, division = row.split("|")
    head = city.sql_of_persons(
        f"select name from person where household_number = '{number}' and relation_to_head = 'head'")
    made = clients("huji").send("POST", "/api/r/household", {
        "number": number, "kind": "family", "head_name": head, "head_resident_id": "511702198811236614",
        "address_id": int(address), "division_code": division, "unit_id": int(station["unit"]), "established_on": "2015-06-01"})
    assert made.status_code == 201, made.text
    return {"id": made.json()["id"], "number": number, "head": head, "count": int(count)}


def issued(client, path, **values):
    """Issues a document, and fetches its file the way a browser does."""
    answer = client.post(path, {"purpose": "核对", **values})
    assert answer.status_code == 303, said(answer)
    file = client.get(answer.headers["Location"])
    assert file.status_code == 200 and file.headers["Content-Type"] == "application/pdf", file.text[:300]
    return answer.headers["Location"].split("/")[2], file.content


def code_of(city, document):
    return city.sql(f"select code from issued_document where id = {document}", '-c lifang.scope_issued_document={"all":true}')


@pytest.fixture(scope="module")
def proof(clients):
    """A kinship proof that the auxiliary accepts and prints at once."""
    values = {**PROOF, "relative_name": "刘建国", "kinship": "parent"}
    taken = clients("fujing").post("/services/hukou_proof_kinship/apply", values)
    assert taken.status_code == 303, said(taken)
    case = taken.headers["Location"]
    page = clients("fujing").get(case)
    [document] = set(re.findall(r"/issued/(\d+)/print", page.text))
    return {"case": case, "document": document, "page": said(page)}


class TestAtTheCounter:
    def test_a_household_register_has_a_page_for_everybody(self, city, clients, household, tmp_path):
        document, pdf = issued(clients("huji"), f"/papers/household_register/household/{household['id']}")
        pages = text(pdf).split("\f")[:-1]
        assert len(pages) == 2 + household["count"]
        assert household["head"] in pages[0] and household["number"] in pages[0]
        assert "居民户口簿" in squeezed(pages[0]) and "住址变动登记" in squeezed(pages[1])
        cards = [squeezed(page) for page in pages[2:]]
        assert all("常住人口登记卡" in card for card in cards)
        assert household["head"] in cards[0] and "户主或与户主关系户主" in cards[0]
        info = subprocess.run(["pdfinfo", "-"], input=pdf, stdout=subprocess.PIPE).stdout.decode()
        assert "405.354 x 297.638" in info  # 143 × 105 mm
        fonts = subprocess.run(["pdffonts", "-"], input=pdf, stdout=subprocess.PIPE).stdout.decode().splitlines()[2:]
        assert fonts and all(line.split()[-5] == "yes" for line in fonts), fonts
        assert scanned(pdf, tmp_path) == f"{city.base}/verify/{code_of(city, document)}"

    def test_a_preprinted_leaf_gets_the_values_alone(self, clients, household):
        document, _ = issued(clients("huji"), f"/papers/household_register/household/{household['id']}")
        again = clients("huji").post(f"/issued/{document}/print", {"way": "overlay", "reason": "套打在内页上"})
        values = squeezed(text(clients("huji").get(again.headers["Location"]).content))
        assert household["head"] in values and household["number"] in values
        assert "常住人口登记卡" not in values and "户主姓名" not in values

    def test_a_new_register_makes_the_old_one_void(self, city, clients, household):
        old, _ = issued(clients("huji"), f"/papers/household_register/household/{household['id']}")
        issued(clients("huji"), f"/papers/household_register/household/{household['id']}")
        assert "已作废" in said(Client(city.base).get(f"/verify/{code_of(city, old)}"))
        refused = clients("huji").post(f"/issued/{old}/print", {"reason": "再打一份"})
        assert refused.status_code == 409 and "已作废" in said(refused)

    def test_the_register_is_asked_for_from_a_member_too(self, city, clients, household):
        person = city.sql_of_persons(f"select id from person where household_number = '{household['number']}' order by id desc limit 1")
        page = clients("huji").get(f"/r/person/{person}").text
        assert f"/papers/household_register/person/{person}" in page
        _, pdf = issued(clients("huji"), f"/papers/household_register/person/{person}")
        assert household["head"] in text(pdf)

    def test_a_purpose_is_due_and_audited(self, city, clients, station):
        person = city.sql_of_persons(
            f"select id from person where division_code like '{station['division']}%' and residency = 'registered' "
            "and deceased_on is null order by id limit 1")
        path = f"/papers/registration_form/person/{person}"
        empty = clients("huji").post(path, {"purpose": " "})
        assert empty.status_code == 400 and "还没有填写用途" in said(empty)
        purpose = f"归档 {secrets.token_hex(4)}"
        _, pdf = issued(clients("huji"), path, purpose=purpose)
        assert "常住人口登记表" in squeezed(text(pdf)) and purpose in text(pdf)
        audited = city.sql(f"select count(*) from audit_entry where purpose like '%{purpose}' and record_id = {person} and entity = 'person'")
        assert int(audited) > 0

    def test_who_may_not_print_is_told_who_can_grant_it(self, city, clients, household):
        path = f"/papers/household_register/household/{household['id']}"
        for account in ["fujing", "clerk", "resident"]:
            assert clients(account).post(path, {"purpose": "看看"}).status_code == 403
        assert Client(city.base).get(path).headers["Location"].startswith("/sign-in")
        assert clients("huji").get(f"/papers/nothing/household/{household['id']}").status_code == 404
        assert clients("huji").get(f"/papers/proof_change/hukou_proof/{household['id']}").status_code == 403


class TestOfACase:
    def test_an_auxiliary_prints_a_proof_directly(self, city, clients, proof, tmp_path):
        assert "亲属关系证明" in proof["page"] and "有效" in proof["page"]
        answer = clients("fujing").post(f"/issued/{proof['document']}/print", {})
        pdf = clients("fujing").get(answer.headers["Location"]).content
        words = squeezed(text(pdf))
        for part in ["亲属关系证明", "刘芳", "511702199603071223", "刘建国", "特此证明", "户证〔"]:
            assert part in words, words
        assert scanned(pdf, tmp_path) == f"{city.base}/verify/{code_of(city, proof['document'])}"
        again = clients("fujing").post(f"/issued/{proof['document']}/print", {"reason": "卡纸"})
        assert again.status_code == 403

    def test_the_form_of_a_case_is_printed_as_it_stands_on_the_page(self, clients, proof):
        answer = clients("fujing").get(f"{proof['case']}/form.pdf")
        assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/pdf"
        words = squeezed(text(answer.content))
        for part in ["申请表", "受理编号", "申请材料（2项）", "申请书", "申请人签名", "办理公证"]:
            assert part in words, words

    def test_the_applicant_downloads_and_nobody_else(self, city, clients):
        taken = clients("resident").post("/services/hukou_proof_hukou/apply", {**PROOF, "content": "户口未有变动"})
        assert taken.status_code == 303, said(taken)
        case = taken.headers["Location"]
        for _ in range(4):
            for account in ["fujing", "huji"]:
                tasks = [task for task in clients(account).json(case).json().get("tasks", []) if task["mine"]]
                for task in tasks:
                    clients(account).post(f"{case}/tasks/{task['task']}", {"review": "passed", "receipt": "matched"})
        page = clients("resident").get(case)
        [paper] = set(re.findall(rf"{case}/papers/(\d+)", page.text))
        answer = clients("resident").get(f"{case}/papers/{paper}")
        assert answer.status_code == 200 and "户籍证明" in squeezed(text(answer.content))
        assert clients("clerk").get(f"{case}/papers/{paper}").status_code == 404
        assert clients("huji").get(f"{case}/papers/{paper}").status_code == 404

    def test_a_stranger_learns_what_is_true_and_no_more(self, city, proof):
        code = code_of(city, proof["document"])
        stranger = Client(city.base)
        page = said(stranger.get(f"/verify/{code}"))
        assert "真实有效" in page and "刘*" in page
        assert "刘芳" not in page and "511702199603071223" not in page
        assert "查不到" in said(stranger.get(f"/verify/{code[:-1]}A" if code[-1] != "A" else f"/verify/{code[:-1]}B"))
        assert stranger.get(f"/verify?code={code[:4]}%20{code[4:]}").headers["Location"] == f"/verify/{code}"
        assert stranger.json(f"/verify/{code}").json()["verdict"] == "authentic"
        answers = [stranger.get(f"/verify/{secrets.token_hex(10).upper()}").status_code for _ in range(30)]
        assert answers[0] == 404 and answers[-1] == 429

    def test_openssl_and_the_page_check_a_file(self, city, clients, proof, tmp_path):
        code = code_of(city, proof["document"])
        answer = clients("huji").post(f"/issued/{proof['document']}/print", {"reason": "核对签名"})
        (tmp_path / "proof.pdf").write_bytes(clients("huji").get(answer.headers["Location"]).content)
        stranger = Client(city.base)
        (tmp_path / "signature.der").write_bytes(stranger.get(f"/verify/{code}/signature").content)
        (tmp_path / "key.pem").write_bytes(stranger.get(f"/verify/{code}/key").content)
        command = ["openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678", "-verify", "key.pem", "-signature", "signature.der", "proof.pdf"]
        assert subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True).stdout == "Verified OK\n"
        pdf = (tmp_path / "proof.pdf").read_bytes()
        same = stranger.post(f"/verify/{code}", {}, files={"file": ("证明.pdf", pdf, "application/pdf")})
        assert "文件一致" in said(same)
        other = stranger.post(f"/verify/{code}", {}, files={"file": ("证明.pdf", pdf + b"\n", "application/pdf")})
        assert "文件不一致" in said(other)

    def test_voiding_needs_the_right_and_shows_at_once(self, city, clients, proof):
        path = f"/r/issued_document/{proof['document']}/do/void"
        assert clients("fujing").post(path, {"void_reason": "打错"}).status_code == 403
        assert clients("huji").post(path, {"void_reason": "姓名打错"}).status_code == 303
        page = said(Client(city.base).get(f"/verify/{code_of(city, proof['document'])}"))
        assert "已作废" in page and "真实有效" not in page
        assert "姓名打错" in said(clients("fujing").get(proof["case"]))


def test_the_number_of_a_person_leads_to_what_was_applied_for_and_issued(city, clients, station, proof):
    """C-223: everything that bears the number, within the rights of who looks, and the number in no address."""
    number = APPLICANT["applicant_document"]
    known = clients("huji").json(f"/api/r/person?resident_id={number}").json()["items"]
    if known:
        who = known[0]["id"]
    else:
        made = clients("station").send("POST", "/api/r/person", {
            "name": APPLICANT["applicant_name"], "document_kind": "resident_id", "resident_id": number,
            "sex": "male" if int(number[16]) % 2 else "female", "birth_date": f"{number[6:10]}-{number[10:12]}-{number[12:14]}",
            "residency": "registered", "division_code": "511702001001"})
        assert made.status_code == 201, made.text
        who = made.json()["id"]
    page = clients("huji").get(f"/r/person/{who}")
    shown = Markup(page.text)
    assert "此人申请的办件" in shown.text and "证照" in shown.text
    assert any(link.startswith("/r/service_case/") for link in shown.links)
    assert f"/r/issued_document/{proof['document']}" in shown.links
    assert not any(number in link for link in shown.links)
    # Whoever may see people and no cases is not led to any.
    other = Markup(clients("station").get(f"/r/person/{who}").text)
    assert "此人申请的办件" not in other.text and number not in other.text


def test_a_member_leads_to_the_household_and_its_other_members(city, clients, household):
    """C-462: also whoever sees the number of the household masked."""
    members = city.sql_of_persons(
        f"select id, name from person where household_number = '{household['number']}' order by id").splitlines()
    (who, name), (_, other) = (line.split("|") for line in members[:2])
    page = clients("huji").get(f"/r/person/{who}")
    shown = Markup(page.text)
    assert "户信息" in shown.text and f"/r/household/{household['id']}" in shown.links
    table = page.text[page.text.index("同户人员"):]
    assert other in table and f"/r/person/{who}\"" not in table[:table.index("</table>")]
    assert [link for link in shown.links if f"number={household['number']}" in link] == []
    home = Markup(clients("huji").get(f"/r/household/{household['id']}").text)
    assert "户内人员" in home.text and f"/r/person/{who}" in home.links


@pytest.fixture(scope="module")
def registrar(newcomer, station):
    """An officer who enters people at the station of the counter."""
    return newcomer("station_officer", unit=int(station["unit"]), clearance="secret")


def member(client, household, number, station, name, **options):
    document = resident_id(station["division"][:6], "19900307", number)
    answer = client.post("/r/person/new", {
        "name": name, "document_kind": "resident_id", "resident_id": document, "birth_date": "1990-03-07",
        "sex": "male" if int(document[16]) % 2 else "female", "residency": "permanent",
        "division_code": f"{station['division']}001", "household_number": household}, **options)
    assert answer.status_code == 303, said(answer)
    return answer.headers["Location"].split("/")[-1]


def test_photographs_of_a_household_are_opened_for_one_purpose_and_told_to_each_of_them(city, clients, registrar, household, station):
    """C-462: the photograph is masked for everybody until somebody says what for."""
    who = member(registrar, household["number"], 701, station, "汪有照", files={"photo": ("照片.png", picture(3), "image/png")})
    huji, card = clients("huji"), "person.household_number.number"
    path = f"/r/household/{household['id']}/related/{card}"
    shown = huji.get(f"/r/household/{household['id']}")
    assert "汪有照" in shown.text and 'class="photo"' not in shown.text and f"{path}/reveal" in Markup(shown.text).links
    count = ("select count(*) from audit_entry where action = 'person.reveal' and purpose = '数据核对：核对户内照片' "
             "and record_id in (select id from person where household_number = '{}')").format(household["number"])
    refused = huji.post(f"{path}/reveal", {"purpose": ""})
    assert refused.status_code == 422 and city.sql_of_persons(count) == "0"
    opened = huji.post(f"{path}/reveal", {"purpose": "数据核对", "note": "核对户内照片"})
    assert opened.status_code == 200
    source = re.search(r'<img class="photo" src="(/files/[^"]+)"', opened.text).group(1)
    members = city.sql_of_persons(f"select count(*) from person where household_number = '{household['number']}'")
    assert city.sql_of_persons(count) == members and int(members) > 1
    small = huji.get(source)
    assert small.status_code == 200 and small.headers["Content-Type"] == "image/jpeg" and small.content[:2] == b"\xff\xd8"
    whole = huji.get(source.replace("thumb", "page"))
    assert whole.headers["Content-Disposition"] == "inline" and whole.headers["Content-Type"] == "image/jpeg"
    assert huji.get(source.split("?")[0]).headers["Content-Disposition"].startswith("attachment")
    # Who may not reveal is offered nothing and gets nothing.
    aux = clients("fujing")
    assert f"{path}/reveal" not in aux.get(f"/r/household/{household['id']}").text
    assert aux.post(f"{path}/reveal", {"purpose": "数据核对"}).status_code == 403
    # From the page of another member, too; where nobody has a photograph there is nothing to open.
    other = city.sql_of_persons(f"select min(id) from person where household_number = '{household['number']}' and id <> {who}")
    for one, is_offered in [(other, True), (who, False)]:
        way = f"/r/person/{one}/related/person.household_number.household_number/reveal"
        assert (way in huji.get(f"/r/person/{one}").text) == is_offered


def test_everybody_of_a_large_household_can_be_reached_and_its_number_stands_in_no_address(clients, registrar, station):
    number = f"5117020099{secrets.randbelow(90000) + 10000}"
    made = clients("huji").send("POST", "/api/r/household", {
        "number": number, "kind": "collective", "head_name": "人才中心集体户", "division_code": f"{station['division']}001",
        "unit_id": int(station["unit"]), "address_text": "朝阳中路128号"})
    assert made.status_code == 201, made.text
    home = made.json()["id"]
    people = [member(registrar, number, 800 + index, station, f"集体{index}") for index in range(60)]
    huji = clients("huji")
    card = Markup(huji.get(f"/r/household/{home}").text)
    path = f"/r/household/{home}/related/person.household_number.number"
    assert path in card.links and "60" in card.text
    seen = []
    for page, rows in [("", 50), ("?page=2", 10)]:
        answer = huji.get(path + page)
        assert answer.status_code == 200
        found = Markup(answer.text)
        listed = {link.split("/")[-1] for link in found.links if re.fullmatch(r"/r/person/\d+", link)}
        assert len(listed) == rows
        assert not any(number in link for link in found.links)
        seen += listed
    assert sorted(seen) == sorted(people)
    assert huji.get(path + "?page=3").status_code == 200
    assert huji.get(f"/r/household/{home}/related/person.household_number.nothing").status_code == 404
    # Somebody's own page counts the others, wherever they stand among them.
    for one in (people[0], people[-1]):
        assert re.search(r"同户人员\s*<span class=\"card-count\">59<", huji.get(f"/r/person/{one}").text)
    assert clients("grid").get(path).status_code in (403, 404)

