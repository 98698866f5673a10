import SQL
import TestSupport
import Testing

@Suite struct LoaderTests {
  struct Stop: Error {}

  @Test func concurrentLookupsAreMergedAndEachGetsItsOwnAnswer() async throws {
    let database = try await TestDatabase.make()
    try await database.execute("create table t (code text primary key, name text)")
    try await database.execute("insert into t select n::text, 'name ' || n from generate_series(0, 999) n")
    let queries = Counter()
    let loader = Loader<String, String>(database, maximumBatch: 100) { keys in
      queries.next()
      #expect(keys.count <= 100)
      #expect(Set(keys).count == keys.count)
      return "select code, name from t where code = any(\(keys))"
    } key: {
      try $0.get("code")
    } value: {
      try $0.get("name")
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<2000 {
        group.addTask {
          let found = try await loader.load(String(number % 1200))
          #expect(found == (number % 1200 < 1000 ? "name \(number % 1200)" : nil))
        }
      }
      try await group.waitForAll()
    }
    #expect(queries.value < 500)
  }

  @Test func aFailureReachesThoseOfItsBatchOnly() async throws {
    let loader = Loader<Int, Int>(maximumBatch: 1) { keys in
      if keys == [3] { throw Stop() }
      return [keys[0]: keys[0] * 2]
    }
    await withTaskGroup(of: Void.self) { group in
      for key in 0..<6 {
        group.addTask {
          if key == 3 {
            await #expect(throws: Stop.self) { try await loader.load(key) }
          } else {
            #expect((try? await loader.load(key)) == key * 2)
          }
        }
      }
    }
  }
}
