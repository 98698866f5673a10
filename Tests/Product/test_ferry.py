"""Two networks with a device between them: a citizen applies outside, officers handle inside, and nothing is lost on the way."""

import os
import pathlib
import random
import re
import secrets
import subprocess
import tempfile
import threading
import time
import urllib.request

import pytest
import test_licences
from clients import Client, until
from pages import APPLICANT, answer, apply
from servers import Server
from test_cases import PASSED, PHOTO, UPLOADS, Form, open_task, picture, said, state
from test_federation import Provider, register, through
from test_signatures import sign


class Device(threading.Thread):
    """What carries files from one network to the other; it may drop, double, delay, cut off and alter them, each three times
    in a row at most: what is sent again waits twice as long every time."""

    def __init__(self, folder, seed=None):
        super().__init__(daemon=True)
        self.folder, self.random, self.seed = pathlib.Path(folder), random.Random(seed), seed
        self.open, self.ending, self.harmed = True, False, {}

    def run(self):
        while not self.ending:
            if self.open:
                self.carry()
            time.sleep(0.2)

    def carry(self):
        for come, go in (("outside", "inside"), ("inside", "outside")):
            files = sorted((self.folder / come / "out").glob("*.xml"))
            if self.seed is not None:
                self.random.shuffle(files)
            for file in files:
                try:
                    content = file.read_bytes()
                    file.unlink()
                except FileNotFoundError:
                    continue
                times = self.harmed.get((come, file.name), 0)
                harm = self.random.randrange(8) if self.seed is not None and times < 3 else None
                self.harmed[come, file.name] = times + 1 if harm in (0, 1, 2) else 0
                if harm == 0:
                    continue
                if harm == 1:
                    content = content[:self.random.randrange(len(content))]
                if harm == 2:
                    at = self.random.randrange(len(content))
                    content = content[:at] + (b"B" if content[at:at + 1] == b"A" else b"A") + content[at + 1:]
                self.put(go, file.name, content)
                if harm == 3:
                    self.put(go, "twice-" + file.name, content)

    def put(self, side, name, content):
        target = self.folder / side / "in" / name
        target.with_suffix(".part").write_bytes(content)
        target.with_suffix(".part").rename(target)


class Network(Server):
    """A server on one side, with a folder the device takes from and one it fills."""

    def __init__(self, lifang, folder, side):
        super().__init__(lifang, os.path.join(folder, side))
        os.chmod(self.folder, 0o755)
        self.side = side
        for name in ("out", "in"):
            os.mkdir(os.path.join(self.folder, name))

    def client(self, account):
        client = Client(self.base)
        client.sign_in(account, self.accounts[account])
        return client

    def set(self, **values):
        client = self.client("sysadmin")
        for name, value in values.items():
            saved = client.post(f"/settings/parameters/ferry.{name}", {"value": str(value)})
            assert saved.status_code == 303, saved.text

    def ferry(self):
        return self.client("sysadmin").json("/ferry").json()


@pytest.fixture(scope="module")
def networks(executable_path):
    with tempfile.TemporaryDirectory(prefix="lifang-ferry-") as folder:
        os.chmod(folder, 0o755)
        for side in ("outside", "inside"):
            os.mkdir(os.path.join(folder, side))
        sides = [Network(executable_path, folder, side) for side in ("outside", "inside")]
        try:
            for one in sides:
                one.sow().start()
                assert "还没有" in one.run("ferry", "keys")
            for one, other in (sides, sides[::-1]):
                assert "已安装" in one.run("ferry", "keys", "--peer", other.data + "/keys/ferry/own.pub")
            for one in sides:
                one.set(outgoing=one.folder + "/out", incoming=one.folder + "/in", retry_seconds=2, receipt_seconds=2, side=one.side)
            yield sides[0], sides[1], folder
        finally:
            for one in sides:
                one.stop()


