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

  /// Of a file that is no picture that anybody could read.
  package static let unreadable = FileMeasure(
    pages: nil, width: nil, height: nil, brightness: nil, sharpness: nil, ink: nil)

  package init(pages: Int?, width: Int?, height: Int?, brightness: Double?, sharpness: Double?, ink: Double?) {
    self.pages = pages
    self.width = width
    self.height = height
    self.brightness = brightness
    self.sharpness = sharpness
    self.ink = ink
  }
}

/// Measures papers: in the background, a few at a time, and at once when somebody has just uploaded one.
package struct FileMeasures: Sendable {
  let images: PageImages
  package let report: @Sendable (any Error) -> Void

  /// Seconds until a file is tried again that could not be measured or judged for a reason that is not its own.
  private static let pause: Int64 = 600
  /// So many tries, then it counts as unreadable.
  private static let tries = 3

  /// - Parameter report: is told of what went wrong with a file while others went on.
  package init(_ images: PageImages, report: @escaping @Sendable (any Error) -> Void = { _ in }) {
    self.images = images
    self.report = report
  }

  /// Files that could not be measured for a reason that is not their own, such as a disk that does not answer.
  package static let delays = Migration(
    id: "0033-file-measure-delays",
    sql: """
      create table file_measure_delay (
        key text collate "C" primary key references file_reference on delete cascade,
        tries bigint not null,
        until timestamptz not null
      );
      comment on table file_measure_delay is '影像量测推迟';
      """)

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
  /// A file that breaks while it is read counts as measured and unreadable, so that it is not tried for ever. What fails
  /// for another reason waits, and holds up no other file.
  package func measurePending(of entity: String, limit: Int = 20) async throws -> [Measured] {
    let files = images.files
    let rows = try await files.database.query(
      """
      select r.key, r.object_id, r.record_id from file_reference r join file_object o on o.id = r.object_id
      where r.entity = \(entity) and r.attached_at is not null and r.released_at is null
        and o.content_type in ('image/jpeg', 'image/png', 'application/pdf')
        and not exists (select 1 from file_judged j where j.key = r.key)
        and not exists (select 1 from file_measure_delay d where d.key = r.key and d.until > \(files.clock.now()))
      order by r.attached_at limit \(limit)
      """)
    var measured: [Measured] = []
    for row in rows {
      let key: String = try row.get("key")
      let object: Int64 = try row.get("object_id")
      let measure: FileMeasure
      do {
        measure = try await taken(object, key)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        guard try await postpone(key, because: error) else { continue }
        measure = .unreadable
        try await keep(measure, of: object)
      }
      measured.append(Measured(key: key, record: try row.get("record_id"), measure: measure))
    }
    return measured
  }

  /// What a stored file measures, found out now unless it is known.
  ///
  /// - Throws: ``Refusal`` `file-missing`, ``Fault``.
  package func measure(_ key: String) async throws -> FileMeasure {
    let row = try await images.files.database.query("select object_id from file_reference where key = \(key)").first
    guard let object: Int64 = try row?.get("object_id") else { return .unreadable }
    return try await taken(object, key)
  }

  private func taken(_ object: Int64, _ key: String) async throws -> FileMeasure {
    if let known = try await known(object) { return known }
    let measure = try await measure(try await images.files.find(key))
    try await keep(measure, of: object)
    return measure
  }

  private func keep(_ measure: FileMeasure, of object: Int64) async throws {
    let files = images.files
    try await files.database.execute(
      """
      insert into file_measure (object_id, measured_at, pages, width, height, brightness, sharpness, ink)
      values (\(object), \(files.clock.now()), \(measure.pages), \(measure.width), \(measure.height),
        \(measure.brightness), \(measure.sharpness), \(measure.ink))
      on conflict (object_id) do nothing
      """)
  }

  /// Lets a file wait that something went wrong with, and tells of it.
  ///
  /// - Returns: whether it has been tried often enough.
  package func postpone(_ key: String, because error: any Error) async throws -> Bool {
    report(error)
    let files = images.files
    let tries: Int64? = try await files.database.query(
      """
      insert into file_measure_delay as d (key, tries, until) values (\(key), 1, \(files.clock.now() + FileMeasures.pause))
      on conflict (key) do update set tries = d.tries + 1, until = \(files.clock.now() + FileMeasures.pause)
      returning tries
      """
    ).first?.get("tries")
    return (tries ?? 0) >= FileMeasures.tries
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
      return .unreadable
    }
  }
}
