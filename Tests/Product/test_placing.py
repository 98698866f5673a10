"""Addresses that come without a position or links get them from their building, their neighbours, their road."""

import json

import pytest

PLACED = "location_source, road_id, grid_id, police_station_id, st_x(location), st_y(location)"


@pytest.fixture(scope="module")
def street(city):
    """Two numbers of one side of a road with a gap between them: division, road, the two with their positions."""
    row = city.sql(
        "select a.division_code, a.road, a.n, st_x(a.location), st_y(a.location), b.n, st_x(b.location), st_y(b.location) from "
        "(select *, substring(house_number from '^[0-9]+')::int n from address where kind = 'roadside') a join "
        "(select *, substring(house_number from '^[0-9]+')::int n from address where kind = 'roadside') b "
        "on a.road = b.road and a.division_code = b.division_code and b.n - a.n >= 6 and (b.n - a.n) % 2 = 0 "
        "where a.division_code like '511702%' and not exists (select from address c where c.road = a.road "
        "and left(c.division_code, 9) = left(a.division_code, 9) and c.kind in ('roadside', 'compound') "
        "and substring(c.house_number from '^[0-9]+')::int between a.n + 1 and b.n - 1) order by b.n - a.n, a.id limit 1").split("|")
    assert len(row) == 8, "no road of the demo city has a gap"
    low, high = (int(row[2]), float(row[3]), float(row[4])), (int(row[5]), float(row[6]), float(row[7]))
    return row[0], row[1], low, high


def between(low, high, number):
    share = (number - low[0]) / (high[0] - low[0])
    return low[1] + (high[1] - low[1]) * share, low[2] + (high[2] - low[2]) * share


def enter(client, **fields):
    made = client.send("POST", "/api/r/address", fields)
    assert made.status_code == 201, made.text
    return made.json()["id"]


def placed(city, record):
    source, *links, x, y = city.sql(f"select {PLACED} from address where id = {record}").split("|")
    return source, links, (float(x), float(y))


def test_a_number_between_two_others_lies_between_them(city, clients, street):
    division, road, low, high = street
    record = enter(clients("clerk"), division_code=division, road=road, house_number=f"{low[0] + 2}号")
    source, links, place = placed(city, record)
    assert source == "interpolated" and place == pytest.approx(between(low, high, low[0] + 2), abs=1e-6)
    assert all(links), "road, grid and station are known"
    assert city.sql(f"select name from road where id = {links[0]}") == road
    assert city.sql(f"select coalesce(beat, '') from address where id = {record}") != ""
    page = clients("clerk").get(f"/r/address/{record}").text
    assert "门牌号插值" in page


def test_what_was_thought_out_follows_a_change_and_what_was_measured_stays(city, clients, street):
    division, road, low, high = street
    clerk = clients("clerk")
    record = enter(clerk, division_code=division, road=road, house_number=f"{low[0] + 4}号")
    version = clerk.json(f"/api/r/address/{record}").json()["version"]
    # The same plate with a branch number: still the same place, by the same neighbours.
    moved = clerk.send("PATCH", f"/api/r/address/{record}", {"version": version, "sub_number": "附1号"})
    assert moved.status_code == 200, moved.text
    assert placed(city, record)[2] == pytest.approx(between(low, high, low[0] + 4), abs=1e-6)
    here = {"type": "Point", "coordinates": [107.5, 31.2]}
    version = moved.json()["version"]
    moved = clerk.send("PATCH", f"/api/r/address/{record}", {"version": version, "location": here})
    assert moved.status_code == 200, moved.text
    assert placed(city, record)[0] == "", "who moves the point by hand has not interpolated"
    moved = clerk.send(
        "PATCH", f"/api/r/address/{record}", {"version": moved.json()["version"], "sub_number": "附2号"})
    assert moved.status_code == 200, moved.text
    assert placed(city, record)[2] == (107.5, 31.2)


def test_a_room_lies_in_its_building(city, clients):
    unit, division, place = city.sql(
        "select id, division_code, st_x(location) || ' ' || st_y(location) from address where kind = 'unit' "
        "and division_code like '511702%' and location is not null and road_id is not null order by id limit 1").split("|")
    parts = {name: text for name, text in clients("clerk").json(f"/api/r/address/{unit}").json().items() if name in (
        "community", "road", "lane", "house_number", "compound", "building_number", "unit_number") and text}
    record = enter(clients("clerk"), division_code=division, room="9901室", **parts)
    source, links, found = placed(city, record)
    assert source == "building" and found == pytest.approx(tuple(map(float, place.split())))
    assert city.sql(f"select parent_id from address where id = {record}") == unit
    assert all(links)


def test_a_road_that_nobody_has_registered_leaves_no_link_to_the_one_before(city, clients, street):
    division, road, low, _ = street
    clerk = clients("clerk")
    record = enter(clerk, division_code=division, road=road, house_number=f"{low[0] + 2}号", sub_number="附8号")
    assert placed(city, record)[1][0] != ""
    kept = placed(city, record)[1][1:]
    moved = clerk.send("PATCH", f"/api/r/address/{record}", {"version": 1, "road": "还没有登记的路"})
    assert moved.status_code == 200, moved.text
    assert placed(city, record)[1] == ["", *kept]


def test_an_imported_list_is_placed_by_the_command_and_again_changes_nothing(city, street, tmp_path):
    division, road, low, high = street
    name = city.sql(f"select full_name from division where code = '{division}'").removeprefix("中国")
    far = high[0] + 1000 + (high[0] % 2 == 0)
    listing = tmp_path / "list.csv"
    listing.write_text(f"地址\n{name}{road}{low[0] + 2}号副楼1单元301室\n{name}{road}{far}号\n", encoding="utf-8")
    city.run("import", "addresses", str(listing))
    before = city.sql("select count(*), count(location), sum(version) from address")
    counts = json.loads(city.run("address", "place", "--json"))
    assert counts["placed"] >= 1 and counts["located"] >= 1, (before, counts)
    # Beyond the last number nobody knows more than the road.
    assert city.sql(f"select location_source, road_id is not null, version from address where road = '{road}' and house_number = '{far}号'") == "place|t|2"
    again = json.loads(city.run("address", "place", "--json"))
    assert again["placed"] == 0 and again["located"] == 0
    entry = city.sql("select count(*) from audit_entry where action = 'address.place'")
    assert int(entry) >= 1
