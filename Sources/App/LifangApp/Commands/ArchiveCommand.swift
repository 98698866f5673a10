import Cases
import Core

/// `lifang archive verify`: proves that archives stand as they were filed.
enum ArchiveCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: ["json"])
    guard arguments.operands.first == "verify" else {
      throw Refusal(.invalid, "command-unknown", "请写 archive verify [档号]。")
    }
    let deployment = try await Deployment.open(try Configuration(arguments))
    defer { Task { await deployment.close() } }
    let report = try await ArchiveVerifier(
      store: deployment.makeStore(), files: deployment.files, audit: deployment.owner
    ).verify(number: arguments.operands.dropFirst().first)
    if arguments.flag("json") {
      let findings = report.findings.map { JSON.object([("number", .string($0.number)), ("what", .string($0.what))]) }
      print(
        JSON.object([
          ("archives", .int(Int64(report.archives))), ("files", .int(Int64(report.files))),
          ("findings", .array(findings)),
        ]).text)
    } else {
      for finding in report.findings { print(finding.description) }
      let checked = "查验档案 \(report.archives) 件、文件 \(report.files) 个"
      print(report.findings.isEmpty ? "档案完整：\(checked)。" : "\(checked)，发现 \(report.findings.count) 处不一致。")
    }
    return report.findings.isEmpty ? 0 : 1
  }
}
