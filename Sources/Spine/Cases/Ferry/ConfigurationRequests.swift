import Access
package import Core
package import Entities
package import Ferry
import Identity
package import Messaging
import SQL

/// What is asked to be changed of items, windows and notices (配置变更申请, C-256, C-517). Configuration is the inside's alone:
/// what somebody asks outside comes inside by the ferry and reminds whoever keeps it there, and the answer goes back out.
/// Where there is one network only, it simply reminds and answers.
package struct ConfigurationRequests: RecordRules {
  package static let entity = "configuration_request"

  private static let asked = "configuration.request"
  private static let answered = "configuration.answer"

  private struct Way: Sendable {
    let post: FerryPost
    let messages: MessageCenter
    let clock: WallClock
  }

  private let way = Later<Way>("configuration-requests")

  package init() {}

  package func begin(_ post: FerryPost, _ messages: MessageCenter, clock: WallClock) {
    way.begin(Way(post: post, messages: messages, clock: clock))
  }

  package func addHooks(to hooks: inout RecordHooks) {
    // What goes inside is answered there: nothing outside offers to.
    hooks.beforeInsert(ConfigurationRequests.entity) { [way] drafts, _ in
      guard way.value?.post.side == .outside else { return }
      for index in drafts.indices { drafts[index]["sent_inside"] = .boolean(true) }
    }
    hooks.beforeUpdate(ConfigurationRequests.entity) { [way] changes, records in
      guard way.value?.post.side == .outside, records.principal.kind != .system else { return }
      for index in changes.indices where changes[index].alters("state") {
        changes[index].refuse(
          Refusal(.conflict, "configuration-inside", "配置由公安网侧维护，这份申请已送去，由那边答复，这里没有改动。"))
      }
    }
    hooks.after(ConfigurationRequests.entity) { events, records in
      guard let transaction = records.transaction, let way = way.value else { return }
      for event in events {
        if event.kind == .created { try await ask(event, way, records, in: transaction) }
        if event.kind == .updated, event.before["state"] != event.after["state"] {
          try await answer(event, way, records, in: transaction)
        }
      }
    }
  }

  /// Outside it goes on its way; anywhere else whoever may answer is told.
  private func ask(_ event: RecordEvent, _ way: Way, _ records: Records, in transaction: Transaction) async throws {
    func text(_ name: String) -> String { event.after[name]?.text ?? "" }
    if way.post.side == .outside {
      try await way.post.send(
        FerryMessage(
          kind: ConfigurationRequests.asked, subject: "configuration \(text("number"))",
          payload: [
            "number": .string(text("number")), "subject": .string(text("subject")), "name": .string(text("name")),
            "content": .string(text("content")), "asked": .string(way.clock.now().iso8601),
          ]), in: transaction)
      return
    }
    let people = try await Responsibility(clock: way.clock).everyone(
      with: Permission(ConfigurationRequests.entity, "accept"), in: transaction)
    let isOutside = event.after["from_outside"]?.boolean == true
    try await way.messages.send(
      "configuration_asked",
      to: people.filter { records.principal.kind != .user || $0 != records.principal.id }.map { .user($0) },
      [
        "number": text("number"), "name": text("name"),
        "subject": records.store.catalog.dictionary("configuration_subject")?.label(of: text("subject")) ?? "",
        "origin": isOutside ? "互联网侧" : "本侧",
      ], link: String(event.id), key: "\(ConfigurationRequests.entity) \(event.id)", in: transaction)
  }

  /// The answer goes to the side that asked, and there to who asked.
  private func answer(_ event: RecordEvent, _ way: Way, _ records: Records, in transaction: Transaction) async throws {
    func text(_ name: String) -> String { event.after[name]?.text ?? "" }
    let state = text("state")
    if let remote = event.after["remote_number"]?.text, way.post.side == .inside {
      try await way.post.send(
        FerryMessage(
          kind: ConfigurationRequests.answered, subject: "configuration \(remote)",
          payload: ["number": .string(remote), "state": .string(state), "answer": .string(text("answer"))]),
        in: transaction)
    }
    guard let user = event.after["user_id"]?.integer, records.principal.id != user else { return }
    try await way.messages.send(
      "configuration_answered", to: [.user(user)],
      [
        "number": text("number"), "name": text("name"), "answer": text("answer"),
        "state": records.store.catalog.dictionary("configuration_state")?.label(of: state) ?? state,
      ], link: String(event.id), key: "\(ConfigurationRequests.entity) \(event.id) \(state)", in: transaction)
  }

  // MARK: From the other side

  /// What this side does with such messages.
  package func receivers(_ store: RecordStore) -> [FerryReceiver] {
    [
      FerryReceiver(
        ConfigurationRequests.asked, "配置变更申请", from: .outside,
        .members([
          ("number", .text(max: 40)), ("subject", .text(max: 50)), ("name", .text(max: 80)),
          ("content", .text(max: 2000)), ("asked", .instant),
        ])
      ) { message, transaction in
        let payload = message.payload
        var values: [String: Value] = [
          "from_outside": .boolean(true), "remote_number": ConfigurationRequests.text("number", payload),
        ]
        for name in ["subject", "name", "content"] { values[name] = ConfigurationRequests.text(name, payload) }
        values["asked_at"] = payload["asked"]?.string.flatMap { Instant($0) }.map { .instant($0) }
        try await ConfigurationRequests.records(store, transaction).insert(
          ConfigurationRequests.entity, values, input: .code)
      },
      FerryReceiver(
        ConfigurationRequests.answered, "配置变更申请的答复", from: .inside,
        .members([
          ("number", .text(max: 40)), ("state", .word(["accepted", "declined"])), ("answer", .text(max: 1000)),
        ])
      ) { message, transaction in
        let records = ConfigurationRequests.records(store, transaction)
        let number = ConfigurationRequests.text("number", message.payload)
        guard let known = try await records.find(ConfigurationRequests.entity, where: "number", equals: number) else {
          throw Refusal(.notFound, "configuration-missing", "本侧没有编号为 \(number.plainText) 的配置变更申请。")
        }
        try await records.update(
          ConfigurationRequests.entity, known.id, version: nil,
          [
            "state": ConfigurationRequests.text("state", message.payload),
            "answer": ConfigurationRequests.text("answer", message.payload),
            "answered_at": .instant(store.clock.now()),
          ], input: .code)
      },
    ]
  }

  private static func text(_ name: String, _ payload: JSON) -> Value {
    payload[name]?.string.map { .text($0) } ?? .null
  }

  private static func records(_ store: RecordStore, _ transaction: Transaction) -> Records {
    store.records(as: .system, purpose: "网间配置申请").within(transaction)
  }
}
