import Addresses
import Core
import Crypto
import DoorPlates
import Entities
import Foundation
import Identity
import Search

/// `lifang plate`: what concerns door plates without a server.
enum PlateCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(
      words, valued: Configuration.valued.union(["key", "count", "design"]), flagged: ["json", "cut"])
    switch arguments.operands.first {
    case "key": return try key(arguments)
    case "verify": return try verify(arguments)
    case "proof": return try proof(arguments)
    case "applications": return try await adopt(arguments)
    case "batch" where arguments.operands.dropFirst().first == "verify": return try verifyBatches(arguments)
    default:
      throw Refusal(
        .invalid, "command-unknown",
        "请写 plate key、plate verify 二维码内容… --key 公钥文件、plate batch verify 制牌包.zip --key 公钥文件、plate proof 文件.pdf，或 plate applications。"
      )
    }
  }

  /// Makes cases of the applications that waited for review before applications were cases.
  private static func adopt(_ arguments: Arguments) async throws -> Int32 {
    let deployment = try await Deployment.open(try Configuration(arguments))
    let web = try await WebApplication(deployment)
    let identity = web.identity
    let done = try await web.plates.applications.adopt(web.store) { try await identity.principal(actor: $0) }
    await deployment.close()
    print("\(done.plates) 块待审核的门牌转为 \(done.cases) 件申领办件。")
    for reason in done.left { print("没有转：\(reason)") }
    return done.left.isEmpty ? 0 : 1
  }

  /// Prints the public key that proves plates off line.
  private static func key(_ arguments: Arguments) throws -> Int32 {
    let ring = try KeyFolder(path: try Configuration(arguments).data + "/keys").open()
    guard let key = try PlateProofs(ring: ring).keys.current?.key.publicKey else {
      throw Refusal(.notFound, "plate-key", "还没有门牌签名密钥。请先启动一次服务。")
    }
    print(try key.pem(), terminator: "")
    return 0
  }

  /// Writes a file of invented plates for the press to try, and says how fast.
  private static func proof(_ arguments: Arguments) throws -> Int32 {
    guard let path = arguments.operands.dropFirst().first else {
      throw Refusal(.invalid, "file-missing", "请写打样文件的名称，如 plate proof 打样.pdf --count 12。")
    }
    let configuration = try Configuration(arguments)
    let count = try arguments.integer("count", in: 1...1_000_000, default: 12)
    let designs = PlateDesigns(try Deployment.loadCatalog(configuration))
    if designs.findings.hasErrors {
      throw Refusal(
        .unprocessable, "declarations-wrong", designs.findings.map(\.description).joined(separator: "\n"))
    }
    var chosen = designs.all
    if let name = arguments.value("design") {
      guard let design = designs.design(name) else {
        throw Refusal(
          .notFound, "plate-design-unknown", "没有版式“\(name)”。可用的有：\(chosen.map(\.name).joined(separator: " "))")
      }
      chosen = [design]
    }
    let table = try PinyinTable(
      try String(contentsOfFile: configuration.installation.resources + "/search/pinyin.tsv", encoding: .utf8))
    // An invented code with figures in place of a signature: as dense as a true one, and forged wherever it is checked.
    let figures = String(repeating: "0918273645", count: SignatureFigures.length / 10)
    let start = ContinuousClock.now
    let pages = try ProofSheets(designs: chosen) { "https://menpai.example.gov.cn/d/\($0)?s=\(figures)" }.write(
      to: path, count: count, created: WallClock.system.now(), showsMarks: arguments.flag("cut"),
      pinyin: { PlatePinyin.write($0, table) })
    let seconds = start.duration(to: .now) / .seconds(1)
    let rate = Double(pages) / max(seconds, 0.001)
    if arguments.flag("json") {
      print(JSON.object([("plates", .int(Int64(pages))), ("seconds", .double(seconds)), ("rate", .double(rate))]).text)
    } else {
      print("已写出 \(pages) 块门牌，每秒 \(Int(rate)) 块：\(path)")
    }
    return 0
  }

  /// Judges texts read from QR codes, from the command line or one a line from standard input.
  private static func verify(_ arguments: Arguments) throws -> Int32 {
    let key = try publicKey(arguments)
    var texts = Array(arguments.operands.dropFirst())
    if texts.isEmpty { while let line = readLine() { if !line.isEmpty { texts.append(line) } } }
    var failures = 0
    for text in texts {
      let parts = SignatureFigures.split(text)
      let isGenuine = parts.map { PlateProofs.isSigned($0.signed, $0.proof, by: key) } ?? false
      if !isGenuine { failures += 1 }
      if arguments.flag("json") {
        print(
          JSON.object([
            ("text", .string(text)), ("genuine", .bool(isGenuine)), ("signed", .string(parts?.signed ?? "")),
          ]).text)
      } else {
        print("\(isGenuine ? "签名有效" : parts == nil ? "没有国密签名" : "签名无效")：\(parts?.signed ?? text)")
      }
    }
    return failures == 0 ? 0 : 1
  }

  /// Checks packages before anything is made of them.
  private static func verifyBatches(_ arguments: Arguments) throws -> Int32 {
    let key = try publicKey(arguments)
    let paths = Array(arguments.operands.dropFirst(2))
    guard !paths.isEmpty else { throw Refusal(.invalid, "file-missing", "请写要核对的制牌包。") }
    var failures = 0
    for path in paths {
      let (manifest, problems) = try PlateManifest.verify(path: path, key: key)
      if problems.isEmpty {
        print("\(path)：完好，批次 \(manifest.batch)，\(manifest.plates) 块门牌，\(manifest.files.count) 个文件。")
      } else {
        failures += 1
        for problem in problems { print("\(path)：\(problem)") }
      }
    }
    return failures == 0 ? 0 : 1
  }

  private static func publicKey(_ arguments: Arguments) throws -> SM2PublicKey {
    guard let path = arguments.value("key"), let pem = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw Refusal(.notFound, "plate-key", "请用 --key 指明公钥文件；在“门牌验真”页面可以下载，或运行 lifang plate key。")
    }
    guard let key = try? SM2PublicKey(pem: pem) else {
      throw Refusal(.unprocessable, "plate-key", "\(path) 不是 SM2 公钥文件（PEM）。")
    }
    return key
  }
}
