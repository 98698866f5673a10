package import Core
import Synchronization

/// What a key of the ring is for; a key never serves two purposes.
package struct KeyPurpose: RawRepresentable, Sendable, Hashable {
  package let rawValue: String

  package init(rawValue: String) { self.rawValue = rawValue }

  /// Sealing fields and files.
  package static let data = KeyPurpose(rawValue: "data")
  /// Blind indexes. Rotating it asks for every index to be computed again.
  package static let index = KeyPurpose(rawValue: "index")
  /// The pepper of password hashes.
  package static let pepper = KeyPurpose(rawValue: "pepper")
  /// The SM2 key that signs heads of the audit chain (its 32-byte scalar).
  package static let audit = KeyPurpose(rawValue: "audit")
  /// The SM2 key that signs issued documents (its 32-byte scalar).
  package static let document = KeyPurpose(rawValue: "document")
  /// Short codes on plates and receipts.
  package static let plate = KeyPurpose(rawValue: "plate")
}

/// The keys of one installation (信封加密): data keys wrapped by a master key that is kept apart from them.
///
/// New boxes are sealed with the current key of their purpose; older keys stay readable after a rotation. What
/// ``encoded`` gives is safe beside the database: every key in it is sealed under the master key and the whole carries a
/// tag, so keys can be neither read, swapped nor rolled back to one of another ring.
package final class KeyRing: Sendable {
  private struct Entry: Sendable {
    let id: UInt32
    let purpose: KeyPurpose
    let created: Instant
    let secret: SecretBytes
    let box: BoxKey?
  }

  private struct State {
    var entries: [UInt32: Entry] = [:]
    var current: [KeyPurpose: UInt32] = [:]
  }

  private let state: Mutex<State>
  private let random: RandomSource

  private static let format = "lifang-keyring-1"

  /// An empty ring.
  package init(random: RandomSource = .system) {
    self.random = random
    state = Mutex(State())
  }

  /// Reads what ``encoded(under:)`` wrote.
  ///
  /// - Throws: ``CryptoFailure`` `malformed`, or `notAuthentic` when the master key is another one or the text was
  ///   altered.
  package init(encoded: JSON, master: SecretBytes, random: RandomSource = .system) throws(CryptoFailure) {
    self.random = random
    let wrapping = try BoxKey(id: 0, key: master)
    guard encoded["format"]?.string == KeyRing.format, let keys = encoded["keys"]?.array,
      let tag = encoded["tag"]?.string.flatMap(Hex.decode), case .object(let members) = encoded
    else { throw CryptoFailure(.malformed, "key-ring") }
    let body = JSON.object(members.filter { $0.key != "tag" })
    guard KeyRing.mac(master).isValid(tag, for: Array(body.text.utf8)) else {
      throw CryptoFailure(.notAuthentic, "key-ring")
    }
    var read = State()
    for key in keys {
      guard let id = key["id"]?.int.flatMap({ UInt32(exactly: $0) }), let purpose = key["purpose"]?.string,
        let created = key["created"]?.string.flatMap({ Instant($0) }),
        let wrapped = key["wrapped"]?.string.flatMap(Base64URL.decode)
      else { throw CryptoFailure(.malformed, "key-ring") }
      let secret = SecretBytes(try wrapping.open(wrapped, associated: KeyRing.associated(id, purpose)))
      let entry = try KeyRing.entry(id, KeyPurpose(rawValue: purpose), created, secret)
      read.entries[id] = entry
      if key["current"]?.bool == true { read.current[entry.purpose] = id }
    }
    state = Mutex(read)
  }

  /// The ring as JSON, every key wrapped under `master`. Another master key here is how the master key is changed.
  package func encoded(under master: SecretBytes) throws(CryptoFailure) -> JSON {
    let wrapping = try BoxKey(id: 0, key: master)
    let state = state.withLock { $0 }
    var keys: [JSON] = []
    for entry in state.entries.values.sorted(by: { $0.id < $1.id }) {
      let wrapped = try wrapping.seal(
        entry.secret.bytes, associated: KeyRing.associated(entry.id, entry.purpose.rawValue), random: random)
      keys.append([
        "id": .int(Int64(entry.id)), "purpose": .string(entry.purpose.rawValue),
        "created": .string(entry.created.iso8601), "current": .bool(state.current[entry.purpose] == entry.id),
        "wrapped": .string(Base64URL.encode(wrapped)),
      ])
    }
    let body: [(key: String, value: JSON)] = [("format", .string(KeyRing.format)), ("keys", .array(keys))]
    let tag = KeyRing.mac(master).authenticate(JSON.object(body).text)
    return .object(body + [("tag", .string(Hex.encode(tag)))])
  }

  /// Adds a fresh 32-byte key and makes it the current one of its purpose (轮换); returns its id.
  @discardableResult
  package func rotate(_ purpose: KeyPurpose, at time: Instant) throws(CryptoFailure) -> UInt32 {
    try add(SecretBytes(random.bytes(32)), for: purpose, at: time)
  }

  /// Adds key material made elsewhere, such as an SM2 private key, and makes it the current one of its purpose.
  @discardableResult
  package func add(_ secret: SecretBytes, for purpose: KeyPurpose, at time: Instant) throws(CryptoFailure) -> UInt32 {
    try state.withLock { state throws(CryptoFailure) in
      let id = (state.entries.keys.max() ?? 0) + 1
      state.entries[id] = try KeyRing.entry(id, purpose, time, secret)
      state.current[purpose] = id
      return id
    }
  }

  /// The id of the key that new data of `purpose` uses, or `nil` when there is none yet.
  package func currentID(_ purpose: KeyPurpose) -> UInt32? { state.withLock { $0.current[purpose] } }

  /// Ids, purposes and ages of all keys, for the page that shows them.
  package var inventory: [(id: UInt32, purpose: KeyPurpose, created: Instant, isCurrent: Bool)] {
    let state = state.withLock { $0 }
    return state.entries.values.sorted { $0.id < $1.id }.map {
      ($0.id, $0.purpose, $0.created, state.current[$0.purpose] == $0.id)
    }
  }

  /// Key material by purpose: the current key, or the one with `id`.
  ///
  /// - Throws: ``CryptoFailure`` `unknownKey`.
  package func secret(_ purpose: KeyPurpose, id: UInt32? = nil) throws(CryptoFailure) -> SecretBytes {
    try entry(purpose, id).secret
  }

  /// Seals `plain` with the current data key. See ``BoxKey`` for the format and for `associated`.
  package func seal(_ plain: [UInt8], associated: String) throws(CryptoFailure) -> [UInt8] {
    guard let box = try entry(.data, nil).box else { throw CryptoFailure(.unknownKey, "key-ring") }
    return try box.seal(plain, associated: Array(associated.utf8), random: random)
  }

  /// Opens a box with whichever data key sealed it.
  package func open(_ sealed: [UInt8], associated: String) throws(CryptoFailure) -> [UInt8] {
    guard let box = try entry(.data, BoxKey.keyID(of: sealed)).box else { throw CryptoFailure(.unknownKey, "key-ring") }
    return try box.open(sealed, associated: Array(associated.utf8))
  }

  /// Whether `sealed` used an older data key and should be sealed again when its record is next written.
  package func isStale(_ sealed: [UInt8]) -> Bool { (try? BoxKey.keyID(of: sealed)) != currentID(.data) }

  /// The blind index of one field.
  ///
  /// - Parameter domain: entity and field, such as `person.phone`.
  package func blindIndex(
    _ domain: String, _ normalisation: BlindIndex.Normalisation
  ) throws(CryptoFailure) -> BlindIndex {
    BlindIndex(key: try secret(.index), domain: domain, normalisation: normalisation)
  }

  private func entry(_ purpose: KeyPurpose, _ id: UInt32?) throws(CryptoFailure) -> Entry {
    let found = state.withLock { state in (id ?? state.current[purpose]).flatMap { state.entries[$0] } }
    guard let found, found.purpose == purpose else {
      throw CryptoFailure(.unknownKey, "key-ring", "\(purpose.rawValue) \(id.map { "\($0)" } ?? "current")")
    }
    return found
  }

  private static func entry(
    _ id: UInt32, _ purpose: KeyPurpose, _ created: Instant, _ secret: SecretBytes
  ) throws(CryptoFailure) -> Entry {
    Entry(
      id: id, purpose: purpose, created: created, secret: secret,
      box: purpose == .data ? try BoxKey(id: id, key: secret) : nil)
  }

  private static func associated(_ id: UInt32, _ purpose: String) -> [UInt8] {
    Array("\(format)/\(purpose)/\(id)".utf8)
  }

  private static func mac(_ master: SecretBytes) -> HMAC { HMAC(key: HMAC(key: master).derivedKey("key-ring/tag")) }
}
