package import Audit
import Core
import Entities

/// An audit report as sections of text, the same for the page, the PDF, Word and Excel (审计报告, C-616).
package struct AuditSheet: Sendable {
  package struct Heading: Sendable, Hashable {
    package let title: String
    package let isNumber: Bool
  }

  package struct Section: Sendable {
    package let title: String
    package let headings: [Heading]
    /// As many cells as there are headings.
    package let rows: [[String]]
    /// What stands in place of rows.
    package let empty: String
  }

  package let span: ReportSpan
  package let totals: AuditSurvey.Totals
  /// What an auditor should look into first.
  package let remarks: [String]
  /// Whether the chain of entries is whole; `nil` when nobody asked.
  package let chain: AuditReport?
  package let sections: [Section]

  /// - Parameters:
  ///   - warnings: warnings of access by kind and state, in words, with how many there were.
  ///   - catalog: knows how registers and actions are called.
  init(
    _ span: ReportSpan, _ survey: AuditSurvey, remarks: [String],
    warnings: [(kind: String, state: String, count: Int64)],
    chain: AuditReport?, catalog: Catalog
  ) {
    self.span = span
    totals = survey.totals
    self.chain = chain
    let found = warnings.map { "访问预警“\($0.kind)”\($0.count) 条，\($0.state)。" }
    self.remarks = (chain?.finding.map { ["日志链：\($0.description)"] } ?? []) + found + remarks
    sections = AuditSheet.sections(survey, AuditWords(catalog: catalog))
  }

  private static func sections(_ survey: AuditSurvey, _ words: AuditWords) -> [Section] {
    [
      Section(
        "登录失败的账号", ["账号或姓名"], ["失败", "成功", "失败的来源地址"], ["最近一次失败"],
        survey.signIns.map { ([$0.name], [$0.refused, $0.succeeded, $0.addresses], [$0.last.display]) },
        empty: "这段时间没有登录失败。"),
      looks("按用途查看个人信息", "用途", survey.byPurpose) { $0 ?? "（没有写明）" },
      looks("按机构查看个人信息", "机构", survey.byUnit) { $0 ?? "（没有机构）" },
      looks("按登记表查看个人信息", "登记表", survey.byRegister) { words.subject($0 ?? "") },
      Section(
        "导出", ["导出人", "机构", "内容"], ["次数", "条数"], [],
        survey.exports.map { ([$0.person, $0.unit ?? "—", words.subject($0.entity)], [$0.times, $0.rows], []) },
        empty: "这段时间没有导出。"),
      Section(
        "账号、权限和设置的改动", ["操作人", "机构", "操作", "对象"], ["次数"], ["最近一次"],
        survey.changes.map {
          (
            [$0.person, $0.unit ?? "—", words.action($0.action), words.subject($0.entity)], [$0.times],
            [$0.last.display]
          )
        }, empty: "这段时间没有改动账号、权限和设置。"),
      Section(
        "被拒绝和失败的操作", ["操作人", "机构", "操作", "对象", "结果"], ["次数"], [],
        survey.refusals.map {
          (
            [$0.person, $0.unit ?? "—", words.action($0.action), words.subject($0.entity), $0.outcome.label],
            [$0.times],
            []
          )
        }, empty: "这段时间没有被拒绝或失败的操作。"),
    ]
  }

  private static func looks(
    _ title: String, _ heading: String, _ lines: [AuditSurvey.Looks], name: (String?) -> String
  ) -> Section {
    Section(
      title, [heading], ["次数", "条数", "查看完整信息", "人数"], [],
      lines.map { ([name($0.of)], [$0.looks, $0.rows, $0.reveals, $0.people], []) },
      empty: "这段时间没有人查看个人信息。")
  }

  /// The totals in words.
  package var summary: [(label: String, value: Int64)] {
    [
      ("日志", totals.entries), ("操作过的账号", totals.people), ("登录成功", totals.signIns), ("登录失败", totals.refusedSignIns),
      ("查看个人信息", totals.looks), ("其中查看完整信息", totals.reveals), ("导出", totals.exports),
      ("改动账号、权限和设置", totals.changes), ("被拒绝", totals.refusals), ("失败", totals.failures),
    ]
  }

  /// What is known of the chain, as a sentence.
  package var chainText: String {
    guard let chain else { return "日志链在出具报告时校验。" }
    if let finding = chain.finding { return finding.description }
    return "日志链完整：共校验 \(chain.checked) 条，没有发现改动或缺失；签名封存到第 \(chain.signedUpTo) 条，待封存 \(chain.pending) 条。"
  }
}

extension AuditSheet.Section {
  /// Words at the left, then numbers, then words again.
  fileprivate init(
    _ title: String, _ first: [String], _ numbers: [String], _ last: [String],
    _ rows: [(first: [String], numbers: [Int64], last: [String])], empty: String
  ) {
    self.title = title
    headings =
      first.map { AuditSheet.Heading(title: $0, isNumber: false) }
      + numbers.map { AuditSheet.Heading(title: $0, isNumber: true) }
      + last.map { AuditSheet.Heading(title: $0, isNumber: false) }
    self.rows = rows.map { row in row.first + row.numbers.map { String($0) } + row.last }
    self.empty = empty
  }
}

/// How the audit's names of actions and registers are said.
private struct AuditWords {
  let catalog: Catalog

  func action(_ name: String) -> String { catalog.label(ofAction: name) ?? name }

  func subject(_ name: String) -> String {
    if name.isEmpty { return "—" }
    return catalog.entity(name)?.label ?? catalog.permission(name)?.label ?? name
  }
}
