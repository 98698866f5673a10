"""Other systems let people sign in with their account here: a client written by others, and everything a forger might try."""

import json
import os
import re
import secrets
import time
import urllib.parse

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from clients import Client, Markup, PeerHandler, serve, until
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.sync_api import expect
from visitors import make_key

# Everything here stays on the loopback.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class System:
    """Another system of the city with pages of its own, on Authlib; `fail` answers of its logout address are errors."""

    def __init__(self, city, code):
        self.city, self.code, self.secret, self.fail = city, code, "", 0
        self.begun, self.sessions, self.tokens, self.problems = {}, {}, [], []
        self.http = Client(city.base)
        self.configuration = self.http.json("/.well-known/openid-configuration").json()
        system = self

        class Handler(PeerHandler):
            def do_GET(self):
                path = urllib.parse.urlsplit(self.path)
                cookie = re.search(r"other=([\w-]+)", self.headers.get("Cookie", ""))
                if path.path == "/callback":
                    claims = system.finish(system.base + self.path)
                    self.answer("进来了", {"Location": "/", "Set-Cookie": f"other={claims['sid']}; Path=/; HttpOnly"}, 303)
                elif path.path == "/bye":
                    self.answer("再见")
                elif cookie and cookie.group(1) in system.sessions:
                    self.answer(f"住房系统 {system.sessions[cookie.group(1)]['name']}")
                elif path.path == "/start":
                    self.answer("", {"Location": system.begin()}, 303)
                else:
                    self.answer("住房系统 没有登录")

            def do_POST(self):
                form = self.form()
                if system.fail > 0:
                    system.fail -= 1
                    return self.answer("", status=503)
                system.end(form["logout_token"])
                self.answer("")

            def answer(self, text, headers=(), status=200):
                page = f"<!doctype html><title>住房系统</title><main>{text}</main>"
                self.say(page.encode(), "text/html; charset=utf-8", status, headers)

        self.server, self.base = serve(Handler)

    def register(self, officer, **more):
        made = officer.send("POST", "/api/r/client_application", {
            "code": self.code, "name": f"住房系统{self.code}", "home": self.base + "/start",
            "redirects": f"{self.base}/callback", "logout_returns": f"{self.base}/bye",
            "logout_address": f"{self.base}/logout", "audience": "everyone", **more})
        assert made.status_code == 201, made.text
        self.number = made.json()["id"]
        page = officer.post(f"/client-applications/{self.number}/secret")
        assert page.status_code == 200, page.text[:500]
        self.secret = re.search(r"client_secret\s*([A-Za-z0-9_-]{43})", Markup(page.text).text).group(1)
        assert self.secret not in officer.get(f"/client-applications/{self.number}").text
        return self

    def session(self, **options):
        return OAuth2Session(
            self.code, options.pop("secret", self.secret), scope=options.pop("scope", "openid profile permissions phone"),
            redirect_uri=f"{self.base}/callback", code_challenge_method="S256", **options)

    def begin(self, scope="openid profile permissions phone", **more):
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        url, state = self.session(scope=scope).create_authorization_url(
            self.configuration["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **more)
        self.begun[state] = (verifier, nonce)
        return url

    def path(self, **more):
        return self.begin(**more)[len(self.city.base):]

    def keys(self):
        return KeySet.import_key_set(self.http.json("/oauth/keys").json())

    def finish(self, location, **options):
        """What comes back with the browser becomes a session here, as Authlib checks it."""
        sent = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
        assert sent["iss"] == self.configuration["issuer"], sent
        verifier, nonce = self.begun.pop(sent["state"])
        session = self.session(**options)
        token = session.fetch_token(
            self.configuration["token_endpoint"], code=sent["code"], code_verifier=options.get("verifier", verifier))
        read = jwt.decode(token["id_token"], self.keys(), algorithms=["ES256"])
        claims = CodeIDToken(
            read.claims, read.header,
            {"iss": {"essential": True, "value": self.configuration["issuer"]}, "aud": {"essential": True, "value": self.code}},
            {"nonce": nonce, "access_token": token["access_token"], "client_id": self.code})
        claims.validate(leeway=5)
        about = session.get(self.configuration["userinfo_endpoint"]).json()
        assert about["sub"] == claims["sub"]
        self.sessions[claims["sid"]] = {**claims, **about, "id_token": token["id_token"], "access": token["access_token"]}
        return self.sessions[claims["sid"]]

    def end(self, text):
        read = jwt.decode(text, self.keys(), algorithms=["ES256"])
        claims = read.claims
        good = (
            read.header["typ"] == "logout+jwt" and claims["iss"] == self.configuration["issuer"] and claims["aud"] == self.code
            and claims["events"] == {LOGOUT_EVENT: {}} and "nonce" not in claims and claims["exp"] > time.time() > claims["iat"] - 5)
        known = self.sessions.pop(claims["sid"], None)
        if not good or known and known["sub"] != claims["sub"]:
            self.problems.append(claims)
        self.tokens.append(claims["jti"])

    def enter(self, client, **more):
        answer = client.get(self.path(**more))
        assert answer.status_code == 303, Markup(answer.text).text
        return self.finish(answer.headers["Location"])


_numbers = iter(range(1, 100))


@pytest.fixture
def system(city, clients):
    one = System(city, f"housing-{next(_numbers)}").register(clients("secadmin"))
    yield one
    one.server.shutdown()
    assert not one.problems


def signed_in(city, account="officer"):
    client = Client(city.base)
    assert client.sign_in(account, city.accounts[account]).status_code == 303
    return client


def test_somebody_signs_in_once_and_out_once_in_the_browser(visit, city, system):
    page = visit(size="phone")
    page.goto(system.base + "/")
    expect(page.get_by_role("main")).to_contain_text("没有登录")
    page.goto(system.base + "/start")
    expect(page.get_by_text(f"登录后进入“住房系统{system.code}”")).to_be_visible()
    page.get_by_label("账号").fill("officer")
    page.get_by_label("密码").fill("wrong")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_text(f"登录后进入“住房系统{system.code}”")).to_be_visible()
    page.get_by_label("账号").fill("officer")
    page.get_by_label("密码").fill(city.accounts["officer"])
    page.get_by_role("button", name="登录").click()
    name = city.sql("select name from app_user where account = 'officer'")
    page.wait_for_url(system.base + "/")
    expect(page.get_by_role("main")).to_contain_text(f"住房系统 {name}")
    # The account's own page leads there too, and says that one is in.
    page.goto(city.base + "/account/applications")
    expect(page.get_by_role("link", name=f"住房系统{system.code}")).to_contain_text("已进入")
    form = page.context.request
    token = page.locator('[name="_csrf"]').first.input_value()
    assert form.post(city.base + "/sign-out", form={"_csrf": token}).ok
    until(lambda: not system.sessions, 20)
    page.goto(system.base + "/")
    expect(page.get_by_role("main")).to_contain_text("没有登录")


def test_a_second_system_is_entered_without_a_password(city, clients, system):
    other = System(city, f"parking-{next(_numbers)}").register(clients("secadmin"))
    client = signed_in(city)
    first, second = system.enter(client), other.enter(client)
    assert first["sub"] == second["sub"] and first["sid"] != second["sid"]
    assert first["preferred_username"] == "officer" and first["amr"] == ["pwd"]
    unit = city.sql("select n.code || '|' || n.name from app_user u join unit n on n.id = u.unit_id where account = 'officer'")
    assert "|".join([first["unit"]["code"], first["unit"]["name"]]) == unit
    assert first["roles"] and "phone_number" not in first
    # The number in the database is nobody else's business.
    assert first["sub"] != city.sql("select id from app_user where account = 'officer'")
    client.post("/sign-out")
    until(lambda: not system.sessions and not other.sessions, 20)
    other.server.shutdown()
    assert not other.problems


def test_a_second_factor_is_told_and_a_phone_number_only_where_it_is_allowed(city, clients, system):
    open_to_phones = System(city, f"phones-{next(_numbers)}").register(clients("secadmin"), with_phone=True)
    client = signed_in(city)
    sealed = city.sql("select phone is not null from app_user where account = 'officer'")
    claims = open_to_phones.enter(client)
    assert ("phone_number" in claims) == (sealed == "t")
    assert "phone_number" not in system.enter(client)
    assert "phone_number" not in open_to_phones.enter(client, scope="openid profile")
    open_to_phones.server.shutdown()


@pytest.mark.parametrize("way", ["kicked", "password", "account"])
def test_whatever_ends_a_session_here_ends_it_there(way, city, clients, newcomer, system):
    person = newcomer()
    claims = system.enter(person)
    number = city.sql(f"select max(id) from session where user_id = {person.user} and ended_at is null")
    if way == "kicked":
        done = clients("secadmin").post(f"/online/{number}/kick")
    elif way == "password":
        done = clients("secadmin").post(f"/users/{person.user}/reset-password")
    else:
        done = clients("sysadmin").post(f"/r/app_user/{person.user}/do/disable")
    assert done.status_code in (200, 303), done.text[:300]
    until(lambda: claims["sid"] not in system.sessions, 20)
    refused = person.http.get(
        system.configuration["userinfo_endpoint"], headers={"Authorization": f"Bearer {claims['access']}"})
    assert refused.status_code == 401 and "invalid_token" in refused.headers["WWW-Authenticate"]
    page = Markup(clients("secadmin").get(f"/client-applications/{system.number}").text).text
    assert {"kicked": "强制下线", "password": "修改或重置密码", "account": "账号停用"}[way] in page


def test_a_system_that_is_down_is_told_when_it_is_back(city, clients, system):
    client = signed_in(city)
    system.enter(client)
    system.fail = 1
    client.post("/sign-out")
    until(lambda: not system.sessions, 40)
    assert len(system.tokens) == 1
    assert city.sql(f"select attempts, outcome from logout_notice where application_id = {system.number}") == "2|sent"


def test_the_other_system_of_the_demonstration_can_be_tried(visit, city):
    page = visit()
    page.goto("/sign-in?return=/account/applications")
    page.get_by_label("账号").fill("leader")
    page.get_by_label("密码").fill(city.accounts["leader"])
    page.get_by_role("button", name="登录").click()
    page.get_by_role("link", name="演示业务系统").click()
    page.get_by_role("link", name="用统一账号登录").click()
    name = city.sql("select name from app_user where account = 'leader'")
    expect(page.get_by_role("main")).to_contain_text(name)
    expect(page.get_by_role("main")).to_contain_text("没有再输密码")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("link", name="用统一账号登录")).to_be_visible()
    page.goto("/account")
    expect(page).to_have_url(re.compile("/sign-in"))


