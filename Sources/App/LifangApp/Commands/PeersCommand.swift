import Core
import Foundation
import Peers

/// `lifang peers`: plays the systems of others on the loopback, for demonstrations and for trying a configuration out.
enum PeersCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(
      words, valued: ["port", "secret", "addresses", "changes", "bridge-port", "origin"], flagged: [])
    let secret = arguments.value("secret") ?? DemoPeers.secret
    let changes = try arguments.integer("changes", in: 0...10_000_000, default: 0)
    // Whoever says how many changes there are wants no others.
    let peers = PeerCity(
      secret: secret, addresses: try arguments.integer("addresses", in: 10...10_000_000, default: 300) / 10 * 10,
      growth: changes > 0 || arguments.value("addresses") != nil ? 0 : 10)
    peers.grow("addresses", by: changes)
    let port = try peers.start(port: try arguments.integer("port", in: 0...65535, default: 8090))
    print("对接系统的模拟端已启动：http://127.0.0.1:\(port)")
    print("编号尾号 0 查无、8 作废、9 不一致，其余一致；身份证号以 404X 结尾的在逃人员比对命中。")
    // Pages of this origin may use the devices; the code is that of the demonstration.
    let bridge = PeerBridge(
      code: DemoBridge.code, origins: [arguments.value("origin") ?? "http://127.0.0.1:8080"], holder: peers.mother,
      pictures: try DemoPictures.all())
    let devices = try bridge.start(port: try arguments.integer("bridge-port", in: 0...65535, default: 17380))
    print("演示的设备桥（高拍仪、读卡器）：http://127.0.0.1:\(devices)，配对码 \(DemoBridge.code)")
    fflush(nil)
    await Signals.wait()
    await bridge.stop()
    await peers.stop()
    return 0
  }
}
