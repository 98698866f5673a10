import Core
import Entities
import Foundation
import HTTP
import TestSupport
import Testing

/// OGC API – Features – Part 1, by its requirements and by GDAL as a client.
@Suite struct FeatureTests {
  private static let base = "/api/features"

  private func links(_ json: JSON) -> [String: String] {
    var links: [String: String] = [:]
    for link in json["links"]?.array ?? [] {
      if let relation = link["rel"]?.string { links[relation] = link["href"]?.string }
    }
    return links
  }

  /// The ids of a page of features.
  private func ids(_ json: JSON) -> [Int64] { (json["features"]?.array ?? []).compactMap { $0["id"]?.int } }

  @Test func theLandingPageLeadsToEverything() async throws {
    let web = try await WebFixture.make()
    let landing = try await web.get(Self.base, as: "clerk")
    let links = links(landing.json)
    for relation in ["self", "service-desc", "conformance", "data"] {
      let href = try #require(links[relation])
      #expect(href.hasPrefix("http://lifang.test/api/"))
      #expect(try await web.get(String(href.dropFirst("http://lifang.test".count)), as: "clerk").status == 200)
    }
    let classes = try await web.get("\(Self.base)/conformance").json["conformsTo"]?.array?.compactMap(\.string)
    #expect(classes?.contains("http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core") == true)
  }

  @Test func onlyRegistersWithAPlaceThatMayBeSeenAreCollections() async throws {
    let web = try await WebFixture.make()
    func names(_ user: String?) async throws -> [String] {
      let json = try await web.get("\(Self.base)/collections", as: user).json
      return (json["collections"]?.array ?? []).compactMap { $0["id"]?.string }
    }
    #expect(try await names("admin") == ["camera"])
    #expect(try await names(nil) == [])
    #expect(try await web.get("\(Self.base)/collections/notice").status == 404)
    #expect(try await web.get("\(Self.base)/collections/camera/items", as: nil).status == 401)
    #expect(try await web.get("\(Self.base)/collections/camera").json["itemType"]?.string == "feature")
  }

  @Test func pagesFollowOneAnotherAndMissNothing() async throws {
    let web = try await WebFixture.make()
    try await web.insertCameras(7)
    var target: String? = "\(Self.base)/collections/camera/items?limit=3&f=json"
    var seen: [Int64] = []
    var pages = 0
    while let next = target, pages < 9 {
      let answer = try await web.get(next, as: "clerk")
      #expect(answer.headers["Content-Type"] == "application/geo+json")
      #expect(answer.json["numberMatched"]?.int == 7)
      #expect(answer.json["numberReturned"]?.int == Int64(ids(answer.json).count))
      seen += ids(answer.json)
      pages += 1
      target = links(answer.json)["next"].map { String($0.dropFirst("http://lifang.test".count)) }
    }
    #expect(seen == Array(1...7) && pages == 3)
  }

  @Test func boxesTimesAndPropertiesNarrow() async throws {
    let web = try await WebFixture.make()
    try await web.insertCameras(6)
    func found(_ query: String) async throws -> [Int64] {
      ids(try await web.get("\(Self.base)/collections/camera/items?\(query)", as: "clerk").json)
    }
    #expect(try await found("bbox=107.495,31,107.515,32") == [1, 2])
    #expect(try await found("bbox=107.495,31,0,107.515,32,100") == [1, 2])
    #expect(try await found("bbox=107.535,31,-170,32") == [5, 6])
    #expect(try await found("kind=dome&limit=2") == [1, 3])
    #expect(try await found("phone=13812345678&division_code=511703001") == [4, 5, 6])
    #expect(try await found("datetime=2020-01-01T00:00:00Z/..") == [1, 2, 3, 4, 5, 6])
    #expect(try await found("datetime=../2020-01-01T00:00:00Z") == [])
  }

