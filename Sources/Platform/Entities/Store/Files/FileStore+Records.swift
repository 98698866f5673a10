import Access
import Core
package import Files
import SQL

extension FileStore {
  /// Ties files to the records whose fields name them: saved with the record, they are kept; dropped from it, they stay
  /// for its older versions until ``FileRetention/released``.
  ///
  /// A record may only take files that its writer uploaded, or that belong to the same record already.
  package func addHooks(to hooks: inout RecordHooks) {
    hooks.after(RecordHooks.anyEntity) { events, records in
      guard let transaction = records.transaction, let name = events.first?.entity,
        let entity = records.store.catalog.entity(name)
      else { return }
      let fields = entity.fields.filter { $0.isStored && ($0.type == .file || $0.type == .image) }
      guard !fields.isEmpty else { return }
      for event in events {
        for field in fields {
          let before = FileStore.keys(event.before[field.name])
          let after = FileStore.keys(event.after[field.name])
          if before == after { continue }
          try await attach(
            after.subtracting(before), to: FileOwner(entity: name, record: event.id, field: field.name), field,
            by: records.principal, in: transaction)
          try await release(before.subtracting(after), of: name, event.id, in: transaction)
        }
      }
    }
  }

  /// The file for somebody who may see the record it belongs to, or who has just uploaded it.
  ///
  /// - Throws: ``Refusal`` `file-missing` for everybody else; `file-classified` when the field is above the clearance.
  package func find(_ key: String, for records: Records) async throws -> StoredFile {
    let file = try await find(key)
    guard let owner = file.owner else {
      if records.principal.kind == .system || file.createdBy == records.principal.actor { return file }
      throw FileStore.hidden
    }
    do {
      let record = try await records.get(owner.entity, owner.record, columns: [owner.field])
      guard !record.masked.contains(owner.field) else {
        throw Refusal(
          .forbidden, "file-classified", "这个文件属于\(file.classification.label)信息，您的密级不够。需要时请向安全管理员申请。")
      }
      return file
    } catch let refusal as Refusal where refusal.code == "record-missing" || refusal.code == "permission-missing" {
      throw FileStore.hidden
    }
  }

  private static let hidden = Refusal(.notFound, "file-missing", "没有找到这个文件，可能已被清理，或不在您的数据范围内。")

  private static func keys(_ value: Value?) -> Set<String> {
    switch value {
    case .text(let key): [key]
    case .list(let keys): Set(keys)
    default: []
    }
  }

  private func attach(
    _ keys: Set<String>, to owner: FileOwner, _ field: FieldDeclaration, by principal: Principal,
    in transaction: Transaction
  ) async throws {
    guard !keys.isEmpty else { return }
    let mine: SQL = principal.kind == .system ? "true" : "created_by = \(principal.actor)"
    let attached = try await transaction.execute(
      """
      update file_reference set entity = \(owner.entity), record_id = \(owner.record), field = \(owner.field),
        attached_at = coalesce(attached_at, \(clock.now())), released_at = null
      where key = any(\(keys.sorted())) and (
        (entity = \(owner.entity) and record_id = \(owner.record)) or (attached_at is null and \(mine)))
      """)
    guard attached == keys.count else {
      throw Refusal(
        .unprocessable, "file-not-yours", "\(field.label)中的文件已失效或不是您上传的，记录没有保存。请重新上传后再提交。", field: field.name)
    }
  }

  private func release(
    _ keys: Set<String>, of entity: String, _ record: Int64, in transaction: Transaction
  ) async throws {
    guard !keys.isEmpty else { return }
    try await transaction.execute(
      """
      update file_reference set released_at = \(clock.now())
      where key = any(\(keys.sorted())) and entity = \(entity) and record_id = \(record)
      """)
  }
}
