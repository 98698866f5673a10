import Connectors
package import Core
import Crypto
import HTTP
import Synchronization

/// The other systems of a city that exists nowhere (对端模拟): what connectors ask, answered by rule, for the demo city, for
/// trying a configuration out and for tests. It checks signatures as a real system has to, and can fail on purpose.
///
/// What it answers follows from the last figure of a number: 0 is not on record, 8 void, 9 does not match; a resident id
/// that ends in 404X is on the wanted list. Everything else is in order. So every outcome can be seen in a demonstration.
package final class PeerCity: Sendable {
  /// How it fails, until told otherwise.
  package enum Mode: Sendable, Hashable {
    case well
    /// Answers this status.
    case status(Int)
    /// Takes the request and never answers.
    case silent
    /// Answers something that was not agreed.
    case garbled
  }

  /// Somebody who may be a parent on a certificate.
  package struct Person: Sendable, Hashable {
    package let name: String
    package let document: String

    package init(name: String, document: String) {
      self.name = name
      self.document = document
    }
  }

  private struct State {
    var mode = Mode.well
    var seen: [(path: String, number: String)] = []
    /// How often each waybill was asked for; -1 for one that was called off.
    var parcels: [String: Int] = [:]
    var waiting: [CheckedContinuation<Void, Never>] = []
    /// How many entries the logs of changes have by now.
    var changes: [String: Int] = [:]
    var forgotten = 0
  }

  private let secret: SecretBytes
  let clock: WallClock
  /// The first of the people whom it knows.
  package let mother: Person
  private let father: Person
  /// Who stands in the base of population.
  var known: [Person] { [mother, father] }
  /// What the base of population keeps, and how many changes come between two synchronisations.
  let addresses: Int
  let growth: Int
  private let state = Mutex(State())
  private let server = Mutex<Server?>(nil)

  /// - Parameters:
  ///   - mother: who stands as the mother on every birth certificate.
  ///   - addresses: standard addresses that the provincial base has to begin with; a multiple of ten.
  ///   - growth: changes that each of its logs gains once it was read to its end.
  package init(
    secret: String, clock: WallClock = .system, mother: Person = Person(name: "刘芳", document: "511702199603071223"),
    father: Person = Person(name: "张伟", document: "511702199401016234"), addresses: Int = 300, growth: Int = 10
  ) {
    self.addresses = addresses
    self.growth = growth
    self.secret = SecretBytes(Array(secret.utf8))
    self.clock = clock
    self.mother = mother
    self.father = father
  }

  package var mode: Mode {
    get { state.withLock { $0.mode } }
    set { state.withLock { $0.mode = newValue } }
  }

  /// Paths and numbers of the requests that came, well or badly signed.
  package var seen: [(path: String, number: String)] { state.withLock { $0.seen } }

  // MARK: Serving

  /// Listens on the loopback and returns the port; 0 takes any free one.
  @discardableResult
  package func start(port: Int = 0, log: Log = .silent) throws -> Int {
    var router = Router()
    for (path, answer) in answers {
      router.on(.post, path) { [self] request in try await take(request, path, answer) }
    }
    let server = try Server(
      Server.Configuration(address: "127.0.0.1", port: port, threads: 1, logsRequests: false, log: log),
      application: Application(router))
    let bound = try server.start()
    self.server.withLock { $0 = server }
    return bound
  }

  /// Answers nobody any more.
  package func stop() async {
    release()
    let running = server.withLock { server in
      defer { server = nil }
      return server
    }
    await running?.stop(within: 1)
  }

  /// Lets those go that were kept waiting.
  package func release() {
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      return state.waiting
    }
    for one in waiting { one.resume() }
  }

  private typealias Answer = @Sendable (JSON) -> JSON

  private func take(_ request: Request, _ path: String, _ answer: Answer) async throws -> Response {
    let body = try await request.body.bytes()
    let number = request.headers["X-Lifang-Request"] ?? ""
    let mode = state.withLock { state in
      state.seen.append((path, number))
      return state.mode
    }
    let isSigned = ConnectorSignature.isValid(
      request.headers["X-Lifang-Signature"] ?? "", path: path, time: request.headers["X-Lifang-Time"] ?? "",
      number: number, body: body, secret: secret, now: clock.now())
    guard isSigned else { return .json(["message": "签名不对"], status: 401) }
    switch mode {
    case .well: break
    case .status(let status): return .json(["message": "故障演示"], status: status)
    case .garbled: return .text("<html>维护中</html>")
    case .silent:
      await withCheckedContinuation { waiter in state.withLock { $0.waiting.append(waiter) } }
      return .json([:], status: 503)
    }
    return .json(answer(try JSON(parsing: body)))
  }

  // MARK: Parcels

  func begin(_ waybill: String) { state.withLock { $0.parcels[waybill] = $0.parcels[waybill] ?? 0 } }

  /// How often a parcel was asked for, this time included; `nil` for one that does not exist or was called off.
  func ask(_ waybill: String) -> Int? {
    state.withLock { state in
      guard let asked = state.parcels[waybill], asked >= 0 else { return nil }
      state.parcels[waybill] = asked + 1
      return asked + 1
    }
  }

  func callOff(_ waybill: String) -> Bool {
    state.withLock { state in
      guard state.parcels[waybill] == 0 else { return false }
      state.parcels[waybill] = -1
      return true
    }
  }

  // MARK: Logs of changes

  /// How many entries the log has beyond what it began with.
  package func changes(_ log: String) -> Int { state.withLock { $0.changes[log] ?? 0 } }

  /// Something happens over there: the log gains so many entries.
  package func grow(_ log: String, by count: Int) { state.withLock { $0.changes[log, default: 0] += count } }

  /// Addresses, from the first on, that the base has lost without saying so.
  package var forgotten: Int {
    get { state.withLock { $0.forgotten } }
    set { state.withLock { $0.forgotten = newValue } }
  }

  // MARK: What it knows

  private var answers: [(path: String, answer: Answer)] {
    let (mother, father) = (mother, father)
    return [
      ("/birth-certificates/compare", { PeerCity.compared($0, what: "出生医学证明") }),
      ("/marriage-certificates/compare", { PeerCity.compared($0, what: "结婚证") }),
      ("/property-certificates/compare", { PeerCity.compared($0, what: "不动产权证") }),
      ("/birth-certificates/read", { PeerCity.certificate($0, mother, father) }),
      ("/fugitives/screen", { PeerCity.screened($0) }), ("/courier/orders", { [self] in ordered($0) }),
      ("/cloud-signature/sign", { [self] in cloudSigned($0) }),
      ("/historical-archives/query", { [self] in archives($0) }),
      ("/historical-archives/images", { [self] in archiveImages($0) }), ("/faces/compare", { PeerCity.faces($0) }),
      ("/electronic-licences/fetch", { [self] in licence($0) }),
      ("/courier/orders/track", { [self] in tracked($0) }), ("/courier/orders/cancel", { [self] in cancelled($0) }),
      ("/population/addresses/changes", { [self] in addressChanges($0) }),
      ("/population/addresses/counts", { [self] _ in addressCounts() }),
      ("/population/people/query", { [self] in people($0) }), ("/population/houses/query", { [self] in houses($0) }),
      ("/population/units/query", { [self] in units($0) }), ("/accounts/users/query", { PeerCity.accounts($0) }),
      ("/police/units/changes", { [self] in unitChanges($0) }),
      ("/police/officers/changes", { [self] in officerChanges($0) }),
      ("/identity-cards/production/changes", { [self] in cardChanges($0) }),
    ]
  }

  private static func compared(_ request: JSON, what: String) -> JSON {
    let number = request["certificate_number"]?.string ?? ""
    return switch number.last(where: \.isNumber) {
    case "0": ["result": "not_found", "message": .string("没有查到这个编号的\(what)")]
    case "8": ["result": "void", "message": .string("这份\(what)已作废")]
    case "9": ["result": "mismatch", "message": .string("编号存在，但与登记的当事人不一致")]
    case nil: ["result": "not_found", "message": "编号里没有数字"]
    default: ["result": "match", "message": .string("与\(what)登记一致")]
    }
  }

  private static let names = ["小满", "立夏", "清和", "子墨", "若溪", "安然", "景行", "知微", "云舒", "明远"]

  private static func certificate(_ request: JSON, _ mother: Person, _ father: Person) -> JSON {
    let number = request["certificate_number"]?.string ?? ""
    guard let last = number.last(where: \.isNumber)?.wholeNumberValue, last != 0 else {
      return ["result": "not_found", "message": "没有查到这个编号的出生医学证明，请核对"]
    }
    let members: [(key: String, value: String)] = [
      ("result", "found"), ("child_name", "\(father.name.prefix(1))\(names[last])"),
      ("child_sex", last.isMultiple(of: 2) ? "female" : "male"),
      ("child_birth_date", "2026-09-\(twoDigits(last + 10))"),
      ("child_birth_time", "08:\(twoDigits(last * 5))"), ("birth_place", "四川省达州市通川区"),
      ("mother_name", mother.name), ("mother_document", mother.document), ("father_name", father.name),
      ("father_document", father.document),
    ]
    return .object(members.map { ($0.key, .string($0.value)) })
  }

  /// Whose number ends in 9 is somebody else, of 0 there is no photograph on record.
  private static func faces(_ request: JSON) -> JSON {
    switch request["document"]?.string?.last {
    case "0": ["result": "unknown", "message": "人像库里没有这个人的照片"]
    case "9": ["result": "different", "score": 31]
    default: ["result": "same", "score": 93]
    }
  }

  private static func screened(_ request: JSON) -> JSON {
    let document = request["document"]?.string ?? ""
    guard document.hasSuffix("404X") else { return ["result": "clear"] }
    return ["result": "hit", "number": .string("T5117\(document.suffix(8))"), "message": "请稳妥处置，核实身份后按规定报告"]
  }
}