# MARK: Signing out from the other system


def test_a_system_signs_its_own_people_out(city, system):
    client = signed_in(city)
    claims = system.enter(client)
    leave = urllib.parse.urlencode(
        {"id_token_hint": claims["id_token"], "post_logout_redirect_uri": f"{system.base}/bye", "state": "a b"})
    done = client.get(f"/oauth/logout?{leave}")
    assert done.status_code == 303 and done.headers["Location"] == f"{system.base}/bye?state=a%20b"
    assert client.get("/account").status_code == 303
    until(lambda: not system.sessions, 20)


def test_nobody_is_signed_out_by_a_stranger(city, system):
    client, other = signed_in(city), signed_in(city, "station")
    claims = system.enter(client)
    leave = urllib.parse.urlencode(
        {"id_token_hint": claims["id_token"], "post_logout_redirect_uri": f"{system.base}/bye"})
    for query in ["", "?client_id=" + system.code, "?" + leave]:
        page = other.get("/oauth/logout" + query)
        assert page.status_code == 200 and "退出登录" in page.text
        assert other.get("/account").status_code == 200
    assert "form-action 'self' " + system.base in page.headers["Content-Security-Policy"]
    # The question is answered by a form of ours alone.
    fields = {"client_id": system.code, "post_logout_redirect_uri": f"{system.base}/bye", "state": "z"}
    assert other.post("/oauth/logout/confirm", fields, token=None).status_code == 403
    assert other.get("/account").status_code == 200
    done = other.post("/oauth/logout/confirm", fields)
    assert done.headers["Location"] == f"{system.base}/bye?state=z"
    assert other.get("/account").status_code == 303 and claims["sid"] in system.sessions
    for back in ["https://evil.example/", f"{system.base}/bye/more", "//evil.example", f"{system.base}/callback"]:
        query = urllib.parse.urlencode({"client_id": system.code, "post_logout_redirect_uri": back})
        refused = client.get("/oauth/logout?" + query)
        assert refused.status_code == 400 and "Location" not in refused.headers
    assert client.get("/account").status_code == 200


