import Access
import Core
import Entities
import Messaging
import Operations
import SQL
import Testing

/// Alarms by rules over the figures of the process, and what follows from them (C-614, C-615).
@Suite struct AlarmTests {
  private func rule(_ city: OperationsFixture, _ changes: [String: Value] = [:]) async throws -> AlarmRule {
    let record = try await city.records().insert(
      AlarmRule.register,
      [
        "name": .text("数据盘剩余不足"), "metric": .text("lifang_disk_free_percent"), "comparison": .text("lt"),
        "threshold": .decimal(FixedDecimal(millionths: 10_000_000)), "minutes": .integer(1),
        "quiet_minutes": .integer(60), "level": .text("serious"), "responses": .list(["site", "order"]),
        "within_hours": .integer(2),
      ].merging(changes) { $1 })
    return try #require(AlarmRule(try await city.system.get(AlarmRule.register, record.id)))
  }

  private func watch(
    _ city: OperationsFixture, _ metrics: Metrics, node: String = "node-1",
    ferry: @escaping @Sendable () -> String? = { nil }
  ) -> AlarmWatch {
    AlarmWatch(
      desk: AlarmDesk(store: city.store, messages: city.messages), metrics: metrics, node: node, refresh: {},
      ferry: { ferry() })
  }

  @Test func aFigureIsAlarmingOnlyAfterItLastedAndFineOnlyAfterAWhile() async throws {
    let rule = try await rule(try await OperationsFixture())
    var judge = AlarmJudge()
    let start = OperationsFixture.start
    #expect(judge.judge(rule, nil, at: start) == .open)
    #expect(judge.judge(rule, .gauge(9), at: start) == .open)
    #expect(judge.judge(rule, .gauge(9), at: start + 59) == .open)
    #expect(judge.judge(rule, .gauge(8), at: start + 60) == .alarm(8))
    // One that wavers begins anew, and is not fine either.
    #expect(judge.judge(rule, .gauge(11), at: start + 90) == .open)
    #expect(judge.judge(rule, .gauge(9), at: start + 120) == .open)
    #expect(judge.judge(rule, .gauge(9), at: start + 180) == .alarm(9))
    #expect(judge.judge(rule, .gauge(10), at: start + 210) == .open)
    #expect(judge.judge(rule, .gauge(12), at: start + 270) == .fine(12))
  }

  @Test func countersCountByTheirRiseAndHistogramsByTheirMean() async throws {
    let city = try await OperationsFixture()
    let start = OperationsFixture.start
    let rise = try await rule(
      city,
      [
        "metric": .text("http_requests_total"), "labels": .text("status=\"500\""), "measure": .text("rise"),
        "comparison": .text("gt"), "threshold": .decimal(FixedDecimal(millionths: 5_000_000)), "minutes": .integer(0),
      ])
    var judge = AlarmJudge()
    #expect(judge.judge(rise, .counter(100), at: start) == .open)
    #expect(judge.judge(rise, .counter(103), at: start + 30) == .alarm(6))
    // The process began anew.
    #expect(judge.judge(rise, .counter(2), at: start + 60) == .open)
    #expect(judge.judge(rise, .counter(2), at: start + 120) == .open)
    #expect(judge.judge(rise, .counter(3), at: start + 180) == .fine(1))
    let mean = try await rule(
      city,
      [
        "name": .text("变慢"), "metric": .text("http_request_seconds"), "measure": .text("mean"),
        "comparison": .text("gt"),
        "threshold": .decimal(FixedDecimal(millionths: 2_000_000)), "minutes": .integer(0),
      ])
    #expect(judge.judge(mean, .histogram(sum: 10, count: 10), at: start) == .open)
    #expect(judge.judge(mean, .histogram(sum: 16, count: 12), at: start + 30) == .alarm(3))
    #expect(judge.judge(mean, .histogram(sum: 16, count: 12), at: start + 60) == .open)
  }

