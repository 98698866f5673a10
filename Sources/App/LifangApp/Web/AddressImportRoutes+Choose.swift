import Access
import Addresses
import Audit
import Core
import Entities
import HTML
import HTTP
import SQL
import Shell
import Site

/// A doubtful row of an import with the addresses it may mean, for somebody to pick one (A-050, A-070).
extension AddressImportRoutes {
  private struct Row: Sendable {
    let run: Int64
    let number: Int64
    let text: String
    let reason: String
    /// The next doubtful row, and how many there are.
    let next: Int64?
    let left: Int64

    var path: String { "/import/addresses/\(run)/rows/\(number)" }
  }

  private struct Candidate: Sendable {
    let id: Int64
    let name: AddressMatchJSON.Name
    let score: Float
  }

  private func row(_ visit: Visit) async throws -> Row {
    let run = try await run(visit)
    let number = try visit.request.integer("row")
    let found = try await database.query(
      """
      select r.source_text, r.reason, r.outcome,
        (select min(row) from address_import_row n where n.run_id = \(run) and n.outcome = 'doubtful' and n.row > \(number)) as next,
        (select count(*) from address_import_row n where n.run_id = \(run) and n.outcome = 'doubtful') as left
      from address_import_row r where r.run_id = \(run) and r.row = \(number)
      """
    ).first
    guard let found else { throw Refusal(.notFound, "import-row", "这个导入批次没有第 \(number) 行。") }
    guard try found.get("outcome", as: String.self) == "doubtful" else {
      throw Refusal(.conflict, "import-row-decided", "第 \(number) 行已经有结论，没有改动。请回到导入结果查看。")
    }
    return Row(
      run: run, number: number, text: try found.get("source_text"),
      reason: try found.get("reason", as: String?.self) ?? "", next: try found.get("next"),
      left: try found.get("left"))
  }

  /// What the row may mean, as far as the visitor may see it, and why that is not certain.
  private func candidates(_ text: String, _ visit: Visit) async throws -> (match: AddressMatch, shown: [Candidate]) {
    let match = try await directory.matcher().match(text)
    let entity = try store.entity("address")
    let scope = ScopePredicate.compile(visit.principal, Permission("address", "view"), entity, alias: "t")
    let rows = try await database.query(
      """
      select t.id, t.code, t.full_name, st_x(t.location) as x, st_y(t.location) as y
      from address t where t.id = any(\(match.candidates.map(\.id))) and t.status <> 'cancelled' and (\(scope))
      """)
    var names: [Int64: AddressMatchJSON.Name] = [:]
    for row in rows { names[try row.get("id")] = try AddressMatchJSON.Name(row) }
    return (
      match,
      match.candidates.compactMap { candidate in
        names[candidate.id].map { Candidate(id: candidate.id, name: $0, score: candidate.score) }
      }
    )
  }

  func choose(_ visit: Visit, error: String?) async throws -> Response {
    let row = try await row(visit)
    let (match, shown) = try await candidates(row.text, visit)
    let best = shown.first?.score ?? 0
    let choices = shown.map { candidate in
      let behind = ((best - candidate.score) * 10).rounded() / 10
      return Choice(
        String(candidate.id), candidate.name.fullName,
        detail: [candidate.name.code, behind > 0 ? "比第一条低 \(behind) 分" : "最相符"].compactMap(\.self).joined(
          separator: "，"))
    }
    return try await visit.page(
      "第 \(row.number) 行", status: error == nil ? 200 : 422,
      crumbs: [
        Crumb("导入", "/import/addresses"), Crumb("导入结果", "/import/addresses/\(row.run)?outcome=doubtful"),
      ], badge: Badge("存疑", .warning), subtitle: "还有 \(grouped(Int(row.left))) 行存疑",
      actions: row.next.map { [Action("先看下一行", .link("/import/addresses/\(row.run)/rows/\($0)"))] } ?? []
    ) {
      Card("原文") {
        let notes = match.reasons.map(\.message).joined(separator: "；")
        DetailList(
          [
            DetailItem("地址", text: row.text, isWide: true), DetailItem("为什么存疑", text: row.reason, isWide: true),
            DetailItem(
              "匹配的把握", text: shown.isEmpty ? "没有候选" : "\((match.confidence * 1000).rounded() / 10)%", isCode: true),
          ] + (notes.isEmpty ? [] : [DetailItem("匹配的说明", text: notes, isWide: true)]))
      }
      FormView(
        path: row.path,
        sections: [
          FormSection(
            id: "choice", "它是哪一条标准地址",
            fields: [
              Shell.Field(
                "address", "标准地址", .radio("", choices + [Choice("none", "都不是", detail: "这一行按拒绝处理，不写入地址")]),
                isRequired: true, error: error)
            ])
        ], errors: error.map { [FieldError("address", $0)] } ?? [],
        submit: Action(row.next == nil ? "确认这一行" : "确认，看下一行", .submit(name: nil, value: nil), style: .primary),
        cancelPath: "/import/addresses/\(row.run)?outcome=doubtful", note: "只记下这一行对应的标准地址，不改动地址本身。")
    }
  }

  func decide(_ visit: Visit) async throws -> Response {
    let row = try await row(visit)
    let form = try await visit.request.body.form()
    guard let picked = form.first("address"), !picked.isEmpty else {
      return try await choose(visit, error: "请选择一条标准地址，或“都不是”。")
    }
    var address: Int64?
    if picked != "none" {
      // Only what was offered: what is typed into the form by hand is no candidate.
      let (_, shown) = try await candidates(row.text, visit)
      guard let id = Int64(picked), shown.contains(where: { $0.id == id }) else {
        return try await choose(visit, error: "这条地址已不在候选中，请重新选择。")
      }
      address = id
    }
    let outcome = address == nil ? "rejected" : "matched"
    let reason = address == nil ? "人工核对：没有对应的标准地址" : "人工核对选定"
    let entry = AuditEntry(
      visit.principal, "import.decide", entity: "address", record: address, origin: visit.request.origin,
      details: ["run": .int(row.run), "row": .int(row.number), "outcome": .string(outcome)])
    let chosen = address
    let isChanged = try await database.transaction { transaction in
      let changed = try await transaction.execute(
        """
        update address_import_row set outcome = \(outcome), address_id = \(chosen), reason = \(reason)
        where run_id = \(row.run) and row = \(row.number) and outcome = 'doubtful'
        """)
      guard changed == 1 else { return false }
      try await transaction.execute(
        """
        update address_import_run set doubtful = doubtful - 1, matched = matched + \(Int64(chosen == nil ? 0 : 1)),
          rejected = rejected + \(Int64(chosen == nil ? 1 : 0)) where id = \(row.run)
        """)
      try await store.audit.append(entry, in: transaction)
      return true
    }
    let next =
      row.next.map { "/import/addresses/\(row.run)/rows/\($0)" } ?? "/import/addresses/\(row.run)?outcome=doubtful"
    return isChanged
      ? try visit.redirect(to: next, saying: "第 \(row.number) 行已记为\(chosen == nil ? "拒绝" : "匹配")。")
      : try visit.redirect(to: next, saying: "第 \(row.number) 行别人刚刚处理过，没有改动。", tone: .warning)
  }
}
