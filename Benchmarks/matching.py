"""How well written addresses find the standard ones: noisy variants of a demo city's addresses, by seed, and what came of them."""

import collections
import hashlib
import json
import random
import re
import subprocess

from stage import LIFANG, ROOT, STAGE, lifang, say

# Names that districts of the demo city had before, with which old papers still come.
FORMER = {"通川区": ["达川市", "达县市"], "达川区": ["达县"], "万源市": ["万源县"]}
SHORT = {"宣汉县": "宣汉", "开江县": "开江", "大竹县": "大竹", "万源市": "万源", "通川区": "通川", "达川区": "达川"}
NUMERALS = "零一二三四五六七八九十"
KINDS = set("省市区县镇乡街道路巷村社组号栋单元室层附楼")

ADDRESS = re.compile(r"^(四川省)(达州市)(..?.?[区县市])(.+?(?:街道|镇|乡))(.*)$")
BELOW = re.compile(
    r"^(?:(.*?村)(\d+组))?(?:(.*?(?:路|街|巷|道|段))(?=\d))?(\d+号)?(.*?)(\d+栋)?(\d+单元)?(\d+室)?$")


def homophones():
    """Character → characters that are read alike, from the table that ships."""
    alike = {}
    for line in (ROOT / "Resources/search/pinyin.tsv").read_text(encoding="utf-8").splitlines():
        if line[:1] in "#^" or "\t" not in line:
            continue
        syllable, characters = line.split("\t")
        if syllable.isascii():
            characters = [c for c in characters if "\u4e00" <= c <= "\u9fa5"]
            alike.update({c: characters for c in characters})
    return alike