  @Test func anAlarmIsRaisedOnceHandedToWhoIsOnDutyAndTakenBack() async throws {
    let city = try await OperationsFixture()
    try await city.onDuty("one")
    let rule = try await rule(city)
    let metrics = Metrics()
    let watch = watch(city, metrics)
    metrics.set("lifang_disk_free_percent", to: 8)
    try await watch.look()
    #expect(try await city.all(AlarmDesk.register).isEmpty)
    for _ in 0..<3 {
      city.time.advance(seconds: 60)
      try await watch.look()
    }
    let alarms = try await city.all(AlarmDesk.register)
    let alarm = try #require(alarms.first)
    #expect(alarms.count == 1)
    #expect(alarm["state"].text == "raised")
    #expect(alarm["rule_id"].integer == rule.id)
    #expect(alarm["detail"].text?.contains("持续 1 分钟低于阈值 10") == true, "\(alarm["detail"].plainText)")
    let order = try await city.system.get("incident_order", try #require(alarm["order_id"].integer))
    #expect(order["state"].text == "handling")
    #expect(order["origin"].text == "alarm")
    #expect(order["handler_id"].integer == (try city.person("one").id))
    #expect(try await city.messages.unread(of: try city.person("one").id) == 1)
    #expect(try await city.messages.unread(of: try city.person("admin").id) == 0)
    // It is over when the figure has been fine for a minute, and the rule is quiet for the hour.
    metrics.set("lifang_disk_free_percent", to: 30)
    try await watch.look()
    #expect(try await city.system.get(AlarmDesk.register, alarm.id)["state"].text == "raised")
    city.time.advance(seconds: 60)
    try await watch.look()
    let over = try await city.system.get(AlarmDesk.register, alarm.id)
    #expect(over["state"].text == "recovered")
    #expect(over["recovered_at"].instant == city.time.clock.now())
    metrics.set("lifang_disk_free_percent", to: 5)
    for _ in 0..<2 {
      try await watch.look()
      city.time.advance(seconds: 60)
    }
    #expect(try await city.all(AlarmDesk.register).count == 1)
    city.time.advance(seconds: 3600)
    try await watch.look()
    #expect(try await city.all(AlarmDesk.register).count == 2)
  }

  @Test func anAlarmOfANodeThatIsGoneIsTakenOverAndBarsNothing() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city, ["minutes": .integer(0), "quiet_minutes": .integer(0), "responses": .list([])])
    let (old, new) = (Metrics(), Metrics())
    old.set("lifang_disk_free_percent", to: 8)
    new.set("lifang_disk_free_percent", to: 30)
    try await watch(city, old, node: "gone").look()
    let alarm = try #require(try await city.all(AlarmDesk.register).first)
    // While its node may still be there, the alarm is that node's.
    let next = watch(city, new, node: "next")
    try await next.look()
    city.time.advance(seconds: 120)
    try await next.look()
    #expect(try await city.system.get(AlarmDesk.register, alarm.id)["state"].text == "raised")
    // For a while after that, another that sees the same may take it over.
    city.time.advance(seconds: AlarmWatch.absence - 120)
    try await next.look()
    #expect(try await city.system.get(AlarmDesk.register, alarm.id)["state"].text == "raised")
    city.time.advance(seconds: AlarmWatch.respite)
    try await next.look()
    let over = try await city.system.get(AlarmDesk.register, alarm.id)
    #expect(over["state"].text == "recovered" && over["recovered_at"].instant == city.time.clock.now())
    #expect(over["handling"].text?.contains("gone") == true)
    // The rule is free again.
    new.set("lifang_disk_free_percent", to: 7)
    try await next.look()
    let second = try #require(try await city.all(AlarmDesk.register).last)
    #expect(second.id != alarm.id && second["node"].text == "next")
    // A third node that sees the same goes on with that one, and takes it back when it is over.
    city.time.advance(seconds: AlarmWatch.absence)
    let third = watch(city, new, node: "third")
    try await third.look()
    #expect(try await city.system.get(AlarmDesk.register, second.id)["node"].text == "third")
    #expect(try await city.all(AlarmDesk.register).count == 2)
    // Where nothing measures the figure any more, the alarm does not stand for ever.
    city.time.advance(seconds: AlarmWatch.absence + AlarmWatch.respite)
    try await watch(city, Metrics(), node: "blind").look()
    #expect(try await city.system.get(AlarmDesk.register, second.id)["state"].text == "recovered")
  }

  @Test func anAlarmOfANodeThatIsGoneWaitsForOneThatSeesTheSame() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city, ["minutes": .integer(0), "quiet_minutes": .integer(0), "responses": .list([])])
    let (low, fine) = (Metrics(), Metrics())
    low.set("lifang_disk_free_percent", to: 8)
    fine.set("lifang_disk_free_percent", to: 30)
    try await watch(city, low, node: "gone").look()
    let alarm = try #require(try await city.all(AlarmDesk.register).first)
    city.time.advance(seconds: AlarmWatch.absence)
    // The one that is fine looks first.
    try await watch(city, fine, node: "fine").look()
    try await watch(city, low, node: "low").look()
    city.time.advance(seconds: AlarmWatch.respite)
    try await watch(city, fine, node: "fine").look()
    let kept = try await city.system.get(AlarmDesk.register, alarm.id)
    #expect(kept["state"].text == "raised" && kept["node"].text == "low")
    #expect(try await city.all(AlarmDesk.register).count == 1)
  }

  @Test func aLongNameIsOneNodeAndThoseLongGoneAreForgotten() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city, ["minutes": .integer(0), "quiet_minutes": .integer(0), "responses": .list([])])
    let metrics = Metrics()
    metrics.set("lifang_disk_free_percent", to: 8)
    let name = String(repeating: "node", count: 20)
    try await watch(city, metrics, node: name).look()
    try await watch(city, Metrics(), node: "blind").look()
    let alarm = try #require(try await city.all(AlarmDesk.register).first)
    #expect(alarm["node"].text == String(name.prefix(60)) && alarm["state"].text == "raised")
    city.time.advance(seconds: 31 * 86_400)
    try await watch(city, metrics, node: name).look()
    let nodes = try await city.database.query("select node from alarm_watch")
    #expect(try nodes.map { try $0.get("node", as: String.self) } == [String(name.prefix(60))])
  }

  @Test func withNobodyOnDutyTheOrderWaitsAndThoseWhoMayConfirmAreTold() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city, ["minutes": .integer(0)])
    let metrics = Metrics()
    metrics.set("lifang_disk_free_percent", to: 8)
    let (first, second) = (watch(city, metrics), watch(city, metrics))
    // Two nodes that see the same.
    try await withThrowingTaskGroup(of: Void.self) { group in
      for watch in [first, second] { group.addTask { try await watch.look() } }
      try await group.waitForAll()
    }
    #expect(try await city.all(AlarmDesk.register).count == 1)
    let order = try #require(try await city.all("incident_order").first)
    #expect(order["state"].text == "open")
    #expect(order["handler_id"].isNull)
    #expect(try await city.messages.unread(of: try city.person("admin").id) == 1)
  }

  @Test func anAlarmGoesItsWayAndAnOrderThatIsCarriedOutSettlesIt() async throws {
    let city = try await OperationsFixture()
    try await city.onDuty("one")
    _ = try await rule(city, ["minutes": .integer(0)])
    let metrics = Metrics()
    metrics.set("lifang_disk_free_percent", to: 8)
    try await watch(city, metrics).look()
    let alarm = try #require(try await city.all(AlarmDesk.register).first)
    let admin = try city.records()
    let confirmed = try await admin.perform("confirm", on: AlarmDesk.register, alarm.id, version: nil)
    #expect(confirmed["state"].text == "confirmed")
    #expect(confirmed["confirmed_by"].integer == (try city.person("admin").id))
    let order = try #require(alarm["order_id"].integer)
    try await admin.perform(
      "resolve", on: "incident_order", order, version: nil, asked: ["handling": .text("清理了旧日志")])
    let handled = try await city.system.get(AlarmDesk.register, alarm.id)
    #expect(handled["state"].text == "handled")
    #expect(handled["handling"].text == "清理了旧日志")
  }

  @Test func theFerryAndLooksAtPeopleEnterTheSameRegister() async throws {
    let city = try await OperationsFixture()
    let desk = AlarmDesk(store: city.store, messages: city.messages)
    for _ in 0..<2 {
      try await city.database.transaction { transaction in
        try await desk.raise(.ferry, named: "网间摆渡异常", level: "serious", "缺少第 7 号", in: transaction)
      }
    }
    #expect(try await city.all(AlarmDesk.register).count == 1)
    try await watch(city, Metrics(), ferry: { "还缺" }).look()
    #expect(try await city.all(AlarmDesk.register).first?["state"].text == "raised")
    try await watch(city, Metrics()).look()
    #expect(try await city.all(AlarmDesk.register).first?["state"].text == "recovered")
    let warning = try await city.system.insert(
      "access_warning",
      [
        "person": .text("王某某"), "kind": .text("rows"), "amount": .integer(900), "threshold": .integer(500),
        "minutes": .integer(10), "found_at": .instant(city.time.clock.now()), "key": .text("user 3 rows 1"),
      ], input: .code)
    let alarm = try #require(try await city.all(AlarmDesk.register).last)
    #expect(alarm["origin"].text == "access")
    #expect(!alarm["name"].plainText.contains("王某某") && !alarm["detail"].plainText.contains("王某某"))
    try await city.system.perform(
      "justify", on: "access_warning", warning.id, version: nil, asked: ["finding": .text("王某某在做年度核查")])
    let settled = try await city.system.get(AlarmDesk.register, alarm.id)
    #expect(settled["state"].text == "handled")
    #expect(settled["handling"].text?.contains("王某某") == false)
  }

  @Test(arguments: [
    ("status=\"500\"", true), ("method=\"GET\",status=\"500\"", true), ("status=500", false), ("=", false),
  ])
  func labelsAreProved(_ labels: String, _ isRight: Bool) async throws {
    let city = try await OperationsFixture()
    guard !isRight else {
      #expect(try await rule(city, ["labels": .text(labels)]).labels == labels)
      return
    }
    let refused = await #expect(throws: Refusal.self) { try await rule(city, ["labels": .text(labels)]) }
    #expect(refused?.code == "alarm-labels")
  }
}