# MARK: Who may


def test_whom_the_record_does_not_admit_reads_why_and_goes_back(visit, city, clients):
    system = System(city, f"closed-{next(_numbers)}").register(clients("secadmin"), audience="listed")
    client = signed_in(city)
    page = client.get(system.path())
    assert page.status_code == 403
    text = Markup(page.text).text
    assert f"不能进入“住房系统{system.code}”" in text and "officer" in text and "安全保密管理员" in text
    back = next(link for link in Markup(page.text).links if link.startswith(system.base))
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    assert query["error"] == "access_denied" and query["state"] in system.begun and "code" not in query
    silent = client.get(system.path(prompt="none")).headers["Location"]
    assert "error=access_denied" in silent
    shut = clients("secadmin").get(f"/client-applications/{system.number}")
    assert "还没有人可以使用" in shut.text
    role = int(city.sql("select role_id from user_role h join app_user u on u.id = h.user_id where u.account = 'officer' limit 1"))
    made = clients("secadmin").send("POST", "/api/r/application_access", {"application_id": system.number, "role_id": role})
    assert made.status_code == 201, made.text
    assert "还没有人可以使用" not in clients("secadmin").get(f"/client-applications/{system.number}").text
    assert system.enter(client)["preferred_username"] == "officer"
    # Whoever cannot change the registers of rights cannot open systems either.
    for account in ("officer", "sysadmin", "auditor"):
        assert clients(account).get("/r/client_application").status_code == 403
        assert clients(account).get(f"/client-applications/{system.number}").status_code == 403
        assert clients(account).post(f"/client-applications/{system.number}/secret").status_code == 403
    disabled = clients("secadmin").post(f"/r/client_application/{system.number}/do/disable")
    assert disabled.status_code == 303
    gone = client.get(system.path())
    assert gone.status_code == 400 and "没有在统一账号中心登记" in gone.text
    system.server.shutdown()


