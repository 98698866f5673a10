// Elements by name. A tag is a function: attributes first, then the content.
//
// Inside a type that has a member of the same name (`label`, `title`) the member hides the function; write
// `element("label", …)` there.

/// An element of any name with a start and an end tag.
package func element(
  _ name: StaticString, _ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }
) -> HTML {
  tag(name, attributes, content())
}

/// An element of any name that has no content and no end tag.
package func voidElement(_ name: StaticString, _ attributes: Attribute...) -> HTML {
  HTML { $0.open(name, attributes) }
}

private func tag(_ name: StaticString, _ attributes: [Attribute], _ content: HTML) -> HTML {
  HTML { writer in
    writer.open(name, attributes)
    content.write(&writer)
    writer.close(name)
  }
}

private func void(_ name: StaticString, _ attributes: [Attribute]) -> HTML {
  HTML { $0.open(name, attributes) }
}

// MARK: - Document

package func head(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("head", attributes, content())
}

package func body(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("body", attributes, content())
}

// MARK: - Sections

package func main(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("main", attributes, content())
}

package func header(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("header", attributes, content())
}

package func footer(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("footer", attributes, content())
}

package func nav(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("nav", attributes, content())
}

package func section(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("section", attributes, content())
}

package func article(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("article", attributes, content())
}

package func aside(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("aside", attributes, content())
}

package func h1(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("h1", attributes, content())
}

package func h2(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("h2", attributes, content())
}

package func h3(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("h3", attributes, content())
}

package func h4(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("h4", attributes, content())
}

package func address(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("address", attributes, content())
}

// MARK: - Blocks

package func div(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("div", attributes, content())
}

package func p(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("p", attributes, content())
}

package func ul(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("ul", attributes, content())
}

package func ol(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("ol", attributes, content())
}

package func li(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("li", attributes, content())
}

package func dl(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("dl", attributes, content())
}

package func dt(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("dt", attributes, content())
}

package func dd(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("dd", attributes, content())
}

package func pre(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("pre", attributes, content())
}

package func blockquote(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("blockquote", attributes, content())
}

package func figure(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("figure", attributes, content())
}

package func figcaption(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("figcaption", attributes, content())
}

// MARK: - Text

package func span(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("span", attributes, content())
}

package func a(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("a", attributes, content())
}

package func strong(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("strong", attributes, content())
}

package func em(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("em", attributes, content())
}

package func small(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("small", attributes, content())
}

package func code(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("code", attributes, content())
}

package func time(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("time", attributes, content())
}

package func mark(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("mark", attributes, content())
}

package func abbr(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("abbr", attributes, content())
}

package func kbd(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("kbd", attributes, content())
}

package func sub(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("sub", attributes, content())
}

package func sup(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("sup", attributes, content())
}

// MARK: - Forms

package func form(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("form", attributes, content())
}

package func fieldset(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("fieldset", attributes, content())
}

package func legend(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("legend", attributes, content())
}

package func label(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("label", attributes, content())
}

package func button(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("button", attributes, content())
}

package func select(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("select", attributes, content())
}

package func optgroup(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("optgroup", attributes, content())
}

package func option(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("option", attributes, content())
}

package func datalist(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("datalist", attributes, content())
}

package func output(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("output", attributes, content())
}

package func progress(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("progress", attributes, content())
}

package func meter(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("meter", attributes, content())
}

// MARK: - Tables

package func table(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("table", attributes, content())
}

package func caption(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("caption", attributes, content())
}

package func colgroup(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("colgroup", attributes, content())
}

package func thead(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("thead", attributes, content())
}

package func tbody(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("tbody", attributes, content())
}

package func tfoot(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("tfoot", attributes, content())
}

package func tr(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("tr", attributes, content())
}

package func th(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("th", attributes, content())
}

package func td(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("td", attributes, content())
}

// MARK: - Interaction

package func details(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("details", attributes, content())
}

package func summary(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("summary", attributes, content())
}

package func dialog(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("dialog", attributes, content())
}

package func noscript(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  tag("noscript", attributes, content())
}

// MARK: - Void elements

package func br(_ attributes: Attribute...) -> HTML { void("br", attributes) }
package func hr(_ attributes: Attribute...) -> HTML { void("hr", attributes) }
package func wbr(_ attributes: Attribute...) -> HTML { void("wbr", attributes) }
package func img(_ attributes: Attribute...) -> HTML { void("img", attributes) }
package func input(_ attributes: Attribute...) -> HTML { void("input", attributes) }
package func meta(_ attributes: Attribute...) -> HTML { void("meta", attributes) }
package func link(_ attributes: Attribute...) -> HTML { void("link", attributes) }
package func col(_ attributes: Attribute...) -> HTML { void("col", attributes) }
package func source(_ attributes: Attribute...) -> HTML { void("source", attributes) }

// MARK: - Elements with rules of their own

/// A whole document: doctype, `<html>` with its attributes, head and body.
package func document(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML) -> HTML {
  let content = content()
  return HTML { writer in
    writer.literal("<!doctype html>\n")
    writer.open("html", attributes)
    content.write(&writer)
    writer.literal("</html>\n")
  }
}

/// The title of the document; text only.
package func documentTitle(_ text: String) -> HTML {
  HTML { writer in
    writer.literal("<title>")
    writer.text(text)
    writer.literal("</title>")
  }
}

/// A multi-line field. The line break after the start tag is part of the syntax, so a value that starts with one keeps
/// it (HTML Living Standard §13.1.2.5).
package func textarea(_ attributes: Attribute..., value: String) -> HTML {
  HTML { writer in
    writer.open("textarea", attributes)
    writer.literal("\n")
    writer.text(value)
    writer.literal("</textarea>")
  }
}

/// A module of our own, from the static assets of this build.
package func moduleScript(_ path: String) -> HTML {
  tag("script", [.type("module"), .assetSrc(path)], .empty)
}

/// A classic script from the static assets of this build that runs before anything is painted; keep it tiny.
package func earlyScript(_ path: String) -> HTML {
  tag("script", [.assetSrc(path)], .empty)
}

/// A classic script from the static assets of this build, run after parsing.
package func deferredScript(_ path: String) -> HTML {
  tag("script", [.flag("defer"), .assetSrc(path)], .empty)
}

/// A picture out of an SVG sprite among the static assets: `<svg><use href="…/icons.svg#name">`.
package func spriteImage(_ sprite: StaticString, _ name: String, _ attributes: Attribute...) -> HTML {
  HTML { writer in
    writer.open("svg", attributes)
    writer.literal("<use href=\"")
    writer.text(writer.environment.assets)
    writer.literal("/")
    writer.literal(sprite)
    writer.literal("#")
    writer.text(name)
    writer.literal("\"></use></svg>")
  }
}

/// The hidden field that proves a form came from our own page (CSRF).
package func formTokenField() -> HTML {
  HTML { writer in
    writer.literal("<input type=\"hidden\" name=\"_csrf\" value=\"")
    writer.text(writer.environment.formToken)
    writer.literal("\">")
  }
}
