"""Addresses on their way to the station, the officer and the place; plates at the wall; what residents report."""

import re
import secrets
import struct
import subprocess

import pytest
from clients import Client, Markup, form_token, until
from conftest import sign_in
from playwright.sync_api import expect
from pages import review_plate

CAMERA = b"Lifang test camera"


@pytest.fixture(scope="module")
def picture(city, tmp_path_factory):
    """A plate as a camera takes it: a JPEG that says which device made it (EXIF)."""
    folder = tmp_path_factory.mktemp("picture")
    city.run("plate", "proof", str(folder / "proof.pdf"), "--design", "small", "--count", "1")
    subprocess.run(["pdftoppm", "-jpeg", "-r", "60", "-f", "1", "-singlefile", folder / "proof.pdf", folder / "proof"], check=True)
    plain = (folder / "proof.jpg").read_bytes()
    model = CAMERA + b"\0"
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<HHHII", 1, 0x0110, 2, len(model), 26) + struct.pack("<I", 0) + model
    exif = b"Exif\0\0" + tiff
    path = folder / "street.jpg"
    path.write_bytes(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:])
    return path


@pytest.fixture(scope="module")
def ground(city):
    """The community that the demo officer is responsible for, and the officer's id."""
    row = city.sql("select u.division_code, a.id from app_user a join unit u on u.id = a.unit_id where a.account = 'officer'").split("|")
    return {"division": row[0], "officer": int(row[1])}


def addresses(city, division, count):
    found = city.sql(
        f"select id from address where division_code = '{division}' and location is not null and status <> 'cancelled' and id not in "
        f"(select address_id from inspection_task) order by id limit {count}").split()
    assert len(found) == count
    return [int(one) for one in found]


def field(city, register, record, column):
    return city.sql(f"select {column} from {register} where id = {record}")


def dispatched(city, clients, ground, count):
    """So many addresses that were sent to the officer: pairs of task and address."""
    chosen = addresses(city, ground["division"], count)
    station = clients("station")
    assert station.post("/r/address/batch", [("action", "assign_station")] + [("id", one) for one in chosen]).status_code == 303
    tasks = [int(city.sql(f"select id from inspection_task where address_id = {one}")) for one in chosen]
    sent = station.post(
        "/r/inspection_task/batch", [("action", "dispatch"), ("_asked", "1"), ("officer_id", ground["officer"])] + [("id", one) for one in tasks])
    assert sent.status_code == 303, Markup(sent.text).text
    return list(zip(tasks, chosen))


def place(city, address):
    x, y = city.sql(f"select st_x(location), st_y(location) from address where id = {address}").split("|")
    return float(x), float(y)


def submit(client, task, picture=None, **fields):
    files = {"photo": ("街景.jpg", picture.read_bytes(), "image/jpeg")} if picture else {"photo": ("", b"")}
    return client.http.post(
        f"{client.base}/inspection/{task}", data={"_csrf": client.token(), **{name.replace("__", "."): value for name, value in fields.items()}},
        files=files, headers={"Accept": "application/json"}, allow_redirects=False, timeout=60)