def test_silent_requests_and_fresh_sign_ins(city, system, stranger):
    assert "error=login_required" in stranger.get(system.path(prompt="none")).headers["Location"]
    client = signed_in(city)
    system.finish(client.get(system.path(prompt="none")).headers["Location"])
    again = client.get(system.path(prompt="login"))
    assert again.headers["Location"].startswith("/sign-in?return=")
    # The way goes through the sign-in page, and the session that comes out is a new one.
    before = client.cookie
    back = urllib.parse.parse_qs(urllib.parse.urlsplit(again.headers["Location"]).query)["return"][0]
    assert client.get(back).headers["Location"].startswith("/sign-in?"), "it is not enough to come back"
    done = client.post("/sign-in", {"account": "officer", "password": city.accounts["officer"], "return": back})
    assert done.headers["Location"] == back and client.cookie != before
    client._token = None
    claims = system.finish(client.get(back).headers["Location"])
    assert claims["auth_time"] > time.time() - 30
    # Signing in anew in one system signs nobody out of another.
    assert len(system.sessions) == 1 and not system.tokens


def test_signing_in_on_the_way_gives_a_new_session(city, system, stranger):
    planted = "planted-" + secrets.token_urlsafe(24)
    stranger.http.cookies.set("session", planted, domain="127.0.0.1")
    first = stranger.get(system.path())
    back = urllib.parse.parse_qs(urllib.parse.urlsplit(first.headers["Location"]).query)["return"][0]
    stranger.http.cookies.clear()
    stranger.http.cookies.set("session", planted, domain="127.0.0.1", path="/")
    page = stranger.get("/sign-in?" + urllib.parse.urlencode({"return": back}))
    stranger._token = re.search(r'name="_csrf"[^>]*value="([^"]+)"', page.text).group(1)
    done = stranger.post("/sign-in", {"account": "officer", "password": city.accounts["officer"], "return": back})
    fresh = [cookie.value for cookie in done.cookies if cookie.name == "session"]
    assert fresh and fresh[0] != planted
    assert Client(city.base).http.get(city.base + "/account", cookies={"session": planted}, allow_redirects=False).status_code == 303


# MARK: Forgers


def test_the_browser_is_never_sent_to_an_address_that_is_not_registered(city, system):
    client = signed_in(city)
    good = urllib.parse.urlsplit(system.begin())
    query = dict(urllib.parse.parse_qsl(good.query))
    for redirect in ["https://evil.example/", f"{system.base}/callback/", f"{system.base}/callback?x=1", f"{system.base}/Callback",
                     f"{system.base}@evil.example/callback", "//evil.example", "javascript:alert(1)", ""]:
        for more in ({}, {"response_type": "token"}, {"prompt": "none"}):
            page = client.get(good.path + "?" + urllib.parse.urlencode({**query, "redirect_uri": redirect, **more}))
            assert page.status_code == 400 and "Location" not in page.headers
            assert "evil.example" not in "".join(Markup(page.text).links)
    twice = client.get(f"{good.path}?{good.query}&redirect_uri=https%3A%2F%2Fevil.example%2F")
    assert twice.status_code == 400 and "Location" not in twice.headers
    # Nor does the way over the sign-in page lead astray.
    for path in ["//evil.example/oauth/authorize?", "https://evil.example/", "/\\evil.example"]:
        done = client.post("/sign-in", {"account": "officer", "password": city.accounts["officer"], "return": path})
        assert done.headers["Location"] == "/"
        client._token = None


