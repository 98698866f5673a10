package import HTML

/// The pictures of `Web/icons.svg`, by name. All are drawn on a 24-unit grid with one stroke.
package enum Icon: String, Sendable, CaseIterable {
  case search, menu, close, more, check, plus, minus, edit, trash, filter, columns, refresh, download, upload, print
  case copy, save, eye, lock, bell, help, person, people, leave, settings, textSize = "text-size"
  case home, building, door, address, pin, map, layers, locate, grid, plate, scan, qr
  case phone, police, community, hospital, school, bus, tool, leaf, shop, wallet, shield, document, folder, image
  case calendar, clock, chart, list, inbox, history, info, warning, error, success
  case up, down, left, right, sort, external, send, back, organization, database, camera

  /// The picture. Without a name it is decoration and hidden from assistive technology.
  package func html(named name: String? = nil, class classes: String? = nil) -> HTML {
    spriteImage(
      "icons.svg", rawValue, .class("icon"), .class(classes), .custom("focusable", "false"),
      name == nil ? .aria(.hidden, true) : .all([.role("img"), .aria(.label, name)]))
  }
}

extension Icon: HTMLConvertible {
  package var html: HTML { html() }
}

/// What a colour means. Wherever a tone shows, a word or a picture says the same.
package enum Tone: String, Sendable {
  case neutral, info, success, warning, danger

  /// The picture that goes with messages of this tone.
  package var icon: Icon {
    switch self {
    case .neutral, .info: .info
    case .success: .success
    case .warning: .warning
    case .danger: .error
    }
  }

  /// The word that assistive technology hears before a message of this tone.
  package var word: String {
    switch self {
    case .neutral, .info: "提示"
    case .success: "完成"
    case .warning: "注意"
    case .danger: "出错"
    }
  }
}

/// Text that only assistive technology reads.
package func hiddenText(_ text: String) -> HTML { span(.class("visually-hidden")) { text } }

/// A whole number with thousands separators: `1,234,567`.
package func grouped(_ number: Int) -> String {
  let digits = String(number.magnitude)
  var text = number < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return text
}
