import Access
package import Core
package import Entities
package import SQL

/// What keeps signatures as they were given: they are added and never changed, by anybody and by any way; only the outside
/// lets go of them, with everything else of a case that is over (C-207).
package enum SignatureRules {
  package static let migration = Migration(
    id: "0174-case-signatures",
    sql: """
      create function lifang_keep_signature() returns trigger language plpgsql as $$
      begin
        raise exception 'signature-kept: case_signature % is never changed', old.id
          using errcode = 'integrity_constraint_violation';
      end $$;
      create trigger case_signature_kept before update on case_signature
        for each row execute function lifang_keep_signature();
      """)

  package static let kept = Refusal(
    .conflict, "signature-kept", "签名不能修改或删除，没有改动。内容有改动的，请申请人重新签名。")

  package static func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeUpdate(ServiceCase.signature) { changes, _ in
      for index in changes.indices { changes[index].refuse(kept) }
    }
    hooks.beforeDelete(ServiceCase.signature) { _, records in
      guard records.principal.kind == .system else { throw kept }
    }
  }
}
