"""bin/bench: each figure beside its peer, measured in the same run; medians of several rounds with their spread."""

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse

import addresses
import archives
import cases
import feeds
import matching
import quality
from stage import (LIFANG, POSTGRES, STAGE, Browser, Nginx, Server, city, conninfo, demo_accounts, lifang, percentile, psql, say,
                   shuffled, status_field)

ROUNDS = 5
SCALE = "1"
MEASURES = {}


def measure(function):
    MEASURES[function.__name__.replace("_", "-")] = function
    return function


def row(name, value, unit, peer, peer_value, target, met, spread):
    return {"name": name, "value": round(value, 3), "unit": unit, "peer": peer,
            "peerValue": None if peer_value is None else round(peer_value, 3),
            "ratio": None if not peer_value else round(value / peer_value, 3),
            "target": target, "met": bool(met), "spread": spread}


def spread(values):
    return f"{min(values):.4g}–{max(values):.4g}"


def codes(data, count=5000):
    return psql(conninfo(data), f"select code from address where kind = 'room' order by md5(code) limit {count}")


@measure
def scan_page():
    """Public scan page by code, full HTML, many codes in random order."""
    data = city(SCALE)
    paths = [f"/d/{code}" for code in codes(data)]
    with Server(data, "--bench") as server, Nginx() as nginx:
        from stage import wrk
        wrk(server.port, paths, 2)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(wrk(server.port, paths))
            theirs.append(wrk(nginx.port, ["/"]))
    ratios = [a / b for a, b in zip(ours, theirs)]
    ratio = statistics.median(ratios)
    return [row("scan-page", statistics.median(ours), "requests/s", "nginx constant reply", statistics.median(theirs),
                "≥ 0.35 × peer", ratio >= 0.35, f"ratio {spread(ratios)}")]


def pgbench(connection, seconds=4):
    done = subprocess.run(
        [POSTGRES / "pgbench", "-n", "-S", "-M", "prepared", "-c", "4", "-j", "2", "-T", str(seconds), connection],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))


