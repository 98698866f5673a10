import HTML
import Shell

/// Every kind of page with invented but plausible content of 达州市; the tests check them all, and with
/// `LIFANG_GALLERY=<folder>` they are written there to be looked at.
enum Samples {
  static let environment = HTMLEnvironment(assets: "/assets", formToken: "token")

  static let menu: [MenuItem] = [
    MenuItem("工作台", icon: .home, path: "/"),
    MenuItem("待办", icon: .inbox, path: "/inbox", count: 12),
    MenuItem(
      "标准地址", icon: .address,
      children: [
        MenuItem("地址", path: "/addresses"), MenuItem("道路", path: "/roads"), MenuItem("小区", path: "/compounds"),
        MenuItem("楼栋", path: "/buildings"), MenuItem("房屋", path: "/rooms"), MenuItem("导入地址", path: "/imports"),
      ]),
    MenuItem("一张图", icon: .map, path: "/map"),
    MenuItem(
      "门牌管理", icon: .plate,
      children: [
        MenuItem("门牌", path: "/plates"), MenuItem("门牌申请", path: "/plate-applications", count: 5),
        MenuItem("扫码记录", path: "/scans"),
      ]),
    MenuItem("人口信息", icon: .people, children: [MenuItem("人员", path: "/people")]),
    MenuItem(
      "组织与权限", icon: .organization,
      children: [MenuItem("机构", path: "/units"), MenuItem("用户", path: "/users"), MenuItem("角色", path: "/roles")]),
    MenuItem("审计", icon: .shield, path: "/audit"),
    MenuItem("系统设置", icon: .settings, path: "/settings"),
  ]

  static func visit(
    _ path: String, textSize: TextSize = .standard, flashes: [Flash] = [], signedIn: Bool = true
  ) -> FrameModel {
    FrameModel(
      city: "达州市",
      person: signedIn
        ? Person(
          name: "李敏", unit: "通川区东城街道办事处", roles: ["街道地址管理员"],
          otherUnits: [.init(id: "7", label: "达州市民政局 · 地名核查员")]) : nil,
      menu: signedIn ? menu : [], path: path, inboxCount: 12, messageCount: 3, textSize: textSize,
      environment: environment, flashes: flashes, requestID: "7f3a-19c2e4")
  }

  /// The pages at the standard text size, rendered once.
  static let standard = pages()

  /// Pages by file name.
  static func pages(_ textSize: TextSize = .standard) -> [(name: String, bytes: [UInt8])] {
    [
      ("list", list(textSize)), ("list-panel", listWithPanel(textSize)), ("list-empty", emptyList(textSize)),
      ("form", form(textSize)), ("form-errors", formWithErrors(textSize)), ("detail", detail(textSize)),
      ("workbench", workbench(textSize)), ("import", importing(textSize)), ("confirm", confirm(textSize)),
      ("map", map(textSize)), ("parts", parts(textSize)), ("scan", scan(textSize)), ("scan-form", scanForm(textSize)),
      ("sign-in", signIn(textSize)), ("sign-in-code", signInCode(textSize)), ("error", error(textSize)),
      ("forbidden", forbidden(textSize)),
    ]
  }
}
