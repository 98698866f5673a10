package import Core
import SQL

/// A piece of work that is done beside the requests: now, later or again and again (任务).
package struct Job: Sendable, Hashable {
  package enum State: String, Sendable, Hashable, CaseIterable, SQLEncodable, SQLDecodable {
    case waiting, running, done, failed, cancelled

    /// Nothing more will happen to it.
    package var isFinal: Bool { self != .waiting && self != .running }

    package var label: String {
      switch self {
      case .waiting: "等待中"
      case .running: "进行中"
      case .done: "已完成"
      case .failed: "失败"
      case .cancelled: "已取消"
      }
    }
  }

  package let id: Int64
  package let kind: String
  /// What people call it: 导入地址.xlsx.
  package let label: String
  package let payload: JSON
  package let state: State
  /// When it may begin; a time in the past means as soon as a worker is free.
  package let runAt: Instant
  /// How often it was begun.
  package let attempt: Int
  package let maximumAttempts: Int
  package let isCancelRequested: Bool
  package let progress: JobProgress
  /// What the job noted down to go on from; see ``JobContext/checkpoint(_:in:)``.
  package let checkpoint: JSON?
  package let result: JSON?
  /// Why it failed, as users may read it.
  package let error: String?
  package let createdAt: Instant
  /// The actor who asked for it; 0 for the system.
  package let createdBy: Int64
  package let startedAt: Instant?
  package let finishedAt: Instant?
}

/// How far a job has come.
package struct JobProgress: Sendable, Hashable {
  package let done: Int64
  /// `nil` when nobody knows yet.
  package let total: Int64?
  package let message: String?

  package init(done: Int64, total: Int64? = nil, message: String? = nil) {
    self.done = done
    self.total = total
    self.message = message
  }

  /// 0 to 1; `nil` without a total.
  package var fraction: Double? {
    guard let total, total > 0 else { return nil }
    return min(max(Double(done) / Double(total), 0), 1)
  }
}

/// One run of a job, for its history.
package struct JobAttempt: Sendable, Hashable {
  package let number: Int
  package let worker: String
  package let startedAt: Instant
  package let finishedAt: Instant?
  /// `done`, `failed`, `cancelled`, `lost` (its worker died) or `released` (its worker was shut down); `nil` while it
  /// runs.
  package let outcome: String?
  package let error: String?
}

extension Job {
  static let columns: SQL = """
    id, kind, label, payload, state, run_at, attempt, maximum_attempts, cancel_requested, done, total, message, \
    checkpoint, result, error, created_at, created_by, started_at, finished_at
    """

  init(_ row: Row) throws {
    id = try row.get("id")
    kind = try row.get("kind")
    label = try row.get("label")
    payload = try row.get("payload")
    state = try row.get("state")
    runAt = try row.get("run_at")
    attempt = try row.get("attempt")
    maximumAttempts = try row.get("maximum_attempts")
    isCancelRequested = try row.get("cancel_requested")
    progress = JobProgress(
      done: try row.get("done"), total: try row.get("total"), message: try row.get("message"))
    checkpoint = try row.get("checkpoint")
    result = try row.get("result")
    error = try row.get("error")
    createdAt = try row.get("created_at")
    createdBy = try row.get("created_by")
    startedAt = try row.get("started_at")
    finishedAt = try row.get("finished_at")
  }
}
