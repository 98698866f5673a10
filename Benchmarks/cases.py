"""Cases: their life through HTTP beside a million finished ones, and the inbox of an officer with ten thousand tasks."""

import random
import re
import shutil
import statistics
import subprocess
import threading
import time
import urllib.parse

from stage import (
    POSTGRES, STAGE, Browser, Server, city, cluster_processor, conninfo, demo_accounts, lifang, percentile, processor, psql,
    say)

# A lost household book, handed in at the window by an auxiliary and decided by an officer.
ITEM = "hukou_095"
FORM = "hukou_certificate"
TABLES = ["service_case", "case_material", FORM]
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂兰文辉玲鹏宇"


def sql(data, *statements):
    """As the owner, past the scope of row-level security."""
    opened = [f"select set_config('lifang.scope_{table}', '{{\"all\":true}}', false)" for table in TABLES]
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", conninfo(data)],
                          input=";\n".join([*opened, *statements]) + ";\n", stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip().splitlines()[len(opened):]


def somebody(choices):
    return choices.choice(SURNAMES) + "".join(choices.choice(GIVEN) for _ in range(2))


def division(data):
    """The division of the station at whose window the demo's auxiliary sits."""
    return psql(conninfo(data), "select division_code from unit u join app_user a on a.unit_id = u.id "
                                "where a.account = 'fujing'")[0]


