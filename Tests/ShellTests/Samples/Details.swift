import HTML
import Shell

extension Samples {
  static var detailItems: [DetailItem] {
    [
      DetailItem("楼栋编码", text: "511702001000124", isCode: true),
      DetailItem("标准地址", a(.href("/addresses/88")) { "达州市通川区东城街道大北街 16 号" }),
      DetailItem("类型", text: "住宅"), DetailItem("地上层数", text: "18 层", isCode: true),
      DetailItem("建筑面积", text: "15,230.5 ㎡", isCode: true), DetailItem("竣工日期", text: "2009-06-30", isCode: true),
      DetailItem("楼栋长", text: "王*国", reveal: .init(path: "/buildings/1/reveal?field=manager")),
      DetailItem("联系电话", text: "138****1234", isCode: true, reveal: .init(path: "/buildings/1/reveal?field=phone")),
      DetailItem("电梯品牌", text: nil),
    ]
  }

  static var timeline: Timeline {
    Timeline([
      Timeline.Entry(
        "实地采集", who: "陈强 · 大北街社区第 3 网格", time: "2026-11-18 09:12", duration: "用时 1 天 2 小时", tone: .success),
      Timeline.Entry("街道初审", who: "李敏 · 东城街道办事处", time: "2026-11-19 16:40", duration: "用时 1 天 7 小时", tone: .success) {
        p { "门牌号与派出所登记一致，照片清晰。" }
      },
      Timeline.Entry(
        "民政局核定", who: "张伟 · 达州市民政局", time: "应于 2026-11-23 前办结", duration: "已用 2 天，剩 2 天", tone: .warning,
        badge: Badge("办理中", .info),
        state: .current),
      Timeline.Entry("发布到地址库", who: "系统自动", state: .next),
    ])
  }

  static let chart = ChartView(
    .bar, title: "各区县标准地址", unit: "万条", categories: ["通川区", "达川区", "宣汉县", "开江县", "大竹县", "渠县", "万源市"],
    series: [
      .init("已核实", [31.2, 28.4, 24.1, 11.7, 19.8, 22.5, 9.6]), .init("待核实", [2.1, 3.4, 5.2, 1.1, 2.8, 4.9, 2.2]),
    ])

  static var smallMap: MapView {
    MapView(
      label: "金龙家园 1 栋的位置", longitude: 107.468, latitude: 31.2095, zoom: 16,
      layers: [.init("divisions", "区划"), .init("roads", "道路"), .init("buildings", "楼栋")],
      markers: [.init(longitude: 107.468, latitude: 31.2095, label: "金龙家园 1 栋", path: nil)], isSmall: true)
  }

  static func detail(_ size: TextSize) -> [UInt8] {
    Page(
      title: "金龙家园 1 栋", visit: visit("/buildings/1", textSize: size),
      crumbs: [Crumb("标准地址"), Crumb("楼栋", "/buildings"), Crumb("金龙家园 1 栋")], status: Badge("在用", .success),
      subtitle: "达州市通川区东城街道大北街 16 号 · 更新于 2026-11-20 14:05",
      actions: [
        Action("编辑", .link("/buildings/1/edit"), style: .primary, icon: .edit),
        Action("标记拆除", .dialog("/buildings/1/demolish")),
      ],
      moreActions: [
        Action("打印", .print, icon: .print), Action("删除", .dialog("/buildings/1/delete"), style: .danger, icon: .trash),
      ],
      tabs: Tabs([
        .init("概况", path: "/buildings/1", isCurrent: true), .init("房屋", path: "/buildings/1/rooms", count: 144),
        .init("人员", path: "/buildings/1/people", count: 386), .init("历史", path: "/buildings/1/history", count: 7),
      ]), scripts: [.map]
    ) {
      Columns {
        Card("基本信息") { DetailList(detailItems) }
        Card("房屋", count: .exact(144), actions: [Action("全部房屋", .link("/rooms"), style: .quiet)], isFlush: true) {
          rooms
        }
      } side: {
        Card("位置") { smallMap }
        Card("办理过程") { timeline }
      }
    }.render()
  }

  private static var rooms: DataTable {
    DataTable(
      caption: "房屋", columns: [Column("房号"), Column("面积", .number), Column("户主"), Column("状态", .state)],
      rows: (1...5).map { index in
        TableRow(
          id: "r\(index)", name: "1-\(index)01", path: "/rooms/\(index)",
          cells: ["1 单元 \(index)01 室", "\(88 + index).5 ㎡", "张*", Badge("自住", .neutral).html])
      }, opensPanel: false, empty: .empty("还没有房屋", "导入或新建房屋后会出现在这里。"))
  }

  static func workbench(_ size: TextSize) -> [UInt8] {
    Page(
      title: "工作台", visit: visit("/", textSize: size), layout: .wide, subtitle: "星期六 2026-11-21，早上好，李敏",
      scripts: [.chart]
    ) {
      TileRow([
        Tile("待办", value: "12", unit: "件", note: "其中 2 件今天到期", noteTone: .warning, path: "/inbox", icon: .inbox),
        Tile(
          "标准地址", value: "48,213", unit: "条", note: "较昨日 +126", noteTone: .success, path: "/addresses", icon: .address),
        Tile(
          "待核实", value: "1,024", unit: "条", note: "超过 7 天的 31 条", noteTone: .danger, path: "/addresses?state=doubtful",
          icon: .warning),
        Tile("扫码", value: "3,907", unit: "次", note: "近 7 天", path: "/scans", icon: .scan),
      ])
      Columns {
        Card("各区县标准地址") { chart }
        Card("我的待办", count: .exact(12), actions: [Action("全部待办", .link("/inbox"), style: .quiet)], isFlush: true) {
          tasks
        }
      } side: {
        Card("最近进展") { timeline }
        Card("快捷操作") {
          ActionBar([
            Action("导入地址", .link("/imports"), icon: .upload), Action("新建门牌", .link("/plates/new"), icon: .plate),
            Action("打开地图", .link("/map"), icon: .map),
          ])
        }
      }
    }.render()
  }

