import Cases
import Connectors
import Core
import Entities
import Feeds
import Files
import Jobs
import Messaging
import SQL

/// What is cleared each night (数据清理): applications that were begun and never handed in, uploads that nothing needs, and
/// old entries of the logs of calls to other systems and of pushes, and old changes of registers. How long each is kept is a parameter.
struct Housekeeping: Sendable {
  /// The nightly job for everything but files.
  struct ClearanceJob: JobPayload {
    static let kind = "clearance"
    init() {}
    init(json: JSON) throws {}
    var json: JSON { .object([]) }
  }

  /// Works as the owner of the tables: nobody else deletes from the log or its history.
  let database: Database
  let files: FileStore
  let parameters: Parameters
  let clock: WallClock

  func register(in kinds: inout JobKinds) {
    let (files, parameters) = (files, parameters)
    files.register(in: &kinds) {
      var retention = FileRetention()
      retention.drafts = Housekeeping.days("housekeeping.draft_days", 30, parameters) * 86_400
      return retention
    }
    kinds.register(ClearanceJob.self) { [self] _, _ in
      let drafts = try await CaseStore.clearDrafts(
        before: clock.now() + -Housekeeping.days("housekeeping.draft_days", 30, parameters) * 86_400, on: database)
      let calls = try await ConnectorLog.purge(
        before: clock.now() + -Housekeeping.days("housekeeping.call_days", 365, parameters) * 86_400, on: database)
      let pushes = try await PushLog.purge(
        before: clock.now() + -Housekeeping.days("housekeeping.call_days", 365, parameters) * 86_400, on: database)
      let talks = try await Talks.purge(
        before: clock.now() + -Housekeeping.days("housekeeping.talk_days", 365, parameters) * 86_400, on: database)
      let changes = try await RecordChanges(database: database, clock: clock).purge(
        before: clock.now() + -Housekeeping.days("subscription.keep_days", 90, parameters) * 86_400)
      let rows = try await FeedSchema.purge(
        before: clock.now() + -Housekeeping.days("feed.row_days", 180, parameters) * 86_400, on: database)
      return [
        "drafts": .int(Int64(drafts)), "calls": .int(Int64(calls)), "pushes": .int(Int64(pushes)),
        "talks": .int(Int64(talks)), "changes": .int(Int64(changes)), "feedRows": .int(Int64(rows)),
      ]
    }
  }

  func schedule(on jobs: JobQueue) async throws {
    try await jobs.schedule("clearance", ClearanceJob(), label: "清理草稿、对接日志和同步明细", .daily(hour: 3, minute: 10))
    try await jobs.schedule("file-sweep", FileSweepJob(), label: "清理无用文件", .daily(hour: 3, minute: 30))
  }

  private static func days(_ name: String, _ standard: Int64, _ parameters: Parameters) -> Int64 {
    (try? parameters.integer(name)) ?? standard
  }
}
