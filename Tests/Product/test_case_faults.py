"""The server dies in the middle of a case's move: nothing half-done, nothing lost, and the same request works afterwards."""

import contextlib
import subprocess
import threading

import pytest
import requests
from clients import Client, until
from pages import APPLICANT

# A lost household book, handed in at the window by an auxiliary and decided by an officer.
ITEM, FORM = "hukou_095", "hukou_certificate"
LATCH = 20261121
SCOPES = ["service_case", "case_material", FORM, "issued_document"]
# Where a transition writes, and so where it may be cut off.
SUBMITTING = ["service_case", FORM, "case_material", "case_process", "case_task", "case_event", "audit_entry"]
DECIDING = ["case_task", "case_process", "case_event", "service_case", "service_case_history", "audit_entry"]
KEPT = ["service_case", FORM, "case_material", "case_process", "case_task", "case_timer", "case_event", "case_request"]


def sql(server, statement):
    """As the owner, past the scope of row-level security."""
    opened = [f"select set_config('lifang.scope_{table}', '{{\"all\":true}}', false)" for table in SCOPES]
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", server.conninfo], input=";\n".join([*opened, statement]) + ";\n",
                          stdout=subprocess.PIPE, text=True, check=True)
    return "\n".join(done.stdout.strip().splitlines()[len(opened):])


def content(server):
    """All that a transition may touch, table by table."""
    tables = {table: sql(server, f"select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t") for table in KEPT}
    return {**tables, "message": sql(server, "select count(*), max(id) from message")}


@contextlib.contextmanager
def latch(server, table, deletes=False):
    """Whoever writes to `table` meanwhile waits in the middle of its transaction."""
    events = "delete" if table == "case_timer" and deletes else "insert or update"
    sql(server, f"""
        create or replace function wait_at_latch() returns trigger language plpgsql as
          $$ begin perform pg_advisory_xact_lock_shared({LATCH}); return coalesce(new, old); end $$;
        create trigger zz_latch before {events} on {table} for each row execute function wait_at_latch()""")
    holder = subprocess.Popen(["psql", "-XAtq", "-d", server.conninfo], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write(f"select pg_advisory_lock({LATCH}), 'held';\n")
    holder.stdin.flush()
    assert "held" in holder.stdout.readline()
    try:
        yield
    finally:
        holder.communicate("\\q\n", timeout=20)
        # What the dead server left open ends before the trigger can be taken away.
        until(lambda: sql(server, f"select count(*) from pg_locks where locktype = 'advisory' and objid = {LATCH}") == "0", 30)
        sql(server, f"drop trigger zz_latch on {table}")


def waiting(server):
    return sql(server, f"select count(*) from pg_locks where locktype = 'advisory' and objid = {LATCH} and not granted") != "0"


def kill_in(server, table, send):
    """Sends a request, kills the server while that request writes to `table`, and starts it again."""
    answers = []

    def ask():
        try:
            answers.append(send())
        except requests.RequestException:
            pass

    with latch(server, table):
        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: waiting(server), 30)
        server.kill()
        asking.join(60)
    assert not answers, "the server answered although the transaction had not ended"
    server.start()


@pytest.fixture(scope="module")
def desks(own_city):
    people = {}
    for account in ("fujing", "huji"):
        people[account] = Client(own_city.base)
        assert people[account].sign_in(account, own_city.accounts[account]).status_code == 303
    return people


@pytest.fixture(scope="module")
def submit(own_city, desks):
    division = own_city.sql("select u.division_code from unit u join app_user a on a.unit_id = u.id where a.account = 'fujing'")

    def send():
        return desks["fujing"].post(f"/services/{ITEM}/apply", {
            "applicant_name": "傅强", "applicant_document": "511702199603071223", "applicant_phone": "13800138000",
            "relation": "self", "division_code": division, "delivery": "window", "holder_name": "傅强",
            "holder_id": "511702199603071223", "household_kind": "family", "household_address": "达州市通川区荷叶街28号",
            "lost_note": "搬家时遗失", "material.head_card.way": "held"})

    return send


def accepted(answer):
    assert answer.status_code == 303, (answer.status_code, answer.text[-2000:])
    return answer.headers["Location"]


@pytest.mark.parametrize("table", SUBMITTING)
def test_an_application_that_is_cut_off_has_left_nothing_and_can_be_sent_again(own_city, submit, table):
    before = content(own_city)
    kill_in(own_city, table, submit)
    assert content(own_city) == before
    case = accepted(submit()).rsplit("/", 1)[1]
    assert sql(own_city, f"select count(*) from case_task where case_id = {case} and state = 'open'") == "1"
    assert sql(own_city, f"select count(*) from case_event where case_id = {case} and action = 'submit'") == "1"


