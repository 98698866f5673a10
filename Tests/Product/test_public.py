"""What residents see of a place and who keeps it: public resources, plates by road and number, the culture of roads, notices
of merchants, favourites, the numbers on the workbench and of scans."""

import datetime
import html
import io
import re
import urllib.parse
import zipfile

import pytest
from clients import Client, Markup, until
from playwright.sync_api import expect
from test_cases import picture as drawn

TODAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()


@pytest.fixture(scope="session")
def picture():
    return drawn(shade=90)


def text_of(answer):
    assert answer.status_code == 200, answer.text[:600]
    return Markup(answer.text).text


def told(client, answer):
    """What the page says to which a form led."""
    assert answer.status_code == 303, Markup(answer.text).text[:1500]
    return text_of(client.get(answer.headers["Location"]))


def do(client, register, number, action, **asked):
    return client.post(f"/r/{register}/{number}/do/{action}", asked)


def plate(city, where="true"):
    row = city.sql(
        f"select id, code, full_name, coalesce(road, ''), coalesce(house_number, ''), coalesce(road_id, 0), division_code from address "
        f"where kind = 'roadside' and status <> 'cancelled' and road_id is not null and {where} order by id limit 1")
    return dict(zip(["id", "code", "name", "road", "number", "road_id", "division"], row.split("|")))


# --- the workbench, lists of codes, plates that are ticked ---------------------------------------------------------------


def test_the_workbench_counts_addresses_faults_and_applications_within_the_scope(visit, city):
    division = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    page = visit("station")
    page.goto("/")
    for label, table, where in (
        ("标准地址", "address", "true"), ("待巡检地址", "address", "status = 'pending'"), ("问题地址", "address_defect", "state = 'open'"),
    ):
        expected = int(city.sql(f"select count(*) from {table} where starts_with(division_code, '{division}') and {where}"))
        tile = page.locator("a.tile").filter(has=page.locator(".tile-label", has_text=re.compile(f"^\\s*{label}\\s*$")))
        assert int(tile.locator(".tile-value strong").inner_text().replace(",", "").replace("约", "")) == expected, label
        assert f"/r/{table}" in tile.get_attribute("href")
    page.locator("a.tile").filter(has_text="问题地址").click()
    expect(page).to_have_url(re.compile(r"/r/address_defect\?state=open$"))
    # Another station's officer counts something else: the numbers are those of the scope.
    assert text_of(Client(city.base).get("/")).find("问题地址") < 0


def approved(city, clients, count):
    """Plates of the demo county that wait to be made."""
    station, review = clients("station"), clients("menpai")
    division = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    ids = city.sql(
        "select string_agg(id::text, ' ') from (select a.id from address a where a.kind = 'roadside' and a.plate_status = 'none' "
        f"and a.status in ('pending', 'confirmed') and starts_with(a.division_code, '{division}') "
        "and not exists (select 1 from address_defect d where (d.address_id = a.id or d.other_id = a.id) and d.state = 'open') "
        f"order by a.id desc limit {count}) f").split()
    for address in ids:
        if city.sql(f"select status from address where id = {address}") == "pending":
            assert do(station, "address", address, "confirm").status_code == 303
        assert do(station, "address", address, "apply_plate").status_code == 303
    plates = [city.sql(f"select max(id) from door_plate where address_id = {address}") for address in ids]
    for item in review.json("/inbox?size=200").json()["items"]:
        if item["item"] == "门牌申领":
            assert review.post(f"/cases/{item['case']}/tasks/{item['task']}", {"review": "passed"}).status_code == 303
    return plates


def test_the_workbench_shows_applications_for_plates_by_state(clients, city):
    plates = approved(city, clients, 2)
    page = clients("station").get("/").text
    assert "/r/door_plate?state=approved" in page
    division = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    waiting = city.sql(f"select count(*) from door_plate where state = 'approved' and starts_with(division_code, '{division}')")
    assert int(waiting) >= len(plates)
    listed = text_of(clients("station").get("/r/door_plate?state=approved"))
    assert all(city.sql(f"select number from door_plate where id = {number}") in listed for number in plates)


