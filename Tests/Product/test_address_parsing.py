"""`lifang address`: lines in, labelled parts out, without a database."""

import json
import os
import random
import subprocess

import pytest

CORPUS = """浙 B-prov
江 I-prov
省 I-prov
青 B-road
枫 I-road
路 I-road
12 B-roadno
号 I-roadno

"""


@pytest.fixture
def address(executable_path, tmp_path):
    def run(*words, given=None, status=0):
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        done = subprocess.run([executable_path, "address", *words], input=given, capture_output=True, timeout=240,
                              env=environment | {"LIFANG_DATA": str(tmp_path / "none")})
        assert done.returncode == status, done.stderr.decode()
        assert not (tmp_path / "none").exists()
        return done
    return run


def lines(count):
    dice = random.Random(5)
    roads, places = ["青枫路", "文苑北路", "和平大街"], ["望江花园", "兴业大厦", "", "下应街道办事处"]
    for _ in range(count):
        yield (f"浙江省{dice.choice(['杭州市', '宁波市'])}{dice.choice(roads)}{dice.randrange(1, 999)}号"
               f"{dice.choice(places)}{dice.randrange(1, 40)}幢{dice.choice(['-', ' ', '２单元'])}{dice.randrange(100, 2000)}室")


def test_every_line_has_its_answer_and_the_parts_cover_it(address):
    given = ["", "浙江省杭州市西湖区文苑北路188号青枫花园6幢", "\"\\\u0001", "電話", *lines(2000), ""]
    answers = [json.loads(line) for line in address("parse", given="\n".join(given).encode()).stdout.splitlines()]
    assert [answer["text"] for answer in answers] == given[:-1]
    for answer in answers:
        assert "".join(part["text"] for part in answer["parts"]) == answer["text"]
    assert [(part["label"], part["text"]) for part in answers[1]["parts"]] == [
        ("prov", "浙江省"), ("city", "杭州市"), ("district", "西湖区"), ("road", "文苑北路"), ("roadno", "188号"),
        ("poi", "青枫花园"), ("houseno", "6幢")]


def test_two_threads_answer_the_same_in_the_same_order(address):
    given = "\n".join(lines(12000)).encode()
    assert address("parse", "--threads", "2", given=given).stdout == address("parse", given=given).stdout


def test_training_evaluation_and_parsing_go_together(address, tmp_path):
    corpus, model = tmp_path / "corpus.txt", tmp_path / "small.model"
    corpus.write_text(CORPUS * 20)
    address("train", "--train", str(corpus), "--out", str(model), "--rounds", "8", "--seed", "3")
    again = tmp_path / "again.model"
    address("train", "--train", str(corpus), "--out", str(again), "--rounds", "8", "--seed", "3")
    assert model.read_bytes() == again.read_bytes()
    score = json.loads(address("eval", str(corpus), "--json", "--by-label", "--model", str(model)).stdout)
    assert score["f1"] == score["wholeAddress"] == 1 and score["addresses"] == 20
    assert score["labels"]["roadno"]["expected"] == 20
    answer = json.loads(address("parse", "--model", str(model), given="浙江省青枫路12号".encode()).stdout)
    assert [part["label"] for part in answer["parts"]] == ["prov", "road", "roadno"]


def test_what_cannot_be_used_is_refused_in_chinese(address, tmp_path):
    bad = tmp_path / "bad.txt"
    bad.write_text("浙 B-prov\n江 I-street\n")
    assert "第 2 行" in address("eval", str(bad), status=2).stderr.decode()
    bad.write_bytes(b"LIFANGAP" + bytes(100))
    assert "模型文件" in address("parse", "--model", str(bad), given=b"x", status=2).stderr.decode()
    assert "读不到文件" in address("eval", str(tmp_path / "none.txt"), status=2).stderr.decode()
    assert "lifang address" in address("guess", status=2).stderr.decode()
