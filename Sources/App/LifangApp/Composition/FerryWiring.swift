import Access
import Cases
import Core
import Entities
import Ferry
import Foundation
import Identity
import Messaging
import Operations
import SQL

extension FerrySettings {
  /// As administrators have set it; `nil` when this deployment takes no part.
  init?(_ parameters: Parameters) {
    func text(_ name: String) -> String { (try? parameters.text("ferry.\(name)")) ?? "-" }
    func number(_ name: String) -> Int64? { try? parameters.integer("ferry.\(name)") }
    guard let side = FerrySide(rawValue: text("side")), text("outgoing") != "-", text("incoming") != "-" else {
      return nil
    }
    self.init(side: side, outgoing: text("outgoing"), incoming: text("incoming"))
    if let value = number("chunk_kb") { chunkSize = Int(value) << 10 }
    if let value = number("largest_kb") { largestFile = Int(value) << 10 }
    if let value = number("retry_seconds") { retryAfter = value }
    if let value = number("receipt_seconds") { receiptEvery = value }
    if let value = number("alarm_minutes") { alarmMinutes = value }
    if let value = number("keep_days") { keepDays = value }
  }
}

extension Deployment {
  /// The cases' part of the ferry.
  func caseFerry(_ parameters: Parameters) -> CaseFerry {
    let post = FerryPost(keys: keys, files: files, clock: clock) { FerrySettings(parameters) }
    return CaseFerry(post: post, parts: FerryParts(keys: keys, files: files, clock: clock), files: files)
  }

  var ferryKeys: FerryKeyFolder { FerryKeyFolder(path: configuration.data + "/keys/ferry") }

  /// This side's end of the ferry; an alarm goes to everybody who may decide about held data.
  func dock(_ ferry: CaseFerry, receivers: [FerryReceiver], messages: MessageCenter, alarms: AlarmDesk)
    -> FerryDock
  {
    let clock = clock
    return FerryDock(
      database: database, post: ferry.post, keyFolder: ferryKeys, receivers: receivers, log: log,
      metrics: metrics, clock: clock
    ) { problem, transaction in
      try await alarms.raise(.ferry, named: "网间摆渡异常", level: "serious", problem, in: transaction)
      let people = try await Responsibility(clock: clock).everyone(
        with: Permission("ferry", "decide"), in: transaction)
      try await messages.send(
        "ferry_alarm", to: people.map { .user($0) }, ["problem": problem, "time": clock.now().display],
        key: "ferry \(clock.now().seconds / 3600)", in: transaction)
    }
  }
}
