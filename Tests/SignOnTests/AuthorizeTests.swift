import Access
import Audit
import Core
import Crypto
import Entities
import Identity
import SQL
@testable import SignOn
import Testing

@Suite struct AuthorizeTests {
  @Test func whoIsSignedInGoesBackWithACodeThatBecomesTokens() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application()
    let unit = try await fixture.unit("A1")
    let role = try await fixture.role("clerk")
    let user = try await fixture.user(unit: unit, roles: [role])
    let permission = try await fixture.insert(
      ClientApplication.permission,
      ["application_id": .integer(application.id), "code": .text("contract.approve"), "name": .text("审批合同")])
    _ = try await fixture.insert(
      ClientApplication.grant, ["role_id": .integer(role), "permission_id": .integer(permission)])
    let opened = try await fixture.signIn()
    guard case .enter(let location) = try await fixture.step(opened) else {
      Issue.record("not let in")
      return
    }
    #expect(location.hasPrefix("https://housing.example/callback?from=ban&code="))
    #expect(location.hasSuffix("&state=s%201&iss=https%3A%2F%2Fban.example"))
    let answer = try #require(try await fixture.redeem(try await fixture.code(opened), by: application))
    let token = try #require(CompactJWS(answer["id_token"]?.string ?? ""))
    let key = try JWSPublicKey(jwk: try #require(try await fixture.signOn.keys.published()["keys"]?.array?.first))
    #expect(token.isSigned(by: key))
    #expect(token.claims["iss"] == "https://ban.example" && token.claims["aud"] == "housing")
    #expect(token.claims["nonce"] == "n1" && token.claims["amr"] == ["pwd"] && token.claims["name"] == nil)
    let access = try #require(answer["access_token"]?.string)
    let claims = try #require(try await fixture.signOn.userInfo(access))
    #expect(claims["sub"] == token.claims["sub"] && claims["sub"]?.string != String(user))
    #expect(claims["preferred_username"] == "wang" && claims["unit"]?["code"] == "A1")
    #expect(claims["roles"] == [["code": "clerk", "name": "角色clerk"]])
    #expect(claims["permissions"] == ["contract.approve"] && claims["phone_number"] == nil)
    fixture.time.advance(seconds: 601)
    #expect(try await fixture.signOn.userInfo(access) == nil)
  }

