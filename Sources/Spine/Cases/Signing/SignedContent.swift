import Access
import Core
import Crypto
import Entities
import SQL

/// What an applicant signs (签名内容): every answer of the application and every file of its materials, each by a digest of
/// its own, so that it can be said later which of them still stand.
///
/// Answers are short and could be guessed from plain digests; all are digested with a secret of the case.
package struct SignedContent: Sendable, Hashable {
  /// An answer, or the files of a material.
  package struct Part: Sendable, Hashable {
    /// `case.applicant_phone`, `form.child_name`, `material.birth_certificate`.
    package let name: String
    package let label: String
    /// As it is digested: the value's plain text, or what the files are.
    package let value: String
  }

  /// In the order of their names; what is empty is no part.
  package let parts: [Part]
  /// Hexadecimal; as secret as the answers.
  package let salt: String

  package init(parts: [Part], salt: String) {
    self.parts = parts.sorted { $0.name < $1.name }
    self.salt = salt
  }

  /// By the part's name, in hexadecimal.
  package var digests: [String: String] {
    Dictionary(parts.map { ($0.name, SignedContent.digest($0.name, $0.value, salt)) }, uniquingKeysWith: { a, _ in a })
  }

  /// Over all parts, in hexadecimal.
  package var digest: String { SignedContent.digest(of: digests) }

  package static func digest(_ name: String, _ value: String, _ salt: String) -> String {
    ArchiveDigest.hash("\(salt)\n\(name)\n\(value)")
  }

  package static func digest(of parts: [String: String]) -> String {
    let lines = parts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }
    return ArchiveDigest.hash("lifang-signed-content-1\n" + lines.joined())
  }

  /// What became of signed parts: by name, those that are other or gone, and those that came later.
  func changes(since signed: [String: String]) -> (altered: [String], added: [String]) {
    let now = digests
    let altered = signed.filter { now[$0.key] != $0.value }.map(\.key).sorted()
    return (altered, now.keys.filter { signed[$0] == nil }.sorted())
  }
}

/// What stands in a case now, with all that could stand there (现有内容).
struct StandingContent {
  let parts: [SignedContent.Part]
  /// Answers that the registers have fields for today, filled in or not.
  let answers: Set<String>

  /// Whether a signed part could be here still: one that could and is not was taken out, one that could not went with an upgrade.
  func knows(_ name: String) -> Bool { name.hasPrefix("material.") || answers.contains(name) }
}

/// What is kept of signed parts: each digest and what people call it (逐项摘要).
struct SignatureParts {
  var digests: [String: String] = [:]
  var labels: [String: String] = [:]

  init(_ content: SignedContent) {
    digests = content.digests
    labels = Dictionary(content.parts.map { ($0.name, $0.label) }, uniquingKeysWith: { a, _ in a })
  }

  init(_ json: JSON?) {
    for (name, part) in json?.object ?? [] {
      digests[name] = part["digest"]?.string
      labels[name] = part["label"]?.string
    }
  }

  var json: JSON {
    .object(
      digests.sorted { $0.key < $1.key }.map { name, digest in
        (name, ["label": .string(labels[name] ?? name), "digest": .string(digest)])
      })
  }
}

extension CaseStore {
  /// Fields that the case gives to whatever is attached to it; they are its own.
  private static let shared: Set = [ServiceCase.reference, "division_code", "unit_id", "applicant_user_id"]

  /// The fields of a register that are answers of an application.
  private static func answers(of entity: EntityDeclaration, _ prefix: String) -> [FieldDeclaration] {
    entity.fields.filter { field in
      field.isStored && field.editable && !(prefix == "form" && CaseStore.shared.contains(field.name))
    }
  }

  /// What signatures of a case are compared with.
  func standing(of id: Int64, _ item: ServiceItem, in transaction: Transaction) async throws -> StandingContent {
    var answers: Set<String> = []
    for (prefix, name) in [("case", ServiceCase.entity), ("form", item.form)] {
      guard let entity = store.catalog.entity(name) else { continue }
      answers.formUnion(CaseStore.answers(of: entity, prefix).map { "\(prefix).\($0.name)" })
    }
    return StandingContent(parts: try await signedParts(of: id, item, in: transaction), answers: answers)
  }

  /// What there is to sign in a case, from its records in clear.
  func signedParts(
    _ record: Record, _ form: Record?, _ materials: [Record], in session: some SQLSession
  ) async throws -> [SignedContent.Part] {
    var parts: [SignedContent.Part] = []
    for (prefix, found) in [("case", Optional(record)), ("form", form)] {
      guard let found, let entity = store.catalog.entity(found.entity) else { continue }
      for field in CaseStore.answers(of: entity, prefix) where !found[field.name].isBlank {
        parts.append(
          .init(name: "\(prefix).\(field.name)", label: field.label, value: found[field.name].plainText))
      }
    }
    let stored = try await ArchiveDigest.files(materials.flatMap { $0["files"].list ?? [] }, in: session)
    for material in materials {
      let digests = (material["files"].list ?? []).compactMap { stored[$0]?["digest"]?.string }
      // A paper that is only promised, or looked up by the office, is no file that somebody signed.
      guard !digests.isEmpty else { continue }
      parts.append(
        .init(
          name: "material.\(material["requirement"].text ?? "")", label: material["label"].text ?? "",
          value: ([material["material"].text ?? "", material["issued_on"].plainText] + digests).joined(separator: " ")))
    }
    return parts
  }

  /// The same of a case that is read here.
  func signedParts(of id: Int64, _ item: ServiceItem, in transaction: Transaction) async throws -> [SignedContent.Part]
  {
    let reader = store.records(as: .system, purpose: "核对签名").within(transaction).plain
    return try await signedParts(
      try await reader.get(ServiceCase.entity, id, reveal: true),
      try await reader.attached(item.form, to: id, reveal: true).first,
      try await reader.attached(ServiceCase.material, to: id, reveal: true), in: transaction)
  }

  /// The secret of a case's signatures: the same for all of a case while the installation's key stands, so that what a page
  /// showed can be told from what stands there when it is signed.
  func signingSalt(_ number: String) throws -> String {
    let key = HMAC(key: try store.keys.secret(.index)).derivedKey("cases/signature")
    return Hex.encode(HMAC(key: key).authenticate("case \(number)"))
  }
}
