import Access
import Audit
import Core
import Crypto
import Entities
import SQL
import Search
import TestSupport

/// A small city in a fresh database: units, buildings, rooms and people.
struct StoreFixture: Sendable {
  let database: Database
  let store: RecordStore
  let catalogs: LiveCatalog
  let clock: ManualClock
  let keys: KeyRing
  let audit: Audit

  static let declarations: [(name: String, text: String)] = [
    ("unit.yaml", unit), ("building.yaml", building), ("room.yaml", room), ("citizen.yaml", citizen),
    ("kind.yaml", kind), ("limits.yaml", limits),
  ]

  static func make(
    _ texts: [(name: String, text: String)] = declarations, on given: Database? = nil,
    clock: ManualClock = ManualClock(noon),
    hooks: RecordHooks = RecordHooks(),
    actorName: @escaping @Sendable (Int64, any SQLSession) async throws -> String? = { _, _ in nil }
  ) async throws -> StoreFixture {
    let catalogs = LiveCatalog(try Catalog.load(texts: texts))
    let database: Database
    if let given {
      database = given
      try await prepare(catalogs.current, on: given)
    } else {
      let texts = texts.map(\.text).joined()
      database = try await TestDatabase.make(
        TestDatabase.Preparation("entities \(texts)") { try await prepare(catalogs.current, on: $0) })
    }
    let keys = try makeKeys()
    let audit = Audit(clock: clock.clock)
    let store = RecordStore(
      database: database, catalogs: catalogs, keys: keys, audit: audit, clock: clock.clock, hooks: hooks,
      actorName: actorName)
    return StoreFixture(
      database: database, store: store, catalogs: catalogs, clock: clock, keys: keys, audit: audit)
  }

  /// Makes the tables.
  static func prepare(_ catalog: Catalog, on database: Database) async throws {
    _ = try await Migrator(log: .silent).run(AuditSchema.migrations + StoreMigrations.all, on: database)
    try await SchemaPlan.apply(catalog, to: database)
  }

  /// The same keys each time.
  static func makeKeys() throws -> KeyRing {
    let keys = KeyRing(random: .seeded(7))
    try keys.rotate(.data, at: noon)
    try keys.rotate(.index, at: noon)
    return keys
  }

  /// 2026-11-21 12:00 in China.
  static let noon = Instant(seconds: 1_795_233_600)

  var system: Records { store.records(as: .system) }

  func entity(_ name: String) throws -> EntityDeclaration { try store.entity(name) }

  /// Ids of a unit and one below it.
  func makeUnits() async throws -> (parent: Int64, child: Int64) {
    let parent = try await system.insert("unit", ["name": .text("通川区"), "path": .text("1.")])
    let child = try await system.insert("unit", ["name": .text("东城街道"), "path": .text("1.2.")])
    return (parent.id, child.id)
  }

  /// A user with one grant a permission.
  static func user(
    _ id: Int64, _ grants: [(String, DataScope)], unit: Int64 = 1, path: String = "1.", division: String = "511702",
    clearance: Classification = .inner, kind: Principal.Kind = .user
  ) -> Principal {
    Principal(
      kind: kind, id: id, name: "用户\(id)",
      unit: UnitMembership(id: unit, name: "机构\(unit)", path: path, division: division),
      grants: Grants(grants.compactMap { text, scope in Permission(text).map { Grants.Grant($0, scope) } }),
      clearance: clearance)
  }

  private static let unit = """
    entity: unit
    label: 机构
    area: platform
    title: name
    fields:
      - {name: name, label: 名称, type: text, max: 100, required: true}
      - {name: path, label: 层级路径, type: text, max: 200}
    list: {columns: [name, path], sort: path, search: [name]}
    form: {sections: [{label: 基本信息, fields: [name, path]}]}
    indexes: [[path]]
    """

