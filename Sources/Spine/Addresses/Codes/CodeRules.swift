import Core
package import Entities
import SQL

/// What the registers 地址编码规则 and 二维码内容规则 fill in and refuse by themselves: a rule is tried when it is written, one
/// of each is in force, and what was in force once is kept, since codes and plates made by it are still out there.
package enum CodeRules {
  package static let addressCodes = "address_code_rule"
  package static let contents = "qr_rule"

  /// The rule by which new addresses are coded.
  ///
  /// - Throws: ``Refusal`` `address-code-pattern`.
  static func current(in transaction: Transaction) async throws -> AddressCodeRule {
    let row = try await transaction.query("select pattern from address_code_rule where state = 'in_force'").first
    guard let row else { return .standard }
    return try AddressCodeRule(pattern: try row.get("pattern"))
  }

  package static func addHooks(to hooks: inout RecordHooks) {
    for register in [addressCodes, contents] {
      hooks.beforeInsert(register) { drafts, _ in
        for index in drafts.indices {
          do throws(Refusal) {
            drafts[index].values["example"] = .text(try example(register) { drafts[index][$0].text })
          } catch {
            drafts[index].refuse(error)
          }
        }
      }
      hooks.beforeUpdate(register) { changes, records in
        for index in changes.indices {
          let change = changes[index]
          if change.before["state"]?.text != "draft", change.alters("pattern") || change.alters("proof") {
            changes[index].refuse(
              Refusal(.conflict, "rule-used", "这条规则已启用过，编码和门牌按它制作，不能再改，没有改动。请新建一条规则再启用。", field: "pattern"))
            continue
          }
          do throws(Refusal) {
            changes[index].changes["example"] = .text(try example(register) { change[$0].text })
          } catch {
            changes[index].refuse(error)
            continue
          }
          if change.alters("state"), change["state"].text == "in_force" {
            changes[index].changes["enforced_at"] = .instant(records.store.clock.now())
            try await retire(register, besides: change.id, records)
          }
        }
      }
      hooks.beforeDelete(register) { leaving, _ in
        guard leaving.allSatisfy({ $0["state"].text == "draft" }) else {
          throw Refusal(.conflict, "rule-used", "启用过的规则不能删除：编码和门牌按它制作，核验时还要用。没有改动。")
        }
      }
    }
  }

  private static func retire(_ register: String, besides id: Int64, _ records: Records) async throws {
    let query = ListQuery(register, filters: [ListFilter("state", .equals(.text("in_force")))], limit: 100)
    for record in try await records.asSystem.list(query).records where record.id != id {
      try await records.asSystem.update(
        register, record.id, version: nil, ["state": .text("retired")], input: .code)
    }
  }

  /// What a rule makes, shown beside it.
  private static func example(_ register: String, _ text: (String) -> String?) throws(Refusal) -> String {
    let pattern = text("pattern") ?? ""
    guard let town = DivisionCode("511702001") else { return "" }
    if register == addressCodes {
      return try AddressCodeRule(pattern: pattern).code(division: town, sequence: 1).text
    }
    let rule = try QRContentRule(pattern: QRRules.resolved(pattern, origin: "https://menpai.example.gov.cn"))
    let proof = QRProof(rawValue: text("proof") ?? "") ?? .none
    if rule.hasProof != (proof != .none) {
      throw Refusal(
        .invalid, "qr-pattern", proof == .none ? "选了“不签名”，内容里就不能有 {proof}。" : "选了签名，内容里应有 {proof}。",
        field: "pattern")
    }
    if proof == .sm2, !rule.endsWithProof {
      throw Refusal(.invalid, "qr-pattern", "国密签名 {proof} 应放在最后，离线核验才能不依赖规则。", field: "pattern")
    }
    let code = try AddressCodeRule.standard.code(division: town, sequence: 1)
    return rule.content(for: code) { _ in
      proof == .sm2 ? "（160 位数字）" : "（\(PlateProofs.macLength) 位字母数字）"
    }
  }
}
