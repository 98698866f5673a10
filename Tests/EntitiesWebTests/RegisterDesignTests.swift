import Access
import Core
import Entities
import HTTP
import TestSupport
import Testing

/// Registers and fields made in the browser: form, preview, in force, taken back.
@Suite struct RegisterDesignTests {
  private static let stall: [(String, String)] = [
    ("name", "stall"), ("label", "摊位"), ("fields", "3"), ("f0.name", "name"), ("f0.label", "名称"), ("f0.type", "text"),
    ("f0.max", "40"), ("f0.flags", "required"), ("f0.flags", "columns"), ("f0.flags", "search"),
    ("f0.classification", "inner"), ("f1.name", "kind"), ("f1.label", "类型"), ("f1.type", "code"),
    ("f1.dictionary", "camera_kind"), ("f1.flags", "columns"), ("f1.flags", "filters"), ("f1.classification", "inner"),
    ("f2.name", "phone"), ("f2.label", "电话"), ("f2.type", "phone"), ("f2.classification", "sensitive"),
    ("f2.mask", "phone"), ("f2.flags", "encrypted"),
  ]

  private func stall(_ changes: [String: String], step: String) -> [(String, String)] {
    Self.stall.map { ($0.0, changes[$0.0] ?? $0.1) } + [("step", step)]
  }

  @Test func aRegisterIsPreviewedThenMadeAndWorksAtOnce() async throws {
    let web = try await WebFixture.make()
    let path = "/settings/registers/new"
    #expect(try await web.get(path).text.contains("f1.dictionary"))
    let preview = try await web.post(path, stall([:], step: "check"))
    #expect(preview.status == 200)
    #expect(preview.text.contains("entity: stall") && preview.text.contains("新表：摊位"))
    #expect(preview.text.contains("value=\"apply\"") && preview.text.contains("name=\"f2.mask\""))
    #expect(web.catalogs.current.entity("stall") == nil)
    let made = try await web.post(path, stall([:], step: "apply"))
    #expect(made.status == 303 && made.headers["Location"] == "/r/stall")
    let entity = try #require(web.catalogs.current.entity("stall"))
    #expect(entity.list.columns == ["name", "kind"] && entity.list.search == ["name"])
    #expect(entity.field("phone")?.encrypted == true && entity.scope.owner == "created_by")
    let record = try await web.store.records(as: .system)
      .insert("stall", ["name": .text("早点"), "phone": .text("13812345678")])
    #expect(try await web.get("/api/r/stall/\(record.id)", as: "clerk").json["phone"]?.string == "138****5678")
    #expect(try await web.get("/settings/registers/stall").text.contains("运行期声明 stall"))
  }

  @Test func theFormGrowsAndShrinksWithoutLosingWhatWasTyped() async throws {
    let web = try await WebFixture.make()
    let more = try await web.post("/settings/registers/new", stall([:], step: "field")).text
    #expect(more.contains("name=\"f3.name\"") && more.contains("value=\"摊位\""))
    let fewer = try await web.post("/settings/registers/new", stall([:], step: "drop.1")).text
    #expect(!fewer.contains("name=\"f2.name\"") && fewer.contains("value=\"phone\""))
  }

  @Test func everyFaultIsNamedBesideItsFieldWithItsLine() async throws {
    let web = try await WebFixture.make()
    let path = "/settings/registers/new"
    let wrong = try await web.post(path, stall(["f2.mask": "", "f0.max": "十"], step: "check"))
    #expect(wrong.status == 422)
    #expect(wrong.text.contains("href=\"#f-f0.max\"") && wrong.text.contains("href=\"#f-f2.name\""))
    #expect(wrong.text.contains("行：") && wrong.text.contains("<mark>"))
    let taken = try await web.post(path, stall(["name": "camera"], step: "apply"))
    #expect(taken.status == 422 && taken.text.contains("href=\"#f-name\""))
    // A name of a table that is no register is refused by the plan.
    let reserved = try await web.post(path, stall(["name": "number_series"], step: "apply"))
    #expect(reserved.status == 422 && reserved.text.contains("不是登记表"))
    #expect(web.catalogs.current.entities.map(\.name) == ["camera", "notice", "team", "journal"])
  }

  @Test func aFieldIsAddedAndTakenBackWithItsLossStated() async throws {
    let web = try await WebFixture.make()
    try await web.insertCameras(2)
    let path = "/settings/registers/camera/fields/new"
    let field = [
      ("fields", "1"), ("f0.name", "maker"), ("f0.label", "厂家"), ("f0.type", "text"), ("f0.max", "40"),
      ("f0.classification", "inner"), ("f0.flags", "columns"), ("f0.flags", "search"),
    ]
    let preview = try await web.post(path, field + [("step", "check")])
    #expect(preview.status == 200 && preview.text.contains("新字段：厂家"))
    let made = try await web.post(path, field + [("step", "apply")])
    #expect(made.headers["Location"] == "/settings/registers/camera")
    #expect(web.catalogs.current.entity("camera")?.list.columns == ["name", "kind", "height", "maker"])
    #expect(try await web.post(path, field + [("step", "apply")]).status == 422)
    try await web.store.records(as: .system).update("camera", 1, version: 1, ["maker": .text("甲厂")])
    let withdraw = "/settings/declarations/camera-maker/withdraw"
    #expect(try await web.get(withdraw).text.contains("1 条记录填了它"))
    #expect(try await web.post(withdraw, []).status == 303)
    #expect(web.catalogs.current.entity("camera")?.field("maker") == nil)
    #expect(try await web.get(withdraw).status == 404)
  }

  @Test func aRegisterWithFieldsAddedLaterGoesOnlyAfterThem() async throws {
    let web = try await WebFixture.make()
    _ = try await web.post("/settings/registers/new", stall([:], step: "apply"))
    _ = try await web.post(
      "/settings/registers/stall/fields/new",
      [
        ("fields", "1"), ("f0.name", "rent"), ("f0.label", "租金"), ("f0.type", "money"), ("f0.classification", "inner"),
        ("step", "apply"),
      ])
    let blocked = try await web.get("/settings/declarations/stall/withdraw").text
    #expect(blocked.contains("stall-rent"))
    _ = try await web.post("/settings/declarations/stall-rent/withdraw", [])
    #expect(try await web.get("/settings/declarations/stall/withdraw").text.contains("不再能打开"))
    _ = try await web.post("/settings/declarations/stall/withdraw", [])
    #expect(web.catalogs.current.entity("stall") == nil)
  }
}
