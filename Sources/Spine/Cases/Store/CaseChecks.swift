package import Core
import Entities

/// What is known of a material from the system that issued it (材料核验, C-030, C-059…C-061).
package struct MaterialVerification: Sendable, Hashable {
  /// 核验结果.
  package enum Result: String, Sendable, Hashable, CaseIterable {
    case match
    case mismatch
    /// Nobody could say; somebody looks at the original.
    case unknown

    package var label: String {
      switch self {
      case .match: "核验一致"
      case .mismatch: "核验不一致"
      case .unknown: "未能核验"
      }
    }
  }

  package let result: Result
  /// In words: what the other system said, or why nothing is known and what to do.
  package let note: String
  package let at: Instant
  /// Whose finding it is: the other system, or somebody who looked at the original.
  package let by: String

  package init(_ result: Result, note: String, at: Instant, by: String) {
    self.result = result
    self.note = note
    self.at = at
    self.by = by
  }

  /// Both findings on one material, the worse first.
  func joined(_ other: MaterialVerification) -> MaterialVerification {
    let worst: [Result] = [.mismatch, .unknown, .match]
    let result = worst.first { [self.result, other.result].contains($0) } ?? .unknown
    let notes = self.result == result ? [note, other.note] : [other.note, note]
    return MaterialVerification(
      result, note: notes.joined(separator: "；"), at: max(at, other.at), by: by == other.by ? by : "\(by)、\(other.by)")
  }

  /// The fields of the record of a material; all empty for one that was not verified.
  static func values(_ verification: MaterialVerification?) -> [String: Value] {
    [
      "verification": verification.map { .text($0.result.rawValue) } ?? .null,
      "verification_note": verification.map { .text(String($0.note.prefix(300))) } ?? .null,
      "verified_at": verification.map { .instant($0.at) } ?? .null,
      "verified_by": verification.map { .text(String($0.by.prefix(60))) } ?? .null,
    ]
  }
}

/// Somebody in a case is on a list of another system (比对提醒, C-034); for officers only.
package struct CaseAlert: Sendable, Hashable {
  /// How the label of an alert ends that says somebody is on a list: 在逃人员比对命中.
  package static let hit = "命中"

  /// The alert that whoever stands at the window is not whom the card names.
  static let otherFace = "人证不一致"

  let label: String
  /// Which of the people: 父亲（养父）身份证号.
  let person: String
  let message: String
}

/// What other systems and the registers say of an application before it is taken up.
struct CaseChecks: Sendable {
  /// By requirement.
  var verifications: [String: MaterialVerification] = [:]
  var alerts: [CaseAlert] = []
  /// Entries of the log, which learn the case they were for.
  var calls: [Int64] = []
  var refusals: [Refusal] = []
}
