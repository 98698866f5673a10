"""Messages leave the house: to a mail server, an SMS gateway and WeChat, which fail on purpose."""

import email
import email.policy
import hashlib
import hmac
import json
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from clients import Client, Markup, PeerHandler, serve, sms_gateway, until

SECRETS = {"LIFANG_WECHAT_SECRET": "wechat-secret-55c0e"}
TOKEN, RECEIPT_SECRET = "sms-token-7ba31", "receipt-secret-e1d9a"
PHONE = "13900001234"
API = "/api"


class Gateway:
    """An SMS gateway and WeChat in one: `script[path]` says how the next requests fare."""

    def __init__(self):
        self.requests, self.script, self.lock = [], {}, threading.Lock()
        gateway = self

        class Handler(PeerHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                content = self.body()
                is_form = self.headers["Content-Type"].startswith("application/x-www-form")
                self.answer(dict(urllib.parse.parse_qsl(content.decode())) if is_form else json.loads(content))

            def do_GET(self):
                self.answer(None)

            def answer(self, body):
                url = urllib.parse.urlsplit(self.path)
                with gateway.lock:
                    gateway.requests.append((url.path, dict(urllib.parse.parse_qsl(url.query)), body, dict(self.headers)))
                    steps = gateway.script.get(url.path, [])
                    step = steps.pop(0) if steps else "ok"
                    number = len(gateway.requests)
                if step == "slow":
                    time.sleep(2)
                try:
                    self.say(gateway.content(url.path, step, number), status=500 if step == "broken" else 200)
                except OSError:
                    pass  # who asked did not wait so long

        self.server, self.url = serve(Handler)

    @staticmethod
    def content(path, step, number):
        if isinstance(step, dict):
            return step
        if path == "/sms":
            return {"code": 0, "data": {"id": f"sms-{number}"}}
        if path == "/cgi-bin/stable_token":
            return {"access_token": f"token-{number}", "expires_in": 7200}
        if path == "/sns/oauth2/access_token":
            return {"openid": "oTEST00001111"}
        return {"errcode": 0, "errmsg": "ok", "msgid": number}

    def of(self, path):
        with self.lock:
            return [request for request in self.requests if request[0] == path]


class Letters:
    """What a mail server took; `script` has answers to recipients, before they are taken."""

    def __init__(self):
        self.letters, self.script, self.lock = [], [], threading.Lock()

    async def handle_RCPT(self, server, session, envelope, address, options):
        with self.lock:
            if self.script:
                return self.script.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self.lock:
            self.letters.append((envelope.mail_from, envelope.rcpt_tos, letter, envelope.content))
        return "250 OK"


class TLSMail(Controller):
    """A mail server that goes over to TLS with a certificate nobody vouches for."""

    def __init__(self, handler, folder):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
             "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, stderr=subprocess.DEVNULL)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        super().__init__(handler, hostname="127.0.0.1", port=free_port())

    def factory(self):
        return SMTP(self.handler, tls_context=self.context, require_starttls=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def gateway():
    gateway = Gateway()
    yield gateway
    gateway.server.shutdown()


@pytest.fixture(scope="module")
def letters():
    letters = Letters()
    controller = Controller(letters, hostname="127.0.0.1", port=free_port())
    controller.start()
    letters.port = controller.port
    yield letters
    controller.stop()


@pytest.fixture(scope="module")
def secrets_in_environment():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def admin(secrets_in_environment, own_city, gateway, letters):
    """The system administrator, with every channel set up and a telephone number."""
    client = Client(own_city.base)
    assert client.sign_in("sysadmin", own_city.accounts["sysadmin"]).status_code == 303
    client.user = int(own_city.sql("select id from app_user where account = 'sysadmin'"))
    settings = {
        "quiet_from": "00:00", "quiet_to": "00:00", "timeout": "1", "first_delay": "1",
        "smtp_url": f"smtp://127.0.0.1:{letters.port}", "smtp_tls": "", "smtp_from": "noreply@lifang.example",
        "smtp_from_name": "里坊 达州", "wechat_url": gateway.url, "wechat_app_id": "wx0001",
        "wechat_templates": "channel_test=TPL-1; case_result=TPL-2",
    }
    for name, value in settings.items():
        set_parameter(client, name, value)
    record = client.json(f"/api/r/app_user/{client.user}").json()
    changed = client.send(
        "PATCH", f"/api/r/app_user/{client.user}", {"version": record["version"], "phone": PHONE})
    assert changed.status_code == 200, changed.text
    client.gateway = sms_gateway(
        client, "mas", f"{gateway.url}/sms", success="code=0", reference="data.id", signature="达州公安", token=TOKEN,
        receipt_secret=RECEIPT_SECRET)
    gateway.requests.clear()
    return client


def set_parameter(client, name, value):
    saved = client.post(f"/settings/parameters/messaging.{name}", {"value": value})
    assert saved.status_code == 303, (name, Markup(saved.text).text[-800:])


def deliveries(client, **filters):
    answer = client.json("/messages/log?" + urllib.parse.urlencode(filters))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def newest(client, channel):
    return deliveries(client, template="channel_test", channel=channel)[0]


@pytest.fixture(scope="module")
def tested(admin, gateway, letters):
    """One test message by every channel, against peers that fail first, after address and account were confirmed."""
    claimed = admin.post("/account/messages/email", {"email": "admin@lifang.example"})
    assert claimed.status_code == 303, Markup(claimed.text).text[-500:]
    until(lambda: letters.letters, 30, 0.2)
    code = re.search(r"验证码是 (\d{6})", letters.letters[0][2].get_content()).group(1)
    wrong = admin.post("/account/messages/email/confirm", {"code": "x"})
    assert wrong.status_code == 422 and "验证码不对" in wrong.text
    assert admin.post("/account/messages/email/confirm", {"code": code}).status_code == 303

    started = admin.get("/account/messages/wechat/start")
    target = urllib.parse.urlsplit(started.headers["Location"])
    asked = dict(urllib.parse.parse_qsl(target.query))
    assert target.hostname == "open.weixin.qq.com" and asked["appid"] == "wx0001"
    forged = admin.get("/account/messages/wechat?code=c&state=1-00")
    assert forged.status_code == 403
    bound = admin.get(f"/account/messages/wechat?code=c1&state={asked['state']}")
    assert bound.status_code == 303, Markup(bound.text).text[-500:]

    gateway.script["/sms"] = ["broken", "slow", {"code": 17}]
    gateway.script["/cgi-bin/message/template/send"] = [{"errcode": 42001, "errmsg": "expired"}]
    letters.script = ["451 try again later"]
    sent = admin.post("/messages/log/test")
    assert sent.status_code == 303, Markup(sent.text).text[-500:]
    until(lambda: all(newest(admin, channel)["state"] == "sent" for channel in ("sms", "email", "wechat")), 90, 0.5)
    return admin


def test_an_sms_goes_out_once_the_gateway_lets_it(tested, gateway):
    requests = gateway.of("/sms")
    assert len(requests) == 4
    path, _, body, headers = requests[-1]
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert body["phone"] == PHONE and body["text"].startswith("【达州公安】这是")
    assert len({request[2]["id"] for request in requests}) == 1, "a gateway can tell a repetition"
    row = newest(tested, "sms")
    assert row["attempts"] == 4 and row["address"] == "139****1234"
    page = Markup(tested.get(f"/messages/log/{row['id']}").text).text
    for words in ("短信平台答复 500", "超时没有答复", "短信平台答复 code=17", "已发出"):
        assert words in page


def test_a_letter_says_what_it_should_in_the_right_form(tested, letters):
    sender, recipients, letter, content = letters.letters[-1]
    assert sender == "noreply@lifang.example" and recipients == ["admin@lifang.example"]
    assert letter["Subject"] == "测试消息" and letter["From"] == "里坊 达州 <noreply@lifang.example>"
    assert letter["Auto-Submitted"] == "auto-generated" and letter["Date"].datetime and letter["Message-ID"]
    assert "由" in letter.get_content() and "/messages\n" in letter.get_content().replace("\r\n", "\n")
    assert all(len(line) <= 78 for line in content.split(b"\r\n"))
    assert newest(tested, "email")["attempts"] == 2


def test_wechat_gets_a_fresh_token_when_the_old_one_is_void(tested, gateway):
    sends = gateway.of("/cgi-bin/message/template/send")
    assert len(sends) == 2 and sends[0][1]["access_token"] != sends[1][1]["access_token"]
    body = sends[-1][2]
    assert body["touser"] == "oTEST00001111" and body["template_id"] == "TPL-1"
    assert body["data"]["thing1"] == {"value": "渠道测试"} and body["url"].endswith("/messages")
    token = gateway.of("/cgi-bin/stable_token")[0][2]
    assert token["appid"] == "wx0001" and token["secret"] == SECRETS["LIFANG_WECHAT_SECRET"]


def test_the_box_has_it_until_it_is_read(tested):
    box = tested.json("/messages").json()
    assert box["unread"] == 1 and box["items"][0]["title"] == "测试消息"
    home = tested.get("/messages")
    assert "1 条未读" in Markup(home.text).text
    number = box["items"][0]["id"]
    page = tested.get(f"/messages/{number}")
    assert page.status_code == 200 and "这个渠道可以使用" in Markup(page.text).text
    assert tested.json("/messages").json()["unread"] == 0
    other = Client(tested.base)
    assert other.get(f"/messages/{number}").status_code == 303, "a stranger is sent to sign in"


def test_nobody_elses_box_and_log(tested, own_city):
    leader = Client(own_city.base)
    assert leader.sign_in("leader", own_city.accounts["leader"]).status_code == 303
    number = tested.json("/messages").json()["items"][0]["id"]
    assert leader.get(f"/messages/{number}").status_code == 404
    for path in ("/messages/log", f"/messages/log/{newest(tested, 'sms')['id']}", "/designs/message"):
        assert leader.get(path).status_code == 403
    assert leader.post("/messages/log/test").status_code == 403
    assert leader.post(f"/messages/log/{newest(tested, 'sms')['id']}/retry").status_code == 403


def test_receipts_need_the_gateways_signature(tested, own_city):
    reference = own_city.sql("select reference from message_delivery where channel = 'sms' and reference is not null")
    assert reference.startswith("sms-")

    def report(body, secret=RECEIPT_SECRET, at=None, gateway="mas"):
        text, stamp = json.dumps(body).encode(), str(int(at or time.time()))
        tag = hmac.new(secret.encode(), stamp.encode() + b"." + text, hashlib.sha256).hexdigest()
        return Client(own_city.base).http.post(
            own_city.base + f"/api/messages/receipts/{gateway}", data=text,
            headers={"Content-Type": "application/json", "X-Timestamp": stamp, "X-Signature": tag})

    receipt = {"receipts": [{"id": reference, "state": "delivered"}]}
    assert report(receipt, secret="wrong").status_code == 403
    assert report(receipt, gateway="nobody").status_code == 503
    assert report(receipt, at=time.time() - 3600).status_code == 403
    assert newest(tested, "sms")["state"] == "sent"
    assert report({"receipts": [{"id": "nobody", "state": "delivered"}]}).status_code == 404
    assert report({"receipts": [{"id": reference}]}).status_code == 400
    assert report(receipt).status_code == 200
    assert newest(tested, "sms")["state"] == "delivered"


def test_templates_are_found_and_shown_with_examples(tested):
    page = Markup(tested.get("/designs/message").text).text
    for label in ("需要补充材料", "办理结果", "证件已寄出", "催办", "随系统提供"):
        assert label in page
    found = Markup(tested.get("/designs/message?q=补充&channel=sms").text).text
    assert "需要补充材料" in found and "证件已寄出" not in found
    mail = Markup(tested.get("/designs/message?channel=email").text).text
    assert "邮箱验证码" in mail and "走访验证码" not in mail
    preview = Markup(tested.get("/designs/message/case_supplement").text).text
    assert "结婚证的照片不清楚" in preview and "/cases/1024" in preview and "{" not in preview.split("变量")[0]


def test_a_gateway_is_tried_before_it_is_used_and_the_next_takes_over(tested, own_city, gateway):
    wrong = tested.send(
        "POST", "/api/r/sms_gateway",
        {"code": "Back Up", "name": "备用", "url": f"{gateway.url}/second", "body": '{"phone": {phone}}', "success": "0"})
    assert wrong.status_code == 422
    said = [wrong.json(), *wrong.json().get("others", [])]
    assert {error["field"] for error in said} == {"code", "body", "success"}, wrong.text
    made = tested.send(
        "POST", "/api/r/sms_gateway",
        {
            "code": "second", "name": "备用平台", "kind": "form", "url": f"{gateway.url}/second",
            "body": "phone={phone}&text={text}&key={token}", "token": "form token&1", "position": 200,
        })
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    assert "token" not in made.text or "form token" not in made.text, "a secret is not shown"
    early = tested.post(f"/r/sms_gateway/{number}/do/enable")
    assert early.status_code == 409, "not before it was tried"
    gateway.script["/second"] = ["broken"]
    assert tested.post(f"/messages/gateways/{number}/test", {"phone": "123"}).status_code == 422
    assert tested.post(f"/messages/gateways/{number}/test", {"phone": PHONE}).status_code == 303
    assert tested.json(f"/api/r/sms_gateway/{number}").json()["trial"] == "failed"
    assert tested.post(f"/messages/gateways/{number}/test", {"phone": PHONE}).status_code == 303
    row = tested.json(f"/api/r/sms_gateway/{number}").json()
    assert row["trial"] == "passed" and row["tried_at"]
    form = gateway.of("/second")[-1][2]
    assert form["phone"] == PHONE and form["key"] == "form token&1" and "测试短信" in form["text"]
    assert tested.post(f"/r/sms_gateway/{number}/do/enable").status_code == 303
    # What is asked changes: the secret does not go there unless it is known, and nothing else before it was tried.
    row = tested.json(f"/api/r/sms_gateway/{number}").json()
    changed = tested.send(
        "PATCH", f"/api/r/sms_gateway/{number}", {"version": row["version"], "url": f"{gateway.url}/second?v=2"})
    assert changed.status_code == 200, changed.text
    row = changed.json()
    assert row["trial"] == "untested" and row["state"] == "off"
    assert tested.post(f"/messages/gateways/{number}/test", {"phone": PHONE}).status_code == 303
    assert "key" not in gateway.of("/second")[-1][2], "a form leaves out what is empty"
    row = tested.json(f"/api/r/sms_gateway/{number}").json()
    known = tested.send(
        "PATCH", f"/api/r/sms_gateway/{number}", {"version": row["version"], "token": "form token&1"})
    assert known.status_code == 200 and known.json()["trial"] == "untested", known.text
    assert tested.post(f"/messages/gateways/{number}/test", {"phone": PHONE}).status_code == 303
    assert gateway.of("/second")[-1][2]["key"] == "form token&1"
    assert tested.post(f"/r/sms_gateway/{number}/do/enable").status_code == 303

    gateway.script["/sms"] = ["broken"] * 2
    before = len(deliveries(tested, template="channel_test", channel="sms"))
    until(lambda: tested.post("/messages/log/test").status_code == 303 and
          len(deliveries(tested, template="channel_test", channel="sms")) > before, 90, 5)
    until(lambda: newest(tested, "sms")["state"] == "sent", 30, 0.3)
    assert newest(tested, "sms")["via"] == "second" and newest(tested, "sms")["attempts"] == 1
    assert [row["via"] for row in deliveries(tested, via="second")] == ["second"]
    gateway.script["/sms"] = []
    assert tested.post(f"/r/sms_gateway/{number}/do/disable").status_code == 303


def test_what_a_message_says_is_shown_for_a_purpose_that_is_kept(tested, own_city):
    number = newest(tested, "sms")["id"]
    officer = Client(own_city.base)
    assert officer.sign_in("secadmin", own_city.accounts["secadmin"]).status_code == 303
    assert tested.post(f"/messages/log/{number}/reveal", {"purpose": "群众求助"}).status_code == 403
    assert officer.post(f"/messages/log/{number}/reveal", {"purpose": "好奇"}).status_code == 422
    shown = officer.post(f"/messages/log/{number}/reveal", {"purpose": "群众求助", "note": "没有收到短信"})
    assert shown.status_code == 200 and "发出的测试消息，收到说明短信可以使用" in Markup(shown.text).text
    kept = own_city.sql("select purpose from audit_entry where action = 'message.reveal' order by id desc limit 1")
    assert kept == "群众求助：没有收到短信"
    assert deliveries(tested, user=tested.user, read="yes", channel="site") is not None
    # A code proves who somebody is: nobody else reads it.
    code = deliveries(tested, template="email_code")[0]["id"]
    assert officer.post(f"/messages/log/{code}/reveal", {"purpose": "群众求助"}).status_code == 403
    listed = Markup(tested.get(f"/messages/log?user={tested.user}").text).text
    assert "系统管理员" in listed and "产生日期" in listed


def test_a_message_to_many_is_reviewed_by_another_and_followed(tested, own_city, gateway):
    officer = Client(own_city.base)
    assert officer.sign_in("secadmin", own_city.accounts["secadmin"]).status_code == 303
    unit = int(own_city.sql("select unit_id from app_user where account = 'leader'"))
    asked = {
        "title": "系统升级通知", "text": "本周六 22:00 起升级两小时，请提前保存。", "sms": "本周六22:00起系统升级两小时。",
        "audience": "staff", "to_unit_id": unit,
    }
    made = tested.send("POST", "/api/r/broadcast", asked)
    assert made.status_code == 201, made.text
    path = f"/api/r/broadcast/{made.json()['id']}"
    assert tested.post(f"{path.removeprefix(API)}/do/submit", {}).status_code == 303
    row = tested.json(path).json()
    late = tested.send("PATCH", path, {"version": row["version"], "title": "另一个标题"})
    assert late.status_code == 409, late.text
    assert tested.post(f"{path.removeprefix(API)}/do/approve", {}).status_code == 403, "nobody reviews what they wrote"
    officer_id = int(own_city.sql("select id from app_user where account = 'secadmin'"))
    # Whoever wrote or changed it, with every right, is no reviewer of it.
    own_city.sql(f"update broadcast set author_id = {officer_id}, state = 'review' where id = {row['id']} returning id")
    author = officer.post(f"{path.removeprefix(API)}/do/approve", {})
    assert author.status_code == 409, Markup(author.text).text[-300:]
    own_city.sql(f"update broadcast set author_id = {tested.user}, editor_id = {officer_id} where id = {row['id']} returning id")
    assert officer.post(f"{path.removeprefix(API)}/do/approve", {}).status_code == 409
    own_city.sql(f"update broadcast set editor_id = {tested.user} where id = {row['id']} returning id")
    assert officer.post(f"{path.removeprefix(API)}/do/approve", {"opinion": "同意"}).status_code == 303
    until(lambda: tested.json(path).json()["state"] == "sent", 60, 0.5)
    row = tested.json(path).json()
    people = int(own_city.sql(
        "select count(*) from app_user u join unit b on b.id = u.unit_id "
        f"where u.status = 'active' and (b.id = {unit} or '.' || b.path like '%.{unit}.%')"))
    assert row["recipients"] == people > 0
    leader = Client(own_city.base)
    assert leader.sign_in("leader", own_city.accounts["leader"]).status_code == 303
    box = leader.json("/messages").json()["items"]
    mine = next(item for item in box if item["title"] == "系统升级通知")
    assert leader.get(f"/messages/{mine['id']}").status_code == 200
    page = Markup(tested.get(f"/messages/broadcasts/{row['id']}").text).text
    assert "收件人" in page and "已经打开" in page
    read = deliveries(tested, key=f"broadcast {row['id']}", read="yes")
    assert len(read) == 1
    assert leader.get(f"/messages/broadcasts/{row['id']}").status_code == 403


def test_what_expires_is_taken_back_or_its_sender_told(tested, own_city):
    officer = Client(own_city.base)
    assert officer.sign_in("secadmin", own_city.accounts["secadmin"]).status_code == 303
    unit = int(own_city.sql("select unit_id from app_user where account = 'leader'"))
    paths = {}
    for fate in ("withdraw", "tell"):
        made = tested.send("POST", "/api/r/broadcast", {
            "title": f"临时通知 {fate}", "text": "今晚有雨。", "audience": "staff", "to_unit_id": unit, "on_expiry": fate,
            "expires_at": "2099-01-01T00:00:00Z"})
        assert made.status_code == 201, made.text
        paths[fate] = f"/api/r/broadcast/{made.json()['id']}"
        assert tested.post(f"{paths[fate].removeprefix(API)}/do/submit", {}).status_code == 303
        assert officer.post(f"{paths[fate].removeprefix(API)}/do/approve", {}).status_code == 303
    until(lambda: all(tested.json(path).json()["state"] == "sent" for path in paths.values()), 60, 0.5)
    # Approved when it was over already: nobody is sent it.
    late = tested.send("POST", "/api/r/broadcast", {
        "title": "过时通知", "text": "昨天有雨。", "audience": "staff", "to_unit_id": unit, "expires_at": "2020-01-01T00:00:00Z"})
    number = late.json()["id"]
    assert tested.post(f"/r/broadcast/{number}/do/submit").status_code == 303
    assert officer.post(f"/r/broadcast/{number}/do/approve").status_code == 303
    until(lambda: tested.json(f"/api/r/broadcast/{number}").json()["state"] == "expired", 60, 0.5)
    assert deliveries(tested, key=f"broadcast {number}") == []
    leader = Client(own_city.base)
    assert leader.sign_in("leader", own_city.accounts["leader"]).status_code == 303

    def titles():
        return [item["title"] for item in leader.json("/messages").json()["items"] if "临时通知" in item["title"]]

    assert sorted(titles()) == ["临时通知 tell", "临时通知 withdraw"]
    own_city.sql("update broadcast set expires_at = now() - interval '1 minute' where title like '临时通知%' returning id")
    until(lambda: all(tested.json(path).json()["state"] == "expired" for path in paths.values()), 60, 0.5)
    assert titles() == ["临时通知 tell"]
    mine = [item for item in tested.json("/messages").json()["items"] if "已过期" in item["title"]]
    assert len(mine) == 1 and "临时通知 tell" in mine[0]["title"]


def test_a_letter_is_not_sent_where_nobody_vouches_for_the_server(tested, letters, tmp_path):
    handler = Letters()
    controller = TLSMail(handler, tmp_path)
    controller.start()
    try:
        set_parameter(tested, "smtp_tls", "true")
        set_parameter(tested, "smtp_url", f"smtp://127.0.0.1:{controller.port}")
        before = len(deliveries(tested, template="email_code"))
        claimed = tested.post("/account/messages/email", {"email": "second@lifang.example"})
        assert claimed.status_code == 303, Markup(claimed.text).text[-500:]

        def failed():
            rows = deliveries(tested, template="email_code")
            return len(rows) > before and rows[0]["reason"] and "证书不可信" in rows[0]["reason"]

        until(failed, 30, 0.3)
        assert not handler.letters
        # And a server without TLS gets nothing while TLS is asked for, though it was spoken to in clear before.
        taken = len(letters.letters)
        set_parameter(tested, "smtp_url", f"smtp://127.0.0.1:{letters.port}")
        until(lambda: "加密" in (deliveries(tested, template="email_code")[0]["reason"] or ""), 60, 0.3)
        assert len(letters.letters) == taken
    finally:
        controller.stop()
        set_parameter(tested, "smtp_tls", "")


def test_secrets_and_numbers_stand_neither_in_the_log_nor_in_the_database(tested, own_city):
    log = pathlib.Path(own_city.log).read_text(errors="replace")
    dump = subprocess.run(
        ["pg_dump", "--data-only", "-d", own_city.conninfo.replace("user=lifang ", "user=lifang_admin ")],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    for secret in [*SECRETS.values(), PHONE, "oTEST00001111", "admin@lifang.example", "second@lifang.example"]:
        assert secret not in log and secret not in dump, secret


def test_what_failed_for_good_can_be_sent_again(tested, gateway, own_city):
    gateway.script["/sms"] = [{"code": 1}] * 3
    set_parameter(tested, "attempts", "1")
    # A minute has to pass between two test messages of one person.
    own_city.sql("update message set dedupe = dedupe || 'x' where template = 'channel_test'")
    try:
        tested.post("/messages/log/test")
        until(lambda: newest(tested, "sms")["state"] == "failed", 40, 0.3)
        gateway.script["/sms"] = []
        again = tested.post(f"/messages/log/{newest(tested, 'sms')['id']}/retry")
        assert again.status_code == 303
        until(lambda: newest(tested, "sms")["state"] == "sent", 40, 0.3)
    finally:
        set_parameter(tested, "attempts", "6")


def test_a_person_switches_a_channel_off(tested):
    page = tested.get("/account/messages")
    assert "139****1234" in page.text and "a***@lifang.example" in page.text and "已绑定微信" in page.text
    assert tested.post("/account/messages", [("channel", "sms")]).status_code == 303
    markup = Markup(tested.get("/account/messages").text)
    boxes = {a["value"]: "checked" in a for tag, a in markup.tags if tag == "input" and a.get("name") == "channel"}
    assert boxes == {"sms": True, "email": False, "wechat": False}
