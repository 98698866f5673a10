"""Grids of one kind leave no ground out and share none: what is found, shown on the map, mended and gone."""

import json
import subprocess

import pytest
from clients import until
from playwright.sync_api import expect
from test_map import features, tile_of


@pytest.fixture(scope="module")
def inspected(city):
    """The first inspection of the demo city's grids has ended."""
    until(lambda: city.sql("select count(*) from job where kind = 'grid-quality' and state = 'done'") != "0")
    return city


def defect(city, kind, more="true"):
    found = city.sql(f"select id from grid_defect where kind = '{kind}' and state = 'open' and {more} order by id limit 1")
    assert found, kind
    return found


def gdal(tmp_path, collection, statement):
    """What GDAL answers over features with `kind`, `side` and a shape."""
    source = tmp_path / "shapes.geojson"
    source.write_text(json.dumps({"type": "FeatureCollection", "features": collection}))
    done = subprocess.run(
        ["ogr2ogr", "-f", "CSV", "/vsistdout/", source, "-dialect", "SQLite", "-sql", statement],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    return [line.split(",") for line in done.stdout.replace('"', "").splitlines()[1:]]


def test_gdal_finds_the_same_gaps_and_overlaps(inspected, tmp_path):
    rows = inspected.sql("select json_build_object('type', 'Feature', 'properties', json_build_object('id', id, 'kind', kind, 'division', division_code), "
                         "'geometry', st_asgeojson(boundary, 12)::json) from grid where kind in ('sanitation', 'enforcement') and status = 'active'")
    grids = [json.loads(line) for line in rows.splitlines()]
    shared = gdal(tmp_path, grids,
                  "select a.id || ' ' || b.id as pair, st_area(st_intersection(a.geometry, b.geometry)) as share from shapes a, shapes b "
                  "where a.kind = b.kind and a.id < b.id and st_area(st_intersection(a.geometry, b.geometry)) > 1e-10")
    ours = dict(line.split("|") for line in inspected.sql(
        "select grid_id || ' ' || other_id, st_area(place) from grid_defect where kind = 'overlap' and grid_kind in ('sanitation', 'enforcement')").splitlines())
    assert {pair for pair, _ in shared} == set(ours) and ours
    for pair, share in shared:
        assert float(share) == pytest.approx(float(ours[pair]), rel=1e-4)
    whole = inspected.sql("select json_build_object('type', 'Feature', 'properties', json_build_object('id', 0, 'kind', 'ground', 'division', code), "
                          "'geometry', st_asgeojson(boundary, 12)::json) from division where code in (select division_code from grid where kind = 'enforcement')")
    missing = gdal(tmp_path, grids + [json.loads(line) for line in whole.splitlines()],
                   "select d.division, st_area(st_difference(d.geometry, st_union(g.geometry))) as gap from shapes d, shapes g "
                   "where d.kind = 'ground' and g.kind = 'enforcement' and g.division = d.division group by d.division having gap > 1e-10")
    ours = dict(line.split("|") for line in inspected.sql(
        "select division_code, sum(st_area(place)) from grid_defect where kind = 'gap' and grid_kind = 'enforcement' group by 1").splitlines())
    assert {division for division, _ in missing} == set(ours) and ours
    for division, gap in missing:
        assert float(gap) == pytest.approx(float(ours[division]), rel=1e-4)


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_way_leads_from_the_overview_to_the_ground_on_the_map(visit, inspected, size, tmp_path):
    number = defect(inspected, "overlap")
    page = visit("leader", size)
    page.goto("/grids/quality")
    page.get_by_role("link", name="重叠").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("问题网格")
    expect(page.locator("tbody tr").first).to_contain_text("重叠")
    with page.expect_response(lambda answer: "/tiles/defects-open/" in answer.url):
        page.goto(f"/grids/defects/{number}")
    x, y = map(float, inspected.sql(f"select st_x(c), st_y(c) from (select st_pointonsurface(place) as c from grid_defect where id = {number}) t").split("|"))
    drawn = features(page, f"/tiles/defects-open/{tile_of(x, y, 15)}.mvt", tmp_path)
    assert inspected.sql(f"select subject from grid_defect where id = {number}") in {feature["properties"]["label"] for feature in drawn}
    expect(page.locator(".notice").first).to_contain_text("㎡")
    for field in ("grid_id", "other_id"):
        grid = inspected.sql(f"select {field} from grid_defect where id = {number}")
        expect(page.locator(f"a[href='/r/grid/{grid}']").first).to_be_visible()


def test_a_clerk_gives_shared_ground_to_one_grid_and_the_defect_is_gone(visit, inspected):
    number, kept, giving = inspected.sql(
        "select id, grid_id, other_id from grid_defect where kind = 'overlap' and state = 'open' order by id limit 1").split("|")
    before = float(inspected.sql(f"select st_area(boundary) from grid where id = {giving}"))
    page = visit("data")
    page.goto(f"/grids/defects/{number}")
    page.get_by_role("link", name="重叠归前一个").click()
    page.get_by_role("dialog").get_by_role("button", name="重叠归前一个").click()
    expect(page.locator(".toast, .flash, [role=status]").first).to_contain_text("重叠归前一个")
    assert inspected.sql(f"select state, kept_id from grid_defect where id = {number}") == f"fixed|{kept}"
    assert float(inspected.sql(f"select st_area(boundary) from grid where id = {giving}")) < before
    assert inspected.sql(f"select count(*) from grid a, grid b, lifang_ground_pieces(st_intersection(a.boundary, b.boundary)) where a.id = {kept} and b.id = {giving}") == "0"
    page.goto("/grids/quality")
    page.get_by_role("button", name="现在检查").click()
    until(lambda: int(inspected.sql("select count(*) from job where kind = 'grid-quality' and state = 'done'")) >= 2)
    assert inspected.sql(f"select state from grid_defect where id = {number}") == "fixed"


def test_a_grid_corrected_by_hand_settles_its_gap(inspected, clients):
    number, kind, division = inspected.sql(
        "select id, grid_kind, division_code from grid_defect where kind = 'gap' and grid_kind = 'enforcement' and state = 'open' limit 1").split("|")
    grid = inspected.sql(f"select id from grid where kind = '{kind}' and division_code = '{division}'")
    whole = json.loads(inspected.sql(f"select st_asgeojson(boundary, 12) from division where code = '{division}'"))
    changed = clients("data").send("PATCH", f"/api/r/grid/{grid}", {"boundary": whole})
    assert changed.status_code == 200, changed.text
    assert inspected.sql(f"select state, reason from grid_defect where id = {number}") == "fixed|网格范围已修改"


def test_only_those_with_the_right_inspect_and_mend(inspected, clients):
    number = inspected.sql("select id from grid_defect order by id limit 1")
    assert clients("resident").get("/grids/quality").status_code == 403
    assert clients("leader").post("/grids/quality/inspect").status_code == 403
    assert clients("leader").post(f"/r/grid_defect/{number}/do/keep", {"reason": "不用改"}).status_code == 403
    assert clients("grid").get(f"/grids/defects/{number}").status_code == 403
    gap = inspected.sql("select id from grid_defect where kind = 'gap' and state = 'open' limit 1")
    refused = clients("data").post(f"/r/grid_defect/{gap}/do/absorb_into")
    assert refused.status_code == 422, refused.status_code
    assert inspected.sql(f"select state from grid_defect where id = {gap}") == "open", "into no grid is no remedy"