def test_a_station_gets_its_addresses_and_sends_them_to_officers_of_the_beat_in_bulk(city, clients, newcomer, elsewhere, ground):
    chosen = addresses(city, ground["division"], 3)
    station, officer = clients("station"), clients("officer")
    wanted = field(city, "address", chosen[0], "police_station_id")
    city.sql(f"update address set police_station_id = null, beat = null where id = {chosen[0]}")
    clients("clerk").post("/r/address/batch", {"action": "assign_station", "id": chosen[0]})
    assert city.sql(f"select count(*) from inspection_task where address_id = {chosen[0]}") == "0"
    assert station.post("/r/address/batch", [("action", "assign_station")] + [("id", one) for one in chosen]).status_code == 303
    tasks = city.sql(f"select id from inspection_task where address_id in ({','.join(map(str, chosen))}) and state = 'assigned' order by id").split()
    assert len(tasks) == 3
    assert field(city, "address", chosen[0], "police_station_id") == wanted == field(city, "inspection_task", tasks[0], "police_station_id")
    assert field(city, "address", chosen[0], "coalesce(beat, '')") != ""
    again = station.post("/r/address/batch", {"action": "assign_station", "id": chosen[0]})
    assert again.status_code == 303 and city.sql(f"select count(*) from inspection_task where address_id = {chosen[0]}") == "1"

    # Ticked in the list: the page asks for whom, once for all of them.
    question = station.post("/r/inspection_task/batch", [("action", "dispatch")] + [("id", one) for one in tasks])
    assert question.status_code == 200 and "派给民警：3 条巡检任务" in Markup(question.text).text
    nobody = station.post("/r/inspection_task/batch", [("action", "dispatch"), ("_asked", "1")] + [("id", one) for one in tasks])
    assert nobody.status_code == 422 and field(city, "inspection_task", tasks[0], "state") == "assigned"
    unit = city.sql(f"select id from unit where division_code = '{elsewhere.division}' limit 1")
    stranger = newcomer("beat_officer", unit=int(unit))
    away = station.post(
        "/r/inspection_task/batch", [("action", "dispatch"), ("_asked", "1"), ("officer_id", stranger.user)] + [("id", one) for one in tasks])
    assert away.status_code == 422 and "责任区" in Markup(away.text).text
    clerk = city.sql("select id from app_user where account = 'clerk'")
    assert station.post("/r/inspection_task/batch", [("action", "dispatch"), ("_asked", "1"), ("officer_id", clerk), ("id", tasks[0])]).status_code == 422
    # All that the filters of the list leave.
    everything = station.post("/r/inspection_task/batch", {"action": "dispatch", "all": "1", "state": "assigned", "division_code": ground["division"]})
    assert everything.status_code == 200
    offered = re.findall(r'name="id" value="(\d+)"|value="(\d+)" name="id"', everything.text)
    assert {one for pair in offered for one in pair if one} >= set(tasks)
    sent = station.post(
        "/r/inspection_task/batch",
        [("action", "dispatch"), ("_asked", "1"), ("_back", "/r/inspection_task?state=open"), ("officer_id", ground["officer"])] + [("id", one) for one in tasks])
    assert sent.status_code == 303 and sent.headers["Location"] == "/r/inspection_task?state=open"
    assert city.sql(f"select count(*) from inspection_task where id in ({','.join(tasks)}) and state = 'open' and due_on = (now() at time zone 'Asia/Shanghai')::date + 7") == "3"

    mine = officer.get("/inspection")
    assert mine.status_code == 200 and all(f'/inspection/{one}"' in mine.text for one in tasks)
    assert "有新的巡检任务" in officer.get("/messages").text
    assert f'/inspection/{tasks[0]}"' not in stranger.get("/inspection").text
    assert stranger.get(f"/inspection/{tasks[0]}").status_code == 404
    assert stranger.json(f"/api/r/inspection_task/{tasks[0]}").status_code == 404
    assert clients("clerk").get("/inspection").status_code == 403
    back = officer.post(f"/r/inspection_task/{tasks[2]}/do/give_back", {"return_note": "不归我管"})
    assert back.status_code == 303 and field(city, "inspection_task", tasks[2], "state") == "returned"
    assert station.post(f"/r/inspection_task/{tasks[2]}/do/cancel").status_code == 303


