"""The parser of addresses beside cpca, addressparser, jionlp and a conditional random field of python-crfsuite.

The labelled corpus may not be copied into the repository; it is read from ../shared, and the measures say so where it is
not there. The peers live in an environment of their own below .lifang/bench.
"""

import json
import statistics
import subprocess
import sys
import time

from stage import LIFANG, ROOT, STAGE, say

CORPUS = ROOT.parent / "shared/data/address-parsing"
# addressparser imports six without saying so; pandas is held where these peers were tried with it.
PEERS = ["cpca==0.5.5", "addressparser==0.2.4", "jionlp==1.5.31", "python-crfsuite==0.9.12", "pandas==3.1.1", "six==1.17.0"]
LEVELS = ["prov", "city", "district"]

# Run by the interpreter of the peers' environment: python -c PEER name corpus-folder model → one JSON object.
PEER = r'''
import json, pathlib, sys, time
name, folder, model = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
LEVELS = ["prov", "city", "district"]

def read(path):
    address, addresses = [], []
    for line in [*open(path, encoding="utf-8"), ""]:
        words = line.split()
        if words:
            address.append((words[0], words[1][:2] + words[1][2:].lower()))
        elif address:
            addresses.append(address)
            address = []
    return addresses

def spans(tags):
    found, start = set(), 0
    for end in range(1, len(tags) + 1):
        if end == len(tags) or tags[end][0] == "B" or tags[end][2:] != tags[start][2:]:
            found.add((start, end, tags[start][2:]))
            start = end
    return found

def features(address):
    c = ["<s>", "<s>", *(token for token, _ in address), "</s>", "</s>"]
    return [["b", *(f"{k}={c[i + 2 + k]}" for k in range(-2, 3)),
             *(f"{k}:{c[i + 2 + k]}{c[i + 3 + k]}" for k in range(-2, 2))] for i in range(len(address))]

dev = read(folder / "dev.txt")
texts = ["".join(token for token, _ in address) for address in dev]
gold = [spans([tag for _, tag in address]) for address in dev]
if name == "crf":
    import pycrfsuite
    if not pathlib.Path(model).exists():
        trainer = pycrfsuite.Trainer(verbose=False)
        for address in read(folder / "train.txt"):
            trainer.append(features(address), [tag for _, tag in address])
        trainer.set_params({"c1": 0.1, "c2": 0.01, "max_iterations": 100})
        trainer.train(model)
    tagger = pycrfsuite.Tagger()
    tagger.open(model)
    begin = time.perf_counter()
    given = [spans(tagger.tag(features(address))) for address in dev]
    rate = len(dev) / (time.perf_counter() - begin)
    right = sum(len(a & b) for a, b in zip(given, gold))
    print(json.dumps({"rate": rate, "f1": 2 * right / (sum(map(len, given)) + sum(map(len, gold))),
                      "whole": sum(a == b for a, b in zip(given, gold)) / len(dev),
                      "recall": {level: sum(len({s for s in b if s[2] == level} & a) for a, b in zip(given, gold))
                                 / sum(sum(s[2] == level for s in b) for b in gold) for level in LEVELS}}))
    sys.exit()
if name == "jionlp":
    import jionlp
    jionlp.parse_location(texts[0])
    parse = lambda: [tuple(jionlp.parse_location(text)[key] or "" for key in ("province", "city", "county")) for text in texts]
else:
    module = __import__(name)
    module.transform(texts[:1])
    parse = lambda: [tuple(row) for row in module.transform(texts)[["省", "市", "区"]].fillna("").itertuples(index=False)]
begin = time.perf_counter()
given = parse()
rate = len(dev) / (time.perf_counter() - begin)
right, expected = dict.fromkeys(LEVELS, 0), dict.fromkeys(LEVELS, 0)
for address, spans_, answer in zip(dev, gold, given):
    for start, end, label in spans_:
        if label in LEVELS:
            said = answer[LEVELS.index(label)]
            word = "".join(token for token, _ in address[start:end])
            expected[label] += 1
            # 浙江 is right for 浙江省 and the other way round.
            right[label] += bool(said) and (said.startswith(word) or word.startswith(said))
print(json.dumps({"rate": rate, "recall": {level: right[level] / expected[level] for level in LEVELS}}))
'''


def available():
    if (CORPUS / "dev.txt").exists():
        return True
    say(f"{CORPUS} is not here: the parser of addresses is not measured")
    return False


def peer(name):
    folder = STAGE / "address-peers"
    python = folder / "bin/python"
    if not python.exists():
        say("installing the peers of the parser of addresses")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True, stdout=sys.stderr)
    done = subprocess.run([python, "-c", PEER, name, CORPUS, STAGE / "address-crf.model"],
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def texts():
    addresses, text = [], ""
    for line in [*(CORPUS / "dev.txt").open(encoding="utf-8"), ""]:
        if words := line.split():
            text += words[0]
        elif text:
            addresses.append(text)
            text = ""
    return addresses


def parse_seconds(lines):
    begin = time.perf_counter()
    subprocess.run([LIFANG, "address", "parse"], input=lines, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def address_parse(row, spread):
    if not available():
        return []
    once = ("\n".join(texts()) + "\n").encode()
    count, repeats = len(texts()), 40
    rates = []
    for _ in range(5):
        # The time it takes to load the model is not that of an address.
        start = parse_seconds(b"\n")
        rates.append(count * repeats / (parse_seconds(once * repeats) - start))
    rate = statistics.median(rates)
    peers = {"crf" if name == "crf" else name: peer(name)["rate"] for name in ["crf", "cpca", "addressparser", "jionlp"]}
    return [row("address-parse", rate, "addresses/s", "python-crfsuite", peers["crf"], "≥ 50,000/s on one thread",
                rate >= 50_000, spread(rates) + ", " + ", ".join(f"{name} {value:.0f}" for name, value in peers.items()))]


def address_eval(row, spread):
    if not available():
        return []
    done = subprocess.run([LIFANG, "address", "eval", CORPUS / "dev.txt", "--json", "--by-label"],
                          stdout=subprocess.PIPE, text=True, check=True)
    score = json.loads(done.stdout)
    peers = {name: peer(name) for name in ["crf", "cpca", "addressparser", "jionlp"]}
    rows = [row("address-eval", score["f1"], "F1 of parts", "python-crfsuite", peers["crf"]["f1"], "≥ 0.905",
                score["f1"] >= 0.905,
                f"whole {score['wholeAddress']:.3f}, CRF whole {peers['crf']['whole']:.3f}")]
    for level in LEVELS:
        recall = score["labels"][level]["recall"]
        name, best = max(((name, one["recall"][level]) for name, one in peers.items() if name != "crf"),
                         key=lambda pair: pair[1])
        rows.append(row(f"address-eval-{level}", recall, "recall", name, best, "above each peer", recall > best,
                        ", ".join(f"{name} {one['recall'][level]:.3f}" for name, one in peers.items())))
    return rows
