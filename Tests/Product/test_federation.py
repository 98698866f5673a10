"""Signing in by providers of identities: the way of a citizen, and everything a forger might try."""

import base64
import hashlib
import json
import re
import secrets
import threading
import time
import urllib.parse

import pytest
from clients import Client, Markup, PeerHandler, resident_id, serve
from Cryptodome.Hash import SHA256
from Cryptodome.PublicKey import ECC, RSA
from Cryptodome.Signature import DSS, pkcs1_15
from playwright.sync_api import expect


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Provider:
    """An OpenID provider written apart from ours; `tamper` bends what it says next."""

    def __init__(self, algorithm="RS256"):
        self.algorithm, self.client, self.secret = algorithm, "lifang-test", secrets.token_urlsafe(12) + " +/&="
        self.codes, self.asked, self.tamper, self.user = {}, [], {}, {}
        self.renew()
        provider = self

        class Handler(PeerHandler):
            def do_GET(self):
                path = urllib.parse.urlsplit(self.path).path
                provider.asked.append(path)
                if path == "/.well-known/openid-configuration":
                    self.say({
                        "issuer": provider.issuer, "authorization_endpoint": provider.issuer + "/authorize",
                        "token_endpoint": provider.issuer + "/token", "jwks_uri": provider.issuer + "/jwks"})
                elif path == "/jwks":
                    self.say({"keys": [{"kty": "oct", "k": "AAAA", "kid": "other"}, provider.jwk()]})
                else:
                    self.say({}, status=404)

            def do_POST(self):
                form = self.form()
                pair = base64.b64decode(self.headers.get("Authorization", "Basic ").split(" ", 1)[1]).decode()
                name, secret = [urllib.parse.unquote_plus(part) for part in pair.split(":", 1)] if pair else ("", "")
                grant = provider.codes.pop(form.get("code"), None)
                proof = base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
                if (name, secret) != (provider.client, provider.secret) or not grant or grant["code_challenge"] != proof:
                    return self.say({"error": "invalid_grant"}, status=400)
                self.say({"access_token": "a", "token_type": "Bearer", "id_token": provider.token(grant)})

        self.server, self.issuer = serve(Handler)

    def renew(self):
        self.kid = secrets.token_hex(4)
        self.key = RSA.generate(2048) if self.algorithm == "RS256" else ECC.generate(curve="P-256")

    def jwk(self):
        if self.algorithm == "RS256":
            return {"kty": "RSA", "kid": self.kid, "alg": "RS256", "n": number(self.key.n), "e": number(self.key.e)}
        point = self.key.pointQ
        return {"kty": "EC", "crv": "P-256", "kid": self.kid, "alg": "ES256",
                "x": base64url(int(point.x).to_bytes(32, "big")), "y": base64url(int(point.y).to_bytes(32, "big"))}

    def sign(self, message, key=None):
        key = key or self.key
        digest = SHA256.new(message)
        return pkcs1_15.new(key).sign(digest) if self.algorithm == "RS256" else DSS.new(key, "fips-186-3").sign(digest)

    def token(self, grant):
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": self.client, "sub": "s-" + self.user.get("id_number", self.user["name"]), "iat": now,
            "exp": now + 300, "nonce": grant["nonce"], "acr": "L2", **self.user, **self.tamper.get("claims", {})}
        header = {"alg": self.algorithm, "kid": self.kid, **self.tamper.get("header", {})}
        text = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
        signature = self.sign(text.encode(), self.tamper.get("key"))
        if swap := self.tamper.get("swap"):
            # The claims are changed after signing.
            text = text.split(".")[0] + "." + base64url(json.dumps({**claims, **swap}).encode())
        if "signature" in self.tamper:
            signature = self.tamper["signature"]
        return text + "." + base64url(signature)

    def agree(self, location):
        """What happens at the provider: the person agrees, and the browser is sent back with a code."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256", query
        assert len(query["state"]) >= 32 and len(query["nonce"]) >= 32
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = urllib.parse.urlsplit(query["redirect_uri"])
        return back.path + "?" + urllib.parse.urlencode({"code": code, "state": query["state"], "iss": self.issuer})


def register(clients, provider, code, name):
    made = clients("secadmin").send("POST", "/api/r/identity_provider", {
        "code": code, "name": name, "issuer": provider.issuer, "client_id": provider.client,
        "client_secret": provider.secret, "levels": "L2=real_name; L3=face", "position": 50})
    assert made.status_code == 201, made.text


@pytest.fixture(scope="module")
def provider(clients):
    provider = Provider()
    register(clients, provider, "test-rsa", "测试皖事通")
    yield provider
    provider.server.shutdown()


@pytest.fixture(autouse=True)
def honest(provider):
    provider.tamper, provider.user = {}, {"name": "林晓舟", "id_number": resident_id("511702", "19880214", 377)}


def begin(client, code="test-rsa", path="/sign-in/with/{}"):
    answer = client.get(path.format(code))
    assert answer.status_code == 303, Markup(answer.text).text
    return answer.headers["Location"]


def through(client, provider, code="test-rsa"):
    return client.get(provider.agree(begin(client, code)))


def log_of(city):
    return open(city.log, errors="replace").read()


def test_a_citizen_signs_in_at_the_demo_provider_and_applies_under_the_verified_name(visit, city):
    page = visit(size="phone")
    page.goto("/sign-in?return=/services/hukou_025/apply")
    page.get_by_role("link", name="演示身份认证").click()
    expect(page.get_by_text("市民都是虚构的")).to_be_visible()
    resident = city.resident()
    page.get_by_label(resident["name"]).first.check()
    page.get_by_role("button", name="同意并登录").click()
    expect(page).to_have_url(re.compile("/services/hukou_025/apply"))
    expect(page.locator('[name="applicant_name"]')).to_have_value(resident["name"])
    # The person's account of before is the one that opens.
    page.goto("/account")
    expect(page.get_by_role("main")).to_contain_text("resident")
    expect(page.get_by_role("main")).to_contain_text("实名认证")


def test_the_first_sign_in_makes_an_account_and_the_second_opens_it_again(city, stranger, provider):
    first = through(stranger, provider)
    assert first.status_code == 303 and first.headers["Location"] == "/", Markup(first.text).text
    assert "林晓舟" in stranger.get("/").text
    again = Client(city.base)
    assert through(again, provider).status_code == 303
    accounts = city.sql("select count(*) from app_user where name = '林晓舟'")
    assert accounts == "1"
    audited = city.sql("select count(*) from audit_entry where action = 'identity.bind' and principal_name = '林晓舟'")
    assert audited == "1"
    # Neither the number nor the secrets stand in the log.
    assert provider.user["id_number"] not in log_of(city) and provider.secret not in log_of(city)


def test_many_first_sign_ins_at_once_make_one_account(city, provider):
    provider.user = {"name": "赵同时", "id_number": resident_id("511702", "19790808", 212)}
    browsers = [Client(city.base) for _ in range(6)]
    paths = [provider.agree(begin(browser)) for browser in browsers]
    answers = [None] * len(browsers)

    def go(index):
        answers[index] = browsers[index].get(paths[index]).status_code

    threads = [threading.Thread(target=go, args=(index,)) for index in range(len(browsers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * 6
    assert city.sql("select count(*) from app_user where name = '赵同时'") == "1"


OTHER = RSA.generate(2048)
FORGERIES = {
    "signature": {"signature": b"\0" * 256},
    "signature of another key": {"key": OTHER},
    "claims changed after signing": {"swap": {"sub": "somebody-else"}},
    "no algorithm": {"header": {"alg": "none"}, "signature": b""},
    "symmetric algorithm": {"header": {"alg": "HS256"}},
    "unknown key": {"header": {"kid": "nobody"}},
    "wrong nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "another audience": {"claims": {"aud": "another-client"}},
    "two audiences without a party": {"claims": {"aud": ["lifang-test", "another-client"]}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "expired": {"claims": {"exp": 1_700_000_000}},
    "issued long ago": {"claims": {"iat": 1_700_000_000}},
    "issued in the future": {"claims": {"iat": 4_000_000_000}},
    "no subject": {"claims": {"sub": ""}},
    "critical extension": {"header": {"crit": ["exp"]}},
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_opens_nothing(city, stranger, provider, name):
    provider.tamper = FORGERIES[name]
    answer = through(stranger, provider)
    assert answer.status_code == 422, (answer.status_code, Markup(answer.text).text)
    assert "没有通过校验" in answer.text and stranger.cookie is None


def test_a_state_works_once_and_in_its_own_browser(city, stranger, provider):
    path = provider.agree(begin(stranger))
    thief = Client(city.base)
    begin(thief)
    stolen = thief.get(path)
    assert stolen.status_code == 410 and thief.cookie is None
    # Whoever was robbed cannot use it either: it is gone.
    assert stranger.get(path).status_code == 410
    fresh = provider.agree(begin(stranger))
    assert stranger.get(fresh).status_code == 303
    replayed = Client(city.base)
    begin(replayed)
    assert replayed.get(fresh).status_code == 410
    assert Client(city.base).get("/sign-in/callback?state=x&code=y").status_code == 410


def test_an_answer_of_another_issuer_and_a_refusal_are_explained(stranger, provider):
    path = provider.agree(begin(stranger)).split("&iss=")[0]
    mixed = stranger.get(path + "&iss=https%3A%2F%2Fevil.example")
    assert mixed.status_code == 422 and "重新登录" in mixed.text
    state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begin(stranger)).query))["state"]
    refused = stranger.get(f"/sign-in/callback?state={state}&error=access_denied")
    assert refused.status_code == 422 and "没有同意授权" in refused.text


def test_a_code_for_another_proof_is_refused_by_the_provider_and_told_neutrally(stranger, provider):
    path = provider.agree(begin(stranger))
    for grant in provider.codes.values():
        grant["code_challenge"] = "x" * 43
    answer = stranger.get(path)
    assert answer.status_code == 503 and "暂时连接不上" in answer.text


def test_keys_that_were_renewed_are_fetched_and_old_ones_forgotten(city, clients):
    provider = Provider("ES256")
    provider.user = {"name": "钱新钥", "id_number": resident_id("511702", "19910303", 155)}
    register(clients, provider, "test-ec", "测试政务服务网")
    assert through(Client(city.base), provider, "test-ec").status_code == 303
    old, kid = provider.key, provider.kid
    provider.renew()
    # A key that is not known is looked for, at most every ten seconds.
    time_of_keys = [path for path in provider.asked if path == "/jwks"]
    until_fetched(city, provider)
    provider.tamper = {"key": old, "header": {"kid": kid}}
    withdrawn = through(Client(city.base), provider, "test-ec")
    assert withdrawn.status_code == 422, Markup(withdrawn.text).text
    assert len(time_of_keys) >= 1
    provider.server.shutdown()


def until_fetched(city, provider):
    from clients import until

    until(lambda: through(Client(city.base), provider, "test-ec").status_code == 303, 30, 1)


def demo_citizen(city):
    """Name and document number of a citizen whom the population register knows, and who is nobody of the demo's accounts:
    signing in too often would end the sessions of tests beside this one."""
    demo = Client(city.base)
    location = begin(demo, "demo")
    form = demo.http.get(location).text
    citizen = re.findall(r'value="(citizen-\d+)"', form)[-1]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    back = demo.http.post(f"{city.base}/demo-identity/authorize", data={
        **{key: value.replace("&amp;", "&") for key, value in fields.items()}, "citizen": citizen, "level": "L3",
        "answer": "yes"}, allow_redirects=False)
    opened = demo.get(back.headers["Location"].removeprefix(city.base))
    assert opened.status_code == 303, Markup(opened.text).text
    form = demo.get("/services/hukou_025/apply").text
    return tuple(re.search(rf'name="{field}"[^>]*value="([^"]+)"', form).group(1)
                 for field in ("applicant_name", "applicant_document"))


def test_another_name_under_a_number_of_the_register_is_a_conflict(city, stranger, provider):
    # The number of a demo citizen with another's name.
    _, document = demo_citizen(city)
    provider.user = {"name": "冒名者", "id_number": document}
    answer = through(stranger, provider)
    assert answer.status_code == 409 and "派出所核对" in answer.text and stranger.cookie is None


def test_staff_accounts_are_not_opened_from_outside(city, clients, provider):
    officer = Client(city.base)
    officer.sign_in("officer", city.accounts["officer"])
    answer = officer.get(provider.agree(begin(officer, path="/account/identities/bind/{}")))
    assert answer.status_code == 403 and "工作账号" in answer.text


def test_binding_unbinding_and_the_last_way_in(city, provider, newcomer):
    provider.user = {"name": "孙绑定", "id_number": resident_id("511702", "19850606", 189)}
    person = Client(city.base)
    assert through(person, provider).status_code == 303
    page = person.get("/account/identities").text
    binding = re.search(r"/account/identities/(\d+)/unbind", page).group(1)
    last = person.post(f"/account/identities/{binding}/unbind")
    assert last.status_code == 409 and "唯一的登录方式" in last.text
    # Somebody with a password binds the same identity: it is taken.
    other = newcomer()
    taken = other.get(provider.agree(begin(other, path="/account/identities/bind/{}")))
    assert taken.status_code == 409 and "绑定了另一个账号" in taken.text
    provider.user = {"name": "李另绑", "id_number": resident_id("511702", "19860707", 190)}
    bound = other.get(provider.agree(begin(other, path="/account/identities/bind/{}")))
    assert bound.status_code == 303 and bound.headers["Location"] == "/account/identities"
    page = other.get("/account/identities").text
    mine = re.search(r"/account/identities/(\d+)/unbind", page).group(1)
    assert person.post(f"/account/identities/{mine}/unbind").status_code == 404
    assert other.post(f"/account/identities/{mine}/unbind").status_code == 303
    assert "还没有绑定" in other.get("/account/identities").text
    assert city.sql(f"select count(*) from audit_entry where action = 'identity.unbind' and record_id = {other.user}") == "1"


def bind(client, provider):
    return client.get(provider.agree(begin(client, path="/account/identities/bind/{}")))


def test_an_account_is_one_persons_and_lends_nobody_its_cases(city, provider, newcomer):
    own = newcomer()
    provider.user = {"name": "吴本人", "id_number": resident_id("340102", "19870404", 133)}
    assert bind(own, provider).status_code == 303
    # Neither of the two is in the population register: their numbers tell them apart.
    provider.user = {"name": "郑外人", "id_number": resident_id("340102", "19880505", 155)}
    foreign = bind(own, provider)
    assert foreign.status_code == 409 and "不是这个账号本人的" in foreign.text
    assert city.sql(f"select count(*) from app_user where id = {own.user} and status = 'active'") == "1"
    signed = Client(city.base)
    assert through(signed, provider).status_code == 303
    assert own.account not in signed.get("/account").text


def test_a_person_known_to_another_account_is_not_bound_twice(provider, newcomer, stranger):
    provider.user = {"name": "冯一人", "id_number": resident_id("340102", "19890606", 177)}
    assert through(stranger, provider).status_code == 303
    # The same number under another name of the provider's, to somebody else's account.
    provider.tamper = {"claims": {"sub": "another-subject-of-feng"}}
    other = newcomer()
    twice = bind(other, provider)
    assert twice.status_code == 409 and "已经有另一个账号" in twice.text
    assert "还没有绑定" in other.get("/account/identities").text


def test_who_died_is_not_signed_in_by_a_binding_of_before(city, provider):
    name, document = demo_citizen(city)
    provider.user = {"name": name, "id_number": document}
    assert through(Client(city.base), provider).status_code == 303
    user = city.sql("select b.user_id from identity_binding b join identity_provider p on p.id = b.provider_id "
                    "where p.code = 'test-rsa' order by b.id desc limit 1", '-c lifang.scope_identity_binding={"all":true}')
    city.sql_of_persons(f"update person set deceased_on = current_date where user_id = {user}")
    try:
        late = Client(city.base)
        answer = through(late, provider)
        assert answer.status_code == 403 and "已故" in answer.text and late.cookie is None
    finally:
        city.sql_of_persons(f"update person set deceased_on = null where user_id = {user}")
    assert through(Client(city.base), provider).status_code == 303


def test_an_item_may_demand_a_living_face(city, provider, visit):
    provider.user = {"name": "周实人", "id_number": resident_id("511702", "19930909", 121)}
    person = Client(city.base)
    assert through(person, provider).status_code == 303
    low = person.get("/services/hukou_031/apply")
    assert low.status_code == 403 and "实人认证" in low.text
    assert person.post("/services/hukou_031/apply", {"applicant_name": "周实人"}).status_code == 403
    provider.tamper = {"claims": {"acr": "L3"}}
    assert through(person, provider).status_code == 303
    person._token = None
    page = person.get("/services/hukou_031/apply")
    assert page.status_code == 200 and "来自您的实名认证" in page.text


def test_nobody_but_the_security_officer_sees_or_changes_providers(clients, stranger):
    for account in ("sysadmin", "officer", "resident"):
        assert clients(account).get("/r/identity_provider").status_code == 403
        made = clients(account).send("POST", "/api/r/identity_provider", {"code": "evil", "name": "假"})
        assert made.status_code == 403
    assert "test-rsa" in clients("secadmin").get("/r/identity_provider").text
