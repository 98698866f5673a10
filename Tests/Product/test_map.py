"""The map: its layers arrive, a search and a click locate a plate, tiles count what the viewer may see."""

import json
import math
import re
import subprocess

from playwright.sync_api import expect


def features(page, path, tmp_path):
    """The features of a tile, read by GDAL."""
    answer = page.request.get(path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    if not answer.body():
        return []
    tile, json_file = tmp_path / "tile.mvt", tmp_path / "tile.json"
    tile.write_bytes(answer.body())
    json_file.unlink(missing_ok=True)
    subprocess.run(["ogr2ogr", "-f", "GeoJSON", json_file, tile], check=True, stderr=subprocess.DEVNULL)
    return json.loads(json_file.read_text())["features"]


def tile_of(longitude, latitude, zoom):
    x = int((longitude + 180) / 360 * 2**zoom)
    y = int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * 2**zoom)
    return f"{zoom}/{x}/{y}"


def ready(page):
    page.wait_for_selector("[data-map][data-ready=true]")


def test_layers_load_and_can_be_switched(visit):
    page = visit("leader")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/map?q=米市")
    ready(page)
    for layer in ("divisions", "roads", "buildings", "addresses"):
        assert any(f"/tiles/{layer}/" in url for url in asked), layer
    assert not any("/tiles/grids/" in url for url in asked)
    with page.expect_response(re.compile("/tiles/grids-work/")) as answer:
        page.get_by_label("工作网格").check()
    assert answer.value.status == 200


def test_grids_of_each_kind_are_a_layer_of_their_own(visit, city, tmp_path):
    page = visit("leader")
    page.goto("/map")
    ready(page)
    kinds = {"unit": "城市管理单元网格", "work": "工作网格", "sanitation": "环卫巡查网格", "greening": "环卫绿化养护区域网格", "enforcement": "城管执法巡查网格"}
    x, y = map(float, city.sql("select st_x(c), st_y(c) from (select st_centroid(st_collect(boundary)) as c from grid where kind = 'sanitation') t").split("|"))
    for kind, label in kinds.items():
        expect(page.get_by_label(label, exact=True)).to_be_visible()
        drawn = {feature["properties"]["label"] for feature in features(page, f"/tiles/grids-{kind}/{tile_of(x, y, 12)}.mvt", tmp_path)}
        stored = set(city.sql(f"select name from grid where kind = '{kind}'").splitlines())
        assert drawn and drawn <= stored, kind
    assert page.request.get(f"/tiles/roads-main/{tile_of(x, y, 12)}.mvt").status == 404


def test_search_locates_a_plate_and_the_list_opens_its_card(visit, city):
    code, name = city.sql("select code, full_name from address where kind = 'roadside' order by id limit 1").split("|")
    page = visit("leader")
    page.goto("/map")
    page.get_by_label("查找地址、地名、设施、门牌编码或坐标").fill(code)
    page.get_by_role("button", name="定位").click()
    item = page.locator(".map-item")
    expect(item).to_have_count(1)
    expect(item).to_contain_text(name)
    ready(page)
    expect(page.locator(".map-pin")).to_have_count(1)
    item.click()
    expect(page.locator(".map-card").first).to_contain_text(name)


def test_a_coordinate_finds_the_plates_around_it_nearest_first(visit, city):
    x, y = city.sql("select st_x(location), st_y(location) from address where kind = 'roadside' order by id limit 1").split("|")
    page = visit("leader")
    page.goto(f"/map?q={x},{y}")
    metres = [int(text.split()[0]) for text in page.locator(".map-item-note").all_inner_texts()]
    assert metres and metres[0] == 0 and metres == sorted(metres)


def test_a_city_seen_from_afar_counts_its_addresses(visit, city, tmp_path):
    """The counts are numbers: the style draws nothing where they are text."""
    page = visit("leader")
    x, y = map(float, city.sql("select avg(st_x(location)), avg(st_y(location)) from address where division_code like '511702%'").split("|"))
    found = features(page, f"/tiles/addresses/{tile_of(x, y, 11)}.mvt", tmp_path)
    counts = [feature["properties"]["count"] for feature in found]
    assert all(isinstance(count, int) for count in counts)
    assert max(counts) > 100


