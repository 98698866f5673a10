import Access
import Core
import DemoCity
import Entities
import SQL

/// What the scan pages of the demo city offer (便民服务): the numbers that hold in all of China, and a way to the city's
/// own service hall.
enum DemoServices {
  private struct Service {
    let name: String
    let group: String
    let summary: String
    let phone: String
  }

  private static let services = [
    Service(name: "报警", group: "police", summary: "遇到危险、违法犯罪", phone: "110"),
    Service(name: "火警", group: "police", summary: "火灾与抢险救援", phone: "119"),
    Service(name: "急救", group: "health", summary: "医疗急救", phone: "120"),
    Service(name: "交通事故", group: "transport", summary: "道路交通事故报警", phone: "122"),
    Service(name: "12345 热线", group: "report", summary: "咨询、投诉与建议", phone: "12345"),
    Service(name: "供电服务", group: "life", summary: "停电报修", phone: "95598"),
    Service(name: "法律援助", group: "government", summary: "公共法律服务", phone: "12348"),
    Service(name: "医保咨询", group: "health", summary: "参保与报销", phone: "12393"),
  ]

  static func load(_ city: DemoCity, _ store: RecordStore, in transaction: Transaction) async throws {
    let records = store.records(as: .system).within(transaction)
    for (index, service) in services.enumerated() {
      try await records.insert(
        "service_link",
        [
          "name": .text(service.name), "group": .text(service.group), "summary": .text(service.summary),
          "target": .text("phone"), "phone": .text(service.phone), "position": .integer(Int64(index + 1) * 10),
          "status": .text("on"),
        ], input: .code)
    }
  }
}
