import CZip
import Core
import Glibc

/// Writes a ZIP archive of parts given as bytes or as files.
///
/// Not `Sendable`: one task writes it. Without ``finish()`` nothing is left behind.
package final class ZipWriter {
  private var archive: OpaquePointer?

  /// - Throws: ``Fault`` `zip-unwritable`.
  package init(path: String) throws {
    var code: Int32 = 0
    guard let archive = zip_open(path, Int32(ZIP_CREATE | ZIP_TRUNCATE), &code) else {
      throw Fault("zip-unwritable", "\(path): \(code)")
    }
    self.archive = archive
  }

  deinit { if let archive { zip_discard(archive) } }

  /// - Throws: ``Fault`` `zip-unwritable`.
  package func add(_ name: String, _ bytes: [UInt8]) throws {
    // libzip reads sources when the archive is closed, and frees this one then.
    guard let copy = malloc(max(bytes.count, 1)) else { throw Fault("out-of-memory", "\(bytes.count) bytes") }
    bytes.withUnsafeBytes { if let base = $0.baseAddress { memcpy(copy, base, $0.count) } }
    guard let source = zip_source_buffer(archive, copy, zip_uint64_t(bytes.count), 1) else {
      free(copy)
      throw Fault("zip-unwritable", name)
    }
    try add(name, source)
  }

  /// Adds a file, which must stay until ``finish()``.
  ///
  /// - Throws: ``Fault`` `zip-unwritable`.
  package func add(_ name: String, file path: String) throws {
    guard let source = zip_source_file(archive, path, 0, -1) else { throw Fault("zip-unwritable", name) }
    try add(name, source)
  }

  private func add(_ name: String, _ source: OpaquePointer) throws {
    guard zip_file_add(archive, name, source, zip_flags_t(ZIP_FL_ENC_UTF_8)) >= 0 else {
      zip_source_free(source)
      throw Fault("zip-unwritable", name)
    }
  }

  /// - Throws: ``Fault`` `zip-unwritable`.
  package func finish() throws {
    guard zip_close(archive) == 0 else { throw Fault("zip-unwritable", "close") }
    archive = nil
  }
}

/// The parts of a ZIP archive that somebody sent, within bounds.
package struct ZipContents {
  private let archive: ZipArchive

  /// - Throws: ``Refusal`` `archive-broken`, `archive-too-large`, `archive-encrypted`, `file-missing`.
  package init(path: String, entries: Int = 200_000, bytes: Int = 4 << 30) throws {
    var limits = TableLimits()
    limits.archiveEntries = entries
    limits.archiveBytes = bytes
    archive = try ZipArchive(.file(path), limits: limits)
  }

  package var names: [String] { archive.names }

  /// The content of a part; `nil` when there is none of that name.
  ///
  /// - Throws: ``Refusal`` `archive-broken`.
  package func bytes(_ name: String) throws -> [UInt8]? {
    guard let entry = try archive.entry(name) else { return nil }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try chunk.withUnsafeMutableBytes { buffer in
        try buffer.baseAddress.map { try entry.read(into: $0, count: buffer.count) } ?? 0
      }
      if count == 0 { return bytes }
      bytes += chunk.prefix(count)
    }
  }
}
