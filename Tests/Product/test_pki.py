"""Sign-in by certificate, through a real nginx that asks for it, with authorities and certificates made by openssl."""

import os
import re
import shutil
import socket
import subprocess
import time

import pytest
import requests
from clients import Client, form_token, until

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Two authorities, of which the proxy knows one; officers' certificates by it, and one by the stranger."""
    folder = tmp_path_factory.mktemp("pki")
    for name in ("police", "stranger"):
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={name} CA", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.pem")
    for name, ca in (("officer", "police"), ("second", "police"), ("forged", "stranger")):
        openssl(folder, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                f"/C=CN/O=Police/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                "-days", "10", "-out", f"{name}.pem")
    return folder


@pytest.fixture(scope="module")
def gate(city, authority, tmp_path_factory):
    """A second node of the city that believes a proxy, and the proxy: the addresses of the node and of the proxy."""
    node, port = free_port(), free_port()
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "nginx.conf").write_text(f"""
        daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
        events {{ worker_connections 64; }}
        http {{
          access_log off;
          client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
          uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
          server {{
            listen 127.0.0.1:{port} ssl;
            ssl_certificate {authority}/server.pem; ssl_certificate_key {authority}/server.key;
            ssl_client_certificate {authority}/police.pem; ssl_verify_client optional;
            location / {{
              proxy_pass http://127.0.0.1:{node};
              proxy_set_header Host $host:$server_port;
              proxy_set_header X-Forwarded-For $remote_addr;
              proxy_set_header X-Forwarded-Proto $scheme;
              proxy_set_header X-Client-Verify $ssl_client_verify;
              proxy_set_header X-Client-Certificate $ssl_client_escaped_cert;
            }}
          }}
        }}""")
    if os.geteuid() == 0:
        subprocess.run(["chmod", "-R", "a+rwX", folder, authority], check=True)
    with open(folder / "node.log", "wb") as log:
        server = subprocess.Popen(
            [city.lifang, "serve", "--data", city.data, "--port", str(node), "--trusted-proxy", "127.0.0.1",
             "--client-certificates"], stdout=log, stderr=log)
        proxy = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        def answers():
            try:
                return requests.get(f"https://127.0.0.1:{port}/healthz", verify=False, timeout=5).status_code == 200
            except requests.RequestException:
                return False
        until(answers, 90)
        yield f"http://127.0.0.1:{node}", f"https://127.0.0.1:{port}"
    finally:
        for process in (proxy, server):
            process.terminate()
            process.wait(20)


def browser(authority, name=None):
    session = requests.Session()
    session.trust_env = False
    session.verify = False
    session.headers["Accept"] = "text/html"
    if name:
        session.cert = (f"{authority}/{name}.pem", f"{authority}/{name}.key")
    return session


def press(session, base):
    """Presses the button for certificates."""
    page = session.get(f"{base}/sign-in", timeout=30)
    return page, session.post(f"{base}/sign-in/certificate", data={"_csrf": form_token(page.text)}, allow_redirects=False, timeout=30)


@pytest.fixture(scope="module")
def registered(city, clients, authority):
    # An account of its own: stopping one ends its sessions, which other tests share.
    user = city.sql(
        "insert into app_user (version, created_at, created_by, updated_at, updated_by, account, name, clearance, status, unit_id) "
        "select 1, now(), 0, now(), 0, 'ukey', '高证书', 'secret', 'active', unit_id from app_user where account = 'huji' returning id")
    answer = clients("secadmin").post("/r/sign_in_certificate/new", {
        "user_id": user, "label": "户籍民警 UKey", "certificate": (authority / "officer.pem").read_text()})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_a_registered_certificate_signs_in_without_a_password(city, clients, authority, gate, registered):
    _, proxy = gate
    # What the register keeps is what stock openssl prints.
    printed = subprocess.run(["openssl", "x509", "-in", authority / "officer.pem", "-noout", "-fingerprint", "-sha256"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    wanted = printed.strip().split("=")[1].replace(":", "").lower()
    assert city.sql(f"select fingerprint from sign_in_certificate where id = {registered.rsplit('/', 1)[1]}") == wanted
    session = browser(authority, "officer")
    page, opened = press(session, proxy)
    assert "用数字证书登录" in page.text
    assert opened.status_code == 303, opened.text
    assert "ukey" in session.get(f"{proxy}/account", timeout=30).text
    row = city.sql("select account || ' ' || outcome from login_log where method = 'certificate' order by id desc limit 1")
    assert row == "ukey success"


def test_without_a_certificate_or_with_one_of_a_stranger_there_is_no_way_in(authority, gate):
    _, proxy = gate
    for name in (None, "forged"):
        session = browser(authority, name)
        page = session.get(f"{proxy}/sign-in", timeout=30)
        if page.status_code == 400:  # nginx itself turns a certificate away that it cannot prove
            assert name == "forged"
            continue
        assert "用数字证书登录" not in page.text
        _, answer = press(session, proxy)
        assert answer.status_code == 403 and "没有收到有效的数字证书" in answer.text


def test_a_certificate_that_nobody_registered_is_refused_and_logged(city, authority, gate):
    _, proxy = gate
    _, answer = press(browser(authority, "second"), proxy)
    assert answer.status_code == 403 and "没有登记给任何账号" in answer.text
    assert city.sql("select reason from login_log where method = 'certificate' order by id desc limit 1") == "unknown_certificate"


def test_headers_that_no_trusted_proxy_wrote_are_worth_nothing(city, authority, registered):
    """The city's first node believes nobody, though the headers say that all is well."""
    client = Client(city.base)
    token = client.token()
    certificate = requests.utils.quote((authority / "officer.pem").read_text())
    answer = client.post("/sign-in/certificate", token=token, headers={
        "X-Client-Verify": "SUCCESS", "X-Client-Certificate": certificate})
    assert answer.status_code == 403 and "没有收到有效的数字证书" in answer.text
    assert client.cookie is None


def test_a_revoked_certificate_and_a_disabled_account_open_nothing(city, clients, authority, gate, registered):
    _, proxy = gate
    try:
        city.sql("update app_user set status = 'disabled' where account = 'ukey'")
        _, answer = press(browser(authority, "officer"), proxy)
        assert answer.status_code == 403 and "停用" in answer.text
    finally:
        city.sql("update app_user set status = 'active' where account = 'ukey'")
    assert clients("secadmin").post(f"{registered}/do/revoke", {"reason": "介质遗失"}).status_code == 303
    _, answer = press(browser(authority, "officer"), proxy)
    assert answer.status_code == 403 and "这张证书" in answer.text and "已停用" in answer.text
    assert clients("secadmin").post(f"{registered}/do/restore").status_code == 303


def test_what_is_no_certificate_is_refused_with_what_to_do(city, clients):
    user = city.sql("select id from app_user where account = 'huji'")
    answer = clients("secadmin").post("/r/sign_in_certificate/new", {"user_id": user, "label": "错的", "certificate": "我的证书"})
    assert answer.status_code == 422 and "不是 PEM 格式的证书" in re.sub(r"<[^>]+>", "", answer.text)
    assert clients("huji").get("/r/sign_in_certificate").status_code == 403
