package import HTML

/// What happened to a thing, in order: who, unit, what, how long, with a light.
package struct Timeline: HTMLConvertible {
  package enum State: String, Sendable { case done, current, next }

  package struct Entry {
    let title: String
    let who: String?
    let time: String?
    let duration: String?
    let tone: Tone
    let badge: Badge?
    let state: State
    let content: HTML

    /// - Parameters:
    ///   - who: person and unit: `李敏 · 通川区东城街道办`.
    ///   - time: when it ended, or is due for ``State/next``.
    ///   - duration: how long it took or has lasted: `用时 2 小时`.
    ///   - tone: the light: success in time, warning near, danger past its limit.
    package init(
      _ title: String, who: String? = nil, time: String? = nil, duration: String? = nil, tone: Tone = .neutral,
      badge: Badge? = nil, state: State = .done, @HTMLBuilder content: () -> HTML = { .empty }
    ) {
      self.title = title
      self.who = who
      self.time = time
      self.duration = duration
      self.tone = tone
      self.badge = badge
      self.state = state
      self.content = content()
    }
  }

  let entries: [Entry]

  package init(_ entries: [Entry]) { self.entries = entries }

  package var html: HTML {
    ol(.class("timeline")) {
      for entry in entries { self.entry(entry) }
    }
  }

  private func entry(_ entry: Entry) -> HTML {
    li(
      .class("moment is-\(entry.state.rawValue) tone-\(entry.tone.rawValue)"),
      .when(entry.state == .current, .aria(.current, "step"))
    ) {
      div(.class("moment-head")) {
        span(.class("moment-title")) { entry.title }
        entry.badge
      }
      if let who = entry.who { p(.class("moment-who")) { who } }
      when(entry)
      div(.class("moment-body")) { entry.content }
    }
  }

  private func when(_ entry: Entry) -> HTML {
    if entry.time == nil && entry.duration == nil { return .empty }
    return p(.class("moment-when number")) {
      if let time = entry.time { span { time } }
      if let duration = entry.duration { span(.class("moment-duration")) { duration } }
    }
  }
}
