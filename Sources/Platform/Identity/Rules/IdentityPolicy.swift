package import Core

/// What a city sets about passwords, lock-out and sessions (安全策略); kept as parameters named `identity.…`.
package struct IdentityPolicy: Sendable, Hashable {
  /// Which users need a second factor (双因素认证, B5-050).
  package enum SecondFactor: String, Sendable, Hashable, CaseIterable {
    /// Whoever has enrolled.
    case optional
    /// The three separated administrators must enrol.
    case administrators
    /// People with a role for those from outside (外部人员, B5-018).
    case external
    case administratorsAndExternal = "administrators_and_external"
    case everyone
  }

  package var password = PasswordPolicy()
  /// Wrong passwords until an account is locked (D2-567).
  package var lockAfter = 5
  /// Minutes after which wrong passwords no longer count.
  package var failureWindowMinutes = 30
  package var lockMinutes = 15
  /// Sign-ins tried a minute from one address, whatever the account.
  package var attemptsPerMinutePerAddress = 30
  /// Minutes without a request after which a session ends (D2-568).
  package var idleMinutes = 30
  /// Hours after which a session ends in any case.
  package var absoluteHours = 12
  /// Sessions of one user at a time; the oldest is ended for a new one (B5-282). 0: no limit.
  package var sessionsPerUser = 5
  /// Requests of one user or key that a node works on at a time (B5-282). 0: no limit.
  package var requestsPerUser = 50
  /// Requests that a node works on at a time, all together (B5-282). 0: any number.
  package var requestsAtOnce = 200
  /// Requests of one user or key that are worked on even when the node is full (B5-282).
  package var leastPerUser = 2
  package var secondFactor = SecondFactor.optional

  package init() {}

  /// Reads parameters; what is missing or makes no sense stays at its default.
  ///
  /// - Parameter value: the value of a parameter by its name without `identity.`.
  package init(parameters value: (String) -> JSON?) {
    func number(_ name: String, _ field: inout Int, _ range: ClosedRange<Int>) {
      if let read = value(name)?.int.flatMap({ Int(exactly: $0) }), range.contains(read) { field = read }
    }
    number("password_length", &password.minimumLength, 6...64)
    number("password_classes", &password.classes, 1...4)
    number("password_history", &password.history, 0...24)
    number("password_days", &password.maximumAgeDays, 0...3650)
    number("password_minimum_hours", &password.minimumAgeHours, 0...240)
    number("lock_after", &lockAfter, 1...100)
    number("failure_window_minutes", &failureWindowMinutes, 1...1440)
    number("lock_minutes", &lockMinutes, 1...10_080)
    number("attempts_per_minute", &attemptsPerMinutePerAddress, 1...10_000)
    number("idle_minutes", &idleMinutes, 1...1440)
    number("session_hours", &absoluteHours, 1...720)
    number("sessions_per_user", &sessionsPerUser, 0...1000)
    number("requests_per_user", &requestsPerUser, 0...10_000)
    number("requests_at_once", &requestsAtOnce, 0...10_000)
    number("least_per_user", &leastPerUser, 0...100)
    if let text = value("second_factor")?.string, let read = SecondFactor(rawValue: text) { secondFactor = read }
  }
}
