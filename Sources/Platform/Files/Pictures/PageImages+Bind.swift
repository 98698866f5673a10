import Core
import Foundation

extension PageImages {
  /// One PDF of many, in their order, made one after another so that never more than one is in memory (装订).
  ///
  /// - Parameter part: makes the PDF at a place, from 0.
  /// - Throws: ``Refusal`` `image-unsupported`; ``Fault`` when the spool cannot be written.
  package nonisolated(nonsending) func bound(
    _ count: Int, _ part: nonisolated(nonsending) (Int) async throws -> [UInt8]
  ) async throws -> [UInt8] {
    let folder = files.folder + "/spool/bind-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var names: [String] = []
    for index in 0..<count {
      let name = "\(folder)/\(index).pdf"
      try Data(try await part(index)).write(to: URL(fileURLWithPath: name))
      names.append(name)
    }
    let target = "\(folder)/whole.pdf"
    _ = try await Poppler.run("pdfunite", names + [target])
    guard let data = FileManager.default.contents(atPath: target) else {
      throw Fault("bind-failed", "pdfunite wrote nothing")
    }
    return Array(data)
  }
}
