"""What the measurements stand on: a demo city of a million addresses, a server, and peers, all ended afterwards."""

import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIFANG = ROOT / ".build/release/lifang"
STAGE = ROOT / ".lifang/bench"
POSTGRES = next(iter(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lifang(*arguments, data, **options):
    """Runs the command line tool to its end and returns what it printed."""
    done = subprocess.run(
        [LIFANG, *arguments, "--data", str(data)], stdout=subprocess.PIPE, text=True, check=True, **options)
    return done.stdout


def conninfo(data):
    return lifang("cluster", "start", data=data).strip().splitlines()[-1]


def psql(connection, statement):
    done = subprocess.run(
        ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", connection, "-c", statement],
        stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip().splitlines()


def city(scale):
    """The data folder of a demo city of that scale, made once and kept between runs; its cluster is running."""
    data = STAGE / f"city-{scale}"
    marker = data / "loaded"
    if not marker.exists():
        if data.exists():
            lifang("cluster", "stop", data=data)
            shutil.rmtree(data)
        data.parent.mkdir(parents=True, exist_ok=True)
        say(f"loading the demo city at scale {scale}")
        begin = time.monotonic()
        lifang("demo", "--scale", str(scale), data=data)
        connection = conninfo(data)
        settle(data, connection)
        psql(connection, "vacuum analyze")
        marker.write_text(f"{time.monotonic() - begin:.1f} s\n")
    return data


def settle(data, connection):
    """Waits for the work that a new city begins by itself (the first inspection of its addresses): it would take a core
    from whatever is measured next."""
    with Server(data, "--bench"):
        until = time.monotonic() + 1200
        begun = "select count(*) from job where state = 'running' or state = 'waiting' and run_at <= now()"
        while psql(connection, begun) != ["0"]:
            if time.monotonic() > until:
                raise SystemExit("the work of the new city does not end")
            time.sleep(0.5)


class Server:
    """A running `lifang serve`, killed by its own id when the block ends."""

    def __init__(self, data, *arguments):
        self.data = data
        self.port = free_port()
        self.arguments = arguments

    def __enter__(self):
        self.log = open(STAGE / f"server-{self.port}.log", "wb")
        self.begin = time.monotonic()
        self.process = subprocess.Popen(
            [LIFANG, "serve", "--data", str(self.data), "--port", str(self.port), *self.arguments],
            stdout=self.log, stderr=self.log)
        wait_for(self.port)
        self.first_answer = time.monotonic() - self.begin
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    @property
    def memory(self):
        """Resident memory in MB."""
        return status_field(self.process.pid, "VmRSS") / 1024


def processor(pid, children=False):
    """Seconds of processor that a process has used, or it with those of its children that have ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15 if children else 13])) / os.sysconf("SC_CLK_TCK")


def cluster_processor(data):
    """The same of the whole cluster of a data folder."""
    parent = next(pathlib.Path(data).glob("postgres/*/postmaster.pid")).read_text().split()[0]
    running = [entry.name for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]
    return processor(parent, children=True) + sum(
        processor(pid) for pid in running if status_field(pid, "PPid") == int(parent))


def status_field(pid, name):
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


def wait_for(port, path="/healthz", seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.005)
    raise SystemExit(f"nothing answered on port {port} within {seconds} s")


class Nginx:
    """nginx answering one constant line, with as many workers as there are cores."""

    def __enter__(self):
        self.port = free_port()
        self.folder = STAGE / f"nginx-{self.port}"
        self.folder.mkdir(parents=True)
        configuration = self.folder / "nginx.conf"
        configuration.write_text(f"""
worker_processes {os.cpu_count()};
daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {self.folder}/b; proxy_temp_path {self.folder}/p; fastcgi_temp_path {self.folder}/f;
  uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
  server {{ listen 127.0.0.1:{self.port}; location / {{ default_type text/plain; return 200 "ok\\n"; }} }}
}}
""")
        self.begin = time.monotonic()
        self.process = subprocess.Popen(["nginx", "-p", str(self.folder), "-c", str(configuration)],
                                        stderr=subprocess.DEVNULL)
        wait_for(self.port, "/")
        self.first_answer = time.monotonic() - self.begin
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def wrk(port, paths, seconds=4, connections=64):
    """Requests a second over keep-alive connections that walk `paths` in random order; any error ends the run."""
    script = STAGE / f"wrk-{port}.lua"
    listing = STAGE / f"wrk-{port}.txt"
    listing.write_text("\n".join(paths))
    script.write_text(f"""
local paths = {{}}
for line in io.lines("{listing}") do paths[#paths + 1] = line end
math.randomseed(20261121)
request = function() return wrk.format("GET", paths[math.random(#paths)]) end
done = function(summary)
  io.write("\\nTOTAL ", summary.requests, " ", summary.duration, " ",
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.status,
    "\\n")
end
""")
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}/"],
        stdout=subprocess.PIPE, text=True, check=True)
    requests, microseconds, errors = next(
        line.split()[1:] for line in done.stdout.splitlines() if line.startswith("TOTAL "))
    if int(float(errors)):
        raise SystemExit(f"{errors} of {requests} requests failed on {paths[0]}")
    return float(requests) / (float(microseconds) / 1e6)


class Browser:
    """A signed-in client over one keep-alive connection."""

    def __init__(self, port, account=None, password=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies = {}
        if account:
            page = self.get("/sign-in").decode()
            token = page.split('name="_csrf"')[1].split('value="')[1].split('"')[0]
            status = self.request("POST", "/sign-in", {"_csrf": token, "account": account, "password": password})[0]
            if status not in (302, 303):
                raise SystemExit(f"{account} could not sign in: {status}")

    def request(self, method, path, form=None):
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        content = response.read()
        for value in response.headers.get_all("Set-Cookie") or []:
            name, _, rest = value.partition("=")
            self.cookies[name] = rest.split(";")[0]
        return response.status, content

    def get(self, path):
        status, content = self.request("GET", path)
        if status != 200:
            raise SystemExit(f"{path} answered {status}: {content[:300]!r}")
        return content

    def time(self, path):
        """Milliseconds from sending the request to having read the whole answer."""
        begin = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - begin) * 1000


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def demo_accounts(data):
    """Account → password of the demo city."""
    return {entry["account"]: entry["password"] for entry in json.loads(lifang("demo", "accounts", "--json", data=data))}


def shuffled(values, seed=20261121):
    values = list(values)
    random.Random(seed).shuffle(values)
    return values