def test_tiles_hold_what_is_in_the_viewers_scope(visit, city, tmp_path):
    x, y = map(float, city.sql("select avg(st_x(location)), avg(st_y(location)) from address where division_code = '511702001001'").split("|"))
    path = f"/tiles/addresses/{tile_of(x, y, 12)}.mvt"
    officer = sum(feature["properties"]["count"] for feature in features(visit("officer"), path, tmp_path))
    leader = sum(feature["properties"]["count"] for feature in features(visit("leader"), path, tmp_path))
    inside = int(city.sql("select count(*) from address where division_code = '511702001001'"))
    assert 0 < officer <= inside
    assert leader > officer


def test_a_place_is_found_by_direction_and_distance_from_another(visit, city):
    name, county, town, x, y = city.sql(
        "select c.name, d.name, t.name, (st_xmin(c.boundary) + st_xmax(c.boundary)) / 2, (st_ymin(c.boundary) + st_ymax(c.boundary)) / 2 "
        "from compound c join division t on t.code = left(c.division_code, 9) join division d on d.code = left(c.division_code, 6) "
        "where c.boundary is not null and c.name in (select name from compound group by name having count(*) = 1) order by c.id limit 1").split("|")
    page = visit("leader")
    for text in (f"{name}东北约200米", f"达州市{county}{town}{name}东北约200米"):
        found = page.request.get("/map", params={"q": text}, headers={"Accept": "application/json"}).json()["items"]
        best = found[0]
        assert best["title"] == f"{name}东北约 200 米" and best["note"] == "概略位置", text
        east = (best["at"][0] - float(x)) * math.cos(math.radians(float(y))) * 111195
        north = (best["at"][1] - float(y)) * 111195
        assert abs(east - 141.4) < 2 and abs(north - 141.4) < 2, text
    page.goto(f"/map?q={name}东北约200米")
    expect(page.locator(".map-item").first).to_contain_text("东北约 200 米")
    page.goto(f"/map?q={name}北侧")
    expect(page.locator(".map-item").first).to_contain_text(f"{name}北")


def test_an_address_keeps_its_direction_as_a_segment(clients, city):
    number = city.sql("select id from address where kind = 'roadside' and status <> 'cancelled' and division_code like '511702001%' order by id limit 1")
    station = clients("station")
    name = station.json(f"/api/r/address/{number}").json()["full_name"]
    changed = station.send("PATCH", f"/api/r/address/{number}", {"direction": "opposite", "note": "市一中正门对面的平房"})
    assert changed.status_code == 200, changed.text
    kept = station.json(f"/api/r/address/{number}").json()
    assert kept["direction"] == "opposite" and kept["full_name"] == name
    refused = station.send("PATCH", f"/api/r/address/{number}", {"direction": "up_there"})
    assert refused.status_code == 422


def test_a_prominent_building_is_found_drawn_and_used_to_describe_places(visit, clients, city, tmp_path):
    number, name, x, y = city.sql(
        "select id, name, (st_xmin(footprint) + st_xmax(footprint)) / 2, (st_ymin(footprint) + st_ymax(footprint)) / 2 from building "
        "where footprint is not null and status = 'active' and division_code like '511702%' and name in (select name from building group by name having count(*) = 1) order by id desc limit 1").split("|")
    area = tile_of(float(x), float(y), 12)
    page = visit("leader")
    assert number not in {str(one["properties"].get("id")) for one in features(page, f"/tiles/landmarks/{area}.mvt", tmp_path)}
    data = clients("tongchuan")
    blank = data.post(f"/r/building/{number}/do/list_prominent", {"prominence": ""})
    assert blank.status_code == 422 and "还没有填写" in blank.text
    done = data.post(f"/r/building/{number}/do/list_prominent", {"prominence": "landmark"})
    assert done.status_code == 303, done.text
    assert data.post(f"/r/building/{number}/do/list_prominent", {"prominence": ""}).status_code == 422
    assert city.sql(f"select prominence from building where id = {number}") == "landmark"
    assert clients("grid").post(f"/r/building/{number}/do/unlist_prominent").status_code == 403
    assert name in {one["properties"]["label"] for one in features(page, f"/tiles/landmarks/{area}.mvt", tmp_path)}
    found = page.request.get("/map", params={"q": name}, headers={"Accept": "application/json"}).json()["items"]
    assert found[0]["title"] == name and found[0]["note"] == "突出建筑"
    near = page.request.get("/map", params={"q": f"{name}南300米"}, headers={"Accept": "application/json"}).json()["items"]
    assert abs((float(y) - near[0]["at"][1]) * 111195 - 300) < 2
    page.goto("/r/building?view=prominent")
    expect(page.get_by_role("heading", level=1)).to_have_text("突出建筑库")
    expect(page.locator("tbody")).to_contain_text(name)
