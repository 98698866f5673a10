import Access
package import Cases
import Core
import Entities
import HTML
package import HTTP
import Portal
import Shell
package import Site

/// Judging how one's case was handled (好差评).
package struct EvaluationRoutes: Sendable {
  let site: Site
  let evaluations: Evaluations
  let store: RecordStore

  package init(site: Site, cases: CaseStore) {
    self.site = site
    evaluations = Evaluations(cases: cases)
    store = cases.store
  }

  package func register(in router: inout Router) {
    router.on(.get, "/cases/{id}/evaluation", at: site) { visit in try await page(visit, [:], [], []) }
    router.on(.post, "/cases/{id}/evaluation", at: site) { visit in try await give(visit) }
  }

  private static let stars = [
    ("5", "非常满意"), ("4", "满意"), ("3", "基本满意"), ("2", "不满意"), ("1", "非常不满意"),
  ]

  private func page(
    _ visit: Visit, _ typed: [String: String], _ tags: [String], _ errors: [FieldError]
  ) async throws -> Response {
    try visit.requirePerson(toDo: "评价")
    let id = try visit.request.integer("id")
    let view = try await evaluations.evaluable(id, by: visit.principal, origin: visit.request.origin)
    let crumbs = [Crumb("我的办件", "/inbox?box=started"), Crumb(view.item.label, "/cases/\(id)")]
    if let given = try await evaluations.evaluation(of: id) {
      return try await visit.page("我的评价", crumbs: crumbs) { shown(given) }
    }
    let choices = store.choices("evaluation_tag")
    let fields = [
      Shell.Field(
        "stars", "满意吗",
        .radio(
          typed["stars"] ?? "",
          EvaluationRoutes.stars.map { number, label in
            Choice(number, String(repeating: "★", count: Int(number) ?? 0) + " " + label)
          }), isRequired: true, error: errors["stars"]),
      Shell.Field("tags", "原因（可多选）", .checkboxes(Set(tags), choices), error: errors["tags"]),
      Shell.Field(
        "words", "想说的话", .longText(typed["words"] ?? "", rows: 4, maximum: 500), help: "请不要写姓名、住址和证件号码",
        error: errors["words"]),
      Shell.Field(
        "anonymous", "", .checkbox(typed["anonymous"] == "true", caption: "匿名评价：办理单位看不到是谁、是哪一件")),
    ]
    return try await visit.page(
      "评价办理", status: errors.isEmpty ? 200 : 422, crumbs: crumbs, subtitle: view.item.label
    ) {
      FormView(
        path: "/cases/\(id)/evaluation",
        sections: [Shell.FormSection(id: "evaluation", "这次办得怎么样", fields: fields)], errors: errors,
        submit: Action("提交评价", .submit(name: nil, value: nil), style: .primary), cancelPath: "/cases/\(id)",
        note: "每件事评价一次，提交后不能修改。")
    }
  }

  private func shown(_ record: Record) -> HTML {
    let stars = Int(record["stars"].integer ?? 0)
    return HTML {
      Card("评价") {
        DetailList([
          DetailItem(
            "满意程度",
            text: String(repeating: "★", count: stars)
              + (EvaluationRoutes.stars.first { $0.0 == String(stars) }.map { " " + $0.1 } ?? "")),
          DetailItem("原因", text: record.titles["tags"]), DetailItem("想说的话", text: record["words"].text, isWide: true),
          DetailItem("评价日期", text: record["evaluated_on"].date?.description),
          DetailItem("匿名", text: record["anonymous"].boolean == true ? "是" : "否"),
        ])
      }
      if let answer = record["answer"].text, !answer.isEmpty {
        Card("整改答复") { paragraphs(answer) }
      } else if record["state"].text == "pending" {
        Notice(.info, "已交办理单位整改，\(record["due_on"].date?.description ?? "近日") 前答复，答复会显示在这里。")
      } else {
        Notice(.success, "谢谢您的评价。")
      }
    }
  }

  private func give(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "评价")
    let form = try await visit.request.body.form()
    let id = try visit.request.integer("id")
    let known = Set(store.choices("evaluation_tag").map(\.value))
    let tags = form.all("tags").filter(known.contains)
    let isAnonymous = ["true", "1", "on"].contains(form.first("anonymous") ?? "")
    let opinion = Evaluations.Opinion(
      stars: Int(form.first("stars") ?? "") ?? 0, tags: tags, words: form.first("words") ?? "",
      isAnonymous: isAnonymous)
    do {
      try await evaluations.give(opinion, of: id, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .invalid && !visit.wantsJSON {
      let typed = [
        "stars": form.first("stars") ?? "", "words": opinion.words, "anonymous": isAnonymous ? "true" : "false",
      ]
      return try await page(visit, typed, tags, [FieldError](refusal))
    }
    return try visit.redirect(to: "/cases/\(id)/evaluation", saying: "已提交评价，谢谢。")
  }
}
