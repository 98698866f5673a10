"""The published interface: what its description promises, tried by schemathesis, by GDAL, and by keys without rights."""

import json

import subprocess

import pytest
import schemathesis
from clients import Client, until
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import checks
from schemathesis.specs.openapi import checks as described
from visitors import make_key


@pytest.fixture(scope="module")
def registers(own_city):
    return sorted(json.loads(own_city.run("openapi"))["components"]["schemas"])


@pytest.fixture(scope="module")
def key(own_city):
    """A key that may do everything in the registers of the city."""
    subjects = [name for name in own_city.sql("select string_agg(distinct subject, ',') from role_grant").split(",")]
    actions = ("view", "create", "update", "delete", "history", "export", "import", "reveal")
    reserved = set(own_city.sql("select coalesce(string_agg(subject || '.' || action, ','), '') from reserved_permission").split(","))
    grants = [(subject, action) for subject in subjects for action in actions if f"{subject}.{action}" not in reserved]
    made = make_key(own_city, "everything", [*grants, ("case_work", "relay")])
    own_city.sql(f"update api_key set provider_id = (select min(id) from identity_provider) where id = {made.split('_')[1]}; notify identity, 'api_key'")
    return made


def description(own_city):
    return json.loads(own_city.run("openapi"))


def test_the_description_is_published_as_the_command_prints_it(own_city):
    served = Client(own_city.base).json("/api/openapi.json")
    assert served.status_code == 200
    document, printed = served.json(), description(own_city)
    assert document["openapi"].startswith("3.1")
    assert document["paths"].keys() == printed["paths"].keys()
    assert len(document["paths"]) > 40


def operations(document):
    return [(method.upper(), path) for path, item in document["paths"].items() for method in item if method in ("get", "post", "put", "patch", "delete")]


def test_every_described_operation_is_served(own_city, key):
    """None of them is 404 for its path or 405 for its method."""
    client = Client(own_city.base, key)
    for method, path in operations(description(own_city)):
        sample = path.replace("{id}", "1").replace("{code}", "x").replace("{feature}", "1").replace("{featureId}", "1").replace("{collectionId}", "road").replace("{item}", "hukou_001").replace("{number}", "0")
        answer = client.send(method, sample, {} if method in ("POST", "PATCH") else None)
        assert answer.status_code not in (405, 501) and answer.status_code < 500, (method, path, answer.text[:200])
        assert answer.status_code != 404 or answer.json()["code"] not in ("route-unknown", "not-found"), (method, path)


def test_units_and_users_of_another_system_are_taken_over(own_city, key):
    """A tree of units in any order, then users in them; the same call again changes nothing."""
    assert Client(own_city.base, key).send("POST", "/api/r/unit/batch", {"rows": [{"code": "X-0"}]}).status_code == 403
    client = Client(own_city.base, make_key(own_city, "system_admin"))
    source = {"external_source": "统一身份平台"}
    units = {"key": ["external_source", "external_code"], "label": "统一身份平台", "rows": [
        {**source, "external_code": "2", "code": "X-2", "name": "二级科室", "parent_id": "X-1"},
        {**source, "external_code": "1", "code": "X-1", "name": "一级单位", "division_code": "511702"}]}
    taken = client.send("POST", "/api/r/unit/batch", units)
    assert taken.status_code == 200 and taken.json()["created"] == 2, taken.text
    users = {"key": ["external_source", "external_code"], "rows": [
        {**source, "external_code": "u1", "account": "ext-1", "name": "外来用户", "unit_id": "X-2", "clearance": "inner"},
        {**source, "external_code": "u2", "account": "ext-2", "name": "无单位", "unit_id": "没有这个单位", "clearance": "inner"}]}
    outcome = client.send("POST", "/api/r/app_user/batch", users).json()
    assert [row["result"] for row in outcome["rows"]] == ["created", "rejected"], outcome
    assert outcome["rows"][1]["field"] == "unit_id"
    again = client.send("POST", "/api/r/unit/batch", units).json()
    assert again["unchanged"] == 2, again


def test_nothing_is_open_to_nobody(own_city):
    """Without key and session only what the description marks as public answers with data."""
    document = description(own_city)
    client = Client(own_city.base)
    public = {"division", "road", "building", "grid", "public_facility", "police_station"}
    for method, path in operations(document):
        operation = document["paths"][path][method.lower()]
        name = path.split("/")[3] if path.startswith("/api/r/") else ""
        if operation.get("security") == [] or not name or name in public and method == "GET":
            continue
        answer = client.http.request(method, own_city.base + path.replace("{id}", "1"), json={} if method in ("POST", "PATCH") else None,
                                     headers={"Accept": "application/json"}, timeout=60)
        assert answer.status_code in (401, 403), (method, path, answer.status_code)


