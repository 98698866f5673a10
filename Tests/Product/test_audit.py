"""The audit: what is in it, that it holds, and that nobody can change it unseen."""

import pathlib
import re
import subprocess

import pytest
from clients import Client, Markup, until

ROOT = pathlib.Path(__file__).resolve().parents[2]


def verify(city):
    done = subprocess.run([city.lifang, "audit", "verify", "--data", city.data], stdout=subprocess.PIPE, text=True)
    return done.returncode, done.stdout.strip()


def sealed(city):
    until(lambda: city.sql("select count(*) from audit_pending") == "0", 30)


def someone(city):
    return city.sql(
        "set lifang.scope_person = '{\"all\":true}'; select p.id, p.name, a.code from person p join address a on a.id = p.address_id where p.division_code like "
        "(select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'officer') || '%' order by p.id limit 1").split("|")


def test_every_look_at_a_person_is_there_with_its_purpose(city, clients):
    person, name, code = someone(city)
    officer = clients("officer")
    officer.get(f"/r/person/{person}")
    officer.post(f"/r/person/{person}/reveal", {"purpose": "案件办理", "note": "接处警 2026-1"})
    officer.post(f"/d/{code}/household", {"purpose": "走访核实"})
    officer.json(f"/api/r/person/{person}")
    officer.get(f"/r/person?q={name}")
    found = city.sql(
        "select action, coalesce(record_id::text, ''), coalesce(purpose, ''), coalesce(remote_address, ''), coalesce(request_id, '') from audit_entry "
        "where principal_id = (select id from app_user where account = 'officer') and entity = 'person' order by id").splitlines()
    entries = [line.split("|") for line in found]
    actions = [(action, record, purpose) for action, record, purpose, _, _ in entries]
    assert ("person.view", person, "") in actions
    assert ("person.reveal", person, "案件办理：接处警 2026-1") in actions
    assert ("person.view", person, f"走访核实：{code}") in actions
    assert [action for action, _, _ in actions].count("person.list") >= 2
    assert sum(1 for action, record, _ in actions if record == person) >= 4
    # Where from, and in which request, for each of them.
    without = [entry for entry in entries if not entry[3] or not entry[4]]
    assert without == []
    assert {entry[3] for entry in entries} >= {officer.address}


def test_looks_without_a_purpose_are_refused(city, clients):
    person, _, code = someone(city)
    officer = clients("officer")
    count = lambda: city.sql("select count(*) from audit_entry where action = 'person.reveal'")
    before = count()
    for form in ({}, {"purpose": ""}, {"purpose": "好奇"}, {"note": "走访核实"}):
        assert officer.post(f"/r/person/{person}/reveal", form).status_code == 422
        assert officer.post(f"/d/{code}/household", form).status_code == 422
    assert count() == before


def test_the_person_sees_who_looked(city, clients):
    resident = city.sql(
        "set lifang.scope_person = '{\"all\":true}'; select p.id, p.division_code from person p join app_user u on u.id = p.user_id where u.account = 'resident'")
    person, division = resident.split("|")
    viewer = next((account for account in ("officer", "station", "leader") if clients(account).json(f"/api/r/person/{person}").status_code == 200), None)
    assert viewer, "nobody in the demo city may view the resident"
    if viewer != "leader":
        clients(viewer).post(f"/r/person/{person}/reveal", {"purpose": "证件办理"})
    page = Markup(clients("resident").get("/account/lookups").text).text
    name = city.sql(f"select name from app_user where account = '{viewer}'")
    assert name in page
    assert viewer == "leader" or "证件办理" in page
    assert division


def test_changes_and_sign_ins_are_there(city, clients):
    client = Client(city.base)
    client.sign_in("clerk", "Wrong-2026")
    client.sign_in("clerk", city.accounts["clerk"])
    division = city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    made = clients("station").send("POST", "/api/r/compound", {"name": "审计小区", "kind": "residential", "division_code": division, "bounds": "东至滨河路"}).json()["id"]
    clients("station").send("PATCH", f"/api/r/compound/{made}", {"alias": "别名"})
    entries = city.sql(
        "select action, outcome from audit_entry where (entity = 'compound' and record_id = %d) or (action = 'session.sign-in' and remote_address = '%s') order by id"
        % (made, client.address)).splitlines()
    assert entries == ["session.sign-in|refused", "session.sign-in|done", "compound.create|done", "compound.update|done"]
    page = Markup(clients("auditor").get("/logs").text).text
    assert "compound" in page or "小区" in page


