package import Core

/// Records as the interface writes and reads them: one member a field, by its declared name.
package struct RecordJSON {
  let entity: EntityDeclaration
  let catalog: Catalog

  package init(entity: EntityDeclaration, catalog: Catalog) {
    self.entity = entity
    self.catalog = catalog
  }

  /// The record with its chosen fields; masked ones show their mask and are named in `masked`.
  package func encode(_ record: Record) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("id", .int(record.id)), ("version", .int(Int64(record.version))),
      ("createdAt", .string(record.createdAt.iso8601)), ("updatedAt", .string(record.updatedAt.iso8601)),
    ]
    for field in entity.fields where record.values[field.name] != nil && !field.hidden {
      members.append((field.name, RecordJSON.encode(record[field.name])))
    }
    if !record.masked.isEmpty { members.append(("masked", .array(record.masked.sorted().map { .string($0) }))) }
    return .object(members)
  }

  package static func encode(_ value: Value) -> JSON {
    switch value {
    case .null: .null
    case .text(let text): .string(text)
    case .integer(let number): .int(number)
    case .decimal(let number): .string(number.description)
    case .money(let money): .string(money.plain)
    case .boolean(let flag): .bool(flag)
    case .date(let date): .string(date.description)
    case .instant(let instant): .string(instant.iso8601)
    case .list(let texts): .array(texts.map { .string($0) })
    case .geometry(let json), .json(let json): json
    }
  }

  /// The values of a body.
  ///
  /// - Throws: ``Refusal`` naming every member that is unknown or does not fit its field.
  package func decode(_ body: JSON) throws -> [String: Value] {
    guard let members = body.object else {
      throw Refusal(.invalid, "body-object", "请求内容应为一个 JSON 对象。")
    }
    var values: [String: Value] = [:]
    var refusals: [Refusal] = []
    for (name, json) in members where name != "version" {
      guard let field = entity.field(name), field.isStored, !field.hidden else {
        refusals.append(
          Refusal(.invalid, "field-unknown", "\(entity.label)没有名为“\(name.prefix(60))”的字段。", field: name))
        continue
      }
      do {
        values[name] = try decode(json, field)
      } catch let refusal as Refusal {
        refusals.append(refusal)
      }
    }
    if let refusal = Refusal(all: refusals) { throw refusal }
    return values
  }

  private func decode(_ json: JSON, _ field: FieldDeclaration) throws -> Value {
    func mismatch() -> Refusal {
      Refusal(.invalid, "field-type", "\(field.label)应为\(field.type.label)。", field: field.name)
    }
    switch json {
    case .null: return .null
    case .bool(let flag):
      guard field.type == .boolean else { throw mismatch() }
      return .boolean(flag)
    case .array(let items):
      if field.type.isGeometry { throw mismatch() }
      if field.type == .json { return .json(json) }
      guard field.multiple else { throw mismatch() }
      let texts = items.compactMap(\.string)
      guard texts.count == items.count else { throw mismatch() }
      return .list(texts)
    case .object:
      if field.type == .json { return .json(json) }
      guard field.type.isGeometry else { throw mismatch() }
      return .geometry(json)
    case .int, .double:
      guard [.integer, .decimal, .money].contains(field.valueKind) else { throw mismatch() }
      return try catalog.parse(json.text, for: field)
    case .string(let text):
      if field.type.isGeometry || field.multiple || field.type == .boolean { throw mismatch() }
      return try catalog.parse(text, for: field)
    }
  }
}
