import Core
import Crypto
import Documents
import Entities
import Files
import Glibc

/// A file that goes away with the last who knows it.
final class TemporaryFile: Sendable {
  let path: String

  /// - Parameter parent: is made when it is not there, and `spool` in it, which the file store's sweep keeps clean.
  /// - Throws: ``Fault`` `folder-unwritable`.
  init(in parent: String) throws {
    let folder = parent + "/spool"
    for folder in [parent, folder] where mkdir(folder, 0o700) != 0 && errno != EEXIST {
      throw Fault("folder-unwritable", "\(folder): errno \(errno)")
    }
    path = folder + "/" + RandomSource.system.token(bytes: 16)
  }

  deinit { unlink(path) }

  /// Hands the content to `body`, piece by piece.
  ///
  /// - Throws: ``Fault`` `file-unreadable`, and what `body` throws.
  func read(_ body: ([UInt8]) async throws -> Void) async throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault("file-unreadable", "open \(path): errno \(errno)") }
    defer { close(descriptor) }
    while true {
      var chunk = [UInt8](repeating: 0, count: 64 << 10)
      let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw Fault("file-unreadable", "read \(path): errno \(errno)")
      }
      if count == 0 { return }
      try await body(Array(chunk.prefix(count)))
    }
  }
}

/// A worksheet that is written batch by batch on a thread of its own, since compressing it takes a while.
actor WorksheetWriter {
  private let writer: TableWriter
  private let table: ExportTable
  nonisolated private let thread: ThreadExecutor

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// - Throws: ``Fault`` `xlsx-unwritable`.
  init(path: String, sheet: String, created: Instant, table: ExportTable) throws {
    self.table = table
    writer = try TableWriter(
      path: path, format: .xlsx(sheet: sheet, created: created), columns: table.fields.map { TableColumn($0.label) })
    thread = ThreadExecutor(name: "worksheet")
  }

  deinit { thread.stop() }

  func append(_ records: [Record]) throws {
    for record in records { try writer.append(table.cells(of: record)) }
  }

  func finish() throws { try writer.finish() }
}
