import Cases
import Core
import Crypto
import Foundation

/// `lifang signature verify`: proves an exported signature without any installation (离线验签); `key` prints what to check it by.
enum SignatureCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(
      words, valued: Configuration.valued.union(["sheet", "key"]), flagged: ["json"])
    if arguments.operands.first == "key" { return try printKey(arguments) }
    let files = arguments.operands.dropFirst()
    guard arguments.operands.first == "verify", !files.isEmpty else {
      throw Refusal(.invalid, "command-unknown", "请写 signature verify FILE… [--sheet PDF] [--key PEM]，或 signature key。")
    }
    let sheet = try arguments.value("sheet").map(bytes)
    let key = try arguments.value("key").map(publicKey)
    var isSound = true
    for path in files {
      let evidence = try SignatureEvidence(try JSON(parsing: try bytes(path)))
      let report = evidence.check(sheet: sheet, trusted: key)
      isSound = isSound && report.faults.isEmpty
      if arguments.flag("json") {
        let result: JSON = [
          "file": .string(path), "valid": .bool(report.faults.isEmpty), "keyTrusted": .bool(key != nil),
          "number": .string(evidence.statement["number"] ?? ""),
          "signed": .string(evidence.statement["signed"] ?? ""),
          "proved": .array(report.proved.map { .string($0) }), "faults": .array(report.faults.map { .string($0) }),
        ]
        print(result.text)
        continue
      }
      print("\(path)：\(report.faults.isEmpty ? "签名有效" : "不能确认")")
      for line in report.proved { print("  \(line)") }
      for line in report.faults { print("  不符：\(line)") }
      if key == nil { print("  公钥取自文件本身，请另用 --key 与平台公布的公钥核对。") }
    }
    return isSound ? 0 : 1
  }

  /// Prints the public key that seals signatures and documents now.
  private static func printKey(_ arguments: Arguments) throws -> Int32 {
    let ring = try KeyFolder(path: try Configuration(arguments).data + "/keys").open()
    guard let key = try SigningKeys(ring: ring, purpose: .document).current?.key.publicKey else {
      throw Refusal(.notFound, "signature-key", "还没有签名密钥。请先启动一次服务。")
    }
    print(try key.pem(), terminator: "")
    return 0
  }

  private static func publicKey(_ path: String) throws(Refusal) -> SM2PublicKey {
    let pem = String(decoding: try bytes(path), as: UTF8.self)
    guard let key = try? SM2PublicKey(pem: pem) else {
      throw Refusal(.invalid, "key-unreadable", "“\(path)”不是 SM2 公钥（PEM）。")
    }
    return key
  }

  private static func bytes(_ path: String) throws(Refusal) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Refusal(.notFound, "file-unreadable", "读不到文件“\(path)”。请核对路径。")
    }
    return [UInt8](data)
  }
}
