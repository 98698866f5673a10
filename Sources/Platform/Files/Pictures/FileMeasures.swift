import Core
import Documents
package import SQL

/// What measuring has found out of a stored paper (影像量测); each content is measured once.
package struct FileMeasure: Sendable, Hashable {
  package let pages: Int?
  /// `nil` when the file could not be read as a picture.
  package let width: Int?
  package let height: Int?
  package let brightness: Double?
  package let sharpness: Double?
  /// The share of the page with something on it, in thousandths.
  package let ink: Double?

  package init(pages: Int?, width: Int?, height: Int?, brightness: Double?, sharpness: Double?, ink: Double?) {
    self.pages = pages
    self.width = width
    self.height = height
    self.brightness = brightness
    self.sharpness = sharpness
    self.ink = ink
  }
}

/// Measures papers in the background, a few at a time.
package struct FileMeasures: Sendable {
  let images: PageImages

  package init(_ images: PageImages) { self.images = images }

  package static let migration = Migration(
    id: "0032-file-measures",
    sql: """
      create table file_measure (
        object_id bigint primary key references file_object on delete cascade,
        measured_at timestamptz not null,
        pages integer,
        width integer,
        height integer,
        brightness double precision,
        sharpness double precision,
        ink double precision
      );
      comment on table file_measure is '影像量测';
      -- Uses of a content that have been judged by its measures.
      create table file_judged (key text collate "C" primary key references file_reference on delete cascade);
      """)

  /// A file that belongs to a record, and what it measures.
  package struct Measured: Sendable {
    package let key: String
    package let record: Int64
    package let measure: FileMeasure
  }

  /// Files of records of a register that nobody has judged yet, at most `limit`; each content is measured once.
  ///
  /// A file that breaks while it is read counts as measured and unreadable, so that it is not tried for ever.
  package func measurePending(of entity: String, limit: Int = 20) async throws -> [Measured] {
    let files = images.files
    let rows = try await files.database.query(
      """
      select r.key, r.object_id, r.record_id from file_reference r join file_object o on o.id = r.object_id
      where r.entity = \(entity) and r.attached_at is not null and r.released_at is null
        and o.content_type in ('image/jpeg', 'image/png', 'application/pdf')
        and not exists (select 1 from file_judged j where j.key = r.key)
      order by r.attached_at limit \(limit)
      """)
    var measured: [Measured] = []
    for row in rows {
      let key: String = try row.get("key")
      let object: Int64 = try row.get("object_id")
      let measure: FileMeasure
      if let known = try await known(object) {
        measure = known
      } else {
        measure = try await self.measure(try await files.find(key))
        try await files.database.execute(
          """
          insert into file_measure (object_id, measured_at, pages, width, height, brightness, sharpness, ink)
          values (\(object), \(files.clock.now()), \(measure.pages), \(measure.width), \(measure.height),
            \(measure.brightness), \(measure.sharpness), \(measure.ink))
          on conflict (object_id) do nothing
          """)
      }
      measured.append(Measured(key: key, record: try row.get("record_id"), measure: measure))
    }
    return measured
  }

  private func known(_ object: Int64) async throws -> FileMeasure? {
    try await images.files.database.query(
      "select pages, width, height, brightness, sharpness, ink from file_measure where object_id = \(object)"
    ).first.map { row in
      FileMeasure(
        pages: try row.get("pages"), width: try row.get("width"), height: try row.get("height"),
        brightness: try row.get("brightness"), sharpness: try row.get("sharpness"), ink: try row.get("ink"))
    }
  }

  /// Notes that a use has been judged, in the transaction of the judgement.
  package static func markJudged(_ key: String, in transaction: Transaction) async throws {
    try await transaction.execute("insert into file_judged (key) values (\(key)) on conflict do nothing")
  }

  private func measure(_ file: StoredFile) async throws -> FileMeasure {
    do {
      let pages = try await images.pageCount(of: file)
      let seen = try await images.measures(of: file)
      return FileMeasure(
        pages: pages, width: seen.width, height: seen.height, brightness: seen.brightness,
        sharpness: seen.sharpness, ink: seen.ink * 1000)
    } catch is Refusal {
      return FileMeasure(pages: nil, width: nil, height: nil, brightness: nil, sharpness: nil, ink: nil)
    }
  }
}
