/// A piece of a page.
///
/// The type is concrete on purpose — no tag has a type of its own — so a page of a hundred elements type-checks as fast
/// as a hundred function calls. Text is escaped unless it is passed through ``unsafe(raw:)``. A piece is a plain value: it
/// may be kept, shared and written into many pages.
///
/// ```swift
/// let page = section(.class("panel"), .id("who")) {
///   h2 { "产权人" }
///   p { owner.name }
/// }
/// let bytes = page.render()
/// ```
package struct HTML: Sendable {
  /// What the piece is made of; two allocations an element, and none for text.
  enum Content: Sendable {
    case nothing
    case text(String)
    case element(Element)
    case list([HTML])
    case bytes([UInt8])
    case custom(@Sendable (inout HTMLWriter) -> Void)
  }

  let content: Content

  init(_ content: Content) { self.content = content }

  /// A piece that calls `write` whenever it is rendered.
  package init(_ write: @escaping @Sendable (inout HTMLWriter) -> Void) { content = .custom(write) }

  /// Several statements as one piece.
  package init(@HTMLBuilder _ content: () -> HTML) { self = content() }

  /// Nothing.
  package static let empty = HTML(.nothing)

  /// `text`, escaped.
  package static func text(_ text: String) -> HTML { HTML(.text(text)) }

  /// Markup that is written as it stands. Nothing that a person or another system supplied may reach it.
  package static func unsafe(raw markup: String) -> HTML { HTML(.bytes(Array(markup.utf8))) }

  /// The pieces one after another, with `separator` between them.
  package static func joined(_ pieces: [HTML], separator: HTML? = nil) -> HTML {
    guard let separator, pieces.count > 1 else { return HTML(.list(pieces)) }
    var list: [HTML] = []
    list.reserveCapacity(pieces.count * 2 - 1)
    for piece in pieces {
      if !list.isEmpty { list.append(separator) }
      list.append(piece)
    }
    return HTML(.list(list))
  }

  func write(_ writer: inout HTMLWriter) {
    switch content {
    case .nothing: break
    case .text(let text): writer.text(text)
    case .element(let element): element.write(&writer)
    case .list(let pieces): for piece in pieces { piece.write(&writer) }
    case .bytes(let bytes): writer.put(bytes)
    case .custom(let write): write(&writer)
    }
  }

  /// The bytes of the piece in UTF-8, as part of a page with this environment.
  ///
  /// - Parameter capacity: how many bytes to reserve; a good guess saves the buffer from growing.
  package func render(_ environment: HTMLEnvironment = HTMLEnvironment(), capacity: Int = 16_384) -> [UInt8] {
    var writer = HTMLWriter(environment: environment, capacity: capacity)
    write(&writer)
    return writer.bytes
  }

  /// The piece, written once for this environment: for what many pages repeat, such as a menu.
  package func frozen(_ environment: HTMLEnvironment) -> HTML { HTML(.bytes(render(environment))) }

  /// The piece as a string, for tests and for messages that carry markup.
  package func string(_ environment: HTMLEnvironment = HTMLEnvironment()) -> String {
    String(decoding: render(environment), as: UTF8.self)
  }
}

extension HTML: ExpressibleByStringInterpolation {
  package init(stringLiteral value: String) { self = .text(value) }
}

/// What every piece of one page may need to know while it is written.
package struct HTMLEnvironment: Sendable, Hashable {
  /// Where the static assets of this build are served, without a trailing slash, such as `/assets/3f2a9c1b`.
  package var assets: String
  /// The token each form that changes something carries (CSRF).
  package var formToken: String

  package init(assets: String = "/assets", formToken: String = "") {
    self.assets = assets
    self.formToken = formToken
  }
}

/// Something that knows its markup and so may stand in a builder body.
package protocol HTMLConvertible {
  var html: HTML { get }
}

extension HTML: HTMLConvertible {
  package var html: HTML { self }
}

extension String: HTMLConvertible {
  /// The string as escaped text.
  package var html: HTML { .text(self) }
}

extension Optional: HTMLConvertible where Wrapped: HTMLConvertible {
  /// Nothing when there is no value.
  package var html: HTML { self?.html ?? .empty }
}

extension Array: HTMLConvertible where Element: HTMLConvertible {
  /// The elements one after another.
  package var html: HTML { .joined(map(\.html)) }
}

/// Collects the statements of a builder body. Each statement is checked on its own.
@resultBuilder
package enum HTMLBuilder {
  package static func buildExpression(_ piece: HTML) -> HTML { piece }
  package static func buildExpression(_ text: String) -> HTML { .text(text) }
  package static func buildExpression<Piece: HTMLConvertible>(_ piece: Piece) -> HTML { piece.html }
  package static func buildBlock() -> HTML { .empty }
  package static func buildBlock(_ only: HTML) -> HTML { only }
  package static func buildBlock(_ pieces: HTML...) -> HTML { .joined(pieces) }
  package static func buildOptional(_ piece: HTML?) -> HTML { piece ?? .empty }
  package static func buildEither(first piece: HTML) -> HTML { piece }
  package static func buildEither(second piece: HTML) -> HTML { piece }
  package static func buildArray(_ pieces: [HTML]) -> HTML { .joined(pieces) }
}