@pytest.fixture
def device(networks):
    """Started as a device that works; `device(seed)` makes it one that does harm."""
    running = []

    def start(seed=None):
        one = Device(networks[2], seed)
        one.start()
        running.append(one)
        return one

    yield start
    for one in running:
        one.ending = True
        one.join(10)
    # What lies there still was written by a device that did harm.
    for side in ("outside", "inside"):
        for file in (pathlib.Path(networks[2]) / side / "in").glob("*.xml"):
            file.unlink(missing_ok=True)


def number(client, case):
    return re.search(r"W\d{20,}", client.get(case).text).group(0)


def inside_case(inside, number):
    """The address inside of what is called `number` outside; waits until it is there."""
    def found():
        return inside.sql(f"select case_id from case_ferry where number = '{number}'")

    return "/cases/" + until(found, 120, 0.1)


def test_a_citizen_applies_outside_an_officer_handles_inside_and_the_citizen_sees_the_result(networks, device):
    outside, inside, _ = networks
    device()
    resident = outside.client("resident")
    began = time.monotonic()
    case = apply(resident, changes=UPLOADS, files={PHOTO: ("出生证.png", picture(1))})
    called = number(resident, case)
    there = inside_case(inside, called)
    delay = time.monotonic() - began
    assert delay < 60, delay

    desk = inside.client("fujing")
    assert called in desk.get(there).text
    [key] = re.findall(rf'href="{there}/files/([^"]+)"', desk.get(there).text)
    assert desk.get(f"{there}/files/{key}").content == picture(1)
    assert answer(desk, there, {"review": "supplement", "opinion": "照片不清楚，请重拍。"}).status_code == 303
    until(lambda: state(resident, case) == "supplement", 30)
    assert "需要您补正：照片不清楚，请重拍。" in said(resident.get(case))
    assert "请补充材料" in resident.get("/messages").text

    path = open_task(resident, case)
    filled = {**Form(resident.get(case).text, path).values, "child_name": "张晓满", "opinion": "已重拍"}
    sent = resident.post(path, filled, files={PHOTO: ("清楚.png", picture(2))})
    assert sent.status_code == 303, said(sent)[:800]
    until(lambda: state(desk, there) == "active", 30)
    keys = re.findall(rf'href="{there}/files/([^"]+)"', desk.get(there).text)
    assert picture(2) in [desk.get(f"{there}/files/{key}").content for key in keys]
    assert "张晓满" in desk.get(there).text

    for account, values in (("fujing", PASSED), ("huji", PASSED)):
        client = inside.client(account)
        while [task for task in client.json(there).json()["tasks"] if task["mine"]]:
            step = [task["step"] for task in client.json(there).json()["tasks"] if task["mine"]][0]
            given = {"receipt": "matched"} if step in ("receive", "receipt") else {**values, "opinion": "内部意见不外传"}
            got = answer(client, there, given)
            assert got.status_code == 303, (step, said(got)[:500])
    began = time.monotonic()
    if state(desk, there) != "completed":
        got = answer(inside.client("fujing"), there, {"receipt": "matched"})
        assert got.status_code == 303, said(got)[:500]
    until(lambda: state(resident, case) == "completed", 30)
    back = time.monotonic() - began
    print(f"outside to inside {delay:.1f} s, result back {back:.1f} s")
    page = resident.get(case).text
    assert "已办结" in page and "内部意见不外传" not in page
    # Nobody of the inside is named outside.
    assert inside.sql("select name from app_user where account = 'huji'") not in said(resident.get(case))
    for one in networks[:2]:
        until(lambda one=one: one.ferry()["waitingOut"] == 0, 30)


