import Core
import Entities

/// 网上迁移 (C-492): applications to move in or out are taken on line only in the urban districts that are open to it.
enum OnlineMigration {
  private static let districts = "urban_district"

  static func addHooks(to hooks: inout RecordHooks) {
    for form in ["hukou_move_in", "hukou_move_out"] {
      hooks.beforeInsert(form) { drafts, records in
        for index in drafts.indices where drafts[index].refusal == nil {
          guard let id = drafts[index]["service_case_id"].integer else { continue }
          let owner = try await records.asSystem.get("service_case", id)
          guard owner["channel"].text == "online", let division = owner["division_code"].text,
            let refusal = try await refusal(for: division, records.asSystem)
          else { continue }
          drafts[index].refuse(refusal)
        }
      }
    }
  }

  /// Why nobody may move on line to or from here; `nil` where it is open, and everywhere while no district is entered.
  private static func refusal(for division: String, _ system: Records) async throws -> Refusal? {
    let all = try await system.list(
      ListQuery(
        districts, filters: [ListFilter("active", .equals(.boolean(true)))],
        columns: ["name", "division_code", "online_migration", "closed_reason"], limit: 200)
    ).records
    if all.isEmpty { return nil }
    let home = all.filter { $0["division_code"].text.map(division.hasPrefix) == true }
      .max { ($0["division_code"].text ?? "").count < ($1["division_code"].text ?? "").count }
    if home?["online_migration"].boolean == true { return nil }
    let name = home?["name"].text ?? "这个地方"
    let reason = home?["closed_reason"].text.map { "（\($0)）" } ?? ""
    return Refusal(
      .unprocessable, "migration-offline", "\(name)没有开通网上迁移\(reason)，没有受理。请带材料到派出所窗口办理，填好的内容已保存为草稿。")
  }
}
