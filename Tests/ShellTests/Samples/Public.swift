import HTML
import Shell

extension Samples {
  static func scan(_ size: TextSize) -> [UInt8] {
    PublicPage(title: "大北街 16 号 金龙家园 1 栋", visit: visit("/s/MP511702000124", textSize: size, signedIn: false)) {
      AddressHeader(
        address: "大北街 16 号 金龙家园 1 栋", region: "达州市通川区东城街道 · 大北街社区", code: "511702001003000124",
        badges: [Badge("门牌真实有效", .success)], note: nil)
      PublicSection("找人帮忙") {
        ContactList([
          ContactCard(role: "社区民警", name: "周勇", unit: "东城派出所", phone: "0818-2123456", icon: .police),
          ContactCard(role: "网格员", name: "陈强", unit: "大北街社区第 3 网格", phone: "138 0000 1234", icon: .person),
          ContactCard(role: "社区居委会", name: "大北街社区", unit: "工作日 9:00–17:30", phone: "0818-2234567", icon: .community),
        ])
      }
      PublicSection("在这里可以办") {
        ServiceGrid([
          .init("出租房登记", detail: "3 个工作日", icon: .door, path: "/services/1"),
          .init("居住证申领", detail: "15 个工作日", icon: .address, path: "/services/2"),
          .init("报修求助", detail: "随时", icon: .tool, path: "/services/3"),
          .init("随手拍", detail: "路面、垃圾、噪音", icon: .camera, path: "/services/4"),
          .init("门牌补办", detail: "免费", icon: .plate, path: "/services/5"),
          .init("办理进度", icon: .clock, path: "/services/6"),
        ])
      }
      PublicSection("附近 1.5 公里", link: ("在地图上看", "/map")) {
        NearbyList([
          .init(name: "达州市中心医院", kind: "医院", icon: .hospital, distance: 420, address: "南岳庙街 56 号", path: "/f/1"),
          .init(name: "通川区第一小学", kind: "学校", icon: .school, distance: 640, address: "荷叶街 83 号", path: "/f/2"),
          .init(name: "大北街公交站", kind: "公交站", icon: .bus, distance: 120, address: "大北街", path: "/f/3"),
          .init(name: "东城派出所", kind: "派出所", icon: .police, distance: 1_180, address: "朝阳东路 21 号", path: "/f/4"),
        ])
      }
      PublicSection("看得清楚些") {
        TextSizeSwitch(visit: visit("/s/1", textSize: size, signedIn: false), isProminent: true)
      }
    }.render()
  }

  static func scanForm(_ size: TextSize) -> [UInt8] {
    PublicPage(title: "扫门牌", visit: visit("/scan", textSize: size, signedIn: false), scripts: [.scan]) {
      PublicHeading("扫门牌", note: "看这里归谁管、能办什么事，举报假门牌。")
      ScanForm(path: "/scan", value: "MP5117", error: "没有编码为 MP5117 的门牌，请对照门牌再输一次。")
    }.render()
  }

  static func signIn(_ size: TextSize) -> [UInt8] {
    SignInPage(
      visit: visit("/sign-in", textSize: size, signedIn: false), account: "limin", returnPath: "/buildings",
      error: "账号或密码不对。还可以再试 3 次，之后账号会锁定 15 分钟。",
      demoAccounts: [
        ("limin", "街道地址管理员"), ("zhangwei", "民政局核定"), ("admin", "系统管理员"), ("sec", "安全保密管理员"), ("audit", "安全审计员"),
      ]
    ).render()
  }

  static func signInCode(_ size: TextSize) -> [UInt8] {
    SignInPage(visit: visit("/sign-in", textSize: size, signedIn: false), step: .code(challenge: "c1")).render()
  }

  static func error(_ size: TextSize) -> [UInt8] {
    ErrorPage(
      status: 404, title: "没有这块门牌", message: "编码可能输错了，或者门牌已经注销。请对照门牌再扫一次，也可以打 12345 询问。",
      visit: visit("/s/x", textSize: size, signedIn: false), actions: [Action("重新扫码", .link("/scan"), style: .primary)]
    ).render()
  }

  static func forbidden(_ size: TextSize) -> [UInt8] {
    ErrorPage(
      status: 403, title: "没有查看审计的权限", message: "审计只对安全审计员开放。需要时请向本单位的安全审计员申请。", visit: visit("/audit", textSize: size)
    ).render()
  }
}