  @Test func whatIsNotUnderstoodIsRefusedByName() async throws {
    let web = try await WebFixture.make()
    for (query, field) in [
      ("limit=0", "limit"), ("limit=x", "limit"), ("bbox=1,2,3", "bbox"), ("bbox=1,5,3,4", "bbox"),
      ("nothing=1", "nothing"),
      ("bbox=1,2,3,4&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/3857", "bbox-crs"),
      ("datetime=yesterday", "datetime"),
      ("f=xml", "f"), ("height=tall", "height"), ("cursor=!", nil),
    ] as [(String, String?)] {
      let answer = try await web.get("\(Self.base)/collections/camera/items?\(query)", as: "clerk")
      #expect(answer.status == 400, "\(query)")
      if let field { #expect(answer.json["field"]?.string == field, "\(query)") }
    }
    #expect(try await web.get("\(Self.base)/collections/camera/items?limit=100000", as: "clerk").status == 200)
    #expect(try await web.get("\(Self.base)/collections/camera/items/99", as: "clerk").status == 404)
  }

  @Test func scopeAndClassificationReachIntoFeatures() async throws {
    let web = try await WebFixture.make()
    try await web.insertCameras(6)
    let all = try await web.get("\(Self.base)/collections/camera/items", as: "district").json
    #expect(ids(all) == [1, 2, 3] && all["numberMatched"]?.int == 3)
    #expect(try await web.get("\(Self.base)/collections/camera/items/4", as: "district").status == 404)
    let one = try await web.get("\(Self.base)/collections/camera/items/1", as: "district").json
    #expect(one["properties"]?["phone"]?.string == "138****5678" && one["properties"]?["height"]?.double == 3.5)
    #expect(one["geometry"]?["type"]?.string == "Point")
    // A place above the clearance is no place.
    let low = try await web.get("\(Self.base)/collections/camera/items/1", as: "guard").json
    #expect(low["geometry"] == .null)
    #expect(try await web.get("\(Self.base)/collections/camera/items?bbox=1,2,3,4", as: "guard").status == 403)
  }

  @Test func theInterfaceDescriptionNamesEveryCollection() async throws {
    let web = try await WebFixture.make()
    let paths = try await web.get("/api/openapi.json").json["paths"]
    let items = paths?["\(Self.base)/collections/camera/items"]?["get"]?["parameters"]?.array ?? []
    let names = items.compactMap { $0["name"]?.string }
    #expect(Set(["limit", "bbox", "datetime", "kind"]).isSubset(of: names))
    #expect(paths?["\(Self.base)/collections/notice"] == nil)
  }

  // MARK: GDAL

  private static let ogrinfo = ["/usr/bin/ogrinfo", "/usr/local/bin/ogrinfo"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  @Test(.enabled(if: FeatureTests.ogrinfo != nil)) func gdalReadsAllPagesOfACollection() async throws {
    let web = try await WebFixture.make()
    try await web.insertCameras(25)
    let server = try Server(Server.Configuration(logsRequests: false), application: web.application)
    let port = try server.start()
    let path = try #require(FeatureTests.ogrinfo)
    func ask(_ arguments: [String]) async throws -> String {
      try await FeatureTests.run(
        path, arguments + ["OAPIF:http://127.0.0.1:\(port)\(Self.base)", "camera", "-oo", "PAGE_SIZE=10"])
    }
    do {
      let summary = try await ask(["-so"])
      #expect(summary.contains("Feature Count: 25"), "\(summary)")
      #expect(summary.contains("Geometry: Point"), "\(summary)")
      #expect(summary.contains("height: Real"), "\(summary)")
      let narrowed = try await ask(["-al", "-spat", "107.495", "31", "107.515", "32"])
      #expect(narrowed.contains("探头0") && narrowed.contains("探头1") && !narrowed.contains("探头2"), "\(narrowed)")
      let filtered = try await ask(["-al", "-where", "kind = 'bullet'"])
      #expect(filtered.contains("Feature Count: 12"), "\(filtered)")
    } catch {
      await server.stop(within: 0)
      throw error
    }
    await server.stop(within: 1)
  }

  /// What a program writes, run on a thread of its own.
  private static func run(_ path: String, _ arguments: [String]) async throws -> String {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ["GDAL_HTTP_HEADERS": "X-Test-User: clerk", "PATH": "/usr/bin:/bin", "no_proxy": "*"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        do {
          try process.run()
          let output = pipe.fileHandleForReading.readDataToEndOfFile()
          process.waitUntilExit()
          continuation.resume(returning: String(decoding: output, as: UTF8.self))
        } catch {
          continuation.resume(throwing: error)
        }
      }
    }
  }
}