def test_only_auditors_read_it(clients):
    for account in ("sysadmin", "secadmin", "leader", "station", "resident"):
        for path in ("/logs", "/logs/1", "/logs/statistics", "/logs/calls", "/logs/export", "/logs/report", "/logs/report/issue", "/r/audit_report"):
            assert clients(account).get(path).status_code == 403, (account, path)
        assert clients(account).post("/logs/verify").status_code == 403
        assert clients(account).post("/logs/report/issue", {}).status_code == 403
    assert clients("auditor").get("/logs").status_code == 200


def test_the_auditor_sums_a_period_up_and_keeps_it(city, clients):
    """出具审计报告: figures of the days, whether the chain holds, and a file that stays; both the look and the report are logged."""
    clients("officer").get("/r/person")
    sealed(city)
    auditor = clients("auditor")
    shown = auditor.get("/logs/report")
    page = Markup(shown.text).text
    for words in ("登录失败的账号", "按用途查看个人信息", "被拒绝和失败的操作", "值得注意"):
        assert words in page
    since, until = re.search(r"since=(\d{4}-\d\d-\d\d)&(?:amp;)?until=(\d{4}-\d\d-\d\d)", shown.text).groups()
    made = auditor.post("/logs/report/issue", {"since": since, "until": until})
    assert made.is_redirect, made.text
    record = made.headers["Location"].split("?")[0]
    kept = auditor.json("/api" + record).json()
    assert kept["chain"] == "intact" and kept["number"].startswith("SJ")
    key = city.sql(f"select file from audit_report where number = '{kept['number']}'")
    pdf = auditor.get(f"/files/{key}")
    assert pdf.status_code == 200 and pdf.content.startswith(b"%PDF")
    assert clients("officer").get(f"/files/{key}").status_code in (403, 404)
    looked = city.sql("select count(*) from audit_entry where action = 'audit.report' and outcome = 'done'")
    assert int(looked) >= 1
    assert int(city.sql("select count(*) from audit_entry where action = 'audit_report.create' and outcome = 'done'")) >= 1
    assert auditor.get("/logs/report?since=2020-01-01&until=2026-01-01").status_code == 400


def test_the_chain_holds(city):
    sealed(city)
    code, said = verify(city)
    assert code == 0 and "完整" in said, said
    assert int(re.search(r"校验 (\d+) 条", said).group(1)) == int(city.sql("select count(*) from audit_link"))


def test_the_server_cannot_change_what_was_written(city):
    """Neither the role it works as nor the owner's own statements, while the triggers stand."""
    for statement in ("update audit_entry set action = 'x' where id = 1", "delete from audit_entry where id = 1", "truncate audit_entry", "delete from audit_link where sequence = 1",
                      "set role lifang_app; update audit_entry set action = 'x'", "set role lifang_app; delete from audit_entry"):
        with pytest.raises(subprocess.CalledProcessError):
            city.sql(statement)


