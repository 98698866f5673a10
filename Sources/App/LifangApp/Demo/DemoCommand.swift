import Addresses
import Core
import DemoCity
import Documents
import Foundation
import Geo

/// `lifang demo`: loads the demo city; lists its accounts; writes its addresses as a file to import.
enum DemoCommand {
  /// Some twenty thousand homes: every county and town is there, and it loads in seconds.
  static let defaultScale = 0.02

  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued.union(["scale"]), flagged: ["json"])
    let configuration = try Configuration(arguments)
    let scale = try arguments.number("scale", upTo: 50, default: defaultScale)
    switch arguments.operands.first {
    case nil:
      let deployment = try await Deployment.open(configuration)
      try await RoleInstaller.install(deployment)
      try await load(scale: scale, into: deployment)
      await deployment.close()
    case "accounts":
      let deployment = try await Deployment.open(configuration)
      let accounts = try await DemoAccounts.present(in: deployment)
      await deployment.close()
      show(accounts, asJSON: arguments.flag("json"))
    case "export-addresses":
      guard let path = arguments.operands.dropFirst().first else {
        throw Refusal(.invalid, "command-unknown", "请写 demo export-addresses 文件。")
      }
      try export(try city(scale, configuration), to: path)
    default:
      throw Refusal(.invalid, "command-unknown", "请写 demo、demo accounts 或 demo export-addresses 文件。")
    }
    return 0
  }

  /// Loads the city unless it is there.
  static func load(scale: Double, into deployment: Deployment) async throws {
    let isLoaded = try await DemoLoader.isLoaded(deployment)
    // A load that was cut short after the city has no accounts yet.
    if isLoaded, try await !DemoAccounts.present(in: deployment).isEmpty { return }
    CommandLineTool.complain("正在装入演示城市（规模 \(scale)）……")
    let begin = deployment.clock.now()
    let city = try city(scale, deployment.configuration)
    if !isLoaded { try await DemoLoader(deployment: deployment, city: city, scale: scale).load() }
    try await DemoAccounts.create(in: deployment, for: city)
    let seconds = ((deployment.clock.now() - begin) * 10).rounded() / 10
    CommandLineTool.complain("演示城市已装入：\(city.roomCount) 套房屋，用时 \(seconds) 秒。")
  }

  private static func city(_ scale: Double, _ configuration: Configuration) throws -> DemoCity {
    let resources = configuration.installation.resources
    return try DemoCity(
      scale: scale, gazetteer: try Gazetteer.load(folder: resources + "/spine/divisions"),
      folder: resources + "/spine/demo")
  }

  private static func show(_ accounts: [DemoAccounts.Account], asJSON: Bool) {
    if asJSON {
      let list = accounts.map { account -> JSON in
        [
          "account": .string(account.account), "password": .string(DemoAccounts.password),
          "name": .string(account.name), "role": .string(account.label),
        ]
      }
      print(JSON.array(list).text)
    } else {
      for account in accounts {
        print("\(account.account)\t\(DemoAccounts.password)\t\(account.name)\t\(account.label)")
      }
    }
  }

  private static func export(_ city: DemoCity, to path: String) throws {
    guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
    else { throw Refusal(.invalid, "file-unwritable", "无法写入 \(path)。请检查目录和权限。") }
    try file.write(contentsOf: Data("地址,经度,纬度\n".utf8))
    for index in 0..<city.batchCount {
      var text = ""
      for address in try city.batch(index).addresses {
        text += "\(address.standard.fullName),\(address.location.longitude),\(address.location.latitude)\n"
      }
      try file.write(contentsOf: Data(text.utf8))
    }
    try file.close()
  }
}
