import Audit
import Cases
import Connectors
import Core
import DoorPlates
import Entities
import Feeds
import Foundation
import Messaging
import Reports
import SQL

/// `lifang migrate`: brings the database up to the declarations, or prints what it would do.
enum MigrateCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: ["plan"])
    let configuration = try Configuration(arguments)
    let catalog = try Deployment.loadCatalog(configuration)
    if arguments.flag("plan") {
      let conninfo = try await ClusterCommand.conninfo(configuration)
      let database = Database(conninfo: conninfo, log: .silent)
      let plan = try await SchemaPlan.read(catalog, from: database)
      await database.close()
      print(plan.isEmpty ? "数据库与声明一致，无需改动。" : plan.text)
      return plan.obstacles.isEmpty ? 0 : 2
    }
    let deployment: Deployment
    do {
      deployment = try await Deployment.open(configuration)
    } catch {
      if let conninfo = try? await ClusterCommand.conninfo(configuration) {
        await OperatorAudit.noteApart(
          "platform.migrate", error is Refusal ? .refused : .failed, conninfo: conninfo)
      }
      throw error
    }
    try await OperatorAudit.note("platform.migrate", in: deployment)
    await deployment.close()
    print("数据库已与声明一致：\(catalog.entities.count) 张登记表。")
    return 0
  }
}

/// `lifang check`: proves the declarations, with file and line of every finding.
enum CheckCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: [])
    let configuration = try Configuration(arguments)
    let overlay = configuration.city.map { configuration.installation.city($0) }
    let reading = CatalogReading(resources: configuration.installation.resources, city: overlay)
    let services = Deployment.services(configuration, reading.catalog)
    let findings =
      reading.allFindings() + services.findings + MessageTemplates(reading.catalog).findings
      + SharedResources(reading.catalog).findings + PlateDesigns(reading.catalog).findings
      + ReportDefinitions(reading.catalog).findings
      + Deployment.feeds(reading.catalog, services.connectors).findings
      + services.items.flatMap { GoldenRun(services, catalog: reading.catalog).findings(of: $0) }
    for finding in findings { print(finding.description) }
    let errors = findings.filter { $0.severity == .error }.count
    print(errors == 0 ? "检查通过，\(findings.count) 条提示。" : "发现 \(errors) 处错误。")
    return errors == 0 ? 0 : 2
  }
}

/// `lifang cluster`: the private PostgreSQL of a data folder.
enum ClusterCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: [])
    let configuration = try Configuration(arguments)
    switch arguments.operands.first {
    case "start", "conninfo":
      print(try await conninfo(configuration))
    case "stop":
      let cluster = PrivateCluster(folder: configuration.data + "/postgres", log: .silent)
      guard await cluster.isRunning else { break }
      await OperatorAudit.noteApart("platform.database-stop", conninfo: try await cluster.start())
      try await cluster.stop()
    default:
      throw Refusal(.invalid, "command-unknown", "请写 cluster start、cluster stop 或 cluster conninfo。")
    }
    return 0
  }

  /// Where the database is reached; starts the private cluster when none is configured.
  static func conninfo(_ configuration: Configuration) async throws -> String {
    if let url = configuration.databaseURL { return url }
    try FileManager.default.createDirectory(
      atPath: configuration.data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    return try await PrivateCluster(folder: configuration.data + "/postgres", log: .silent).start()
  }
}

/// `lifang audit`: checks the chain, or writes it out so that stock `openssl` can check it.
enum AuditCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: ["json"])
    let deployment = try await Deployment.open(try Configuration(arguments))
    defer { Task { await deployment.close() } }
    let keys = try AuditKeys(ring: deployment.keys)
    switch arguments.operands.first {
    case "verify":
      let report = try await AuditVerifier(database: deployment.owner, keys: keys).verify()
      try await OperatorAudit.note(
        "audit.verify", report.finding == nil ? .done : .failed, [("checked", .int(Int64(report.checked)))],
        in: deployment)
      if let finding = report.finding {
        print(finding.description)
        return 1
      }
      print("日志链完整：校验 \(report.checked) 条，待封存 \(report.pending) 条，已签名至第 \(report.signedUpTo) 条。")
      return 0
    case "export":
      let path = arguments.operands.dropFirst().first ?? "/dev/stdout"
      guard let file = FileHandle(forWritingAtPath: path) ?? created(path) else {
        throw Refusal(.invalid, "file-unwritable", "无法写入 \(path)。请检查目录和权限。")
      }
      try await AuditExport(database: deployment.owner, keys: keys).write { bytes in
        try file.write(contentsOf: Data(bytes))
      }
      try file.close()
      try await OperatorAudit.note("audit.export", .done, [("file", .string(path))], in: deployment)
      return 0
    default:
      throw Refusal(.invalid, "command-unknown", "请写 audit verify 或 audit export [文件]。")
    }
  }

  private static func created(_ path: String) -> FileHandle? {
    FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
      ? FileHandle(forWritingAtPath: path) : nil
  }
}
