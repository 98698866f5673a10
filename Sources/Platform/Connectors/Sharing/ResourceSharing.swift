package import Access
package import Audit
import Core
package import Entities
import SQL

/// Lets keys of others read what was approved for them (数据共享): nothing but the declared fields of the declared records.
package struct ResourceSharing: Sendable {
  package let resources: SharedResources
  package let store: RecordStore

  package static let entity = "shared_resource"
  static let application = "share_application"
  /// Records of one answer at most.
  package static let maximum = 100
  /// Records that one answer may read for its page: those that do not count are read all the same.
  static let mostRead = 50_000

  package init(_ resources: SharedResources, store: RecordStore) {
    self.resources = resources
    self.store = store
  }

  /// Enters the declared resources into the register of the catalogue.
  package func publish() async throws {
    try await store.transaction(as: .system, purpose: "登记信息资源目录") { records in
      for resource in resources.all {
        let register = store.catalog.entity(resource.register)
        let labels = resource.fields.compactMap { register?.field($0)?.label }
        let declared: [String: Value] = [
          "position": .integer(Int64(resource.position)), "label": .text(resource.label),
          "format": .text(resource.format), "branch": .text(resource.branch), "element": .text(resource.element),
          "share_type": .text(resource.share.rawValue), "condition": .text(resource.terms),
          "range": .text(resource.scope), "method": .text(resource.method),
          "register_name": .text(register?.label ?? resource.register),
          "content": .text(labels.joined(separator: "、")),
        ].filter { !$0.value.isBlank }
        if let known = try await records.find(
          ResourceSharing.entity, where: "name", equals: .text(resource.name))
        {
          let changed = declared.filter { known[$0.key] != $0.value }
          if !changed.isEmpty {
            try await records.update(ResourceSharing.entity, known.id, version: nil, changed, input: .code)
          }
        } else {
          try await records.insert(
            ResourceSharing.entity, declared.merging(["name": .text(resource.name)]) { first, _ in first },
            input: .code)
        }
      }
    }
  }

  /// The resource for a key that may use it now.
  ///
  /// - Throws: ``Refusal`` `resource-unknown`, `resource-key`, `resource-closed`, `resource-unapproved`.
  package func open(_ name: String, for principal: Principal) async throws -> SharedResource {
    guard principal.kind == .key else {
      throw Refusal(.forbidden, "resource-key", "共享资源用接口密钥查询。请在数据共享里提交使用申请，批准后使用密钥。")
    }
    let records = store.records(as: .system, purpose: "核对共享授权")
    guard let resource = resources.resource(name),
      let entry = try await records.find(ResourceSharing.entity, where: "name", equals: .text(name))
    else { throw Refusal(.notFound, "resource-unknown", "没有这项信息资源。请按目录核对资源标识。") }
    guard entry["active"].boolean == true, resource.share != .closed else {
      throw Refusal(.forbidden, "resource-closed", "“\(resource.label)”不提供共享。请联系数据管理部门。")
    }
    if resource.share == .open { return resource }
    let approved = try await records.list(
      ListQuery(
        ResourceSharing.application,
        filters: [
          ListFilter("resource_id", .equals(.integer(entry.id))),
          ListFilter("api_key_id", .equals(.integer(principal.id))),
          ListFilter("state", .equals(.text("approved"))),
          ListFilter("until", .range(from: .date(store.clock.today()), to: nil)),
        ], columns: ["number"], limit: 1)
    ).records
    guard !approved.isEmpty else {
      throw Refusal(.forbidden, "resource-unapproved", "这个密钥没有获准使用“\(resource.label)”，或已过使用期限。请提交使用申请。")
    }
    return resource
  }

  /// What a key may use now, for its owner to see.
  package func available(to principal: Principal) async throws -> [SharedResource] {
    var found: [SharedResource] = []
    for resource in resources.all {
      do {
        found.append(try await open(resource.name, for: principal))
      } catch let refusal as Refusal where refusal.kind == .forbidden && refusal.code != "resource-key" {
        continue
      }
    }
    return found
  }

  /// Records of a resource.
  ///
  /// - Parameters:
  ///   - filters: of shared fields, as texts; where the register holds personal data, one of them has to be what tells
  ///     people apart, so that nobody copies it piece by piece.
  ///   - limit: records of the page; it is full as long as there are so many, since what does not count is passed over.
  ///   - offset: records that count to leave out, at most 10,000.
  /// - Throws: ``Refusal`` as ``open(_:for:)``, `filter-unknown`, `filter-missing`, `resource-wide`.
  package func query(
    _ name: String, filters: [String: String], limit: Int, offset: Int, by principal: Principal, origin: Origin
  ) async throws -> (SharedResource, [Record]) {
    let resource = try await open(name, for: principal)
    let entity = try store.entity(resource.register)
    var conditions = resource.filters
    for (field, text) in filters.sorted(by: { $0.key < $1.key }) {
      guard resource.fields.contains(field), let declared = entity.field(field) else {
        throw Refusal(.invalid, "filter-unknown", "“\(resource.label)”不能按“\(field)”查询。请用目录里的信息项。", field: field)
      }
      conditions.append(ListFilter(field, .equals(try store.catalog.parse(text, for: declared))))
    }
    if entity.personal {
      let telling = resource.fields.filter { $0 == entity.title || entity.field($0)?.tellsApart == true }
      guard telling.isEmpty ? !filters.isEmpty : telling.contains(where: { filters[$0] != nil }) else {
        let labels = telling.compactMap { entity.field($0)?.label }.joined(separator: "、")
        throw Refusal(
          .invalid, "filter-missing", "查询个人信息至少要给一个能确定到人的条件\(labels.isEmpty ? "" : "：" + labels)。请补上后再查询。")
      }
    }
    // The application has decided; the key's own role grants nothing of the register.
    let owner = entity.attachedTo
    let reader = Principal(
      kind: .key, id: principal.id, name: principal.name, unit: principal.unit,
      grants: Grants(
        ([resource.register] + [owner].compactMap(\.self)).map { Grants.Grant(Permission($0, "view"), .all) }),
      clearance: principal.clearance)
    let records = store.records(as: reader, purpose: "数据共享：\(resource.label)", origin: origin)
    let asked = (resource.condition?.fields ?? []).filter { !resource.fields.contains($0) }.sorted()
    let columns = resource.fields + asked + [owner].compactMap { $0.map { "\($0)_id" } }
    var reading = SharedReading(
      limit: min(max(limit, 1), ResourceSharing.maximum), leaving: min(max(offset, 0), 10_000))
    var query = ListQuery(
      resource.register, filters: conditions, columns: columns, limit: ResourceSharing.batch(of: resource, reading))
    let context = EvaluationContext(now: store.clock.now(), principal: principal)
    if resource.isPlain { query.start = .offset(reading.skip()) }
    while !reading.isFull {
      let page = try await records.list(query)
      let counted = try await ResourceSharing.counted(page.records, resource, owner, context, records)
      reading.take(counted, of: page.records.count)
      guard let next = page.next else { break }
      guard reading.read < ResourceSharing.mostRead else {
        throw Refusal(
          .tooLarge, "resource-wide", "符合查询条件的记录太多，读了 \(reading.read) 条还没有凑满一页，没有给出结果。请加上条件再查询。")
      }
      query.start = .after(next)
    }
    return (resource, reading.found)
  }
}

