package import HTML

/// Everything the frame around a page shows; made once a request from the session, and handed to every page.
package struct FrameModel: Sendable {
  /// Shown beside the mark; the product's name unless a city has its own.
  package var product: String
  package var city: String
  /// Where maps open when nothing else says so: `107.4680,31.2090`.
  package var mapStart: String?
  /// Who is signed in; `nil` on the pages that anybody may open.
  package var person: Person?
  package var menu: [MenuItem]
  /// The path of this page, which marks the menu entry it belongs to.
  package var path: String
  /// How many tasks wait for this person (待办).
  package var inboxCount: Int
  /// How many messages are unread (消息).
  package var messageCount: Int
  package var textSize: TextSize
  /// Whether the person folded the menu away; remembered in the cookie `menu`.
  package var menuFolded: Bool
  package var environment: HTMLEnvironment
  /// Messages left by the request before; shown once.
  package var flashes: [Flash]
  /// The number to quote when something is wrong.
  package var requestID: String
  package var links: FrameLinks
  /// Across pages with personal data and confidential modules; `nil` on all others.
  package var watermark: Watermark?

  package init(
    product: String = "里坊", city: String, person: Person?, menu: [MenuItem] = [], path: String,
    inboxCount: Int = 0, messageCount: Int = 0, textSize: TextSize = .standard, menuFolded: Bool = false,
    environment: HTMLEnvironment = HTMLEnvironment(), flashes: [Flash] = [], requestID: String = "",
    links: FrameLinks = FrameLinks()
  ) {
    self.product = product
    self.city = city
    self.person = person
    self.menu = menu
    self.path = path
    self.inboxCount = inboxCount
    self.messageCount = messageCount
    self.textSize = textSize
    self.menuFolded = menuFolded
    self.environment = environment
    self.flashes = flashes
    self.requestID = requestID
    self.links = links
  }
}

/// The signed-in person as the top bar shows them.
package struct Person: Sendable, Hashable {
  package var name: String
  /// The unit in force.
  package var unit: String
  /// The names of the roles in force.
  package var roles: [String]
  /// Other units the person may act for; chosen through ``FrameLinks/chooseUnit``.
  package var otherUnits: [Membership]

  package struct Membership: Sendable, Hashable {
    /// What is sent as `membership` when it is chosen.
    package let id: String
    package let label: String

    package init(id: String, label: String) {
      self.id = id
      self.label = label
    }
  }

  package init(name: String, unit: String, roles: [String], otherUnits: [Membership] = []) {
    self.name = name
    self.unit = unit
    self.roles = roles
    self.otherUnits = otherUnits
  }
}

/// An entry of the menu: a page, or a group of pages.
package struct MenuItem: Sendable, Hashable {
  package var label: String
  package var icon: Icon?
  /// `nil` for a group.
  package var path: String?
  package var children: [MenuItem]
  /// What waits behind this entry.
  package var count: Int

  package init(_ label: String, icon: Icon? = nil, path: String? = nil, count: Int = 0, children: [MenuItem] = []) {
    self.label = label
    self.icon = icon
    self.path = path
    self.count = count
    self.children = children
  }

  /// Whether the page at `current` is this entry's or lies below it.
  func contains(_ current: String) -> Bool {
    if children.contains(where: { $0.contains(current) }) { return true }
    guard let path else { return false }
    return current == path || (path != "/" && current.hasPrefix(path + "/"))
  }
}

/// A step of the way to a page.
package struct Crumb: Sendable, Hashable {
  package let label: String
  package let path: String?

  package init(_ label: String, _ path: String? = nil) {
    self.label = label
    self.path = path
  }
}

/// How large text is. Everything but ``standard`` is the elder mode (适老化): larger targets and line height too.
package enum TextSize: String, Sendable, CaseIterable {
  case standard, large, larger, largest

  package var isElder: Bool { self != .standard }

  package var label: String {
    switch self {
    case .standard: "标准"
    case .large: "大"
    case .larger: "特大"
    case .largest: "最大"
    }
  }

  /// Class names of the document element.
  var classes: String? { isElder ? "elder text-\(rawValue)" : nil }
}

/// Where the frame's own links lead; the App registers pages at these paths.
package struct FrameLinks: Sendable, Hashable {
  package var home = "/"
  /// `GET ?q=`; with `format=json` for the command palette: `{"groups":[{"label","items":[{"label","detail","href",
  /// "icon"}]}]}`.
  package var search = "/search"
  /// 待办; `nil` where no process makes tasks.
  package var inbox: String?
  /// 消息; `nil` where nothing sends messages.
  package var messages: String?
  package var help = "/help"
  package var account = "/account"
  /// 谁看过我的信息.
  package var myLookups = "/account/lookups"
  package var signIn = "/sign-in"
  /// `POST`.
  package var signOut = "/sign-out"
  /// `POST text-size=<TextSize>&return=<path>`; answers with the cookie `text-size` and a redirect.
  package var textSize = "/text-size"
  /// `POST membership=<id>`.
  package var chooseUnit = "/account/unit"

  package init() {}
}
