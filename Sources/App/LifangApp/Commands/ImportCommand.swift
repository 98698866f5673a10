import Access
import Addresses
import Core
import Foundation
import SQL

/// `lifang import addresses FILE`: the same import as in the browser, from the command line.
enum ImportCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(
      words, valued: Configuration.valued.union(["result"]), flagged: ["json", "dry-run"])
    guard arguments.operands.count == 2, arguments.operands[0] == "addresses" else {
      throw Refusal(.invalid, "command-unknown", "请写 import addresses 文件。")
    }
    let path = arguments.operands[1]
    let configuration = try Configuration(arguments)
    let file = try AddressFile(path: path)
    let deployment = try await Deployment.open(configuration)
    let importer = deployment.addressImporter()
    let isQuiet = arguments.flag("json")
    if arguments.flag("dry-run") {
      for (entry, outcome) in try await importer.preview(file, rows: 50) {
        print("\(entry.row)\t\(outcome.name)\t\(entry.text)\t\(outcome.reason ?? "")")
      }
      await deployment.close()
      return 0
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let run = try await importer.begin(label: name, by: .system)
    let begin = deployment.clock.now()
    let counts = try await importer.run(run, file, by: .system) { counts, fraction in
      if !isQuiet { CommandLineTool.complain("\(Int(fraction * 100))%  \(counts.total) 行") }
    }
    if let result = arguments.value("result") { try await write(run, to: result, deployment) }
    let reasons = try await reasons(run, deployment)
    await deployment.close()
    if isQuiet {
      print(counts.json.text)
    } else {
      let seconds = deployment.clock.now() - begin
      print("共 \(counts.total) 行，用时 \((seconds * 10).rounded() / 10) 秒：")
      print("  新建 \(counts.created)，匹配已有 \(counts.matched)，存疑 \(counts.doubtful)，拒绝 \(counts.rejected)")
      for (outcome, reason, count) in reasons { print("    \(outcome) \(reason)：\(count)") }
    }
    return 0
  }

  private static func reasons(_ run: Int64, _ deployment: Deployment) async throws -> [(String, String, Int64)] {
    try await deployment.database.query(
      """
      select outcome, code, count(*) as count from address_import_row, unnest(reason_codes) as code
      where run_id = \(run) group by 1, 2 order by 1, 3 desc
      """
    ).map { (try $0.get("outcome"), try $0.get("code"), try $0.get("count")) }
  }

  private static func write(_ run: Int64, to path: String, _ deployment: Deployment) async throws {
    guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
      let file = FileHandle(forWritingAtPath: path)
    else { throw Refusal(.invalid, "file-unwritable", "无法写入 \(path)。请检查目录和权限。") }
    try file.write(contentsOf: Data("\u{FEFF}".utf8))
    _ = try await deployment.database.withConnection { connection in
      try await connection.copyOut(
        """
        select r.row, r.source_text, r.outcome, r.reason, a.code, a.full_name from address_import_row r
        left join address a on a.id = r.address_id where r.run_id = \(run) order by r.row
        """
      ) { try file.write(contentsOf: Data($0)) }
    }
    try file.close()
  }
}
