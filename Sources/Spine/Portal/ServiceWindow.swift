import Access
import Core
package import Entities
package import Geo

/// A window that serves citizens (户政窗口), as anybody may know it (C-248).
package struct ServiceWindow: Sendable {
  package static let entity = "service_window"

  package let id: Int64
  package let name: String
  package let kind: String
  package let address: String
  package let phone: String
  package let weekdayHours: String
  package let saturdayHours: String?
  package let sundayHours: String?
  package let isOpenAtNoon: Bool
  /// Codes of `desk_window_service`.
  package let services: [String]
  package let serviceLabels: [String]
  package let isAccessible: Bool
  package let takesAppointment: Bool
  package let transit: String?
  package let notice: String?
  /// Whether it serves now, as far as nobody suspended it.
  package let isOpen: Bool
  package let place: Coordinate?
  package let unit: Int64?
  package let division: String
  package let region: String?
  /// Metres from whoever asks.
  package var distance: Double?

  init(_ record: Record, catalog: Catalog) {
    func text(_ field: String) -> String? { record[field].text.flatMap { $0.isEmpty ? nil : $0 } }
    id = record.id
    name = text("name") ?? ""
    kind = record.titles["kind"] ?? ""
    address = text("address") ?? ""
    phone = text("phone") ?? ""
    weekdayHours = text("weekday_hours") ?? ""
    saturdayHours = text("saturday_hours")
    sundayHours = text("sunday_hours")
    isOpenAtNoon = record["noon_open"].boolean ?? false
    services = record["services"].list ?? []
    let dictionary = catalog.dictionary("desk_window_service")
    serviceLabels = services.map { dictionary?.label(of: $0) ?? $0 }
    isAccessible = record["accessible"].boolean ?? false
    transit = text("transit")
    notice = text("notice")
    isOpen = text("state") == "open"
    takesAppointment = record["takes_appointment"].boolean == true && isOpen
    place = record["location"].point
    unit = record["unit_id"].integer
    division = text("division_code") ?? ""
    region = record.titles["division_code"]
  }
}

/// Reads windows for public pages.
package struct ServiceWindows: Sendable {
  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// All windows that were not closed for good, nearest first when a place is given.
  ///
  /// - Parameters:
  ///   - service: a code of `desk_window_service`; only windows that do it.
  ///   - text: in name or address.
  package func all(service: String? = nil, text: String = "", near place: Coordinate? = nil) async throws
    -> [ServiceWindow]
  {
    let query = ListQuery(
      ServiceWindow.entity, filters: [ListFilter("state", .oneOf([.text("open"), .text("suspended")]))],
      search: text.isEmpty ? nil : text, sort: [ListView.Sort(field: "code", descending: false)], columns: columns,
      limit: ListQuery.maximumLimit)
    var windows = try await store.records(as: .system).list(query).records.map {
      ServiceWindow($0, catalog: store.catalog)
    }
    if let service { windows = windows.filter { $0.services.contains(service) } }
    guard let place else { return windows }
    for index in windows.indices { windows[index].distance = windows[index].place.map { place.distance(to: $0) } }
    return windows.sorted { ($0.distance ?? .infinity, $0.id) < ($1.distance ?? .infinity, $1.id) }
  }

  /// A window that was not closed for good.
  ///
  /// - Throws: ``Refusal`` `window-missing`.
  package func one(_ id: Int64) async throws -> ServiceWindow {
    guard
      let window = try await known(id, [ListFilter("state", .oneOf([.text("open"), .text("suspended")]))])
    else { throw Refusal(.notFound, "window-missing", "没有找到这个窗口，可能已经撤销。请从窗口列表重新选择。") }
    return window
  }

  /// A window, whether it was closed since or not; `nil` for one that was never there.
  func known(_ id: Int64, _ filters: [ListFilter] = []) async throws -> ServiceWindow? {
    let query = ListQuery(
      ServiceWindow.entity, filters: [ListFilter("id", .equals(.integer(id)))] + filters, columns: columns, limit: 1)
    return try await store.records(as: .system).list(query).records.first.map {
      ServiceWindow($0, catalog: store.catalog)
    }
  }

  private var columns: [String]? {
    store.catalog.entity(ServiceWindow.entity)?.fields.filter(\.isStored).map(\.name)
  }
}
