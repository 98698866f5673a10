package import HTML
package import Processes
import Shell

/// A process with the processes it calls below it (调用流程), each opened while a case is in it.
package struct ProcessFigures: HTMLConvertible {
  let process: RunnableProcess
  let marks: [String: ProcessDiagram.Mark]
  let notes: [String: String]
  let id: String

  /// - Parameters:
  ///   - marks: what has become of nodes, by the ids that a case knows them by.
  ///   - notes: who and when, likewise.
  package init(
    _ process: RunnableProcess, marks: [String: ProcessDiagram.Mark] = [:], notes: [String: String] = [:],
    id: String = "process"
  ) {
    self.process = process
    self.marks = marks
    self.notes = notes
    self.id = id
  }

  package var html: HTML {
    HTML {
      ProcessDiagram(process.source, marks: marks, notes: notes, id: id)
      for node in process.source.nodesInOrder { called(node) }
    }
  }

  private func called(_ node: ProcessNode) -> HTML {
    guard let callee = process.called[node.id] else { return .empty }
    let mark = marks[node.id]
    return details(.class("process-called"), mark == .current ? .open() : .none) {
      summary {
        "“\(node.label)”调用的流程：\(callee.source.name)"
        if let mark { Badge(mark.word, mark.tone) }
      }
      ProcessFigures(
        callee, marks: inside(node.id, marks), notes: inside(node.id, notes), id: "\(id)-\(node.id)")
    }
  }

  /// What is known of the elements in a call, by the names they have there.
  private func inside<Value>(_ call: String, _ known: [String: Value]) -> [String: Value] {
    let scope = call + String(CallPath.mark)
    return Dictionary(
      uniqueKeysWithValues: known.compactMap { id, value in
        id.hasPrefix(scope) ? (String(id.dropFirst(scope.count)), value) : nil
      })
  }
}
