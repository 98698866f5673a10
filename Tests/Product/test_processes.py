"""BPMN means here what it means elsewhere: to SpiffWorkflow, led through random processes beside Lifang, and to modelers."""

import json
import pathlib
import random
import subprocess

import pytest
from bpmn_io import BpmnModdle
from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

COUNTY = pathlib.Path(__file__).resolve().parents[1] / "Fixtures" / "processes" / "county-approval.bpmn"
HEAD = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:lifang="urn:lifang:process:1"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="urn:test"><process id="p" name="p" isExecutable="true">"""


class Drawing:
    """A random process of steps, choices, branches and loops, one in another.

    No branches inside a loop, and nothing but steps and choices inside an inclusive branch: SpiffWorkflow 3.2 lets such
    joins go on before all that can come has come, some of them twice, where BPMN has them wait. TraceTests try those.
    """

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.rounds = self.choices = 0  # how many loops and inclusive splits are around what is being drawn
        self.nodes, self.flows, self.incoming, self.outgoing, self.defaults, self.loops = [], [], {}, {}, {}, []
        self.node("start", "startEvent")
        last = self.block("start", 3)
        self.node("end", "endEvent")
        self.flow(last, "end")

    def node(self, name, kind):
        self.nodes.append((name, kind))
        return name

    def fresh(self, kind, tag):
        return self.node(f"{kind}{len(self.nodes)}", tag)

    def flow(self, source, target, condition=None, default=False):
        name = f"f{len(self.flows)}"
        self.flows.append((name, source, target, condition))
        self.outgoing.setdefault(source, []).append(name)
        self.incoming.setdefault(target, []).append(name)
        if default:
            self.defaults[source] = name

    def block(self, last, depth, condition=None, default=False):
        for _ in range(self.dice.randint(1, 2)):
            last = self.part(last, depth, condition, default)
            condition, default = None, False
        return last

    def part(self, before, depth, condition, default):
        kind = "step" if depth == 0 else self.dice.choice(["step", "step", "exclusive"] + ["loop"] * (self.choices == 0) + ["parallel", "inclusive"] * (self.rounds + self.choices == 0))
        if kind == "step":
            step = self.fresh("step", "userTask")
            self.flow(before, step, condition, default)
            return step
        if kind == "loop":
            merge = self.fresh("merge", "exclusiveGateway")
            self.flow(before, merge, condition, default)
            self.rounds += 1
            step = self.part(self.block(merge, depth - 1), 0, None, False)
            self.rounds -= 1
            again = self.fresh("again", "exclusiveGateway")
            variable = f"again_{step}"
            self.loops.append(variable)
            self.flow(step, again)
            self.flow(again, merge, f"{variable} == 1")
            out = self.fresh("step", "userTask")
            self.flow(again, out, default=True)
            return out
        split, join = self.fresh("split", kind + "Gateway"), None
        self.flow(before, split, condition, default)
        ends = []
        count = self.dice.randint(2, 3)
        self.choices += kind == "inclusive"
        for branch in range(count):
            free = kind == "parallel"
            last = branch == count - 1
            test = None if free or last else f"x >= {self.dice.randint(0, 9)}"
            ends.append(self.block(split, depth - 1, test, not free and last))
        self.choices -= kind == "inclusive"
        join = self.fresh("join", kind + "Gateway")
        for end in ends:
            self.flow(end, join)
        return join

    @property
    def xml(self):
        parts = [HEAD, "<extensionElements>"]
        parts += [f'<lifang:variable name="{name}" label="{name}" type="integer"/>' for name in ["x", *self.loops]]
        parts.append("</extensionElements>")
        for name, tag in self.nodes:
            extra = ' lifang:handler="role:a" lifang:fallback="role:b"' if tag == "userTask" else ""
            if name in self.defaults:
                extra += f' default="{self.defaults[name]}"'
            ends = "".join(f"<incoming>{flow}</incoming>" for flow in self.incoming.get(name, []))
            ends += "".join(f"<outgoing>{flow}</outgoing>" for flow in self.outgoing.get(name, []))
            parts.append(f'<{tag} id="{name}"{extra}>{ends}</{tag}>')
        for name, source, target, condition in self.flows:
            inside = f'<conditionExpression xsi:type="tFormalExpression">{condition.replace(">", "&gt;")}</conditionExpression>' if condition else ""
            parts.append(f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>')
        return "".join(parts) + "</process></definitions>"


def spiff(drawing, x, dice):
    """What SpiffWorkflow does: the open steps after each, the step then chosen, and what it fills in."""
    parser = BpmnParser()
    parser.add_bpmn_xml(etree.fromstring(drawing.xml.encode()))
    workflow = BpmnWorkflow(parser.get_spec("p"))
    workflow.data.update(x=x)
    for task in workflow.get_tasks(state=TaskState.READY):
        task.data.update(x=x, **{name: 0 for name in drawing.loops})
    workflow.do_engine_steps()
    trace, rounds = [], {}
    while not workflow.is_completed():
        ready = sorted(workflow.get_tasks(state=TaskState.READY, manual=True), key=lambda task: task.task_spec.bpmn_id)
        assert ready and len(trace) < 300
        task = dice.choice(ready)
        name, given = task.task_spec.bpmn_id, {}
        if f"again_{name}" in drawing.loops:
            rounds[name] = rounds.get(name, 0) + 1
            given[f"again_{name}"] = int(rounds[name] < 3 and dice.random() < 0.5)
            task.data.update(given)
        trace.append(([one.task_spec.bpmn_id for one in ready], name, given))
        task.run()
        workflow.do_engine_steps()
    return trace


@pytest.mark.parametrize("seed", range(60))
def test_random_processes_go_the_same_way(seed, tmp_path, executable_path):
    drawing = Drawing(seed)
    file = tmp_path / "process.bpmn"
    file.write_text(drawing.xml)
    for run in range(3):
        dice = random.Random(seed * 1000 + run)
        x = dice.randint(0, 9)
        trace = spiff(drawing, x, dice)
        lines = [" ".join(["complete", name, *(f"{key}={value}" for key, value in given.items())]) for _, name, given in trace]
        start = ",".join([f"x={x}", *(f"{name}=0" for name in drawing.loops)])
        done = subprocess.run(
            [executable_path, "process", "simulate", file, "--json", "--set", start],
            input="\n".join(lines) + "\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr + done.stdout
        states = [json.loads(line) for line in done.stdout.splitlines()]
        ours = [sorted(task["step"] for task in state["tasks"]) for state in states]
        assert ours == [ready for ready, _, _ in trace] + [[]]
        assert states[-1]["state"] == "finished"


def printed(executable, file):
    return subprocess.run([executable, "process", "print", file], stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.mark.parametrize("seed", [None, *range(20)])
def test_modelers_keep_every_meaning(seed, tmp_path, executable_path):
    """What Lifang writes is read by bpmn.io's model without a warning, and what that writes means the same to Lifang."""
    file = tmp_path / "process.bpmn"
    file.write_text(COUNTY.read_text() if seed is None else Drawing(seed).xml)
    ours = printed(executable_path, file)
    moddle = BpmnModdle()
    read = moddle.from_xml(ours)
    assert not read.warnings
    file.write_text(moddle.to_xml(read.root_element).xml)
    assert printed(executable_path, file) == ours


def test_what_cannot_run_is_refused_on_the_command_line(tmp_path, executable_path):
    file = tmp_path / "process.bpmn"
    file.write_text(COUNTY.read_text().replace('<bpmn:inclusiveGateway id="join"/>', '<bpmn:parallelGateway id="join"/>'))
    done = subprocess.run([executable_path, "process", "check", COUNTY, file], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert "“县级审批”可以运行" in done.stdout and "process.bpmn:" in done.stdout and "“join”可能一直等不到其他分支" in done.stdout
    refused = subprocess.run(
        [executable_path, "process", "simulate", COUNTY], input="complete review\nback papers visit\ncomplete review\n", stdout=subprocess.PIPE, text=True)
    assert refused.returncode == 2 and "不能退回到“社区民警入户调查”" in refused.stdout and "民警核查材料" in refused.stdout
