package import Access
package import Audit
package import Core
package import Entities

/// Reports on many plates at once, by number or address code: what the maker has done, what was mounted.
///
/// Each line is carried out or refused for itself, with the permissions, scope and states of single plates.
package struct PlateReports: Sendable {
  /// What may be reported of a plate; the raw values are actions of the register.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case making, made, abnormal, install

    package var label: String {
      switch self {
      case .making: "制牌中"
      case .made: "已制牌"
      case .abnormal: "异常"
      case .install: "已安装"
      }
    }
  }

  package struct Line: Sendable {
    /// 门牌编号 or 地址编码.
    package let key: String
    package let kind: Kind
    /// Why it is abnormal.
    package let note: String

    package init(key: String, kind: Kind, note: String = "") {
      self.key = key
      self.kind = kind
      self.note = note
    }
  }

  /// What became of a line.
  package struct Outcome: Sendable {
    package let line: Line
    /// `nil` when it was carried out.
    package let refusal: Refusal?
  }

  package static let limit = 2000

  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// - Throws: ``Refusal`` `report-too-long`.
  package func take(_ lines: [Line], by principal: Principal, origin: Origin = .inside) async throws -> [Outcome] {
    guard lines.count <= PlateReports.limit else {
      throw Refusal(.tooLarge, "report-too-long", "一次最多反馈 \(PlateReports.limit) 块，没有改动。请分几次提交。")
    }
    let records = store.records(as: principal, origin: origin)
    var outcomes: [Outcome] = []
    for line in lines {
      do {
        let plate = try await plate(line, records)
        try await records.perform(
          line.kind.rawValue, on: DoorPlate.entity, plate, version: nil,
          asked: line.kind == .abnormal ? ["abnormal_note": .text(line.note)] : [:])
        outcomes.append(Outcome(line: line, refusal: nil))
      } catch let refusal as Refusal {
        outcomes.append(Outcome(line: line, refusal: refusal))
      }
    }
    return outcomes
  }

  /// The plate by its number, or the newest of an address code.
  private func plate(_ line: Line, _ records: Records) async throws -> Int64 {
    for field in ["number", "code"] {
      let query = ListQuery(
        DoorPlate.entity, filters: [ListFilter(field, .equals(.text(line.key)))],
        sort: [ListView.Sort(field: "applied_at", descending: true)], columns: ["number"], limit: 1)
      if let plate = try await records.list(query).records.first { return plate.id }
    }
    throw Refusal(.notFound, "plate-unknown", "没有编号或地址编码为“\(line.key.prefix(40))”的门牌，或它不在您的数据范围内。")
  }
}