def test_an_electronic_licence_is_proved_inside_by_what_came_with_it(networks, device):
    outside, inside, _ = networks
    device()
    provider = Provider()
    try:
        register(outside.client, provider, test_licences.CODE, "测试证照认证")
        provider.user = {"name": APPLICANT["applicant_name"], "id_number": APPLICANT["applicant_document"]}
        provider.tamper = {"claims": {"acr": "L3"}}
        person = Client(outside.base)
        assert through(person, provider, test_licences.CODE).status_code == 303
        filled, kept = test_licences.fetch(person)
        assert "已调用电子证照" in filled.text, said(filled)[:500]
        taken = test_licences.hand_in(person, kept)
        assert taken.status_code == 303, said(taken)[:500]
    finally:
        provider.server.shutdown()
    case = taken.headers["Location"].removesuffix("/sign")
    there = inside_case(inside, number(person, case))
    desk = inside.client("fujing")
    assert "签名有效，持证人相符" in said(desk.get(there))
    # Whoever handles it proves it once more.
    [material] = re.findall(rf'action="{there}/materials/(\d+)/verify"', desk.get(there).text)[:1]
    assert desk.post(f"{there}/materials/{material}/verify").status_code == 303
    assert "签名有效，持证人相符" in said(desk.get(there))


def test_nothing_is_lost_or_doubled_when_both_sides_are_killed_and_the_device_does_harm(networks, device):
    outside, inside, _ = networks
    dice = random.Random(7)
    device(seed=11)
    cases = {}
    for turn in range(6):
        resident = outside.client("resident")
        case = apply(resident)
        cases[number(resident, case)] = case
        time.sleep(dice.random() * 2)
        side = dice.choice([outside, inside])
        side.kill()
        side.start()
    for called in cases:
        inside_case(inside, called)
    # Whatever was doubled would be there twice, under a number of its own.
    known = inside.sql("select number from case_ferry order by 1").split()
    assert set(cases) <= set(known) and len(known) == len(set(known))
    desk = inside.client("fujing")
    for called in cases:
        there = inside_case(inside, called)
        assert answer(desk, there, {"review": "supplement", "opinion": f"请补正{called[-4:]}"}).status_code == 303
    dice.choice([outside, inside]).kill()
    for one in networks[:2]:
        if one.process.poll() is not None:
            one.start()
    resident = outside.client("resident")
    for called, case in cases.items():
        until(lambda: state(resident, case) == "supplement", 120, 0.2)
        assert f"请补正{called[-4:]}" in resident.get(case).text
    held = [item for item in inside.ferry()["items"] if not item["stray"]]
    assert held == []


def test_what_does_not_fit_waits_on_a_page_and_is_rejected_with_a_reason(networks, device):
    outside, inside, _ = networks
    working = device()
    until(lambda: outside.ferry()["waitingOut"] == 0, 60)
    resident = outside.client("resident")
    inside_case(inside, number(resident, apply(resident)))
    working.open = False
    case = apply(resident)
    called = number(resident, case)
    # Inside somebody holds that number already: the application cannot be taken.
    inside.sql(f"update case_ferry set number = '{called}' where case_id = (select max(case_id) from case_ferry)")
    working.open = True
    item = until(lambda: [one for one in inside.ferry()["items"] if one["subject"] == called], 60)[0]
    # Signed in behind the waiting, which signs in again and again: of too many sessions the oldest end.
    admin = inside.client("sysadmin")
    page = admin.get("/ferry").text
    assert "已经收到过" in page and called in page
    number_ = item["id"]
    assert admin.post(f"/ferry/held/{number_}/retry").status_code == 303
    assert "还是不能采用" in admin.get("/ferry").text
    refused = admin.post(f"/ferry/held/{number_}/reject", {"reason": " "})
    assert refused.status_code == 422 and "请写明拒绝原因" in refused.text
    assert admin.post(f"/ferry/held/{number_}/reject", {"reason": "重复申请"}).status_code == 303
    assert not [one for one in inside.ferry()["items"] if one["subject"] == called]
    done = inside.sql("select action from audit_entry where action like 'ferry.%'").split()
    assert "ferry.reject" in done
    # Only those who run the platform may look.
    assert inside.client("fujing").get("/ferry").status_code == 403
    assert inside.client("fujing").post(f"/ferry/held/{number_}/retry").status_code == 403


