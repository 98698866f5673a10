import Access
import Core
import Entities
import Testing
import YAML

@Suite struct DeclarationLoadTests {
  @Test func theSampleDeclarationsAreFreeOfFindings() {
    let reading = CatalogReading(resources: Samples.resources, city: Samples.changsha)
    #expect(reading.allFindings() == [])
    #expect(CatalogReading(resources: Samples.resources).allFindings() == [])
  }

  @Test func anEntityCarriesEverythingItDeclares() throws {
    let dwelling = try Samples.entity("dwelling")
    #expect(dwelling.label == "房源")
    #expect(dwelling.area == "housing")
    #expect(dwelling.source == ["B2-012", "B3-021"])
    #expect(dwelling.title == "name")
    #expect(dwelling.scope.division == "division_code")
    #expect(dwelling.scope.point == "outline")
    #expect(dwelling.fields.count == 17)
    #expect(dwelling.field("created_at")?.type == .instant)
    let area = try #require(dwelling.field("area"))
    #expect(area.minimum == FixedDecimal("5"))
    #expect(area.required && area.unit == "㎡")
    #expect(dwelling.field("facilities")?.type == .code(dictionary: "facility"))
    #expect(dwelling.field("facilities")?.columnType == "text[]")
    #expect(dwelling.field("manager_id")?.target == "unit")
    #expect(dwelling.field("name")?.classification == .open)
    #expect(dwelling.field("age")?.isStored == false)
    #expect(dwelling.field("age")?.editable == false)
    #expect(dwelling.list.sort == [.init(field: "state", descending: false), .init(field: "area", descending: true)])
    #expect(dwelling.list.page == 100)
    #expect(dwelling.indexes.map(\.unique) == [false, false, true])
    #expect(dwelling.form.map(\.label) == ["基本信息", "房屋", "租金", "其他信息"])
    #expect(dwelling.form[3].fields == ["remarks"])
    #expect(dwelling.form[2].visible?.text == "state != 'demolished'")
    #expect(dwelling.related.first?.entity == "lease_contract")
    #expect(
      dwelling.numbering?.parts == [
        .literal("FY"), .field("division_code", width: 6), .year(digits: 2), .sequence(digits: 5),
      ])
    #expect(dwelling.action("demolish")?.ask == ["remarks"])
    #expect(dwelling.map?.minimumZoom == 14)
    #expect(dwelling.statistics?.measures.map(\.name) == ["count", "sum(area)", "avg(standard_rent)"])
    #expect(dwelling.menu?.group == "房源管理")
    #expect(dwelling.origin == .shipped)
    #expect(dwelling.position.file.hasSuffix("housing/entities/dwelling.yaml"))
    #expect(area.position.line == 15)
  }

  @Test func encryptedFieldsHaveABlindIndex() throws {
    let id = try #require(try Samples.entity("tenant").field("resident_id"))
    #expect(id.columnType == "bytea")
    #expect(id.indexColumn == "resident_id_index")
    #expect(id.mask == .id)
    #expect(id.classification == .secret)
  }

  @Test func listsHaveSensibleColumnsWhenNothingIsDeclared() throws {
    let entity = try Samples.entity(fields: [
      "{name: a, label: 甲, type: text}", "{name: b, label: 乙, type: longtext}", "{name: c, label: 丙, type: boolean}",
      "{name: d, label: 丁, type: point}", "{name: e, label: 戊, type: integer, list: false}",
    ])
    #expect(entity.list.columns == ["a", "c"])
    #expect(entity.list.filters == ["c"])
    #expect(entity.list.sort == [.init(field: "updated_at", descending: true)])
    #expect(entity.list.page == 50)
    #expect(entity.form.map(\.fields) == [["a", "b", "c", "d", "e"]])
  }

  @Test func dictionariesAnswerByCodeAndByLabel() throws {
    let dictionary = try #require(try Samples.catalog.get().dictionary("facility"))
    #expect(dictionary.label(of: "01") == "空调")
    #expect(dictionary.code(labelled: "热水器")?.code == "02")
    let kinds = try #require(try Samples.catalog.get().dictionary("dwelling_kind"))
    #expect(kinds.children(of: "affordable").map(\.code) == ["talent"])
    #expect(kinds.children(of: nil).map(\.code) == ["public", "affordable"])
  }

  @Test func rolesBecomeGrants() throws {
    let role = try #require(try Samples.catalog.get().role("housing_clerk"))
    #expect(role.clearance == .sensitive)
    let grants = Grants(role.access)
    #expect(grants.scope(for: Permission("dwelling", "export")) == .unitAndBelow)
    #expect(grants.scope(for: Permission("tenant", "view")) == .anyOf([.own, .rule("own_unit_open")]))
    #expect(grants.scope(for: Permission("tenant", "delete")) == nil)
    let leader = try #require(try Samples.catalog.get().role("housing_leader"))
    #expect(Grants(leader.access).scope(for: Permission("tenant", "view")) == .division(["4301", "430104"]))
    #expect(leader.exclusive == ["housing_clerk"])
  }

  @Test func parametersHaveTypedDefaults() throws {
    let catalog = try Samples.catalog.get()
    #expect(catalog.parameter("lease.reminder_days")?.defaultValue == .integer(30))
    #expect(catalog.parameter("lease.deposit_cap")?.defaultValue == .money(Money(fen: 500_000)))
    #expect(catalog.parameter("lease.online_signing")?.defaultValue == .boolean(true))
    #expect(catalog.parameter("lease.default_kind")?.defaultValue == .text("public"))
    #expect(catalog.parameter("lease.open_on")?.defaultValue == CivilDate("2026-01-01").map { .date($0) })
    #expect(catalog.parameter("lease.open_on")?.group == "租赁参数")
  }

  @Test func menusAndPermissionsAreRead() throws {
    let catalog = try Samples.catalog.get()
    #expect(catalog.menus.first { $0.name == "leasing" }?.parent == "房源管理")
    #expect(catalog.menus.first { $0.name == "housing" }?.items.first?.permission == Permission("map", "view"))
    #expect(catalog.permission("unit")?.title == "name")
  }
}

