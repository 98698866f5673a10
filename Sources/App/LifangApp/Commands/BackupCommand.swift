import Audit
import Core
import Crypto
import Foundation
import SQL

/// `lifang backup` and `lifang restore`: the database and the files of a data folder into another folder and back, each told
/// to the audit (D2-576). The keys are not among them: they must not lie beside what they open.
enum BackupCommand {
  private static let dump = "lifang.dump"
  private static let files = "files"
  private static let manifest = "backup.json"

  /// What a backup says of itself.
  private struct Manifest {
    let takenAt: String
    let digest: String
    let bytes: Int64
    let fileCount: Int64

    var json: JSON {
      [
        "lifang": "backup-1", "takenAt": .string(takenAt), "sm3": .string(digest), "bytes": .int(bytes),
        "files": .int(fileCount),
      ]
    }

    init(takenAt: String, digest: String, bytes: Int64, fileCount: Int64) {
      self.takenAt = takenAt
      self.digest = digest
      self.bytes = bytes
      self.fileCount = fileCount
    }

    init(reading path: String) throws(Refusal) {
      guard let data = FileManager.default.contents(atPath: path), let json = try? JSON(parsing: [UInt8](data)),
        json["lifang"]?.string == "backup-1", let takenAt = json["takenAt"]?.string, let digest = json["sm3"]?.string,
        let bytes = json["bytes"]?.int, let files = json["files"]?.int
      else {
        throw Refusal(.invalid, "backup-unknown", "\(path) 不是里坊的备份说明。请指明 lifang backup 写出的目录。")
      }
      self.init(takenAt: takenAt, digest: digest, bytes: bytes, fileCount: files)
    }

    var details: [(key: String, value: JSON)] {
      [("sm3", .string(digest)), ("bytes", .int(bytes)), ("files", .int(fileCount)), ("takenAt", .string(takenAt))]
    }
  }

  // MARK: Backup

