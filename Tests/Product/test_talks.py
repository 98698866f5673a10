"""Officers write to each other: who, the conversation, pictures, ready phrases, what only the two of them see."""

import re

from clients import Markup, until
from test_accessibility import check
from test_archive import sheet


def text(response):
    return " ".join(Markup(response.text).text.split())


def user(city, account):
    return city.sql(f"select id from app_user where account = '{account}'")


def test_a_line_reaches_the_other_is_counted_and_read(city, clients):
    me, other = user(city, "huji"), user(city, "suozhang")
    huji, chief = clients("huji"), clients("suozhang")
    found = text(huji.get("/talks/new?q=" + city.sql(f"select name from app_user where id = {other}")))
    assert city.sql(f"select name from app_user where id = {other}") in found
    sent = huji.post(f"/talks/{other}", {"text": "下午三点开会，请带上本月台账。"})
    assert sent.status_code == 303, sent.text
    assert "1 条未读" in text(chief.get("/talks")) or "条未读" in text(chief.get("/talks"))
    assert re.search(r"未读", text(chief.get("/messages")) + text(chief.get("/talks")))
    assert "未读" in text(huji.get(f"/talks/{other}"))
    assert "下午三点开会" in text(chief.get(f"/talks/{me}"))
    assert "已读" in text(huji.get(f"/talks/{other}"))
    # A ready phrase is sent as it stands, and what was being written is not.
    assert chief.post(f"/talks/{me}", {"phrase": "收到，马上办。", "text": "还没写完"}).status_code == 303
    page = text(huji.get(f"/talks/{other}"))
    assert "收到，马上办。" in page and "还没写完" not in page


def test_a_picture_is_seen_by_the_two_and_nobody_else(city, clients):
    me, other = user(city, "huji"), user(city, "suozhang")
    sent = clients("huji").post(f"/talks/{other}", {"text": ""}, files={"picture": ("截图.png", sheet(11), "image/png")})
    assert sent.status_code == 303, sent.text
    key = re.findall(r'src="/files/([^"]+)"', clients("suozhang").get(f"/talks/{me}").text)[-1]
    assert clients("suozhang").get(f"/files/{key}").status_code == 200
    assert clients("fujing").get(f"/files/{key}").status_code == 404
    assert "［图片］" in text(clients("suozhang").get("/talks"))


def test_the_record_is_searched_by_its_two_only(city, clients):
    other = user(city, "suozhang")
    clients("huji").post(f"/talks/{other}", {"text": "紫荆花园的回执已寄出"})
    assert "紫荆花园" in text(clients("huji").get("/r/talk_line?q=紫荆花园"))
    assert "紫荆花园" in text(clients("suozhang").get("/r/talk_line?q=紫荆花园"))
    assert "紫荆花园的回执" not in text(clients("fujing").get("/r/talk_line?q=紫荆花园"))
    number = city.sql("select id from talk_line where text like '紫荆花园%' limit 1", '-c lifang.scope_talk_line={"all":true}')
    assert clients("fujing").get(f"/r/talk_line/{number}").status_code == 404
    # What was said is neither changed nor taken back.
    for path in ("edit", "delete"):
        assert clients("huji").post(f"/r/talk_line/{number}/{path}", {"text": "别的"}).status_code in (403, 404)


def test_who_may_not_be_written_to_is_refused_in_words(city, clients):
    for receiver, words in ((user(city, "huji"), "不能发给自己"), (user(city, "sysadmin"), "没有这位同事")):
        answer = clients("huji").post(f"/talks/{receiver}", {"text": "试试"})
        assert answer.status_code == 422 and words in text(answer), answer.text
    empty = clients("huji").post(f"/talks/{user(city, 'suozhang')}", {"text": "  "})
    assert empty.status_code in (400, 422) and "请写内容或选一张图片" in text(empty)
    assert clients("resident").get("/talks").status_code == 403
    assert clients("sysadmin").get("/talks").status_code == 403


def test_who_sends_too_fast_waits(city, clients):
    other = user(city, "suozhang")
    answers = [clients("officer").post(f"/talks/{other}", {"text": f"第 {n} 条"}).status_code for n in range(30)]
    assert 303 in answers and 429 in answers


def test_a_new_line_comes_by_itself_and_shows_in_the_title(city, clients, visit):
    me, other = user(city, "huji"), user(city, "suozhang")
    page = visit("suozhang", "phone")
    page.goto(f"/talks/{me}")
    check(page)
    clients("huji").post(f"/talks/{other}", {"text": "刚收到的一条"})
    page.get_by_text("刚收到的一条").wait_for(timeout=20000)
    until(lambda: city.sql(
        "select count(*) from talk_line where text = '刚收到的一条' and read_at is not null",
        '-c lifang.scope_talk_line={"all":true}') == "1", 20)


def test_the_pages_are_accessible(visit, city):
    page = visit("huji", "desktop")
    for path in ("/talks", "/talks/new", f"/talks/{user(city, 'suozhang')}"):
        page.goto(path)
        check(page)
