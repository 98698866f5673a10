import Core
import Entities
import HTTP
import SQL
import TestSupport
import Testing

/// Dictionaries and parameters, as an administrator's browser without scripts uses them.
@Suite struct SettingsPageTests {
  @Test func strangersAreSentToSignInAndOthersAreToldWhatTheyLack() async throws {
    let web = try await WebFixture.make()
    for path in ["dictionaries", "parameters", "registers", "registers/new", "registers/camera/fields/new"] {
      #expect(try await web.get("/settings/\(path)", as: nil).status == 303)
      let refused = try await web.get("/settings/\(path)", as: "clerk")
      #expect(refused.status == 403 && refused.text.contains("没有权限"))
    }
  }

  @Test func aCodeIsAddedOrderedRetiredAndRemovedByForms() async throws {
    let web = try await WebFixture.make()
    let base = "/settings/dictionaries/camera_kind"
    #expect(try await web.get("/settings/dictionaries?q=枪机".encodedQuery).text.contains("探头类型"))
    #expect(try await web.get("\(base)/new").text.contains("name=\"_csrf\""))
    let made = try await web.post("\(base)/new", [("code", "thermal"), ("label", "热成像")])
    #expect(made.status == 303)
    #expect(try await web.post("\(base)/codes/thermal/move", [("direction", "up")]).status == 303)
    #expect(web.catalogs.current.dictionary("camera_kind")?.codes.map(\.code) == ["dome", "thermal", "bullet"])
    let kept = try await web.post("\(base)/codes/thermal/remove", [])
    #expect(kept.headers["Location"] == "\(base)/codes/thermal")
    let retired = try await web.post("\(base)/codes/thermal", [("label", "热像仪"), ("retired", "true")])
    #expect(retired.status == 303)
    #expect(web.catalogs.current.dictionary("camera_kind")?.code("thermal")?.label == "热像仪")
    #expect(try await web.get(base).text.contains("已停用"))
    #expect(try await web.post("\(base)/codes/thermal/remove", []).headers["Location"] == base)
    #expect(web.catalogs.current.dictionary("camera_kind")?.code("thermal") == nil)
  }

  @Test func aWrongCodeComesBackWithWhatWasTypedAndTheFieldNamed() async throws {
    let web = try await WebFixture.make()
    let path = "/settings/dictionaries/camera_kind/new"
    let taken = try await web.post(path, [("code", "dome"), ("label", "另一种")])
    #expect(taken.status == 409)
    #expect(taken.text.contains("href=\"#f-code\"") && taken.text.contains("value=\"另一种\""))
    let nameless = try await web.post(path, [("code", "x"), ("label", " ")])
    #expect(nameless.status == 422 && nameless.text.contains("href=\"#f-label\""))
    let needed = try await web.post("/settings/dictionaries/camera_kind/codes/dome", [("retired", "true")])
    #expect(needed.status == 409 && needed.text.contains("href=\"#f-retired\""))
  }

  @Test func aFormWithoutTheTokenChangesNothing() async throws {
    let web = try await WebFixture.make()
    let forged = try await web.post(
      "/settings/dictionaries/camera_kind/new", [("code", "x"), ("label", "某")], token: "other")
    #expect(forged.status == 403)
    #expect(web.catalogs.current.dictionary("camera_kind")?.code("x") == nil)
    #expect(try await web.post("/settings/parameters/camera.keep_days", [("value", "60")], token: "").status == 403)
    #expect(try web.parameters.integer("camera.keep_days") == 30)
  }

  @Test func aParameterIsChangedWithinItsLimitsAndPutBack() async throws {
    let web = try await WebFixture.make()
    let path = "/settings/parameters/camera.keep_days"
    #expect(try await web.get("/settings/parameters").text.contains("30 天"))
    for wrong in ["6", "366", "许多", ""] {
      let refused = try await web.post(path, [("value", wrong), ("step", "save")])
      #expect(refused.status == 422 && refused.text.contains("href=\"#f-value\""))
    }
    #expect(try await web.post(path, [("value", "90"), ("step", "save")]).status == 303)
    #expect(try web.parameters.integer("camera.keep_days") == 90)
    let listed = try await web.get("/settings/parameters?changed=true").text
    #expect(listed.contains("90 天") && !listed.contains("自动报警"))
    #expect(try await web.get(path).text.contains("恢复默认值"))
    #expect(try await web.post(path, [("value", "90"), ("step", "reset")]).status == 303)
    #expect(try web.parameters.integer("camera.keep_days") == 30)
    #expect(try await web.post("/settings/parameters/camera.alarm", [("value", "true")]).status == 303)
    #expect(try web.parameters.boolean("camera.alarm"))
    #expect(try await web.post("/settings/parameters/camera.kind", [("value", "nothing")]).status == 422)
    #expect(try await web.post("/settings/parameters/camera.kind", [("value", "bullet")]).status == 303)
    #expect(try web.parameters.text("camera.kind") == "bullet")
    let actions = try await web.database.query("select action from audit_entry order by id").values(as: String.self)
    #expect(actions.filter { $0 == "parameter.update" }.count == 4)
  }
}

extension String {
  /// A target whose query may hold Chinese.
  var encodedQuery: String {
    guard let mark = firstIndex(of: "=") else { return self }
    return self[...mark] + PercentEncoding.encode(String(self[index(after: mark)...]))
  }
}