extension ResourceSharing {
  /// How many records are read at once: the page, where each of them counts.
  private static func batch(of resource: SharedResource, _ reading: SharedReading) -> Int {
    resource.isPlain ? reading.limit : min(reading.leaving + reading.limit + maximum, ListQuery.maximumLimit)
  }

  /// Those records that count: by the condition of the resource, and by what they belong to.
  private static func counted(
    _ read: [Record], _ resource: SharedResource, _ owner: String?, _ context: EvaluationContext, _ records: Records
  ) async throws -> [Record] {
    let found = try read.filter { record in try resource.condition?.holds(in: context) { record[$0] } ?? true }
    guard let owner, !resource.ownerFilters.isEmpty, !found.isEmpty else { return found }
    let owners = Set(found.compactMap { $0["\(owner)_id"].integer })
    let counting = try await records.list(
      ListQuery(
        owner, filters: resource.ownerFilters + [ListFilter("id", .oneOf(owners.sorted().map { .integer($0) }))],
        columns: ["id"], limit: owners.count)
    ).records.map(\.id)
    return found.filter { counting.contains($0["\(owner)_id"].integer ?? 0) }
  }

  /// The file of the one picture that a key asks for (C-570): of a field of the resource, of the one record that is found.
  /// The audit says of whom it was, apart from the query.
  ///
  /// - Throws: ``Refusal`` as ``query(_:filters:limit:offset:by:origin:)``; `picture-field` for a field that is no picture of
  ///   the resource, `picture-several` when the conditions fit more than one record, `picture-missing`.
  package func picture(
    _ name: String, field: String, filters: [String: String], by principal: Principal, origin: Origin
  ) async throws -> String {
    let resource = try await open(name, for: principal)
    let entity = try store.entity(resource.register)
    let pictures = resource.fields.filter { entity.field($0)?.type == .image }
    guard pictures.contains(field) else {
      throw Refusal(.invalid, "picture-field", "“\(resource.label)”没有图片“\(field)”。请用目录里的信息项。", field: "field")
    }
    let records = try await query(name, filters: filters, limit: 2, offset: 0, by: principal, origin: origin).1
    guard records.count < 2 else {
      throw Refusal(.conflict, "picture-several", "条件符合不止一个人，没有给出图片。请加上身份证号等条件。")
    }
    guard let record = records.first, !record.masked.contains(field),
      let key = record[field].text ?? record[field].list?.first, !key.isEmpty
    else {
      throw Refusal(.notFound, "picture-missing", "没有符合条件的图片，或密钥的密级不够查看。")
    }
    try await store.database.transaction { transaction in
      try await store.audit.append(
        AuditEntry(
          principal, "\(ResourceSharing.entity).picture", entity: resource.register, record: record.id,
          purpose: "数据共享：\(resource.label)", origin: origin), in: transaction)
    }
    return key
  }
}

/// A page of shared records while it is read: what counts comes in batches, of which some are left out and some given.
private struct SharedReading {
  let limit: Int
  private(set) var leaving: Int
  private(set) var found: [Record] = []
  /// Records that were read, whether they count or not.
  private(set) var read = 0

  init(limit: Int, leaving: Int) {
    self.limit = limit
    self.leaving = leaving
  }

  var isFull: Bool { found.count >= limit }

  /// How many may be left out unread.
  mutating func skip() -> Int {
    defer { leaving = 0 }
    return leaving
  }

  mutating func take(_ counted: [Record], of count: Int) {
    read += count
    let passed = min(leaving, counted.count)
    leaving -= passed
    found += counted.dropFirst(passed).prefix(limit - found.count)
  }
}

extension SharedResource {
  /// Whether every record that the filters leave is one of the resource.
  fileprivate var isPlain: Bool { condition == nil && ownerFilters.isEmpty }
}

extension FieldDeclaration {
  /// Whether its values point to one person or a few: names, numbers, telephones, addresses.
  fileprivate var tellsApart: Bool { mask.map { $0 != .all } ?? false }
}
