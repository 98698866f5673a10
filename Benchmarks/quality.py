"""The inspection of the base of addresses beside what plain SQL would take."""

import json
import resource
import time

from stage import conninfo, lifang, psql, say

# Rows that the peer compares with the whole base; all of them would take it days.
SAMPLE = 5


def duplicates(row, data):
    connection = conninfo(data)
    # The first search enters what it finds; the second is that of every night.
    lifang("address", "inspect", "--only", "duplicate", "--json", data=data)
    answer = json.loads(lifang("address", "inspect", "--only", "duplicate", "--json", data=data))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    psql(connection, "create extension if not exists pg_trgm")
    begin = time.monotonic()
    psql(connection, f"select count(*) from (select id, full_name from address order by md5(code) limit {SAMPLE}) s "
                     "join address a on a.id <> s.id and similarity(a.full_name, s.full_name) > 0.9")
    peer = (time.monotonic() - begin) / SAMPLE * answer["addresses"]
    say(f"{answer['found'].get('duplicate', 0)} duplicates; the peer is reckoned from {SAMPLE} addresses")
    return [row("duplicates-1m", answer["seconds"], "s", "self-join by pg_trgm, extrapolated", peer, "< 180 s",
                answer["seconds"] < 180, f"{answer['addresses']} addresses, at most {memory:.0f} MB")]
