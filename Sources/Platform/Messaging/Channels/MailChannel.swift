package import Core
import Transport

extension MessageChannel {
  /// 电子邮件 by SMTP.
  package static func mail(clock: WallClock = .system) -> MessageChannel {
    let transports = TransportPool(name: "mail", size: 2)
    return MessageChannel(.email, missing: { $0.mail == nil ? "邮件服务器没有配置" : nil }) { message, settings in
      guard let mail = settings.mail, let from = EmailAddress(mail.from) else {
        return .failed("邮件服务器没有配置，或发件人地址不对")
      }
      guard let to = EmailAddress(message.address) else { return .refused("邮箱地址不对") }
      let letter = MailText(
        from: from, fromName: mail.fromName, to: to, subject: message.content.title, text: message.content.text,
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

/// A letter as it goes over the wire (RFC 5322, RFC 2045, RFC 2047): plain text in UTF-8.
struct MailText {
  let from: EmailAddress
  let fromName: String?
  let to: EmailAddress
  let subject: String
  let text: String
  let url: String?
  let id: String
  let date: Instant

  var bytes: [UInt8] {
    let sender = fromName.map { "\(MailText.encoded($0)) <\(from.text)>" } ?? from.text
    let host = from.text.split(separator: "@").last.map(String.init) ?? "localhost"
    var lines = [
      "From: \(sender)", "To: \(to.text)", "Subject: \(MailText.encoded(subject))", "Date: \(MailText.date(date))",
      "Message-ID: <\(id)@\(host)>", "MIME-Version: 1.0", "Auto-Submitted: auto-generated",
      "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "",
    ]
    let body = url.map { "\(text)\n\n\($0)\n" } ?? "\(text)\n"
    let base64 = Array(
      GatewayText.base64(
        Array(body.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n").utf8)
      )
      .utf8)
    for start in stride(from: 0, to: base64.count, by: 76) {
      lines.append(String(decoding: base64[start..<min(start + 76, base64.count)], as: UTF8.self))
    }
    return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
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