TAMPERING = {
    "action": ("update audit_entry set action = 'nothing' where id = {id}", "内容被改动"),
    "purpose": ("update audit_entry set purpose = coalesce(purpose, '') || '!' where id = {id}", "内容被改动"),
    "time": ("update audit_entry set occurred_at = occurred_at - interval '1 microsecond' where id = {id}", "内容被改动"),
    "removal": ("delete from audit_entry where id = {id}", "已被删除"),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_verify_names_the_first_altered_entry(city, clients, what):
    statement, words = TAMPERING[what]
    clients("officer").get("/r/person")
    sealed(city)
    total = int(city.sql("select max(sequence) from audit_link"))
    middle = total // 2
    entry = city.sql(f"select entry_id from audit_link where sequence = {middle}")
    columns = city.sql("select string_agg(quote_ident(column_name), ', ') from information_schema.columns where table_name = 'audit_entry'")
    triggers = "alter table audit_entry {} trigger append_only;"
    # By hand, as somebody with the database's password would: the trigger is taken off and put back.
    city.sql(f"create table kept_entry as select {columns} from audit_entry where id = {entry};" + triggers.format("disable") + statement.format(id=entry) + ";" + triggers.format("enable"))
    try:
        code, said = verify(city)
        assert code == 1, said
        assert f"第 {middle} 条" in said and f"编号 {entry}" in said and words in said, said
        page = clients("auditor").post("/logs/verify")
        assert f"第 {middle} 条" in page.text or page.is_redirect and f"第 {middle} 条" in clients("auditor").get(page.headers["Location"]).text
    finally:
        city.sql(triggers.format("disable") + f"delete from audit_entry where id = {entry}; insert into audit_entry ({columns}) overriding system value select {columns} from kept_entry;"
                 + triggers.format("enable") + "drop table kept_entry")
    code, said = verify(city)
    assert code == 0, said


def test_an_entry_slipped_in_by_hand_is_named(city):
    sealed(city)
    entry = city.sql(
        "insert into audit_entry (occurred_at, principal_kind, principal_id, principal_name, action, entity, outcome, details) "
        "values (now(), 'user', 1, '假', 'x.view', 'x', 'done', '{}') returning id")
    code, said = verify(city)
    assert code == 1 and f"编号 {entry}" in said, said
    city.sql(f"alter table audit_entry disable trigger append_only; delete from audit_entry where id = {entry}; alter table audit_entry enable trigger append_only")
    assert verify(city)[0] == 0


def test_a_tail_that_was_cut_off_is_found_by_the_signed_head(city):
    sealed(city)
    city.sql("alter table audit_link disable trigger append_only; create table kept_link as select * from audit_link "
             "where sequence >= (select max(sequence) from audit_head); delete from audit_link where sequence >= (select min(sequence) from kept_link);"
             "alter table audit_link enable trigger append_only")
    try:
        code, said = verify(city)
        assert code == 1 and "截断" in said, said
    finally:
        city.sql("insert into audit_link select * from kept_link; drop table kept_link")
    assert verify(city)[0] == 0


def exported(city, folder):
    path = folder / "audit.txt"
    city.run("audit", "export", str(path))
    assert path.stat().st_mode & 0o077 == 0, "others on the machine may not read it"
    return path


def sm3(text):
    done = subprocess.run(["openssl", "dgst", "-sm3", "-r"], input=text, stdout=subprocess.PIPE, check=True)
    return done.stdout.split()[0].decode()


def test_an_export_can_be_checked_with_openssl_alone(city, tmp_path):
    sealed(city)
    path = exported(city, tmp_path)
    lines = path.read_bytes().splitlines()
    entries = [line for line in lines if not line.startswith(b"#")]
    assert len(entries) == int(city.sql("select count(*) from audit_link"))
    before = None
    for line in entries:
        fields = line.split(b"\t")
        if before is not None:
            assert fields[2] == before, "each holds the hash of the one before"
        before = fields[-1]
    for line in entries[:3] + entries[len(entries) // 2:][:3] + entries[-3:]:
        text, _, stated = line.rpartition(b"\t")
        assert sm3(text) == stated.decode()


def test_the_check_in_the_documentation_works_as_written(city, tmp_path):
    """The lines of docs/operations.md, pasted into a shell."""
    exported(city, tmp_path)
    page = (ROOT / "docs" / "operations.md").read_text()
    block = re.search(r"```\n(line=\$\(.*?)\n```", page, re.S).group(1)
    block = re.sub(r"\s+#.*", "", block)
    done = subprocess.run(["bash", "-c", block + '\nprintf "%s\\n" "${line##*$\'\\t\'}"'], cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True)
    said, stated = done.stdout.splitlines()
    assert said.split()[-1] == stated


def test_the_heads_of_an_export_are_signed(city, tmp_path):
    """SM2 with the published key, checked by stock openssl."""
    sealed(city)
    lines = [line.split("\t") for line in exported(city, tmp_path).read_text().splitlines()]
    keys = {fields[1]: fields[2] for fields in lines if fields[0] == "#key"}
    heads = [fields for fields in lines if fields[0] == "#head"]
    assert keys and heads
    _, sequence, digest, time, key, signature = heads[-1]
    # SubjectPublicKeyInfo of the curve SM2 around the point.
    point = keys[key]
    der = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200" + point)
    (tmp_path / "key.der").write_bytes(der)
    (tmp_path / "signature").write_bytes(bytes.fromhex(signature))
    (tmp_path / "head").write_text(head_text(sequence, digest, time, key))
    subprocess.run(["openssl", "pkey", "-pubin", "-inform", "DER", "-in", "key.der", "-out", "key.pem"], cwd=tmp_path, check=True)
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-in", "head", "-sigfile", "signature"]
    good = subprocess.run(check, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert good.returncode == 0, good.stdout
    (tmp_path / "head").write_text(head_text(str(int(sequence) + 1), digest, time, key))
    assert subprocess.run(check, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0


def head_text(sequence, digest, time, key):
    return "\t".join(["lifang-audit-head-1", sequence, digest, time, key])
