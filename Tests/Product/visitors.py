"""Fixtures: signed-in clients of the demo city, accounts made for one test, and a city that a test may harm."""

import itertools
import json
import os
import re
import secrets
import tempfile

import pytest
from clients import Client, Markup, PeerHandler, serve, sm3, sms_gateway
from servers import Server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def clients(city):
    """`clients("officer")` is that account's client, signed in once for the whole run."""
    kept = {}

    def client(account):
        if account not in kept:
            client = Client(city.base)
            answer = client.sign_in(account, city.accounts[account])
            assert answer.status_code == 303, answer.text[:500]
            kept[account] = client
        return kept[account]

    return client


@pytest.fixture
def stranger(city):
    return Client(city.base)


def temporary_password(clients, user):
    page = clients("secadmin").post(f"/users/{user}/reset-password")
    assert page.status_code == 200, page.text[:500]
    found = re.search(r"临时密码\s*([!-~]{12,})", Markup(page.text).text.split("只显示这一次")[1])
    return found.group(1)


@pytest.fixture(scope="session")
def newcomer(city, clients):
    """`newcomer(role=…, unit=…)` makes an account as the administrators do, and signs it in."""

    def make(role=None, unit=None, clearance="inner", **fields):
        account = f"newcomer{next(_numbers)}"
        body = {"account": account, "name": "新来者", "clearance": clearance, **fields}
        if unit:
            body["unit_id"] = unit
        made = clients("sysadmin").send("POST", "/api/r/app_user", body)
        assert made.status_code == 201, made.text
        user = made.json()["id"]
        password = temporary_password(clients, user)
        if role:
            role_id = int(city.sql(f"select id from role where code = '{role}'"))
            given = clients("secadmin").send("POST", "/api/r/user_role", {"user_id": user, "role_id": role_id})
            assert given.status_code == 201, given.text
        client = Client(city.base)
        first = client.sign_in(account, password)
        assert first.headers.get("Location") == "/account/password", (first.status_code, Markup(first.text).text)
        client.account, client.password, client.user = account, "Neu-" + secrets.token_hex(6) + "Z", user
        changed = client.post(
            "/account/password", {"old": password, "new": client.password, "again": client.password})
        assert changed.status_code == 303, Markup(changed.text).text
        client._token = None
        return client

    return make


@pytest.fixture(scope="session")
def elsewhere(city, clients, newcomer):
    """An officer with the same rights as `station`, for another county."""
    own = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    other = city.sql(
        f"select left(division_code, 6) from address where left(division_code, 6) <> left('{own}', 6) group by 1 "
        "order by count(*) desc limit 1")
    assert other, "the demo city has addresses in one county only"
    made = clients("sysadmin").send(
        "POST", "/api/r/unit", {"code": f"GA{other}-T", "name": "他处分局", "kind": "police", "division_code": other})
    assert made.status_code == 201, made.text
    client = newcomer("station_officer", unit=made.json()["id"], clearance="secret")
    client.division = other
    return client


def make_key(city, role, grants=()):
    """An interface key by SQL; `grants` are further (subject, action) pairs for the role, which is made when unknown."""
    secret = secrets.token_urlsafe(24)
    stamps = "version, created_at, created_by, updated_at, updated_by"
    now = "1, now(), 0, now(), 0"
    if grants:
        city.sql(
            f"insert into role ({stamps}, code, name, clearance, active) values ({now}, '{role}', '{role}', 'secret', true);"
            f"insert into role_grant ({stamps}, role_id, subject, action, scope) select {now}, r.id, g.s, g.a, 'all' "
            f"from role r, (values {', '.join(f'''('{s}', '{a}')''' for s, a in grants)}) g (s, a) "
            f"where r.code = '{role}'")
    number = city.sql(
        f"with k as (insert into api_key ({stamps}, name, role_id, status) "
        f"select {now}, 'test', id, 'active' from role where code = '{role}' returning id) "
        rf"insert into api_key_credential (key_id, secret_hash) select id, '\x{sm3(secret)}' from k returning key_id")
    return f"lfk_{number}_{secret}"


@pytest.fixture(scope="module")
def own_city(executable_path):
    """A city for one test file, to be changed, overloaded and killed."""
    with tempfile.TemporaryDirectory(prefix="lifang-own-") as folder:
        os.chmod(folder, 0o755)
        server = Server(executable_path, folder)
        try:
            yield server.sow().start()
        finally:
            server.stop()


class Phones(PeerHandler):
    sent = []

    def do_POST(self):
        Phones.sent.append(json.loads(self.body()))
        self.say()


@pytest.fixture
def phones(clients):
    """The SMS gateway of the city, while a test runs."""
    server, base = serve(Phones)
    Phones.sent.clear()
    number = sms_gateway(clients("sysadmin"), f"phones-{server.server_port}", f"{base}/sms")
    Phones.sent.clear()
    yield Phones.sent
    assert clients("sysadmin").post(f"/r/sms_gateway/{number}/do/disable").status_code == 303
    server.shutdown()
