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
    with page.expect_response(re.compile("/tiles/grids/")) as answer:
        page.get_by_label("网格").check()
    assert answer.value.status == 200


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