def test_what_was_found_changes_the_address_and_is_kept_with_place_and_picture(city, clients, ground, picture):
    officer = clients("officer")
    (task, address), (wrong, bad), (missing, gone), (changed, renamed) = dispatched(city, clients, ground, 4)
    page = officer.get(f"/inspection/{task}")
    assert page.status_code == 200 and field(city, "address", address, "code") in page.text
    x, y = place(city, address)
    here = {"position__lon": x + 0.0003, "position__lat": y, "position__measured__lon": x + 0.0002, "position__measured__lat": y, "position__accuracy": "12.5"}
    bare = submit(officer, task, result="confirmed", **here)
    assert bare.status_code == 422 and bare.json()["field"] == "photo", bare.text
    nowhere = submit(officer, task, picture, result="confirmed")
    assert nowhere.status_code == 422 and nowhere.json()["field"] == "position"
    far = submit(officer, task, picture, result="confirmed", **{**here, "position__lon": x + 0.02})
    assert far.status_code == 422 and "纠偏上限" in far.json()["message"]
    assert submit(officer, task, picture, **here).status_code == 400
    assert submit(clients("station"), task, picture, result="confirmed", **here).status_code in (403, 404)
    client = secrets.token_hex(12)
    first = submit(officer, task, picture, result="confirmed", client_id=client, **here)
    assert first.status_code == 200 and first.json()["outcome"] == "taken", first.text
    again = submit(officer, task, picture, result="confirmed", client_id=client, **here)
    assert again.status_code == 200 and again.json()["outcome"] == "already"
    assert submit(officer, task, picture, result="confirmed", client_id=secrets.token_hex(12), **here).status_code == 409
    row = city.sql(
        "select status, location_source, error_kind is null, inspected_on = (now() at time zone 'Asia/Shanghai')::date, "
        f"abs(st_x(location) - {x + 0.0003}) < 1e-6 from address where id = {address}")
    assert row == "confirmed|device|t|t|t"
    kept = city.sql(
        "select state, result, round(drift), round(deviation), accuracy, received_at is not null, inspected_by, "
        f"st_x(measured) <> st_x(position), array_length(photo, 1), array_length(original_photo, 1) from inspection_task where id = {task}").split("|")
    assert kept[:2] == ["done", "confirmed"] and 8 <= int(kept[2]) <= 11 and 25 <= int(kept[3]) <= 32
    assert float(kept[4]) == 12.5 and kept[5] == "t" and int(kept[6]) == ground["officer"] and kept[7] == "t" and kept[8:] == ["1", "1"]
    assert city.sql(f"select count(*) from audit_entry where action = 'inspection_task.submit' and record_id = {task}") == "1"
    shown, original = (city.sql(f"select {name}[1] from inspection_task where id = {task}") for name in ("photo", "original_photo"))
    assert CAMERA not in clients("station").get(f"/files/{shown}").content
    assert CAMERA in clients("station").get(f"/files/{original}").content
    assert city.sql(f"select o.sealed from file_reference r join file_object o on o.id = r.object_id where r.key = '{original}'") == "t"

    assert submit(officer, wrong, picture, result="wrong").status_code in (400, 422)
    assert submit(officer, wrong, picture, result="wrong", error_kind="road", note="实地挂牌为南街").json()["outcome"] == "taken"
    assert field(city, "address", bad, "status || ' ' || error_kind") == "doubtful road"
    assert submit(officer, missing, picture, result="missing").json()["outcome"] == "taken"
    assert field(city, "address", gone, "status || ' ' || error_kind") == "doubtful not_found"

    version = field(city, "address", renamed, "version")
    plate = clients("station").json(f"/api/r/address/{renamed}").json()
    assert clients("station").send("PATCH", f"/api/r/address/{renamed}", {"version": plate["version"], "note": "与巡检无关"}).status_code == 200
    newer = field(city, "address", renamed, "version")
    assert int(newer) == int(version) + 1
    assert clients("station").send("PATCH", f"/api/r/address/{renamed}", {"version": int(newer), "road": "改名路"}).status_code == 200
    told = submit(officer, changed, picture, result="missing", address_version=version)
    assert told.status_code == 409 and told.json()["code"] == "address-changed" and "改名路" in told.json()["message"]
    fresh = field(city, "address", renamed, "version")
    assert clients("station").send("PATCH", f"/api/r/address/{renamed}", {"version": int(fresh), "note": "仍与巡检无关"}).status_code == 200
    assert submit(officer, changed, picture, result="missing", address_version=fresh).json()["outcome"] == "taken"


