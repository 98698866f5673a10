package import HTML
package import Messaging
import Shell

/// What a message says in the words of each channel.
package struct MessageCards: HTMLConvertible {
  let content: MessageContent

  package init(content: MessageContent) { self.content = content }

  package var html: HTML {
    HTML {
      Card("站内消息与邮件") {
        h3 { content.title }
        MessageText(content.text)
      }
      if let sms = content.sms { Card("短信（\(sms.count) 字，70 字以内按一条计）") { p { sms } } }
      if let wechat = content.wechat {
        Card("微信模板消息") {
          DetailList(wechat.data.sorted { $0.key < $1.key }.map { DetailItem($0.key, text: $0.value) })
        }
      }
    }
  }
}
