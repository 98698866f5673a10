package import Core

/// What a draft would do otherwise than what is in force (试运行), found by going through recorded cases and golden ones.
package struct TrialReport: Sendable, Hashable {
  /// One case that would go otherwise.
  package struct Difference: Sendable, Hashable {
    /// 办件 5117022026112100012.
    package let subject: String
    /// 审批环节, 材料, 流程, 期限.
    package let what: String
    package let before: String
    package let after: String

    package init(subject: String, what: String, before: String, after: String) {
      self.subject = subject
      self.what = what
      self.before = before
      self.after = after
    }
  }

  package let at: Instant
  /// The version in force it was compared with; `nil` when there was none.
  package let against: Int?
  /// Recorded cases that were gone through.
  package let cases: Int
  package let goldenCases: Int
  package let differences: [Difference]
  /// What forbids its use.
  package let faults: [String]

  package init(
    at: Instant, against: Int?, cases: Int, goldenCases: Int, differences: [Difference], faults: [String]
  ) {
    self.at = at
    self.against = against
    self.cases = cases
    self.goldenCases = goldenCases
    self.differences = differences
    self.faults = faults
  }

  var json: JSON {
    [
      "at": .int(at.microseconds), "against": against.map { .int(Int64($0)) } ?? .null, "cases": .int(Int64(cases)),
      "golden": .int(Int64(goldenCases)), "faults": .array(faults.map { .string($0) }),
      "differences": .array(
        differences.map {
          [
            "subject": .string($0.subject), "what": .string($0.what), "before": .string($0.before),
            "after": .string($0.after),
          ]
        }),
    ]
  }

  init?(json: JSON) {
    guard let at = json["at"]?.int else { return nil }
    self.init(
      at: Instant(microseconds: at), against: json["against"]?.int.map { Int($0) },
      cases: Int(json["cases"]?.int ?? 0), goldenCases: Int(json["golden"]?.int ?? 0),
      differences: (json["differences"]?.array ?? []).map { one in
        Difference(
          subject: one["subject"]?.string ?? "", what: one["what"]?.string ?? "",
          before: one["before"]?.string ?? "", after: one["after"]?.string ?? "")
      }, faults: (json["faults"]?.array ?? []).compactMap(\.string))
  }
}
