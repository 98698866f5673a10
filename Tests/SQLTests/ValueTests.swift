import Core
import SQL
import TestSupport
import Testing

@Suite struct ValueTests {
  static let hostile = [
    "", "'", "''", "\\'", "'; drop table victim; --", "$1", "$$", "\" or 1=1 --", "\\", "\\\\'", "%_", "\u{1}\u{7F}",
    "张三'",
    "𠮷野家", "e\u{301}", "{\"a\":1}", "{a,b}", "NULL", "null", "\n\r\t", String(repeating: "长", count: 70_000),
  ]

  @Test func hostileTextsComeBackUnchangedAndHarmNothing() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table victim (id int8 primary key, text text)")
    for (id, text) in Self.hostile.enumerated() {
      // Twice, since the second time takes the prepared path.
      for round in 0..<2 {
        try await database.execute(
          "insert into victim values (\(id), \(text)) on conflict (id) do update set text = excluded.text")
        let found = try await database.first("select id, text from victim where text = \(text)")
        #expect(try found?.get("id", as: Int.self) == id, "round \(round)")
        #expect(try found?.get("text", as: String.self) == text)
      }
    }
    let array = try await database.value("select array_agg(text order by id) from victim", as: [String].self)
    #expect(array == Self.hostile)
    let same = try await database.value(
      "select count(*) from victim where text = any(\(Self.hostile))", as: Int.self)
    #expect(same == Self.hostile.count)
  }

  @Test func aNullCharacterIsRefusedBeforeAnythingIsSent() async throws {
    let database = try await TestDatabase.make()
    for sql: SQL in ["select \("a\0b")", "select \(["a", "b\0"])"] {
      let error = await #expect(throws: Refusal.self) { try await database.query(sql) }
      #expect(error?.code == "text-has-null-character")
    }
    #expect(try await database.value("select \("ok")", as: String.self) == "ok")
  }

  @Test func everyTypeRoundTrips() async throws {
    let database = try await TestDatabase.make()
    var random = SeededRandom(seed: 44)
    func same<Value: SQLEncodable & SQLDecodable & Equatable & Sendable>(
      _ values: [Value], _ cast: SQL
    ) async throws {
      for value in values {
        let row = try #require(
          try await database.first("select \(value)::\(cast) as a, \(value.sqlValue)::\(cast) as b"))
        #expect(try row.get("a") == value)
        // PostgreSQL writes a JSON document in its own way.
        if !(value is JSON) { #expect(try row.value(at: 1) == value.sqlValue) }
      }
    }
    let integers = (0..<50).map { _ in Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...63) }
    try await same([0, 1, -1, .max, .min] + integers, "int8")
    try await same([0, -32768, 32767], "int2" as SQL)
    try await same([Int(Int32.min), Int(Int32.max)], "int4")
    let doubles = (0..<50).map { _ in Double(bitPattern: .random(in: 0...UInt64.max, using: &random)) }
    try await same([0, -0.5, .infinity, 1e-300, .pi] + doubles.filter { !$0.isNaN }, "float8")
    try await same([0.5, -1.25], "float4")
    try await same([true, false], "bool")
    try await same(["", "城市", "'"], "text")
    try await same(["", "城市"], "varchar")
    let instants = (0..<50).map { _ in
      Instant(microseconds: .random(in: -60_000_000_000_000_000...9_000_000_000_000_000))
    }
    try await same(instants + [Instant(microseconds: .max), Instant(microseconds: .min)], "timestamptz")
    let dates = (0..<100).map { _ in CivilDate(daysSinceEpoch: .random(in: -719_162...2_932_896)) }
    try await same(dates, "date")
    let bytes = (0..<20).map { size in (0..<size * size).map { _ in UInt8.random(in: 0...255, using: &random) } }
    try await same(bytes, "bytea")
    try await same([[], ["a", "", "b,c", "{\"}", "NULL"]], "text[]")
    try await same([[], [1, .min, .max]] as [[Int64]], "int8[]")
    try await same([1, "x", ["k": [true, nil, 1.5]]] as [JSON], "jsonb")
    try await same([Int?.none, 5], "int8")
  }

  static let numbers = [
    "0", "0.00", "1", "-1", "12.50", "-0.0001", "10000", "100000000", "9999.9999", "1000000000000",
    "123456789012345678901234567890.123456789", "0.00000000000000000001", "-99990000.00010000", "NaN", "Infinity",
    "-Infinity",
  ]

  @Test func numericIsReadExactly() async throws {
    let database = try await TestDatabase.make()
    let random = (0..<200).map { _ in
      "\(Int.random(in: -9_999_999_999...9_999_999_999)).\(String(Int.random(in: 0...99_999)))"
    }
    for text in Self.numbers + random {
      let row = try #require(
        try await database.first("select \(text)::numeric as number, (\(text)::numeric)::text as text"))
      #expect(try row.get("number", as: String.self) == row.get("text", as: String.self))
      #expect(try row.value(at: 0) == .text(row.get("text")))
    }
  }

  @Test func otherTypesAreRead() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create type colour as enum ('红', '蓝')")
    let row = try #require(
      try await database.first(
        """
        select 'd0a1b2c3-0000-4fff-8000-00000000abcd'::uuid as uuid, '蓝'::colour as colour, 7::numeric as whole,
          'abc'::char(5) as padded, 'n'::name as name, '{"a": 1}'::json as json, '{1,2}'::int4[] as small,
          timestamp '2026-11-21 14:05' as zoneless,
          st_setsrid(st_makepoint(107.5, 31.2), 4490) as point, st_asewkb(st_setsrid(st_makepoint(107.5, 31.2), 4490)) as ewkb
        """))
    #expect(try row.get("uuid", as: String.self) == "d0a1b2c3-0000-4fff-8000-00000000abcd")
    #expect(try row.get("colour", as: String.self) == "蓝")
    #expect(try row.get("whole", as: Int.self) == 7)
    #expect(try row.get("padded", as: String.self) == "abc  ")
    #expect(try row.get("json", as: JSON.self) == ["a": 1])
    #expect(try row.get("small", as: [Int].self) == [1, 2])
    #expect(try row.get("zoneless", as: Instant.self) == Instant("2026-11-21 14:05"))
    #expect(try row.get("point", as: [UInt8].self) == row.get("ewkb", as: [UInt8].self))
  }

  @Test func aWrongTypeOrNullIsAFaultThatNamesTheColumn() async throws {
    let database = try await TestDatabase.make()
    let row = try #require(try await database.first("select 1 as number, null::text as nothing"))
    #expect(throws: DecodingFailure.self) { try row.get("number", as: String.self) }
    #expect(throws: DecodingFailure.self) { try row.get("nothing", as: String.self) }
    #expect(throws: DecodingFailure.self) { try row.get("missing", as: Int.self) }
    #expect(try row.get("nothing", as: String?.self) == nil)
  }

  @Test func aNullAndAValueOfTheSameParameterMayAlternate() async throws {
    let database = try await TestDatabase.make { $0.maximumConnections = 1 }
    try await database.execute("create table t (id int4, name varchar(9), at timestamptz)")
    for round in 0..<6 {
      let id: Int? = round % 2 == 0 ? nil : round
      let name: String? = round % 3 == 0 ? nil : "n\(round)"
      let at: Instant? = round % 2 == 1 ? nil : Instant(seconds: Int64(round))
      try await database.execute("insert into t values (\(id), \(name), \(at))")
    }
    let rows = try await database.query("select id, name, at from t order by coalesce(id, 0), at")
    #expect(try rows.values(of: "id", as: Int?.self) == [nil, nil, nil, 1, 3, 5])
    #expect(try rows.values(of: "name", as: String?.self) == [nil, "n2", "n4", "n1", nil, "n5"])
  }
}
