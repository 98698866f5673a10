import Core
import Entities
import HTML
import HTTP
import Shell

/// The program on an officer's own PC that leads to document camera and card reader (本地设备桥, C-506, C-507), as pages
/// reach it: the browser asks it on the loopback, this server never does. `docs/device-bridge.md` is its contract.
struct DeviceBridge {
  private let port: Int64
  private let cardSeconds: Int64
  private let cameraSeconds: Int64

  /// `nil` until an administrator switches it on (参数“本地设备”).
  init?(_ parameters: Parameters) throws(Fault) {
    guard try parameters.boolean("bridge.enabled") else { return nil }
    port = try parameters.integer("bridge.port")
    cardSeconds = try parameters.integer("bridge.card_seconds")
    cameraSeconds = try parameters.integer("bridge.camera_seconds")
  }

  private var origin: String { "http://127.0.0.1:\(port)" }

  /// Tells the scripts of a page where it listens and how long its devices may take; without scripts nothing shows.
  ///
  /// - Parameter cards: the names of fields that take the number of an identity card.
  func marker(cards: [String] = []) -> HTML {
    div(
      .hidden(), .data("data-bridge", origin), .data("data-bridge-card", "\(cardSeconds)"),
      .data("data-bridge-camera", "\(cameraSeconds)"), .data("data-bridge-fields", cards.joined(separator: " ")))
  }

  /// The answer with leave for its scripts to reach the program, and nothing else beside this server.
  func admitted(by response: Response) -> Response {
    var response = response
    response.headers["Content-Security-Policy"] = SecurityHeaders.policy(connectingTo: origin)
    return response
  }
}
