package import Core

/// An attribute of an element. Names are literals of the program; values are escaped; addresses are checked.
///
/// There is none for inline style or event handlers: the content security policy forbids both, and so does this type.
package struct Attribute: Sendable {
  enum Kind: UInt8, Sendable {
    case nothing, flag, value, classes
    /// A file among the static assets of this build.
    case asset
    case several
  }

  let kind: Kind
  let name: StaticString
  let value: String
  let several: [Attribute]?

  private init(_ kind: Kind, _ name: StaticString = "", _ value: String = "", several: [Attribute]? = nil) {
    self.kind = kind
    self.name = name
    self.value = value
    self.several = several
  }

  /// No attribute at all.
  package static let none = Attribute(.nothing)

  /// Several attributes in place of one.
  package static func all(_ attributes: [Attribute]) -> Attribute {
    Attribute(.several, several: attributes)
  }

  /// `attribute` when `condition` holds.
  package static func when(_ condition: Bool, _ attribute: @autoclosure () -> Attribute) -> Attribute {
    condition ? attribute() : .none
  }

  /// Any attribute by name; left out when `value` is `nil`.
  ///
  /// - Precondition: `name` is neither `style` nor an event handler.
  package static func custom(_ name: StaticString, _ value: String?) -> Attribute {
    precondition(isAllowed(name), "inline style and event handlers are forbidden")
    guard let value else { return .none }
    return Attribute(.value, name, value)
  }

  /// Any boolean attribute by name.
  ///
  /// - Precondition: `name` is not an event handler.
  package static func flag(_ name: StaticString, _ isSet: Bool = true) -> Attribute {
    precondition(isAllowed(name), "event handlers are forbidden")
    return isSet ? Attribute(.flag, name) : .none
  }

  private static func isAllowed(_ name: StaticString) -> Bool {
    name.withUTF8Buffer { bytes in
      let startsWithOn = bytes.count > 2 && bytes[0] | 0x20 == 0x6F && bytes[1] | 0x20 == 0x6E
      let text = String(decoding: bytes, as: UTF8.self)
      return !startsWithOn && !["style", "srcdoc", "href", "src", "action", "formaction"].contains(text)
    }
  }

  private static func optional(_ name: StaticString, _ value: String?) -> Attribute {
    guard let value else { return .none }
    return Attribute(.value, name, value)
  }
}

// MARK: - Global attributes

extension Attribute {
  /// Class names; several such attributes on one element are gathered.
  package static func `class`(_ names: String?) -> Attribute {
    guard let names, !names.isEmpty else { return .none }
    return Attribute(.classes, "class", names)
  }
  package static func id(_ value: String?) -> Attribute { optional("id", value) }
  package static func title(_ value: String?) -> Attribute { optional("title", value) }
  package static func lang(_ value: String) -> Attribute { optional("lang", value) }
  package static func role(_ value: String?) -> Attribute { optional("role", value) }
  package static func tabindex(_ value: Int) -> Attribute { optional("tabindex", String(value)) }
  package static func hidden(_ isSet: Bool = true) -> Attribute { flag("hidden", isSet) }
  package static func inert(_ isSet: Bool = true) -> Attribute { flag("inert", isSet) }

  /// `data-…`, read by our scripts.
  package static func data(_ name: DataName, _ value: String? = "") -> Attribute { optional(name.attribute, value) }

  /// `aria-…`.
  package static func aria(_ name: AriaName, _ value: String?) -> Attribute { optional(name.attribute, value) }
  package static func aria(_ name: AriaName, _ value: Bool) -> Attribute {
    optional(name.attribute, value ? "true" : "false")
  }
}

// MARK: - Addresses

extension Attribute {
  /// Where a link leads; see ``SafeURL/link(_:)``.
  package static func href(_ url: String?) -> Attribute { optional("href", url.map(SafeURL.link)) }
  /// What an image or a script loads; see ``SafeURL/source(_:)``.
  package static func src(_ url: String?) -> Attribute { optional("src", url.map(SafeURL.source)) }
  /// Where a form goes; see ``SafeURL/link(_:)``.
  package static func action(_ url: String?) -> Attribute { optional("action", url.map(SafeURL.link)) }
  /// Where this one button sends its form; see ``SafeURL/link(_:)``.
  package static func formaction(_ url: String?) -> Attribute { optional("formaction", url.map(SafeURL.link)) }
  /// A file among the static assets of this build, by its path below `Web/`.
  package static func assetHref(_ path: String) -> Attribute { Attribute(.asset, "href", path) }
  /// A file among the static assets of this build, by its path below `Web/`.
  package static func assetSrc(_ path: String) -> Attribute { Attribute(.asset, "src", path) }
  package static func rel(_ value: String) -> Attribute { optional("rel", value) }
  package static func target(_ value: String?) -> Attribute { optional("target", value) }
  package static func download(_ name: String = "") -> Attribute { optional("download", name) }
}

// MARK: - Forms

