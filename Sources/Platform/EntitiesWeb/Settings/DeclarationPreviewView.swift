import Core
import Entities
package import HTML
import Shell
import YAML

/// What a declaration says, what the check says of it, and what it would do to the database.
struct DeclarationPreviewView: HTMLConvertible {
  /// The name the text is kept under, by which findings name it.
  let origin: String
  let yaml: String
  let preview: DeclarationPreview

  var html: HTML {
    HTML {
      Card("检查结果", count: .exact(preview.findings.count)) { findings }
      Card("声明") {
        DeclarationText(yaml, marked: Set(preview.findings.filter { $0.position.file == origin }.map(\.position.line)))
      }
      if let plan = preview.plan { Card("将对数据库做的事", count: .exact(plan.steps.count)) { self.plan(plan) } }
    }
  }

  @HTMLBuilder private var findings: HTML {
    if preview.findings.isEmpty {
      Notice(.success, "没有发现问题。")
    } else {
      ul {
        for finding in preview.findings {
          li {
            Badge(finding.severity == .error ? "错误" : "提醒", finding.severity == .error ? .danger : .warning)
            " \(place(finding))\(finding.message)"
          }
        }
      }
    }
  }

  private func place(_ finding: Finding) -> String {
    finding.position.file == origin
      ? "第 \(finding.position.line) 行：" : "\(finding.position.file) 第 \(finding.position.line) 行："
  }

  @HTMLBuilder private func plan(_ plan: SchemaPlan) -> HTML {
    if plan.isEmpty { p { "数据库已能存放它，不需要变更。" } }
    if !plan.obstacles.isEmpty {
      Notice(.danger, title: "不能执行") {
        ul { for obstacle in plan.obstacles { li { "\(obstacle.entity).\(obstacle.column)：\(obstacle.explanation)" } } }
      }
    }
    if !plan.steps.isEmpty {
      p { "只新增表、列和索引，不删除也不改写已有数据；全部成功才生效，否则数据库不变。" }
      ol { for reason in reasons(plan) { li { reason } } }
    }
    if !plan.remarks.isEmpty { ul { for remark in plan.remarks { li { "保留：\(remark)" } } } }
    details {
      summary { "查看 SQL" }
      DeclarationText(plan.text)
    }
  }

  /// Why each step is taken, the same reasons one after another said once.
  private func reasons(_ plan: SchemaPlan) -> [String] {
    var reasons: [(text: String, count: Int)] = []
    for step in plan.steps {
      if reasons.last?.text == step.reason {
        reasons[reasons.count - 1].count += 1
      } else {
        reasons.append((step.reason, 1))
      }
    }
    return reasons.map { $0.count > 1 ? "\($0.text)（\($0.count) 处）" : $0.text }
  }
}

/// A text with line numbers, some of its lines marked.
package struct DeclarationText: HTMLConvertible {
  let text: String
  let marked: Set<Int>

  package init(_ text: String, marked: Set<Int> = []) {
    self.text = text
    self.marked = marked
  }

  package var html: HTML {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    while lines.last?.isEmpty == true { lines.removeLast() }
    return div(.class("table-frame"), .tabindex(0), .role("region"), .aria(.label, "文本")) {
      pre {
        for (index, line) in lines.enumerated() { row(index + 1, String(line)) }
      }
    }
  }

  private func row(_ number: Int, _ line: String) -> HTML {
    let label = String(number)
    let text = "\(String(repeating: " ", count: max(0, 4 - label.utf8.count)))\(label)  \(line)\n"
    return marked.contains(number) ? mark { text } : .text(text)
  }
}