  static func backup(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: [])
    let configuration = try Configuration(arguments)
    let target = try folder(arguments, "backup")
    try refuseManaged(configuration)
    let manager = FileManager.default
    guard (try? manager.contentsOfDirectory(atPath: target))?.isEmpty ?? true else {
      throw Refusal(.conflict, "backup-target", "\(target) 里已有东西，没有备份。请换一个空目录。")
    }
    // The database as it is: a backup before an upgrade must not upgrade it, nor be refused by what the upgrade would be.
    let cluster = PrivateCluster(folder: configuration.data + "/postgres", log: .silent)
    guard await cluster.hasData else {
      throw Refusal(.conflict, "backup-empty", "\(configuration.data) 里没有数据库，没有备份。请核对 --data 指的目录。")
    }
    let conninfo = try await cluster.start()
    let place: (key: String, value: JSON) = ("folder", .string(target))
    // Before the dump, so that what is restored tells that it was taken.
    await OperatorAudit.noteApart("platform.backup", .done, [place, ("stage", "begun")], conninfo: conninfo)
    let manifest: Manifest
    do {
      manifest = try await write(configuration, cluster, to: target)
    } catch {
      let why = (error as? Refusal)?.code ?? (error as? Fault)?.code ?? "error"
      await OperatorAudit.noteApart("platform.backup", .failed, [place, ("reason", .string(why))], conninfo: conninfo)
      throw error
    }
    await OperatorAudit.noteApart(
      "platform.backup", .done, [place] + manifest.details + [("stage", "done")], conninfo: conninfo)
    print("已备份到 \(target)：数据库 \(manifest.bytes) 字节，文件 \(manifest.fileCount) 个。")
    print("密钥不在其中：请把 \(configuration.data)/keys 另存到别处，没有密钥就不能恢复。")
    return 0
  }

  private static func write(
    _ configuration: Configuration, _ cluster: PrivateCluster, to target: String
  ) async throws -> Manifest {
    let manager = FileManager.default
    try manager.createDirectory(
      atPath: target, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try await cluster.dump(to: "\(target)/\(dump)")
    let source = configuration.data + "/files"
    // Files are named by their content and never change, so those of the dump are all there by now.
    if manager.fileExists(atPath: source) { try manager.copyItem(atPath: source, toPath: "\(target)/\(files)") }
    let (digest, bytes) = try BackupCommand.digest(of: "\(target)/\(dump)")
    let manifest = Manifest(
      takenAt: WallClock.system.now().iso8601, digest: digest, bytes: bytes, fileCount: count(in: "\(target)/\(files)"))
    try Data(manifest.json.text.utf8).write(to: URL(filePath: "\(target)/\(self.manifest)"), options: .atomic)
    return manifest
  }

  // MARK: Restore

  static func restore(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: [])
    let configuration = try Configuration(arguments)
    let source = try folder(arguments, "restore")
    try refuseManaged(configuration)
    let manifest = try Manifest(reading: "\(source)/\(self.manifest)")
    let (digest, _) = try BackupCommand.digest(of: "\(source)/\(dump)")
    guard digest == manifest.digest else {
      throw Refusal(.conflict, "backup-altered", "\(source)/\(dump) 与备份时不一致（SM3 不符），没有恢复。请换一份备份。")
    }
    let cluster = PrivateCluster(folder: configuration.data + "/postgres", log: .silent)
    let manager = FileManager.default
    guard await !cluster.hasData, !manager.fileExists(atPath: configuration.data + "/files") else {
      throw Refusal(.conflict, "restore-target", "\(configuration.data) 里已有数据，没有恢复。请恢复到一个空的数据目录。")
    }
    let keys = (try? manager.contentsOfDirectory(atPath: configuration.data + "/keys")) ?? []
    guard !keys.isEmpty else {
      throw Refusal(.conflict, "restore-keys", "没有找到密钥。请先把另存的 keys 目录放到 \(configuration.data)/keys，再恢复。")
    }
    let conninfo = try await cluster.start()
    var settings = Database.Configuration(conninfo: conninfo, log: .silent)
    settings.statementTimeout = nil
    let owner = Database(settings)
    _ = try await Schema.prepareRoles(of: cluster, owner: owner)
    try await cluster.restore(from: "\(source)/\(dump)")
    try await owner.execute("analyze")
    await owner.close()
    if manager.fileExists(atPath: "\(source)/\(files)") {
      try manager.copyItem(atPath: "\(source)/\(files)", toPath: configuration.data + "/files")
    }
    let deployment = try await Deployment.open(configuration)
    try await OperatorAudit.note(
      "platform.restore", .done, [("folder", .string(source))] + manifest.details, in: deployment)
    await deployment.close()
    print("已恢复 \(manifest.takenAt) 的备份到 \(configuration.data)。请用 lifang audit verify 校验日志链，再启动服务。")
    return 0
  }

  // MARK: What both need

  private static func folder(_ arguments: Arguments, _ command: String) throws(Refusal) -> String {
    guard let path = arguments.operands.first, arguments.operands.count == 1 else {
      throw Refusal(.invalid, "backup-folder", "请写明一个目录：lifang \(command) DIR。")
    }
    return path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  private static func refuseManaged(_ configuration: Configuration) throws(Refusal) {
    guard configuration.databaseURL != nil else { return }
    throw Refusal(
      .unsupported, "backup-managed", "数据库由 DATABASE_URL 指定，请用它自己的备份和恢复；文件目录 files 和密钥 keys 要另外备份。")
  }

  private static func digest(of path: String) throws -> (text: String, bytes: Int64) {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw Refusal(.notFound, "backup-missing", "没有找到 \(path)。请指明 lifang backup 写出的目录。")
    }
    defer { try? file.close() }
    let digest = Digest(.sm3)
    var bytes: Int64 = 0
    while let chunk = try file.read(upToCount: 1 << 20), !chunk.isEmpty {
      digest.update([UInt8](chunk))
      bytes += Int64(chunk.count)
    }
    return (Hex.encode(digest.finish()), bytes)
  }

  private static func count(in folder: String) -> Int64 {
    var count: Int64 = 0
    let entries = FileManager.default.enumerator(atPath: folder)
    while entries?.nextObject() != nil {
      if entries?.fileAttributes?[.type] as? FileAttributeType == .typeRegular { count += 1 }
    }
    return count
  }
}