class Desk:
    """An auxiliary and an officer of one station, signed in."""

    def __init__(self, port, accounts, division):
        self.division = division
        self.clerk, self.officer = (Browser(port, who, accounts[who]) for who in ("fujing", "huji"))
        self.tokens = {
            who: who.get("/account").decode().split('name="_csrf"')[1].split('value="')[1].split('"')[0]
            for who in (self.clerk, self.officer)}

    def post(self, who, path, fields):
        who.connection.request("POST", path, urllib.parse.urlencode({"_csrf": self.tokens[who], **fields}), {
            "Cookie": "; ".join(f"{k}={v}" for k, v in who.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded"})
        response = who.connection.getresponse()
        content = response.read()
        if response.status != 303:
            raise SystemExit(f"{path} answered {response.status}: {re.sub(r'<[^>]+>|[ ]+', ' ', content.decode())[-2500:]}")
        return response.headers["Location"]

    def create(self, name):
        place = self.post(self.clerk, f"/services/{ITEM}/apply", {
            "applicant_name": name, "applicant_document": "511702199603071223", "applicant_phone": "13800138000",
            "relation": "self", "division_code": self.division, "delivery": "window", "holder_name": name,
            "holder_id": "511702199603071223", "household_kind": "family",
            "household_address": "达州市通川区荷叶街28号", "lost_note": "搬家时遗失", "material.head_card.way": "held"})
        return int(place.rsplit("/", 1)[1])

    def life(self, name, times):
        """Create, assign, resolve, search; the milliseconds of each request go to `times`."""
        def timed(step, *arguments):
            begin = time.perf_counter()
            result = step(*arguments)
            times.append((time.perf_counter() - begin) * 1000)
            return result
        case = timed(self.create, name)
        # The officer's review is the first task of the process.
        timed(self.post, self.officer, f"/cases/{case}/tasks/2/claim", {})
        timed(self.post, self.officer, f"/cases/{case}/tasks/2", {"review": "passed", "opinion": ""})
        found = timed(self.officer.get, "/r/service_case?" + urllib.parse.urlencode({"q": name}))
        if f"/r/service_case/{case}" not in found.decode():
            raise SystemExit(f"case {case} of {name} was not found")


def stock(data, count):
    """Brings the number of finished cases up to `count` with copies of one that went through HTTP."""
    def columns(table, without):
        names = sql(data, "select string_agg(column_name, ',' order by ordinal_position) from information_schema.columns "
                          f"where table_schema = 'public' and table_name = '{table}'")[-1].split(",")
        return [name for name in names if name not in without]
    have, first = map(int, sql(data, "select count(*) || '|' || coalesce(min(id), 0) from service_case")[-1].split("|"))
    if have >= count:
        return
    say(f"making {count - have} finished cases")
    begin = time.monotonic()
    base = int(sql(data, "select max(id) from service_case")[-1])
    rows = f"generate_series({base + 1}::bigint, {base + count - have}) g"
    own = columns("service_case", {"id", "number", "applicant_name", "subject_name", "submitted_at", "finished_at", "search_vector"})
    name = (f"substr('{SURNAMES}', 1 + (g * 7919 % {len(SURNAMES)})::int, 1) || substr('{GIVEN}', 1 + (g * 104729 % {len(GIVEN)})::int, 1)"
            f" || substr('{GIVEN}', 1 + (g * 15485863 % {len(GIVEN)})::int, 1)")
    statements = [
        f"insert into service_case (id, number, applicant_name, subject_name, submitted_at, finished_at, search_vector, {','.join(own)}) "
        f"select g, '511702' || lpad(g::text, 14, '0'), n, n, t, t + interval '2 hours', "
        f"array_to_tsvector(array['511702' || lpad(g::text, 14, '0'), substr(n, 1, 2), substr(n, 2, 2), substr(n, 3, 1), '户口', '口簿', '遗失', '补发']), "
        f"{','.join('c.' + c for c in own)} from service_case c, (select g, {name} as n, now() - (g % 1500) * interval '1 day' as t from {rows}) s(g, n, t) "
        f"where c.id = {first}"]
    for table, key in [(FORM, "service_case_id"), ("case_material", "service_case_id"), ("case_process", "case_id"),
                       ("case_task", "case_id"), ("case_event", "case_id")]:
        rest = columns(table, {"id", key})
        statements.append(f"insert into {table} ({key}, {','.join(rest)}) select g, {','.join('c.' + c for c in rest)} "
                          f"from {table} c, {rows} where c.{key} = {first}")
    statements.append("select setval(pg_get_serial_sequence('service_case', 'id'), (select max(id) from service_case))")
    sql(data, *statements)
    psql(conninfo(data), "vacuum analyze")
    say(f"took {time.monotonic() - begin:.0f} s")


def lives(data, seconds, desks):
    """Lifecycles a second, the milliseconds of every request, by so many desks at once, and those of processor that a
    lifecycle takes of server, database and client: on a machine that others use too these say more."""
    accounts, times, counts, failures = demo_accounts(data), [], [], []
    with Server(data, "--bench") as server:
        ready = [Desk(server.port, accounts, division(data)) for _ in range(desks)]
        for desk in ready:
            desk.life(somebody(random.Random(1)), [])
        until = time.monotonic() + seconds

        def work(desk, seed):
            choices, mine, count = random.Random(seed), [], 0
            try:
                while time.monotonic() < until:
                    desk.life(somebody(choices), mine)
                    count += 1
            except (SystemExit, OSError) as error:
                failures.append(str(error))
            times.extend(mine)
            counts.append(count)
        threads = [threading.Thread(target=work, args=(desk, time.time_ns() + index)) for index, desk in enumerate(ready)]
        used = [processor(server.process.pid), cluster_processor(data), time.process_time()]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - begin
        # What follows a case (messages, the audit chain) counts too.
        time.sleep(2)
        now = [processor(server.process.pid), cluster_processor(data), time.process_time()]
    if failures:
        raise SystemExit(failures[0])
    return sum(counts) / took, times, [(after - before) / sum(counts) * 1000 for before, after in zip(used, now)]


def tpcb(data):
    """pgbench's own transaction on the same cluster, transactions a second."""
    administrator = conninfo(data).replace("user=lifang ", "user=lifang_admin ")
    peer = re.sub(r"dbname='?\w+'?", "dbname=pgbench_peer", administrator)
    if not psql(administrator, "select 1 from pg_database where datname = 'pgbench_peer'"):
        psql(administrator, "create database pgbench_peer")
        subprocess.run([POSTGRES / "pgbench", "-i", "-q", "-s", "10", peer], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    done = subprocess.run([POSTGRES / "pgbench", "-n", "-c", "4", "-j", "2", "-T", "10", peer], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True)
    return float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))


def cases(count):
    """A city with `count` finished cases, kept for the next run."""
    small = city("0.01")
    data = STAGE / f"cases-{count}"
    if not (data / "ready").exists():
        shutil.rmtree(data, ignore_errors=True)
        lifang("cluster", "stop", data=small)
        subprocess.run(["cp", "-a", "--reflink=auto", small, data], check=True)
        with Server(data, "--bench") as server:
            desk = Desk(server.port, demo_accounts(data), division(data))
            desk.life("傅强", [])
        stock(data, count)
        (data / "ready").write_text("")
    return data


def case_lifecycle_1m(row, spread):
    """Create, assign, resolve, search through HTTP, beside ten thousand and a million finished cases."""
    few, _, _ = lives(cases(10_000), 15, 4)
    data = cases(1_000_000)
    rounds = [lives(data, 15, 4) for _ in range(3)]
    rates = [rate for rate, _, _ in rounds]
    rate = statistics.median(rates)
    p95 = statistics.median(percentile(times, 0.95) for _, times, _ in rounds)
    server, database, client = rounds[1][2]
    peer = tpcb(data)
    return [row("case-lifecycle-1m", rate, "cases/s", "pgbench TPC-B on the same cluster", peer,
                "≥ 100/s, p95 < 100 ms, ≥ 0.8 of the rate at 10k", rate >= 100 and p95 < 100 and rate >= 0.8 * few,
                f"{spread(rates)} cases/s of 4 requests, p95 of a request {p95:.0f} ms, at 10k cases {few:.0f}/s; processor a case: "
                f"server {server:.1f}, PostgreSQL {database:.1f}, client {client:.1f} ms")]


def mixed_100(row, spread):
    """A hundred people at once, each doing something about every second, for five minutes."""
    data = cases(10_000)
    accounts, failures, reads, saves = demo_accounts(data), [], [], []
    gate, until = threading.Barrier(101), [0.0]

    def somebody_works(server, seed, place):
        choices = random.Random(seed)
        try:
            desk = Desk(server.port, accounts, place)
            waiting = []
            gate.wait()

            def timed(into, step, *arguments):
                begin = time.perf_counter()
                result = step(*arguments)
                into.append((time.perf_counter() - begin) * 1000)
                return result
            time.sleep(choices.random())
            while time.monotonic() < until[0]:
                name, dice = somebody(choices), choices.random()
                if dice < 0.12:
                    waiting.append(timed(saves, desk.create, name))
                elif dice < 0.3 and waiting:
                    case = waiting.pop(0)
                    timed(saves, desk.post, desk.officer, f"/cases/{case}/tasks/2/claim", {})
                    timed(reads, desk.officer.get, f"/cases/{case}")
                    timed(saves, desk.post, desk.officer, f"/cases/{case}/tasks/2", {"review": "passed", "opinion": ""})
                elif dice < 0.5:
                    timed(reads, desk.officer.get, "/inbox")
                elif dice < 0.7:
                    timed(reads, desk.officer.get, "/r/service_case?" + urllib.parse.urlencode({"q": name}))
                elif dice < 0.85:
                    timed(reads, desk.clerk.get, f"/services/{ITEM}/apply")
                else:
                    timed(reads, desk.clerk.get, "/services")
                time.sleep(choices.expovariate(1))
        except (SystemExit, OSError, threading.BrokenBarrierError) as error:
            failures.append(str(error)[:500])
            gate.abort()

    with Server(data, "--bench") as server:
        place = division(data)
        threads = [threading.Thread(target=somebody_works, args=(server, seed, place)) for seed in range(100)]
        for thread in threads:
            thread.start()
        try:
            until[0] = time.monotonic() + 36_000
            gate.wait(300)
            until[0] = time.monotonic() + 300
        except threading.BrokenBarrierError:
            until[0] = 0
        for thread in threads:
            thread.join()
    if failures:
        raise SystemExit(f"{len(failures)} of 100 failed: {failures[0]}")
    p99 = percentile(saves, 0.99)
    return [row("mixed-100", p99, "ms p99 of saving", "none", None, "no error, ≤ 300 ms", p99 <= 300,
                f"{len(saves)} saves (median {statistics.median(saves):.0f} ms), {len(reads)} pages "
                f"(median {statistics.median(reads):.0f}, p99 {percentile(reads, 0.99):.0f} ms), none failed")]


def inbox_10k(row, spread):
    """The inbox of an officer with ten thousand open tasks, filtered and sorted."""
    data = cases(10_000)
    open_tasks(data)
    choices = random.Random(5)
    paths = ["/inbox?" + urllib.parse.urlencode({
        "sort": choices.choice(["due", "newest", "oldest"]), "page": choices.choice([1, 1, 2, 5, 20]),
        **choices.choice([{}, {"item": ITEM}, {"step": "民警审核"}, {"late": "true"}, {"q": choices.choice(SURNAMES)}])})
        for _ in range(100)]
    with Server(data, "--bench") as server:
        officer = Browser(server.port, "huji", demo_accounts(data)["huji"])
        for path in paths[:20]:
            officer.time(path)
        rounds = [[officer.time(path) for path in paths] for _ in range(5)]
    p95 = [percentile(values, 0.95) for values in rounds]
    value = statistics.median(p95)
    return [row("inbox-10k", value, "ms p95", "none", None, "< 50 ms", value < 50,
                f"p95 {spread(p95)}, median {statistics.median(sum(rounds, [])):.1f} ms")]


def open_tasks(data):
    """Opens the review of ten thousand finished cases again, in the pool of the officers."""
    sql(data,
        "update case_task set state = 'open', user_id = null, done_at = null, done_by = null, "
        "due_at = now() + (case_id % 2000 - 500) * interval '1 hour', asked_at = now() - (case_id % 700) * interval '1 hour' "
        "where step = 'officer_review'",
        "update service_case set state = 'active', step = '民警审核', finished_at = null")
    psql(conninfo(data), "vacuum analyze")
