"""Bad input and sudden death: nothing is half-written, nothing acknowledged is lost, and the answer says what to do."""

import io
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import zipfile

import pytest
from clients import Client, Markup, new_address, raw, statuses, until

CHINESE = re.compile("[\u4e00-\u9fff]")


# --- requests that are none --------------------------------------------------------------------------------------------

MALFORMED = {
    "no request line": b"\r\n\r\n\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "unknown method": b"BREW /d/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /d/ x HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /\r\nHost: a\r\n\r\n",
    "a wrong version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc",
    "a folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n Transfer-Encoding: chunked\r\n\r\n",
    "bad percent encoding": b"GET /d/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    "half percent encoding": b"GET /d/% HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes that are no UTF-8": b"GET /d/%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n",
    "raw bytes that are no UTF-8": b"GET /r/road?q=\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    "a huge header": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(5000)) + b"\r\n",
    "a huge target": b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "length and chunks": b"POST /text-size HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"POST /text-size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /text-size HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "a list of lengths": b"POST /text-size HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 44\r\n\r\n",
    "a signed length": b"POST /text-size HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
    "a negative length": b"POST /text-size HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "a length in hex": b"POST /text-size HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd",
    "a length beyond 64 bits": b"POST /text-size HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "an obscured encoding": b"POST /text-size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two encodings": b"POST /text-size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a bad chunk size": b"POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a huge chunk size": b"POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_refused_and_the_connection_closed(city, name):
    """And whatever follows it on the connection is not taken for a request (request smuggling)."""
    smuggled = b"GET /smuggled-page HTTP/1.1\r\nHost: a\r\n\r\n"
    received = raw(("127.0.0.1", city.port), MALFORMED[name] + smuggled)
    codes = statuses(received)
    assert all(400 <= code < 600 and code != 500 for code in codes), received[:300]
    # A method nobody knows says clearly where its request ends.
    assert len(codes) <= (2 if name == "unknown method" else 1), received[:1500]
    assert Client(city.base).get("/healthz").status_code == 200


def test_a_pipelined_pair_gets_two_answers(city):
    """The counterpart of the tests above: what is well-formed is served."""
    received = raw(("127.0.0.1", city.port), b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert statuses(received) == [200, 200]


def test_a_body_that_ends_early_changes_nothing(own_city):
    client = signed_in(own_city, "station")
    division = own_city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    body = urllib.parse.urlencode({"_csrf": client.token(), "name": "半截小区", "kind": "residential", "division_code": division, "bounds": "东至滨河路"}).encode()
    head = (f"POST /r/compound/new HTTP/1.1\r\nHost: a\r\nCookie: session={client.cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body) + 100}\r\n\r\n").encode()
    raw(("127.0.0.1", own_city.port), head + body, timeout=0.5)
    chunked = head.replace(f"Content-Length: {len(body) + 100}".encode(), b"Transfer-Encoding: chunked")
    raw(("127.0.0.1", own_city.port), chunked + b"%x\r\n%s\r\n" % (len(body), body), timeout=0.5)
    assert own_city.sql("select count(*) from compound where name = '半截小区'") == "0"
    whole = head.replace(str(len(body) + 100).encode(), str(len(body)).encode())
    assert statuses(raw(("127.0.0.1", own_city.port), whole + body)) == [303]
    assert own_city.sql("select count(*) from compound where name = '半截小区'") == "1"


def test_slow_clients_do_not_stop_others(city):
    """Two hundred connections that send a byte now and then (slowloris)."""
    slow = []
    try:
        for number in range(200):
            connection = socket.create_connection(("127.0.0.1", city.port), timeout=10, source_address=(new_address(), 0))
            connection.sendall(b"POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\na" if number % 2 else b"GET / HTTP/1.1\r\nX: ")
            slow.append(connection)
        began = time.monotonic()
        assert Client(city.base).get("/sign-in").status_code == 200
        assert time.monotonic() - began < 5
    finally:
        for connection in slow:
            connection.close()


def test_a_client_that_does_not_read_holds_nobody_up(city):
    code = city.sql("select code from address order by id limit 1")
    with socket.create_connection(("127.0.0.1", city.port), timeout=10, source_address=(new_address(), 0)) as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        lazy.sendall(f"GET /d/{code} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 50)
        assert Client(city.base).get(f"/d/{code}").status_code == 200


# --- files that are none -----------------------------------------------------------------------------------------------


_clients = {}


def signed_in(server, account):
    """That account's client of a server, signed in once: sessions outlive the process."""
    if (server.base, account) not in _clients:
        client = _clients[server.base, account] = Client(server.base)
        assert client.sign_in(account, server.accounts[account]).status_code == 303
    return _clients[server.base, account]


def send(client, path, content, name="表.xlsx", **fields):
    return client.http.post(client.base + path, data={"_csrf": client.token(), **fields}, files={"file": (name, content)}, allow_redirects=False, timeout=120)


def workbook(sheet, strings=None, extra=()):
    """The least that is a workbook, with one sheet's XML as given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
                      '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
                      '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
                      '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>')
        book.writestr("_rels/.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
                      'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        book.writestr("xl/workbook.xml", '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
                      'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>')
        book.writestr("xl/_rels/workbook.xml.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
                      'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
        if strings:
            book.writestr("xl/sharedStrings.xml", strings)
        book.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in extra:
            book.writestr(name, content)
    return buffer.getvalue()


def rows(*texts):
    cells = "".join(f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{text}</t></is></c></row>' for number, text in enumerate(texts, 1))
    return f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{cells}</sheetData></worksheet>'


SOUND = rows("地址", "达州市通川区完好路1号")
BOMB = rows("地址", "达州市通川区炸弹路1号") + "<!--" + "0" * (300 << 20) + "-->"
LAUGHS = ('<!DOCTYPE w [<!ENTITY a "哈哈哈哈哈哈哈哈哈哈">' + "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9)) + "]>"
          + rows("地址", "&j;"))
OUTSIDE = '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + rows("地址", "&x;")


def bad_files():
    sound = workbook(SOUND)
    yield "empty", b"", "表.xlsx"
    yield "truncated workbook", sound[: len(sound) // 2], "表.xlsx"
    yield "workbook without its directory", sound[:-30], "表.xlsx"
    yield "damaged workbook", sound[:60] + bytes(40) + sound[100:], "表.xlsx"
    yield "a ZIP that is no workbook", workbook("")[:0] + _zip({"a.txt": b"x"}), "表.xlsx"
    yield "zip bomb", workbook(BOMB), "表.xlsx"
    yield "a billion laughs", workbook(LAUGHS), "表.xlsx"
    yield "entity from outside", workbook(OUTSIDE), "表.xlsx"
    yield "broken XML", workbook(SOUND.replace("</row>", "")), "表.xlsx"
    yield "cell far away", workbook(SOUND.replace('r="A2"', 'r="ZZZZZZZ99999999999"')), "表.xlsx"
    yield "missing shared string", workbook(SOUND.replace('t="inlineStr"', 't="s"').replace("<is><t>", "<v>").replace("</t></is>", "</v>")), "表.xlsx"
    yield "picture", b"\x89PNG\r\n\x1a\n" + bytes(500), "表.xlsx"
    yield "executable", b"\x7fELF" + bytes(500), "表.csv"
    yield "old workbook", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2000), "表.xls"
    yield "UTF-16 without a mark", "地址\n达州市通川区某路1号\n".encode("utf-16-le"), "表.csv"
    yield "neither UTF-8 nor GB18030", "地址,x\n".encode() + b"\xff\xff\x80\x80\xfe\n" * 5, "表.csv"
    yield "NUL bytes", "地址,x\n某\x00路1号,2\n".encode(), "表.csv"
    yield "a quote without end", '地址,备注\n"达州市通川区某路1号,\n'.encode() + b"x" * 3_000_000, "表.csv"
    yield "ten thousand columns", ("地址" + ",x" * 10000 + "\n").encode() * 3, "表.csv"
    yield "no address column", "甲,乙\n1,2\n".encode(), "表.csv"


def _zip(parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def memory(server):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{server.pid}/status").read_text()).group(1))


@pytest.mark.parametrize("path", ["/import/addresses", "/r/compound/import"])
def test_a_bad_file_is_refused_in_words_that_help(own_city, path):
    client = signed_in(own_city, "station")
    table = "address" if "addresses" in path else "compound"
    before = own_city.sql(f"select count(*) from {table}")
    peak = memory(own_city)
    for name, content, filename in bad_files():
        began = time.monotonic()
        answer = send(client, path, content, filename)
        hops = 0
        while answer.status_code == 303 and hops < 2:  # a preview may be where it is found out
            answer = client.get(answer.headers["Location"])
            hops += 1
        assert answer.status_code < 500, (name, answer.text[:400])
        text = Markup(answer.text).text
        assert CHINESE.search(text), name
        assert "root:" not in answer.text and "哈" * 30 not in answer.text, name
        if answer.status_code >= 400:
            assert 'id="file' in answer.text or "file" in answer.text, f"{name}: the field is not named"
        assert time.monotonic() - began < 30, name
    assert own_city.sql(f"select count(*) from {table}") == before
    assert memory(own_city) - peak < 400_000, "kB of memory for files that should have been refused"
    # The counterpart: a sound one passes.
    sound = send(client, path, workbook(SOUND if table == "address" else rows("标准名称", "完好小区")))
    assert sound.status_code == 303, Markup(sound.text).text[-600:]
    assert client.get(sound.headers["Location"]).status_code == 200


def test_a_zip_bomb_started_without_looking_ends_with_a_reason(own_city):
    """Whoever skips the preview gets the refusal from the job."""
    client = signed_in(own_city, "station")
    sent = send(client, "/import/addresses", workbook(BOMB))
    if sent.status_code == 303:
        file = sent.headers["Location"].split("/")[-1].split("?")[0]
        started = client.post(f"/import/addresses/start/{file}", {"label": "炸弹"})
        job = started.headers["Location"]
        until(lambda: re.search('"state":"(done|failed)"', client.get(job + "/events").text), 60)
        assert memory(own_city) < 1_500_000
    else:
        assert sent.status_code in (400, 413, 415, 422)
    assert own_city.sql("select count(*) from address where full_name like '%炸弹路%'") in ("0", "1")


def test_an_oversized_body_is_refused_before_it_is_read(own_city):
    client = signed_in(own_city, "station")
    for path, size, kind in (("/import/addresses", 201 << 20, "multipart/form-data; boundary=b"), ("/sign-in", 2 << 20, "application/x-www-form-urlencoded"),
                             ("/api/r/compound", 2 << 20, "application/json"), ("/r/compound/new", 500 << 20, "multipart/form-data; boundary=b")):
        head = (f"POST {path} HTTP/1.1\r\nHost: a\r\nCookie: session={client.cookie}\r\nX-CSRF-Token: {client.token()}\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {size}\r\n\r\n").encode()
        received = raw(("127.0.0.1", own_city.port), head + b"x" * 1000)
        assert statuses(received)[:1] == [413], (path, received[:300])
        assert CHINESE.search(received.decode(errors="replace"))
    chunks = (f"POST /api/r/compound HTTP/1.1\r\nHost: a\r\nCookie: session={client.cookie}\r\nX-CSRF-Token: {client.token()}\r\nContent-Type: application/json\r\n"
              "Transfer-Encoding: chunked\r\n\r\n").encode() + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 20 + b"0\r\n\r\n"
    assert statuses(raw(("127.0.0.1", own_city.port), chunks))[:1] == [413]


MULTIPART = {
    "no boundary": ("multipart/form-data", b"--b\r\n\r\n"),
    "empty boundary": ("multipart/form-data; boundary=", b"--\r\n\r\n"),
    "wrong boundary": ("multipart/form-data; boundary=other", b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n"),
    "no end": ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx"),
    "no disposition": ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n"),
    "no name": ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
    "a long header": ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=\"" + b"a" * 100000 + b"\"\r\n\r\nx\r\n--b--\r\n"),
    "many parts": ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n" * 12000 + b"--b--\r\n"),
    "many fields": ("application/x-www-form-urlencoded", b"a=1&" * 200000),
    "no UTF-8": ("application/x-www-form-urlencoded", b"name=%ff%fe&kind=\xff"),
    "another encoding": ("application/x-www-form-urlencoded; charset=gbk", "name=小区".encode("gbk")),
    "a NUL": ("application/x-www-form-urlencoded", b"name=a%00b&kind=residential"),
}


@pytest.mark.parametrize("name", MULTIPART)
def test_a_bad_form_is_refused(own_city, name):
    client = signed_in(own_city, "station")
    kind, body = MULTIPART[name]
    answer = client.http.post(own_city.base + "/r/compound/new", data=body, headers={"Content-Type": kind, "X-CSRF-Token": client.token()}, allow_redirects=False, timeout=60)
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    assert CHINESE.search(answer.text)


JSONS = ["", "{", "[]", "null", "1", '"x"', '{"name": }', "{" * 100000, "[" * 100000, '{"name":' * 20000 + "1" + "}" * 20000, '{"name":"\\ud800"}', '{"name":"a","name":"b"}',
         '{"name":1e99999}', '{"staff_count":1e400}', '{"name":"\\u0000"}', '{"name":["a"]}', '{"name":{"a":1}}', '{"id":1}', '{"created_by":1}', '{"__proto__":1}', '{"version":1e30}',
         '{"version":-9223372036854775808}', "\ufeff{}", "NaN", '{"name":"' + "长" * 5000 + '"}']


@pytest.mark.parametrize("body", JSONS, ids=range(len(JSONS)))
def test_bad_json_is_refused_by_name(own_city, body):
    client = signed_in(own_city, "station")
    for method, path in (("POST", "/api/r/compound"), ("PATCH", "/api/r/organisation/1")):
        answer = client.http.request(method, own_city.base + path, data=body.encode("utf-8", "surrogatepass"), timeout=60,
                                     headers={"Content-Type": "application/json", "X-CSRF-Token": client.token(), "Accept": "application/json"})
        assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
        refusal = answer.json()
        assert CHINESE.search(refusal["message"]) and refusal["code"]


def ring(*points):
    return {"type": "Polygon", "coordinates": [[list(point) for point in points]]}


GEOMETRIES = {
    "self-crossing": ring((107.4, 31.2), (107.5, 31.3), (107.5, 31.2), (107.4, 31.3), (107.4, 31.2)),
    "open ring": ring((107.4, 31.2), (107.5, 31.2), (107.5, 31.3)),
    "two points": ring((107.4, 31.2), (107.5, 31.2), (107.4, 31.2)),
    "no area": ring((107.4, 31.2), (107.5, 31.2), (107.6, 31.2), (107.4, 31.2)),
    "out of range": ring((500, 31.2), (501, 31.2), (501, 32), (500, 31.2)),
    "latitude first": ring((31.2, 107.4), (31.3, 107.4), (31.3, 107.5), (31.2, 107.4)),
    "huge numbers": ring((1e308, 1e308), (-1e308, 1e308), (1e308, -1e308), (1e308, 1e308)),
    "no numbers": {"type": "Polygon", "coordinates": [[["a", "b"]]]},
    "nothing": {"type": "Polygon", "coordinates": []},
    "another type": {"type": "Point", "coordinates": [107.4, 31.2]},
    "unknown type": {"type": "Blob", "coordinates": [1]},
    "no type": {"coordinates": [[1, 2]]},
    "nested too deep": {"type": "Polygon", "coordinates": [[[[[[[[107.4, 31.2]]]]]]]]},
    "a text": "POLYGON((0 0,1 1,1 0,0 0))",
    "a collection in itself": {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": []}] * 50},
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_a_bad_shape_is_refused_by_its_field(own_city, name):
    client = signed_in(own_city, "station")
    division = own_city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    body = {"name": "坏形状", "kind": "residential", "division_code": division, "bounds": "东至滨河路", "boundary": GEOMETRIES[name]}
    answer = client.send("POST", "/api/r/compound", body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["field"] == "boundary" and CHINESE.search(answer.json()["message"])
    form = client.post("/r/compound/new", {"name": "坏形状", "kind": "residential", "division_code": division, "bounds": "东至滨河路", "boundary": json.dumps(GEOMETRIES[name])})
    assert form.status_code in (400, 422) and "boundary" in form.text
    assert own_city.sql("select count(*) from compound where name = '坏形状'") == "0"
    sound = ring((107.4, 31.2), (107.41, 31.2), (107.41, 31.21), (107.4, 31.2))
    assert client.send("POST", "/api/r/compound", {**body, "name": "好形状" + name, "boundary": sound}).status_code == 201


# --- sudden death ------------------------------------------------------------------------------------------------------


def addresses(count, street):
    lines = ["地址"]
    for number in range(count):
        lines.append(f"达州市通川区{street}{number // 40 + 1}号{number % 40 // 4 + 1}栋{number % 4 + 1}0{number % 4 + 1}室")
        if number % 100 == 0:
            lines.append(lines[-1])  # twice in the file: matched
        if number % 250 == 0:
            lines.append("这一行不是地址")
    return "\n".join(lines) + "\n"


def start_import(client, text, name):
    sent = send(client, "/import/addresses", text.encode(), name)
    assert sent.status_code == 303, Markup(sent.text).text[-500:]
    file = sent.headers["Location"].split("/")[-1].split("?")[0]
    started = client.post(f"/import/addresses/start/{file}", {"label": name})
    assert started.status_code == 303, started.text[:300]
    return started.headers["Location"].split("/")[-1]


def outcomes(server, run, street, stand_in="某路"):
    """Each row of the file with what became of it, and each address there is, with the street's name taken out."""
    found = server.sql(
        f"select r.row, r.outcome, coalesce(a.full_name, '') from address_import_row r left join address a on a.id = r.address_id where r.run_id = {run} order by r.row")
    return found.replace(street, stand_in)


def consistent(server, run, street):
    counts = server.sql(f"select created, matched, doubtful, rejected from address_import_run where id = {run}")
    counted = server.sql(
        "select count(*) filter (where outcome = 'created'), count(*) filter (where outcome = 'matched'), count(*) filter (where outcome = 'doubtful'), "
        f"count(*) filter (where outcome = 'rejected') from address_import_row where run_id = {run}")
    assert counts == counted
    assert server.sql(f"select count(*) from (select 1 from address where full_name like '%{street}%' group by full_name having count(*) > 1) d") == "0"
    assert server.sql("select count(*) from (select 1 from address group by code having count(*) > 1) d") == "0"
    missing = server.sql(f"select count(*) from address_import_row r where run_id = {run} and outcome = 'created' and not exists (select from address a where a.id = r.address_id)")
    assert missing == "0"


ROWS = 4000


def ended(server, job):
    try:
        return server.sql(f"select state from job where id = {job}") in ("done", "failed")
    except subprocess.CalledProcessError:  # the database is away
        return False


def finish(server, job):
    until(lambda: ended(server, job), 100, 0.2)
    assert server.sql(f"select state, coalesce(error, '') from job where id = {job}") == "done|"


def imported(server, run):
    return int(server.sql(f"select coalesce(max(row), 0) from address_import_row where run_id = {run}"))


@pytest.fixture(scope="module")
def undisturbed(own_city):
    """The import of the same rows under another street's name, left in peace; each batch is held up a little, so that
    the others can be disturbed in their midst."""
    own_city.sql("create function hold_up() returns trigger language plpgsql as 'begin perform pg_sleep(0.5); return null; end';"
                 "create trigger hold_up after update on address_import_run for each statement execute function hold_up()")
    client = signed_in(own_city, "station")
    job = start_import(client, addresses(ROWS, "安宁路"), "安宁.csv")
    finish(own_city, job)
    run = own_city.sql("select max(id) from address_import_run")
    consistent(own_city, run, "安宁路")
    return outcomes(own_city, run, "安宁路")


def kill_server(server):
    server.kill()


def kill_database(server):
    """The postmaster, with SIGKILL; the server is left to find its way."""
    postmaster = int((pathlib.Path(server.data) / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)


def kill_both(server):
    kill_database(server)
    server.kill()


@pytest.mark.parametrize("kill,street", [(kill_server, "突断路"), (kill_database, "断库路")])
def test_an_import_survives_sudden_death(own_city, undisturbed, kill, street):
    client = signed_in(own_city, "station")
    job = start_import(client, addresses(ROWS, street), f"{street}.csv")
    run = int(own_city.sql("select max(id) from address_import_run"))
    acknowledged = until(lambda: imported(own_city, run), 60, 0.02)
    assert own_city.sql(f"select state from job where id = {job}") == "running", "the import ended before it could be disturbed"
    # What was acknowledged: rows and their addresses as the database had committed them just before.
    before = own_city.sql(f"select r.row, r.address_id, r.outcome from address_import_row r where run_id = {run} and row <= {acknowledged} order by row")
    kill(own_city)
    if own_city.process.poll() is not None:
        own_city.start()
    until(lambda: database_answers(own_city), 60, 0.2)
    finish(own_city, job)
    after = own_city.sql(f"select r.row, r.address_id, r.outcome from address_import_row r where run_id = {run} and row <= {acknowledged} order by row")
    assert after == before, "an acknowledged row was lost or changed"
    consistent(own_city, run, street)
    assert outcomes(own_city, run, street) == undisturbed
    # The service is whole again, and so is the audit.
    again = Client(own_city.base)
    assert again.sign_in("station", own_city.accounts["station"]).status_code == 303
    assert again.get(f"/import/addresses/{run}").status_code == 200
    assert "完整" in own_city.run("audit", "verify")


def database_answers(server):
    try:
        return Client(server.base).get("/healthz", timeout=5).status_code == 200
    except OSError:
        return False


def test_a_write_that_was_answered_is_there_after_a_kill(own_city):
    """Ten records, each answered 201, and the server killed right after the last answer."""
    client = signed_in(own_city, "station")
    division = own_city.sql("select n.division_code from app_user u join unit n on n.id = u.unit_id where u.account = 'station'")
    made = [client.send("POST", "/api/r/compound", {"name": f"守信小区{number}", "kind": "residential", "division_code": division, "bounds": "东至滨河路"}) for number in range(10)]
    assert [answer.status_code for answer in made] == [201] * 10
    kill_both(own_city)
    own_city.start()
    assert own_city.sql("select count(*) from compound where name like '守信小区%'") == "10"
    assert own_city.sql("select count(*) from audit_entry where action = 'compound.create' and record_id in (select id from compound where name like '守信小区%')") == "10"
    signed = client.get("/account")
    assert signed.status_code == 200, "a session outlives the process"
    until(lambda: own_city.sql("select count(*) from audit_pending") == "0", 30)
    assert "完整" in own_city.run("audit", "verify")


def test_a_file_that_was_being_sent_at_a_kill_goes_at_the_next_start(own_city):
    """Files that are being sent lie beside the data they may become, for nobody else to read."""
    client = signed_in(own_city, "station")
    uploads = pathlib.Path(own_city.data) / "uploads"
    sent = lambda: [path for path in uploads.rglob("*") if path.is_file()]
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + b"x" * (1 << 20)
    head = (f"POST /import/addresses HTTP/1.1\r\nHost: a\r\nCookie: session={client.cookie}\r\nX-CSRF-Token: {client.token()}\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {2 << 20}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", own_city.port), timeout=10) as sending:
        sending.sendall(head + part)
        until(sent)
        assert uploads.stat().st_mode & 0o077 == 0
        own_city.kill()
    assert sent(), "killed before it could tidy up"
    own_city.start()
    assert sent() == [] and len(list(uploads.iterdir())) == 1


def test_nothing_is_left_over_of_what_was_cut_off(own_city):
    """Spooled uploads and temporary files do not pile up."""
    left = [path for path in pathlib.Path(own_city.data).rglob("*") if path.is_file() and "postgres" not in path.parts and (".partial" in path.name or ".tmp" in path.name)]
    assert left == []
