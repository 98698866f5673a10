"""Other systems follow changes: pushed, signed, at least once, whatever dies in between; and addresses with their QR codes."""

import base64
import csv
import hashlib
import hmac
import io
import json
import re
import subprocess
import threading
import zipfile

import pytest
from clients import Client, Markup, PeerHandler, serve, until
from visitors import make_key


class Subscriber:
    """A system that takes changes, checks who sent them, and may fail on purpose."""

    def __init__(self):
        self.secret, self.lock = "", threading.Lock()
        self.fail, self.count = False, 0
        self.changes, self.bodies, self.unsigned = {}, [], 0
        subscriber = self

        class Handler(PeerHandler):
            def do_POST(self):
                self.say(status=subscriber.take(self.path, self.headers, self.body()))

        self.server, base = serve(Handler)
        self.host = base.removeprefix("http://")

    def take(self, path, headers, body):
        text = "\n".join(
            ["POST", path, headers["X-Lifang-Time"], headers["X-Lifang-Request"], hashlib.new("sm3", body).hexdigest()])
        made = hmac.new(self.secret.encode(), text.encode(), "sm3").hexdigest()
        with self.lock:
            self.count += 1
            if not hmac.compare_digest(made, headers["X-Lifang-Signature"]):
                self.unsigned += 1
                return 401
            # Every third is refused, every fourth taken and answered as if it were not.
            if self.fail and self.count % 3 == 0:
                return 500
            content = json.loads(body)
            self.bodies.append(content)
            for change in content["changes"]:
                self.changes.setdefault(change["id"], change)
            return 503 if self.fail and self.count % 4 == 0 else 200

    def records(self):
        """The latest state of each record, as a subscriber that drops repetitions has it."""
        known = {}
        with self.lock:
            for change in self.changes.values():
                if change["operation"] == "remove":
                    known.pop(change["recordId"], None)
                elif known.get(change["recordId"], {"version": 0})["version"] <= change["record"]["version"]:
                    known[change["recordId"]] = change["record"]
        return known

    def seen(self, record, field, value):
        return lambda: self.records().get(int(record), {}).get(field) == value


@pytest.fixture
def subscriber():
    one = Subscriber()
    yield one
    one.server.shutdown()


def signed_in(city, account):
    client = Client(city.base)
    client.sign_in(account, city.accounts[account])
    return client


def allow(city, host):
    saved = signed_in(city, "sysadmin").post("/settings/parameters/subscription.hosts", {"value": host})
    assert saved.status_code == 303, saved.text[:500]
    for name in ("first_delay", "longest_delay"):
        signed_in(city, "sysadmin").post(f"/settings/parameters/subscription.{name}", {"value": "1"})


def subscribe(city, subscriber, register, role="integrator", grants=(), start=True, **more):
    """A subscription as the officer makes it: registered, given a secret, tried, started."""
    key = make_key(city, role, grants)
    officer = signed_in(city, "secadmin")
    body = {
        "label": "数据局", "key_id": int(key.split("_")[1]), "register": register,
        "address": f"http://{subscriber.host}/lifang/changes", **more}
    made = officer.send("POST", "/api/r/subscription", body)
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    page = officer.post(f"/subscriptions/{number}/secret")
    assert page.status_code == 200, page.text[:500]
    subscriber.secret = re.search(r"签名密钥\s*([A-Za-z0-9_-]{40,})", Markup(page.text).text).group(1)
    assert subscriber.secret not in officer.get(f"/subscriptions/{number}").text
    if start:
        assert officer.post(f"/subscriptions/{number}/probe").status_code == 303
        assert subscriber.bodies[-1]["changes"] == []
        assert officer.post(f"/r/subscription/{number}/do/start").status_code == 303
    return number


