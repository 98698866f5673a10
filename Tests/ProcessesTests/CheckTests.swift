import Foundation
import Processes
import Testing
import YAML

@Suite struct CheckTests {
  static let text = String(decoding: (try? fixture("county-approval.bpmn")) ?? [], as: UTF8.self)

  static func problems(_ text: String) -> [ProcessProblem] {
    do throws(ProcessFailure) {
      _ = try RunnableProcess(ProcessDefinition(bpmn: Array(text.utf8), file: "county.bpmn"))
      return []
    } catch {
      return error.problems
    }
  }

  @Test func aGoodDefinitionRuns() {
    #expect(Self.problems(Self.text) == [])
  }

  @Test func aFileIsWrittenAsItWasRead() throws {
    let read = try ProcessDefinition(bpmn: Array(Self.text.utf8), file: "x")
    let again = try ProcessDefinition(bpmn: Array(read.bpmn.utf8), file: "x")
    #expect(again.bpmn == read.bpmn)
    #expect(again.variables == read.variables && again.layout == read.layout && again.name == "县级审批")
    #expect(again.nodes.map(\.kind) == read.nodes.map(\.kind) && again.nodes.map(\.id) == read.nodes.map(\.id))
    #expect(again.flows.map(\.condition) == read.flows.map(\.condition))
    #expect(again.flows.map(\.isDefault) == read.flows.map(\.isDefault))
    #expect(read.layout.lines["f_start"]?.last.map { [$0.x, $0.y] } == [190.5, 118])
  }

  /// One change to the file, the element that must be named, and what is said of it.
  @Test(arguments: [
    ("<bpmn:startEvent id=\"start\" name=\"受理\"/>", "", "f_start", "一端没有接到"),
    (
      "lifang:fallback=\"role:station_chief\"/>\n    <bpmn:inclusiveGateway id=\"split\"",
      "/>\n    <bpmn:inclusiveGateway id=\"split\"", "review", "没有指定兜底办理人"
    ),
    ("lifang:handler=\"role:officer\"", "lifang:handler=\"somebody\"", "papers", "读不懂"),
    ("lifang:handler=\"role:officer\"", "lifang:handler=\"same-as:nowhere\"", "papers", "没有这个环节"),
    ("P5D", "5 days", "visit_late", "时长"),
    ("attachedToRef=\"visit\"", "attachedToRef=\"register\"", "visit_late", "没有附着"),
    ("60%", "160%", "countersign", "会签方式"),
    ("agreed == true", "agreed == 1", "f_agreed", "条件"),
    ("agreed == true", "approved == true", "f_agreed", "approved"),
    ("agreed == true", "agreed ==", "f_agreed", "条件"),
    (" default=\"f_refused\"", "", "f_refused", "没有条件"),
    ("lifang:action=\"register-household\"", "", "register", "系统要做什么"),
    ("bpmn:serviceTask", "bpmn:scriptTask", "register", "不支持"),
    ("<bpmn:inclusiveGateway id=\"join\"/>", "<bpmn:parallelGateway id=\"join\"/>", "join", "一直等不到"),
    ("<bpmn:inclusiveGateway id=\"join\"/>", "<bpmn:exclusiveGateway id=\"join\"/>", "join", "同时走过两次"),
    ("targetRef=\"done\"", "targetRef=\"review\"", "done", "没有线连入"),
    ("type=\"boolean\"/>\n    </bpmn:ext", "type=\"bool\"/>\n    </bpmn:ext", "field_visit", "类型"),
    ("id=\"papers_too\"", "id=\"papers\"", "papers", "编号与另一个元素相同"),
    (
      "<bpmn:startEvent id=\"start\" name=\"受理\"/>",
      "<bpmn:startEvent id=\"start\" name=\"受理\"/><bpmn:subProcess id=\"sub\" name=\"子流程\"/>", "sub", "subProcess，这里不支持"
    ),
  ])
  func whatCannotRunIsRefusedWithTheElementNamed(_ old: String, _ new: String, _ element: String, _ words: String) {
    #expect(Self.text.contains(old))
    let problems = Self.problems(Self.text.replacingOccurrences(of: old, with: new))
    #expect(problems.contains { $0.element == element && $0.message.contains(words) }, "\(problems)")
    #expect(problems.allSatisfy { $0.position.line > 1 || $0.element == "county_approval" })
  }

  @Test(arguments: [
    "", "text", "<a/>", "<!DOCTYPE x><a/>", "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'/>",
  ])
  func whatIsNoProcessIsRefused(_ text: String) {
    #expect(Self.problems(text).count == 1)
  }

  @Test func whatNobodyCanSurveyIsRefused() throws {
    func chain(_ count: Int) throws -> RunnableProcess {
      var drawing = Drawing()
      drawing.node("start", .start)
      for number in 0..<count { drawing.step("s\(number)") }
      drawing.node("end", .end(isTerminating: false))
      drawing.chain((["start"] + (0..<count).map { "s\($0)" } + ["end"]).joined(separator: ">"))
      return try drawing.process()
    }
    _ = try chain(400)
    let failure = #expect(throws: ProcessFailure.self) { try chain(600) }
    #expect(failure?.problems.first?.message.contains("太多了") == true)
  }

  /// Branches are proved however many there are, as long as they are joined as they were split.
  @Test func wideAndDeepProcessesAreProved() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    drawing.node("end", .end(isTerminating: false))
    var last = "start"
    for block in 0..<8 {
      drawing.node("split\(block)", .parallel)
      drawing.node("join\(block)", .parallel)
      drawing.flow(last, "split\(block)")
      for branch in 0..<6 {
        drawing.step("a\(block)_\(branch)")
        drawing.step("b\(block)_\(branch)")
        drawing.chain("split\(block) > a\(block)_\(branch) > b\(block)_\(branch) > join\(block)")
      }
      last = "join\(block)"
    }
    drawing.flow(last, "end")
    _ = try drawing.process()
  }

  @Test func aLoopWithoutAnybodyIsRefused() {
    var drawing = Drawing()
    drawing.node("start", .start)
    drawing.node("merge", .exclusive)
    drawing.node("rule", .decision([ProcessAssignment(variable: "x", formula: "x + 1")]))
    drawing.node("which", .exclusive)
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > merge > rule > which")
    drawing.flow("which", "merge", when: "x < 10")
    drawing.flow("which", "end", isDefault: true)
    let failure = #expect(throws: ProcessFailure.self) { try drawing.process() }
    #expect(failure?.problems.first?.message.contains("一直转下去") == true)
  }

  @Test(arguments: [
    ("P3D", "P3D"), ("PT2H", "PT2H"), ("P1DT4H30M", "P1DT4H30M"), ("PT90M", "PT90M"), ("P0D", nil), ("P", nil),
    ("PT", nil), ("3D", nil), ("P1M", nil), ("PT1HT2M", nil), ("PT2M1H", nil), ("P-1D", nil), ("P1D1D", nil),
    ("P999999D", nil), ("P1", nil),
  ])
  func durationsAreReadAsWritten(_ text: String, _ written: String?) {
    #expect(ProcessDuration(text)?.description == written)
  }
}
