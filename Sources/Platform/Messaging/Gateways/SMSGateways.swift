package import Access
package import Audit
package import Core
package import Entities
import SQL

/// The gateways of short messages that administrators keep (短信发送渠道管理, B4-251…254).
package struct SMSGateways: Sendable {
  let store: RecordStore
  private let inUse: Kept<[SMSGateway]>

  package init(_ store: RecordStore) {
    self.store = store
    inUse = Kept { try await SMSGateways.find([ListFilter("state", .equals(.text("on")))], in: store) }
  }

  /// Those that are switched on, the one to be used first at the head; kept until ``forget()``.
  package func enabled() async throws -> [SMSGateway] { try await inUse.value() }

  /// One of them has changed.
  package func forget() { inUse.forget() }

  /// Also one that is switched off: its receipts may still come.
  package func gateway(_ code: String) async throws -> SMSGateway? {
    try await SMSGateways.find([ListFilter("code", .equals(.text(code)))], in: store).first
  }

  /// - Throws: ``Refusal`` `record-missing`.
  package func gateway(_ id: Int64) async throws -> SMSGateway {
    let record = try await store.records(as: .system).get(SMSGateway.entity, id)
    return SMSGateway(id: id, record.values)
  }

  private static func find(_ filters: [ListFilter], in store: RecordStore) async throws -> [SMSGateway] {
    let query = ListQuery(
      SMSGateway.entity, filters: filters,
      sort: [ListView.Sort(field: "position", descending: false), ListView.Sort(field: "id", descending: false)],
      columns: try store.entity(SMSGateway.entity).storedFields.map(\.name), limit: 50)
    return try await store.records(as: .system).list(query).records.map { SMSGateway(id: $0.id, $0.values) }
  }

  /// Sends one message by this gateway alone, whether it is switched on or not, and notes how it went (测试渠道的连通性).
  ///
  /// - Parameter phone: whose owner is to say whether it came.
  /// - Throws: ``Refusal`` when the principal may not change gateways.
  package func test(
    _ id: Int64, to phone: PhoneNumber, _ settings: MessagingSettings, by principal: Principal, origin: Origin
  ) async throws -> ChannelOutcome {
    try principal.require(Permission(SMSGateway.entity, "update"), toDo: "测试短信发送渠道")
    let record = try await store.records(as: .system).get(SMSGateway.entity, id)
    let gateway = SMSGateway(id: id, record.values)
    let now = store.clock.now()
    let text = "这是\(now.display)由\(principal.name)发出的测试短信，收到说明“\(gateway.name)”可以使用。"
    let message = OutgoingMessage(
      id: 0, address: phone.text, template: "channel_test", content: MessageContent(title: text, text: text, sms: text),
      url: nil)
    let outcome = await SMSLine(clock: store.clock).ask(gateway, message, settings.timeout)
    let (trial, answer) =
      switch outcome {
      case .accepted(let reference, _): ("passed", reference.map { "平台已接收，编号 \($0)" } ?? "平台已接收")
      case .refused(let reason), .failed(let reason): ("failed", reason)
      }
    try await store.database.transaction { transaction in
      try await store.records(as: .system).within(transaction).update(
        // What was changed while the answer was awaited has not been tried.
        SMSGateway.entity, id, version: record.version,
        ["trial": .text(trial), "tried_at": .instant(now), "answer": .text(String(answer.prefix(200)))], input: .code)
      try await store.audit.append(
        AuditEntry(
          principal, "sms_gateway.test", entity: SMSGateway.entity, record: id, origin: origin,
          details: ["outcome": .string(trial)]), in: transaction)
    }
    return outcome
  }

  /// What is checked when a gateway is entered or changed. A change of what is asked makes the last test worth nothing.
  package static func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(SMSGateway.entity) { drafts, _ in
      for index in drafts.indices {
        let values = drafts[index].values
        for fault in SMSGateway(values).faults { drafts[index].refuse(fault) }
      }
    }
    hooks.beforeUpdate(SMSGateway.entity) { changes, _ in
      for index in changes.indices {
        for fault in SMSGateway(changes[index].after).faults { changes[index].refuse(fault) }
        let asks = ["kind", "url", "body", "success", "reference", "signature", "token"]
        guard asks.contains(where: { changes[index].alters($0) }) else { continue }
        // Nothing goes by settings that nobody has tried.
        changes[index]["trial"] = .text("untested")
        changes[index]["state"] = .text("off")
        // Whoever sends the messages elsewhere has to know the secret: it must not go to a server of their own.
        let isElsewhere = changes[index].alters("url") || changes[index].alters("body")
        if isElsewhere, !changes[index].alters("token") { changes[index]["token"] = .null }
      }
    }
  }
}
