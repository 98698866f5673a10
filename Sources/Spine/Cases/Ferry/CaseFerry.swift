package import Access
package import Core
import Entities
package import Ferry
package import Files
import Processes
import SQL

/// The cases' part of the ferry (办件摆渡): outside a citizen applies and is told how it goes; inside it is handled.
///
/// The inside decides. What the outside shows of a case is what it was last told, and what a citizen does there counts
/// once the inside has taken it.
package struct CaseFerry: Sendable {
  package let post: FerryPost
  package let parts: FerryParts
  let files: FileStore

  package init(post: FerryPost, parts: FerryParts, files: FileStore) {
    self.post = post
    self.parts = parts
    self.files = files
  }

  /// Stands inside for every applicant outside: far from all ids of users and keys.
  package static let applicantID: Int64 = -9_000_000_000

  /// 互联网申请人: holds no right but to answer what a case asks of its applicant.
  package static let applicant = Principal(
    kind: .user, id: applicantID, name: "互联网申请人", unit: nil, grants: Grants([]), clearance: .open)

  package var side: FerrySide? { post.side }

  /// Sends the files of materials ahead of the message that names them, each content once.
  func describe(_ materials: [HandedMaterial], subject: String, in transaction: Transaction) async throws -> JSON {
    var sent: Set<String> = []
    var list: [JSON] = []
    for handed in materials {
      var named: [JSON] = []
      for key in handed.files {
        let file = try await files.find(key)
        if sent.insert(file.digest).inserted { try await post.send(file, subject: subject, in: transaction) }
        named.append(["digest": .string(file.digest), "name": .string(file.name), "size": .int(file.size)])
      }
      list.append(
        .object(
          [
            ("requirement", .string(handed.requirement)), ("kind", .string(handed.kind)),
            ("way", .string(handed.way.rawValue)), ("files", .array(named)),
          ] + (handed.issuedOn.map { [("issued", .string($0.description))] } ?? [])
            + (handed.licence.map { [("licence", .string($0.json.text))] } ?? [])))
    }
    return .array(list)
  }

  /// The materials of a message, with their files put together and stored.
  func materials(_ json: JSON?, in transaction: Transaction) async throws -> (list: [HandedMaterial], digests: [String])
  {
    var list: [HandedMaterial] = []
    var stored: [String: String] = [:]
    for one in json?.array ?? [] {
      var keys: [String] = []
      for file in one["files"]?.array ?? [] {
        guard let digest = file["digest"]?.string, let name = file["name"]?.string else { continue }
        let kept = try await parts.assemble(
          digest, name: name, classification: .secret, policy: .scans, by: CaseFerry.applicant, in: transaction)
        stored[digest] = kept.key
        keys.append(kept.key)
      }
      guard let requirement = one["requirement"]?.string, let kind = one["kind"]?.string,
        let way = one["way"]?.string.flatMap(HandedMaterial.Way.init(rawValue:))
      else { continue }
      list.append(
        HandedMaterial(
          requirement: requirement, kind: kind, way: way, files: keys,
          issuedOn: one["issued"]?.string.flatMap { CivilDate($0) },
          licence: ElectronicLicence(text: one["licence"]?.string)))
    }
    return (list, Array(stored.keys))
  }
}

/// An application that came by the ferry: what it is called outside, and when it was handed in there.
package struct CaseArrival: Sendable {
  let number: String
  let submittedAt: Instant

  package init(number: String, submittedAt: Instant) {
    self.number = number
    self.submittedAt = submittedAt
  }
}

extension CaseStore {
  /// Runs `body` in a transaction that is under way, or in one of its own.
  func inTransaction<Value: Sendable>(
    _ given: Transaction?, _ body: @Sendable (Transaction) async throws -> Value
  ) async throws -> Value {
    if let given { return try await body(given) }
    return try await store.database.transaction { try await body($0) }
  }
}

extension CaseState {
  /// Whether somebody is the applicant: by account, or from the other side of the ferry.
  func isApplicant(_ principal: Principal) -> Bool {
    guard principal.kind == .user else { return false }
    if principal.id == CaseFerry.applicantID { return starter == principal.id }
    return record["applicant_user_id"]?.integer == principal.id
  }
}

extension [String: Value] {
  /// As they travel.
  package var ferried: JSON {
    .object(sorted { $0.key < $1.key }.map { ($0.key, $0.value.ferried) })
  }

  /// - Throws: ``Refusal`` `ferry-value`.
  package init(ferried json: JSON?) throws(Refusal) {
    self.init()
    for (name, value) in json?.object ?? [] { self[name] = try Value(ferried: value) }
  }
}

extension Value {
  /// `{"date": "2026-11-21"}`; the names are those of ``FerryValue``.
  package var ferried: JSON {
    switch self {
    case .null: .null
    case .text(let text): ["text": .string(text)]
    case .integer(let number): ["integer": .int(number)]
    case .decimal(let number): ["decimal": .string(number.description)]
    case .money(let money): ["money": .string(money.plain)]
    case .boolean(let flag): ["boolean": .bool(flag)]
    case .date(let date): ["date": .string(date.description)]
    case .instant(let instant): ["instant": .string(instant.iso8601)]
    case .list(let texts): ["list": .array(texts.map { .string($0) })]
    case .geometry(let json): ["geometry": json]
    case .json(let json): ["json": json]
    }
  }

  init(ferried json: JSON) throws(Refusal) {
    if json == .null {
      self = .null
      return
    }
    let read: Value? =
      switch (json.object?.first?.key, json.object?.first?.value) {
      case ("text", let value?): value.string.map { .text($0) }
      case ("integer", let value?): value.int.map { .integer($0) }
      case ("decimal", let value?): value.string.flatMap { FixedDecimal($0) }.map { .decimal($0) }
      case ("money", let value?): value.string.flatMap { Money($0) }.map { .money($0) }
      case ("boolean", let value?): value.bool.map { .boolean($0) }
      case ("date", let value?): value.string.flatMap { CivilDate($0) }.map { .date($0) }
      case ("instant", let value?): value.string.flatMap { Instant($0) }.map { .instant($0) }
      case ("list", let value?): value.array.map { .list($0.compactMap(\.string)) }
      case ("geometry", let value?): .geometry(value)
      case ("json", let value?): .json(value)
      default: nil
      }
    guard let read else { throw Refusal(.invalid, "ferry-value", "有一项取值读不懂，没有采用。请检查两侧的版本是否一致。") }
    self = read
  }
}
