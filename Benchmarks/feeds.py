"""A hundred thousand changes from another system, end to end: asked for page by page over signed HTTP from a peer of our
own, cleaned, standardised, compared, written with history, reported and audited."""

import json
import os
import shutil
import socket
import subprocess
import time

from stage import LIFANG, STAGE, Browser, Server, conninfo, demo_accounts, free_port, lifang, psql, say

CHANGES = int(os.environ.get("LIFANG_BENCH_CHANGES", "100000"))
SECRET = "lifang-demo-peers"


class Peers:
    """The provincial base with its first addresses and so many changes after them."""

    def __init__(self, changes):
        self.port, self.changes = free_port(), changes

    def __enter__(self):
        self.process = subprocess.Popen(
            [LIFANG, "peers", "--port", str(self.port), "--addresses", str(CHANGES), "--changes", str(self.changes)],
            stdout=subprocess.DEVNULL)
        # Any answer says that it listens.
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def connect(data, port):
    """Points the connector at the peer, as an administrator does."""
    with Server(data) as server:
        browser = Browser(server.port, "sysadmin", demo_accounts(data)["sysadmin"])
        path = "/connectors/population_base/settings"
        token = browser.get(path).decode().split('name="_csrf"')[1].split('value="')[1].split('"')[0]
        status, _ = browser.request("POST", path, {
            "_csrf": token, "address": f"http://127.0.0.1:{port}", "key_name": "bench", "secret": SECRET, "enabled": "true"})
        if status != 303:
            raise SystemExit(f"the connector was not set up: {status}")


def synchronise(data):
    """The outcome, seconds from start to end of the command, and the most memory it had, in MB."""
    begin = time.monotonic()
    process = subprocess.Popen(
        [LIFANG, "feed", "run", "standard_addresses", "--json", "--data", str(data)], stdout=subprocess.PIPE, text=True)
    answer = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the synchronisation failed")
    return json.loads(answer), time.monotonic() - begin, used.ru_maxrss / 1024


def sync_100k(row):
    data = STAGE / "feeds"
    if data.exists():
        lifang("cluster", "stop", data=data)
        shutil.rmtree(data)
    data.parent.mkdir(parents=True, exist_ok=True)
    lifang("demo", "--scale", "0.01", data=data)
    with Peers(0) as peers:
        connect(data, peers.port)
        first, first_seconds, first_memory = synchronise(data)
    connection = conninfo(data)
    psql(connection, "vacuum analyze")
    with Peers(CHANGES) as peers:
        connect(data, peers.port)
        then, seconds, memory = synchronise(data)
    lifang("cluster", "stop", data=data)
    outcome = then["outcome"]
    say(f"first {first['received']} in {first_seconds:.1f} s with {first_memory:.0f} MB: {first['outcome']}; "
        f"then {then['received']} in {seconds:.1f} s: {outcome}")
    # What was refused the first time is tried again besides.
    assert first["received"] == CHANGES and then["received"] >= CHANGES, "the peer has other changes"
    return [
        row("sync-100k", seconds, "s", None, None, "< 60 s", seconds < 60,
            f"{outcome['created']} new, {outcome['updated']} changed, {outcome['cancelled']} cancelled, "
            f"{outcome['refused']} refused; at most {memory:.0f} MB"),
        row("sync-100k-first", first_seconds, "s", None, None, "", True,
            f"{first['outcome']['created']} new; at most {first_memory:.0f} MB"),
    ]