def test_plates_are_ticked_in_the_list_and_only_those_are_packed(clients, city):
    first, second, third = approved(city, clients, 3)
    review = clients("tongchuan")
    maker = city.sql("select id from plate_maker where status = 'on' order by id limit 1")
    if not maker:
        unit = city.sql("select id from unit order by id desc limit 1")
        made = clients("data").send("POST", "/api/r/plate_maker", {"name": "试制牌厂", "unit_id": int(unit), "status": "on"})
        assert made.status_code == 201, made.text
        maker = made.json()["id"]
    asked = review.post("/r/door_plate/batch", [("action", "pack"), ("id", first), ("id", second)])
    assert asked.status_code == 303 and asked.headers["Location"] == f"/plates/pack?plates={first},{second}"
    page = text_of(review.get(asked.headers["Location"]))
    assert "勾选了 2 块，其中待制牌 2 块" in page
    packed = review.post("/plates/pack", {"maker": maker, "plates": f"{first},{second}"})
    assert packed.status_code == 303, Markup(packed.text).text[:800]
    assert city.sql(f"select count(distinct batch_id) from door_plate where id in ({first}, {second}) and batch_id is not null") == "1"
    assert city.sql(f"select batch_id is null from door_plate where id = {third}") == "t"
    batch = city.sql(f"select batch_id from door_plate where id = {first}")
    package = review.get(f"/plates/batches/{batch}/package.zip")
    assert package.status_code == 200
    names = zipfile.ZipFile(io.BytesIO(package.content)).namelist()
    assert len([name for name in names if name.startswith("svg/")]) == 2
    # Ticked ones that somebody else packed meanwhile are told, not silently left out.
    again = review.post("/plates/pack", {"maker": maker, "plates": f"{first},{third}"})
    assert again.status_code == 409 and "只有 1 块还在待制牌" in Markup(again.text).text
    assert clients("station").post("/r/door_plate/batch", [("action", "pack"), ("id", third)]).status_code == 403


def test_codes_are_found_by_the_parts_of_the_address_shown_and_downloaded(visit, city):
    one = plate(city, "starts_with(division_code, (select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'))")
    page = visit("station")
    page.goto("/")
    page.goto(f"/r/address?columns=full_name,qr,kind,community,beat,police_station_id&road={urllib.parse.quote(one['road'])}&house_number={urllib.parse.quote(one['number'])}")
    row = page.get_by_role("row").filter(has_text=one["name"]).first
    image = row.locator("img")
    expect(image).to_be_visible()
    assert image.get_attribute("src") == f"/d/{one['code']}/qr.svg"
    assert image.evaluate("image => new Promise(done => { const check = () => image.complete ? done(image.naturalWidth > 0) : setTimeout(check, 20); check() })")
    with page.expect_download() as download:
        row.locator("a.picture").click()
    assert b"<svg" in open(download.value.path(), "rb").read()[:200]


def test_ticked_addresses_are_exported_and_no_others(clients, city, stranger):
    division = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    rows = [row.split("|") for row in city.sql(
        f"select id, code from address where starts_with(division_code, '{division}') order by id limit 3").splitlines()]
    station = clients("station")
    asked = station.post("/r/address/batch", [("action", "export"), ("id", rows[0][0]), ("id", rows[2][0])])
    assert asked.status_code == 303 and asked.headers["Location"].startswith("/r/address/export?")
    page = station.get(asked.headers["Location"])
    assert "勾选的 2 条" in Markup(page.text).text and "共 2 条" in Markup(page.text).text
    fields = [("id.is", rows[0][0]), ("id.is", rows[2][0]), ("export.format", "csv"), ("export.columns", "code"), ("export.columns", "full_name")]
    answer = station.post("/r/address/export", fields)
    assert answer.status_code == 200
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 3 and rows[0][1] in answer.text and rows[2][1] in answer.text and rows[1][1] not in answer.text
    # An id beyond the scope exports nothing.
    other = city.sql(f"select id from address where not starts_with(division_code, '{division}') order by id limit 1")
    answer = station.post("/r/address/export", [("id.is", other), ("export.format", "csv"), ("export.columns", "code")])
    assert len(answer.content.decode("utf-8-sig").splitlines()) == 1
    assert clients("clerk").post("/r/address/batch", [("action", "export"), ("id", rows[0][0])]).status_code == 403
    assert stranger.post("/r/address/batch", [("action", "export"), ("id", rows[0][0])]).status_code in (303, 401, 403)


def test_statistics_of_plates_show_faults_of_addresses_beside_them(clients, city, newcomer):
    approved(city, clients, 1)
    leader = clients("data")
    page = leader.get("/r/door_plate/statistics?view=station")
    markup = text_of(page)
    for column in ("沿街门牌", "小区门牌", "单元门牌", "户室牌", "问题地址"):
        assert column in markup, column
    row = city.sql("select police_station_id, count(*) from address_defect where state = 'open' and police_station_id is not null group by 1 order by 2 desc limit 1")
    if row:
        station, count = row.split("|")
        link = next(link for link in Markup(page.text).links if link.startswith("/r/address_defect?") and f"police_station_id={station}" in link)
        assert re.search(rf'href="{re.escape(link).replace("&", "&amp;")}"[^>]*>{int(count):,}<', page.text)
        found = leader.json("/api/r/address_defect?" + link.split("?")[1]).json()
        assert found["total"]["value"] == int(count) if isinstance(found.get("total"), dict) else True
    assert leader.get("/r/door_plate/statistics/export?view=station").status_code == 200
    # Who may not see faults sees no column of them.
    auxiliary = newcomer("plate_auxiliary", unit=int(city.sql("select unit_id from app_user where account = 'station'")))
    assert "问题地址" not in text_of(auxiliary.get("/r/door_plate/statistics?view=station"))