@Suite struct DeclarationOverlayTests {
  @Test func aCityChangesLabelsRulesLimitsAndCodes() throws {
    let city = try Samples.city.get()
    let dwelling = try #require(city.entity("dwelling"))
    #expect(dwelling.label == "住保房源")
    #expect(dwelling.origin == .city("changsha"))
    #expect(dwelling.field("area")?.label == "套内面积")
    #expect(dwelling.field("area")?.maximum == FixedDecimal("200"))
    #expect(dwelling.field("area")?.minimum == FixedDecimal("5"))
    #expect(dwelling.rules.map(\.message) == ["请先核定租金", "三十平方米以上的房源至少有一室", "超过一百二十平方米的只能作人才公寓"])
    #expect(dwelling.menu?.order == 5)
    #expect(dwelling.menu?.group == "房源管理")
    let kinds = try #require(city.dictionary("dwelling_kind"))
    #expect(kinds.label(of: "public") == "公共租赁住房")
    #expect(kinds.code("talent")?.retired == true)
    #expect(kinds.codes.last?.code == "dormitory")
    #expect(city.parameter("lease.reminder_days")?.defaultValue == .integer(60))
    #expect(city.role("housing_clerk")?.label == "住保专员")
    #expect(try Samples.entity("dwelling").label == "房源")
  }

  @Test func aCityAddsFieldsWhereTheyBelongAndHidesOthers() throws {
    let dwelling = try #require(try Samples.city.get().entity("dwelling"))
    #expect(Array(dwelling.fields.map(\.name).prefix(3)) == ["code", "name", "school"])
    #expect(dwelling.form[0].fields.prefix(3) == ["code", "name", "school"])
    #expect(dwelling.field("remarks")?.hidden == true)
    #expect(dwelling.form.last?.fields == ["heritage"])
    #expect(dwelling.list.columns == ["code", "name", "school", "area"])
    #expect(dwelling.list.filters.contains("state"))
    #expect(dwelling.field("school")?.position.file.contains("cities/changsha") == true)
  }

  @Test func aCityAddsRegisters() throws {
    let visit = try #require(try Samples.city.get().entity("hardship_visit"))
    #expect(visit.origin == .city("changsha"))
    #expect(visit.menu?.label == "走访")
    #expect(try Samples.catalog.get().entity("hardship_visit") == nil)
  }