@pytest.mark.parametrize("table", DECIDING)
def test_a_decision_that_is_cut_off_leaves_the_task_open_and_can_be_made_again(own_city, submit, desks, table):
    case = accepted(submit()).rsplit("/", 1)[1]
    officer = desks["huji"]
    accepted(officer.post(f"/cases/{case}/tasks/2/claim"))
    before = content(own_city)

    def decide():
        return officer.post(f"/cases/{case}/tasks/2", {"review": "passed", "opinion": ""})

    kill_in(own_city, table, decide)
    after = content(own_city)
    if table == "audit_entry" and after != before:
        # What is written last is sent with the commit: the database had been told everything, and made it whole.
        assert decide().status_code == 409
    else:
        assert after == before
        accepted(decide())
    assert sql(own_city, f"select state from service_case where id = {case}") == "completed"
    assert sql(own_city, f"select count(*) from case_event where case_id = {case} and step = 'officer_review' and action = 'complete'") == "1"


def overdue(server, case):
    sql(server, f"update case_timer set due_at = now() - interval '1 hour' where case_id = {case}")


def asked_to_supplement(submit, desks):
    """A case that its limit ends when nothing is supplied."""
    case = accepted(submit()).rsplit("/", 1)[1]
    accepted(desks["huji"].post(f"/cases/{case}/tasks/2/claim"))
    accepted(desks["huji"].post(f"/cases/{case}/tasks/2", {"review": "supplement", "opinion": "照片不清楚"}))
    return case


def refused_once(server, case):
    until(lambda: sql(server, f"select state from service_case where id = {case}") == "refused", 60)
    assert sql(server, f"select count(*) from case_timer where case_id = {case}") == "0"
    assert sql(server, f"select count(*) from case_event where case_id = {case} and action = 'timeout'") == "1"


def test_a_limit_that_passed_while_the_server_was_dead_counts_afterwards(own_city, submit, desks):
    case = asked_to_supplement(submit, desks)
    own_city.kill()
    overdue(own_city, case)
    own_city.start()
    refused_once(own_city, case)


@pytest.mark.parametrize("table", ["case_event", "case_timer", "case_process"])
def test_a_limit_whose_effect_is_cut_off_takes_effect_afterwards_and_once(own_city, submit, desks, table):
    case = asked_to_supplement(submit, desks)
    with latch(own_city, table, deletes=True):
        overdue(own_city, case)
        until(lambda: waiting(own_city), 90)
        own_city.kill()
    own_city.start()
    refused_once(own_city, case)


@pytest.fixture(scope="module")
def prove(desks):
    """Hands in what ends with a proof at once."""
    def send():
        return desks["fujing"].post("/services/hukou_proof_kinship/apply", {
            **APPLICANT, "relation": "self", "applicant_role": "self", "purpose": "办理公证", "copies": "1",
            "relative_name": "刘建国", "kinship": "parent", "material.proof_application.way": "promised",
            "material.identity.kind": "resident_card", "material.identity.way": "held"})

    return send


def papers(server, where="true"):
    return sql(server, f"select count(*), count(digest) from issued_document where {where}")


def authentic(server, case):
    code = sql(server, f"select code from issued_document where service_case_id = {case}")
    return Client(server.base).json(f"/verify/{code}").json()["verdict"]


def test_a_paper_whose_case_is_cut_off_is_not_issued(own_city, prove):
    before = papers(own_city)
    kill_in(own_city, "document_setting", prove)
    assert papers(own_city) == before
    case = accepted(prove()).rsplit("/", 1)[1]
    assert authentic(own_city, case) == "authentic"


@pytest.mark.parametrize("table", ["file_reference", "issued_document_history"])
def test_a_paper_whose_setting_is_cut_off_is_set_afterwards_and_once(own_city, prove, table):
    with latch(own_city, table):
        case = accepted(prove()).rsplit("/", 1)[1]
        until(lambda: waiting(own_city), 30)
        own_city.kill()
    assert papers(own_city, f"service_case_id = {case}") == "1|0"
    own_city.start()
    until(lambda: papers(own_city, f"service_case_id = {case}") == "1|1", 30)
    assert sql(own_city, "select count(*) from document_setting") == "0"
    assert authentic(own_city, case) == "authentic"