# --- public resources ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kiosk(city, clients):
    """A kiosk beside a plate, entered by the back office."""
    near = plate(city, "location is not null")
    x, y = city.sql(f"select st_x(location), st_y(location) from address where id = {near['id']}").split("|")
    made = clients("data").send("POST", "/api/r/public_facility", {
        "name": "试验街治安岗亭", "kind": "kiosk", "division_code": near["division"], "address_text": "路口西北角", "contact": "老赵",
        "phone": "0818-2000110", "opening_hours": "07:00—23:00", "location": {"type": "Point", "coordinates": [float(x) + 0.0004, float(y)]}})
    assert made.status_code == 201, made.text
    return {"id": made.json()["id"], "near": near}


def test_resources_are_found_around_an_address_by_kind_and_by_name(stranger, kiosk, city):
    around = stranger.json(f"/places?code={kiosk['near']['code']}").json()["items"]
    assert around and [item["metres"] for item in around] == sorted(item["metres"] for item in around) and around[-1]["metres"] <= 1500
    assert any(item["id"] == kiosk["id"] for item in around)
    kiosks = stranger.json(f"/places?code={kiosk['near']['code']}&kind=kiosk").json()["items"]
    [one] = [item for item in kiosks if item["id"] == kiosk["id"]]
    assert all(item["kind"] == "kiosk" for item in kiosks) and one["name"] == "试验街治安岗亭" and one["hours"] == "07:00—23:00" and one["metres"] < 100
    [by_name] = stranger.json("/places?q=" + urllib.parse.quote("试验街 岗亭")).json()["items"] or [None]
    assert by_name["id"] == kiosk["id"]
    page = text_of(stranger.get(f"/places?code={kiosk['near']['code']}&kind=kiosk"))
    assert "办公时间 07:00—23:00" in page and kiosk["near"]["name"] in page
    # The same by where the browser says it is.
    x, y = one["at"]
    here = stranger.json(f"/places?lon={x}&lat={y}&kind=kiosk").json()["items"]
    assert here[0]["id"] == kiosk["id"] and here[0]["metres"] == 0
    assert stranger.get("/places?code=nothing").status_code == 404


def test_a_resource_has_a_page_and_goes_when_it_is_closed(stranger, kiosk, clients, city, visit):
    path = f"/places/facility/{kiosk['id']}"
    page = text_of(stranger.get(path))
    for word in ("试验街治安岗亭", "0818-2000110", "老赵", "路口西北角", "驾车"):
        assert word in page, word
    assert "/places/facility/" in stranger.get(f"/d/{kiosk['near']['code']}").text
    assert do(clients("data"), "public_facility", kiosk["id"], "suspend").status_code == 303
    assert stranger.get(path).status_code == 404
    assert kiosk["id"] not in [item["id"] for item in stranger.json(f"/places?code={kiosk['near']['code']}&kind=kiosk").json()["items"]]
    assert do(clients("data"), "public_facility", kiosk["id"], "resume").status_code == 303
    assert stranger.get(path).status_code == 200
    assert do(clients("clerk"), "public_facility", kiosk["id"], "suspend").status_code == 403


def test_resources_are_brought_in_by_a_table_and_closed_in_bulk(visit, clients, city, stranger):
    data = clients("data")
    x, y, division = city.sql("select st_x(location), st_y(location), division_code from public_facility order by id limit 1").split("|")
    table = "名称,类型,所在区划,位置,开放时间\n" + "".join(
        f'导入公厕{number},{kind},{division},"{x},{y}",全天\n' for number, kind in ((1, "公共厕所"), (2, "公共厕所"), (3, "没有这种")))
    page = visit("data")
    page.goto("/r/public_facility/import")
    page.locator("input[type=file]").set_input_files({"name": "公厕.csv", "mimeType": "text/csv", "buffer": table.encode()})
    page.get_by_role("button", name="上传并预览").click()
    outcomes = page.locator("section.card").filter(has_text="行的结论").locator("tbody tr")
    expect(outcomes).to_have_count(3)
    expect(outcomes.nth(2)).to_contain_text("未导入")
    page.get_by_role("button", name="按以上预览开始导入").click()
    expect(page.locator(".progress .badge")).to_have_text("已完成", timeout=30_000)
    ids = until(lambda: city.sql("select string_agg(id::text, ' ' order by id) from public_facility where name like '导入公厕_'").split(), seconds=30)
    assert len(ids) == 2
    assert len(stranger.json("/places?q=" + urllib.parse.quote("导入公厕")).json()["items"]) == 2
    closed = data.post("/r/public_facility/batch", [("action", "suspend")] + [("id", number) for number in ids])
    assert "已停用 2 条" in told(data, closed)
    assert stranger.json("/places?q=" + urllib.parse.quote("导入公厕")).json()["items"] == []
    told(data, data.post("/r/public_facility/batch", [("action", "delete")] + [("id", number) for number in ids]))
    assert city.sql("select count(*) from public_facility where name like '导入公厕_'") == "0"


