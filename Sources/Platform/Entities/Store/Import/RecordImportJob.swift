package import Access
package import Core
import Documents
package import Files
package import Jobs

/// An import that runs beside the requests: it reports progress, can be cancelled, and goes on after a crash.
package struct RecordImportJob: JobPayload {
  package static let kind = "record-import"

  /// The register that is filled, so that whoever shows the job can lead to its result.
  package let entity: String
  /// The id of the ``ImportRun``.
  package let run: Int64
  /// The key of the uploaded file.
  package let file: String
  /// The worksheet, for XLSX; `nil` takes the first visible one.
  package let sheet: String?

  package init(entity: String, run: Int64, file: String, sheet: String? = nil) {
    self.entity = entity
    self.run = run
    self.file = file
    self.sheet = sheet
  }

  package init(json: JSON) throws {
    guard let entity = json["entity"]?.string, let run = json["run"]?.int, let file = json["file"]?.string else {
      throw Fault("import-job", json.text)
    }
    self.init(entity: entity, run: run, file: file, sheet: json["sheet"]?.string)
  }

  package var json: JSON {
    [
      "entity": .string(entity), "run": .int(run), "file": .string(file), "sheet": sheet.map { .string($0) } ?? .null,
    ]
  }
}

extension RecordStore {
  /// Enters an import and queues its job, both or neither.
  ///
  /// - Returns: the ids of the job and of the run, whose outcomes ``Records/importOutcomes(_:results:after:limit:)``
  ///   reads.
  package func queueImport(
    _ spec: ImportSpec, of file: StoredFile, sheet: String? = nil, by principal: Principal, on queue: JobQueue
  ) async throws -> (job: Int64, run: Int64) {
    try await transaction(as: principal) { records in
      let run = try await RecordImporter(records, spec).begin()
      let job = try await queue.add(
        RecordImportJob(entity: spec.entity, run: run.id, file: file.key, sheet: sheet), label: "导入\(spec.label)",
        by: principal,
        in: records.transaction)
      return (job, run.id)
    }
  }

  /// Lets `kinds` run ``RecordImportJob``.
  ///
  /// - Parameter principal: who the actor of an import is now; rights that were taken away meanwhile stop the import.
  package func registerImports(
    in kinds: inout JobKinds, files: FileStore,
    principal: @escaping @Sendable (_ actor: Int64) async throws -> Principal
  ) {
    kinds.register(RecordImportJob.self) { payload, context in
      let system = self.records(as: .system)
      let held = try await system.importRun(payload.run)
      let records = self.records(as: try await principal(held.startedBy))
      let importer = try RecordImporter(records, held.spec)
      let file = try await files.find(payload.file)
      let done = try await files.withPath(of: file) { path in
        let reader = try TableReader(.file(path), sheet: payload.sheet)
        return try await importer.run(
          held,
          committing: { run, transaction in
            try await context.checkpoint(
              ["row": .int(Int64(run.lastRow))], done: Int64(run.tally.total), in: transaction)
          },
          progress: { run in
            // The share of the file that was read tells how many rows there will be.
            let share = reader.fractionRead
            let total = share > 0.01 ? Int64(Double(run.tally.total) / share) : nil
            try await context.report(
              done: Int64(run.tally.total), total: run.isFinished ? Int64(run.tally.total) : total)
          },
          next: { try reader.next().map { ImportRow(number: $0.number, cells: $0.cells) } })
      }
      return done.tally.json
    }
  }
}
