import CZip
import Core
import Glibc

/// A ZIP archive opened for reading, checked against bombs before any part of it is unpacked.
///
/// Not `Sendable`: libzip keeps one file position for all entries.
final class ZipArchive {
  private let archive: OpaquePointer
  private let limits: TableLimits

  /// - Throws: ``Refusal`` `archive-broken`, `archive-too-large`, `archive-encrypted`; ``Fault``.
  init(_ source: ByteSource, limits: TableLimits) throws {
    self.limits = limits
    archive = try ZipArchive.open(source)
    try check()
  }

  deinit { zip_discard(archive) }

  private static func open(_ source: ByteSource) throws -> OpaquePointer {
    switch source {
    case .file(let path):
      var code: Int32 = 0
      if let archive = zip_open(path, Int32(ZIP_RDONLY), &code) { return archive }
      if code == ZIP_ER_NOENT { throw Refusal(.notFound, "file-missing", "找不到这个文件，它可能已被清理。请重新上传。") }
      throw broken
    case .bytes(let bytes):
      var failure = zip_error_t()
      zip_error_init(&failure)
      defer { zip_error_fini(&failure) }
      guard let copy = malloc(max(bytes.count, 1)) else { throw Fault("out-of-memory", "\(bytes.count) bytes") }
      bytes.withUnsafeBytes { if let base = $0.baseAddress { memcpy(copy, base, $0.count) } }
      guard let buffer = zip_source_buffer_create(copy, zip_uint64_t(bytes.count), 1, &failure) else {
        free(copy)
        throw Fault("zip-source", "code \(failure.zip_err)")
      }
      guard let archive = zip_open_from_source(buffer, Int32(ZIP_RDONLY), &failure) else {
        zip_source_free(buffer)
        throw broken
      }
      return archive
    }
  }

  private func check() throws {
    let count = zip_get_num_entries(archive, 0)
    guard count >= 0, count <= limits.archiveEntries else { throw ZipArchive.tooLarge }
    var total: UInt64 = 0
    for index in 0..<UInt64(count) {
      var entry = zip_stat_t()
      guard zip_stat_index(archive, index, 0, &entry) == 0 else { throw ZipArchive.broken }
      if entry.valid & UInt64(ZIP_STAT_ENCRYPTION_METHOD) != 0, entry.encryption_method != ZIP_EM_NONE {
        throw Refusal(.unsupported, "archive-encrypted", "文件加了密码，无法读取。请去掉密码后重新上传。")
      }
      let (sum, overflow) = total.addingReportingOverflow(entry.size)
      total = sum
      let ratio = entry.size / max(entry.comp_size, 1)
      guard !overflow, total <= limits.archiveBytes, entry.size < 1 << 20 || ratio <= limits.compressionRatio else {
        throw ZipArchive.tooLarge
      }
    }
  }

  /// The names of all parts.
  var names: [String] {
    (0..<UInt64(max(0, zip_get_num_entries(archive, 0)))).compactMap { index in
      zip_get_name(archive, index, 0).map { String(cString: $0) }
    }
  }

  func contains(_ name: String) -> Bool { zip_name_locate(archive, name, zip_flags_t(ZIP_FL_NOCASE)) >= 0 }

  /// Opens a part, or returns `nil` when the archive has none of that name.
  func entry(_ name: String) throws -> ZipEntry? {
    let index = zip_name_locate(archive, name, zip_flags_t(ZIP_FL_NOCASE))
    guard index >= 0 else { return nil }
    var status = zip_stat_t()
    guard zip_stat_index(archive, UInt64(index), 0, &status) == 0,
      let file = zip_fopen_index(archive, UInt64(index), 0)
    else { throw ZipArchive.broken }
    return ZipEntry(file: file, size: Int(clamping: status.size), limit: limits.archiveBytes, archive: self)
  }

  static let broken = Refusal(.invalid, "archive-broken", "文件已损坏或不是 XLSX 表格，无法读取。请用表格软件打开并另存后重新上传。")
  static let tooLarge = Refusal(.tooLarge, "archive-too-large", "文件解压后过大，已停止读取。请拆分成几个文件分别上传。")
}

/// One part of an archive, unpacked as it is read.
final class ZipEntry {
  private let file: OpaquePointer
  private let limit: Int
  private let archive: ZipArchive
  private(set) var read = 0
  /// The unpacked size that the archive declares; what is really read may differ, so it is counted too.
  let size: Int

  init(file: OpaquePointer, size: Int, limit: Int, archive: ZipArchive) {
    self.file = file
    self.size = size
    self.limit = limit
    self.archive = archive
  }

  deinit { zip_fclose(file) }

  /// Fills at most `count` bytes; 0 means the end.
  func read(into target: UnsafeMutableRawPointer, count: Int) throws -> Int {
    let filled = zip_fread(file, target, zip_uint64_t(count))
    guard filled >= 0 else { throw ZipArchive.broken }
    read += Int(filled)
    guard read <= limit else { throw ZipArchive.tooLarge }
    return Int(filled)
  }
}