@pytest.fixture
def phone(chromium, city):
    """The officer's telephone, which knows where it is and may lose the network; signed in by itself, since it signs out."""
    made = []

    def make(longitude, latitude):
        context = chromium.new_context(
            base_url=city.base, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="zh-CN",
            permissions=["geolocation"], geolocation={"longitude": longitude, "latitude": latitude, "accuracy": 8})
        context.set_default_timeout(20_000)
        made.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        sign_in(page, "officer", city.accounts["officer"])
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    yield make
    for context in made:
        problems = [problem for page in context.pages for problem in getattr(page, "problems", [])]
        context.close()
        assert not problems


def test_visits_are_entered_without_a_network_one_after_the_other(city, ground, phone):
    rows = city.sql(
        f"select code, st_x(location), st_y(location) from address where division_code = '{ground['division']}' and location is not null "
        "and status <> 'cancelled' order by id desc limit 2").splitlines()
    (first, x, y), (second, _, _) = [row.split("|") for row in rows]
    page = phone(float(x), float(y))
    page.goto("/inspection")
    expect(page.locator("html")).to_have_attribute("data-taken-along", re.compile(r"\d+"))
    page.context.set_offline(True)
    for code in (first, second):
        page.goto("/inspection/visit")  # kept by the worker
        page.get_by_label("地址编码或门牌编号").fill(code)
        page.get_by_label("家里没有人").check()
        page.get_by_role("button", name="用我的位置").click()
        expect(page.locator("[data-point-status]")).to_contain_text("误差约 8 米")
        page.get_by_role("button", name="登记走访").click()
        page.wait_for_url(re.compile("/inspection$"))
    expect(page.locator("[data-outbox-count]")).to_have_attribute("data-outbox-count", "2")
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    count = f"select count(*) from duty_visit where code in ('{first}', '{second}') and result = 'nobody' and visited_at < received_at"
    until(lambda: city.sql(count, '-c lifang.scope_duty_visit={"all":true}') == "2", 20)
    expect(page.locator("[data-outbox]")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


KEPT = """() => new Promise((resolve, reject) => {
  const request = indexedDB.open('lifang-outbox');
  request.addEventListener('error', () => reject(request.error));
  request.addEventListener('success', () => {
    const all = request.result.transaction('forms').objectStore('forms').getAll();
    all.addEventListener('success', () => resolve(all.result.map(form => ({
      fields: form.fields.map(([name]) => name), text: JSON.stringify(form.fields), isSealed: form.sealed?.text instanceof ArrayBuffer }))));
  });
})"""


def test_documents_of_newcomers_are_sealed_while_they_wait(city, ground, phone):
    code, x, y = city.sql(
        f"select code, st_x(location), st_y(location) from address where division_code = '{ground['division']}' and location is not null "
        "and status <> 'cancelled' order by id limit 1").split("|")
    page = phone(float(x), float(y))
    page.goto(f"/inspection/household?code={code}")
    page.route("**/inspection/ticket", lambda route: route.abort())
    document = "X" + secrets.token_hex(4).upper()
    page.locator('[name="name"]').fill("OLGA LIND")
    page.locator('[name="document_kind"]').select_option("passport")
    page.locator('[name="document_number"]').fill(document)
    page.locator('[name="sex"][value="female"]').check()
    page.locator('[name="birth_date"]').fill("1988-02-03")
    page.get_by_role("button", name="登记核对结果").click()
    page.wait_for_url(re.compile(f"/d/{code}"))
    page.goto("/inspection")
    expect(page.locator("[data-outbox-count]")).to_have_attribute("data-outbox-count", "1")
    [kept] = page.evaluate(KEPT)
    assert kept["isSealed"] and document not in kept["text"] and "OLGA" not in kept["text"] and "code" in kept["fields"]
    page.unroute("**/inspection/ticket")
    page.evaluate("dispatchEvent(new Event('online'))")
    until(lambda: city.sql_of_persons("select count(*) from person where name = 'OLGA LIND'") == "1", 20)
    expect(page.locator("[data-outbox]")).to_be_hidden()
    assert page.evaluate(KEPT) == []


def fill(page, picture, result):
    page.locator('input[name="photo"]').set_input_files(picture)
    page.get_by_role("button", name="用我的位置").click()
    expect(page.locator("[data-point-status]")).to_contain_text("误差约 8 米")
    page.get_by_role("button", name="东").click()
    expect(page.locator("[data-point-status]")).to_contain_text("离实测位置 2 米")
    page.get_by_label(result).check()
    page.get_by_role("button", name="登记巡检结果").click()


def test_inspections_without_a_network_wait_on_the_telephone_and_are_sent_once(city, clients, ground, picture, phone):
    pairs = dispatched(city, clients, ground, 3)
    near, next_one, third = pairs
    x, y = place(city, next_one[1])
    x += 0.05  # where no other address lies, so that it is the nearest
    city.sql(f"update inspection_task set place = st_setsrid(st_makepoint({x}, {y}), 4490) where id = {next_one[0]}")
    page = phone(x, y)
    page.goto("/inspection")
    expect(page.locator("html")).to_have_attribute("data-taken-along", re.compile(r"\d+"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="离我最近的在前").click()
    page.wait_for_url(re.compile("lon="))
    nearest = page.locator("[data-take-along]").first
    expect(nearest).to_have_attribute("href", f"/inspection/{next_one[0]}")
    expect(nearest).to_contain_text("0 米")
    page.get_by_role("link", name="在地图上看").click()
    expect(page.locator(f'a[href="/inspection/{next_one[0]}"]').first).to_be_visible()

    page.goto("/inspection")
    expect(page.locator("html")).to_have_attribute("data-taken-along", re.compile(r"\d+"))
    page.context.set_offline(True)
    for task, _ in (next_one, third):
        page.goto(f"/inspection/{task}")  # kept by the worker
        fill(page, picture, "确认无误")
        page.wait_for_url(re.compile("/inspection$"))
    expect(page.locator("[data-outbox-count]")).to_have_attribute("data-outbox-count", "2")
    assert field(city, "inspection_task", next_one[0], "state") == "open"
    # Meanwhile somebody renames the third: that one is told, the other is taken.
    assert clients("station").send(
        "PATCH", f"/api/r/address/{third[1]}", {"version": int(field(city, 'address', third[1], 'version')), "road": "离线路"}).status_code == 200
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    until(lambda: field(city, "inspection_task", next_one[0], "state") == "done", 20)
    expect(page.locator("[data-outbox]")).to_contain_text("离线路")
    expect(page.locator("[data-outbox-count]")).to_have_attribute("data-outbox-count", "1")
    assert field(city, "inspection_task", third[0], "state") == "open"
    assert city.sql(f"select round(drift), taken_at < received_at from inspection_task where id = {next_one[0]}") == "2|t"
    page.get_by_role("button", name="丢弃这条").click()
    expect(page.locator("[data-outbox]")).to_be_hidden()
    page.goto(f"/inspection/{third[0]}")
    fill(page, picture, "地址不存在")
    page.wait_for_url(re.compile("/inspection$"))
    expect(page.locator("#toasts")).to_contain_text("已登记巡检结果")
    assert field(city, "inspection_task", third[0], "state") == "done"
    # Nothing of it stays for whoever uses the telephone next.
    page.evaluate("document.querySelector('form[action=\"/sign-out\"]').requestSubmit()")
    page.wait_for_url(lambda url: "/inspection" not in url)
    until(lambda: page.evaluate("caches.has('field-pages')") is False, 10)


# MARK: plates at the wall

def made_plate(city, clients):
    """A plate that was made and is not mounted: its id and the code of its address."""
    division = city.sql("select u.division_code from app_user a join unit u on u.id = a.unit_id where a.account = 'station'")
    address = city.sql(
        f"select id from address where status = 'confirmed' and plate_status = 'none' and starts_with(division_code, '{division}') order by id desc limit 1")
    assert clients("station").post("/r/address/batch", {"action": "apply_plate", "id": address}).status_code == 303
    plate = int(city.sql(f"select id from door_plate where address_id = {address} and state = 'pending'"))
    assert review_plate(clients("menpai"), plate, city).status_code == 303
    city.sql(f"update door_plate set state = 'made', made_at = now() where id = {plate}; update address set plate_status = 'made' where id = {address}")
    return plate, city.sql(f"select code from address where id = {address}"), int(address)


def mount(client, code, picture=None, **fields):
    files = {"photo": ("牌.jpg", picture.read_bytes(), "image/jpeg")} if picture else {"photo": ("", b"")}
    return client.http.post(
        f"{client.base}/plates/mount/{code}", data={"_csrf": client.token(), **{name.replace("__", "."): value for name, value in fields.items()}},
        files=files, allow_redirects=False, timeout=60)


def test_an_auxiliary_mounts_a_plate_by_scan_picture_and_place_and_reports_it_damaged(city, clients, newcomer, picture):
    plate, code, address = made_plate(city, clients)
    unit = int(city.sql("select unit_id from app_user where account = 'station'"))
    helper = newcomer("plate_auxiliary", unit=unit)
    assert f"/plates/mount/{code}" in helper.get(f"/d/{code}").text
    assert f"/plates/mount/{code}" not in Client(city.base).get(f"/d/{code}").text
    assert clients("data").get(f"/plates/mount/{code}").status_code == 403
    x, y = place(city, address)
    assert mount(helper, code, what="install", position__lon=x, position__lat=y).status_code == 400
    assert mount(helper, code, picture, what="install").status_code == 400
    assert field(city, "door_plate", plate, "state") == "made"
    assert mount(helper, code, picture, what="damage").status_code == 409
    assert mount(helper, code, picture, what="install", position__lon=x, position__lat=y).status_code == 303
    assert city.sql(f"select state, installed_by, array_length(install_photo, 1), round(st_x(install_point)::numeric, 4) = round({x}, 4) from door_plate where id = {plate}") == f"installed|{helper.user}|1|t"
    assert field(city, "address", address, "plate_status") == "installed"
    assert mount(helper, code, picture, what="damage", note="被车撞", replace="1").status_code == 303
    assert field(city, "door_plate", plate, "state || ' ' || array_length(install_photo, 1)") == "damaged 2"
    assert city.sql(f"select purpose from door_plate where address_id = {address} and state = 'pending'") == "replace"


def test_the_form_of_an_action_keeps_its_pictures(city, clients, picture):
    plate, code, _ = made_plate(city, clients)
    station = clients("station")
    assert 'enctype="multipart/form-data"' in station.get(f"/r/door_plate/{plate}/do/install").text
    done = station.http.post(
        f"{city.base}/r/door_plate/{plate}/do/install", data={"_csrf": station.token()}, files={"install_photo": ("牌.jpg", picture.read_bytes(), "image/jpeg")},
        allow_redirects=False, timeout=60)
    assert done.status_code == 303 and field(city, "door_plate", plate, "state || array_length(install_photo, 1)") == "installed1"


# MARK: residents

def reported(client, code, picture=None, client_id=None, **fields):
    page = client.get(f"/d/{code}/report?about={fields.get('subject', 'plate')}")
    assert page.status_code == 200
    files = {"photo": ("牌.jpg", picture.read_bytes(), "image/jpeg")} if picture else {"photo": ("", b"")}
    return client.http.post(
        f"{client.base}/d/{code}/report", data={"_csrf": form_token(page.text), "client_id": client_id or secrets.token_hex(9), "subject": "plate", **fields},
        files=files, allow_redirects=False, timeout=60)


def receipt(answer):
    text = Markup(answer.text).text
    return re.search(r"FY\d{10}", text).group(0), re.search(r"查询码\s*([2-9A-Z]{8})", text).group(1)


def look(client, number, code):
    page = client.get("/address-reports")
    return client.post("/address-reports", {"number": number, "receipt": code}, token=form_token(page.text))


def test_anybody_reports_a_damaged_plate_and_reads_the_answer(city, clients, stranger, picture):
    plate, code, address = made_plate(city, clients)
    assert clients("station").post(f"/r/door_plate/{plate}/do/install").status_code == 303
    assert f"/d/{code}/report?about=plate" in stranger.get(f"/d/{code}").text
    assert reported(stranger, code).status_code == 400
    client_id = secrets.token_hex(9)
    first = reported(stranger, code, picture, client_id, plate_fault="damaged", description="右下角断了", phone="13800138000")
    assert first.status_code == 200, Markup(first.text).text
    number, secret = receipt(first)
    assert receipt(reported(stranger, code, picture, client_id, plate_fault="damaged")) == (number, secret)
    report = int(city.sql(f"select id from address_report where number = '{number}'"))
    assert city.sql(f"select count(*) from address_report where address_id = {address}") == "1"
    photo = city.sql(f"select photo[1] from address_report where id = {report}")
    assert CAMERA not in clients("station").get(f"/files/{photo}").content
    assert stranger.get(f"/files/{photo}").status_code in (303, 401)
    assert "13800138000" not in city.sql(f"select row_to_json(r) from address_report r where id = {report}")
    assert look(stranger, number, "22222222").status_code == 422
    assert "待核查" in Markup(look(stranger, number, secret.lower()).text).text
    assert secret not in clients("station").get(f"/r/address_report/{report}").text
    assert clients("station").post(f"/r/address_report/{report}/do/accept").status_code in (400, 422)
    assert clients("station").post(f"/r/address_report/{report}/do/accept", {"answer": "已安排更换。"}).status_code == 303
    assert field(city, "door_plate", plate, "state") == "damaged" and field(city, "address", address, "plate_status") == "damaged"
    said = Markup(look(stranger, number, secret).text).text
    assert "已安排更换。" in said and "13800138000" not in said
    told = city.sql("select count(*) from message m where m.template = 'address_report_answered'")
    assert told == "1"


def test_a_resident_reports_a_wrong_address_and_is_told_why_it_is_right(city, clients, newcomer):
    code = city.resident()["code"]
    resident = clients("resident")
    answer = reported(resident, code, subject="address", address_fault="road", description="路名不对")
    number, _ = receipt(answer)
    report = int(city.sql(f"select id from address_report where number = '{number}'"))
    assert number in resident.get("/address-reports").text
    assert resident.get(f"/address-reports/{report}").status_code == 200
    assert newcomer().get(f"/address-reports/{report}").status_code == 404
    assert clients("grid").get(f"/r/address_report/{report}").status_code == 403
    address = city.resident()["address"]
    before = field(city, "address", address, "status")
    assert clients("station").post(f"/r/address_report/{report}/do/decline", {"answer": "民政部门公布的路名如此。"}).status_code == 303
    assert field(city, "address", address, "status") == before
    assert "民政部门公布的路名如此。" in resident.get(f"/address-reports/{report}").text
    assert number in resident.get("/messages").text
    again = receipt(reported(resident, code, subject="address", address_fault="road"))[0]
    one = int(city.sql(f"select id from address_report where number = '{again}'"))
    assert clients("station").post(f"/r/address_report/{one}/do/accept", {"answer": "已转核实。"}).status_code == 303
    assert field(city, "address", address, "status || ' ' || error_kind") == "doubtful road"
    city.sql(f"update address set status = '{before}', error_kind = null where id = {address}")


def test_reports_are_limited_by_network_address(city):
    somebody = Client(city.base)
    code = city.sql("select code from address where kind = 'roadside' order by id desc limit 1")
    said = [reported(somebody, code, plate_fault="dirty").status_code for _ in range(6)]
    assert said[:5] == [200] * 5 and said[5] == 429
