package import HTML

/// The address a plate stands for, above everything else on the scan page.
package struct AddressHeader: HTMLConvertible, Sendable {
  let address: String
  let region: String
  let code: String
  let badges: [Badge]
  let note: String?

  /// - Parameters:
  ///   - address: from the road on: `朝阳东路 88 号 通川大厦 3 栋`.
  ///   - region: from the city to the community: `达州市通川区东城街道 · 大北街社区`.
  ///   - code: the address code (地址编码).
  ///   - note: whether the plate proved genuine, or since when the address is no longer in force.
  package init(address: String, region: String, code: String, badges: [Badge] = [], note: String? = nil) {
    self.address = address
    self.region = region
    self.code = code
    self.badges = badges
    self.note = note
  }

  package var html: HTML {
    header(.class("address-header")) {
      p(.class("address-region")) { region }
      h1 { address }
      p(.class("address-code")) {
        "地址编码 "
        span(.class("number"), .id("address-code")) { code }
        button(
          .type("button"), .class("copy"), .data("data-copy", code), .aria(.label, "复制地址编码")
        ) { Icon.copy }
      }
      if !badges.isEmpty { p(.class("address-badges")) { badges } }
      if let note { p(.class("address-note")) { note } }
    }
  }
}

/// Somebody to call: community police, grid worker, community, property manager. A tap dials.
package struct ContactCard: HTMLConvertible, Sendable {
  let role: String
  let name: String
  let unit: String
  let phone: String?
  let icon: Icon
  let photo: String?

  /// - Parameter photo: the path of a picture of who it is, in place of the icon.
  package init(role: String, name: String, unit: String, phone: String?, icon: Icon, photo: String? = nil) {
    self.photo = photo
    self.role = role
    self.name = name
    self.unit = unit
    self.phone = phone
    self.icon = icon
  }

  private var face: HTML {
    HTML {
      if let photo {
        img(.class("contact-photo"), .src(photo), .alt("\(name)的照片"))
      } else {
        span(.class("contact-icon")) { icon }
      }
      span(.class("contact-text")) {
        span(.class("contact-role")) { role }
        span(.class("contact-name")) { name }
        span(.class("contact-unit")) { unit }
        if let phone { span(.class("contact-phone number")) { phone } }
      }
    }
  }

  package var html: HTML {
    guard let phone else { return div(.class("contact")) { face } }
    return a(
      .class("contact"), .href("tel:\(ContactCard.dialled(phone))"), .aria(.label, "拨打\(role)\(name)，电话 \(phone)")
    ) {
      face
      span(.class("contact-call")) { Icon.phone }
    }
  }

  /// Digits and a leading plus; what people write between them does not belong into a `tel:` address.
  private static func dialled(_ phone: String) -> String {
    String(phone.filter { $0.isASCII && ($0.isNumber || $0 == "+") })
  }
}

/// Contacts below each other.
package struct ContactList: HTMLConvertible, Sendable {
  let contacts: [ContactCard]

  package init(_ contacts: [ContactCard]) { self.contacts = contacts }

  package var html: HTML {
    ul(.class("contacts")) {
      for contact in contacts { li { contact } }
    }
  }
}

/// What can be done here, as large targets.
package struct ServiceGrid: HTMLConvertible, Sendable {
  package struct Item: Sendable, Hashable {
    package let label: String
    package let detail: String?
    package let icon: Icon
    package let path: String

    package init(_ label: String, detail: String? = nil, icon: Icon, path: String) {
      self.label = label
      self.detail = detail
      self.icon = icon
      self.path = path
    }
  }

  let items: [Item]

  package init(_ items: [Item]) { self.items = items }

  package var html: HTML {
    ul(.class("services")) {
      for item in items {
        li {
          a(.class("service"), .href(item.path)) {
            item.icon
            span(.class("service-label")) { item.label }
            if let detail = item.detail { span(.class("service-detail")) { detail } }
          }
        }
      }
    }
  }
}

/// Public facilities around a place, nearest first.
package struct NearbyList: HTMLConvertible, Sendable {
  package struct Place: Sendable, Hashable {
    package let name: String
    package let kind: String
    package let icon: Icon
    /// Metres as the crow flies; `nil` when nobody asked from anywhere.
    package let distance: Int?
    package let address: String
    package let phone: String?
    /// Where it opens on a map.
    package let path: String?
    /// When it is open: `开放时间 08:30–18:00`.
    package let hours: String?

    package init(
      name: String, kind: String, icon: Icon, distance: Int?, address: String, phone: String? = nil,
      path: String? = nil, hours: String? = nil
    ) {
      self.hours = hours
      self.name = name
      self.kind = kind
      self.icon = icon
      self.distance = distance
      self.address = address
      self.phone = phone
      self.path = path
    }

    /// `350 米` or `1.2 公里`.
    var distanceText: String? {
      guard let distance else { return nil }
      if distance < 1000 { return "\(distance) 米" }
      let tenths = (distance + 50) / 100
      return "\(tenths / 10).\(tenths % 10) 公里"
    }
  }

  let places: [Place]

  package init(_ places: [Place]) { self.places = places }

  package var html: HTML {
    ul(.class("nearby")) {
      for place in places { li { row(place) } }
    }
  }

  private func row(_ place: Place) -> HTML {
    let face = HTML {
      place.icon
      span(.class("nearby-text")) {
        span(.class("nearby-name")) { place.name }
        span(.class("nearby-detail")) {
          [place.kind, place.address].filter { !$0.isEmpty }.joined(separator: " · ")
        }
        if let hours = place.hours { span(.class("nearby-detail")) { hours } }
      }
      if let distance = place.distanceText { span(.class("nearby-distance number")) { distance } }
    }
    if let path = place.path { return a(.class("nearby-row"), .href(path)) { face } }
    return div(.class("nearby-row")) { face }
  }
}

/// The title of a resident's page that is not about one address.
package struct PublicHeading: HTMLConvertible, Sendable {
  let title: String
  let note: String?

  /// - Parameter note: what the page is for, in one sentence.
  package init(_ title: String, note: String? = nil) {
    self.title = title
    self.note = note
  }

  package var html: HTML {
    header(.class("public-heading")) {
      h1 { title }
      if let note { p { note } }
    }
  }
}

/// A titled part of a resident's page.
package struct PublicSection: HTMLConvertible {
  let title: String
  let link: (label: String, path: String)?
  let content: HTML

  package init(_ title: String, link: (label: String, path: String)? = nil, @HTMLBuilder content: () -> HTML) {
    self.title = title
    self.link = link
    self.content = content()
  }

  package var html: HTML {
    section(.class("public-section")) {
      header(.class("public-section-head")) {
        h2 { title }
        if let link { a(.href(link.path)) { link.label } }
      }
      content
    }
  }
}
