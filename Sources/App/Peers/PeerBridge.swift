package import Core
import Crypto
import HTTP
import Synchronization

/// The program on a window's PC that leads to document camera and card reader (本地设备桥), played for demonstrations and
/// tests: an invented card lies on its reader, a drawn paper under its camera. It keeps to `docs/device-bridge.md`, but for the
/// pause after wrong codes: its own is known to everybody.
package final class PeerBridge: Sendable {
  private let code: String
  private let origins: Set<String>
  private let holder: PeerCity.Person
  private let pictures: [String: [UInt8]]
  private let server = Mutex<Server?>(nil)

  /// - Parameters:
  ///   - code: the pairing code (配对码) that pages have to know.
  ///   - origins: the only pages that it answers.
  ///   - holder: whose card lies on the reader.
  ///   - pictures: what the cameras `document` and `portrait` see, as JPEG.
  package init(code: String, origins: Set<String>, holder: PeerCity.Person, pictures: [String: [UInt8]]) {
    self.code = code
    self.origins = origins
    self.holder = holder
    self.pictures = pictures
  }

  /// Listens on the loopback and returns the port; 0 takes any free one.
  @discardableResult
  package func start(port: Int = 0, log: Log = .silent) throws -> Int {
    var router = Router()
    router.use { [self] request, next in try await guarded(request, next) }
    router.on(.get, "/v1/devices") { [self] _ in .json(devices) }
    router.on(.post, "/v1/card/read", maximumBody: 1024) { [self] _ in card() }
    router.on(.post, "/v1/camera/shoot", maximumBody: 1024) { [self] request in try await shoot(request) }
    let server = try Server(
      Server.Configuration(address: "127.0.0.1", port: port, threads: 1, logsRequests: false, log: log),
      application: Application(router, securityHeaders: nil))
    let bound = try server.start()
    self.server.withLock { $0 = server }
    return bound
  }

  /// Answers nobody any more.
  package func stop() async {
    let running = server.withLock { server in
      defer { server = nil }
      return server
    }
    await running?.stop(within: 1)
  }

  // MARK: Who may ask

  /// Only pages of the site, told by their origin, under the loopback's own name (no rebinding of names), with the code.
  private func guarded(_ request: Request, _ next: Handler) async throws -> Response {
    let host = request.headers["Host"]?.split(separator: ":").first
    guard let origin = request.headers["Origin"], origins.contains(origin), host == "127.0.0.1" else {
      return PeerBridge.trouble(403, "origin-refused", "这个网页不能使用本机的设备")
    }
    var response: Response
    if request.method == .options {
      response = Response(status: 204)
      response.headers["Access-Control-Allow-Methods"] = "GET, POST"
      response.headers["Access-Control-Allow-Headers"] = "Content-Type, X-Lifang-Bridge"
      response.headers["Access-Control-Allow-Private-Network"] = "true"
      response.headers["Access-Control-Max-Age"] = "600"
    } else if !constantTimeEqual(request.headers["X-Lifang-Bridge"] ?? "", code) {
      response = PeerBridge.trouble(401, "unpaired", "配对码不对")
    } else {
      response = try await next(request)
    }
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Vary"] = "Origin"
    response.headers["Cache-Control"] = "no-store"
    return response
  }

  private static func trouble(_ status: Int, _ code: String, _ message: String) -> Response {
    .json(["code": .string(code), "message": .string(message)], status: status)
  }

  // MARK: Devices

  private var devices: JSON {
    let cameras = [("document", "演示高拍仪（文档）"), ("portrait", "演示高拍仪（人像）")].filter { pictures[$0.0] != nil }
    return [
      "version": "1.0", "program": "里坊演示设备桥",
      "devices": .array(
        [["id": "reader-1", "kind": "id_reader", "name": "演示读卡器", "state": "ready"]]
          + cameras.map {
            [
              "id": .string("camera-\($0.0)"), "kind": "camera", "camera": .string($0.0), "name": .string($0.1),
              "state": "ready",
            ]
          }),
    ]
  }

  private func card() -> Response {
    guard let number = ResidentID(holder.document) else { return PeerBridge.trouble(422, "no-card", "读卡器上没有身份证") }
    return .json([
      "kind": "resident_id", "name": .string(holder.name), "sex": .string(number.sex.label), "ethnic": "汉",
      "birth_date": .string(number.birthDate.description), "address": "四川省达州市通川区荷叶街28号",
      "number": .string(number.text), "issuer": "达州市公安局通川区分局", "valid_from": "2020-05-12", "valid_to": "2040-05-12",
    ])
  }

  private func shoot(_ request: Request) async throws -> Response {
    let asked = try JSON(parsing: try await request.body.bytes(upTo: 1024))["camera"]?.string ?? "document"
    guard let picture = pictures[asked] else { return PeerBridge.trouble(503, "device-missing", "没有接上这个摄像头") }
    return .bytes(picture, type: "image/jpeg")
  }
}