def test_the_outside_forgets_what_is_over(networks, device, tmp_path):
    outside, inside, _ = networks
    device()
    resident = outside.client("resident")
    case = apply(resident, changes=UPLOADS, files={PHOTO: ("出生证.png", picture(9))})
    called = number(resident, case)
    inside_case(inside, called)
    # What is signed outside is proved inside, by the inside's own seal.
    assert sign(resident, case).status_code == 303
    there = inside_case(inside, called)
    desk = inside.client("fujing")
    [signature] = until(lambda: desk.json(there).json()["signatures"], 60)
    assert signature["holds"] and signature["code"] == resident.json(case).json()["signatures"][0]["code"]
    assert "签名有效" in said(Client(inside.base).get(f"/verify/{signature['code']}"))
    assert "手写签名" in said(desk.get(there))
    # Its evidence is proved by the key that the inside prints, whoever sealed it first.
    link = re.search(rf"{there}/signatures/\d+/evidence\.json", desk.get(there).text)[0]
    (tmp_path / "evidence.json").write_text(desk.get(link).text)
    (tmp_path / "key.pem").write_text(inside.run("signature", "key"))
    checked = subprocess.run(
        [inside.lifang, "signature", "verify", "evidence.json", "--key", "key.pem"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert checked.returncode == 0 and "接收侧核验后加盖的签名值有效" in checked.stdout, checked.stdout
    assert resident.post(f"{case}/do/void", {"reason": "不办了"}).status_code == 303
    there = inside_case(inside, called)
    until(lambda: state(inside.client("fujing"), there) == "withdrawn", 60)
    until(lambda: outside.sql(f"select result_at is not null from case_ferry where number = '{called}'") == "t", 60)
    until(lambda: outside.ferry()["waitingOut"] == 0, 60)
    # A parcel with the address of whoever applied is erased as well.
    number_ = case.split("/")[-1]
    scope = "set lifang.scope_courier_order = '{\"all\":true}'; "
    outside.sql(
        scope + "insert into courier_order (version, created_at, created_by, updated_at, updated_by, service_case_id, direction, "
        "company, waybill, state, ordered_at, sender_address) "
        f"values (1, now(), 0, now(), 0, {number_}, 'pickup', 'EMS', 'EA1CN', 'ordered', now(), '荷叶街28号')")
    outside.sql(scope + f"update courier_order set state = 'delivered' where service_case_id = {number_}")
    boxed = f"select count(*) from message where dedupe like 'case {number_} %'"
    assert int(outside.sql(boxed)) > 0
    outside.set(keep_days=0)
    until(lambda: outside.sql(f"select erased_at is not null from case_ferry where number = '{called}'") == "t", 150, 1)
    page = said(resident.get(case))
    assert called in page and "张小满" not in page
    # What was written about it to whoever applied is gone with it.
    assert int(outside.sql(boxed)) == 0
    rows = outside.sql(
        "set lifang.scope_hukou_birth = '{\"all\":true}'; set lifang.scope_case_signature = '{\"all\":true}'; set lifang.scope_case_material = '{\"all\":true}'; " + scope +
        f"select (select count(*) from hukou_birth where service_case_id = {number_}) + "
        f"(select count(*) from courier_order where service_case_id = {number_}) + "
        f"(select count(*) from courier_order_history where service_case_id = {number_}) + "
        f"(select count(*) from case_signature where service_case_id = {number_}) + "
        f"(select count(*) from case_signature_history where service_case_id = {number_}) + "
        f"(select count(*) from case_material where service_case_id = {number_})")
    assert [one["holds"] for one in inside.client("fujing").json(there).json()["signatures"]] == [True]
    assert rows.splitlines()[-1] == "0"
    # Whoever holds the sheet still learns that it is genuine, and nothing else.
    stranger = Client(outside.base)
    proof = said(stranger.get(f"/verify/{signature['code']}"))
    assert "签名真实，内容已按规定清除" in proof and called in proof and "刘" not in proof
    assert stranger.json(f"/verify/{signature['code']}").json()["verdict"] == "erased"
    assert stranger.get(f"/signatures/{signature['code']}/statement").text.startswith("lifang-signature-1\n")
    outside.set(keep_days=30)


def test_files_are_checked_on_the_command_line(networks, tmp_path):
    outside, inside, _ = networks
    stray = pathlib.Path(inside.folder) / "in" / "hello.xml"
    stray.write_text("<hello/>")
    checked = subprocess.run(
        [outside.lifang, "ferry", "verify", str(tmp_path / "none.xml"), "--data", outside.data], stdout=subprocess.PIPE, text=True)
    assert checked.returncode == 1 and "打不开" in checked.stdout
    file = tmp_path / f"{secrets.token_hex(4)}.xml"
    file.write_text("<hello/>")
    checked = subprocess.run([outside.lifang, "ferry", "verify", str(file), "--data", outside.data], stdout=subprocess.PIPE, text=True)
    assert checked.returncode == 1 and "不是摆渡文件" in checked.stdout
    until(lambda: [one for one in inside.ferry()["items"] if one["subject"] == "hello.xml"], 60)
    with urllib.request.urlopen(inside.base + "/metrics") as metrics:
        assert 'lifang_ferry_rejected_total{reason="malformed"}' in metrics.read().decode()


def test_what_is_published_inside_is_seen_outside(networks, device):
    outside, inside, _ = networks
    device()
    mark = secrets.token_hex(4)
    stamps = "version, created_at, created_by, updated_at, updated_by"
    for one in networks[:2]:
        one.sql(f"insert into role_grant ({stamps}, role_id, subject, action, scope) select 1, now(), 0, now(), 0, id, 'service_window', a, 'all' "
                "from role, unnest(array['view', 'create', 'update', 'delete']) a where code = 'system_admin' "
                "and not exists (select 1 from role_grant where subject = 'service_window' and action = a and role_id = role.id)")
    admin = inside.client("sysadmin")
    unit = int(inside.sql("select unit_id from app_user where account = 'fujing'"))
    made = admin.send("POST", "/api/r/service_window", {
        "name": f"窗口{mark}", "kind": "station", "unit_id": unit, "division_code": "511702001001", "address": "荷叶街 28 号",
        "location": {"type": "Point", "coordinates": [107.5, 31.2]}, "phone": "13800138000", "weekday_hours": "09:00—17:00",
        "services": ["hukou"]})
    assert made.status_code == 201, made.text
    until(lambda: outside.sql(f"select name from service_window where name = '窗口{mark}'"), 60)
    number_ = made.json()["id"]
    changed = admin.send("PATCH", f"/api/r/service_window/{number_}", {"weekday_hours": "08:00—18:00"})
    assert changed.status_code in (200, 204), changed.text
    until(lambda: outside.sql(f"select weekday_hours from service_window where name = '窗口{mark}'") == "08:00—18:00", 60)
    # Outside nobody changes it: the inside is right.
    there = outside.sql(f"select id from service_window where name = '窗口{mark}'")
    refused = outside.client("sysadmin").send("PATCH", f"/api/r/service_window/{there}", {"weekday_hours": "10:00—16:00"})
    assert refused.status_code == 409 and refused.json()["code"] == "register-foreign", refused.text
    # The unit is the one with the same code.
    assert outside.sql(f"select u.code from service_window w join unit u on u.id = w.unit_id where w.name = '窗口{mark}'") == \
        inside.sql(f"select code from unit where id = {unit}")


def test_what_is_asked_for_outside_reminds_people_inside_and_is_answered(networks, device):
    outside, inside, _ = networks
    device()
    mark = secrets.token_hex(4)
    asker = outside.client("shenpi")
    made = asker.send("POST", "/api/r/configuration_request", {
        "subject": "item", "name": f"投靠材料{mark}", "content": "结婚证改为可由系统核查，\r\n不再收原件。"})
    assert made.status_code == 201, made.text
    number, own = outside.sql(f"select number || '|' || id from configuration_request where name = '投靠材料{mark}'").split("|")
    until(lambda: inside.sql(f"select id from configuration_request where remote_number = '{number}'"), 60)
    there = inside.sql(f"select id from configuration_request where remote_number = '{number}'")
    admin = inside.client("sysadmin")
    told = "".join(message["text"] for message in admin.json("/messages").json()["items"])
    assert f"互联网侧申请修改事项和材料“投靠材料{mark}”" in told, "whoever keeps the configuration is reminded"
    page = said(admin.get(f"/r/configuration_request/{there}"))
    assert "不再收原件" in page and "待处理" in page
    # Outside nobody decides.
    refused = outside.client("sysadmin").post(f"/r/configuration_request/{own}/do/accept", {"answer": "自己采纳"})
    assert refused.status_code in (409, 422), refused.text[:500]
    assert outside.sql(f"select state from configuration_request where id = {own}") == "open"
    page = outside.client("sysadmin").get(f"/r/configuration_request/{own}")
    assert page.status_code == 200 and "/do/accept" not in page.text and "/do/decline" not in page.text
    done = admin.post(f"/r/configuration_request/{there}/do/accept", {"answer": f"第 3 版已发布{mark}"})
    assert done.status_code == 303, done.text[:500]
    until(lambda: outside.sql(f"select state from configuration_request where id = {own}") == "accepted", 60)
    assert f"第 3 版已发布{mark}" in "".join(message["text"] for message in asker.json("/messages").json()["items"])
    assert f"第 3 版已发布{mark}" in said(asker.get(f"/r/configuration_request/{own}"))


BASE = "division road compound address service_window"


@pytest.fixture(scope="module")
def based(networks):
    """The base is published; what stands on both sides already is the same, since both began with the demo city."""
    outside, inside, _ = networks
    # Entered outside before anything came: the inside knows the same place under another code.
    road = inside.sql(
        "select division_code || '|' || road from address where kind = 'roadside' and road_id is not null "
        "and division_code like '511702001%' order by id limit 1").split("|")
    place = {"division_code": road[0], "road": road[1], "house_number": "9876"}
    own = outside.client("station").send("POST", "/api/r/address", place)
    assert own.status_code == 201, own.text
    outside.own = own.json()["code"][:-4] + "9999"
    outside.sql(
        "alter table address disable trigger address_code_kept; "
        f"update address set code = '{outside.own}' where id = {own.json()['id']}; "
        "alter table address enable trigger address_code_kept; "
        # As if the code that the inside will give had never been given here.
        "alter table address_code_ledger disable trigger address_code_ledger_kept; "
        f"delete from address_code_ledger where code = '{own.json()['code']}'; "
        "alter table address_code_ledger enable trigger address_code_ledger_kept")
    for one in networks[:2]:
        one.set(registers=BASE)
    return outside, inside, place


def standing(one):
    return one.sql(
        "select a.code, a.full_name, a.status, a.division_code, r.code, p.code, st_astext(a.location) from address a "
        "left join road r on r.id = a.road_id left join address p on p.id = a.parent_id order by 1").splitlines()


def test_the_base_goes_outside_once_and_then_its_changes_though_the_device_does_harm(based, networks, device):
    outside, inside, place = based
    device(seed=5)
    officer = inside.client("station")
    made = officer.send("POST", "/api/r/address", {**place, "note": "内部备注：户主外出"})
    assert made.status_code == 201, made.text
    code = made.json()["code"]
    time.sleep(3)
    inside.kill()
    inside.start()
    row = lambda one, register: [row for row in one.ferry()["registers"] if row["register"] == register][0]
    total = int(inside.sql("select count(*) from address"))
    until(lambda: row(outside, "address")["count"] == total, 400, 1)
    until(lambda: not row(inside, "address")["scanning"] and inside.ferry()["waitingOut"] == 0, 60, 1)
    assert row(outside, "address")["faults"] == 0, outside.sql("select * from ferry_register_fault limit 3")
    assert standing(outside) == standing(inside)
    # The inside's address took the place of the one that was entered here.
    assert outside.own not in "\n".join(standing(outside))
    # Anybody who scans sees it; what is not declared open stayed inside.
    page = Client(outside.base).get(f"/d/{code}")
    assert page.status_code == 200 and "9876" in page.text
    assert outside.sql(f"select note is null from address where code = '{code}'") == "t"
    assert "户主外出" not in pathlib.Path(outside.log).read_text(errors="replace")

    changed = inside.client("station").send("PATCH", f"/api/r/address/{made.json()['id']}", {"compound": "新兴商铺"})
    assert changed.status_code == 200, changed.text
    until(lambda: "新兴商铺" in Client(outside.base).get(f"/d/{code}").text, 90, 0.5)


def test_outside_nobody_changes_the_base_and_the_inside_is_right(based, networks, device):
    outside, inside, _ = based
    device()
    until(lambda: not any(row["scanning"] for row in inside.ferry()["registers"]), 300, 1)
    until(lambda: inside.ferry()["waitingOut"] == 0, 120, 1)
    number_, code = outside.sql("select id, code from address where kind = 'roadside' order by id limit 1").split("|")
    refused = outside.client("station").send("PATCH", f"/api/r/address/{number_}", {"compound": "私自改名"})
    assert refused.status_code == 409 and refused.json()["code"] == "register-foreign", refused.text
    outside.sql(f"update address set alias = '私自改名', version = version + 1 where id = {number_}")
    inside.sql(f"update address set alias = '真名', updated_at = now(), version = version + 1 where code = '{code}'")
    until(lambda: outside.sql(f"select alias from address where id = {number_}") == "真名", 60, 0.5)
    # Nothing with personal data is ever among what was sent.
    assert outside.sql("select count(*) from ferry_record where entity in ('person', 'residence', 'household')") == "0"
    page = inside.client("sysadmin").get("/ferry").text
    assert "发布的登记" in page and "标准地址" in page
    assert inside.client("sysadmin").post("/ferry/registers/publish").status_code == 303
    until(lambda: any(row["scanning"] for row in inside.ferry()["registers"]) or inside.ferry()["waitingOut"] > 0, 30, 0.2)
    assert outside.client("sysadmin").post("/ferry/registers/publish").status_code == 409
    assert inside.client("fujing").post("/ferry/registers/publish").status_code == 403
    until(lambda: not any(row["scanning"] for row in inside.ferry()["registers"]) and inside.ferry()["waitingOut"] == 0, 300, 1)
    assert standing(outside) == standing(inside)


@pytest.fixture(scope="module")
def hours(networks):
    """An hour of a window inside with three places, open outside too; its code, and who works at the window."""
    outside, inside, _ = networks
    for one in (outside, inside):
        one.set(registers="service_window appointment_slot desk_hotline desk_policy")
    stamps = "version, created_at, created_by, updated_at, updated_by"
    inside.sql(f"insert into role_grant ({stamps}, role_id, subject, action, scope) select 1, now(), 0, now(), 0, id, s, a, 'all' "
               "from role, unnest(array['service_window', 'appointment_slot', 'appointment']) s, "
               "unnest(array['view', 'create', 'update', 'adjust', 'close', 'arrive', 'withdraw']) a where code = 'system_admin' "
               "and not exists (select 1 from role_grant where subject = s and action = a and role_id = role.id)")
    admin = inside.client("sysadmin")
    unit = int(inside.sql("select unit_id from app_user where account = 'fujing'"))
    window = admin.send("POST", "/api/r/service_window", {
        "name": "摆渡窗口" + secrets.token_hex(3), "kind": "station", "unit_id": unit, "division_code": "511702001001", "address": "荷叶街 30 号",
        "location": {"type": "Point", "coordinates": [107.5, 31.2]}, "phone": "13800138000", "weekday_hours": "09:00—17:00",
        "services": ["hukou", "certificate", "migration"]})
    assert window.status_code == 201, window.text

    def slot(time_slot, quota=3):
        made = admin.send("POST", "/api/r/appointment_slot", {
            "service_window_id": window.json()["id"], "unit_id": unit, "division_code": "511702001001", "quota": quota,
            "slot_date": inside.sql("select ((now() at time zone interval '8 hours')::date + 2)::text"), "time_slot": time_slot})
        assert made.status_code == 201, made.text
        code = inside.sql(f"select code from appointment_slot where id = {made.json()['id']}")
        assert code
        return made.json()["id"], code

    return slot, admin


APPOINTMENTS = '-c lifang.scope_appointment={"all":true}'


def places(one, code):
    """What is booked of an hour, and each appointment with its state."""
    return one.sql(
        "select s.booked || ' ' || coalesce((select string_agg(a.number || a.queue_number || a.state, ',' order by a.number) "
        f"from appointment a where a.appointment_slot_id = s.id), '') from appointment_slot s where s.code = '{code}'", APPOINTMENTS)


def book(outside, client, code, service="hukou"):
    slot, window = outside.sql(f"select id, service_window_id from appointment_slot where code = '{code}'").split("|")
    return client.post("/appointments", {
        "service": service, "window": window, "slot": slot, "name": "刘芳", "document": "511702199603071223", "phone": "13800138000"})


def booked(outside, code):
    return outside.sql(
        f"select a.id from appointment a join appointment_slot s on s.id = a.appointment_slot_id where s.code = '{code}' order by a.id desc limit 1",
        APPOINTMENTS)


def test_an_appointment_is_made_outside_and_known_at_the_window_inside(networks, device, hours):
    outside, inside, _ = networks
    slot, admin = hours
    device()
    inside_slot, code = slot("t0830")
    until(lambda: outside.sql(f"select 1 from appointment_slot where code = '{code}'"), 120)
    resident = outside.client("resident")
    made = book(outside, resident, code)
    assert made.status_code == 303, said(made)
    until(lambda: places(inside, code) == places(outside, code) and places(inside, code).startswith("1 "), 60)
    kept = inside.sql(f"select name, user_id is null from appointment where appointment_slot_id = {inside_slot}", APPOINTMENTS)
    assert kept == outside.sql(f"select name, user_id is not null from appointment where id = {booked(outside, code)}", APPOINTMENTS)
    # Inside nobody takes a place that outside does not know of; outside nobody says who came.
    there = inside.sql(f"select id from appointment where appointment_slot_id = {inside_slot}", APPOINTMENTS)
    refused = book(inside, inside.client("resident"), code)
    assert refused.status_code == 409 and "互联网侧" in said(refused)
    # The window calls it off, and the citizen is told outside.
    assert admin.post(f"/r/appointment/{there}/do/withdraw", {"cancel_reason": "系统维护"}).status_code == 303
    until(lambda: "withdrawn" in places(outside, code) and places(outside, code) == places(inside, code), 60)
    assert places(outside, code).startswith("0 ")
    assert "系统维护" in said(resident.get(f"/appointments/{booked(outside, code)}"))


def test_places_agree_on_both_sides_though_the_device_does_harm(networks, device, hours):
    outside, inside, _ = networks
    slot, admin = hours
    inside_slot, code = slot("t0930", quota=2)
    device()
    until(lambda: outside.sql(f"select 1 from appointment_slot where code = '{code}'"), 120)
    device(20261127)
    resident = outside.client("resident")
    for _ in range(4):
        assert book(outside, resident, code).status_code == 303
        assert resident.post(f"/appointments/{booked(outside, code)}/cancel").status_code == 303
    assert book(outside, resident, code).status_code == 303
    assert book(outside, resident, code, "certificate").status_code == 303
    full = book(outside, resident, code, "migration")
    assert full.status_code == 409
    # The office lowers what it gives out while bookings are under way: nobody who has a place loses it.
    version = int(inside.sql(f"select version from appointment_slot where id = {inside_slot}"))
    admin.send("PATCH", f"/api/r/appointment_slot/{inside_slot}", {"version": version, "quota": 1})
    until(lambda: places(inside, code) == places(outside, code) and places(inside, code).count("YY") == 6, 180)
    assert places(outside, code).startswith("2 ") and places(outside, code).count("booked") == 2
    assert places(outside, code).count("cancelled") == 4
    for one in (outside, inside):
        until(lambda: one.sql(f"select quota >= booked from appointment_slot where code = '{code}'") == "t", 60)