  private static var tasks: DataTable {
    DataTable(
      caption: "我的待办", columns: [Column("事项", .wide), Column("申请人"), Column("到期", .date), Column("时限", .state)],
      rows: [
        ("门牌申请：朝阳东路 88 号附 2", "刘*芳", "2026-11-21 17:30", Badge("今天到期", .danger)),
        ("地址更正：金兰路 201 号", "西外新城物业", "2026-11-23 17:30", Badge("剩 2 天", .warning)),
        ("楼栋核实：滨河小区 5 栋", "陈强", "2026-11-27 17:30", Badge("正常", .success)),
      ].enumerated().map { index, row in
        TableRow(
          id: "t\(index)", name: row.0, path: "/inbox/\(index)",
          cells: [.text(row.0), .text(row.1), .text(row.2), row.3.html])
      }, opensPanel: false, empty: .empty("没有待办", "新的事项到来时会出现在这里。"))
  }

  static func importing(_ size: TextSize) -> [UInt8] {
    Page(
      title: "导入地址", visit: visit("/imports/12", textSize: size),
      crumbs: [Crumb("导入", "/imports"), Crumb("东城街道地址.xlsx")], scripts: [.progress]
    ) {
      ProgressView(
        title: "东城街道地址.xlsx", state: .running, done: 18_240, total: 48_213, message: "正在匹配第 18,240 行，预计还要 40 秒",
        counts: [
          .init("created", "新建", value: 15_102, tone: .success, path: "/imports/12/created"),
          .init("matched", "已有", value: 2_840, tone: .info),
          .init("doubtful", "存疑", value: 251, tone: .warning, path: "/imports/12/doubtful"),
          .init("rejected", "退回", value: 47, tone: .danger, path: "/imports/12/rejected"),
        ], events: "/jobs/12/events", refreshPath: "/imports/12",
        actions: [Action("取消导入", .dialog("/jobs/12/cancel"))])
      ProgressView(
        title: "西城街道地址.csv", state: .done, done: 9_120, total: 9_120, message: "2026-11-20 15:32 完成，用时 31 秒，可以下载逐行结果",
        events: nil,
        refreshPath: "/imports/11", actions: [Action("下载逐行结果", .download("/imports/11/result.csv"), icon: .download)])
      ProgressView(
        title: "旧系统导出.xlsx", state: .failed, done: 311, total: 5_000,
        message: "第 312 行起不是表格内容，已导入的 311 行都保留。请改好文件后从第 312 行续传。",
        events: nil, refreshPath: "/imports/10", actions: [Action("续传", .link("/imports/10/resume"), style: .primary)])
    }.render()
  }

  static func map(_ size: TextSize) -> [UInt8] {
    Page(title: "一张图", visit: visit("/map", textSize: size), layout: .map, scripts: [.map]) {
      MapPageView(
        map: MapView(
          label: "达州市地图", longitude: 107.468, latitude: 31.2095, zoom: 14,
          layers: [
            .init("divisions", "行政区划"), .init("grids", "网格"), .init("roads", "道路"), .init("buildings", "楼栋"),
            .init("facilities", "公共设施"),
            .init("addresses", "地址"),
          ]), searchPath: "/map", listPath: "/map/list"
      ) {
        MapListHead("视野内 12,346 处，先列出 50 处")
        for (index, building) in buildings.enumerated() {
          MapListItem(
            building.name, detail: building.address, note: building.code, longitude: 107.46 + Double(index) * 0.002,
            latitude: 31.205 + Double(index % 4) * 0.003, path: "/buildings/\(index)",
            cardPath: "/map/card/buildings/\(index)", badge: building.state)
        }
      }
    }.render()
  }

  static func parts(_ size: TextSize) -> [UInt8] {
    Page(title: "部件", visit: visit("/parts", textSize: size)) {
      Card("按钮") {
        ActionBar([
          Action("提交申请", .link("/"), style: .primary), Action("保存草稿", .link("/")),
          Action("退回补正", .link("/"), style: .danger),
          Action("更多", .link("/"), style: .quiet),
          Action("发布", .link("/"), style: .primary, disabledReason: "还有 2 处未核实"),
        ])
        p {
          Badge("正常"); " "; Badge("办理中", .info); " "; Badge("已办结", .success); " "; Badge("将到期", .warning); " ";
          Badge("已超时", .danger)
        }
      }
      Notice(.info, "本页数据截至 2026-11-21 02:00。")
      Notice(.warning, title: "有 31 条地址超过 7 天没有核实", actions: [Action("去核实", .link("/"))]) { p { "超过 15 天会自动升级给民政局。" } }
      Notice(.danger, "该房屋已备案在张*名下，本次没有保存。请先办理变更。")
      Notice(.success, "已受理，受理号 MP20261121003。")
      Card("图标") { div(.class("icon-sheet")) { for icon in Icon.allCases { icon } } }
      Card("载入中") {
        Skeleton(.tiles(4)); Skeleton(.rows(4)); Skeleton(.text(3))
      }
      Card("失败") { StateView.failed("统计没有算出来", "原来的数字还在。请稍后重试，或联系系统管理员。", actions: [Action("重新计算", .link("/"))]) }
      Card("没有权限") { StateView.noPermission("查看人员信息", grantedBy: "本单位的系统管理员") }
    }.render()
  }
}