  static let building = """
    entity: building
    label: 楼栋
    area: spine
    title: name
    scope:
      division: division_code
      unit: unit_id
      owner: keeper
      point: location
      rules: {mine: "unit_id == my_unit() and storeys > 3"}
    fields:
      - {name: code, label: 楼栋编码, type: text, max: 32, unique: true, required: true, editable: false}
      - {name: name, label: 名称, type: text, max: 60, required: true}
      - {name: kind, label: 类型, type: code, dictionary: building_kind, default: "'residential'"}
      - {name: tags, label: 标签, type: code, dictionary: building_kind, multiple: true}
      - {name: division_code, label: 区划, type: division, required: true}
      - {name: unit_id, label: 管理单位, type: ref, entity: unit}
      - {name: keeper, label: 负责人, type: integer}
      - {name: storeys, label: 层数, type: integer, min: 1, max: 200}
      - {name: area, label: 面积, type: decimal, unit: ㎡}
      - {name: value, label: 造价, type: money}
      - {name: built, label: 建成日期, type: date}
      - {name: inspected, label: 巡检时间, type: instant}
      - {name: vacant, label: 空置, type: boolean}
      - {name: location, label: 位置, type: point}
      - {name: footprint, label: 轮廓, type: polygon}
      - {name: status, label: 状态, type: text, max: 20, editable: false}
      - {name: remark, label: 备注, type: longtext, max: 500}
      - {name: extra, label: 附加, type: json}
      - {name: age, label: 楼龄, type: integer, computed: "year(today()) - year(built)"}
    rules:
      - {check: "storeys < 100 or kind == 'office'", message: 住宅不能超过一百层, field: storeys}
    indexes: [[division_code, kind], [storeys]]
    list: {columns: [code, name, kind, division_code, storeys, age], filters: [division_code, kind, storeys], sort: -updated_at, search: [name, code], page: 20}
    form: {sections: [{label: 基本信息, fields: [name, kind, division_code, storeys]}]}
    numbering: {field: code, pattern: "B{division_code:6}-{seq:4}"}
    actions:
      - {name: demolish, label: 标记拆除, when: "status != 'demolished' or status == null", ask: [remark], set: {status: "'demolished'"}, confirm: 拆除后不再计入统计}
    statistics: {by: [kind, division_code, unit_id, built, vacant], measures: [count, "sum(storeys)", "sum(value)", "avg(area)", {label: 高层, count: "storeys.from=8"}, {label: 办公面积, of: sum(storeys), where: kind=office}]}
    """

  private static let room = """
    entity: room
    label: 房屋
    area: spine
    title: number
    scope: {unit: unit_id}
    fields:
      - {name: building_id, label: 楼栋, type: ref, entity: building, required: true}
      - {name: number, label: 房号, type: text, max: 20, required: true}
      - {name: unit_id, label: 管理单位, type: ref, entity: unit}
      - {name: owner_id, label: 产权人, type: ref, entity: citizen}
    unique: [[building_id, number]]
    list: {columns: [number, building_id, owner_id], sort: number, search: [number]}
    form: {sections: [{label: 基本信息, fields: [building_id, number, owner_id]}]}
    """

  private static let citizen = """
    entity: citizen
    label: 居民
    area: spine
    title: name
    personal: true
    scope:
      division: division_code
      unit: unit_id
      owner: worker
      point: home
      rules: {watched: "watched and division_code == my_division()"}
    fields:
      - {name: name, label: 姓名, type: text, max: 40, required: true, classification: sensitive, mask: name}
      - {name: id_number, label: 身份证号, type: resident_id, classification: secret, mask: id, encrypted: true, unique: true}
      - {name: phone, label: 电话, type: phone, classification: sensitive, mask: phone, encrypted: true}
      - {name: division_code, label: 区划, type: division}
      - {name: unit_id, label: 管理单位, type: ref, entity: unit}
      - {name: worker, label: 网格员, type: integer}
      - {name: home, label: 住处, type: point}
      - {name: watched, label: 重点关注, type: boolean}
      - {name: born, label: 出生日期, type: date, classification: secret, mask: all}
    list: {columns: [name, id_number, phone, division_code], filters: [division_code, watched, phone, id_number], sort: -updated_at, search: [name], page: 50}
    form: {sections: [{label: 基本信息, fields: [name, id_number, phone, division_code]}]}
    """

  private static let kind = """
    dictionary: building_kind
    label: 楼栋类型
    codes:
      - {code: residential, label: 住宅}
      - {code: office, label: 写字楼}
      - {code: school, label: 学校}
    """

  private static let limits = """
    parameters: test
    label: 测试
    items:
      - {name: page_rows, label: 每页行数, type: integer, min: 1, max: 100, default: 20}
    """
}