def test_stolen_codes_open_nothing(city, clients, system):
    client = signed_in(city)

    def code():
        location = client.get(system.path()).headers["Location"]
        sent = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
        return sent["code"], system.begun[sent["state"]][0], location

    def redeem(code, verifier, by=system, secret=None, redirect=None):
        return by.http.http.post(city.base + "/oauth/token", data={
            "grant_type": "authorization_code", "code": code, "code_verifier": verifier,
            "redirect_uri": redirect or f"{system.base}/callback"}, auth=(by.code, secret or by.secret))

    other = System(city, f"thief-{next(_numbers)}").register(clients("secadmin"))
    one, verifier, location = code()
    for answer, error, status in [
        (redeem(one, verifier, by=other), "invalid_grant", 400), (redeem(one, verifier, secret="wrong"), "invalid_client", 401),
        (redeem("x" * 43, verifier), "invalid_grant", 400),
    ]:
        assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    claims = system.finish(location)
    # The second use is refused, and takes back what the first gave.
    assert redeem(one, verifier).json()["error"] == "invalid_grant"
    about = system.http.http.get(
        system.configuration["userinfo_endpoint"], headers={"Authorization": f"Bearer {claims['access']}"})
    assert about.status_code == 401
    noted = city.sql(
        f"select count(*) from audit_entry where action = 'client_application.replay' and record_id = {system.number}")
    assert noted == "1"
    two, _, location = code()
    assert redeem(two, secrets.token_urlsafe(48)).json()["error"] == "invalid_grant"
    with pytest.raises(OAuthError, match="invalid_grant"):
        system.finish(location)
    three, verifier, _ = code()
    assert redeem(three, verifier, redirect="https://evil.example/").json()["error"] == "invalid_grant"
    four, verifier, _ = code()
    client.post("/sign-out")
    assert redeem(four, verifier).json()["error"] == "invalid_grant"
    # Neither codes nor secrets nor tokens stand in the log.
    log = open(city.log, errors="replace").read()
    for text in (one, two, system.secret, claims["access"], claims["id_token"].split(".")[2]):
        assert text not in log
    other.server.shutdown()


