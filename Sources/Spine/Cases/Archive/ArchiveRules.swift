package import Core
package import Entities
package import SQL

/// What keeps archives as they are: lines of the catalogue are added and neither changed nor taken away, by anybody and
/// by any way, since the database says so too (C-197: 不允许删除或修改).
package enum ArchiveRules {
  package static let migration = Migration(
    id: "0161-archives",
    sql: """
      create function lifang_keep_archive() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' then
          raise exception 'archive-kept: % % is never deleted', tg_table_name, old.id using errcode = 'integrity_constraint_violation';
        end if;
        if tg_table_name = 'archive' and (old.number, old.service_case_id, old.case_number)
            is distinct from (new.number, new.service_case_id, new.case_number) then
          raise exception 'archive-kept: the number of archive % is never changed', old.id
            using errcode = 'integrity_constraint_violation';
        end if;
        return new;
      end $$;
      create function lifang_keep_archive_item() returns trigger language plpgsql as $$
      begin
        raise exception 'archive-kept: archive_item % is never changed', old.id
          using errcode = 'integrity_constraint_violation';
      end $$;
      create trigger archive_kept before update or delete on archive
        for each row execute function lifang_keep_archive();
      create trigger archive_item_kept before update or delete on archive_item
        for each row execute function lifang_keep_archive_item();
      """)

  /// Versions and printings are added and never changed either.
  package static let versions = Migration(
    id: "0162-archive-versions",
    sql: """
      create function lifang_keep_archive_row() returns trigger language plpgsql as $$
      begin
        raise exception 'archive-kept: % % is never changed', tg_table_name, old.id
          using errcode = 'integrity_constraint_violation';
      end $$;
      create trigger archive_version_kept before update or delete on archive_version
        for each row execute function lifang_keep_archive_row();
      create trigger archive_print_kept before update or delete on archive_print
        for each row execute function lifang_keep_archive_row();
      """)

  /// Numbers and digests what is added, files an archive with its last late scan, and refuses every other change.
  package static func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(Archive.item) { drafts, records in
      guard let transaction = records.transaction else { throw Fault("hook-without-transaction", Archive.item) }
      for index in drafts.indices where drafts[index].refusal == nil && drafts[index]["entries"].isNull {
        try await prepare(&drafts[index], records, in: transaction)
      }
    }
    hooks.after(Archive.item) { events, records in
      guard let transaction = records.transaction else { return }
      for event in events where event.kind == .created && !enteredBySystem.contains(event["kind"].text) {
        try await added(event, records, in: transaction)
      }
    }
    hooks.beforeDelete(Archive.item) { _, _ in throw kept }
    hooks.beforeDelete(Archive.entity) { _, _ in throw kept }
    for register in [Archive.version, Archive.printing] { hooks.beforeDelete(register) { _, _ in throw kept } }
    for register in [Archive.item, Archive.version, Archive.printing] {
      hooks.beforeUpdate(register) { changes, _ in
        for index in changes.indices { changes[index].refuse(kept) }
      }
    }
  }

  package static let kept = Refusal(
    .conflict, "archive-kept", "档案不能修改或删除，没有改动。有误的请加一件“更正说明”，写明错在哪里。")

  /// The lines that filing makes: materials, signed applications and notices.
  private static let enteredBySystem: Set<String?> = ["material", Archive.signed, Archive.notice]

  /// What somebody adds: a number in the file, and the digests of what was scanned.
  private static func prepare(_ draft: inout RecordDraft, _ records: Records, in transaction: Transaction) async throws
  {
    guard let archive = draft["archive_id"].integer else { return }
    if enteredBySystem.contains(draft["kind"].text) {
      return draft.refuse(
        Refusal(
          .unprocessable, "archive-kind", "办件材料、签名的申请表和告知书在归档时自动列入。请选择补扫原件、补充材料、受理审批单、常住人口登记表或更正说明。", field: "kind"))
    }
    // One at a time, so that no two lines have the same number.
    _ = try await transaction.query(Archive.openScope)
    guard
      let row = try await transaction.query(
        """
        select a.state, (select coalesce(max(position), 0) from archive_item i where i.archive_id = a.id) as last
        from archive a where a.id = \(archive) for update of a
        """
      ).first
    else { return }
    if try row.get("last", as: Int64.self) == 0 {
      return draft.refuse(
        Refusal(.conflict, "archive-open", "这件还没有办结，材料在办件里补充，办结时一起归档。", field: "archive_id"))
    }
    let keys = draft["files"].list ?? draft["files"].text.map { [$0] } ?? []
    draft["position"] = .integer(try row.get("last", as: Int64.self) + 1)
    draft["entries"] = .json(try await ArchiveDigest.entries(keys, in: transaction))
    draft["file_count"] = .integer(Int64(keys.count))
  }

  /// An original that was scanned late is no longer missing; the last one files the archive (归档).
  private static func added(_ event: RecordEvent, _ records: Records, in transaction: Transaction) async throws {
    guard let archive = event["archive_id"].integer else { return }
    let system = records.asSystem
    if event["kind"].text == "original" {
      let known = try await system.get(Archive.entity, archive)
      let missing = max(0, (known["missing"].integer ?? 0) - 1)
      var changes: [String: Value] = ["missing": .integer(missing)]
      if missing == 0, known["state"].text != "archived" {
        changes["state"] = .text("archived")
        changes["filed_at"] = .instant(records.store.clock.now())
      }
      try await system.update(Archive.entity, archive, version: nil, changes, input: .code)
    }
    let kind = records.store.catalog.dictionary("archive_item_kind")?.label(of: event["kind"].text ?? "") ?? ""
    let why = event["note"].text.map { "：\($0)" } ?? ""
    try await ArchiveDigest.renew(
      archive, because: "\(kind)“\(event["label"].text ?? "")”\(why)", by: records.principal, system, in: transaction)
  }
}
