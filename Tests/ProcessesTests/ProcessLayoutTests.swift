import Core
import Processes
import Testing

/// Where a process is drawn when its file does not say.
@Suite struct ProcessLayoutTests {
  typealias Point = ProcessLayout.Point

  /// Random sound processes as they are drawn, the same on every run.
  static let drawn = Result {
    var dice = SeededRandom(seed: 0xD1A6)
    return try (0..<32).map { _ in
      let process = try RandomProcess.make(&dice).source
      return (process: process, layout: process.laidOut())
    }
  }

  @Test func nodesDoNotOverlap() throws {
    for (process, layout) in try Self.drawn.get() {
      #expect(layout.frames.count == process.nodes.count)
      for (index, one) in process.nodes.enumerated() {
        let frame = try #require(layout.frames[one.id])
        let met = process.nodes.dropFirst(index + 1).filter { other in
          !Self.sits(one, on: other) && !Self.sits(other, on: one) && layout.frames[other.id]?.overlaps(frame) == true
        }
        #expect(met.isEmpty, "\(one.id) and \(met.map(\.id))\n\(process.bpmn)")
      }
    }
  }

  @Test func aTimerSitsOnTheLowerEdgeOfItsStep() throws {
    for (process, layout) in try Self.drawn.get() {
      for node in process.nodes {
        guard case .boundary(let host, _, _) = node.kind else { continue }
        let (frame, below) = (try #require(layout.frames[node.id]), try #require(layout.frames[host]))
        #expect(frame.midY == below.maxY && frame.x >= below.x && frame.maxX <= below.maxX)
      }
    }
  }

  @Test func everyFlowHasALineFromBorderToBorder() throws {
    for (process, layout) in try Self.drawn.get() {
      #expect(layout.lines.count == process.flows.count)
      for flow in process.flows {
        let line = try #require(layout.lines[flow.id])
        let (first, last) = (try #require(line.first), try #require(line.last))
        #expect(try #require(layout.frames[flow.source]).hasOnBorder(first), "\(flow.id)\n\(process.bpmn)")
        #expect(try #require(layout.frames[flow.target]).hasOnBorder(last), "\(flow.id)\n\(process.bpmn)")
        for (a, b) in zip(line, line.dropFirst()) { #expect((a.x == b.x) != (a.y == b.y), "\(flow.id) is not upright") }
      }
    }
  }

  /// What reads well: no line runs through a node, and lines lie on each other only where they begin or end together.
  @Test func linesKeepClearOfNodesAndOfEachOther() throws {
    for (process, layout) in try Self.drawn.get() {
      for (index, flow) in process.flows.enumerated() {
        let line = try #require(layout.lines[flow.id])
        let entered = process.nodes.filter { layout.frames[$0.id]?.isEntered(by: line) == true }
        #expect(entered.isEmpty, "\(flow.id) runs through \(entered.map(\.id))\n\(process.bpmn)")
        let covered = process.flows.dropFirst(index + 1).filter { other in
          let ends = Set([flow.source, flow.target, other.source, other.target])
          return ends.count == 4 && Self.lieOnEachOther(line, layout.lines[other.id] ?? [])
        }
        #expect(covered.isEmpty, "\(flow.id) lies on \(covered.map(\.id))\n\(process.bpmn)")
      }
    }
  }

  @Test func everythingIsRightOfAndBelowZero() throws {
    for (_, layout) in try Self.drawn.get() {
      #expect(layout.frames.values.allSatisfy { $0.x >= 0 && $0.y >= 0 })
      #expect(layout.lines.values.joined().allSatisfy { $0.x >= 0 && $0.y >= 0 })
    }
  }

  @Test func whatComesLaterStandsFurtherRight() throws {
    for (process, layout) in try Self.drawn.get() {
      let order = process.nodesInOrder.map(\.id)
      #expect(order.first == "start" && order.sorted() == process.nodes.map(\.id).sorted())
      for flow in process.flows {
        let (source, target) = (try #require(layout.frames[flow.source]), try #require(layout.frames[flow.target]))
        let (from, to) = (
          try #require(order.firstIndex(of: flow.source)), try #require(order.firstIndex(of: flow.target))
        )
        #expect((from < to) == (source.midX < target.midX), "\(flow.id)")
        #expect(from < to || flow.source.hasPrefix("again"), "only loops lead back: \(flow.id)")
      }
    }
  }

  @Test func theSameDefinitionHasTheSameLayout() throws {
    for (process, layout) in try Self.drawn.get().prefix(8) { #expect(process.laidOut() == layout) }
  }

  @Test func aLineOfStepsIsAStraightLine() throws {
    let layout = try line().definition.laidOut()
    #expect(layout.lines.values.allSatisfy { $0.count == 2 })
    #expect(Set(layout.frames.values.map(\.midY)).count == 1)
  }

  @Test func theLongestBranchIsStraightAndTheOthersTurnOnceAtAGateway() throws {
    let process = try fork().definition
    let layout = process.laidOut()
    let bends = Dictionary(
      uniqueKeysWithValues: process.flows.map { ("\($0.source)>\($0.target)", (layout.lines[$0.id]?.count ?? 0) - 2) })
    #expect(bends.filter { $0.value > 0 } == ["split>c1": 1, "c1>join": 1])
  }

  @Test func aFlowThatLeadsBackRunsAboveWhatItRepeats() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    drawing.node("merge", .exclusive)
    drawing.step("a")
    drawing.node("again", .exclusive)
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > merge > a > again")
    drawing.flow("again", "end", isDefault: true)
    drawing.flow("again", "merge", when: "x < 2")
    let layout = drawing.definition.laidOut()
    let back = try #require(layout.lines["f4_again_merge"])
    let step = try #require(layout.frames["a"])
    #expect(back.count == 4 && back[1].y == back[2].y && back[1].y < step.y)
  }

  @Test func theDeclaredLayoutIsKept() throws {
    let process = try fork().definition
    var declared = process.laidOut()
    // Otherwise than it would be put.
    (declared.frames["a"], declared.frames["d"]) = (declared.frames["d"], declared.frames["a"])
    declared.lines = declared.lines.mapValues { $0.reversed() }
    #expect(declared != process.laidOut())
    #expect(process.with(declared).laidOut() == declared)
  }

  @Test func aDeclaredLayoutWithoutSomeLinesIsCompleted() throws {
    let process = try fork().definition
    var declared = ProcessLayout()
    declared.frames = process.laidOut().frames
    let layout = process.with(declared).laidOut()
    #expect(layout.frames == declared.frames && layout.lines.count == process.flows.count)
    for flow in process.flows {
      let line = try #require(layout.lines[flow.id])
      #expect(try #require(layout.frames[flow.source]).hasOnBorder(try #require(line.first)))
      #expect(try #require(layout.frames[flow.target]).hasOnBorder(try #require(line.last)))
    }
  }

  @Test func aLayoutOfSomeNodesIsNotUsed() throws {
    let process = try fork().definition
    var declared = ProcessLayout()
    declared.frames["a"] = process.laidOut().frames["d"]
    #expect(process.with(declared).laidOut() == process.laidOut())
  }

  /// Definitions that cannot run are drawn too: that is how one sees what is wrong.
  @Test func whatIsWrongIsDrawnAsFarAsItGoes() {
    var drawing = Drawing()
    #expect(drawing.definition.laidOut() == ProcessLayout())
    drawing.step("a")
    drawing.step("lost")
    drawing.flow("a", "a")
    drawing.flow("a", "nowhere")
    drawing.flow("nowhere", "lost")
    drawing.node("late", .boundary(host: "lost", after: ProcessDuration(days: 1), interrupts: true))
    drawing.flow("late", "lost")
    drawing.node("late_too", .boundary(host: "late", after: ProcessDuration(days: 1), interrupts: true))
    let layout = drawing.definition.laidOut()
    #expect(layout.frames.count == 4 && Set(layout.lines.keys) == ["f0_a_a", "f3_late_lost"])
  }

  // MARK: - What the drawing is asked

  private static func sits(_ one: ProcessNode, on other: ProcessNode) -> Bool {
    if case .boundary(let host, _, _) = one.kind { host == other.id } else { false }
  }

  private static func lieOnEachOther(_ one: [Point], _ other: [Point]) -> Bool {
    zip(one, one.dropFirst()).contains { a, b in
      zip(other, other.dropFirst()).contains { c, d in
        if a.y == b.y, c.y == d.y, a.y == c.y {
          return min(max(a.x, b.x), max(c.x, d.x)) > max(min(a.x, b.x), min(c.x, d.x))
        }
        if a.x == b.x, c.x == d.x, a.x == c.x {
          return min(max(a.y, b.y), max(c.y, d.y)) > max(min(a.y, b.y), min(c.y, d.y))
        }
        return false
      }
    }
  }
}

extension ProcessLayout.Frame {
  fileprivate func overlaps(_ other: Self) -> Bool {
    x < other.maxX && other.x < maxX && y < other.maxY && other.y < maxY
  }

  fileprivate func hasOnBorder(_ point: ProcessLayout.Point) -> Bool {
    let isWithin = point.x >= x && point.x <= maxX && point.y >= y && point.y <= maxY
    return isWithin && (point.x == x || point.x == maxX || point.y == y || point.y == maxY)
  }

  /// Whether part of a line lies inside.
  fileprivate func isEntered(by line: [ProcessLayout.Point]) -> Bool {
    zip(line, line.dropFirst()).contains { a, b in
      min(a.x, b.x) < maxX && max(a.x, b.x) > x && min(a.y, b.y) < maxY && max(a.y, b.y) > y
    }
  }
}

extension ProcessDefinition {
  fileprivate func with(_ layout: ProcessLayout) -> ProcessDefinition {
    ProcessDefinition(id: id, name: name, variables: variables, nodes: nodes, flows: flows, layout: layout)
  }
}
