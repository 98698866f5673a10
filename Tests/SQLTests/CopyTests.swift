import Core
import SQL
import TestSupport
import Testing

@Suite struct CopyTests {
  struct Stop: Error {}

  static let columns = [
    "id", "small", "medium", "ratio", "amount", "name", "note", "at", "day", "flag", "doc", "tags", "numbers", "key",
    "raw", "place", "words",
  ]

  static let table: SQL = """
    create table t (id int8 primary key, small int2, medium int4, ratio float8, amount numeric(12, 2), name varchar(20),
      note text, at timestamptz, day date, flag boolean, doc jsonb, tags text[], numbers int4[], key uuid, raw bytea,
      place geometry(point, 4490), words tsvector)
    """

  /// EWKB of a point in EPSG:4490, little endian.
  static func point(_ x: Double, _ y: Double) -> [UInt8] {
    var bytes: [UInt8] = [1, 1, 0, 0, 0x20, 0x8A, 0x11, 0, 0]
    for value in [x, y] {
      bytes += (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    return bytes
  }

  static func values(_ id: Int) -> [SQLValue] {
    [
      .int(Int64(id)), .int(Int64(id % 100 - 50)), .int(Int64(id * 7)), .double(Double(id) / 3),
      .text("\(id).\(id % 10)5"), .text("名\(id)'"), id % 5 == 0 ? .null : .text("a\tb\\n\(id)\n\u{1}"),
      .instant(Instant(microseconds: Int64(id) * 1_234_567_891)), .date(CivilDate(daysSinceEpoch: id % 30000)),
      .bool(id % 2 == 0), .json(#"{"a": [\#(id), "x"]}"#), .textArray(["", "a,b", "{\"\\", "NULL", "甲\(id)"]),
      .intArray([Int64(id), -1]), .text("00000000-0000-4000-8000-" + String(String(id + 1_000_000_000_000).suffix(12))),
      .bytes([0, UInt8(id % 256), 255]), .bytes(point(107.5 + Double(id) / 1e6, 31.2)),
      .text(id % 9 == 0 ? "" : "'通川' 'a''b' 'c\\\\\(id)' 'a'"),
    ]
  }

  @Test(arguments: [CopyFormat.automatic, .text])
  func copiedRowsAreTheSameAsInsertedOnes(_ format: CopyFormat) async throws {
    let database = try await TestDatabase.make()
    try await database.execute(Self.table)
    try await database.execute("create table u (like t)")
    let list = SQL.join(Self.columns.map { "\(identifier: $0)" })
    let count = try await database.copyIn("t", columns: Self.columns, format: format) { writer in
      for id in 0..<200 { try await writer.row(Self.values(id)) }
    }
    #expect(count == 200)
    for id in 0..<200 { try await database.execute("insert into u (\(list)) values \(SQL.tuple(Self.values(id)))") }
    #expect(
      try await database.value("select count(*) from (select * from t except select * from u) d", as: Int.self) == 0)
    #expect(try await database.value("select count(*) from u", as: Int.self) == 200)
  }

  @Test func twoHundredThousandRowsArrive() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8, code text, n int4, at timestamptz)")
    let total = 200_000
    let count = try await database.copyIn("t", columns: ["id", "code", "n", "at"]) { writer in
      for id in 0..<total {
        try await writer.row { row in
          try row.append(id)
          try row.append("51170200\(id)")
          try row.append(id % 1000)
          if id % 10 == 0 { try row.appendNull() } else { try row.append(Instant(seconds: Int64(id))) }
        }
      }
    }
    #expect(count == total)
    let row = try #require(
      try await database.first("select count(*) as n, sum(id) as sum, count(at) as times, max(code) as code from t"))
    #expect(try row.get("n", as: Int.self) == total)
    #expect(try row.get("sum", as: Int.self) == total * (total - 1) / 2)
    #expect(try row.get("times", as: Int.self) == total * 9 / 10)
    #expect(try row.get("code", as: String.self) == "5117020099999")
  }

  @Test func aProducerThatThrowsLeavesNoRow() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    try await database.execute("create table t (id int8)")
    await #expect(throws: Stop.self) {
      try await database.copyIn("t", columns: ["id"]) { writer in
        for id in 0..<50_000 { try await writer.row(id) }
        throw Stop()
      }
    }
    #expect(try await database.value("select count(*) from t", as: Int.self) == 0)
  }

  @Test func aRefusedRowEndsTheCopyEarlyWithItsFailure() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    try await database.execute("create table t (id int8 check (id <> 100))")
    let failure = await #expect(throws: SQLFailure.self) {
      try await database.copyIn("t", columns: ["id"]) { writer in
        for id in 0..<20_000_000 { try await writer.row(id) }
        Issue.record("the writer should have been stopped")
      }
    }
    #expect(failure?.isCheckViolation == true)
    #expect(try await database.value("select count(*) from t", as: Int.self) == 0)
  }

  @Test func aValueThatDoesNotFitLeavesItsRowOutOnly() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int2, name text)")
    let count = try await database.copyIn("t", columns: ["id", "name"]) { writer in
      for id in [1, 70_000, 2] {
        do { try await writer.row(id, "n") } catch let fault as Fault { #expect(fault.code == "copy-type-mismatch") }
      }
      await #expect(throws: Fault.self) { try await writer.row(3) }
      await #expect(throws: Fault.self) { try await writer.row(3, "a", "b") }
      await #expect(throws: Refusal.self) { try await writer.row(3, "a\0b") }
    }
    #expect(count == 2)
    #expect(try await database.query("select id from t order by 1").values(as: Int.self) == [1, 2])
  }

  @Test(arguments: [CopyFormat.binary, .text])
  func rowsEncodedAheadArriveInTheirOrder(_ format: CopyFormat) async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8, place bigserial)")
    let numbers = Array(0..<5000)
    let count = try await database.copyIn("t", columns: ["id"], format: format) { writer in
      try await writer.row(-1)
      try await writer.rows(of: numbers) { number, row in try row.append(number) }
      try await writer.rows(of: []) { (number: Int, row) in try row.append(number) }
      try await writer.row(5000)
    }
    #expect(count == 5002)
    let ids = try await database.query("select id from t order by place").values(as: Int.self)
    #expect(ids == Array(-1...5000))
    await #expect(throws: Stop.self) {
      try await database.copyIn("t", columns: ["id"], format: format) { writer in
        try await writer.rows(of: numbers) { number, row in
          if number == 3000 { throw Stop() }
          try row.append(number)
        }
      }
    }
    #expect(try await database.value("select count(*) from t", as: Int.self) == 5002)
  }

  @Test func aTypeKnownByItsTextOnlyIsCopiedAsText() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8, span interval, range int8range, kind text)")
    try await database.copyIn("t", columns: ["id", "span", "range", "kind"]) { writer in
      try await writer.row(1, "2 days", "[1,5)", "a\\b")
    }
    let row = try #require(
      try await database.first("select span = '48:00'::interval as same, upper(range) as upper, kind from t"))
    #expect(try row.get("upper", as: Int.self) == 5)
    #expect(try row.get("kind", as: String.self) == "a\\b")
  }

  @Test func enumerationsAndDomainsAreCopied() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create type colour as enum ('红', '蓝')")
    try await database.execute("create domain code as varchar(12) check (value <> '')")
    try await database.execute("create table t (c colour, d code)")
    try await database.copyIn("public.t", columns: ["d", "c"]) { try await $0.row("511702", "蓝") }
    #expect(try await database.value("select c::text || d from t", as: String.self) == "蓝511702")
    let failure = await #expect(throws: SQLFailure.self) {
      try await database.copyIn("t", columns: ["nope"]) { try await $0.row("x") }
    }
    #expect(failure?.sqlState == "42703")
  }

  @Test func rawBytesGoInAndComeOut() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    try await database.execute("create table t (id int8, name text)")
    let csv = Array("id,name\n1,\"a,\"\"b\nc\"\n2,里坊\n".utf8)
    try await database.copyIn("t", columns: ["id", "name"], format: .csv(header: true)) { writer in
      for start in stride(from: 0, to: csv.count, by: 5) {
        try await writer.write(csv[start..<min(start + 5, csv.count)])
      }
    }
    var bytes: [UInt8] = []
    let count = try await database.copyOut("select * from t where name <> \("x'; drop table t; --\\") order by id") {
      bytes += $0
    }
    #expect(count == 2)
    #expect(bytes == csv)
  }

  @Test func everyLiteralReadsBackAsItself() async throws {
    let database = try await TestDatabase.make()
    for value in Self.values(7) + ValueTests.hostile.map({ .text($0) }) + [.null] {
      var bytes: [UInt8] = []
      let cast: SQL = if case .text = value { "::text" } else { "" }
      try await database.copyOut(
        "select (\(value)\(cast)) is not distinct from (\(value)\(cast)) as same", format: .csv(header: false)
      ) {
        bytes += $0
      }
      #expect(bytes == Array("t\n".utf8))
    }
    for text in ValueTests.hostile {
      var bytes: [UInt8] = []
      try await database.copyOut("select encode(convert_to(\(text)::text, 'UTF8'), 'hex')", format: .text) {
        bytes += $0
      }
      let hex = text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      #expect(String(decoding: bytes, as: UTF8.self).filter { $0 != "\n" && $0 != "\\" && $0 != "n" } == hex)
    }
  }

  @Test func aReaderThatThrowsStopsTheServer() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    await #expect(throws: Stop.self) {
      try await database.copyOut("select generate_series(1, 1000000000)", format: .text) { _ in throw Stop() }
    }
    #expect(try await database.value("select 1", as: Int.self) == 1)
  }

  @Test func aCopyMayTakeLongerThanAStatement() async throws {
    let database = try await TestDatabase.make {
      $0.maximumConnections = 1
      $0.statementTimeout = .milliseconds(100)
    }
    try await database.execute("create table t (id int8)")
    let count = try await database.copyIn("t", columns: ["id"]) { writer in
      let start = ContinuousClock.now
      while ContinuousClock.now - start < .milliseconds(300) {
        try await writer.row(1)
        try await writer.flush()
      }
    }
    #expect(count > 0)
    let failure = await #expect(throws: SQLFailure.self) { try await database.query("select pg_sleep(600)") }
    #expect(failure?.isCancelled == true)
  }

  @Test func copiesTakePartInTransactions() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (id int8)")
    await #expect(throws: Stop.self) {
      try await database.transaction { transaction in
        try await transaction.copyIn("t", columns: ["id"]) { try await $0.row(1) }
        #expect(try await transaction.value("select count(*) from t", as: Int.self) == 1)
        throw Stop()
      }
    }
    #expect(try await database.value("select count(*) from t", as: Int.self) == 0)
    try await database.transaction { transaction in
      for id in 0..<3 { try await transaction.copyIn("t", columns: ["id"]) { try await $0.row(id) } }
    }
    #expect(try await database.value("select count(*) from t", as: Int.self) == 3)
  }
}