def test_the_list_has_a_map_with_points_and_counts(visit, kiosk):
    page = visit(None, "phone")
    with page.expect_response(re.compile("/tiles/facilities/")) as tile:
        page.goto(f"/places?code={kiosk['near']['code']}")
    assert tile.value.status == 200
    page.wait_for_selector("[data-map][data-ready=true]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_plate_leads_to_the_police_room_and_its_officer_with_photo(stranger, city, clients, picture):
    row = city.sql(
        "select a.code, s.id, s.officer_name, s.name from address a join police_station s on s.id = a.police_station_id where s.officer_name is not null order by a.id limit 1")
    code, station, officer, name = row.split("|")
    city.sql(f"update address set beat = '三号警务区' where code = '{code}'")
    data = clients("data")
    sent = data.http.post(
        f"{city.base}/r/police_station/{station}/edit",
        data={**record_form(data, f"/r/police_station/{station}/edit"), "_csrf": data.token()},
        files={"officer_photo": ("officer.png", picture, "image/png")}, allow_redirects=False, timeout=60)
    assert sent.status_code == 303, Markup(sent.text).text[:1500]

    def scanned():
        page = stranger.get(f"/d/{code}").text
        return page if "/officer" in page else None

    page = until(scanned, seconds=10)
    assert f"/places/station/{station}/officer" in page and "三号警务区" in page
    photo = stranger.get(f"/places/station/{station}/officer")
    assert photo.status_code == 200 and photo.headers["Content-Type"].startswith("image/")
    room = text_of(stranger.get(f"/places/station/{station}"))
    assert officer in room and name in room and "警号" in room
    assert stranger.get("/places/station/999999999").status_code == 404
    assert stranger.get(f"/places/facility/{station}/officer").status_code == 404


def record_form(client, path):
    """The fields of a form as it stands."""
    page = client.get(path)
    assert page.status_code == 200, page.text[:300]
    fields = {}
    for tag, attributes in Markup(page.text).tags:
        if tag == "input" and attributes.get("name") and attributes.get("type") not in ("file", "checkbox", "radio", "submit", "search"):
            fields[attributes["name"]] = attributes.get("value", "")
        if tag == "input" and attributes.get("type") in ("checkbox", "radio") and "checked" in attributes:
            fields[attributes["name"]] = attributes.get("value", "on")
    for select in re.findall(r"<select[^>]*name=\"([^\"]+)\"[^>]*>(.*?)</select>", page.text, re.S):
        chosen = re.search(r"<option[^>]*value=\"([^\"]*)\"[^>]*\bselected", select[1])
        if chosen:
            fields[select[0]] = chosen.group(1)
    for area in re.findall(r"<textarea[^>]*name=\"([^\"]+)\"[^>]*>(.*?)</textarea>", page.text, re.S):
        fields[area[0]] = html.unescape(area[1])
    fields.pop("_csrf", None)
    fields.pop("q", None)
    return fields


def test_the_map_finds_facilities_schools_roads_and_compounds_by_name(clients, city):
    leader = clients("leader")
    hospital, road, compound = (
        city.sql(f"select name from {table} where {where} order by id limit 1")
        for table, where in (("public_facility", "kind = 'hospital'"), ("road", "kind <> 'highway'"), ("compound", "true")))
    for name, register in ((hospital, "public_facility"), (road, "road"), (compound, "compound")):
        items = leader.json("/map?q=" + urllib.parse.quote(name)).json()["items"]
        hit = next(item for item in items if item["path"].startswith(f"/r/{register}/"))
        assert name in hit["title"] and len(hit["at"]) == 2, name
    code = city.sql("select code from road order by id limit 1")
    assert any(item["path"].startswith("/r/road/") for item in leader.json(f"/map?q={code}").json()["items"])
    # Within the scope: the clerk of one community does not find roads of another county.
    far = city.sql("select name from road where not starts_with(division_code, '511702') and kind <> 'highway' order by id limit 1")
    if far:
        found = clients("clerk").json("/map?q=" + urllib.parse.quote(far)).json()["items"]
        roads = [item["path"].split("/")[-1] for item in found if item["path"].startswith("/r/road/")]
        assert all(city.sql(f"select starts_with(division_code, '511702') from road where id = {number}") == "t" for number in roads)


def test_a_stranger_finds_a_plate_by_road_and_number_but_no_home_and_no_code(city, stranger):
    one = plate(city)
    found = stranger.json("/lookup?q=" + urllib.parse.quote(one["road"] + one["number"])).json()["items"]
    assert one["code"] in [item["code"] for item in found] and len(found) <= 10
    page = stranger.get("/lookup?q=" + urllib.parse.quote(one["road"] + one["number"]))
    assert f"/d/{one['code']}" in Markup(page.text).links
    room, name = city.sql("select code, full_name from address where kind = 'room' order by id limit 1").split("|")
    assert room not in stranger.get("/lookup?q=" + urllib.parse.quote(name)).text
    for text in (one["road"], one["code"][:9], "路 " + one["code"][:9], "18"):
        assert Client(city.base).get("/lookup?q=" + urllib.parse.quote(text)).status_code == 404, text
    other = Client(city.base)
    codes = [other.get("/lookup?q=" + urllib.parse.quote(f"{one['road']}{number}号")).status_code for number in range(40)]
    assert 429 in codes


# --- culture of roads ------------------------------------------------------------------------------------------------------


def test_the_culture_of_a_road_is_shown_on_its_plates_once_published(city, clients, stranger, picture):
    here, elsewhere = plate(city), None
    elsewhere = plate(city, f"road_id <> {here['road_id']}")
    data = clients("data")
    sent = data.http.post(
        f"{city.base}/r/culture_page/new",
        data={
            "name": "老街三百年", "road_id": here["road_id"], "division_code": here["division"], "summary": "码头边长出来的街", "content": "清初有码头。\n后来有了街。",
            "caption": "老街旧影", "position": "10", "_csrf": data.token()},
        files={"photo": ("old.png", picture, "image/png")}, allow_redirects=False, timeout=60)
    assert sent.status_code == 303, Markup(sent.text).text[:1500]
    number = city.sql("select max(id) from culture_page")
    assert stranger.get(f"/culture/{number}").status_code == 404, "a draft is nobody's"
    assert "老街三百年" not in stranger.get(f"/d/{here['code']}").text
    assert do(data, "culture_page", number, "publish").status_code == 303
    until(lambda: "老街三百年" in stranger.get(f"/d/{here['code']}").text, seconds=10)
    assert "老街三百年" not in stranger.get(f"/d/{elsewhere['code']}").text
    page = stranger.get(f"/culture/{number}")
    assert "后来有了街" in text_of(page) and "老街旧影" in page.text
    photo = stranger.get(f"/culture/{number}/photos/1")
    assert photo.status_code == 200 and photo.headers["Content-Type"].startswith("image/")
    assert stranger.get(f"/culture/{number}/photos/2").status_code == 404
    assert b"<svg" in stranger.get(f"/culture/{number}/qr.svg").content
    assert "老街三百年" in text_of(stranger.get("/culture?q=" + urllib.parse.quote("老街")))
    assert do(data, "culture_page", number, "withdraw").status_code == 303
    until(lambda: "老街三百年" not in stranger.get(f"/d/{here['code']}").text, seconds=10)
    assert stranger.get(f"/culture/{number}/photos/1").status_code == 404
    assert clients("station").get("/r/culture_page").status_code == 403


# --- merchants -------------------------------------------------------------------------------------------------------------


def valid_credit_code(number):
    """A unified social credit code with its check character (GB 32100)."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"92511702MA{number:07d}"[:17]
    total = sum(letters.index(letter) * pow(3, index, 31) for index, letter in enumerate(body))
    return body + letters[(31 - total % 31) % 31]


@pytest.fixture(scope="module")
def shop(city, clients, picture):
    """A merchant of the resident's, on a plate of the clerk's community; its authentication waits."""
    division = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'clerk'")
    here = plate(city, f"starts_with(division_code, '{division}')")
    resident = clients("resident")
    fields = {"name": "试验小吃店", "credit_code": valid_credit_code(6118), "code": here["code"], "phone": "0818-2345678", "_csrf": resident.token()}
    without = resident.http.post(f"{city.base}/merchant", data=fields, allow_redirects=False, timeout=60)
    assert without.status_code == 422 and "营业执照" in without.text, "no licence, no authentication"
    sent = resident.http.post(
        f"{city.base}/merchant", data=fields, files={"license": ("license.png", picture, "image/png")}, allow_redirects=False, timeout=60)
    assert sent.status_code == 303, Markup(sent.text).text[:1500]
    again = resident.http.post(
        f"{city.base}/merchant", data=fields, files={"license": ("license.png", picture, "image/png")}, allow_redirects=False, timeout=60)
    assert again.status_code == 422 and "没有重复提交" in again.text
    return {"id": city.sql("select max(id) from merchant"), "here": here}


def publish(city, client, shop, title, since=TODAY, until_day=TODAY + datetime.timedelta(days=7), picture=None):
    return client.http.post(
        f"{city.base}/merchant/{shop['id']}/notices",
        data={"kind": "promotion", "title": title, "content": "全场八折。", "shown_from": str(since), "shown_until": str(until_day), "_csrf": client.token()},
        files={"photo": ("dish.png", picture, "image/png")} if picture else None, allow_redirects=False, timeout=60)


def test_a_merchant_publishes_only_after_both_reviews_and_until_its_last_day(city, clients, stranger, shop, picture):
    resident, clerk, code = clients("resident"), clients("clerk"), shop["here"]["code"]
    refused = publish(city, resident, shop, "未认证先发")
    assert refused.status_code == 422 and "还没有通过认证" in refused.text
    assert do(resident, "merchant", shop["id"], "approve").status_code in (403, 404), "nobody approves himself"
    assert "试验小吃店" in text_of(clerk.get("/r/merchant?state=pending"))
    assert do(clerk, "merchant", shop["id"], "approve").status_code == 303
    assert "已认证" in text_of(resident.get("/merchant"))

    wrong = publish(city, resident, shop, "倒着的日期", until_day=TODAY - datetime.timedelta(days=1))
    assert wrong.status_code == 422 and "早于开始日期" in wrong.text
    assert publish(city, resident, shop, "周末八折", picture=picture).status_code == 303
    offer = city.sql("select max(id) from public_notice")
    assert city.sql(f"select division_code from public_notice where id = {offer}") == shop["here"]["division"]
    assert "周末八折" not in stranger.get(f"/d/{code}").text and stranger.get(f"/offers/{offer}").status_code == 404
    assert stranger.get(f"/offers/{offer}/photos/1").status_code == 404
    assert do(clerk, "public_notice", offer, "approve").status_code == 303
    until(lambda: "周末八折" in stranger.get(f"/d/{code}").text, seconds=10)
    page = text_of(stranger.get(f"/offers/{offer}"))
    assert "全场八折" in page and "0818-2345678" in page
    assert stranger.get(f"/offers/{offer}/photos/1").status_code == 200

    # Over with its last day, whatever its state.
    city.sql(f"update public_notice set shown_from = '2020-01-01', shown_until = '2020-01-02' where id = {offer}")
    assert stranger.get(f"/offers/{offer}").status_code == 404
    assert "已过期" in text_of(resident.get("/merchant"))
    city.sql(f"update public_notice set shown_from = '{TODAY}', shown_until = '{TODAY}' where id = {offer}")
    assert stranger.get(f"/offers/{offer}").status_code == 200, "the last day counts"

    assert resident.post(f"/offers/{offer}/withdraw").status_code == 303
    until(lambda: "周末八折" not in stranger.get(f"/d/{code}").text, seconds=10)
    assert stranger.get(f"/offers/{offer}").status_code == 404


def test_a_refused_notice_tells_why_and_a_revoked_merchant_says_nothing_any_more(city, clients, stranger, shop, newcomer):
    resident, clerk = clients("resident"), clients("clerk")
    if city.sql(f"select state from merchant where id = {shop['id']}") == "pending":
        assert do(clerk, "merchant", shop["id"], "approve").status_code == 303
    assert publish(city, resident, shop, "夸大的广告").status_code == 303
    offer = city.sql("select max(id) from public_notice")
    assert do(clerk, "public_notice", offer, "refuse", review_note="不能写包治百病").status_code == 303
    assert "不能写包治百病" in text_of(resident.get("/merchant"))
    assert "未通过" in text_of(resident.get("/messages")) and "夸大的广告" in text_of(resident.get("/messages"))
    assert publish(city, resident, shop, "开业酬宾").status_code == 303
    offer = city.sql("select max(id) from public_notice")
    assert do(clerk, "public_notice", offer, "approve").status_code == 303
    assert stranger.get(f"/offers/{offer}").status_code == 200
    # Somebody else neither withdraws it nor publishes there.
    other = clients("grid")
    assert other.post(f"/offers/{offer}/withdraw").status_code in (403, 404)
    assert publish(city, other, shop, "冒名").status_code == 404
    assert do(clerk, "merchant", shop["id"], "revoke", review_note="停业").status_code == 303
    assert stranger.get(f"/offers/{offer}").status_code == 404
    until(lambda: "开业酬宾" not in stranger.get(f"/d/{shop['here']['code']}").text, seconds=10)
    assert publish(city, resident, shop, "再发").status_code == 422


# --- what residents tell each other ------------------------------------------------------------------------------------------

TELEPHONE = "13890001234"


@pytest.fixture(scope="module")
def neighbourhood(city):
    """A plate of the clerk's community."""
    division = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'clerk'")
    return plate(city, f"starts_with(division_code, '{division}')")


def tell(city, client, here, title, until_day=TODAY + datetime.timedelta(days=20), kind="letting", **changed):
    return client.http.post(
        f"{city.base}/offers",
        data={
            "kind": kind, "title": title, "price": "1200 元/月", "content": "两室一厅，拎包入住。", "shown_from": str(TODAY),
            "shown_until": str(until_day), "contact_name": "王女士", "contact_phone": TELEPHONE, "code": here["code"], "_csrf": client.token(),
        } | changed, allow_redirects=False, timeout=60)


def published(city, clients, here, title, **changed):
    sent = tell(city, clients("resident"), here, title, **changed)
    assert sent.status_code == 303, Markup(sent.text).text[:1500]
    number = city.sql(f"select id from public_notice where title = '{title}'")
    assert do(clients("clerk"), "public_notice", number, "approve").status_code == 303
    return number


def test_a_resident_publishes_for_the_community_and_only_who_is_signed_in_sees_the_telephone(city, clients, stranger, neighbourhood):
    resident, clerk, reader = clients("resident"), clients("clerk"), clients("officer")
    assert tell(city, resident, neighbourhood, "促销", kind="promotion").status_code == 422, "only merchants promote"
    long = tell(city, resident, neighbourhood, "太久", until_day=TODAY + datetime.timedelta(days=120))
    assert long.status_code == 422 and "90 天" in long.text
    nowhere = tell(city, resident, neighbourhood, "没有地方", code="NO-SUCH-CODE")
    assert nowhere.status_code == 422 and "两室一厅，拎包入住。" in nowhere.text, "what was typed is kept"
    assert tell(city, resident, neighbourhood, "近学校两室出租").status_code == 303
    notice = city.sql("select id from public_notice where title = '近学校两室出租'")
    kept = city.sql(f"select division_code || '|' || coalesce(address_id::text, 'none') from public_notice where id = {notice}")
    assert kept == f"{neighbourhood['division']}|none", "the door stays private"
    assert TELEPHONE not in city.sql(f"select row_to_json(n)::text from public_notice n where id = {notice}")
    assert "近学校两室出租" not in text_of(stranger.get("/offers")) and stranger.get(f"/offers/{notice}").status_code == 404
    assert do(resident, "public_notice", notice, "approve").status_code in (403, 404), "nobody approves himself"
    assert "近学校两室出租" in text_of(clerk.get("/r/public_notice?state=pending"))
    assert do(clerk, "public_notice", notice, "approve").status_code == 303
    assert "近学校两室出租" in text_of(resident.get("/messages"))

    county = neighbourhood["division"][:6]
    for found in ("/offers?q=两室", "/offers?kind=letting", f"/offers?area={county}", f"/offers?area={neighbourhood['division']}"):
        assert "近学校两室出租" in text_of(stranger.get(found)), found
    for other in ("/offers?q=钢琴", "/offers?kind=job", "/offers?q=两室&kind=job"):
        assert "近学校两室出租" not in text_of(stranger.get(other)), other
    assert f"/offers?area={neighbourhood['division']}" in stranger.get(f"/d/{neighbourhood['code']}").text

    page = text_of(stranger.get(f"/offers/{notice}"))
    assert "1200 元/月" in page and "登录后可以查看联系电话" in page and TELEPHONE not in page
    assert TELEPHONE not in stranger.post(f"/offers/{notice}/contact").text
    assert TELEPHONE not in reader.get(f"/offers/{notice}").text, "not before it is asked for"
    before = city.sql("select count(*) from audit_entry where action = 'public_notice.reveal'")
    assert TELEPHONE in text_of(reader.post(f"/offers/{notice}/contact"))
    entry = city.sql(f"select record_id || '|' || purpose from audit_entry where action = 'public_notice.reveal' order by id desc limit 1")
    assert int(city.sql("select count(*) from audit_entry where action = 'public_notice.reveal'")) == int(before) + 1
    assert entry == f"{notice}|联系便民信息发布人"

    # Nothing is made public that is over.
    city.sql(f"update public_notice set state = 'pending', shown_from = '2020-01-01', shown_until = '2020-01-02' where id = {notice}")
    assert do(clerk, "public_notice", notice, "approve").status_code in (403, 409, 422)
    city.sql(f"update public_notice set state = 'approved' where id = {notice}")
    assert stranger.get(f"/offers/{notice}").status_code == 404 and "近学校两室出租" not in text_of(stranger.get("/offers"))
    assert "已过期" in text_of(resident.get("/offers/mine"))
    assert reader.post(f"/offers/{notice}/contact").status_code == 404, "nor the telephone"
    assert reader.post(f"/offers/{notice}/withdraw").status_code in (403, 404)
    assert resident.post(f"/offers/{notice}/withdraw").status_code == 303
    assert city.sql(f"select state from public_notice where id = {notice}") == "withdrawn"


def test_an_upheld_report_takes_a_notice_down_and_tells_both(city, clients, stranger, neighbourhood):
    resident, clerk, reader = clients("resident"), clients("clerk"), clients("officer")
    notice = published(city, clients, neighbourhood, "转让旧冰箱", kind="second_hand")
    assert stranger.get(f"/offers/{notice}/report").status_code in (302, 303, 401)
    own = resident.post(f"/offers/{notice}/report", {"reason": "fraud"})
    assert own.status_code == 422 and "自己发布" in own.text
    assert reader.post(f"/offers/{notice}/report", {"reason": "other"}).status_code == 422, "other wants words"
    assert reader.post(f"/offers/{notice}/report", {"reason": "fraud", "content": "先要押金"}).status_code == 303
    again = reader.post(f"/offers/{notice}/report", {"reason": "fraud"})
    assert again.status_code == 422 and "没有重复提交" in again.text
    asked = f"select id from notice_report where notice_id = {notice}"
    assert city.sql(asked) == "", "who reported whom is for those whose work it is"
    report = city.sql_of_persons(asked)
    looks = "select count(*) from audit_entry where entity = 'notice_report' and principal_kind = 'user' and action like '%.list'"
    before = int(city.sql(looks))
    assert "涉嫌诈骗" in text_of(clerk.get("/r/notice_report?state=open"))
    until(lambda: int(city.sql(looks)) > before, seconds=10)
    assert do(reader, "notice_report", report, "uphold", answer="是").status_code in (403, 404)
    # Nobody judges what is said of their own notice.
    publisher = city.sql(f"select user_id from public_notice where id = {notice}")
    city.sql(f"update public_notice set user_id = (select id from app_user where account = 'clerk') where id = {notice}")
    judged = do(clerk, "notice_report", report, "dismiss", answer="没有问题")
    assert judged.status_code in (403, 409, 422) and "请由其他人员核查" in judged.text, judged.text[:500]
    city.sql(f"update public_notice set user_id = {publisher} where id = {notice}")
    # Only its publisher withdraws; others take down and say why.
    assert do(clerk, "public_notice", notice, "withdraw").status_code in (403, 404, 409, 422)
    assert city.sql(f"select state from public_notice where id = {notice}") == "approved"
    assert do(clerk, "notice_report", report, "uphold", answer="核查属实，已下架").status_code == 303
    assert stranger.get(f"/offers/{notice}").status_code == 404
    assert "被下架" in text_of(resident.get("/offers/mine")) and "核查属实" in text_of(resident.get("/offers/mine"))
    assert "被下架" in text_of(resident.get("/messages"))
    assert "属实" in text_of(reader.get("/messages"))


def test_who_is_nobody_vouched_for_publishes_nothing(city, clients, neighbourhood):
    refused = tell(city, clients("clerk"), neighbourhood, "没有实名")
    assert refused.status_code == 403 and "实名" in refused.text


# --- favourites and figures ------------------------------------------------------------------------------------------------


def test_a_person_keeps_addresses_that_nobody_else_sees(city, clients, stranger, visit):
    one = plate(city)
    resident = clients("resident")
    page = visit("resident", "phone")
    page.goto(f"/d/{one['code']}")
    page.get_by_label("收藏备注").fill("外婆家")
    page.get_by_role("button", name="收藏这个地址").click()
    expect(page.get_by_text("已收藏：外婆家")).to_be_visible()
    page.goto("/favourites")
    page.get_by_role("link", name="外婆家").click()
    expect(page).to_have_url(re.compile(f"/d/{one['code']}$"))
    assert resident.post(f"/d/{one['code']}/favourite", {"label": "再来"}).status_code == 303
    [kept] = resident.json("/favourites").json()["items"]
    assert kept["label"] == "外婆家" and kept["code"] == one["code"]
    other = clients("grid")
    assert other.json("/favourites").json()["items"] == []
    assert other.post(f"/favourites/{kept['id']}/remove").status_code in (403, 404)
    assert other.get("/r/address_favourite").status_code == 403
    assert resident.post(f"/favourites/{kept['id']}/remove").status_code == 303
    assert resident.json("/favourites").json()["items"] == []
    scan = stranger.get(f"/d/{one['code']}").text
    assert "登录后可以收藏" in scan and "收藏备注" not in scan
    assert stranger.get("/favourites").status_code in (303, 401)


def test_scans_are_counted_by_day_and_place_and_within_the_scope(city, clients, stranger):
    one = plate(city, "starts_with(division_code, (select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'))")
    leader, path = clients("leader"), f"/statistics/scans?since={TODAY}&until={TODAY}"
    before = leader.json(path).json()["scans"]
    for _ in range(3):
        assert stranger.get(f"/d/{one['code']}").status_code == 200
    until(lambda: leader.json(path).json()["scans"] >= before + 3, seconds=15)
    figures = leader.json(path).json()
    assert figures["days"][-1]["key"] == str(TODAY) and sum(place["scans"] for place in figures["places"]) == figures["scans"]
    people = int(city.sql("select count(*) from app_user where unit_id is null"))
    assert figures["users"]["all"] == people
    # The station counts its own division only.
    division = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    own = int(city.sql(
        f"select coalesce(sum(s.scans), 0) from scan_count s join address a on a.id = s.address_id where s.day = '{TODAY}' and starts_with(a.division_code, '{division}')"))
    assert clients("station").json(path).json()["scans"] == own
    csv = leader.get(f"/statistics/scans/export?since={TODAY}&until={TODAY}")
    assert csv.status_code == 200 and str(TODAY) in csv.content.decode("utf-8-sig")
    assert clients("station").get(f"/statistics/scans/export?since={TODAY}&until={TODAY}").status_code == 403
    assert clients("officer").get("/statistics/scans").status_code == 403
    assert leader.get("/statistics/scans?since=2026-13-01").status_code == 400
