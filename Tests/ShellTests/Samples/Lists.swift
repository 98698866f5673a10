import HTML
import Shell

extension Samples {
  struct Building {
    let code: String
    let name: String
    let address: String
    let kind: String
    let storeys: Int
    let rooms: Int
    let state: Badge
    let updated: String
  }

  static let buildings: [Building] = [
    ("511702001000123", "通川大厦 3 栋", "通川区东城街道朝阳东路 88 号", "商住混合", 28, 312),
    ("511702001000124", "金龙家园 1 栋", "通川区东城街道大北街 16 号", "住宅", 18, 144),
    ("511702001000125", "金龙家园 2 栋", "通川区东城街道大北街 16 号", "住宅", 18, 144),
    ("511702002000031", "西外新城 A 区 7 栋", "通川区西城街道金兰路 201 号", "住宅", 33, 264),
    ("511702002000047", "罗浮广场写字楼", "通川区西城街道凤翎大道 66 号", "办公", 26, 520),
    ("511702003000008", "滨河小区 5 栋", "通川区朝阳街道滨河东路 112 号", "住宅", 7, 42),
    ("511703001000212", "南外中学教学楼", "达川区三里坪街道汉兴大道 9 号", "教育", 5, 60),
    ("511703001000219", "汉兴花园 12 栋", "达川区三里坪街道汉兴大道 33 号", "住宅", 11, 88),
    ("511703004000077", "杨柳垭安置房 4 栋", "达川区杨柳街道华蜀南路 305 号", "安置房", 24, 192),
    ("511722100000016", "东乡镇政府办公楼", "宣汉县东乡街道石岭路 1 号", "办公", 9, 96),
    ("511723100000204", "新宁御景 6 栋", "开江县新宁镇橄榄大道 58 号", "住宅", 16, 128),
    ("511724100000090", "竹阳公馆 3 栋", "大竹县竹阳街道一环路西段 77 号", "住宅", 22, 176),
    ("511725100000151", "天星广场 2 栋", "渠县天星街道和平街 120 号", "商住混合", 19, 228),
    ("511781100000066", "太平新居 9 栋", "万源市太平镇秦川大道 41 号", "住宅", 13, 104),
  ].enumerated().map { index, row in
    let states = [
      Badge("在用", .success), Badge("在用", .success), Badge("待核实", .warning), Badge("在用", .success),
      Badge("已拆除", .neutral),
    ]
    return Building(
      code: row.0, name: row.1, address: row.2, kind: row.3, storeys: row.4, rooms: row.5, state: states[index % 5],
      updated: "2026-11-\(21 - index) 14:05")
  }

  static let columns: [Column] = [
    Column("名称", .wide, sortPath: "/buildings?sort=name"),
    Column("编码", .code, sortPath: "/buildings?sort=code"),
    Column("标准地址", .wide),
    Column("类型", isOnPhone: false),
    Column("层数", .number, sortPath: "/buildings?sort=storeys", help: "地上层数", isOnPhone: false),
    Column("房屋数", .number, sortPath: "/buildings?sort=rooms"),
    Column("状态", .state),
    Column("更新时间", .date, sortPath: "/buildings?sort=updated_at", sorted: .descending, isOnPhone: false),
  ]

  static func rows(open: String? = nil) -> [TableRow] {
    (buildings + buildings.map(copy)).map { building in
      TableRow(
        id: building.code, name: building.name, path: "/buildings/\(building.code)",
        listPath: "/buildings?open=\(building.code)", cells: cells(building), isOpen: building.code == open)
    }
  }

  private static func copy(_ building: Building) -> Building {
    Building(
      code: "9\(building.code.dropFirst())", name: building.name, address: building.address, kind: building.kind,
      storeys: building.storeys, rooms: building.rooms, state: building.state, updated: building.updated)
  }

  private static func cells(_ building: Building) -> [HTML] {
    [
      .text(building.name), .text(building.code), .text(building.address), .text(building.kind),
      .text("\(building.storeys)"), .text(grouped(building.rooms)), building.state.html, .text(building.updated),
    ]
  }

  static let kinds = [
    Choice("residential", "住宅"), Choice("office", "办公"), Choice("mixed", "商住混合"), Choice("school", "教育"),
  ]

