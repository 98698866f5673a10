import Core
package import Crypto
package import Entities

/// What was last seen of a record of the other side, and what stood in ours after it: so a later change can tell what
/// they changed from what was corrected here.
package struct FeedMemory: Sendable, Hashable {
  /// By field of ours: what they said.
  package var theirs: [String: String] = [:]
  /// What our record held then, where that is something else.
  package var stored: [String: String] = [:]
  /// Fields in which ours stays until somebody says otherwise.
  package var kept: Set<String> = []

  package init() {}
}

/// What a row of the other side means for a record of ours, field by field.
package struct FeedVerdict: Sendable, Hashable {
  package enum Reason: String, Sendable, Hashable {
    /// 本地已订正.
    case corrected
    /// 核实之前不覆盖.
    case open
    /// 首次对上时两边不同.
    case first
  }

  /// What ours becomes.
  package var changes: [String: Value] = [:]
  /// What a person has to decide: theirs, by field.
  package var held: [String: Value] = [:]
  package var reason: Reason?
}

/// Compares a row with our record (差异判断): what they changed and nobody here did is taken over; what was changed here
/// stays and is told.
package struct FeedComparison: Sendable {
  let fields: [String: FieldDeclaration]
  let together: Set<String>
  /// For values that nobody may read from a memory.
  let mac: HMAC

  package init(fields: [String: FieldDeclaration], together: Set<String>, mac: HMAC) {
    self.fields = fields
    self.together = together
    self.mac = mac
  }

  /// A value as memories hold it: text that is equal for equal values, keyed for encrypted and masked fields.
  package func form(_ value: Value, of name: String) -> String {
    if value.isBlank { return "" }
    if let point = value.geometry?["coordinates"]?.array, point.count == 2, let x = point[0].double,
      let y = point[1].double
    {
      return "\((x * 1e7).rounded() / 1e7),\((y * 1e7).rounded() / 1e7)"
    }
    guard let field = fields[name], field.encrypted || field.mask != nil else { return value.plainText }
    return Hex.encode(Array(mac.authenticate("\(name)\u{0}\(value.plainText)").prefix(12)))
  }

  /// - Parameters:
  ///   - last: `nil` for a row that meets a record of ours for the first time.
  ///   - isOpen: whether something about the record is open, so that nothing is taken over.
  ///   - pending: fields of which a difference waits already.
  package func judge(
    _ incoming: [String: Value], ours: [String: Value], last: FeedMemory?, isOpen: Bool, pending: Set<String>
  ) -> FeedVerdict {
    var verdict = FeedVerdict()
    for (name, value) in incoming {
      let theirs = form(value, of: name)
      let own = form(ours[name] ?? .null, of: name)
      if theirs == own { continue }
      if let before = last?.theirs[name] {
        let isKept = last?.kept.contains(name) ?? false
        if theirs == before {
          if isKept, pending.contains(name) { verdict.hold(name, value, .corrected) }
        } else if isKept || own != last?.stored[name] ?? before {
          verdict.hold(name, value, .corrected)
        } else {
          verdict.changes[name] = value
        }
      } else if own.isEmpty {
        verdict.changes[name] = value
      } else if !theirs.isEmpty {
        verdict.hold(name, value, .first)
      }
    }
    if isOpen {
      for (name, value) in verdict.changes { verdict.hold(name, value, .open) }
      verdict.changes = [:]
    } else if !together.isDisjoint(with: verdict.held.keys), let reason = verdict.reason {
      for name in together {
        if let value = verdict.changes.removeValue(forKey: name) { verdict.hold(name, value, reason) }
      }
    }
    return verdict
  }

  /// The memory after a row: `stored` is what our record holds now.
  package func remember(
    _ incoming: [String: Value], stored: [String: Value], last: FeedMemory?, verdict: FeedVerdict
  ) -> FeedMemory {
    var memory = FeedMemory()
    memory.kept = last?.kept ?? []
    for (name, value) in incoming {
      let theirs = form(value, of: name)
      let own = form(stored[name] ?? .null, of: name)
      memory.theirs[name] = theirs
      let isOurOwn = theirs.isEmpty && !own.isEmpty && last?.theirs[name] == nil
      if verdict.held[name] != nil || isOurOwn {
        memory.kept.insert(name)
      } else if theirs == own || verdict.changes[name] != nil {
        memory.kept.remove(name)
      }
      // What was corrected here stays different from what we once stored.
      let isUntouched = verdict.changes[name] == nil && verdict.held[name] == nil && last?.theirs[name] == theirs
      let settled = isUntouched ? last?.stored[name] ?? theirs : own
      if settled != theirs { memory.stored[name] = settled }
    }
    return memory
  }
}

extension FeedVerdict {
  mutating func hold(_ name: String, _ value: Value, _ because: Reason) {
    held[name] = value
    // The most telling reason stands for all.
    if reason != .corrected { reason = because }
  }
}
