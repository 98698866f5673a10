import Cases
import Core
import Entities
import Foundation
import Testing
import YAML

/// The shipped items and what the check says of wrong ones.
@Suite struct ItemTests {
  @Test func everyGoldenCaseOfEveryShippedItemComesOutAsWritten() throws {
    let catalog = try CaseFixture.catalog.get()
    let services = try CaseFixture.services()
    #expect(services.findings.map(\.description) == [])
    let run = GoldenRun(services, catalog: catalog)
    for item in services.items { #expect(run.findings(of: item).map(\.description) == []) }
    #expect(services.items.count >= 107)
    #expect(services.items.allSatisfy { !$0.goldenCases.isEmpty })
  }

  @Test func aGoldenCaseThatComesOutOtherwiseIsNamedWithItsPlace() throws {
    let services = try with("approvers: [hukou_officer]", "approvers: [station_hukou_chief]", in: "hukou_001")
    let item = try #require(services.item(ItemTests.changed))
    let findings = GoldenRun(services, catalog: try CaseFixture.catalog.get()).findings(of: item)
    #expect(findings.first?.message.contains("审批人应为 station_hukou_chief") == true)
    #expect(findings.first?.position.line ?? 0 > 30)
  }

  @Test(arguments: [
    ("form: hukou_birth", "form: hukou_brth", "是不是“hukou_birth”"),
    ("process: hukou_on_site}\nlimit", "process: hukou_onsite}\nlimit", "没有流程“hukou_onsite”"),
    ("material: birth_certificate,", "material: birth_certifcate,", "材料目录里没有"),
    ("years(child_birth_date, today()) < 18", "years(child_birthdate, today()) < 18", "child_birthdate"),
    ("channels: [online, window]", "channels: [online, phone]", "没有受理渠道"),
    (
      "channels: [online, window]", "channels: [online, window]\nsignature: perhaps",
      "signature 不能是“perhaps”（可用：required、optional、none）"
    ),
    ("channels: [online, window]", "channels: [window]\nsignature: required", "事项不在网上受理，signature 只能是 none"),
    ("class: birth", "class: births", "没有事项类别"),
    (", message: ", ", field: child_brth_date, message: ", "没有字段“child_brth_date”"),
    ("settle_with: mother", "settle_with: aunt", "aunt"),
  ])
  func whatIsWrongInAnItemIsFound(old: String, new: String, message: String) throws {
    let findings = try with(old, new, in: "hukou_001").findings
    #expect(findings.contains { $0.message.contains(message) }, "\(findings.map(\.description))")
  }

  /// Who applies is asked by the case and by the form; the two have to agree.
  @Test(arguments: [
    ("self", "self", true), ("self", "child", false), ("guardian", "self", false), ("guardian", "child", true),
    ("guardian", "agent", false), ("relative", "parent", true), ("relative", "institution", false),
  ])
  func whoAppliesForTheProofOfNoRegistrationIsSaidOnce(_ role: String, _ relation: String, _ agrees: Bool) throws {
    let item = try #require(try CaseFixture.services().item("hukou_proof_unregistered"))
    let view = ApplicationView(
      item, values: ["applicant_role": .text(role)],
      facts: CaseFacts(channel: .window, acceptedBy: "officer", relation: relation),
      context: EvaluationContext(now: GoldenRun.day))
    let refusals = try view.refusals()
    #expect(refusals.isEmpty == agrees, "\(refusals)")
    #expect(refusals.allSatisfy { $0.code == "item-condition" && $0.field == "applicant_role" })
  }

  /// The name that a changed copy of an item goes by.
  private static let changed = "hukou_changed"

  private func with(_ old: String, _ new: String, in item: String) throws -> ServiceCatalog {
    let path = CaseFixture.resources + "/household/items/\(item).yaml"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try #require(text.contains(old))
    let changed = text.replacingOccurrences(of: old, with: new)
      .replacingOccurrences(of: "item: \(item)", with: "item: \(ItemTests.changed)")
    let catalog = try CaseFixture.catalog.get().adding(yaml: changed, origin: ItemTests.changed)
    return ServiceCatalog(catalog, folders: [CaseFixture.resources])
  }
}