def test_the_token_address_takes_nothing_by_halves(city, system):
    def ask(data, **options):
        return system.http.http.post(city.base + "/oauth/token", data=data, **options)

    auth = (system.code, system.secret)
    whole = {"grant_type": "authorization_code", "code": "c", "redirect_uri": "r", "code_verifier": "v"}
    for answer, error in [
        (ask(whole), "invalid_client"), (ask({**whole, "client_secret": system.secret}, auth=auth), "invalid_client"),
        (ask({**whole, "client_id": "another"}, auth=auth), "invalid_client"),
        (ask({**whole, "grant_type": "password"}, auth=auth), "unsupported_grant_type"),
        (ask({**whole, "grant_type": "refresh_token"}, auth=auth), "unsupported_grant_type"),
        (ask({"grant_type": "authorization_code"}, auth=auth), "invalid_request"), (ask({}, auth=auth), "invalid_request"),
        (ask([*whole.items(), ("code", "d")], auth=auth), "invalid_request"),
        (ask(json.dumps(whole), auth=auth, headers={"Content-Type": "application/json"}), "invalid_request"),
        (ask({**whole, "client_id": system.code, "client_secret": system.secret}), "invalid_grant"),
        (ask(whole, headers={"Authorization": "Basic %%%"}), "invalid_client"),
        (ask(whole, headers={"Authorization": "Bearer x"}), "invalid_client"),
    ]:
        assert answer.status_code in (400, 401) and answer.json()["error"] == error, answer.text
        assert (answer.status_code == 401) == ("WWW-Authenticate" in answer.headers)
    for header in [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x y"}, {"Authorization": "Basic eA=="}]:
        assert system.http.http.get(city.base + "/oauth/userinfo", headers=header).status_code == 401


def test_pages_of_other_sites_can_neither_frame_nor_force(city, system):
    client = signed_in(city)
    page = client.get(system.path())
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer" and page.headers["Cache-Control"] == "no-store"
    # What another site posts becomes the same question by GET; a key is nobody who signs in.
    query = urllib.parse.urlsplit(system.begin()).query
    posted = client.http.post(
        city.base + "/oauth/authorize", data=dict(urllib.parse.parse_qsl(query)), allow_redirects=False,
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert posted.status_code == 303 and posted.headers["Location"].startswith("/oauth/authorize?")
    leave = client.http.post(
        city.base + "/oauth/logout", data={"client_id": system.code}, allow_redirects=False,
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert leave.headers["Location"] == f"/oauth/logout?client_id={system.code}"
    assert "退出登录" in client.get(leave.headers["Location"]).text and client.get("/account").status_code == 200
    for path in ("/demo-system/leave", "/demo-system/over"):
        told = client.http.post(city.base + path, data={"logout_token": "x"}, allow_redirects=False)
        assert told.status_code in (303, 400)
    assert client.get("/account").status_code == 200
    key = Client(city.base, make_key(city, "account_reader"))
    assert key.get(system.path()).headers["Location"].startswith("/sign-in")


# MARK: Rights


def test_rights_of_other_systems_are_given_here_and_asked_for_by_key(city, clients, newcomer, system):
    officer = clients("secadmin")
    code = f"tester-{secrets.token_hex(3)}"
    made = officer.send("POST", "/api/r/role", {"code": code, "name": f"合同审批{code}"})
    assert made.status_code == 201, made.text
    role = made.json()["id"]
    for name in ("contract.view", "contract.approve"):
        permission = officer.send("POST", "/api/r/application_permission", {
            "application_id": system.number, "code": name, "name": name})
        assert permission.status_code == 201, permission.text
        given = officer.send("POST", "/api/r/application_grant", {"role_id": role, "permission_id": permission.json()["id"]})
        assert given.status_code == 201, given.text
    person = newcomer(role=code)
    assert system.enter(person)["permissions"] == ["contract.approve", "contract.view"]
    key = Client(city.base, make_key(city, "account_reader"))
    rights = key.json(f"/api/accounts/{person.account}/rights?application={system.code}")
    assert rights.status_code == 200, rights.text
    body = rights.json()
    assert body["active"] and body["roles"] == [{"code": code, "name": f"合同审批{code}"}]
    assert body["applications"] == [{
        "code": system.code, "name": f"住房系统{system.code}", "allowed": True, "permissions": ["contract.approve", "contract.view"]}]
    assert key.json("/api/accounts/nobody-here/rights").status_code == 404
    assert key.json(f"/api/accounts/{person.account}/rights?application=no-such").status_code == 404
    assert Client(city.base).json(f"/api/accounts/{person.account}/rights").status_code == 401
    assert person.json(f"/api/accounts/{person.account}/rights").status_code == 403
    assert "/api/accounts/{account}/rights" in key.json("/api/openapi.json").json()["paths"]
    # Who changed since, page by page.
    since = urllib.parse.quote(city.sql(
        f"select to_char((updated_at - interval '1 second') at time zone 'Asia/Shanghai', 'YYYY-MM-DD\"T\"HH24:MI:SS') "
        f"from app_user where id = {person.user}"))
    changed = key.json(f"/api/r/app_user?updated_at.from={since}")
    assert changed.status_code == 200, changed.text
    assert person.account in [one["account"] for one in changed.json()["items"]]
    audited = city.sql(f"select count(*) from audit_entry where action = 'account_right.view' and record_id = {person.user}")
    assert audited == "1"


def test_keys_are_renewed_by_who_may_and_tokens_of_the_old_one_are_no_proof(city, clients, system):
    client = signed_in(city)
    claims = system.enter(client)
    before = [key["kid"] for key in system.http.json("/oauth/keys").json()["keys"]]
    for account in ("officer", "sysadmin"):
        assert clients(account).post("/token-keys/replace").status_code == 403
    assert clients("secadmin").post("/token-keys/replace").status_code == 303
    assert "在用" in clients("secadmin").get("/token-keys").text
    after = [key["kid"] for key in system.http.json("/oauth/keys").json()["keys"]]
    assert len(after) == 1 and not set(after) & set(before)
    page = client.get("/oauth/logout?" + urllib.parse.urlencode({"id_token_hint": claims["id_token"]}))
    assert page.status_code == 200 and client.get("/account").status_code == 200
    assert system.enter(client)["sid"] == claims["sid"]
