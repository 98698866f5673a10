/// A piece of a page: something that writes itself into one byte buffer.
///
/// The type is concrete on purpose — no tag has a type of its own — so a page of a hundred elements type-checks as fast
/// as a hundred function calls. Text is escaped unless it is passed through ``unsafe(raw:)``.
///
/// ```swift
/// let page = section(.class("panel"), .id("who")) {
///   h2 { "产权人" }
///   p { owner.name }
/// }
/// let bytes = page.render()
/// ```
package struct HTML {
  let write: (inout HTMLWriter) -> Void

  /// A piece that calls `write` whenever it is rendered.
  package init(_ write: @escaping (inout HTMLWriter) -> Void) { self.write = write }

  /// Several statements as one piece.
  package init(@HTMLBuilder _ content: () -> HTML) { self = content() }

  /// Nothing.
  package static var empty: HTML { HTML { (_: inout HTMLWriter) in } }

  /// `text`, escaped.
  package static func text(_ text: String) -> HTML { HTML { $0.text(text) } }

  /// Markup that is written as it stands. Nothing that a person or another system supplied may reach it.
  package static func unsafe(raw markup: String) -> HTML { HTML { $0.unsafe(raw: markup) } }

  /// The pieces one after another, with `separator` between them.
  package static func joined(_ pieces: [HTML], separator: HTML = .empty) -> HTML {
    HTML { writer in
      for (index, piece) in pieces.enumerated() {
        if index > 0 { separator.write(&writer) }
        piece.write(&writer)
      }
    }
  }

  /// The bytes of the piece in UTF-8.
  ///
  /// - Parameter capacity: how many bytes to reserve; a good guess saves the buffer from growing.
  package func render(_ environment: HTMLEnvironment = HTMLEnvironment(), capacity: Int = 4096) -> [UInt8] {
    var writer = HTMLWriter(environment: environment, capacity: capacity)
    write(&writer)
    return writer.bytes
  }

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
  package static func buildExpression<Piece: HTMLConvertible>(_ piece: Piece) -> HTML { piece.html }
  package static func buildBlock() -> HTML { .empty }
  package static func buildBlock(_ only: HTML) -> HTML { only }
  package static func buildBlock(_ pieces: HTML...) -> HTML { .joined(pieces) }
  package static func buildOptional(_ piece: HTML?) -> HTML { piece ?? .empty }
  package static func buildEither(first piece: HTML) -> HTML { piece }
  package static func buildEither(second piece: HTML) -> HTML { piece }
  package static func buildArray(_ pieces: [HTML]) -> HTML { .joined(pieces) }
}
