package import Access
import Core
package import Entities
import Identity
package import Messaging
import SQL

/// Catalogues of what was filed (归档目录, C-504): when the files of a unit's new archives have come to a declared number,
/// a catalogue is made of them and the unit's officers are told that it can be printed.
package struct ArchiveCatalogues: Sendable {
  package static let entity = "archive_catalogue"
  /// Who prints catalogues, and is told of them.
  package static let right = Permission(entity, "print")

  /// So many archives make a catalogue, however few files they have.
  static let largest: Int64 = 200

  let store: RecordStore
  let messages: MessageCenter
  let parameters: Parameters

  package init(store: RecordStore, messages: MessageCenter, parameters: Parameters) {
    self.store = store
    self.messages = messages
    self.parameters = parameters
  }

  private var threshold: Int64 { (try? parameters.integer("archive.catalogue_files")) ?? 100 }

  /// Makes what is due, at most one catalogue a unit; doing it twice changes nothing.
  ///
  /// - Returns: how many were made.
  package func gather() async throws -> Int {
    let threshold = threshold
    let units: [Int64] = try await store.database.transaction { transaction in
      try await transaction.pipeline([
        Archive.openScope,
        """
        select unit_id from archive where catalogue_id is null and state = 'archived'
        group by unit_id having sum(file_count) >= \(threshold) or count(*) >= \(ArchiveCatalogues.largest) order by 1
        """,
      ])[1].map { try $0.get("unit_id") }
    }
    var made = 0
    for unit in units {
      let isMade = try await store.database.transaction { try await make(unit, threshold, in: $0) }
      if isMade { made += 1 }
    }
    return made
  }

  /// False when another node was quicker.
  private func make(_ unit: Int64, _ threshold: Int64, in transaction: Transaction) async throws -> Bool {
    let rows = try await transaction.pipeline([
      "select pg_advisory_xact_lock(hashtextextended('archive_catalogue', \(unit)))", Archive.openScope,
      """
      select id, number, file_count, fonds, division_code from archive
      where unit_id = \(unit) and catalogue_id is null and state = 'archived'
      order by filed_at, id limit \(ArchiveCatalogues.largest)
      """,
    ])[2]
    var taken: [Int64] = []
    var (files, last): (Int64, String) = (0, "")
    for row in rows where files < threshold {
      taken.append(try row.get("id"))
      files += try row.get("file_count", as: Int64.self)
      last = try row.get("number")
    }
    guard let first = rows.first, files >= threshold || taken.count == Int(ArchiveCatalogues.largest) else {
      return false
    }
    let now = store.clock.now()
    let catalogue = try await store.records(as: .system, purpose: "生成归档目录").within(transaction).insert(
      ArchiveCatalogues.entity,
      [
        "unit_id": .integer(unit), "division_code": .text(try first.get("division_code")),
        "fonds": .text(try first.get("fonds")), "year": .integer(Int64(now.chinaTime.date.year)),
        "first_number": .text(try first.get("number")), "last_number": .text(last),
        "archive_count": .integer(Int64(taken.count)), "file_count": .integer(files), "made_at": .instant(now),
        "state": .text("ready"),
      ], input: .code)
    try await transaction.execute(
      """
      update archive set catalogue_id = \(catalogue.id), version = version + 1,
        updated_at = greatest(\(now), updated_at), updated_by = 0
      where id = any(\(taken))
      """)
    let holders = try await Responsibility(clock: store.clock).holders(
      of: ArchiveCatalogues.right, near: unit, limit: 50, in: transaction
    ).filter { $0.unit == unit }
    try await messages.send(
      "archive_catalogue_ready", to: holders.map { .user($0.user) },
      ["number": catalogue["number"].text ?? "", "archives": "\(taken.count)", "files": "\(files)"],
      link: "\(catalogue.id)", key: "archive-catalogue \(catalogue.id)", in: transaction)
    return true
  }
}
