import Core
import Crypto
import Foundation
import Testing
import Transport

@testable import Messaging

@Suite struct ChannelTests {
  @Test func anSMSBodyIsWhatTheGatewayWants() throws {
    let source = #"{"a":{"to":"{phone}"},"msg":"{text}","n":"{id}","u":"{unknown}"}"#
    let bytes = GatewayText.json(source, ["phone": "138", "text": "甲“\"\\\n{id}", "id": "7"])
    let json = try JSON(parsing: bytes)
    #expect(json["a"]?["to"] == "138" && json["n"] == "7" && json["u"] == "{unknown}")
    // What a value says is never taken for a place.
    #expect(json["msg"] == "甲“\"\\\n{id}")
    #expect(
      try JSON(parsing: GatewayText.json(SMSGateway.jsonBody, ["id": "1", "phone": "2", "text": "3"])) == [
        "id": "1", "phone": "2", "text": "3",
      ])
  }

  @Test(
    arguments: [
      (
        200, #"{"code":0,"data":{"id":"A1"}}"#, "code=0", "data.id",
        ChannelOutcome.accepted(reference: "A1", via: "mas")
      ),
      (200, #"{"code":"0","data":{"id":17}}"#, "code=0", "data.id", .accepted(reference: "17", via: "mas")),
      (200, #"{"code":5}"#, "code=0", "id", .failed("短信平台答复 code=5")),
      (200, "no json", "code=0", "id", .failed("短信平台答复 code=无")),
      (202, "", nil, "id", .accepted(reference: nil, via: "mas")),
      (400, "", nil, "id", .refused("短信平台拒绝：400")), (401, "", nil, "id", .failed("短信平台答复 401")),
      (503, "", nil, "id", .failed("短信平台答复 503")),
    ] as [(Int, String, String?, String, ChannelOutcome)])
  func answersOfAnSMSGateway(
    _ status: Int, _ body: String, _ success: String?, _ reference: String, _ outcome: ChannelOutcome
  ) {
    var sms = SMSGateway(code: "mas", name: "云MAS", url: "http://localhost")
    sms.success = success
    sms.reference = reference
    #expect(SMSAnswer(TransportAnswer(status: status, body: Array(body.utf8))).outcome(sms) == outcome)
  }

  @Test func base64IsThatOfEverybody() {
    for count in 0..<70 {
      var random = SeededRandom(seed: UInt64(count))
      let bytes = (0..<count).map { _ in UInt8(random.below(256)) }
      #expect(GatewayText.base64(bytes) == Data(bytes).base64EncodedString())
    }
  }

  @Test func aLongSubjectIsFoldedBetweenCharacters() throws {
    let subject = "通知：" + String(repeating: "达州市公安局", count: 12) + "😀 Subject\r\nBcc: x@y.cn"
    let encoded = MailText.encoded(subject)
    var decoded: [UInt8] = []
    for line in encoded.components(separatedBy: "\r\n ") {
      #expect(line.utf8.count <= 75 && line.hasPrefix("=?UTF-8?B?") && line.hasSuffix("?="))
      let word = try #require(Data(base64Encoded: String(line.dropFirst(10).dropLast(2))))
      #expect(String(data: word, encoding: .utf8) != nil)
      decoded += word
    }
    #expect(String(decoding: decoded, as: UTF8.self) == subject)
    // Whatever stands in it, no line of its own comes of it.
    #expect(!encoded.replacingOccurrences(of: "\r\n ", with: "").contains("\n"))
  }

  @Test func aLetterCarriesItsFiles() throws {
    let from = try #require(EmailAddress("lifang@dazhou.example.cn"))
    let pdf = (0..<5000).map { UInt8($0 % 251) }
    var letter = MailText(
      from: from, fromName: "户政", to: from, subject: "报表", text: "见附件。", url: nil, id: "7.report_ready",
      date: try #require(Instant("2026-11-21 14:05:09")))
    let plain = String(decoding: letter.bytes, as: UTF8.self)
    #expect(plain.contains("Content-Type: text/plain") && !plain.contains("multipart"))
    letter.attachments = [MailAttachment(name: "月报 1.pdf", contentType: "application/pdf", bytes: pdf)]
    let text = String(decoding: letter.bytes, as: UTF8.self)
    let head = try #require(text.components(separatedBy: "\r\n\r\n").first)
    let boundary = try #require(head.components(separatedBy: "boundary=\"").last?.components(separatedBy: "\"").first)
    let parts = text.components(separatedBy: "--\(boundary)")
    #expect(parts.count == 4 && parts[3] == "--\r\n")
    #expect(parts[2].contains("filename*=utf-8''%E6%9C%88%E6%8A%A5%201.pdf"))
    let body = try #require(parts[2].components(separatedBy: "\r\n\r\n").last)
    #expect(Data(base64Encoded: body.replacingOccurrences(of: "\r\n", with: "")) == Data(pdf))
    #expect(text.components(separatedBy: "\r\n").allSatisfy { $0.utf8.count <= 998 })
  }

  @Test func datesOfLetters() throws {
    #expect(MailText.date(try #require(Instant("2026-11-21 14:05:09"))) == "Sat, 21 Nov 2026 14:05:09 +0800")
    #expect(MailText.date(try #require(Instant("2027-01-03 00:00:00"))) == "Sun, 3 Jan 2027 00:00:00 +0800")
  }

  @Test func aLetterGoesOutWithoutAnAttachmentThatIsGone() async throws {
    var settings = MessagingSettings()
    settings.timeout = .seconds(2)
    settings.mail = .init(url: "smtp://127.0.0.1:9", from: "a@b.cn")
    var content = MessageContent(title: "题", text: "文", sms: "短")
    content.attachments = ["gone"]
    let message = OutgoingMessage(id: 1, address: "x@y.cn", template: "t", content: content, url: nil)
    // Nothing listens there: what matters is that it came to sending at all.
    let sent = ChannelOutcome.failed("邮件没有发出：连接不上服务器")
    let gone = MessageChannel.mail { _ in throw Refusal(.notFound, "file-missing", "没有找到这个文件。") }
    #expect(await gone.send(message, settings) == sent)
    #expect(await MessageChannel.mail { _ in nil }.send(message, settings) == sent)
    let broken = MessageChannel.mail { _ in throw Refusal(.unavailable, "file-broken", "读不到。") }
    #expect(await broken.send(message, settings) == .failed("附件没有读到"))
  }

  /// Nothing listens on port 9 of the loopback: an outcome, and soon.
  @Test func aPeerThatIsNotThereIsAFailureToBeRepeated() async throws {
    var settings = MessagingSettings()
    settings.timeout = .seconds(2)
    settings.sms = [SMSGateway(code: "mas", name: "云MAS", url: "http://127.0.0.1:9/sms")]
    settings.mail = .init(url: "smtp://127.0.0.1:9", from: "a@b.cn")
    let content = MessageContent(title: "题", text: "文", sms: "短")
    func message(_ address: String) -> OutgoingMessage {
      OutgoingMessage(id: 1, address: address, template: "t", content: content, url: nil)
    }
    #expect(await MessageChannel.sms().send(message("13800001001"), settings) == .failed("云MAS：连接不上服务器"))
    #expect(await MessageChannel.mail().send(message("x@y.cn"), settings) == .failed("邮件没有发出：连接不上服务器"))
    #expect(await MessageChannel.mail().send(message("x@y.cn>\r\nDATA"), settings) == .refused("邮箱地址不对"))
    settings.sms = [SMSGateway(code: "mas", name: "云MAS", url: "file:///etc/passwd")]
    #expect(await MessageChannel.sms().send(message("13800001001"), settings) == .failed("云MAS：地址写得不对"))
  }

  @Test func aGatewayGetsItsBodyInItsOwnForm() throws {
    let content = MessageContent(title: "题", text: "文", sms: "说：“好\"吗&=”")
    let message = OutgoingMessage(id: 7, address: "13800001001", template: "t", content: content, url: nil)
    var gateway = SMSGateway(code: "mas", name: "云MAS", url: "http://localhost")
    gateway.signature = "达州公安"
    gateway.token = SecretBytes(Array("a&b\"".utf8))
    let json = gateway.request(message, text: "说“好\"吗&=”", timeout: .seconds(1))
    let parsed = try JSON(parsing: try #require(json.body))
    #expect(parsed["text"]?.string == "【达州公安】说“好\"吗&=”" && parsed["phone"]?.string == "13800001001")
    #expect(json.headers.contains("Authorization: Bearer a&b\""))
    gateway.kind = .form
    gateway.body = "to={phone}&text={text}&key={token}"
    let form = gateway.request(message, text: "好&吗", timeout: .seconds(1))
    let text = String(decoding: try #require(form.body), as: UTF8.self)
    #expect(text.hasPrefix("to=13800001001&text=%E3%80%90") && text.hasSuffix("%E5%A5%BD%26%E5%90%97&key=a%26b%22"))
    #expect(!form.headers.contains { $0.hasPrefix("Authorization") })
    #expect(gateway.faults.isEmpty)
    gateway.body = "to={phone}"
    #expect(gateway.faults.map(\.field) == ["body"])
    gateway.kind = .json
    gateway.body = #"{"phone": "{phone}", "text": {text}}"#
    #expect(gateway.faults.map(\.field) == ["body"], "a text needs its quotes")
  }

  /// Two gateways on ports where nothing listens, and none at all.
  @Test func whereNoGatewayAnswersEachIsNamed() async throws {
    var settings = MessagingSettings()
    settings.timeout = .seconds(2)
    settings.sms = (1...2).map { SMSGateway(id: $0, code: "g\($0)", name: "平台\($0)", url: "http://127.0.0.1:9/\($0)") }
    let message = OutgoingMessage(
      id: 1, address: "13800001001", template: "t", content: MessageContent(title: "题", text: "文", sms: "短"), url: nil)
    let time = ManualClock(MessageFixture.start)
    let channel = MessageChannel.sms(clock: time.clock)
    for _ in 1...CircuitBreaker.limit {
      #expect(await channel.send(message, settings) == .failed("平台1：连接不上服务器；平台2：连接不上服务器"))
    }
    #expect(await channel.send(message, settings) == .failed("短信渠道都没有应答，稍后再试"), "both rest")
    #expect(channel.missing(MessagingSettings()) == "没有启用的短信发送渠道")
  }

  @Test func aPasswordFileThatOthersMayReadStopsTheStart() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lifang-secrets-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("smtp-password").path
    _ = FileManager.default.createFile(
      atPath: file, contents: Data("geheim\n".utf8), attributes: [.posixPermissions: 0o644])
    let error = #expect(throws: Refusal.self) { _ = try MessagingSecrets(environment: [:], folder: folder.path) }
    #expect(error?.code == "secret-readable")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    let secrets = try MessagingSecrets(environment: ["LIFANG_WECHAT_SECRET": "pw"], folder: folder.path)
    #expect(secrets.mail?.bytes == Array("geheim".utf8) && secrets.wechat?.bytes == Array("pw".utf8))
    #expect("\(secrets)".contains("geheim") == false)
  }
}
