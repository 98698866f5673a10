import Access
import Core
import Entities
import HTTP
import Site

extension RecordInterface {
  /// How many rows one call may bring.
  static let batchLimit = 2000
  private static let batchBytes = 8 << 20

  /// Takes over records of another system (`POST /api/r/{entity}/batch`, 批量同步): each row is recognised by its key
  /// and made, changed, left as it is, or rejected with its reasons, while the others go on. The same rows may be sent
  /// again at any time.
  ///
  /// It is the import of table files over the interface: the same permission, rules, audit and result pages.
  func takeOver(_ visit: Visit) async throws -> Response {
    let entity = try entity(visit, "import")
    let draft = try BatchDraft(try await visit.request.body.json(upTo: Self.batchBytes), entity)
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let importer = try RecordImporter(records, draft.spec)
    var rows = draft.rows[...]
    let run = try await importer.run(try await importer.begin()) { rows.popFirst() }
    let outcomes = try await records.importOutcomes(run.id, limit: max(draft.rows.count, 1))
    return .json([
      "run": .int(run.id), "created": .int(Int64(run.tally.created)), "updated": .int(Int64(run.tally.updated)),
      "unchanged": .int(Int64(run.tally.unchanged)), "rejected": .int(Int64(run.tally.rejected)),
      "rows": .array(outcomes.map(Self.encode)),
    ])
  }

  private static func encode(_ outcome: ImportOutcome) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("row", .int(Int64(outcome.row))), ("result", .string(outcome.result.rawValue)),
    ]
    if let record = outcome.record { members.append(("id", .int(record))) }
    if let field = outcome.field { members.append(("field", .string(field))) }
    if let reason = outcome.reason { members.append(("reason", .string(reason))) }
    return .object(members)
  }
}

/// The body of a take-over, as the import reads it.
struct BatchDraft {
  let spec: ImportSpec
  let rows: [ImportRow]

  private static let members: Set = ["rows", "key", "mode", "blankClears", "label"]

  /// - Throws: ``Refusal`` `body-object`, `batch-form`, `batch-rows`, `batch-mode`, `batch-key`, or naming a field that
  ///   does not exist.
  init(_ body: JSON, _ entity: EntityDeclaration) throws {
    guard let given = body.object, let items = body["rows"]?.array else {
      throw Refusal(.invalid, "body-object", "请求内容应为一个 JSON 对象，记录放在 rows 数组里。", field: "rows")
    }
    for (name, _) in given where !Self.members.contains(name) {
      throw Refusal(.invalid, "batch-form", "请求中没有名为“\(name.prefix(60))”的一项。请改正后再提交。", field: name)
    }
    guard (1...RecordInterface.batchLimit).contains(items.count) else {
      throw Refusal(
        .invalid, "batch-rows", "一次应提交 1 至 \(RecordInterface.batchLimit) 条记录，现为 \(items.count) 条。请分批提交。", field: "rows")
    }
    var places: [String: Int] = [:]
    var columns: [String] = []
    for item in items {
      guard let members = item.object else {
        throw Refusal(.invalid, "body-object", "rows 中的每一项都应为 JSON 对象。", field: "rows")
      }
      for (name, _) in members where places[name] == nil {
        guard let field = entity.field(name), field.isStored, !field.hidden else {
          throw Refusal(.invalid, "field-unknown", "\(entity.label)没有名为“\(name.prefix(60))”的字段。", field: name)
        }
        places[name] = columns.count
        columns.append(name)
      }
    }
    rows = items.enumerated().map { index, item in
      var cells = [String](repeating: "", count: columns.count)
      var omitted = Set(columns.indices)
      for (name, value) in item.object ?? [] {
        guard let place = places[name] else { continue }
        cells[place] = Self.cell(value)
        omitted.remove(place)
      }
      return ImportRow(number: index + 1, cells: cells, omitted: omitted)
    }
    spec = ImportSpec(
      entity: entity.name, columns: columns, key: try Self.key(body, columns, entity), mode: try Self.mode(body),
      blankClears: try Self.flag(body, "blankClears"), label: try Self.label(body))
  }

  private static func flag(_ body: JSON, _ name: String) throws -> Bool {
    guard let given = body[name], given != .null else { return false }
    guard let flag = given.bool else { throw Refusal(.invalid, "batch-form", "\(name) 应为 true 或 false。", field: name) }
    return flag
  }

  private static func label(_ body: JSON) throws -> String {
    guard let given = body["label"], given != .null else { return "接口同步" }
    guard let label = given.string, label.count <= 60 else {
      throw Refusal(.invalid, "batch-form", "label 应为不超过 60 个字的文字。", field: "label")
    }
    return label
  }

  /// What a table's cell would hold.
  private static func cell(_ value: JSON) -> String {
    switch value {
    case .null: ""
    case .string(let text): text
    case .bool(let flag): flag ? "是" : "否"
    case .array(let items) where items.allSatisfy({ $0.string != nil }):
      items.compactMap(\.string).joined(separator: "、")
    default: value.text
    }
  }

  private static func mode(_ body: JSON) throws -> ImportSpec.Mode {
    guard let given = body["mode"], given != .null else { return .upsert }
    guard let mode = given.string.flatMap(ImportSpec.Mode.init(rawValue:)) else {
      throw Refusal(.invalid, "batch-mode", "mode 应为 upsert（有则更新，无则新增）、insert（只新增）或 update（只更新）。", field: "mode")
    }
    return mode
  }

  /// The fields that recognise a record: those given, or the first that can.
  private static func key(_ body: JSON, _ columns: [String], _ entity: EntityDeclaration) throws -> [String] {
    switch body["key"] {
    case nil, .null?: return ImportSpec.keys(for: columns, of: entity).first ?? []
    case .string(let name)?: return [name]
    case let given?:
      guard let names = given.array?.compactMap(\.string), names.count == given.array?.count, !names.isEmpty else {
        throw Refusal(.invalid, "batch-key", "key 应为字段名，或字段名的数组。", field: "key")
      }
      return names
    }
  }
}
