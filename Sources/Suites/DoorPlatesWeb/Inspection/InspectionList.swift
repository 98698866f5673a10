import Core
import DoorPlates
import Entities
import Geo
import HTML
import Shell

/// The addresses that wait for somebody, nearest first where the telephone says where it is.
struct InspectionList: HTMLConvertible {
  /// An address that waits.
  struct Task: Sendable {
    let id: Int64
    /// From the road or compound on, which is what somebody looks for in the street.
    let name: String
    let place: Coordinate?
    /// From where the telephone is; `nil` when either place is unknown.
    let metres: Double?
    let due: CivilDate?
    let isLate: Bool

    init(_ record: Record, from here: Coordinate?, today: CivilDate) {
      id = record.id
      let whole = record["full_name"].text ?? "地址"
      let start = record["road"].text.flatMap { whole.firstRange(of: $0)?.lowerBound } ?? whole.startIndex
      name = String(whole[start...])
      let place = record["place"].point
      self.place = place
      metres = here.flatMap { here in place.map { here.haversineDistance(to: $0) } }
      due = record["due_on"].date
      isLate = due.map { $0 < today } ?? false
    }

    var path: String { "/inspection/\(id)" }
    var detail: String {
      (due.map { isLate ? "已超期，期限 \($0)" : "期限 \($0)" } ?? "没有期限") + (place == nil ? " · 还没有登记位置" : "")
    }
    var distance: String? {
      metres.map { metres in
        let whole = Int(metres.rounded())
        return whole < 1000 ? "\(whole) 米" : "\(whole / 1000).\(whole % 1000 / 100) 公里"
      }
    }
  }

  let tasks: [Task]
  let waiting: Int
  let doneToday: Int
  let done: [Record]
  let doneTotal: Int
  let isByDistance: Bool
  let owner: Int64
  /// Whether the reader enters visits too.
  var mayVisit = false

  var progress: String { "待巡检 \(grouped(waiting)) 处，今天已巡检 \(grouped(doneToday)) 处" }

  var html: HTML {
    div(.class("stack"), .data("data-inspection"), .data("data-owner", String(owner))) {
      div(.class("outbox"), .data("data-outbox"), .role("status"), .hidden())
      ActionBar([
        Action(isByDistance ? "重新定位" : "离我最近的在前", .link("/inspection"), style: .primary, icon: .locate),
        Action("在地图上看", .link("/inspection/map"), icon: .map),
      ]).html
      Card("待巡检", count: .exact(waiting), isFlush: true) {
        if tasks.isEmpty {
          StateView.empty("没有待巡检的地址", "派出所派给您的地址会列在这里。", icon: .check)
        } else {
          ul(.class("nearby")) { for task in tasks { li { row(task) } } }
          if waiting > tasks.count { p(.class("field-help")) { "先列出 \(tasks.count) 处，完成后再列出其余的。" } }
        }
      }
      if mayVisit {
        p(.class("field-help")) {
          a(.href("/inspection/visit"), .data("data-take-along")) { "登记走访" }
          "：扫门牌，或按编码，没有网络时也可以填。"
        }
      }
      if !done.isEmpty {
        Card("最近完成", count: .exact(doneTotal), isFlush: true) {
          ul(.class("nearby")) { for record in done { li { row(record) } } }
        }
      }
    }
  }

  private func row(_ task: Task) -> HTML {
    a(.class("nearby-row"), .href(task.path), .data("data-take-along")) {
      task.isLate ? Icon.warning.html : Icon.address.html
      span(.class("nearby-text")) {
        span(.class("nearby-name")) { task.name }
        span(.class("nearby-detail")) { task.detail }
      }
      if let distance = task.distance { span(.class("nearby-distance number")) { distance } }
    }
  }

  private func row(_ record: Record) -> HTML {
    a(.class("nearby-row"), .href("/inspection/\(record.id)")) {
      record["result"].text == "confirmed" ? Icon.success.html : Icon.warning.html
      span(.class("nearby-text")) {
        span(.class("nearby-name")) { record["full_name"].text ?? "地址" }
        span(.class("nearby-detail")) {
          [record.titles["result"], record["received_at"].instant?.display].compactMap(\.self).joined(separator: " · ")
        }
      }
    }
  }
}