  @Test func aCodeIsForOneTryOfOneSystemAtOneAddressInTime() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application()
    let other = try await fixture.application("parking")
    _ = try await fixture.user()
    let opened = try await fixture.signIn()
    var code = try await fixture.code(opened)
    #expect(try await fixture.redeem(code, by: other) == nil, "another system's code")
    #expect(try await fixture.redeem(code, by: application) != nil, "whose try has not used it up")
    code = try await fixture.code(opened)
    #expect(try await fixture.redeem(code, by: application, verifier: String(repeating: "x", count: 43)) == nil)
    #expect(try await fixture.redeem(code, by: application) == nil, "the wrong try used it up")
    code = try await fixture.code(opened)
    #expect(try await fixture.redeem(code, by: application, redirect: "https://other.example/cb") == nil)
    code = try await fixture.code(opened)
    fixture.time.advance(seconds: 61)
    #expect(try await fixture.redeem(code, by: application) == nil, "too late")
    code = try await fixture.code(opened)
    try await fixture.identity.signOut(opened.session, origin: .inside)
    #expect(try await fixture.redeem(code, by: application) == nil, "the session is over")
    #expect(try await fixture.redeem("", by: application) == nil)
  }

  @Test func aSecondUseOfACodeTakesBackWhatTheFirstGave() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application()
    _ = try await fixture.user()
    let code = try await fixture.code(try await fixture.signIn())
    let access = try #require(try await fixture.redeem(code, by: application)?["access_token"]?.string)
    #expect(try await fixture.signOn.userInfo(access) != nil)
    #expect(try await fixture.redeem(code, by: application) == nil)
    #expect(try await fixture.signOn.userInfo(access) == nil)
    let noted: Int64 = try await fixture.database.value(
      "select count(*) from audit_entry where action = 'client_application.replay'")
    #expect(noted == 1)
  }

  @Test(
    arguments: [
      (["client_id": "nobody"], "application-unknown"),
      (["redirect_uri": "https://housing.example/callback"], "application-redirect"),
      (["redirect_uri": "https://housing.example/callback?from=ban&x=1"], "application-redirect"),
      (["redirect_uri": nil], "application-redirect"), (["response_type": "token"], "unsupported_response_type"),
      (["response_type": nil], "invalid_request"), (["scope": "profile"], "invalid_scope"),
      (["code_challenge": nil], "invalid_request"), (["code_challenge_method": "plain"], "invalid_request"),
      (["code_challenge": "short"], "invalid_request"), (["request": "e30.e30."], "request_not_supported"),
      (["request_uri": "https://x.example/"], "request_uri_not_supported"),
      (["response_mode": "fragment"], "invalid_request"), (["prompt": "none login"], "invalid_request"),
      (["max_age": "-1"], "invalid_request"), (["max_age": "soon"], "invalid_request"),
    ] as [([String: String?], String)])
  func aWrongRequestIsToldApart(_ changes: [String: String?], _ code: String) async throws {
    let fixture = try await SignOnFixture()
    _ = try await fixture.application()
    #expect(try await fixture.refusal { try await fixture.signOn.authorization(fixture.request(changes)) } == code)
  }

  @Test func aParameterStandsOnce() async throws {
    let fixture = try await SignOnFixture()
    _ = try await fixture.application()
    for (name, code) in [("state", "invalid_request"), ("client_id", "application-unknown")] {
      let items = fixture.request() + [(name: name, value: "twice")]
      #expect(try await fixture.refusal { try await fixture.signOn.authorization(items) } == code)
    }
  }

  @Test func promptAndAgeDecideWhoSignsInAgain() async throws {
    let fixture = try await SignOnFixture()
    _ = try await fixture.application()
    _ = try await fixture.user()
    func isAsked(_ opened: OpenedSession?, _ changes: [String: String?]) async throws -> Bool? {
      if case .signIn(let again) = try await fixture.step(opened, changes) { again } else { nil }
    }
    #expect(try await isAsked(nil, [:]) == false)
    #expect(try await fixture.refusal { try await fixture.step(nil, ["prompt": "none"]) } == "login_required")
    let opened = try await fixture.signIn()
    #expect(try await isAsked(opened, ["prompt": "none"]) == nil)
    fixture.time.advance(seconds: 300)
    #expect(try await isAsked(opened, ["max_age": "400"]) == nil)
    #expect(try await isAsked(opened, ["max_age": "200"]) == true)
    #expect(
      try await fixture.refusal { try await fixture.step(opened, ["max_age": "200", "prompt": "none"]) }
        == "login_required")
    #expect(try await isAsked(opened, ["prompt": "login"]) == true)
    let request = try await fixture.signOn.authorization(fixture.request())
    let asked = try fixture.signOn.freshness(of: request)
    #expect(try await isAsked(opened, ["prompt": "login", "fresh": asked]) == true)
    let again = try await fixture.signIn(replacing: opened.token)
    #expect(try await isAsked(again, ["prompt": "login", "fresh": asked]) == nil)
    #expect(try await isAsked(again, ["max_age": "0", "fresh": asked]) == nil)
    // A time that somebody writes themselves, or takes along from another request, is none.
    let time = String(asked.prefix { $0 != "." })
    let forged = [
      time, "\(time).", ".", "x.\(asked.drop { $0 != "." }.dropFirst())",
      "\(Int64(time).map { $0 - 1 } ?? 0)\(asked.drop { $0 != "." })",
    ]
    for forged in forged {
      #expect(try await isAsked(again, ["prompt": "login", "fresh": forged]) == true, "\(forged)")
    }
    let others: [[String: String?]] = [
      ["state": "s 2"], ["nonce": "n2"], ["state": nil], ["redirect_uri": "https://other.example/cb"],
    ]
    for other in others {
      let changes = other.merging(["prompt": "login", "fresh": asked]) { $1 }
      #expect(try await isAsked(again, changes) == true, "\(other)")
    }
    fixture.time.advance(seconds: 601)
    #expect(try await isAsked(again, ["prompt": "login", "fresh": asked]) == true)
  }

  @Test func onlyThoseEnterWhomTheRecordAdmits() async throws {
    let fixture = try await SignOnFixture()
    let top = try await fixture.unit("A")
    let below = try await fixture.unit("B", below: top)
    let beside = try await fixture.unit("C")
    let role = try await fixture.role("clerk")
    _ = try await fixture.user("resident")
    _ = try await fixture.user("plain", unit: below)
    _ = try await fixture.user("clerk", unit: below, roles: [role])
    _ = try await fixture.user("stray", unit: beside, roles: [role])
    func admitted() async throws -> [String] {
      var names: [String] = []
      for account in ["resident", "plain", "clerk", "stray"] {
        if case .enter = try await fixture.step(try await fixture.signIn(account)) { names.append(account) }
      }
      return names
    }
    let application = try await fixture.application(audience: "listed")
    #expect(try await admitted().isEmpty)
    let row = try await fixture.insert(
      ClientApplication.access,
      ["application_id": .integer(application.id), "role_id": .integer(role), "unit_id": .integer(top)])
    #expect(try await admitted() == ["clerk"])
    _ = try await fixture.store.records(as: fixture.officer).update(
      ClientApplication.access, row, version: nil, ["unit_id": .null])
    #expect(try await admitted() == ["clerk", "stray"])
    for (audience, names) in [
      ("staff", ["plain", "clerk", "stray"]), ("everyone", ["resident", "plain", "clerk", "stray"]),
    ] {
      _ = try await fixture.store.records(as: fixture.officer).update(
        ClientApplication.entity, application.id, version: nil, ["audience": .text(audience)])
      #expect(try await admitted() == names)
    }
    _ = try await fixture.store.records(as: fixture.officer)
      .perform("disable", on: ClientApplication.entity, application.id, version: nil)
    #expect(
      try await fixture.refusal { try await fixture.signOn.authorization(fixture.request()) } == "application-unknown")
  }

  @Test(
    arguments: [
      ("https://a.example/cb", true), ("https://a.example:8443/cb?x=1", true), ("http://127.0.0.1:8080/cb", true),
      ("http://localhost:3000/", true), ("http://a.example/cb", false), ("https://a.example/cb#x", false),
      ("https://u@a.example/cb", false), ("https://a.example\\@b.example/", false), ("javascript:alert(1)", false),
      ("https:///cb", false), ("https://a.example:99999/", false), ("https://*.example/cb", false),
      ("https://城市.example/cb", false), ("http://127.0.0.1.evil.example/", false), ("https://a.example/ b", false),
    ])
  func addressesAreTakenThatEverybodyReadsAlike(_ text: String, _ isTaken: Bool) {
    #expect(((try? ApplicationAddress(text)) != nil) == isTaken)
  }

  @Test func registersRefuseWhatCannotWorkAndRightsForOneself() async throws {
    let fixture = try await SignOnFixture()
    let application = try await fixture.application()
    let role = try await fixture.role("clerk")
    let user = try await fixture.user(roles: [role])
    for (field, value, code) in [
      ("code", "Housing", "application-code"),
      ("redirects", "https://ok.example/\nhttp://bad.example/", "application-address"),
      ("logout_address", "http://10.0.0.1/logout", "application-address"),
    ] {
      #expect(
        try await fixture.refusal {
          try await fixture.store.records(as: fixture.officer).update(
            ClientApplication.entity, application.id, version: nil, [field: .text(value)])
        } == code)
    }
    let permission = try await fixture.insert(
      ClientApplication.permission,
      ["application_id": .integer(application.id), "code": .text("a"), "name": .text("甲")])
    let holder = fixture.store.records(
      as: .init(
        kind: .user, id: user, name: "王", unit: nil, grants: fixture.officer.grants, clearance: .secret))
    #expect(
      try await fixture.refusal {
        try await holder.insert(
          ClientApplication.grant, ["role_id": .integer(role), "permission_id": .integer(permission)])
      } == "rights-of-oneself")
  }
}
