// Elements by name. A tag is a function: attributes first, then the content.
//
// Inside a type that has a member of the same name (`label`, `title`) the member hides the function; write
// `element("label", …)` there.

/// An element of any name with a start and an end tag.
package func element(
  _ name: StaticString, _ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }
) -> HTML {
  .element(name, attributes, content())
}

/// An element of any name that has no content and no end tag.
package func voidElement(_ name: StaticString, _ attributes: Attribute...) -> HTML { .element(name, attributes, nil) }

// MARK: - Document

package func head(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("head", attributes, content())
}

package func body(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("body", attributes, content())
}

// MARK: - Sections

package func main(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("main", attributes, content())
}

package func header(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("header", attributes, content())
}

package func footer(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("footer", attributes, content())
}

package func nav(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("nav", attributes, content())
}

package func section(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("section", attributes, content())
}

package func article(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("article", attributes, content())
}

package func aside(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("aside", attributes, content())
}

package func h1(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("h1", attributes, content())
}

package func h2(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("h2", attributes, content())
}

package func h3(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("h3", attributes, content())
}

package func h4(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("h4", attributes, content())
}

package func address(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("address", attributes, content())
}

// MARK: - Blocks

package func div(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("div", attributes, content())
}

package func p(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("p", attributes, content())
}

package func ul(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("ul", attributes, content())
}

package func ol(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("ol", attributes, content())
}

package func li(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("li", attributes, content())
}

package func dl(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("dl", attributes, content())
}

package func dt(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("dt", attributes, content())
}

package func dd(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("dd", attributes, content())
}

package func pre(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("pre", attributes, content())
}

package func blockquote(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("blockquote", attributes, content())
}

package func figure(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("figure", attributes, content())
}

package func figcaption(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("figcaption", attributes, content())
}

// MARK: - Text

package func span(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("span", attributes, content())
}

package func a(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("a", attributes, content())
}

package func strong(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("strong", attributes, content())
}

package func em(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("em", attributes, content())
}

package func small(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("small", attributes, content())
}

package func code(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("code", attributes, content())
}

package func time(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("time", attributes, content())
}

package func mark(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("mark", attributes, content())
}

package func abbr(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("abbr", attributes, content())
}

package func kbd(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("kbd", attributes, content())
}

package func sub(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("sub", attributes, content())
}

package func sup(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("sup", attributes, content())
}

// MARK: - Forms

package func form(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("form", attributes, content())
}

package func fieldset(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("fieldset", attributes, content())
}

package func legend(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("legend", attributes, content())
}

package func label(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("label", attributes, content())
}

package func button(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("button", attributes, content())
}

package func select(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("select", attributes, content())
}

package func optgroup(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("optgroup", attributes, content())
}

package func option(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("option", attributes, content())
}

package func datalist(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("datalist", attributes, content())
}

package func output(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("output", attributes, content())
}

package func progress(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("progress", attributes, content())
}

package func meter(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("meter", attributes, content())
}

// MARK: - Tables

package func table(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("table", attributes, content())
}

package func caption(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("caption", attributes, content())
}

package func colgroup(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("colgroup", attributes, content())
}

package func thead(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("thead", attributes, content())
}

package func tbody(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("tbody", attributes, content())
}

package func tfoot(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("tfoot", attributes, content())
}

package func tr(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("tr", attributes, content())
}

package func th(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("th", attributes, content())
}

package func td(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("td", attributes, content())
}

// MARK: - Interaction

package func details(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("details", attributes, content())
}

package func summary(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("summary", attributes, content())
}

package func dialog(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("dialog", attributes, content())
}

package func noscript(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
  .element("noscript", attributes, content())
}

// MARK: - Void elements

package func br(_ attributes: Attribute...) -> HTML { .element("br", attributes, nil) }
package func hr(_ attributes: Attribute...) -> HTML { .element("hr", attributes, nil) }
package func wbr(_ attributes: Attribute...) -> HTML { .element("wbr", attributes, nil) }
package func img(_ attributes: Attribute...) -> HTML { .element("img", attributes, nil) }
package func input(_ attributes: Attribute...) -> HTML { .element("input", attributes, nil) }
package func meta(_ attributes: Attribute...) -> HTML { .element("meta", attributes, nil) }
package func link(_ attributes: Attribute...) -> HTML { .element("link", attributes, nil) }
package func col(_ attributes: Attribute...) -> HTML { .element("col", attributes, nil) }
package func source(_ attributes: Attribute...) -> HTML { .element("source", attributes, nil) }

// MARK: - Elements with rules of their own

/// A whole document: doctype, `<html>` with its attributes, head and body.
package func document(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML) -> HTML {
  .joined([.unsafe(raw: "<!doctype html>\n"), .element("html", attributes, content()), .unsafe(raw: "\n")])
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
  .element("textarea", attributes, .joined([.unsafe(raw: "\n"), .text(value)]))
}

/// A module of our own, from the static assets of this build.
package func moduleScript(_ path: String) -> HTML {
  .element("script", [.type("module"), .assetSrc(path)], .empty)
}

/// A classic script from the static assets of this build that runs before anything is painted; keep it tiny.
package func earlyScript(_ path: String) -> HTML {
  .element("script", [.assetSrc(path)], .empty)
}

/// A classic script from the static assets of this build, run after parsing.
package func deferredScript(_ path: String) -> HTML {
  .element("script", [.flag("defer"), .assetSrc(path)], .empty)
}

/// A picture out of an SVG sprite among the static assets: `<svg><use href="…/icons.svg#name">`.
package func spriteImage(_ sprite: StaticString, _ name: String, _ attributes: Attribute...) -> HTML {
  let use = HTML { writer in
    writer.literal("<use href=\"")
    writer.text(writer.environment.assets)
    writer.literal("/")
    writer.literal(sprite)
    writer.literal("#")
    writer.text(name)
    writer.literal("\"></use>")
  }
  return .element("svg", attributes, use)
}

/// The hidden field that proves a form came from our own page (CSRF).
package func formTokenField() -> HTML {
  HTML { writer in
    writer.literal("<input type=\"hidden\" name=\"_csrf\" value=\"")
    writer.text(writer.environment.formToken)
    writer.literal("\">")
  }
}