@pytest.mark.parametrize("text", ["x", "lfk_1_x", "lfk_1_", "lfk__", "lfk_9223372036854775808_x", "lfk_1_" + "a" * 4000, "lfk_-1_x", "lfk_1'--_x"])
def test_a_wrong_key_opens_nothing(own_city, key, text):
    answer = Client(own_city.base, text).json("/api/r/person")
    assert answer.status_code in (401, 403, 431), answer.text
    other = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert Client(own_city.base, other).json("/api/r/road").status_code == 401


def test_a_key_that_is_stopped_stops_at_once(own_city):
    one = make_key(own_city, "stopped", [("road", "view")])
    client = Client(own_city.base, one)
    assert client.json("/api/r/road").status_code == 200
    assert client.json("/api/r/person").status_code == 403
    own_city.sql(f"update api_key set status = 'disabled' where id = {one.split('_')[1]}; notify identity, 'api_key'")
    until(lambda: client.json("/api/r/road").status_code == 403, 10)


def test_schemathesis_finds_no_server_error(own_city, key):
    """Generated requests, sound and unsound, to every operation; each answer is one the description knows."""
    schema = schemathesis.openapi.from_url(own_city.base + "/api/openapi.json")
    failures = []
    wanted = [checks.not_a_server_error, described.status_code_conformance, described.content_type_conformance, described.response_schema_conformance]
    http = Client(own_city.base).http  # an address of its own: limits by address do not stand in the way
    http.headers["Accept"] = "*/*"
    for result in schema.get_all_operations():
        operation = result.ok()
        # Registers have one code between them and differ in their fields: a few requests to each are thousands in all.
        examples = 4 if operation.path.startswith("/api/r/") else 12

        @settings(max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
        @schema_given(operation)
        def attempt(case):
            response = case.call(session=http, headers={"X-API-Key": key}, base_url=own_city.base, timeout=60)
            try:
                case.validate_response(response, checks=wanted)
            except BaseException as failure:  # noqa: BLE001 — all of them are told together
                text = str(failure)
                failures.append(f"{operation.method.upper()} {operation.path}: {response.status_code} {text[:700]}")
                raise

        try:
            attempt()
        except BaseException as failure:  # noqa: BLE001
            if not failures or isinstance(failure, KeyboardInterrupt):
                raise
    assert Client(own_city.base).get("/healthz").status_code == 200
    assert not failures, f"{len(failures)} failures:\n" + "\n".join(dict.fromkeys(failures))[:12000]


def schema_given(operation):
    modes = [operation.as_strategy(generation_mode=mode) for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)]
    return given(case=strategies.one_of(*modes))


# --- GDAL --------------------------------------------------------------------------------------------------------------


def ogrinfo(*arguments):
    done = subprocess.run(["ogrinfo", "-ro", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return done.returncode, done.stdout


def test_gdal_lists_the_collections(own_city):
    code, said = ogrinfo(f"OAPIF:{own_city.base}/api/features")
    assert code == 0, said
    for name in ("division", "road", "building", "grid", "public_facility"):
        assert name in said, said
    assert "person" not in said and "organisation" not in said, "a stranger sees public collections only"


@pytest.mark.parametrize("name", ["division", "road"])
def test_gdal_reads_all_features_of_a_collection(own_city, name):
    """Page by page, as many as the database has, with their geometry."""
    expected = int(own_city.sql(f"select count(*) from {name}"))
    code, said = ogrinfo("-al", "-so", f"OAPIF:{own_city.base}/api/features", name)
    assert code == 0 and f"Feature Count: {expected}" in said, said[-1500:]
    whole = subprocess.run(["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", f"OAPIF:{own_city.base}/api/features", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    assert whole.returncode == 0, whole.stderr
    features = json.loads(whole.stdout)["features"]
    assert len(features) == expected
    assert any(feature["geometry"] for feature in features)


def test_gdal_filters_by_box(own_city):
    box = own_city.sql("select st_xmin(e), st_ymin(e), (st_xmin(e) + st_xmax(e)) / 2, (st_ymin(e) + st_ymax(e)) / 2 from (select st_extent(line) e from road) x").split("|")
    expected = own_city.sql(f"select count(*) from road where st_intersects(line, st_makeenvelope({','.join(box)}, st_srid(line)))")
    answer = Client(own_city.base).json("/api/features/collections/road/items?limit=1000&bbox=" + ",".join(box))
    assert answer.status_code == 200 and str(answer.json()["numberMatched"]) == expected, answer.text[:300]
    assert 0 < int(expected) < int(own_city.sql("select count(*) from road"))


def test_features_follow_the_scope_of_the_key(own_city, key):
    for name in ("organisation", "building", "compound"):
        answer = Client(own_city.base, key).json(f"/api/features/collections/{name}/items?limit=5")
        assert answer.status_code == 200, answer.text[:300]
        assert answer.json()["type"] == "FeatureCollection"
    assert Client(own_city.base).json("/api/features/collections/organisation/items").status_code in (401, 403)