def test_nothing_is_lost_when_the_receiver_fails_and_the_server_is_killed(own_city, subscriber):
    allow(own_city, subscriber.host)
    number = subscribe(own_city, subscriber, "address", role="everything", grants=[("address", "view")])
    subscriber.fail = True
    addresses = own_city.sql("select id from address where status <> 'cancelled' order by id limit 40").split()
    for turn, address in enumerate(addresses):
        own_city.sql(f"update address set note = '第{turn}次', version = version + 1, updated_at = now() where id = {address}")
        if turn in (10, 25):
            own_city.kill()
            own_city.start()
    last = addresses[-1]
    for turn in range(5):
        own_city.sql(f"update address set alias = '别名{turn}', version = version + 1, updated_at = now() where id = {last}")
    total = int(own_city.sql("select count(*) from address"))
    until(lambda: len(subscriber.records()) == total, 120, 0.2)
    until(subscriber.seen(last, "alias", "别名4"), 120, 0.2)
    status = lambda: signed_in(own_city, "secadmin").json(f"/subscriptions/{number}").json()
    until(lambda: status()["waiting"] == 0, 60, 0.5)
    # Every change that the database knows has come, and each record stands as it is there.
    noted = own_city.sql("select number from record_change where entity = 'address' and number > 0 order by 1").split()
    came = {name for name in subscriber.changes if not name.startswith("s")}
    begun = min(int(name) for name in came)
    assert set(filter(lambda one: int(one) >= begun, noted)) <= came
    standing = dict(line.split("|") for line in own_city.sql("select id, version from address").splitlines())
    assert {str(one): str(record["version"]) for one, record in subscriber.records().items()} == standing
    assert subscriber.unsigned == 0 and subscriber.count > len(subscriber.bodies)
    # Those of one record in their order.
    versions = [one["version"] for one in subscriber.changes.values() if one["recordId"] == int(last) and "version" in one]
    assert versions == sorted(versions)


def test_a_correction_reaches_whoever_subscribed_and_others_see_only_what_is_theirs(city, clients, subscriber):
    allow(city, subscriber.host)
    number = subscribe(
        city, subscriber, "address", role="correction_reader", grants=[("address", "view")], initial=False,
        division_code="511702001", fields="code full_name status compound", with_codes=True)
    address, code = city.sql(
        "select id, code from address where kind = 'roadside' and division_code like '511702001%' and road_id is not null "
        "and status <> 'cancelled' and id not in (select address_id from address_defect) order by code desc limit 1").split("|")
    outside = city.sql("select id from address where division_code not like '511702001%' and status <> 'cancelled' order by id limit 1")
    reporter = Client(city.base, key=make_key(city, "address_reporter"))
    made = reporter.send("POST", "/api/address/reports", {"code": code, "kind": "other", "problem": "楼名已更换"})
    assert made.status_code == 201, made.text
    changed = clients("station").send("PATCH", f"/api/r/address/{address}", {"compound": "订正商铺"})
    assert changed.status_code == 200, changed.text
    city.sql(f"update address set note = '辖外', version = version + 1, updated_at = now() where id = {outside}")
    until(subscriber.seen(address, "compound", "订正商铺"), 30, 0.2)
    record = subscriber.records()[int(address)]
    assert set(record) == {"id", "version", "createdAt", "updatedAt", "code", "full_name", "status", "compound", "qr"}
    assert base64.b64decode(record["qr"]["data"]).startswith(b"\x89PNG") and code in record["qr"]["content"]
    assert int(outside) not in subscriber.records()
    # Cancelled: the receiver is told, and there is no code any more.
    done = clients("station").post(f"/r/address/{address}/do/cancel", {"note": "拆除"})
    assert done.status_code == 303, done.text[:300]
    until(subscriber.seen(address, "status", "cancelled"), 30, 0.2)
    assert subscriber.records()[int(address)]["qr"] is None
    # A replay brings it again, under the same numbers.
    before = subscriber.count
    officer = clients("secadmin")
    refused = officer.post(f"/subscriptions/{number}/replay", {"from": "2100-01-01T00:00"})
    assert refused.status_code in (400, 422) and "过去的时间" in refused.text
    assert officer.post(f"/subscriptions/{number}/replay", {"from": "2020-01-01T00:00"}).status_code == 303
    until(lambda: subscriber.count > before, 30, 0.2)
    actions = city.sql("select action from audit_entry where entity = 'subscription'").split()
    assert {"subscription.secret", "subscription.probe", "subscription.replay"} <= set(actions)
    city.sql(f"update subscription set state = 'paused' where id = {number}")


