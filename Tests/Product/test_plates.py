"""Codes and QR codes of door plates: who may have a signed one, how a false one is met, how anybody checks one off line."""

import pathlib
import random
import subprocess
import zipfile

import pytest
from playwright.sync_api import expect
from pages import review_plate, reviewers_task


ROOT = pathlib.Path(__file__).resolve().parents[2]


def decode(png, path):
    path.write_bytes(png)
    return subprocess.run(["zbarimg", "-q", "--raw", path], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def changed(text):
    """The text with its last figure replaced by another."""
    return text[:-1] + ("1" if text[-1] != "1" else "2")


@pytest.fixture
def code(city):
    return city.sql("select code from address where kind = 'roadside' order by id limit 1")


@pytest.fixture
def signed(city, visit, code, tmp_path):
    """What the QR code of a plate says, read by a stock scanner from the picture that staff download."""
    page = visit("station")
    answer = page.request.get(f"/d/{code}/qr.png?scale=5")
    assert answer.status == 200
    return decode(answer.body(), tmp_path / "plate.png")


def test_only_staff_are_given_a_signed_code(city, visit, code, signed, tmp_path):
    assert signed.startswith(f"{city.base}/d/{code}?s=") and len(signed) == len(f"{city.base}/d/{code}?s=") + 160
    stranger = visit(None, "phone").request.get(f"/d/{code}/qr.png")
    assert decode(stranger.body(), tmp_path / "plain.png") == f"{city.base}/d/{code}"


def test_a_genuine_plate_says_so_and_a_changed_one_is_entered_for_officers(city, visit, code, signed):
    page = visit(None, "phone")
    for _ in range(2):  # the second is answered from memory
        page.goto(signed.removeprefix(city.base))
        expect(page.get_by_role("main")).to_contain_text("门牌签名有效")
    for _ in range(2):
        page.goto(changed(signed).removeprefix(city.base))
        expect(page.get_by_role("main")).to_contain_text("这块门牌可能是伪造的")
        expect(page.get_by_role("main")).not_to_contain_text("门牌签名有效")
    page.goto(f"/d/{code}")
    expect(page.get_by_role("main")).not_to_contain_text("可能是伪造的")
    assert city.sql(f"select reason || ' ' || scans || ' ' || (address_id is not null) from plate_suspicion where code = '{code}'") == "forged 2 true"
    data = visit("data")
    data.goto(f"/r/plate_suspicion?q={code}")
    expect(data.get_by_role("main")).to_contain_text("签名不符")


def test_a_code_that_was_never_given_is_refused_and_one_taken_back_never_comes_again(city, visit, clients, code):
    page = visit(None, "phone")
    made_up = page.goto(f"/d/9999990010000000019?s={'0' * 160}")
    assert made_up.status == 404
    expect(page.get_by_role("main")).to_contain_text("可能是伪造的")
    row = city.sql(f"select division_code || '|' || coalesce(town, '') from address where code = '{code}'").split("|")
    station = clients("station")
    made = station.send("POST", "/api/r/address", {"division_code": row[0], "road": "验码路", "house_number": "1号"})
    assert made.status_code == 201, made.text
    fresh, address = made.json()["code"], made.json()["id"]
    city.sql(f"delete from address where id = {address}")
    gone = page.goto(f"/d/{fresh}?s={'0' * 160}")
    assert gone.status == 410
    expect(page.get_by_role("main")).to_contain_text("编码不再使用")
    assert city.sql(f"select count(*) from address_code_ledger where code = '{fresh}'") == "1"
    refused = subprocess.run(
        ["psql", "-XAtq", "-d", city.conninfo, "-c", f"delete from address_code_ledger where code = '{fresh}'"], stderr=subprocess.PIPE, text=True)
    assert refused.returncode != 0 and "never changed" in refused.stderr
    copied = subprocess.run(
        ["psql", "-XAtq", "-d", city.conninfo, "-c", f"update address set code = '{fresh}' where code = '{code}'"], stderr=subprocess.PIPE, text=True)
    assert copied.returncode != 0 and "keeps its code" in copied.stderr
    again = station.send("POST", "/api/r/address", {"division_code": row[0], "road": "验码路", "house_number": "1号"})
    assert again.status_code == 201 and again.json()["code"] != fresh


def test_the_page_checks_a_plate_without_network(city, visit, signed):
    page = visit(None, "phone")
    page.goto("/plates/verify")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    try:
        for text, said in [(signed, "签名有效"), (changed(signed), "签名无效"), (signed[:-10], "离线不能核验")]:
            page.get_by_label("二维码内容").fill(text)
            page.get_by_role("button", name="核验").click()
            expect(page.locator("[data-plate-verdict]")).to_contain_text(said)
    finally:
        page.context.set_offline(False)


def test_anybody_checks_a_plate_with_the_command_and_with_stock_openssl(city, visit, signed, tmp_path, executable_path):
    key = tmp_path / "key.pem"
    key.write_bytes(visit(None).request.get("/plates/key").body())
    assert city.run("plate", "key") == key.read_text()

    def check(text):
        return subprocess.run([executable_path, "plate", "verify", text, "--key", key], stdout=subprocess.PIPE, text=True)

    assert check(signed).returncode == 0 and "签名有效" in check(signed).stdout
    assert check(changed(signed)).returncode == 1 and "签名无效" in check(changed(signed)).stdout
    figures, text = signed[-160:], signed[:-160]
    raw = b"".join(int(figures[i:i + 5]).to_bytes(2, "big") for i in range(0, 160, 5))
    der = bytearray()
    for part in (raw[:32], raw[32:]):
        number = part.lstrip(b"\0")
        number = (b"\0" if number[0] & 0x80 else b"") + number
        der += bytes([2, len(number)]) + number
    (tmp_path / "signature").write_bytes(bytes([0x30, len(der)]) + der)
    (tmp_path / "text").write_text(text)
    subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-digest", "sm3", "-in", tmp_path / "text",
         "-sigfile", tmp_path / "signature", "-pkeyopt", "distid:1234567812345678"], check=True, stdout=subprocess.PIPE)


