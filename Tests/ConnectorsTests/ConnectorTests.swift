import Connectors
import Core
import Crypto
import Entities
import Foundation
import Testing
import YAML

/// Declarations and what is generated from them.
@Suite struct ConnectorTests {
  private func findings(_ text: String) throws -> [String] {
    let catalog = try ConnectorFixture.catalog.get()
    let changed = try catalog.adding(yaml: text, origin: "wrong")
    return Connectors(changed).findings.map { "\($0.position.line) \($0.message)" }
  }

  @Test func theShippedConnectorsHaveNothingWrong() throws {
    let connectors = Connectors(try ConnectorFixture.catalog.get())
    #expect(connectors.findings.isEmpty, "\(connectors.findings)")
    for name in ["birth_certificate", "marriage_certificate", "property_certificate"] {
      #expect(connectors.connector(name)?.verification != nil)
    }
    #expect(connectors.screenings.map(\.connector.name) == ["fugitive"])
    #expect(connectors.fills(of: "hukou_birth").map(\.operation.name) == ["read"])
  }

  @Test func whatIsWrongIsNamedWithItsLine() throws {
    let found = try findings(
      """
      connector: broken
      label: 坏的
      system: 某单位
      limits: {timeout: 30, attempts: 3}
      operations:
        - name: compare
          label: 核验
          use: verify
          path: birth?x=1
          request:
            - {name: number, label: 编号, from: no_such_field}
          response:
            - {name: result, label: 结果, type: texts}
          yes: "resultt == 'a'"
          reason: why
        - name: compare
          label: 又一个
          use: fill
          path: /a
          response: [{name: result, label: 结果}]
          yes: "result == 'a'"
      """)
    #expect(found.contains { $0.hasPrefix("4 ") && $0.contains("60 秒") })
    #expect(found.contains { $0.hasPrefix("9 ") && $0.contains("path") })
    #expect(found.contains { $0.hasPrefix("11 ") && $0.contains("no_such_field") })
    #expect(found.contains { $0.hasPrefix("13 ") && $0.contains("texts") })
    #expect(found.contains { $0.hasPrefix("14 ") })
    #expect(found.contains { $0.hasPrefix("15 ") && $0.contains("why") })
    #expect(found.contains { $0.hasPrefix("16 ") && $0.contains("重复") })
    #expect(found.contains { $0.contains("应写 fills") })
  }

  @Test func whatIsSensitiveMustNotBeLoggedAsItStands() throws {
    let text = """
      connector: careless
      label: 不小心的
      system: 某单位
      operations:
        - name: compare
          label: 核验
          use: verify
          path: /a
          request:
            - {name: document, label: 身份证号, from: [applicant_document]MASK}
          response: [{name: result, label: 结果}]
          yes: "result == 'a'"
      """
    let found = try findings(text.replacingOccurrences(of: "MASK", with: ""))
    #expect(
      found.count == 1 && found.first?.hasPrefix("10 ") == true && found.first?.contains("mask") == true, "\(found)")
    #expect(try findings(text.replacingOccurrences(of: "MASK", with: ", mask: id")).isEmpty)
  }

  @Test func theContractNamesEveryPathAndField() throws {
    let connectors = Connectors(try ConnectorFixture.catalog.get())
    let text = ConnectorContract.text(connectors.all)
    for connector in connectors.all {
      #expect(text.contains("（`\(connector.name)`）"))
      for operation in connector.operations {
        #expect(text.contains("`POST \(operation.path)`"))
        for field in operation.request + operation.response {
          #expect(text.contains("|`\(field.name)`|\(field.label)|"))
        }
      }
    }
  }

  /// Stock openssl makes the same signature, so that the other side needs nothing of ours.
  @Test func opensslMakesTheSameSignature() throws {
    let body = Array(#"{"certificate_number":"T510000001"}"#.utf8)
    let (path, time, number) = ("/birth-certificates/compare", "2026-11-18T10:00:00+08:00", "0123abcd")
    let ours = ConnectorSignature.sign(
      path: path, time: time, number: number, body: body, secret: SecretBytes(Array("geheim".utf8)))
    let digest = try openssl(["dgst", "-sm3", "-r"], body)
    let text = "POST\n\(path)\n\(time)\n\(number)\n\(digest)"
    #expect(try openssl(["dgst", "-sm3", "-r", "-mac", "HMAC", "-macopt", "key:geheim"], Array(text.utf8)) == ours)
  }

  /// The first word that `openssl` prints.
  private func openssl(_ arguments: [String], _ input: [UInt8]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    let (feed, answer) = (Pipe(), Pipe())
    process.standardInput = feed
    process.standardOutput = answer
    try process.run()
    try feed.fileHandleForWriting.write(contentsOf: Data(input))
    try feed.fileHandleForWriting.close()
    let text = String(decoding: answer.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(separator: " ").first.map(String.init) ?? ""
  }

  @Test func aSignatureHoldsForItsOwnRequestAndTimeOnly() throws {
    let secret = SecretBytes(Array("geheim".utf8))
    let now = ConnectorFixture.start
    let signature = ConnectorSignature.sign(path: "/a", time: now.iso8601, number: "1", body: [1, 2], secret: secret)
    func holds(
      _ path: String = "/a", _ number: String = "1", _ body: [UInt8] = [1, 2], _ key: String = "geheim",
      after seconds: Int64 = 0
    ) -> Bool {
      ConnectorSignature.isValid(
        signature, path: path, time: now.iso8601, number: number, body: body, secret: SecretBytes(Array(key.utf8)),
        now: now + seconds)
    }
    #expect(holds() && holds(after: 300) && holds(after: -300))
    #expect(!holds("/b") && !holds("/a", "2") && !holds("/a", "1", [1, 3]) && !holds("/a", "1", [1, 2], "other"))
    #expect(!holds(after: 301) && !holds(after: -301))
  }

  @Test func whatRowsLeadToIsProvedAndAQueryMayAnswerWithAFile() throws {
    let text = """
      connector: papers
      label: 档案
      system: 档案系统
      operations:
        - name: find
          label: 查询
          use: query
          path: /find
          request:
            - {name: name, label: 姓名}
          response:
            - {name: message, label: 说明}
          rows:
            name: items
            fields:
              - {name: number, label: 档号, required: true}
            opens: {label: 看影像, operation: OPENS, with: {GIVEN: FROM}}
        - name: pictures
          label: 影像
          use: query
          path: /pictures
          request:
            - {name: number, label: 档号, required: true}
          response:
            - {name: file, label: 影像, type: file}
      """
    func told(_ opens: String, _ given: String, _ from: String) throws -> [String] {
      try findings(
        text.replacingOccurrences(of: "OPENS", with: opens).replacingOccurrences(of: "GIVEN", with: given)
          .replacingOccurrences(of: "FROM", with: from))
    }
    #expect(try told("pictures", "number", "number").isEmpty)
    #expect(try told("images", "number", "number").contains { $0.contains("没有可以打开的查询“images”") })
    #expect(try told("pictures", "page", "number").contains { $0.contains("请求没有字段“page”") })
    #expect(try told("pictures", "page", "number").contains { $0.contains("没有给出必填的“number”") })
    #expect(try told("pictures", "number", "code").contains { $0.contains("逐条数据里没有字段“code”") })
    let bare = text.replacingOccurrences(of: "type: file", with: "type: text")
      .replacingOccurrences(of: "OPENS", with: "pictures").replacingOccurrences(
        of: "GIVEN: FROM", with: "number: number")
    #expect(try findings(bare).contains { $0.contains("应写 rows，或在答复里带文件") })
  }
}