@measure
def lookup_json():
    """An address by its code as JSON, read from PostgreSQL for every request."""
    from stage import wrk
    data = city(SCALE)
    connection = conninfo(data)
    paths = [f"/api/lookup/{code}" for code in codes(data)]
    administrator = connection.replace("user=lifang ", "user=lifang_admin ")
    peer = re.sub(r"dbname='?\w+'?", "dbname=pgbench_peer", administrator)
    if not psql(administrator, "select 1 from pg_database where datname = 'pgbench_peer'"):
        psql(administrator, "create database pgbench_peer")
        subprocess.run([POSTGRES / "pgbench", "-i", "-q", "-s", "10", peer], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with Server(data, "--bench") as server:
        wrk(server.port, paths, 2)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(wrk(server.port, paths))
            theirs.append(pgbench(peer))
    ratios = [a / b for a, b in zip(ours, theirs)]
    ratio = statistics.median(ratios)
    return [row("lookup-json", statistics.median(ours), "requests/s", "pgbench select-only", statistics.median(theirs),
                "≥ 0.4 × peer", ratio >= 0.4, f"ratio {spread(ratios)}")]


def timed_pages(name, limit, account, paths, peer_sql):
    """p95 of one page kind, by a signed-in user with a data scope, beside the bare query through psql's protocol."""
    data = city(SCALE)
    connection = conninfo(data)
    with Server(data, "--bench") as server:
        browser = Browser(server.port, account, demo_accounts(data)[account]) if account else Browser(server.port)
        for path in paths[:20]:
            browser.time(path)
        rounds = [[browser.time(path) for path in shuffled(paths, round)] for round in range(ROUNDS)]
    p95 = [percentile(values, 0.95) for values in rounds]
    script = STAGE / f"{name}.sql"
    script.write_text(peer_sql + "\n")
    log = STAGE / f"{name}-peer"
    for old in STAGE.glob(f"{name}-peer.*"):
        old.unlink()
    subprocess.run([POSTGRES / "pgbench", "-n", "-c", "1", "-t", "60", "-f", script, "-l", f"--log-prefix={log}",
                    connection], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peer = [int(line.split()[2]) / 1000 for file in STAGE.glob(f"{name}-peer.*") for line in file.read_text().splitlines()]
    value = statistics.median(p95)
    return [row(name, value, "ms p95", "the bare query through pgbench, p95", percentile(peer, 0.95), f"< {limit} ms",
                value < limit, f"p95 {spread(p95)}, median {statistics.median(sum(rounds, [])):.1f} ms")]


@measure
def list_1m():
    """The address list with filter, sort and scope over a million addresses."""
    choices = random.Random(7)
    kinds, sorts = ["room", "building", "roadside", "unit"], ["full_name", "-full_name", "-updated_at", "code"]
    paths = ["/r/address?" + urllib.parse.urlencode(
        {"kind": choices.choice(kinds), "sort": choices.choice(sorts), "page": choices.choice([1, 1, 2, 5])})
        for _ in range(120)]
    return timed_pages("list-1m", 50, "tongchuan", paths,
                       "select * from address where kind = 'room' and division_code like '511702%' "
                       "order by full_name limit 50;")


@measure
def search_1m():
    """Free-text search over a million addresses."""
    data = city(SCALE)
    names = psql(conninfo(data), "select full_name from address where kind = 'room' order by md5(code) limit 200")
    choices = random.Random(11)
    words = []
    for name in names:
        tail = name[9:]
        start = choices.randrange(max(1, len(tail) - 6))
        words.append(tail[start:start + choices.choice([2, 3, 4, 6])])
    paths = ["/r/address?" + urllib.parse.urlencode({"q": word}) for word in words if word.strip()]
    return timed_pages("search-1m", 50, "leader", paths,
                       "select * from address where full_name = (select full_name from address limit 1);")


@measure
def tile_dense():
    """A vector tile of the densest square of the city."""
    data = city(SCALE)
    connection = conninfo(data)
    paths = psql(connection, """
        with t as (select z, floor((st_x(location) + 180) / 360 * 2 ^ z)::int as x,
            floor((1 - asinh(tan(radians(st_y(location)))) / pi()) / 2 * 2 ^ z)::int as y
          from address tablesample system (10), (values (12), (13), (14), (15), (16)) levels(z) where location is not null),
        ranked as (select z, x, y, row_number() over (partition by z order by count(*) desc) as place
          from t group by z, x, y)
        select '/tiles/addresses/' || z || '/' || x || '/' || y || '.mvt' from ranked where place <= 8""")
    return timed_pages("tile-dense", 60, "tongchuan", paths,
                       "select count(*) from address where location && st_makeenvelope(107.46, 31.2, 107.48, 31.22, 4490);")


@measure
def address_match():
    """Written addresses, wrong in known ways, against a base of a million; a tenth of them is not in the base."""
    base, questions = matching.prepare(SCALE, 20261121, 18_000, 2_000)
    answers, figures = matching.run(base, questions, 2)
    _, single = matching.run(base, questions, 1)
    found = matching.judge(questions, answers)
    say(f"by kind: {found['byKind']}; base read in {figures['loadSeconds']:.1f} s")
    rate = len(questions) / figures["seconds"]
    return [
        row("address-match-recall", found["recall"], "recall@1", "target", 0.97, "≥ 0.97", found["recall"] >= 0.97, ""),
        row("address-match-precision", found["precision"], "of accepted", "target", 0.995, "≥ 0.995",
            found["precision"] >= 0.995, f"{found['accepted']} accepted, {found['unknownAccepted']} of them unknown"),
        row("address-match", rate, "addresses/s on two cores", "target", 5000, "≥ 5000/s", rate >= 5000, ""),
        row("address-match-p99", single["p99"], "ms", "target", 20, "< 20 ms", single["p99"] < 20,
            f"median {single['p50']:.3f} ms"),
    ]


@measure
def duplicates_1m():
    """The search for duplicates over a million addresses, beside a self-join by trigrams of a sample."""
    return quality.duplicates(row, city(SCALE))


@measure
def import_1m():
    """A million prepared rows with validation, coding, history and audit beside COPY of the same rows."""
    STAGE.mkdir(parents=True, exist_ok=True)
    prepared = STAGE / "addresses-1m.csv"
    data = STAGE / "import"
    if data.exists():
        lifang("cluster", "stop", data=data)
        shutil.rmtree(data)
    lifang("migrate", data=data)
    if not prepared.exists():
        lifang("demo", "export-addresses", str(prepared), "--scale", SCALE, data=data)
    peak = {}
    from stage import LIFANG
    process = subprocess.Popen([LIFANG, "import", "addresses", prepared, "--json", "--data", data],
                               stdout=subprocess.PIPE, text=True)
    samples = []

    def watch():
        while process.poll() is None:
            samples.append(status_field(process.pid, "VmRSS") / 1024)
            time.sleep(0.2)

    begin = time.monotonic()
    watcher = threading.Thread(target=watch)
    watcher.start()
    printed = process.communicate()[0]
    ours = time.monotonic() - begin
    watcher.join()
    if process.returncode:
        raise SystemExit(f"the import ended with {process.returncode}")
    counts = json.loads(printed.strip().splitlines()[-1])
    connection = conninfo(data)
    dump = STAGE / "addresses-1m.copy"
    columns = ",".join(psql(connection, """select quote_ident(attname) from pg_attribute where attrelid = 'address'::regclass
        and attnum > 0 and not attisdropped and attgenerated = '' order by attnum"""))
    theirs = []
    with open(dump, "wb") as sink:
        subprocess.run(["psql", "-Xq", "-d", connection, "-c", f"copy address ({columns}) to stdout"], stdout=sink, check=True)
    administrator = connection.replace("user=lifang ", "user=lifang_admin ")
    for _ in range(2):
        # The ledger of codes is never emptied, since no code is given twice; this city is thrown away.
        psql(administrator, """begin; alter table address_code_ledger disable trigger address_code_ledger_kept;
            truncate address, address_code_ledger cascade;
            alter table address_code_ledger enable trigger address_code_ledger_kept; commit""")
        begin = time.monotonic()
        with open(dump, "rb") as source:
            subprocess.run(["psql", "-Xq", "-d", connection, "-c", f"copy address ({columns}) from stdin"],
                           stdin=source, check=True, stdout=subprocess.DEVNULL)
        theirs.append(time.monotonic() - begin)
    lifang("cluster", "stop", data=data)
    shutil.rmtree(data)
    dump.unlink()
    peer = statistics.median(theirs)
    quarter = samples[len(samples) // 4:len(samples) // 2] or [0]
    tail = samples[-len(samples) // 4:] or [0]
    flat = max(tail) < 1.5 * max(quarter) + 32
    note = (f"{counts}; memory {max(quarter):.0f} MB in the second quarter, {max(tail):.0f} MB in the last, "
            f"{'flat' if flat else 'GROWING'}; COPY {spread(theirs)} s")
    return [row("import-1m", ours, "s", "COPY into the same tables and indexes", peer, "≤ 4 × peer, memory flat",
                ours <= 4 * peer and flat, note)]


@measure
def plates_100k():
    """A batch of door plates, all kinds by turns, as one PDF for the press: plates a second, and memory that does not grow."""
    STAGE.mkdir(parents=True, exist_ok=True)
    path = STAGE / "plates.pdf"

    def write(count):
        process = subprocess.Popen([LIFANG, "plate", "proof", str(path), "--count", str(count), "--json"], stdout=subprocess.PIPE, text=True)
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0
        return json.loads(output)["rate"], used.ru_maxrss / 1024

    _, small = write(2000)
    rates, memory = zip(*[write(100_000) for _ in range(3)])
    path.unlink()
    return [row("plates-100k", statistics.median(rates), "plates/s", None, None, "≥ 300", statistics.median(rates) >= 300, spread(rates)),
            row("plates-100k-memory", max(memory), "MB", "2,000 plates", small, "≤ 1.5 × peer", max(memory) <= 1.5 * small, spread(memory))]


@measure
def cold_start():
    """Start to first answer with the cluster up, and memory at rest."""
    data = city(SCALE)
    conninfo(data)
    starts, memory, theirs = [], [], []
    for _ in range(ROUNDS):
        with Server(data) as server:
            starts.append(server.first_answer)
            time.sleep(2)
            memory.append(server.memory)
        with Nginx() as nginx:
            theirs.append(nginx.first_answer)
    return [row("cold-start", statistics.median(starts), "s", "nginx", statistics.median(theirs), "< 1 s",
                statistics.median(starts) < 1, spread(starts)),
            row("idle-memory", statistics.median(memory), "MB", "none", None, "< 150 MB",
                statistics.median(memory) < 150, spread(memory))]


@measure
def crowd():
    """800 requests in flight while 5,000 event streams stand open."""
    data = city(SCALE)
    paths = [f"/d/{code}" for code in codes(data, 500)] + [f"/api/lookup/{code}" for code in codes(data, 500)]

    async def exchange(port, path, reader, writer):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length.group(1)))
        return status

    async def session(port, opened, ended, stop):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"an event stream was refused: {head[:100]!r}")
        opened.append(1)
        waiting = asyncio.ensure_future(stop.wait())
        while not stop.is_set():
            reading = asyncio.ensure_future(reader.read(4096))
            await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and not reading.result():
                ended.append(1)
                break
            reading.cancel()
        writer.close()

    async def visitor(port, seed, until, times, errors):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        choices = random.Random(seed)
        while time.monotonic() < until:
            begin = time.perf_counter()
            try:
                if await exchange(port, choices.choice(paths), reader, writer) != 200:
                    errors.append(1)
            except (OSError, asyncio.IncompleteReadError):
                errors.append(1)
                break
            times.append((time.perf_counter() - begin) * 1000)
        writer.close()

    async def run(port):
        opened, ended, times, errors, stop = [], [], [], [], asyncio.Event()
        sessions = [asyncio.ensure_future(session(port, opened, ended, stop)) for _ in range(5000)]
        while len(opened) < 5000:
            await asyncio.sleep(0.1)
            for task in sessions:
                if task.done() and task.exception():
                    raise task.exception()
        until = time.monotonic() + 15
        await asyncio.gather(*(visitor(port, seed, until, times, errors) for seed in range(800)))
        stop.set()
        await asyncio.gather(*sessions)
        return times, len(errors) + len(ended)

    with Server(data, "--bench") as server:
        times, failed = asyncio.run(run(server.port))
        memory = server.memory
    p99 = percentile(times, 0.99)
    return [row("crowd", p99, "ms p99", "none", None, "no error, p99 < 500 ms", failed == 0 and p99 < 500,
                f"{len(times)} requests, {failed} failed, median {statistics.median(times):.0f} ms, {memory:.0f} MB")]


@measure
def case_lifecycle_1m():
    """A case through HTTP from the window to the finished register, with a million finished ones in the tables."""
    return cases.case_lifecycle_1m(row, spread)


@measure
def mixed_100():
    """A hundred users at once for five minutes: applying, taking, deciding, searching, reading."""
    return cases.mixed_100(row, spread)


@measure
def inbox_10k():
    """The inbox of an officer with ten thousand open tasks."""
    return cases.inbox_10k(row, spread)


@measure
def archive_500k():
    """Archive and statistics over half a million cases with two and a half million images' metadata."""
    return archives.archive_500k(row, spread)


@measure
def address_parse():
    """Free addresses cut into labelled parts on one thread, beside four other parsers."""
    return addresses.address_parse(row, spread)


@measure
def address_eval():
    """How right the parts of labelled addresses are, and the divisions beside each peer."""
    return addresses.address_eval(row, spread)


@measure
def sync_100k():
    """A hundred thousand changes of addresses from another system, page by page, end to end."""
    return feeds.sync_100k(row)


def main():
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASURES))
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in MEASURES]
    if unknown:
        parser.error(f"no measure is called {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    STAGE.mkdir(parents=True, exist_ok=True)
    results = []
    try:
        for name in options.names or MEASURES:
            say(name)
            for result in MEASURES[name]():
                results.append(result)
                if options.json:
                    print(json.dumps(result, ensure_ascii=False), flush=True)
    finally:
        for data in STAGE.glob("*/postgres"):
            lifang("cluster", "stop", data=data.parent)
    if not options.json:
        line = "{:<12} {:>12} {:<11} {:>12} {:>7}  {:<24} {:<4} {}"
        print(line.format("name", "value", "unit", "peer", "ratio", "target", "met", "peer is; spread"))
        for r in results:
            print(line.format(r["name"], r["value"], r["unit"], r["peerValue"] or "—", r["ratio"] or "—", r["target"],
                              "yes" if r["met"] else "NO", f"{r['peer']}; {r['spread']}"))
    sys.exit(0 if all(r["met"] for r in results) else 1)


if __name__ == "__main__":
    main()
