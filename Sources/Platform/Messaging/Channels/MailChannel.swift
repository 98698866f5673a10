package import Core
import Transport

/// A file that goes along with a letter.
package struct MailAttachment: Sendable {
  package let name: String
  package let contentType: String
  package let bytes: [UInt8]

  package init(name: String, contentType: String, bytes: [UInt8]) {
    self.name = name
    self.contentType = contentType
    self.bytes = bytes
  }

  /// Of all files of a letter: what most mail servers let through once it is written in base64.
  static let maximumSize = 12 << 20
}

extension MessageChannel {
  /// 电子邮件 by SMTP.
  ///
  /// A letter goes out without the files that are gone, and says so.
  ///
  /// - Parameter attachment: the kept file of a key; `nil`, or ``Refusal`` `file-missing`, for one that is gone.
  package static func mail(
    clock: WallClock = .system, attachment: @escaping @Sendable (String) async throws -> MailAttachment? = { _ in nil }
  ) -> MessageChannel {
    let transports = TransportPool(name: "mail", size: 2)
    return MessageChannel(.email, missing: { $0.mail == nil ? "邮件服务器没有配置" : nil }) { message, settings in
      guard let mail = settings.mail, let from = EmailAddress(mail.from) else {
        return .failed("邮件服务器没有配置，或发件人地址不对")
      }
      guard let to = EmailAddress(message.address) else { return .refused("邮箱地址不对") }
      var attachments: [MailAttachment] = []
      for key in message.content.attachments {
        do {
          if let file = try await attachment(key) { attachments.append(file) }
        } catch let refusal as Refusal where refusal.code == "file-missing" { continue } catch {
          return .failed("附件没有读到")
        }
      }
      var text = message.content.text
      if attachments.count < message.content.attachments.count { text += "\n\n有的附件已不再保存，没有随信发出。" }
      if attachments.reduce(0, { $0 + $1.bytes.count }) > MailAttachment.maximumSize {
        attachments = []
        text += "\n\n附件较大，请登录后下载。"
      }
      let letter = MailText(
        from: from, fromName: mail.fromName, to: to, subject: message.content.title, text: text,
        attachments: attachments,
        url: message.url, id: "\(message.id).\(message.template)", date: clock.now())
      let request = MailRequest(
        url: mail.url, user: mail.user, password: settings.secrets.mail?.text, requiresTLS: mail.requiresTLS,
        from: from.text, to: to.text, content: letter.bytes, timeout: settings.timeout)
      do throws(TransportFailure) {
        _ = try await transports.next.send(request)
        return .accepted(reference: nil)
      } catch {
        // 550 to 559: the mailbox or the letter (RFC 5321 §4.2.2); 530 to 539 speak of our being let in.
        return (550..<560).contains(error.status)
          ? .refused("邮件服务器拒收：\(error.status)") : .failed("邮件没有发出：\(error.message)")
      }
    }
  }
}

/// A letter as it goes over the wire (RFC 5322, RFC 2045, RFC 2046, RFC 2047): plain text in UTF-8, and files beside it.
struct MailText {
  let from: EmailAddress
  let fromName: String?
  let to: EmailAddress
  let subject: String
  let text: String
  var attachments: [MailAttachment] = []
  let url: String?
  let id: String
  let date: Instant

  var bytes: [UInt8] {
    let sender = fromName.map { "\(MailText.encoded($0)) <\(from.text)>" } ?? from.text
    let host = from.text.split(separator: "@").last.map(String.init) ?? "localhost"
    var lines = [
      "From: \(sender)", "To: \(to.text)", "Subject: \(MailText.encoded(subject))", "Date: \(MailText.date(date))",
      "Message-ID: <\(id)@\(host)>", "MIME-Version: 1.0", "Auto-Submitted: auto-generated",
    ]
    // Base64 has neither `_` nor `=` followed by letters: no part can hold the line that ends it.
    let boundary = "=_lifang_\(id.filter { $0.isASCII && ($0.isLetter || $0.isNumber) })"
    if !attachments.isEmpty {
      lines += ["Content-Type: multipart/mixed; boundary=\"\(boundary)\"", "", "--\(boundary)"]
    }
    lines += ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", ""]
    let body = url.map { "\(text)\n\n\($0)\n" } ?? "\(text)\n"
    lines += MailText.base64(
      Array(body.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n").utf8))
    for file in attachments {
      lines += [
        "--\(boundary)", "Content-Type: \(file.contentType)", "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment; filename*=utf-8''\(MailText.parameter(file.name))", "",
      ]
      lines += MailText.base64(file.bytes)
    }
    if !attachments.isEmpty { lines.append("--\(boundary)--") }
    return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
  }

  /// Base64 in lines of 76 characters.
  private static func base64(_ bytes: [UInt8]) -> [String] {
    let text = Array(GatewayText.base64(bytes).utf8)
    return stride(from: 0, to: text.count, by: 76).map {
      String(decoding: text[$0..<min($0 + 76, text.count)], as: UTF8.self)
    }
  }

  /// A name as the value of a parameter (RFC 2231).
  static func parameter(_ name: String) -> String {
    let hex = Array("0123456789ABCDEF".utf8)
    return String(
      decoding: name.utf8.flatMap { byte -> [UInt8] in
        let isPlain = (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        return isPlain || byte == 45 || byte == 46
          ? [byte] : [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }, as: UTF8.self)
  }

  /// Encoded words of at most 75 characters, none of which breaks a character (RFC 2047 §2, §5).
  static func encoded(_ text: String) -> String {
    var words: [String] = []
    var word: [UInt8] = []
    for character in text.unicodeScalars {
      let bytes = Array(String(character).utf8)
      if word.count + bytes.count > 45 {
        words.append(GatewayText.base64(word))
        word = []
      }
      word += bytes
    }
    if !word.isEmpty { words.append(GatewayText.base64(word)) }
    return words.map { "=?UTF-8?B?\($0)?=" }.joined(separator: "\r\n ")
  }

  /// `Sat, 21 Nov 2026 14:05:00 +0800` (RFC 5322 §3.3).
  static func date(_ time: Instant) -> String {
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let (date, second) = time.chinaTime
    let clock = "\(twoDigits(second / 3600)):\(twoDigits(second / 60 % 60)):\(twoDigits(second % 60))"
    return "\(days[date.weekday - 1]), \(date.day) \(months[date.month - 1]) \(date.year) \(clock) +0800"
  }
}