  /// Every key of an overlay must match something, and what is stored stays as it is.
  @Test(arguments: [
    ("extend_entity: dweling\nlabel: x", "1:16", "是不是“dwelling”"),
    ("extend_entity: dwelling\nfields:\n  - {name: aera, label: 面积}", "3:5", "是不是“area”"),
    ("extend_entity: dwelling\nfields:\n  - {name: area, type: integer}", "3:18", "不能修改它的“type”"),
    ("extend_entity: tenant\nfields:\n  - {name: phone, encrypted: false}", "3:19", "不能修改它的“encrypted”"),
    ("extend_entity: tenant\nfields:\n  - {name: phone, classification: open}", "3:35", "只能提高"),
    ("extend_entity: tenant\npersonal: false", "2:11", "不能改为不含"),
    ("extend_entity: dwelling\nlable: x", "2:1", "是不是“label”"),
    ("extend_entity: dwelling\narea: other", "2:1", "不能修改实体的“area”"),
    ("extend_entity: dwelling\nactions:\n  - {name: demolish, labl: x}", "3:22", "是不是“label”"),
    ("extend_entity: dwelling\nrules:\n  - {name: no-such, remove: true}", "3:5", "没有可以去掉的"),
    ("extend_dictionary: facility\ncodes:\n  - {code: bed, labell: x}", "3:17", "是不是“label”"),
    ("extend_dictionary: facility\ncodes:\n  - {code: sofa}", "3:5", "缺少 label"),
    ("entity: dwelling\nlabel: x\nfields: []", "1:9", "extend_entity"),
    ("extend_entity: dwelling\nfields:\n  - {name: x, label: 某, type: text, after: nme}", "3:44", "是不是“name”"),
  ])
  func anOverlayThatMatchesNothingIsRefused(_ text: String, _ place: String, _ word: String) {
    let findings = Samples.findings(text)
    #expect(
      findings.contains { $0.description.hasPrefix("t.yaml:\(place): ") && $0.message.contains(word) }, "\(findings)")
  }
}

@Suite struct DeclarationRuntimeTests {
  @Test func registersAndFieldsMadeInTheBrowserAreDeclarationsLikeAllOthers() throws {
    let catalog = try Samples.catalog.get()
    let register = "entity: key_log\nlabel: 钥匙登记\nfields:\n  - {name: holder, label: 持有人, type: text, required: true}\n"
    let first = try catalog.adding(yaml: register, origin: "register/key_log")
    let entity = try #require(first.entity("key_log"))
    #expect(entity.origin == .runtime("register/key_log"))
    #expect(entity.area == "runtime")
    #expect(entity.title == "holder")
    #expect(catalog.entity("key_log") == nil)

    let field = "extend_entity: key_log\nfields:\n  - {name: taken_on, label: 领取日期, type: date, default: today()}\n"
    let second = try first.adding(yaml: field, origin: "field/key_log/1")
    #expect(second.entity("key_log")?.fields.map(\.name) == ["holder", "taken_on"])

    let again = try second.adding(yaml: field.replacing("领取日期", with: "借出日期"), origin: "field/key_log/1")
    #expect(again.entity("key_log")?.field("taken_on")?.label == "借出日期")
    #expect(again.entity("key_log")?.fields.count == 2)

    #expect(throws: DeclarationFailure.self) { try again.removing(origin: "register/key_log") }
    #expect(try again.removing(origin: "field/key_log/1").entity("key_log")?.fields.count == 1)
  }

  @Test func aWrongDeclarationLeavesTheCatalogAsItIs() throws {
    let catalog = try Samples.catalog.get()
    let failure = #expect(throws: DeclarationFailure.self) {
      try catalog.adding(yaml: "entity: bad\nlabel: 坏\nfields:\n  - {name: a, label: 甲, type: txt}\n", origin: "x")
    }
    #expect(failure?.errors.count == 1)
    #expect(failure?.description.contains("x:4:31: 错误：没有类型“txt”") == true)
    #expect(failure?.description.contains("是不是“text”？") == true)
  }
}
