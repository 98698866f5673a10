"""Servers with data folders of their own, which begin as copies of one small demo city made once for the whole run."""

import fcntl
import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import urllib.request

from clients import Client, until

PAST_ROW_SECURITY = " ".join(f'-c lifang.scope_{name}={{"all":true}}' for name in ("person", "residence", "tenancy_report", "notice_report"))
SEEDS = "LIFANG_SEEDS"


def prepare():
    """Before the workers of a run begin: where they share a city, and PostgreSQL's own programs before the scripts of the
    distribution that look for them."""
    bin = subprocess.run(["pg_config", "--bindir"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    os.environ["PATH"] = f"{bin}:{os.environ['PATH']}"
    folder = tempfile.TemporaryDirectory(prefix="lifang-seeds-")
    os.chmod(folder.name, 0o755)
    os.environ[SEEDS] = folder.name
    return folder.cleanup


class Server:
    """A server of its own with a data folder of its own; it may be killed and started again."""

    def __init__(self, lifang, folder, scale="0.003"):
        self.lifang, self.folder, self.scale = str(lifang), folder, scale
        self.data = os.path.join(folder, "data")
        self.log = os.path.join(folder, "server.log")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.process = None

    def sow(self):
        """Begins with a copy of the demo city: of the data folder that `LIFANG_SEED` names, whose cluster must be stopped, or
        of one that the first to ask makes."""
        seed = os.environ.get("LIFANG_SEED")
        if not seed:
            with open(os.path.join(os.environ[SEEDS], "lock"), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                first = Server(self.lifang, os.environ[SEEDS])
                seed = os.path.join(os.environ[SEEDS], "seed")
                if not os.path.exists(seed):
                    try:
                        first.start()
                    finally:
                        first.stop()
                    os.rename(first.data, seed)
        subprocess.run(["cp", "-a", "--reflink=auto", seed, self.data], check=True)
        return self

    def start(self):
        # `timeout` ends it even when this process dies first.
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["timeout", "-s", "KILL", "3600", self.lifang, "serve", "--demo", "--demo-scale", self.scale,
                 "--data", self.data, "--port", str(self.port)], stdout=log, stderr=log,
                env={"LIFANG_PACE": "10", **os.environ})
        self.wait()
        self.accounts = {one["account"]: one["password"] for one in json.loads(self.run("demo", "accounts", "--json"))}
        return self

    def wait(self, seconds=300):
        def answers():
            assert self.process.poll() is None, pathlib.Path(self.log).read_text()[-3000:]
            try:
                with urllib.request.urlopen(self.base + "/healthz", timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                return False

        until(answers, seconds, 0.1)

    @property
    def pid(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(20)

    def run(self, *arguments, check=True):
        done = subprocess.run([self.lifang, *arguments, "--data", self.data], stdout=subprocess.PIPE, text=True, check=check)
        return done.stdout

    @functools.cached_property
    def conninfo(self):
        """Asked for once: the command would start a cluster that has died, which is for the server to do."""
        return self.run("cluster", "conninfo").strip().splitlines()[-1]

    def sql(self, statement, options=""):
        done = subprocess.run(
            ["psql", "-XAtq", "-d", self.conninfo, "-c", statement], stdout=subprocess.PIPE, text=True, check=True,
            env={**os.environ, "PGOPTIONS": options})
        return done.stdout.strip()

    def stop(self):
        if self.process and self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        subprocess.run([self.lifang, "cluster", "stop", "--data", self.data], stdout=subprocess.DEVNULL)


class City(Server):
    """The city that most tests share."""

    def let_everybody_stay_signed_in(self):
        """Tests share accounts and sign in as often as they like; of too many sessions the oldest would end, which a
        Swift test tries."""
        administrator = Client(self.base)
        administrator.sign_in("sysadmin", self.accounts["sysadmin"])
        saved = administrator.post("/settings/parameters/identity.sessions_per_user", {"value": "0"})
        assert saved.status_code == 303, saved.text

    def sql_of_persons(self, statement):
        """What a test has to know of persons before it begins; row-level security shows nothing to anybody else."""
        return self.sql(statement, PAST_ROW_SECURITY)

    def resident(self):
        """Name, address id and address code of the person whose account is `resident`."""
        row = self.sql_of_persons(
            "select p.id, p.name, a.id, a.code, a.full_name from person p join address a on a.id = p.address_id "
            "join app_user u on u.id = p.user_id where u.account = 'resident'")
        return dict(zip(["person", "name", "address", "code", "full_name"], row.split("|")))
