import Access
import Core
package import Documents
import Foundation

/// Stored papers as pictures, page by page: for viewers, thumbnails and measuring.
///
/// Pictures are unpacked in this process by libraries that browsers trust with the same; PDF is drawn by poppler in a
/// process of its own with a time limit, so that a hostile file takes nothing with it.
package struct PageImages: Sendable {
  let files: FileStore
  private let executor: ThreadExecutor

  package init(files: FileStore) {
    self.files = files
    executor = ThreadExecutor(name: "pictures")
  }

  /// Whether pages of such a file can be drawn here.
  package static func canDraw(_ file: StoredFile) -> Bool {
    ["image/jpeg", "image/png", "application/pdf"].contains(file.contentType)
  }

  /// Largest file that is drawn, in bytes.
  package static let maximumSize: Int64 = 64 << 20

  /// The number of pages; 1 for a picture.
  ///
  /// - Throws: ``Refusal`` `image-unsupported` for a PDF that cannot be read.
  package func pageCount(of file: StoredFile) async throws -> Int {
    guard file.contentType == "application/pdf" else { return 1 }
    return try await files.withPath(of: file) { path in
      let said = try await Poppler.run("pdfinfo", [path])
      guard let line = said.split(separator: "\n").first(where: { $0.hasPrefix("Pages:") }),
        let count = Int(line.dropFirst(6).filter(\.isNumber)), count > 0
      else { throw Poppler.unreadable }
      return count
    }
  }

  /// A page as a JPEG picture.
  ///
  /// - Parameters:
  ///   - page: from 1.
  ///   - longest: pixels of the longer side.
  ///   - quarters: clockwise quarter turns.
  ///   - watermark: what is drawn across it; `nil` for nothing.
  /// - Throws: ``Refusal`` `image-unsupported`, `image-too-large`, `page-missing`.
  package func jpeg(
    of file: StoredFile, page: Int, longest: Int, quarters: Int = 0, watermark: String? = nil
  ) async throws -> [UInt8] {
    let bytes = try await picture(of: file, page: page, longest: longest)
    return try await PictureWorker(executor).draw(bytes, longest, quarters, watermark)
  }

  /// A picture as it may be shown to others: upright, no larger than `longest`, without what the camera wrote into it
  /// (EXIF: device, time, place).
  ///
  /// - Throws: ``Refusal`` `image-unsupported` for anything but JPEG and PNG, `image-too-large`.
  package func stripped(_ bytes: [UInt8], longest: Int = 1920) async throws -> [UInt8] {
    try await PictureWorker(executor).draw(bytes, longest, 0, nil)
  }

  /// What somebody wrote, cut to its strokes (手写签名).
  ///
  /// - Throws: ``Refusal`` as ``SignaturePicture/init(_:)``.
  package func signature(_ bytes: [UInt8]) async throws -> SignaturePicture {
    try await PictureWorker(executor).signature(bytes)
  }

  /// What the pixels of a page say of its quality; the first page of a PDF unless another is named.
  package func measures(of file: StoredFile, page: Int = 1) async throws -> ImageMeasures {
    let bytes = try await picture(of: file, page: page, longest: 1600)
    return try await PictureWorker(executor).measure(bytes)
  }

  /// The file itself, or a page of a PDF as a JPEG picture.
  private func picture(of file: StoredFile, page: Int, longest: Int) async throws -> [UInt8] {
    guard PageImages.canDraw(file) else { throw Poppler.unreadable }
    guard file.size <= PageImages.maximumSize else {
      throw Refusal(.tooLarge, "image-too-large", "文件超过 64 MB，不能在线查看。请下载原件。")
    }
    guard file.contentType == "application/pdf" else {
      guard page == 1 else { throw PageImages.noPage }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(Int(file.size))
      try await files.read(file) { bytes += $0 }
      return bytes
    }
    return try await files.withPath(of: file) { path in
      let target = files.folder + "/spool/page-\(UUID().uuidString)"
      defer { try? FileManager.default.removeItem(atPath: target + ".jpg") }
      _ = try await Poppler.run(
        "pdftoppm",
        [
          "-jpeg", "-jpegopt", "quality=90", "-singlefile", "-f", "\(page)", "-l", "\(page)", "-scale-to",
          "\(longest)", path, target,
        ])
      guard let data = FileManager.default.contents(atPath: target + ".jpg"), !data.isEmpty else {
        throw PageImages.noPage
      }
      return Array(data)
    }
  }

  static let noPage = Refusal(.notFound, "page-missing", "这份文件没有这一页。请从第 1 页看起。")
}

/// Draws on a thread of its own, since a large picture takes tenths of a second.
private actor PictureWorker {
  private let executor: ThreadExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(_ executor: ThreadExecutor) { self.executor = executor }

  func draw(_ bytes: [UInt8], _ longest: Int, _ quarters: Int, _ watermark: String?) throws -> [UInt8] {
    var image = try RasterImage(bytes, longest: longest).fitted(longest).turned(quarters: quarters)
    if let watermark { image = try image.watermarked(watermark) }
    return try image.jpeg()
  }

  func signature(_ bytes: [UInt8]) throws -> SignaturePicture { try SignaturePicture(bytes) }

  func measure(_ bytes: [UInt8]) throws -> ImageMeasures { ImageMeasures(of: try RasterImage(bytes)) }
}

/// The programs of poppler, each run under a time limit.
enum Poppler {
  static let unreadable = Refusal(
    .unsupported, "image-unsupported", "这个文件不能在线查看：它已损坏、加了密码，或不是 JPEG、PNG、PDF。请下载原件查看。")

  /// What a program printed.
  ///
  /// - Throws: ``Refusal`` `image-unsupported` when it failed or took longer than 20 seconds.
  static func run(_ program: String, _ arguments: [String]) async throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
    process.arguments = ["--signal=KILL", "20", program] + arguments
    process.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    let status: Int32 = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch {
        process.terminationHandler = nil
        continuation.resume(throwing: Fault("program-not-started", "\(program): \(error)"))
      }
    }
    guard status == 0 else { throw unreadable }
    // Both programs print less than a pipe holds.
    return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }
}
