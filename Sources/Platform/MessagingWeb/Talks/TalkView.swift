import Core
import HTML
import Messaging
import Shell

/// A conversation: lines by day, the newest last, and what to write below.
struct TalkView {
  let partner: Talks.Partner
  let lines: [Talks.Line]
  let isEarlier: Bool
  let state: String
  let phrases: [String]
  let typed: String
  let error: String?

  private var path: String { "/talks/\(partner.user)" }

  var html: HTML {
    Card {
      div(.class("talk"), .data("data-talk", isEarlier ? "" : "\(path)/events?state=\(state)")) {
        if lines.count == Talks.page, let first = lines.first {
          p(.class("talk-earlier")) { a(.href("\(path)?before=\(first.id)")) { "更早的消息" } }
        }
        if isEarlier { p(.class("talk-earlier")) { a(.href(path)) { "回到最新" } } }
        ol(.class("talk-lines"), .data("data-talk-lines"), .aria(.live, "polite"), .aria(.label, "和\(partner.name)的沟通"))
        {
          for (index, line) in lines.enumerated() {
            if index == 0 || lines[index - 1].at.chinaTime.date != line.at.chinaTime.date {
              li(.class("talk-day")) { "\(line.at.chinaTime.date)" }
            }
            item(line)
          }
        }
        if lines.isEmpty { p(.class("field-help")) { "还没有说过话。写一句，或选一条快捷回复。" } }
        div(.id("end"))
        if !isEarlier { writing }
      }
    }.html
  }

  private func item(_ line: Talks.Line) -> HTML {
    li(.class(line.isOwn ? "talk-line is-own" : "talk-line"), .id("line-\(line.id)")) {
      span(.class("visually-hidden")) { line.isOwn ? "我：" : "\(partner.name)：" }
      if let picture = line.picture {
        a(.href("/files/\(picture)"), .class("talk-picture")) {
          img(.src("/files/\(picture)"), .alt(line.isOwn ? "我发的图片" : "\(partner.name)发的图片"), .loading("lazy"))
        }
      }
      if !line.text.isEmpty { p(.class("talk-text")) { line.text } }
      small(.class("talk-note")) {
        String(line.at.display.suffix(5))
        if line.isOwn { line.readAt == nil ? " 未读" : " 已读" }
      }
    }
  }

  private var writing: HTML {
    form(
      .class("form talk-form"), .method(.post), .action(path), .multipart(), .data("data-talk-form")
    ) {
      formTokenField()
      if let error { Notice(.danger, error) }
      Shell.Field(
        "text", "消息", .longText(typed, rows: 3, maximum: 2000), help: "可以直接粘贴截图。Ctrl + 回车发送。", isPrivate: true)
      Shell.Field(
        "picture", "图片", .file(.init(accept: "image/*", limit: "一张，不超过 20 MB", shrinks: true)))
      div(.class("form-actions")) { Action("发送", .submit(name: nil, value: nil), style: .primary) }
      if !phrases.isEmpty {
        fieldset(.class("talk-phrases")) {
          legend { "快捷回复" }
          for phrase in phrases {
            button(.class("button button-quiet"), .type("submit"), .name("phrase"), .value(phrase)) { phrase }
          }
        }
      }
    }
  }
}
