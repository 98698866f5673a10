import Core
import Ferry
import Foundation

/// `lifang ferry`: keys, one round by hand, how it stands, and whether files are whole.
enum FerryCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued.union(["peer"]), flagged: ["json"])
    let configuration = try Configuration(arguments)
    switch arguments.operands.first {
    case "keys": return try keys(configuration, peer: arguments.value("peer"))
    case "publish": return try await publish(configuration)
    case "run": return try await pass(configuration)
    case "status": return try await status(configuration, asJSON: arguments.flag("json"))
    case "verify": return try verify(configuration, Array(arguments.operands.dropFirst()))
    default:
      throw Refusal(
        .invalid, "command-unknown",
        "请写 ferry keys [--peer 对侧公钥文件]、ferry publish、ferry run、ferry status 或 ferry verify 文件…。")
    }
  }

  private static func keys(_ configuration: Configuration, peer: String?) throws -> Int32 {
    try FileManager.default.createDirectory(
      atPath: configuration.data + "/keys", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let folder = FerryKeyFolder(path: configuration.data + "/keys/ferry")
    let own = try folder.make()
    print("本侧公钥：\(folder.publicPath)\n  指纹 \(FerryKeys.fingerprint(own))")
    if let peer {
      guard let text = try? String(contentsOfFile: peer, encoding: .utf8) else {
        throw Refusal(.notFound, "file-missing", "没有找到文件 \(peer)。")
      }
      _ = try folder.install(peer: text)
    }
    if let key = try folder.peer() {
      print("对侧公钥：已安装\n  指纹 \(FerryKeys.fingerprint(key))\n请与对侧管理员通过电话核对两个指纹。")
    } else {
      print("对侧公钥：还没有。请把上面的公钥文件交给对侧，再用 ferry keys --peer 安装对侧的公钥文件。")
    }
    return 0
  }

  /// Sends every record of the published registers.
  private static func publish(_ configuration: Configuration) async throws -> Int32 {
    let deployment = try await Deployment.open(configuration)
    let web = try await WebApplication(deployment)
    let count = try await web.registers.publishAll(web.store)
    while try await web.registers.send(web.store) {}
    await deployment.close()
    print("\(count) 张登记的全部记录已放入发件箱。")
    return 0
  }

  private static func pass(_ configuration: Configuration) async throws -> Int32 {
    let deployment = try await Deployment.open(configuration)
    let web = try await WebApplication(deployment)
    guard web.dock.post.current != nil else {
      await deployment.close()
      throw Refusal(.conflict, "ferry-idle", "没有启用网间摆渡。请先在系统参数“网间摆渡”里设置本侧和目录。")
    }
    var total = 0
    while true {
      let count = try await web.dock.pass()
      if count == 0 { break }
      total += count
    }
    print("摆渡 \(total) 条。")
    await deployment.close()
    return 0
  }

  private static func status(_ configuration: Configuration, asJSON: Bool) async throws -> Int32 {
    let deployment = try await Deployment.open(configuration)
    let web = try await WebApplication(deployment)
    let status = try await web.dock.status()
    let settings = web.dock.post.current
    let problem = settings.flatMap { status.alarm($0) }
    await deployment.close()
    if asJSON {
      let json: JSON = [
        "side": settings.map { .string($0.side.rawValue) } ?? .null, "sent": .int(status.sent),
        "acknowledged": .int(status.acknowledged), "applied": .int(status.applied),
        "waiting": .int(status.waitingOut), "held": .int(status.held), "strays": .int(status.strays),
        "alarm": problem.map { .string($0) } ?? .null,
      ]
      print(json.text)
    } else {
      print("本侧：\(settings?.side.label ?? "未启用")")
      print(
        "已送出 \(status.sent) 号，对侧收到 \(status.acknowledged) 号，待送达 \(status.waitingOut) 条；已收取 \(status.applied) 号，待处理 \(status.held + status.strays) 条。"
      )
      print(problem ?? "没有告警。")
    }
    return problem == nil ? 0 : 1
  }

  /// Checks files without applying them.
  private static func verify(_ configuration: Configuration, _ paths: [String]) throws -> Int32 {
    guard let keys = try FerryKeyFolder(path: configuration.data + "/keys/ferry").open() else {
      throw Refusal(.unprocessable, "ferry-keys", "还没有密钥。请运行 lifang ferry keys 并交换公钥。")
    }
    guard !paths.isEmpty else { throw Refusal(.invalid, "file-missing", "请写要检查的文件。") }
    var failures = 0
    for path in paths {
      guard let data = FileManager.default.contents(atPath: path) else {
        print("\(path)：打不开")
        failures += 1
        continue
      }
      do throws(FerryFailure) {
        let envelope = try FerryEnvelope(xml: [UInt8](data))
        let content = try envelope.open(keys, on: envelope.from.other)
        let kind = envelope.kind == .receipt ? "回执" : (try FerryMessage(bytes: content)).kind
        print("\(path)：完好，\(envelope.from.label)第 \(envelope.number) 号，\(kind)，\(content.count) 字节")
      } catch {
        print("\(path)：\(error.reason.label)")
        failures += 1
      }
    }
    return failures == 0 ? 0 : 1
  }
}
