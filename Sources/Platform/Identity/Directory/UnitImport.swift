import Access
import Core
import SQL

/// Kinds of unit (机构类别), as the dictionary `unit_kind` has them.
package enum UnitKind: String, Sendable, CaseIterable {
  case government, institution, police, subdistrict, community, enterprise, supplier, other

  package var label: String {
    switch self {
    case .government: "政府部门"
    case .institution: "事业单位"
    case .police: "公安机关"
    case .subdistrict: "乡镇街道"
    case .community: "村社区"
    case .enterprise: "企业"
    case .supplier: "供应商"
    case .other: "其他"
    }
  }

  /// Reads a code or a label.
  init?(text: String) {
    guard let match = UnitKind.allCases.first(where: { $0.rawValue == text || $0.label == text }) else { return nil }
    self = match
  }
}

/// One import of units, parents before children.
struct UnitImport {
  private struct Unit {
    let id: Int64
    var values: [String: SQLValue]
  }

  private let writer: RowWriter
  private let source: String
  private var known: [String: Unit] = [:]

  private static let columns = [
    "name", "parent_id", "kind", "division_code", "phone", "address", "description",
  ]

  init(_ identity: IdentityService, source: String, principal: Principal, in transaction: Transaction) async throws {
    writer = RowWriter(identity: identity, register: "unit", principal: principal, transaction: transaction)
    self.source = source
    let rows = try await transaction.query(
      """
      select id, external_code, name, parent_id, kind, division_code, phone, address, description
      from unit where external_source = \(source) and external_code is not null
      """)
    for row in rows {
      var values: [String: SQLValue] = [:]
      for column in UnitImport.columns { values[column] = try row.value(column) }
      known[try row.get("external_code")] = Unit(id: try row.get("id"), values: values)
    }
  }

  mutating func run(_ rows: [DirectoryRow], dryRun: Bool) async throws -> DirectoryReport {
    var report = DirectoryReport(isDryRun: dryRun)
    let before = Set(known.keys)
    var seen: [String: Int] = [:]
    var waiting: [DirectoryRow] = []
    for row in rows {
      guard let code = row.filled("code") else {
        report.add(row, .rejected("缺少机构编码。"))
        continue
      }
      if let line = seen[code] {
        report.add(row, .rejected("机构编码与第 \(line) 行重复。"))
        continue
      }
      seen[code] = row.line
      waiting.append(row)
    }
    // A row waits while its parent is a row that has not been written yet.
    var pending = Set(waiting.compactMap { $0.filled("code") })
    while !waiting.isEmpty {
      let ready = waiting.filter { row in
        row.filled("parent_code").map { !pending.contains($0) || $0 == row["code"] } ?? true
      }
      if ready.isEmpty { break }
      for row in ready {
        pending.remove(row["code"] ?? "")
        report.add(row, try await outcome(row))
      }
      let done = Set(ready.map(\.line))
      waiting.removeAll { done.contains($0.line) }
    }
    for row in waiting { report.add(row, .rejected("上级机构互为上下级，形成了环。")) }
    report.finish(absent: before.subtracting(seen.keys).count)
    return report
  }

  private mutating func outcome(_ row: DirectoryRow) async throws -> DirectoryReport.Outcome {
    do {
      return try await write(row)
    } catch let rejection as RowRejection {
      return .rejected(rejection.reason)
    }
  }

  private mutating func write(_ row: DirectoryRow) async throws -> DirectoryReport.Outcome {
    let code = row["code"] ?? ""
    let values = try values(row, of: code)
    if let unit = known[code] {
      let changed = values.filter { unit.values[$0.key] != $0.value }
      if changed.isEmpty { return .unchanged }
      try await writer.update(unit.id, changed)
      known[code]?.values.merge(changed) { $1 }
      return .updated(fields: changed.keys.sorted())
    }
    guard values["name"] != nil else { throw RowRejection("缺少机构名称。") }
    var full = values
    full["external_source"] = .text(source)
    full["external_code"] = .text(code)
    full["code"] = .text(code)
    full["active"] = .bool(true)
    if full["kind"] == nil { full["kind"] = .text(UnitKind.other.rawValue) }
    let id = try await writer.insert(full)
    known[code] = Unit(id: id, values: values.merging(["kind": full["kind"] ?? .null]) { value, _ in value })
    return .created
  }

  private func values(_ row: DirectoryRow, of code: String) throws(RowRejection) -> [String: SQLValue] {
    var values: [String: SQLValue] = [:]
    func text(_ field: String, _ limit: Int, _ label: String) throws(RowRejection) {
      guard let value = row[field] else { return }
      guard value.count <= limit else { throw RowRejection("\(label)超过 \(limit) 个字。") }
      values[field] = value.isEmpty ? .null : .text(value)
    }
    guard code.count <= 64 else { throw RowRejection("机构编码超过 64 个字。") }
    try text("name", 100, "机构名称")
    if values["name"] == .null { throw RowRejection("机构名称为空。") }
    if let phone = row["phone"] {
      do {
        values["phone"] = phone.isEmpty ? .null : .text(try PhoneNumber.read(phone).text)
      } catch {
        throw RowRejection(error.message)
      }
    }
    try text("address", 200, "地址")
    try text("description", 2000, "描述")
    if let kind = row.filled("kind") {
      guard let read = UnitKind(text: kind) else { throw RowRejection("机构类别“\(kind)”不在字典中。") }
      values["kind"] = .text(read.rawValue)
    }
    if let division = row["division_code"] {
      values["division_code"] = try UnitImport.division(division).map { .text($0) } ?? .null
    }
    if let parent = row["parent_code"] {
      if parent.isEmpty {
        values["parent_id"] = .null
      } else {
        guard parent != code else { throw RowRejection("上级机构是它自己。") }
        guard let unit = known[parent] else { throw RowRejection("上级机构“\(parent)”不存在或未被接收。") }
        values["parent_id"] = .int(unit.id)
      }
    }
    return values
  }

  /// A division code without its trailing zeros, by whole levels.
  private static func division(_ text: String) throws(RowRejection) -> String? {
    if text.isEmpty { return nil }
    guard (2...12).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else {
      throw RowRejection("行政区划代码“\(text)”不是 2 至 12 位数字。")
    }
    var code = text
    for level in [9, 6, 4, 2] where code.utf8.count > level {
      guard code.utf8.dropFirst(level).allSatisfy({ $0 == 48 }) else { break }
      code = String(code.prefix(level))
    }
    return code
  }
}
