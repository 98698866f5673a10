import Core
package import Entities

/// When a figure that the process keeps is alarming (告警规则), and what follows from it (C-614).
package struct AlarmRule: Sendable, Hashable {
  /// The register of rules (告警规则).
  package static let register = "alarm_rule"

  /// What of a figure is compared (算法).
  package enum Measure: String, Sendable, Hashable, CaseIterable {
    /// The figure itself.
    case value
    /// By how much a counter rises in a minute.
    case rise
    /// Seconds that one of the measured things took on average since the last look.
    case mean
  }

  /// On which side of the threshold it is alarming (比较).
  package enum Comparison: String, Sendable, Hashable, CaseIterable {
    case greater = "gt"
    case less = "lt"

    /// As a sentence says it.
    package var word: String { self == .greater ? "高于" : "低于" }
  }

  /// What follows from an alarm (响应).
  package enum Response: String, Sendable, Hashable, CaseIterable {
    case site, email, sms, order
  }

  /// Of the record.
  package let id: Int64
  /// What it is called (规则名称), and its alarms after it.
  package let name: String
  /// As `/metrics` calls it.
  package let metric: String
  /// Narrows it to some of its series: `method="GET",status="500"`.
  package let labels: String
  /// What of the figure is compared.
  package let measure: Measure
  /// On which side of ``threshold`` it is alarming.
  package let comparison: Comparison
  /// In the unit of the measure: the figure’s own, rises a minute, or seconds.
  package let threshold: Double
  /// For how long it has to last.
  package let seconds: Int64
  /// For how long the same rule is quiet after an alarm (静默时间).
  package let quiet: Int64
  /// A code of `incident_level` (级别).
  package let level: String
  /// What follows from an alarm.
  package let responses: Set<Response>
  /// Whose duty it is.
  package let duty: String
  /// Until when an order has to be carried out, in seconds.
  package let limit: Int64
  /// What to do, in the library (处置知识).
  package let advice: Int64?

  /// `nil` for a record that is not whole.
  package init?(_ record: Record) {
    guard let name = record["name"].text, let metric = record["metric"].text,
      let measure = record["measure"].text.flatMap({ Measure(rawValue: $0) }),
      let threshold = record["threshold"].decimal,
      let comparison = record["comparison"].text.flatMap({ Comparison(rawValue: $0) })
    else { return nil }
    id = record.id
    self.name = name
    self.metric = metric
    self.measure = measure
    self.comparison = comparison
    self.threshold = Double(threshold.millionths) / 1_000_000
    labels = record["labels"].text ?? ""
    seconds = (record["minutes"].integer ?? 0) * 60
    quiet = (record["quiet_minutes"].integer ?? 0) * 60
    level = record["level"].text ?? "general"
    responses = Set((record["responses"].list ?? []).compactMap { Response(rawValue: $0) })
    duty = record["duty_kind"].text ?? "operator"
    limit = (record["within_hours"].integer ?? 4) * 3600
    advice = record["advice_id"].integer
  }

  /// Whether a figure is alarming.
  func isBreached(by value: Double) -> Bool {
    switch comparison {
    case .greater: value > threshold
    case .less: value < threshold
    }
  }

  /// Whether a text narrows series as `labels` does: `name="value"`, several with commas.
  package static func areLabels(_ text: String) -> Bool {
    text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { part in
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, !sides[0].isEmpty,
        sides[0].utf8.allSatisfy({ (97...122).contains($0) || $0 == UInt8(ascii: "_") })
      else { return false }
      return sides[1].utf8.count >= 2 && sides[1].hasPrefix("\"") && sides[1].hasSuffix("\"")
    }
  }
}
