import Glibc
import Synchronization

/// Writes one JSON object a line to standard error (time, level, event, fields).
///
/// Personal data never belongs in a field: log record ids and codes, not names and numbers.
package struct Log: Sendable {
  package enum Level: String, Sendable, Comparable {
    case debug, info, warning, error

    private var rank: Int {
      switch self {
      case .debug: 0
      case .info: 1
      case .warning: 2
      case .error: 3
      }
    }

    package static func < (a: Level, b: Level) -> Bool { a.rank < b.rank }
  }

  private let minimum: Level
  private let clock: WallClock
  private let write: @Sendable ([UInt8]) -> Void

  package init(
    minimum: Level = .info, clock: WallClock = .system,
    write: @escaping @Sendable ([UInt8]) -> Void = Log.writeToStandardError
  ) {
    self.minimum = minimum
    self.clock = clock
    self.write = write
  }

  /// A log that keeps nothing, for tests and one-shot commands.
  package static let silent = Log(minimum: .error, write: { _ in })

  package func callAsFunction(_ level: Level, _ event: String, _ fields: KeyValuePairs<String, JSON> = [:]) {
    guard level >= minimum else { return }
    var bytes: [UInt8] = []
    var members: [(key: String, value: JSON)] = [
      ("time", .string(clock.now().iso8601)), ("level", .string(level.rawValue)), ("event", .string(event)),
    ]
    members.append(contentsOf: fields.map { ($0.key, $0.value) })
    JSON.object(members).write(into: &bytes)
    bytes.append(0x0A)
    write(bytes)
  }

  package func fault(_ error: any Error, _ event: String, _ fields: KeyValuePairs<String, JSON> = [:]) {
    guard minimum <= .error else { return }
    var members: [(key: String, value: JSON)] = [
      ("time", .string(clock.now().iso8601)), ("level", "error"), ("event", .string(event)),
      ("error", .string(String(reflecting: error))),
    ]
    members.append(contentsOf: fields.map { ($0.key, $0.value) })
    var bytes: [UInt8] = []
    JSON.object(members).write(into: &bytes)
    bytes.append(0x0A)
    write(bytes)
  }

  /// One `write(2)` a line, so that lines of several threads never mix.
  package static func writeToStandardError(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
