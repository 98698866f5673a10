import Access
import Addresses
import Core
import Foundation
import Jobs
import SQL
import Search

extension Deployment {
  /// The importer of this installation's division data and code rule.
  func addressImporter() -> AddressImporter {
    AddressImporter(
      database: database, classifier: AddressClassifier(gazetteer: gazetteer), pinyin: pinyin, clock: clock)
  }
}

extension Deployment {
  /// The base that addresses are matched against; reads addresses as the system, so whoever shows them asks for the
  /// reader's scope.
  func addressDirectory() -> AddressDirectory {
    AddressDirectory(
      database: owner, gazetteer: gazetteer, likeness: CharacterLikeness(pinyin: pinyin), clock: clock)
  }
}

/// An import that was started in the browser: the file as it was sent, and the run it fills.
struct AddressImportJob: JobPayload {
  static let kind = "address-import"

  let run: Int64
  let path: String
  let user: Int64
  let mapping: [AddressFile.Meaning: Int]

  init(run: Int64, path: String, user: Int64, mapping: [AddressFile.Meaning: Int]) {
    self.run = run
    self.path = path
    self.user = user
    self.mapping = mapping
  }

  init(json: JSON) throws {
    guard let run = json["run"]?.int, let path = json["path"]?.string, let user = json["user"]?.int else {
      throw Fault("job-payload", "address-import")
    }
    self.run = run
    self.path = path
    self.user = user
    var mapping: [AddressFile.Meaning: Int] = [:]
    for (name, column) in json["mapping"]?.object ?? [] {
      if let meaning = AddressFile.Meaning(rawValue: name), let column = column.int { mapping[meaning] = Int(column) }
    }
    self.mapping = mapping
  }

  var json: JSON {
    [
      "run": .int(run), "path": .string(path), "user": .int(user),
      "mapping": .object(mapping.map { ($0.key.rawValue, .int(Int64($0.value))) }.sorted { $0.0 < $1.0 }),
    ]
  }

  /// - Parameter principal: what the actor of an import may do now.
  static func register(
    in kinds: inout JobKinds, importer: AddressImporter, placing: AddressPlacing,
    principal: @escaping @Sendable (_ actor: Int64) async throws -> Principal
  ) {
    kinds.register(AddressImportJob.self) { payload, context in
      let actor = try await principal(payload.user)
      try actor.require(Permission("address", "import"), toDo: "导入标准地址")
      let file = try AddressFile(path: payload.path, mapping: payload.mapping.isEmpty ? nil : payload.mapping)
      let before = try await placing.newest()
      let counts = try await importer.run(payload.run, file, by: actor) { counts, fraction in
        try await context.report(
          done: Int64(fraction * 100), total: 100,
          message: "新建 \(counts.created)，匹配 \(counts.matched)，存疑 \(counts.doubtful)，拒绝 \(counts.rejected)")
      }
      _ = try await placing.run(by: actor, after: before)
      try? FileManager.default.removeItem(atPath: payload.path)
      return counts.json
    }
  }
}

extension AddressImportCounts {
  /// The four counts as the command line and the job's result give them.
  var json: JSON {
    ["created": .int(created), "matched": .int(matched), "doubtful": .int(doubtful), "rejected": .int(rejected)]
  }
}
