package import Core
package import Entities

/// The ledger of issued documents (证照台账), by the names of its fields.
package enum IssuedDocument {
  package static let entity = "issued_document"
  package static let printing = "document_print"
  /// The reference of a printing to its document.
  package static let reference = "issued_document_id"

  package static let number = Field<String>(entity, "number")
  package static let code = Field<String>(entity, "code")
  package static let template = Field<String>(entity, "template")
  package static let label = Field<String>(entity, "label")
  package static let state = Field<String>(entity, "state")
  package static let digest = Field<String>(entity, "digest")
  package static let signature = Field<String>(entity, "signature")
  package static let keyID = Field<Int64>(entity, "key_id")
  package static let file = Field<String>(entity, "file")
  package static let overlay = Field<String>(entity, "overlay")
  package static let prints = Field<Int64>(entity, "prints")
  package static let validUntil = Field<CivilDate>(entity, "valid_until")

  /// For the check of declarations.
  package static let tokens: [FieldToken] = [
    number.token, code.token, template.token, label.token, state.token, digest.token, signature.token, keyID.token,
    file.token, overlay.token, prints.token, validUntil.token,
  ]

  /// What may still change in an entry: that it was printed, and that it is void.
  static let changing: Set<String> = ["prints", "printed_at", "state", "void_reason", "voided_at", "voided_by"]
  /// What is entered once, when the file is set.
  static let sealing: Set<String> = ["file", "overlay", "digest", "signature", "key_id", "version_digest"]
  /// What is entered with one another or not at all.
  static let seal: Set<String> = ["file", "digest", "signature", "key_id"]
}

extension RecordHooks {
  /// An issued document is never altered: it is printed again or made void, and void stays void.
  package static var papers: RecordHooks {
    var hooks = RecordHooks()
    hooks.beforeUpdate(IssuedDocument.entity) { changes, _ in
      for index in changes.indices where changes[index].refusal == nil {
        let altered = Set(changes[index].changes.keys.filter { changes[index].alters($0) })
        let isSealed = changes[index].before["digest"]?.isNull == false
        let seals = !isSealed && altered.isSuperset(of: IssuedDocument.seal)
        let allowed = seals ? IssuedDocument.changing.union(IssuedDocument.sealing) : IssuedDocument.changing
        let revives = changes[index].before["state"]?.text == "void" && altered.contains("state")
        if !altered.isSubset(of: allowed) || revives {
          changes[index].refuse(
            Refusal(.forbidden, "document-sealed", "已签发的证照不能修改，没有改动。内容有误请作废后重新签发。"))
        }
      }
    }
    hooks.beforeDelete(IssuedDocument.entity) { _, _ in
      throw Refusal(.forbidden, "document-sealed", "已签发的证照不能删除，没有改动。请改为作废。")
    }
    hooks.beforeDelete(IssuedDocument.printing) { _, _ in
      throw Refusal(.forbidden, "document-sealed", "打印记录不能删除，没有改动。")
    }
    return hooks
  }
}
