import Core
import Glibc
import Synchronization
import Testing

@testable import HTTP

@Suite struct RateLimiterTests {
  private final class Hand: Sendable {
    let time = Atomic<UInt64>(1_000_000)

    func advance(_ seconds: Double) { time.wrappingAdd(UInt64(seconds * 1000), ordering: .relaxed) }
  }

  @Test func aBucketEmptiesAndRefills() throws {
    let hand = Hand()
    let limiter = RateLimiter(capacity: 3, interval: 10) { hand.time.load(ordering: .relaxed) }
    for _ in 0..<3 { #expect(limiter.take("a") == nil) }
    #expect(limiter.take("a") == 10)
    #expect(limiter.take("b") == nil, "keys do not share")
    hand.advance(4)
    #expect(limiter.take("a") == 6)
    hand.advance(6)
    #expect(limiter.take("a") == nil)
    #expect(limiter.take("a") != nil)
    hand.advance(1000)
    for _ in 0..<3 { #expect(limiter.take("a") == nil) }
    #expect(limiter.take("a") != nil, "no more than the capacity is saved up")
    limiter.reset("a")
    #expect(limiter.take("a") == nil)
  }

  @Test func theRefusalSaysWhenToComeBack() throws {
    let limiter = RateLimiter(capacity: 1, interval: 600) { 1 }
    try limiter.require("a", toDo: "登录")
    let later = #expect(throws: RetryLater.self) { try limiter.require("a", toDo: "登录") }
    #expect(later?.seconds == 600)
    #expect(later?.refusal.message.contains("10 分钟") == true)
  }

  @Test func memoryIsBounded() {
    let hand = Hand()
    let limiter = RateLimiter(capacity: 2, interval: 1, maximumKeys: 1024) { hand.time.load(ordering: .relaxed) }
    for index in 0..<1024 { #expect(limiter.take("\(index)") == nil) }
    #expect(limiter.take("one more") != nil)
    hand.advance(5)
    #expect(limiter.take("one more") == nil, "keys that rest are forgotten")
  }
}

@Suite struct CrossSiteGuardTests {
  @Test func maskedTokensMatchAndLookDifferentEachTime() {
    let token = CrossSiteGuard.token()
    #expect(token.utf8.count == 64 && CrossSiteGuard.token() != token)
    let masked = CrossSiteGuard.masked(token)
    #expect(masked != CrossSiteGuard.masked(token))
    #expect(CrossSiteGuard.matches(masked, token))
    #expect(CrossSiteGuard.matches(token, token))
    var broken = Array(masked.utf8)
    broken[5] ^= 1
    #expect(!CrossSiteGuard.matches(String(decoding: broken, as: UTF8.self), token))
    for other in ["", "x", CrossSiteGuard.token(), String(token.dropLast()), token + "0"] {
      #expect(!CrossSiteGuard.matches(other, token))
    }
    #expect(!CrossSiteGuard.matches("", ""))
  }

  @Test func onlyOurOwnPagesMayChangeThings() async throws {
    let token = CrossSiteGuard.token()
    func passes(_ method: HTTP.Method, _ headers: Headers, form: String = "") async throws -> Bool {
      let request = try Request(
        method, "/", headers: headers, body: Body(Array(form.utf8), contentType: "application/x-www-form-urlencoded"))
      do {
        try await CrossSiteGuard.check(request, expected: token)
        return true
      } catch let refusal as Refusal {
        #expect(refusal.kind == .forbidden)
        return false
      }
    }
    #expect(try await passes(.get, [:]))
    #expect(try await !passes(.post, [:]))
    #expect(try await passes(.post, ["X-CSRF-Token": token]))
    #expect(try await !passes(.post, ["X-CSRF-Token": "x"], form: "_csrf=\(token)"))
    #expect(try await passes(.post, [:], form: "a=1&_csrf=\(CrossSiteGuard.masked(token))"))
    #expect(try await !passes(.post, ["Sec-Fetch-Site": "cross-site"], form: "_csrf=\(token)"))
    #expect(try await !passes(.post, ["Sec-Fetch-Site": "same-site"], form: "_csrf=\(token)"))
    #expect(try await passes(.post, ["Host": "a.cn", "Origin": "https://a.cn"], form: "_csrf=\(token)"))
    #expect(try await !passes(.delete, ["Host": "a.cn", "Origin": "https://a.cn.evil.cn", "X-CSRF-Token": token]))
    #expect(try await !passes(.post, ["Host": "a.cn", "Origin": "null"], form: "_csrf=\(token)"))
  }
}

@Suite struct AssetsTests {
  private func makeFolder() -> String {
    let folder = "/tmp/lifang-assets-\(UInt64.random(in: 0...UInt64.max))"
    mkdir(folder, 0o700)
    mkdir(folder + "/css", 0o700)
    write("/css/应用.css", String(repeating: "a{color:red}", count: 200), in: folder)
    write("/small.js", "1", in: folder)
    write("/.secret", "x", in: folder)
    return folder
  }

  private func write(_ name: String, _ text: String, in folder: String) {
    let descriptor = open(folder + name, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(descriptor) }
    Array(text.utf8).withUnsafeBytes { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }

  private func remove(_ folder: String) {
    for name in ["/css/应用.css", "/small.js", "/.secret"] { unlink(folder + name) }
    rmdir(folder + "/css")
    rmdir(folder)
  }

  @Test func filesAreServedUnderAddressesOfTheirContent() async throws {
    let folder = makeFolder()
    defer { remove(folder) }
    let assets = try Assets(folder: folder)
    #expect(assets.names == ["css/应用.css", "small.js"])
    var router = Router()
    assets.register(on: &router)
    let application = Application(router)
    let url = assets.url("css/应用.css")
    #expect(url.hasSuffix("/css/%E5%BA%94%E7%94%A8.css"))

    let plain = await application.respond(to: try Request(.get, url))
    #expect(plain.headers["cache-control"] == "public, max-age=31536000, immutable")
    #expect(plain.headers["content-type"] == "text/css; charset=utf-8")
    #expect(plain.headers["vary"] == "Accept-Encoding")
    let gzip = await application.respond(to: try Request(.get, url, headers: ["Accept-Encoding": "gzip"]))
    #expect(gzip.headers["content-encoding"] == "gzip")
    guard case .shared(let small) = gzip.body, case .shared(let large) = plain.body else { return #expect(Bool(false)) }
    #expect(small.count < 100 && large.count == 2400)

    let old = await application.respond(to: try Request(.get, "/assets/old/small.js"))
    #expect(old.status == 200 && old.headers["cache-control"] == "no-cache")

    write("/small.js", "2", in: folder)
    try assets.reload()
    #expect(assets.url("css/应用.css") != url)
  }

  @Test(arguments: [
    "/assets/x/.secret", "/assets/x/..%2F..%2Fetc/passwd", "/assets/x/%2Fetc%2Fpasswd", "/assets/x/css", "/assets/x/",
    "/assets/x/css/..%2fsmall.js", "/assets", "/assets/x/css%5c..%5csmall.js",
  ])
  func nothingOutsideTheFolderCanBeNamed(_ target: String) async throws {
    let folder = makeFolder()
    defer { remove(folder) }
    var router = Router()
    try Assets(folder: folder).register(on: &router)
    #expect(await Application(router).respond(to: try Request(.get, target)).status == 404)
  }
}