def test_what_is_not_allowed_is_refused_with_what_to_do(city, clients, subscriber):
    allow(city, subscriber.host)
    officer = clients("secadmin")
    key = make_key(city, "integrator")
    body = {"label": "甲", "key_id": int(key.split("_")[1]), "register": "address", "address": f"http://{subscriber.host}/x"}
    for change, code in (
            ({"address": "http://169.254.169.254/latest"}, "push-host"), ({"address": "http://a@b/x"}, "push-address"),
            ({"register": "grid"}, "subscription-key"), ({"fields": "code wrong"}, "subscription-field")):
        refused = officer.send("POST", "/api/r/subscription", {**body, **change})
        assert refused.status_code >= 400 and code in refused.text, refused.text
    made = officer.send("POST", "/api/r/subscription", body)
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    started = officer.post(f"/r/subscription/{number}/do/start")
    assert started.status_code != 303 and "签名密钥" in started.text
    assert clients("station").get(f"/subscriptions/{number}").status_code == 403
    assert clients("sysadmin").post(f"/subscriptions/{number}/secret").status_code == 403
    assert officer.send("DELETE", f"/api/r/subscription/{number}").status_code == 204
    assert city.sql(f"select count(*) from change_reader where name = 'subscription:{number}'") == "0"


def test_a_subscription_is_made_and_watched_in_the_browser(visit, city, clients, subscriber):
    allow(city, subscriber.host)
    number = subscribe(
        city, subscriber, "division", role="division_reader", grants=[("division", "view")], start=False)
    page = visit("secadmin")
    page.goto(f"/subscriptions/{number}")
    page.get_by_role("link", name="开始推送").click()
    page.get_by_role("dialog").get_by_role("button", name="开始推送").click()
    until(lambda: subscriber.changes, 30, 0.2)
    page.goto(f"/subscriptions/{number}")
    assert "推送中" in page.locator("main").inner_text()
    phone = visit("secadmin", "phone")
    phone.goto(f"/subscriptions/{number}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    city.sql(f"update subscription set state = 'paused' where id = {number}")


def test_addresses_come_with_their_qr_codes(city, tmp_path):
    key = make_key(city, "qr_reader", [("address", "view")])
    client = Client(city.base, key=key)
    code, name = city.sql("select code, full_name from address where status = 'confirmed' order by id limit 1").split("|")
    one = client.json(f"/api/address/{code}/qr").json()
    assert one["code"] == code and one["fullName"] == name and one["qr"]["mediaType"] == "image/png"
    picture = tmp_path / "code.png"
    picture.write_bytes(client.get(f"/api/address/{code}/qr?format=png&scale=8").content)
    read = subprocess.run(["zbarimg", "-q", "--raw", str(picture)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    # Each is signed anew, and either signature is genuine.
    assert read.split("=")[0] == one["qr"]["content"].split("=")[0] and f"/d/{code}" in read
    for text in (read, one["qr"]["content"]):
        assert "伪造" not in Client(city.base).get(text.removeprefix(city.base)).text
    assert client.get(f"/api/address/{code}/qr?format=svg").headers["Content-Type"].startswith("image/svg+xml")
    assert client.json(f"/api/address/{code}/qr?format=gif").status_code == 400
    assert client.json("/api/address/nothing/qr").status_code == 404
    many = client.json("/api/addresses/qr?size=3&status=confirmed").json()
    assert len(many["items"]) == 3 and all(item["qr"]["data"] for item in many["items"]) and many["next"]
    more = client.json(f"/api/addresses/qr?size=3&status=confirmed&after={many['next']}").json()
    assert not {item["id"] for item in more["items"]} & {item["id"] for item in many["items"]}
    packed = client.get("/api/addresses/qr?size=5&status=confirmed&format=zip")
    archive = zipfile.ZipFile(io.BytesIO(packed.content))
    rows = list(csv.DictReader(io.StringIO(archive.read("addresses.csv").decode("utf-8-sig"))))
    assert len(rows) == 5 and all(archive.read(row["图片"]).startswith(b"\x89PNG") for row in rows)
    # A key that may not read addresses gets none; a stranger neither; and each call stands in the log.
    assert Client(city.base, key=make_key(city, "address_reporter")).json(f"/api/address/{code}/qr").status_code == 403
    assert Client(city.base).json(f"/api/address/{code}/qr").status_code == 401
    paths = client.json("/api/openapi.json").json()["paths"]
    assert {"/api/address/{code}/qr", "/api/addresses/qr"} <= set(paths)