def chinese(number):
    value = int(number)
    if value <= 10:
        return NUMERALS[value]
    if value < 20:
        return "十" + NUMERALS[value - 10]
    if value < 100:
        return NUMERALS[value // 10] + "十" + (NUMERALS[value % 10] if value % 10 else "")
    return "".join(NUMERALS[int(digit)] for digit in number)


def parts(address):
    outer = ADDRESS.match(address)
    if not outer:
        return None
    province, city, district, town, rest = outer.groups()
    village, group, road, number, place, building, unit, room = BELOW.match(rest).groups()
    if village is None and not road and (split := re.match(r"^(.*?村)(.*)$", place)):
        village, place = split.groups()
    names = ["province", "city", "district", "town", "village", "group", "road", "number", "place", "building", "unit", "room"]
    values = [province, city, district, town, village, group, road, number, place, building, unit, room]
    return {name: value or "" for name, value in zip(names, values)}


class Noise:
    """Writes addresses the way people do; equal seeds write equally."""

    def __init__(self, seed, characters):
        self.random = random.Random(seed)
        self.common = sorted(c for c in characters if "\u4e00" <= c <= "\u9fff")
        self.alike = {c: [o for o in others if o in characters and o != c] for c, others in homophones().items()
                      if c in characters}

    def misspell(self, name):
        places = [i for i, c in enumerate(name) if "\u4e00" <= c <= "\u9fff" and c not in KINDS]
        if not places:
            return name
        i, kind = self.random.choice(places), self.random.random()
        if kind < 0.45:
            others = self.alike.get(name[i])
            return name[:i] + self.random.choice(others) + name[i + 1:] if others else name
        if kind < 0.65:
            return name[:i] + name[i + 1:]
        if kind < 0.8 and i + 1 in places:
            return name[:i] + name[i + 1] + name[i] + name[i + 2:]
        if kind < 0.9:
            return name[:i] + name[i] + name[i:]
        return name[:i] + self.random.choice(self.common) + name[i + 1:]

    def variant(self, address):
        """What was done, and the address as it is written."""
        p, pick, chance = parts(address), self.random.choice, self.random.random
        if p is None:
            return None
        done = []
        if chance() < 0.75:
            done.append("dropped")
            for level, share in (("province", 0.8), ("city", 0.7)):
                if chance() < share:
                    p[level] = ""
            if chance() < 0.35:
                p["town"] = ""
            elif chance() < 0.25:
                p["district"] = ""
            if p["road"] and p["place"]:
                which = chance()
                if which < 0.2:
                    p["place"] = ""
                elif which < 0.45:
                    p["road"] = p["number"] = ""
        if p["district"] and chance() < 0.2:
            if p["district"] in FORMER and chance() < 0.6:
                p["district"] = pick(FORMER[p["district"]])
                done.append("former")
            else:
                p["district"] = SHORT.get(p["district"], p["district"])
                done.append("short")
        if chance() < 0.25:
            names = [name for name in ("road", "place", "village", "town") if len(p[name]) >= 3]
            if names:
                name = pick(names)
                p[name] = self.misspell(p[name])
                done.append("misspelt")
        if chance() < 0.4:
            self.rephrase(p, pick, chance)
            done.append("rephrased")
        elif p["building"] and p["unit"] and p["room"] and (p["place"] or p["number"]) and chance() < 0.15:
            p["building"], p["unit"], p["room"] = p["building"][:-1] + "-", p["unit"][:-2] + "-", p["room"][:-1]
            if not p["place"]:
                p["building"] = "-" + p["building"]
            done.append("dashes")
        order = ["province", "city", "district", "town", "village", "group", "road", "number", "place", "building",
                 "unit", "room"]
        if chance() < 0.12:
            inner = ["village", "group", "road", "number", "place", "building", "unit", "room"]
            order = inner + order[:4] if chance() < 0.5 else order[:4] + inner[4:] + inner[:4]
            done.append("reordered")
        text = ("" if chance() < 0.85 else pick([" ", ",", "，"])).join(p[name] for name in order if p[name])
        if chance() < 0.1:
            text = text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"})
            done.append("full-width")
        return "+".join(done) or "unchanged", text

    @staticmethod
    def rephrase(p, pick, chance):
        if p["building"]:
            number = p["building"][:-1]
            p["building"] = pick([number + "幢", number + "座", number + "号楼", chinese(number) + "栋"])
        if p["unit"] and chance() < 0.4:
            p["unit"] = chinese(p["unit"][:-2]) + "单元"
        if p["room"]:
            p["room"] = p["room"][:-1] + pick(["", "室", "房", "号"])
        if p["number"] and chance() < 0.2:
            p["number"] = chinese(p["number"][:-1]) + "号"
        if p["group"] and chance() < 0.4:
            p["group"] = chinese(p["group"][:-1]) + pick(["组", "社"])
        if p["town"].endswith("街道") and chance() < 0.3:
            p["town"] = p["town"][:-2] + pick(["", "办事处", "街道办事处"])
        if p["village"] and chance() < 0.2:
            p["village"] = p["village"][:-1] + pick(["村委会", "社区"])


def is_held_back(address):
    """One site in ten, and a room in twenty, that the base does not have: what should find nothing."""
    site = re.sub(r"(\d+栋)?(\d+单元)?(\d+室)?$", "", address)
    return (int(hashlib.md5(site.encode()).hexdigest()[:6], 16) % 10 == 0
            or address.endswith("室") and int(hashlib.md5(address.encode()).hexdigest()[:6], 16) % 20 == 0)


def prepare(scale, seed, known, unknown):
    """The base as a file, and the questions: (what should be found or None, what was done, text)."""
    whole, base = STAGE / f"matching-{scale}-all.csv", STAGE / f"matching-{scale}.csv"
    if not whole.exists():
        say("exporting the demo city's addresses")
        lifang("demo", "export-addresses", str(whole), "--scale", str(scale), data=STAGE / "matching")
    inside, outside, characters = [], [], set()
    with whole.open(encoding="utf-8-sig") as lines, base.open("w", encoding="utf-8") as out:
        out.write(next(lines))
        for line in lines:
            address = line.split(",", 1)[0]
            characters.update(address)
            if is_held_back(address):
                outside.append(address)
            else:
                inside.append(address)
                out.write(line)
    noise, questions = Noise(seed, characters), []
    for pool, count in ((inside, known), (outside, unknown)):
        for address in noise.random.choices(pool, k=count):
            if variant := noise.variant(address):
                questions.append((address if pool is inside else None, *variant))
    noise.random.shuffle(questions)
    return base, questions


def run(base, questions, threads):
    lines, figures = STAGE / "matching.txt", STAGE / "matching.json"
    lines.write_text("".join(text + "\n" for _, _, text in questions), encoding="utf-8")
    done = subprocess.run(
        [LIFANG, "address", "match", lines, "--base", base, "--threads", str(threads), "--figures", figures],
        stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return answers, json.loads(figures.read_text())


def judge(questions, answers):
    """Recall of the first candidate among known addresses, precision among accepted answers, both by kind of noise."""
    right = known = accepted = accepted_right = unknown_accepted = 0
    by_kind = collections.defaultdict(lambda: [0, 0])
    for (wanted, kind, _), answer in zip(questions, answers):
        first = answer["candidates"][0]["fullName"] if answer["candidates"] else None
        if wanted is not None:
            known += 1
            right += first == wanted
            for one in kind.split("+"):
                by_kind[one][0] += first == wanted
                by_kind[one][1] += 1
        if answer["outcome"] == "accepted":
            accepted += 1
            accepted_right += first == wanted
            unknown_accepted += wanted is None
    return {"recall": right / known, "precision": accepted_right / max(1, accepted), "accepted": accepted,
            "unknownAccepted": unknown_accepted,
            "byKind": {kind: round(hits / count, 4) for kind, (hits, count) in sorted(by_kind.items())}}
