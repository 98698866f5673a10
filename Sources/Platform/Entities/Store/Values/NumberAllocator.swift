import Core
import SQL

/// Hands out numbers of series (编号序列): each once, in rising order, with gaps where a record was not made after all.
///
/// Numbers come over a connection of their own, so that two people who make records at the same time never wait for one
/// another's transaction. It does not wait for the disk either: a record that used a number is flushed after the number
/// was written, so a crash cannot hand it out again.
final class NumberAllocator: Sendable {
  private let database: Database

  init(_ configuration: Database.Configuration) {
    var own = configuration
    own.maximumConnections = 1
    own.waitTimeout = .seconds(15)
    own.applicationName = configuration.applicationName + "-numbers"
    database = Database(own)
  }

  func close() async { await database.close() }

  /// The first of `count` consecutive numbers of `series`; a series begins with 1.
  func take(_ series: String, _ count: Int) async throws -> Int64 {
    let results = try await database.pipeline([
      "select set_config('synchronous_commit', 'off', true)",
      """
      insert into number_series as s (series, next) values (\(series), \(count) + 1)
      on conflict (series) do update set next = s.next + \(count)
      returning next - \(count)
      """,
    ])
    return try results[1][0].get(0)
  }
}

extension NumberingRule {
  /// The series that a record belongs to: one for each text of the parts besides the sequence.
  func series(_ entity: String, _ value: (String) -> Value, on date: CivilDate) -> String {
    "\(entity):"
      + parts.map { part in
        if case .sequence = part { return "#" }
        return text(part, value, on: date)
      }.joined()
  }

  /// The number of a record; `nil` without a sequence in the rule never happens, since the check asks for one.
  func number(_ sequence: Int64, _ value: (String) -> Value, on date: CivilDate) -> String {
    parts.map { part in
      guard case .sequence(let digits) = part else { return text(part, value, on: date) }
      let number = String(sequence)
      return String(repeating: "0", count: max(0, digits - number.utf8.count)) + number
    }.joined()
  }

  private func text(_ part: Part, _ value: (String) -> Value, on date: CivilDate) -> String {
    switch part {
    case .literal(let text): text
    case .field(let name, let width): width.map { String(value(name).plainText.prefix($0)) } ?? value(name).plainText
    case .year(let digits): digits == 2 ? twoDigits(date.year % 100) : String(date.description.prefix(4))
    case .month: twoDigits(date.month)
    case .day: twoDigits(date.day)
    case .sequence: ""
    }
  }
}
