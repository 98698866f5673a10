"""Backup, restore, and what is done on the server itself, in the audit (D2-576)."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from clients import Client
from servers import Server


@pytest.fixture(scope="module")
def folders(executable_path):
    """A city with a backup of it, and an empty data folder with its keys."""
    with tempfile.TemporaryDirectory(prefix="lifang-backup-") as folder:
        os.chmod(folder, 0o755)
        server = Server(executable_path, folder)
        try:
            yield server.sow().start(), os.path.join(folder, "backup"), os.path.join(folder, "again")
        finally:
            server.stop()


def lifang(server, *words, data=None):
    return subprocess.run(
        [server.lifang, *words, "--data", data or server.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def entries(server, action):
    rows = server.sql(
        "select principal_kind, principal_name, outcome, details from audit_entry "
        f"where action = '{action}' order by id").splitlines()
    return [(*row.split("|", 3)[:3], json.loads(row.split("|", 3)[3])) for row in rows]


def test_a_backup_is_restored_elsewhere_and_the_audit_tells_of_both(folders):
    server, backup, again = folders
    client = Client(server.base)
    client.sign_in("sysadmin", server.accounts["sysadmin"])
    client.send("POST", "/api/r/post", {"name": "备份前的岗位", "code": "BK1"})
    # The server works on meanwhile.
    done = lifang(server, "backup", backup)
    assert done.returncode == 0 and "密钥不在其中" in done.stdout, done.stderr
    assert sorted(os.listdir(backup)) in (["backup.json", "files", "lifang.dump"], ["backup.json", "lifang.dump"])
    begun, ended = entries(server, "platform.backup")
    assert begun[3]["stage"] == "begun" and ended[3]["stage"] == "done"
    assert ended[0] == "system" and ended[1].startswith("系统用户 ") and ended[2] == "done"
    assert ended[3]["sm3"] == json.loads(pathlib.Path(backup, "backup.json").read_text())["sm3"]
    assert ended[3]["user"] and ended[3]["host"] and ended[3]["bytes"] == os.path.getsize(f"{backup}/lifang.dump")
    client.send("POST", "/api/r/post", {"name": "备份后的岗位", "code": "BK2"})

    refused = lifang(server, "restore", backup, data=again)
    assert refused.returncode == 2 and "密钥" in refused.stderr
    os.mkdir(again)
    os.chmod(again, 0o755)
    shutil.copytree(f"{server.data}/keys", f"{again}/keys")
    try:
        restored = lifang(server, "restore", backup, data=again)
        assert restored.returncode == 0, restored.stderr
        other = Server(server.lifang, os.path.dirname(again))
        other.data = again
        count = "select count(*) from"
        assert other.sql(f"{count} post where code like 'BK%'") == "1"
        for table in ("address", "app_user", "role_grant", "door_plate"):
            assert other.sql(f"{count} {table}") == server.sql(f"{count} {table}"), table
        [entry] = entries(other, "platform.restore")
        assert entry[1].startswith("系统用户 ") and entry[3]["sm3"] == ended[3]["sm3"]
        assert [one[3]["stage"] for one in entries(other, "platform.backup")] == ["begun"]
        verified = lifang(server, "audit", "verify", data=again)
        assert verified.returncode == 0 and "日志链完整" in verified.stdout, verified.stdout
        # Neither a folder that holds data, nor a backup that was altered.
        assert lifang(server, "restore", backup, data=again).returncode == 2
        with open(f"{backup}/lifang.dump", "ab") as file:
            file.write(b"x")
        altered = lifang(server, "restore", backup, data=again + "-2")
        assert altered.returncode == 2 and "SM3" in altered.stderr
    finally:
        lifang(server, "cluster", "stop", data=again)


def test_a_backup_that_fails_is_in_the_audit_and_an_occupied_folder_is_refused(folders):
    server, _, _ = folders
    occupied = pathlib.Path(server.folder, "occupied")
    occupied.mkdir()
    (occupied / "x").touch()
    assert lifang(server, "backup", str(occupied)).returncode == 2
    before = len(entries(server, "platform.backup"))
    assert lifang(server, "backup", "/proc/nowhere").returncode == 1
    begun, failed = entries(server, "platform.backup")[before:]
    assert begun[3]["stage"] == "begun" and failed[2] == "failed"


def test_what_is_done_on_the_server_is_in_the_audit(folders):
    server, _, _ = folders
    kind, name, outcome, details = entries(server, "platform.start")[-1]
    assert (kind, outcome) == ("system", "done") and name.startswith("系统用户 ") and details["port"] == server.port
    assert lifang(server, "administrators").returncode == 0
    assert entries(server, "platform.administrators")[-1][3]["made"] == 0
    assert lifang(server, "migrate").returncode == 0
    assert entries(server, "platform.migrate")[-1][2] == "done"
    # A second server on the same port does not start, and says so.
    second = subprocess.run(
        [server.lifang, "serve", "--data", server.data, "--port", str(server.port)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=120)
    assert second.returncode != 0
    assert entries(server, "platform.start")[-1][2] in ("failed", "refused")
    auditor = Client(server.base)
    auditor.sign_in("auditor", server.accounts["auditor"])
    assert "升级数据库结构" in auditor.get("/logs").text
