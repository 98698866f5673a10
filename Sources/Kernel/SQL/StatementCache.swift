import CLibPQ

/// What a connection knows about a statement text it has run.
///
/// A text is prepared when it comes a second time, so that statements made for one occasion cost one round trip.
/// The types of its parameters belong to it: a text that comes with other types is another statement, while a null
/// fits every type.
final class Statement {
  let text: String
  let types: [Oid]
  /// Its name on the server, once prepared.
  var name: String?
  /// The shape of its results, which PostgreSQL guarantees for a prepared statement.
  var columns: Columns?
  var lastUse: UInt64 = 0

  init(text: String, types: [Oid]) {
    self.text = text
    self.types = types
  }

  func fits(_ parameters: Parameters) -> Bool {
    guard types.count == parameters.count else { return false }
    for index in types.indices where types[index] != parameters.types[index] && !parameters.isNull(index) {
      return false
    }
    return true
  }
}

/// The statements of one connection; the one unused for longest makes room for a new one.
struct StatementCache {
  let capacity: Int
  private var byText: [String: [Statement]] = [:]
  private var count = 0
  private var clock: UInt64 = 0
  private var names: UInt64 = 0
  /// Names still prepared on the server though nothing here uses them: to be deallocated outside a failed transaction.
  private(set) var abandoned: [String] = []

  init(capacity: Int) { self.capacity = capacity }

  /// The statement for a text with these parameters, and whether it has been run before.
  mutating func find(_ text: String, _ parameters: Parameters) -> (statement: Statement, seen: Bool) {
    clock += 1
    if let variants = byText[text], let known = variants.first(where: { $0.fits(parameters) }) {
      known.lastUse = clock
      return (known, true)
    }
    if count >= capacity { evict() }
    let fresh = Statement(text: text, types: parameters.types)
    fresh.lastUse = clock
    byText[text, default: []].append(fresh)
    count += 1
    return (fresh, false)
  }

  mutating func newName() -> String {
    names += 1
    return "s\(names)"
  }

  mutating func remove(_ statement: Statement) {
    if let name = statement.name { abandoned.append(name) }
    statement.name = nil
    guard let variants = byText[statement.text] else { return }
    let rest = variants.filter { $0 !== statement }
    count -= variants.count - rest.count
    byText[statement.text] = rest.isEmpty ? nil : rest
  }

  mutating func takeAbandoned() -> [String] {
    defer { abandoned = [] }
    return abandoned
  }

  private mutating func evict() {
    let oldest = byText.values.joined().min { $0.lastUse < $1.lastUse }
    if let oldest { remove(oldest) }
  }
}