  static var filters: FilterBar {
    FilterBar(
      path: "/buildings", search: .init(value: "", hint: "名称、编码、地址"),
      basic: [
        Field(
          "division", "区划",
          .reference(.init(value: "511702", text: "通川区", source: "/divisions/options", placeholder: "输入区划名称"))),
        Field("kind", "类型", .select("residential", kinds, blank: "全部")),
        Field("state", "状态", .select("", [Choice("active", "在用"), Choice("gone", "已拆除")], blank: "全部")),
      ],
      more: [
        Field("storeys", "层数", .numberRange(from: "", to: "", unit: "层")),
        Field("updated", "更新时间", .dateRange(from: "2026-11-01", to: "2026-11-21")),
        Field("lift", "", .checkbox(false, caption: "有电梯")),
      ], moreInForce: 1, kept: [HiddenField("sort", "-updated_at")])
  }

  static var chips: ActiveFilters {
    ActiveFilters(
      [
        .init("区划", "通川区", removePath: "/buildings?kind=residential"),
        .init("类型", "住宅", removePath: "/buildings?division=511702"),
        .init("更新时间", "2026-11-01 至 2026-11-21", removePath: "/buildings?division=511702&kind=residential"),
      ], clearPath: "/buildings")
  }

  static func listView(open: String? = nil, panel: HTML? = nil) -> ListView {
    ListView(
      filters: filters, chips: chips,
      tools: [Action("导出", .dialog("/buildings/export"), style: .quiet, icon: .download)],
      views: SavedViews([.init("我的辖区", path: "/buildings?division=511702")], savePath: "/views"),
      columns: ColumnChooser(
        path: "/columns",
        columns: [.init(name: "code", label: "编码", isShown: true), .init(name: "lift", label: "电梯", isShown: false)]),
      table: DataTable(
        caption: "楼栋", columns: columns, rows: rows(open: open),
        batch: .init(
          path: "/buildings/batch",
          actions: [
            Action("标记为已核实", .submit(name: "action", value: "verify"), icon: .check),
            Action("导出所选", .submit(name: "action", value: "export"), icon: .download),
            Action("删除", .submit(name: "action", value: "delete"), style: .danger, icon: .trash),
          ], total: .about(12_346)),
        empty: .nothingFound("没有符合条件的楼栋", "换个条件试试，或清除筛选看全部楼栋。", clear: "/buildings")),
      pager: Pager(total: .about(12_346), page: 3, size: 50, shown: 28) { "/buildings?page=\($0)&size=\($1)" },
      panel: panel)
  }

  static func list(_ size: TextSize) -> [UInt8] {
    Page(
      title: "楼栋",
      visit: visit(
        "/buildings", textSize: size, flashes: [Flash(.success, "已核实 3 栋楼，可在审计中查到。", link: "/audit", linkLabel: "查看记录")]
      ),
      layout: .list, crumbs: [Crumb("标准地址"), Crumb("楼栋")],
      actions: [
        Action("导入", .link("/imports/new"), icon: .upload),
        Action("新建楼栋", .link("/buildings/new"), style: .primary, icon: .plus),
      ],
      moreActions: [
        Action("统计", .link("/buildings/statistics"), icon: .chart),
        Action("在地图上看", .link("/map?layer=buildings"), icon: .map),
        Action("打印", .print, icon: .print),
      ]
    ) { listView() }.render()
  }

  static func listWithPanel(_ size: TextSize) -> [UInt8] {
    Page(
      title: "楼栋", visit: visit("/buildings", textSize: size), layout: .list, crumbs: [Crumb("标准地址"), Crumb("楼栋")],
      actions: [Action("新建楼栋", .link("/buildings/new"), style: .primary, icon: .plus)]
    ) { listView(open: "511702001000124", panel: panel) }.render()
  }

  static var panel: HTML {
    PanelView(
      title: "金龙家园 1 栋", status: Badge("在用", .success), path: "/buildings/511702001000124", listPath: "/buildings",
      actions: [
        Action("编辑", .link("/buildings/511702001000124/edit"), style: .primary, icon: .edit),
        Action("看房屋", .link("/rooms?building=511702001000124")), Action("定位", .link("/map"), icon: .pin),
      ]
    ) {
      DetailList(detailItems, isCompact: true)
      h3 { "最近变动" }
      timeline
    }.html
  }

  static func emptyList(_ size: TextSize) -> [UInt8] {
    let table = DataTable(
      caption: "门牌申请", columns: columns, rows: [],
      empty: .empty(
        "还没有门牌申请", "居民扫码提交的申请会出现在这里；窗口也可以代为登记。", icon: .plate,
        actions: [Action("登记门牌申请", .link("/plate-applications/new"), style: .primary)]))
    return Page(title: "门牌申请", visit: visit("/plate-applications", textSize: size), layout: .list) {
      ListView(
        filters: FilterBar(path: "/plate-applications", search: .init(value: "", hint: "申请人、地址"), basic: []),
        table: table,
        pager: nil)
    }.render()
  }
}
