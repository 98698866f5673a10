"""Makes pinyin.tsv from the tables of PyPI's pypinyin 0.55.0 (MIT) and readings.txt; see README.md."""
import collections
import pathlib
import unicodedata

from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

here = pathlib.Path(__file__).parent

def plain(syllable):
    """Without tone marks; ü is written v, as it is typed."""
    letters = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v")
    return "".join(c for c in letters if not unicodedata.combining(c)).replace("ê", "e")

def is_han(code):
    return code == 0x3007 or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF

single, words, surnames = {}, {}, []
for code, readings in PINYIN_DICT.items():
    if is_han(code):
        single[chr(code)] = plain(readings.split(",")[0])

ours = [line.split() for line in (here / "readings.txt").read_text().splitlines() if line and line[0] != "#"]
for name, *reading in ours:
    if name[0] != "^" and len(name) == 1:
        single[name] = reading[0]

known = set(single.values())
for word, readings in PHRASES_DICT.items():
    reading = [plain(r[0]) for r in readings]
    # Common words only, and none of the characters whose name reading is set by hand against running text.
    if len(word) == len(reading) and len(word) in (2, 3) and not set(word) & set("弄都佛薄泊"):
        try:
            word.encode("gb2312")
        except UnicodeEncodeError:
            continue
        if reading != [single.get(c) for c in word] and known.issuperset(reading):
            words[word] = reading

for name, *reading in ours:
    if name[0] == "^":
        surnames.append((name, reading[0]))
    elif len(name) > 1:
        assert len(name) == len(reading), name
        words[name] = reading
words = {w: r for w, r in words.items() if r != [single.get(c) for c in w]}

lines = ["# Made by make_pinyin.py; do not edit, see README.md."]
by_syllable = collections.defaultdict(list)
for character, syllable in single.items():
    by_syllable[syllable].append(character)
lines += [f"{s}\t{''.join(sorted(by_syllable[s]))}" for s in sorted(by_syllable)]
lines += [f"{name}\t{reading}" for name, reading in sorted(surnames) if reading != single[name[1]]]
lines += [f"{word}\t{' '.join(reading)}" for word, reading in sorted(words.items())]
(here / "pinyin.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
print(len(single), "characters,", len(by_syllable), "syllables,", len(words), "words,", len(surnames), "surnames")
