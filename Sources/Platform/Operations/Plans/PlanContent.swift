import Access
import Core
import Entities

/// What a plan says of the records that it makes, as people write it: `巡检任务：机房巡检`, a line for each field; a line
/// that begins with no field goes on with the one above.
struct PlanContent {
  let texts: [(field: FieldDeclaration, text: String)]

  /// - Throws: ``Refusal`` `plan-content` that names the line.
  init(_ text: String, _ entity: EntityDeclaration, _ role: PlanRole) throws(Refusal) {
    var texts: [(field: FieldDeclaration, text: String)] = []
    let fields = role.fields.compactMap { entity.field($0) }
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let trimmed = TextForms.trimmed(String(line))
      let parts = trimmed.split(separator: "：", maxSplits: 1, omittingEmptySubsequences: false)
      let ascii =
        parts.count == 2 ? parts : trimmed.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      if ascii.count == 2 {
        let label = TextForms.trimmed(String(ascii[0]))
        if let field = fields.first(where: { $0.label == label || $0.name == label }) {
          guard !texts.contains(where: { $0.field.name == field.name }) else {
            throw PlanContent.refusal("第 \(number + 1) 行：“\(field.label)”写了两次。请只保留一处。")
          }
          texts.append((field, TextForms.trimmed(String(ascii[1]))))
          continue
        }
        if entity.fields.contains(where: { $0.label == label }) {
          throw PlanContent.refusal(
            "第 \(number + 1) 行：“\(label)”由系统填写，不能写在计划里。可以写的有：\(fields.map(\.label).joined(separator: "、"))。")
        }
      }
      if texts.isEmpty {
        if trimmed.isEmpty { continue }
        throw PlanContent.refusal(
          "第 \(number + 1) 行没有写是哪一项。请写成“\(fields.first?.label ?? "字段")：内容”，可以写的有：\(fields.map(\.label).joined(separator: "、"))。"
        )
      }
      texts[texts.count - 1].text += "\n" + trimmed
    }
    self.texts = texts.map { (field: $0.field, text: TextForms.trimmed($0.text)) }
  }

  private static func refusal(_ message: String) -> Refusal {
    Refusal(.unprocessable, "plan-content", message, field: "content")
  }

  /// The values, references found by the title of what they name.
  func values(_ records: Records) async throws -> [String: Value] {
    var values: [String: Value] = [:]
    for (field, text) in texts {
      if let target = field.target, Int64(text) == nil, !text.isEmpty {
        let title = records.store.catalog.entity(target)?.title ?? "id"
        let found = try await records.list(
          ListQuery(target, filters: [ListFilter(title, .equals(.text(text)))], columns: [title], limit: 2)
        ).records
        guard let record = found.first, found.count == 1 else {
          throw PlanContent.refusal(
            "“\(field.label)”里的“\(text)”\(found.isEmpty ? "找不到对应的记录，请先登记它或改正" : "对应多条记录，请改写编号")。")
        }
        values[field.name] = .integer(record.id)
      } else {
        do throws(Refusal) { values[field.name] = try records.store.catalog.parse(text, for: field) } catch {
          throw PlanContent.refusal(error.message)
        }
      }
    }
    return values
  }
}