def test_a_rule_is_tried_before_it_is_kept(clients):
    def make(register, **values):
        return clients("data").send("POST", f"/api/r/{register}", values)

    assert make("qr_rule", name="错", pattern="{origin}/x", proof="none").status_code == 400
    assert make("qr_rule", name="错", pattern="{origin}/d/{code}?s={proof}#a", proof="sm2").status_code == 400
    assert make("qr_rule", name="错", pattern="{origin}/d/{code}", proof="sm2").status_code == 400
    assert make("address_code_rule", name="错", pattern="{seq:3}").status_code == 400
    good = make("address_code_rule", name="省厅样式", pattern="{division:6}{seq:10}{check}")
    assert good.status_code == 201 and good.json()["example"].startswith("5117020000000001") and len(good.json()["example"]) == 17
    assert clients("station").get("/r/qr_rule").status_code == 403


# MARK: what is printed

def finders(x, y, side):
    return x < 8 and y < 8 or x >= side - 8 and y < 8 or x < 8 and y >= side - 8


def torn(picture, width, left, top, pixels, side, seed):
    """Paints a quarter of the symbol over, one patch that begins at the corner without a finder pattern, as a torn or
    painted-over edge does; its proportions and colour by seed. More than that no level of QR codes promises: H repairs
    30 in a hundred code words, and a patch spoils those at its border too."""
    chance = random.Random(seed)
    area = side * side // 4
    across = chance.randint(int(area ** .5 * .75), int(area ** .5 * 1.3))
    down = -(-area // across)
    assert not any(finders(x, y, side) for x in (side - across, side - 1) for y in (side - down, side - 1))
    colour = chance.choice(b"\x00\xff")
    for y in range(round(top + (side - down) * pixels), round(top + side * pixels)):
        start = round(left + (side - across) * pixels)
        for x in range(start, round(left + side * pixels)):
            picture[y * width + x] = colour


@pytest.mark.parametrize("design", ["large", "medium", "small", "building", "unit", "room"])
def test_every_plate_is_read_at_200_dpi_with_a_quarter_of_its_code_gone(city, design, tmp_path):
    import yaml
    import zxingcpp

    city.run("plate", "proof", str(tmp_path / "proof.pdf"), "--design", design, "--count", "1")
    subprocess.run(["pdftoppm", "-r", "200", "-gray", tmp_path / "proof.pdf", tmp_path / "proof"], check=True)
    data = next(tmp_path.glob("proof*.pgm")).read_bytes()
    _, size, _, pixels = data.split(b"\n", 3)
    width, height = map(int, size.split())
    declared = yaml.safe_load((ROOT / f"Resources/doorplates/plates/{design}.yaml").read_text())
    x, y, side = next(element["qr"] for element in declared["elements"] if "qr" in element)
    dot = 200 / 25.4
    wanted = "https://menpai.example.gov.cn/d/9999990010000000000?s=" + "0918273645" * 16
    modules = 57
    module = side * dot / (modules + 8)
    read = {"zbar": 0, "zxing": 0}
    trials = 8
    for seed in range(-1, trials):
        picture = bytearray(pixels)
        if seed >= 0:
            torn(picture, width, (x + declared["bleed"]) * dot + 4 * module, (y + declared["bleed"]) * dot + 4 * module, module, modules, seed)
        file = tmp_path / f"{seed}.pgm"
        file.write_bytes(b"P5\n%d %d\n255\n" % (width, height) + picture)
        zbar = subprocess.run(["zbarimg", "-q", "--raw", file], stdout=subprocess.PIPE, text=True).stdout.strip()
        zxing = [found.text for found in zxingcpp.read_barcodes(memoryview(bytes(picture)).cast("B", (height, width)))]
        if seed < 0:
            assert zbar == wanted and zxing == [wanted]
        read["zbar"] += seed >= 0 and zbar == wanted
        read["zxing"] += seed >= 0 and zxing == [wanted]
    # One of the eight shapes spoils more code words of one block than its 14 repairs.
    assert min(read.values()) >= trials - 1, read


def test_staff_see_and_download_the_plate_of_an_address(city, visit, code, tmp_path):
    page = visit("station")
    page.goto(f"/plates/artwork/{code}?design=small")
    expect(page.get_by_role("heading", level=1)).to_contain_text("小门牌")
    assert page.locator(".plate-picture").evaluate("picture => picture.complete && picture.naturalWidth > 0")
    page.get_by_role("link", name="大门牌").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("大门牌")
    answer = page.request.get(f"/plates/artwork/{code}/small/plate.pdf?cut=1")
    assert answer.status == 200 and answer.body().startswith(b"%PDF-1.4")
    (tmp_path / "plate.pdf").write_bytes(answer.body())
    subprocess.run(["pdftoppm", "-r", "200", "-png", tmp_path / "plate.pdf", tmp_path / "plate"], check=True)
    text = decode(next(tmp_path.glob("plate*.png")).read_bytes(), tmp_path / "read.png")
    assert text.startswith(f"{city.base}/d/{code}?s=")
    stranger = visit(None)
    stranger.goto(text.removeprefix(city.base))
    expect(stranger.get_by_role("main")).to_contain_text("门牌签名有效")
    turned_away = stranger.request.get(f"/plates/artwork/{code}/small/plate.svg", max_redirects=0)
    assert turned_away.status == 303 and "/sign-in" in turned_away.headers["location"]


def test_all_designs_are_shown_with_a_picture(visit):
    for size in ("desktop", "phone"):
        page = visit("station", size)
        page.goto("/plates/designs")
        pictures = page.locator(".plate-picture")
        expect(pictures).to_have_count(6)
        page.wait_for_load_state("networkidle")
        assert pictures.evaluate_all("all => all.every(picture => picture.complete && picture.naturalWidth > 0)")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# MARK: from the application to the scrap heap

@pytest.fixture(scope="module")
def maker(city, clients, newcomer):
    """Somebody of a company that makes plates, signed in; `record` is the company's."""
    unit = clients("sysadmin").send("POST", "/api/r/unit", {"code": "ZP001", "name": "达州标牌厂", "kind": "enterprise"})
    assert unit.status_code == 201, unit.text
    made = clients("data").send("POST", "/api/r/plate_maker", {"name": "达州标牌厂", "unit_id": unit.json()["id"]})
    assert made.status_code == 201, made.text
    client = newcomer("plate_maker", unit.json()["id"])
    client.record = made.json()["id"]
    return client


def act(client, action, plate, **asked):
    return client.post(f"/r/door_plate/{plate}/do/{action}", asked)


def state(city, plate):
    return city.sql(f"select state from door_plate where id = {plate}")


def test_a_plate_goes_from_application_to_installation_and_scrap(city, clients, maker, tmp_path, executable_path):
    station, office, chief = clients("station"), clients("tongchuan"), clients("menpai")
    division = city.sql("select u.division_code from app_user a join unit u on u.id = a.unit_id where a.account = 'station'")
    addresses = city.sql(
        f"select id from address where status = 'confirmed' and plate_status = 'none' and starts_with(division_code, '{division}') "
        "order by id limit 3").split()
    assert len(addresses) == 3
    pending = city.sql(f"select id from address where status = 'pending' and starts_with(division_code, '{division}') limit 1")
    if pending:
        assert station.send("POST", "/api/r/door_plate", {"address_id": int(pending)}).status_code == 422
    applied = station.post("/r/address/batch", {"action": "apply_plate", "id": addresses})
    assert applied.status_code == 303
    plates = [city.sql(f"select id from door_plate where address_id = {address}") for address in addresses]
    assert [state(city, plate) for plate in plates] == ["pending"] * 3
    assert station.send("POST", "/api/r/door_plate", {"address_id": int(addresses[0])}).status_code == 409
    assert city.sql(f"select count(distinct application_id) from door_plate where id in ({','.join(plates)})") == "1"
    assert act(station, "approve", plates[0]).status_code == 403
    assert act(office, "approve", plates[0]).status_code == 409, "only the process decides"
    assert act(office, "refuse", plates[1], review_note="照片不清").status_code == 403, "nobody asked the sub-bureau"
    assert act(station, "withdraw", plates[2]).status_code == 303
    assert city.sql(f"select plate_status from address where id = {addresses[2]}") == "none"
    assert act(chief, "refuse", plates[1]).status_code in (400, 422)
    assert act(chief, "refuse", plates[1], review_note="照片不清").status_code == 303
    case, _ = reviewers_task(chief, plates[0], city)
    page = chief.get(f"/cases/{case}")
    assert page.status_code == 200 and "这次申领的门牌" in page.text and "评价" not in page.text
    assert review_plate(chief, plates[0], city).status_code == 303
    assert [state(city, plate) for plate in plates] == ["approved", "refused", "withdrawn"]
    plate = plates[0]
    assert city.sql(f"select plate_status from address where id = {addresses[0]}") == "approved"
    assert act(office, "making", plate).status_code in (403, 409)

    packed = office.post("/plates/pack", {"maker": maker.record})
    assert packed.status_code == 303, packed.text
    batch = packed.headers["Location"].rsplit("/", 1)[1]
    assert maker.json("/api/r/door_plate").json()["count"] == int(city.sql(f"select count(*) from door_plate where batch_id = {batch}"))
    assert maker.get(f"/r/address/{addresses[0]}").status_code in (403, 404)
    answer = maker.get(f"/plates/batches/{batch}/package.zip")
    assert answer.status_code == 200, answer.text[:300]
    file = tmp_path / "package.zip"
    file.write_bytes(answer.content)
    key = tmp_path / "key.pem"
    key.write_text(city.run("plate", "key"))
    checked = subprocess.run([executable_path, "plate", "batch", "verify", file, "--key", key], stdout=subprocess.PIPE, text=True)
    assert checked.returncode == 0 and "完好" in checked.stdout
    with zipfile.ZipFile(file) as package:
        names = package.namelist()
        assert "门牌清单.xlsx" in names and any(name.startswith("print/") for name in names)
        everything = b"".join(package.read(name) for name in names if name.endswith((".svg", ".json", ".txt")))
    for name in city.sql_of_persons(f"select name from person where address_id = {addresses[0]}").splitlines():
        assert name.encode() not in everything

    assert act(maker, "making", plate).status_code == 303
    assert act(maker, "install", plate).status_code == 403
    assert act(maker, "made", plate).status_code == 303
    assert act(station, "install", plate).status_code == 303
    assert city.sql(f"select plate_status from address where id = {addresses[0]}") == "installed"
    assert act(station, "damage", plate, damage_note="被车撞").status_code == 303
    again = station.post("/r/address/batch", {"action": "apply_plate", "id": [addresses[0]]})
    assert again.status_code == 303
    assert city.sql(f"select purpose from door_plate where address_id = {addresses[0]} and state = 'pending'") == "replace"
    assert act(station, "scrap", plate, scrap_reason="已更换").status_code == 303
    assert act(office, "scrap_refuse", plate, review_note="先拆除").status_code == 303
    assert state(city, plate) == "damaged"
    assert act(station, "scrap", plate, scrap_reason="已拆除").status_code == 303
    assert act(office, "scrap_approve", plate).status_code == 303
    assert state(city, plate) == "scrapped"
    history = city.sql(f"select string_agg(state, ' ' order by valid_from) from door_plate_history where id = {plate}").split()
    assert [s for s, before in zip(history, [None] + history) if s != before] == [
        "pending", "approved", "making", "made", "installed", "damaged", "scrapping", "damaged", "scrapping"]
    assert act(office, "approve", plate).status_code == 409
    assert station.send("DELETE", f"/api/r/door_plate/{plate}").status_code in (403, 409)


def ready(city, clients, maker, count):
    """Plates that were approved and handed to the maker: their numbers."""
    division = city.sql("select u.division_code from app_user a join unit u on u.id = a.unit_id where a.account = 'station'")
    addresses = city.sql(
        f"select id from address where status = 'confirmed' and plate_status = 'none' and starts_with(division_code, '{division}') "
        f"order by id desc limit {count}").split()
    assert clients("station").post("/r/address/batch", {"action": "apply_plate", "id": addresses}).status_code == 303
    plates = city.sql(f"select id from door_plate where address_id in ({','.join(addresses)}) and state = 'pending'").split()
    assert review_plate(clients("menpai"), plates[0], city).status_code == 303
    assert clients("tongchuan").post("/plates/pack", {"maker": maker.record}).status_code == 303
    return city.sql(f"select number from door_plate where id in ({','.join(plates)}) and batch_id is not null order by number").split()


def test_a_maker_reports_many_plates_by_call_and_a_station_mounts_them_by_table(city, clients, maker):
    numbers = ready(city, clients, maker, 3)
    assert len(numbers) == 3
    report = maker.send("POST", "/api/plates/reports", {"items": [{"number": number, "state": "making"} for number in numbers] + [{"number": "MP0", "state": "making"}]})
    assert report.status_code == 200 and report.json()["done"] == 3
    assert [item["outcome"] for item in report.json()["items"]] == ["done"] * 3 + ["refused"]
    assert maker.send("POST", "/api/plates/reports", {"items": [{"number": numbers[0], "state": "scrapped"}]}).status_code == 400
    silent = maker.send("POST", "/api/plates/reports", {"items": [{"number": numbers[2], "state": "abnormal"}]}).json()["items"][0]
    assert silent["outcome"] == "refused" and "原因" in silent["message"]
    said = maker.send("POST", "/api/plates/reports", {"items": [{"number": numbers[2], "state": "abnormal", "note": "铝板缺料"}, {"number": numbers[0], "state": "made"}, {"number": numbers[1], "state": "made"}]})
    assert said.json()["done"] == 3
    others = clients("grid").send("POST", "/api/plates/reports", {"items": [{"number": numbers[0], "state": "install"}]})
    assert others.json()["done"] == 0
    station = clients("station")
    table = "门牌编号,备注\n" + "".join(f"{number},\n" for number in numbers)
    page = station.http.post(
        city.base + "/plates/reports", data={"state": "install", "_csrf": station.token()}, files={"file": ("安装.csv", table.encode())})
    assert page.status_code == 200 and "办理 2 块，未办理 1 块" in page.text and numbers[2] in page.text
    assert city.sql(f"select string_agg(state, ' ' order by number) from door_plate where number in ('{numbers[0]}', '{numbers[1]}', '{numbers[2]}')") == "installed installed abnormal"
    wrong = station.http.post(
        city.base + "/plates/reports", data={"state": "install", "_csrf": station.token()}, files={"file": ("安装.csv", "甲,乙\n1,2\n".encode())})
    assert wrong.status_code == 422 and "没有“门牌编号”" in wrong.text


def free(city, count):
    division = city.sql("select u.division_code from app_user a join unit u on u.id = a.unit_id where a.account = 'station'")
    return city.sql(
        f"select id from address where status = 'confirmed' and plate_status = 'none' and starts_with(division_code, '{division}') "
        f"order by id limit {count}").split()


def applied(city, clients, addresses):
    assert clients("station").post("/r/address/batch", {"action": "apply_plate", "id": addresses}).status_code == 303
    return city.sql(f"select id from door_plate where address_id in ({','.join(addresses)}) and state = 'pending' order by id").split()


def test_an_application_is_returned_withdrawn_and_refused_as_a_case(city, clients):
    chief, station = clients("menpai"), clients("station")
    plates = applied(city, clients, free(city, 2))
    assert review_plate(chief, plates[0], city, "supplement").status_code in (400, 422), "a return says why"
    assert review_plate(chief, plates[0], city, "supplement", "第二块的楼栋号请核实").status_code == 303
    case, task = reviewers_task(station, plates[0], city)
    assert task is not None and state(city, plates[0]) == "pending"
    assert act(station, "withdraw", plates[1]).status_code == 303
    sent = station.post(f"/cases/{case}/tasks/{task}", {"note": "已撤回第二块", "opinion": "已核实"})
    assert sent.status_code == 303, sent.text[:500]
    assert review_plate(chief, plates[0], city, "refused", "这条路正在改造").status_code == 303
    assert [state(city, plate) for plate in plates] == ["refused", "withdrawn"]
    assert city.sql(f"select review_note from door_plate where id = {plates[0]}") == "这条路正在改造"
    again = applied(city, clients, free(city, 2))
    case, _ = reviewers_task(chief, again[0], city)
    for plate in again:
        assert act(station, "withdraw", plate).status_code == 303
    assert reviewers_task(chief, again[0], city)[1] is None
    assert city.sql(f"select state from service_case where id = {case}", '-c lifang.scope_service_case={"all":true}') == "withdrawn"


def test_a_city_lets_the_sub_bureau_approve_as_well(city, clients):
    administrator = clients("sysadmin")
    assert administrator.post("/settings/parameters/plate.review", {"value": "subbureau"}).status_code == 303
    try:
        plates = applied(city, clients, free(city, 2))
        assert review_plate(clients("menpai"), plates[0], city).status_code == 303
        assert [state(city, plate) for plate in plates] == ["pending"] * 2
        assert act(clients("tongchuan"), "refuse", plates[1], review_note="与规划不符").status_code == 303
        assert review_plate(clients("tongchuan"), plates[0], city).status_code == 303
        assert [state(city, plate) for plate in plates] == ["approved", "refused"]
    finally:
        assert administrator.post("/settings/parameters/plate.review", {"value": "station"}).status_code == 303


def test_applications_from_before_become_cases_by_a_command(city, clients):
    plates = applied(city, clients, free(city, 2))
    city.sql(f"update door_plate set application_id = null where id in ({','.join(plates)})")
    assert "2 块待审核的门牌转为 1 件申领办件" in city.run("plate", "applications")
    assert review_plate(clients("menpai"), plates[0], city).status_code == 303
    assert [state(city, plate) for plate in plates] == ["approved"] * 2


def test_leaders_see_applications_for_plates_on_their_workbench(visit):
    page = visit("leader")
    page.goto("/")
    expect(page.get_by_role("main")).to_contain_text("门牌申请")


def test_hundreds_of_plates_are_one_application(city, clients):
    addresses = free(city, 400)
    plates = applied(city, clients, addresses)
    assert len(plates) == len(addresses) > 50
    applications = city.sql(f"select count(distinct application_id), count(distinct police_station_id) from door_plate where id in ({','.join(plates)})")
    assert len(set(applications.split("|"))) == 1, "one for each police station"
    for application in city.sql(f"select min(id) from door_plate where id in ({','.join(plates)}) group by application_id").split():
        assert review_plate(clients("menpai"), application, city).status_code == 303
    assert city.sql(f"select string_agg(distinct state, ' ') from door_plate where id in ({','.join(plates)})") == "approved"
    assert city.sql(f"select string_agg(distinct plate_status, ' ') from address where id in ({','.join(addresses)})") == "approved"
    assert city.sql(f"select count(*) from door_plate where content is null and id in ({','.join(plates)})") == "0"
