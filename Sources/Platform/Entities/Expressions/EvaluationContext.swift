package import Access
package import Core

/// What an expression may ask besides the record: the time and who is acting.
package struct EvaluationContext: Sendable {
  package let now: Instant
  /// `me()`: the id of the acting user; `nil` for the system and strangers.
  package let user: Int64?
  /// `my_unit()`.
  package let unit: Int64?
  /// `my_division()`, without trailing zeros.
  package let division: String?

  package init(now: Instant, user: Int64? = nil, unit: Int64? = nil, division: String? = nil) {
    self.now = now
    self.user = user
    self.unit = unit
    self.division = division
  }

  package init(now: Instant, principal: Principal) {
    self.init(
      now: now, user: principal.id == 0 ? nil : principal.id, unit: principal.unit?.id,
      division: principal.unit?.division)
  }

  /// The date in China Standard Time.
  package var today: CivilDate { now.chinaTime.date }
}
