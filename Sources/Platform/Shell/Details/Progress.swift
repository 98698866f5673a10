package import HTML

/// Long work on its way: it can be left, and tells when it ends.
///
/// `js/progress.js` listens to `events`, whose messages are
/// `{"done":1200,"total":5000,"message":"…","state":"running"|"done"|"failed"|"cancelled","counts":{"created":…},
/// "href":"…"}`; the page is loaded again when the state is no longer `running`. Without scripts 刷新 does.
package struct ProgressView: HTMLConvertible {
  package enum State: String, Sendable { case waiting, running, done, failed, cancelled }

  let title: String
  let state: State
  let done: Int
  let total: Int?
  let message: String
  let counts: [Count]
  let events: String?
  let refreshPath: String
  let actions: [Action]

  /// A running count beside the bar, such as 新建 1,024.
  package struct Count: Sendable, Hashable {
    /// The key in the events.
    package let name: String
    package let label: String
    package let value: Int
    package let tone: Tone
    /// Where these rows can be seen.
    package let path: String?

    package init(_ name: String, _ label: String, value: Int, tone: Tone = .neutral, path: String? = nil) {
      self.name = name
      self.label = label
      self.value = value
      self.tone = tone
      self.path = path
    }
  }

  /// - Parameters:
  ///   - total: `nil` while it is unknown.
  ///   - events: the server-sent events of the job; `nil` when it has ended.
  ///   - refreshPath: this page.
  package init(
    title: String, state: State, done: Int, total: Int?, message: String, counts: [Count] = [], events: String?,
    refreshPath: String, actions: [Action] = []
  ) {
    self.title = title
    self.state = state
    self.done = done
    self.total = total
    self.message = message
    self.counts = counts
    self.events = events
    self.refreshPath = refreshPath
    self.actions = actions
  }

  private var badge: Badge {
    switch state {
    case .waiting: Badge("排队中", .neutral)
    case .running: Badge("进行中", .info)
    case .done: Badge("已完成", .success)
    case .failed: Badge("失败", .danger)
    case .cancelled: Badge("已取消", .warning)
    }
  }

  package var html: HTML {
    section(.class("progress is-\(state.rawValue)"), .data("data-progress", events), .aria(.label, title)) {
      div(.class("progress-head")) {
        p(.class("progress-title")) { title }
        badge
        span(.class("progress-figures number"), .data("data-progress-figures")) { figures }
      }
      bar
      p(.class("progress-message"), .role("status"), .data("data-progress-message")) { message }
      if !counts.isEmpty { countList }
      div(.class("actions")) {
        actions
        if events != nil {
          a(.class("button button-quiet"), .href(refreshPath), .data("data-progress-refresh")) { "刷新进度" }
        }
      }
    }
  }

  private var figures: String {
    guard let total else { return grouped(done) }
    return "\(grouped(done)) / \(grouped(total))"
  }

  private var bar: HTML {
    element(
      "progress", .class("bar"), .max(total.map { String(max($0, 1)) }), .value(total == nil ? nil : String(done)),
      .aria(.label, title), .data("data-progress-bar")
    ) { figures }
  }

  private var countList: HTML {
    ul(.class("progress-counts")) {
      for count in counts {
        li(.class("tone-\(count.tone.rawValue)")) {
          span(.class("number"), .data("data-progress-count", count.name)) { grouped(count.value) }
          if let path = count.path { a(.href(path)) { count.label } } else { span { count.label } }
        }
      }
    }
  }
}
