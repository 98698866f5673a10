import Addresses
import Core
import Entities
import HTML
import Shell

/// The page behind a plate's QR code: phone first, for anybody.
struct ScanPage {
  let address: PublicAddress
  let catalog: Catalog
  let frame: FrameModel
  /// What staff see besides, by role and scope.
  let staff: HTML?
  /// Keeping the address at hand; another thing for those who are signed in.
  var keeping: HTML?
  /// What the proof in the QR code says.
  let verdict: QRRules.Verdict

  func render() -> [UInt8] {
    PublicPage(title: address.fullName, visit: frame) { content }.render()
  }

  @HTMLBuilder private var content: HTML {
    if case .forged = verdict {
      Notice(.danger, title: "这块门牌可能是伪造的") {
        "二维码里的签名不对，已登记，待民警核查。请不要通过它付款、转账或填写个人信息；下面的地址信息来自政府登记，与这块门牌无关。"
      }
    }
    AddressHeader(
      address: shortName, region: address.region, code: address.code, badges: badges,
      note: address.status == "cancelled" ? "该地址已注销，编码不再使用。如有疑问请联系社区。" : nil)
    staff
    if !emergency.isEmpty { PublicSection("紧急求助") { ServiceGrid(emergency) } }
    if !address.contacts.isEmpty {
      PublicSection("我的社区", link: address.station.map { ("警务室主页", $0) }) { ContactList(address.contacts.map(card)) }
    }
    if !services.isEmpty { PublicSection("办事服务") { ServiceGrid(services) } }
    if !address.culture.isEmpty { PublicSection("街巷文化") { stories(address.culture, .leaf) } }
    if !address.offers.isEmpty {
      PublicSection("商户公告与优惠", link: ("便民信息", offers)) {
        stories(address.offers, .shop)
        p(.class("field-help")) { "由商户发布，社区审核后公开；与商户有争议的请拨打 12315。" }
      }
    }
    if let keeping { PublicSection("收藏") { keeping } }
    PublicSection("反映问题", link: ("查看答复", "/address-reports")) {
      ServiceGrid([
        .init("地址有误", detail: "名称、门牌号、位置不对", icon: .pin, path: "/d/\(address.code)/report?about=address"),
        .init("门牌有问题", detail: "破损、污染、脱落", icon: .plate, path: "/d/\(address.code)/report?about=plate"),
      ])
    }
    PublicSection("一点五公里生活圈", link: nearbyLink) {
      if address.places.isEmpty {
        p(.class("blank")) { address.longitude == nil ? "这个地址还没有标注位置。" : "附近还没有登记公共设施。" }
      } else {
        NearbyList(address.places.map { $0.row(catalog) })
        p(.class("keeping")) { a(.href("/places?code=\(address.code)")) { "按种类查找公共资源" } }
      }
    }
  }

  /// The full name without the province and city that the region line already says.
  private var shortName: String {
    var name = address.fullName[...]
    for part in ["四川省"] + address.region.split(separator: " ").map(String.init) where name.hasPrefix(part) {
      name = name.dropFirst(part.count)
    }
    return name.isEmpty ? address.fullName : String(name)
  }

  private var badges: [Badge] {
    var badges: [Badge] = []
    if let kind = catalog.dictionary("address_kind")?.label(of: address.kind) { badges.append(Badge(kind)) }
    if case .genuine = verdict { badges.append(Badge("门牌签名有效", .success)) }
    switch address.status {
    case "confirmed": badges.append(Badge("已核实", .success))
    case "pending": badges.append(Badge("待核实", .info))
    case "doubtful": badges.append(Badge("存疑", .warning))
    default: badges.append(Badge("已注销", .danger))
    }
    return badges
  }

  private func card(_ contact: PublicAddress.Contact) -> ContactCard {
    let icon: Icon =
      switch contact.role {
      case "社区民警", "派出所值班": .police
      case "网格员": .grid
      default: .community
      }
    return ContactCard(
      role: contact.role, name: contact.name, unit: contact.unit, phone: contact.phone, icon: icon,
      photo: contact.photo)
  }

  private var emergency: [ServiceGrid.Item] {
    address.services.filter { $0.target.hasPrefix("tel:") }.map { item($0, .phone) }
  }

  private var services: [ServiceGrid.Item] {
    address.services.filter { !$0.target.hasPrefix("tel:") }.map { service in
      let icon: Icon =
        switch service.kind {
        case "government": .organization
        case "police": .police
        case "housing": .home
        case "life": .shop
        case "transport": .bus
        case "health": .hospital
        case "report": .send
        default: .info
        }
      return item(service, icon)
    } + [
      .init("申报租客", detail: "房东登记住进来的人", icon: .door, path: "/r/tenancy_report/new?address_code=\(address.code)"),
      .init("便民信息", detail: "租房、招聘、二手、家政", icon: .shop, path: offers),
    ]
  }

  /// What residents and merchants of the community publish.
  private var offers: String { "/offers?area=\(address.divisionCode)" }

  private func stories(_ stories: [PublicAddress.Story], _ icon: Icon) -> HTML {
    ul(.class("nearby")) {
      for story in stories {
        li {
          a(.class("nearby-row"), .href(story.path)) {
            icon
            span(.class("nearby-text")) {
              span(.class("nearby-name")) {
                story.title
                if let kind = story.kind { Badge(catalog.dictionary("public_notice_kind")?.label(of: kind) ?? kind) }
              }
              span(.class("nearby-detail")) { story.detail }
            }
          }
        }
      }
    }
  }

  private func item(_ service: PublicAddress.Service, _ icon: Icon) -> ServiceGrid.Item {
    ServiceGrid.Item(service.name, detail: service.detail, icon: icon, path: service.target)
  }

  private var nearbyLink: (label: String, path: String)? {
    address.longitude == nil ? nil : ("在地图上看", "/d/\(address.code)/map")
  }
}
