import Core
import Foundation

/// How one node of Lifang is started; from the command line and the environment.
struct Configuration: Sendable {
  /// Keys, files and the private cluster.
  var data: String
  /// `Resources/`, `Web/` and `cities/` of this installation.
  var installation: Installation
  /// The overlay in force, a folder of `cities/`; `nil` is the product as it ships.
  var city: String?
  /// A managed PostgreSQL (`DATABASE_URL`) in place of the private cluster.
  var databaseURL: String?
  var address = "127.0.0.1"
  var port = 8080
  /// What stands before `/d/<code>` in QR codes and marks cookies `Secure` when it is https.
  var publicOrigin: String?
  var trustedProxies: [String] = []
  /// Believes the trusted proxy when it says that a client's certificate was proved (PKI).
  var takesCertificates = false
  /// Lifts limits by remote address, so that one machine can play a crowd.
  var isBenchmark = false
  /// How many times as often as usual what falls due is looked for, from 1 to 60.
  var pace = 1.0

  /// Reads `--data --city --database --port --address --origin --trusted-proxy`.
  init(_ arguments: Arguments) throws(Refusal) {
    let environment = ProcessInfo.processInfo.environment
    data = Configuration.absolute(arguments.value("data") ?? environment["LIFANG_DATA"] ?? ".lifang/data")
    installation = try Installation.find(arguments.value("resources") ?? environment["LIFANG_RESOURCES"])
    city = arguments.value("city") ?? environment["LIFANG_CITY"]
    databaseURL = arguments.value("database") ?? environment["DATABASE_URL"]
    port = try arguments.integer("port", in: 0...65535, default: 8080)
    address = arguments.value("address") ?? "127.0.0.1"
    publicOrigin = arguments.value("origin") ?? environment["LIFANG_ORIGIN"]
    trustedProxies = arguments.value("trusted-proxy")?.split(separator: ",").map(String.init) ?? []
    takesCertificates = arguments.flag("client-certificates")
    isBenchmark = arguments.flag("bench")
    if let written = environment["LIFANG_PACE"] {
      guard let number = Double(written), (1...60).contains(number) else {
        throw Refusal(.invalid, "pace", "环境变量 LIFANG_PACE 应为 1 到 60 之间的数，不设即为 1。")
      }
      pace = number
    }
    guard !takesCertificates || !trustedProxies.isEmpty else {
      throw Refusal(.invalid, "client-certificates", "用了 --client-certificates 就要写明 --trusted-proxy，否则谁都能冒充证书。")
    }
    guard !address.isEmpty, address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw Refusal(.invalid, "address", "监听地址不正确。请写 127.0.0.1 或 0.0.0.0。")
    }
  }

  static let valued: Set = [
    "data", "resources", "city", "database", "port", "address", "origin", "trusted-proxy",
  ]

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }
}

/// The files that come with the executable.
struct Installation: Sendable {
  let root: String

  var resources: String { root + "/Resources" }
  /// The tables of administrative divisions.
  var divisions: String { resources + "/spine/divisions" }
  /// The model that `lifang address` and the address workbench parse with.
  var addressModel: String { resources + "/spine/parser/addresses.model" }
  var web: String { root + "/Web" }
  func city(_ name: String) -> String { root + "/cities/" + name }

  /// The folder named, or the nearest one above the executable or the working folder that holds `Resources`.
  ///
  /// - Throws: ``Refusal`` `installation-missing`.
  static func find(_ named: String?) throws(Refusal) -> Installation {
    let manager = FileManager.default
    func holds(_ folder: String) -> Bool { manager.fileExists(atPath: folder + "/Resources/spine") }
    if let named, holds(named) { return Installation(root: named) }
    let executable = (try? manager.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    for start in [executable, manager.currentDirectoryPath + "/."] {
      var folder = start
      while let slash = folder.lastIndex(of: "/") {
        folder = String(folder[..<slash])
        if holds(folder) { return Installation(root: folder) }
      }
    }
    throw Refusal(.notFound, "installation-missing", "没有找到 Resources 目录。请用 --resources 指明安装目录。")
  }
}