extension Attribute {
  package static func type(_ value: String) -> Attribute { optional("type", value) }
  package static func name(_ value: String?) -> Attribute { optional("name", value) }
  package static func value(_ value: String?) -> Attribute { optional("value", value) }
  package static func `for`(_ id: String) -> Attribute { optional("for", id) }
  package static func form(_ id: String?) -> Attribute { optional("form", id) }
  package static func method(_ value: FormMethod) -> Attribute { optional("method", value.rawValue) }
  /// `multipart/form-data`, needed as soon as a file is sent.
  package static func multipart(_ isSet: Bool = true) -> Attribute {
    isSet ? optional("enctype", "multipart/form-data") : .none
  }
  package static func placeholder(_ value: String?) -> Attribute { optional("placeholder", value) }
  package static func autocomplete(_ value: String?) -> Attribute { optional("autocomplete", value) }
  package static func inputmode(_ value: String?) -> Attribute { optional("inputmode", value) }
  package static func pattern(_ value: String?) -> Attribute { optional("pattern", value) }
  package static func maxlength(_ value: Int?) -> Attribute { optional("maxlength", value.map { String($0) }) }
  package static func minlength(_ value: Int?) -> Attribute { optional("minlength", value.map { String($0) }) }
  package static func size(_ value: Int?) -> Attribute { optional("size", value.map { String($0) }) }
  package static func rows(_ value: Int?) -> Attribute { optional("rows", value.map { String($0) }) }
  package static func min(_ value: String?) -> Attribute { optional("min", value) }
  package static func max(_ value: String?) -> Attribute { optional("max", value) }
  package static func step(_ value: String?) -> Attribute { optional("step", value) }
  package static func accept(_ value: String?) -> Attribute { optional("accept", value) }
  package static func capture(_ value: String?) -> Attribute { optional("capture", value) }
  package static func list(_ id: String?) -> Attribute { optional("list", id) }
  package static func checked(_ isSet: Bool = true) -> Attribute { flag("checked", isSet) }
  package static func selected(_ isSet: Bool = true) -> Attribute { flag("selected", isSet) }
  package static func disabled(_ isSet: Bool = true) -> Attribute { flag("disabled", isSet) }
  package static func readonly(_ isSet: Bool = true) -> Attribute { flag("readonly", isSet) }
  package static func required(_ isSet: Bool = true) -> Attribute { flag("required", isSet) }
  package static func multiple(_ isSet: Bool = true) -> Attribute { flag("multiple", isSet) }
  package static func autofocus(_ isSet: Bool = true) -> Attribute { flag("autofocus", isSet) }
  package static func novalidate(_ isSet: Bool = true) -> Attribute { flag("novalidate", isSet) }
  package static func spellcheck(_ isOn: Bool) -> Attribute { optional("spellcheck", isOn ? "true" : "false") }
}

/// How a form travels.
package enum FormMethod: String, Sendable {
  case get, post
  /// Closes the `<dialog>` the form stands in.
  case dialog
}

// MARK: - Tables, media, the rest

extension Attribute {
  package static func colspan(_ value: Int) -> Attribute { optional("colspan", String(value)) }
  package static func rowspan(_ value: Int) -> Attribute { optional("rowspan", String(value)) }
  package static func scope(_ value: String) -> Attribute { optional("scope", value) }
  package static func alt(_ value: String) -> Attribute { optional("alt", value) }
  package static func width(_ value: Int) -> Attribute { optional("width", String(value)) }
  package static func height(_ value: Int) -> Attribute { optional("height", String(value)) }
  /// `lazy` for images below the fold.
  package static func loading(_ value: String) -> Attribute { optional("loading", value) }
  package static func datetime(_ value: String) -> Attribute { optional("datetime", value) }
  package static func open(_ isSet: Bool = true) -> Attribute { flag("open", isSet) }
  package static func content(_ value: String) -> Attribute { optional("content", value) }
  package static func charset(_ value: String) -> Attribute { optional("charset", value) }
  package static func media(_ value: String) -> Attribute { optional("media", value) }
  package static func start(_ value: Int) -> Attribute { optional("start", String(value)) }
}

// MARK: - htmx

extension Attribute {
  /// Fetches `path` of this site and swaps the answer in; see ``SafeURL/local(_:)``.
  package static func hxGet(_ path: String?) -> Attribute { optional("hx-get", path.map(SafeURL.local)) }
  /// Sends the enclosing form to `path` of this site; see ``SafeURL/local(_:)``.
  package static func hxPost(_ path: String?) -> Attribute { optional("hx-post", path.map(SafeURL.local)) }
  package static func hxTarget(_ selector: String?) -> Attribute { optional("hx-target", selector) }
  package static func hxSwap(_ value: String) -> Attribute { optional("hx-swap", value) }
  package static func hxSwapOob(_ value: String) -> Attribute { optional("hx-swap-oob", value) }
  package static func hxTrigger(_ value: String) -> Attribute { optional("hx-trigger", value) }
  package static func hxInclude(_ selector: String) -> Attribute { optional("hx-include", selector) }
  package static func hxSelect(_ selector: String) -> Attribute { optional("hx-select", selector) }
  package static func hxIndicator(_ selector: String) -> Attribute { optional("hx-indicator", selector) }
  package static func hxPushUrl(_ path: String?) -> Attribute { optional("hx-push-url", path.map(SafeURL.local)) }
  /// Further values of a request as a JSON object; never an expression.
  package static func hxVals(_ values: JSON) -> Attribute { optional("hx-vals", values.text) }
  /// Further headers of every request below this element.
  package static func hxHeaders(_ values: JSON) -> Attribute { optional("hx-headers", values.text) }
  package static func hxBoost(_ isOn: Bool = true) -> Attribute { optional("hx-boost", isOn ? "true" : "false") }
}
