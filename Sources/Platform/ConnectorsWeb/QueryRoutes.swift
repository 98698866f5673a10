import Access
import Audit
package import Connectors
import Core
import Crypto
import Documents
import Entities
import Foundation
import HTML
package import HTTP
import Identity
import SQL
import Shell
package import Site

/// 外部系统查询: officers ask systems of others by hand, with a purpose: actual population, houses and units of the provincial base
/// (A-158). Quota, retries and the log are those of every call; what is personal is shown to those cleared for it only.
package struct QueryRoutes: Sendable {
  let site: Site
  let client: ConnectorClient

  package init(site: Site, client: ConnectorClient) {
    self.site = site
    self.client = client
  }

  package func register(in router: inout Router) {
    router.on(.get, "/queries", at: site) { visit in try await list(visit) }
    router.on(.get, "/queries/{connector}/{operation}", at: site) { visit in try await page(visit, nil, [], nil) }
    // The conditions are personal data, which belong into no address.
    router.on(.post, "/queries/{connector}/{operation}", at: site) { visit in try await query(visit) }
  }

  private func purposes(of connector: Connector) -> [Choice] {
    connector.purposes.isEmpty ? LookPurpose.choices : connector.purposes.map { Choice($0, $0) }
  }

  /// Why somebody asks, of the reasons that the form offers.
  private func stated(_ form: FormData, for connector: Connector) -> String? {
    connector.purposes.isEmpty ? LookPurpose.stated(form) : connector.purposes.first { $0 == form.first("purpose") }
  }

  private static let use = Permission("connector_query", "use")

  /// What the visitor may ask: any system, or those only that name a right of their own.
  ///
  /// - Throws: ``Refusal`` `permission-missing` to whom nothing is offered.
  private func offered(to visit: Visit) throws -> [(connector: Connector, operation: ConnectorOperation)] {
    let offered = client.connectors.all.filter { visit.principal.may($0.permission ?? QueryRoutes.use) }
      .flatMap { connector in
        connector.operations.filter { $0.use == .query }.map { (connector: connector, operation: $0) }
      }
    if offered.isEmpty { try visit.principal.require(QueryRoutes.use, toDo: "查询外部系统") }
    return offered
  }

  private func title(_ visit: Visit) -> String {
    visit.principal.may(QueryRoutes.use) ? "一标三实查询" : "外部系统查询"
  }

  private func list(_ visit: Visit) async throws -> Response {
    // What rows of another lead to is asked from there.
    let offered = try offered(to: visit).filter { one in
      !one.connector.operations.contains { $0.rows?.opens?.operation == one.operation.name }
    }
    return try await visit.page(title(visit), subtitle: "向外部系统逐条查询，写明事由，每次都有记录") {
      Card("可以查询的", count: .exact(offered.count)) {
        ul(.class("service-list")) {
          for one in offered {
            li {
              a(.href("/queries/\(one.connector.name)/\(one.operation.name)")) {
                span(.class("service-name")) { one.operation.label }
                span(.class("service-note")) { one.connector.system }
              }
            }
          }
        }
      }
    }
  }

  private func wanted(_ visit: Visit) throws -> (connector: Connector, operation: ConnectorOperation) {
    let (connector, operation) = (
      try visit.request.parameter("connector"), try visit.request.parameter("operation")
    )
    guard
      let found = try offered(to: visit).first(where: {
        $0.connector.name == connector && $0.operation.name == operation
      })
    else {
      throw Refusal(.notFound, "query-unknown", "没有这项查询。请从列表重新进入。")
    }
    return found
  }

  private func page(
    _ visit: Visit, _ typed: FormData?, _ errors: [FieldError], _ answer: ConnectorAnswer?, status: Int = 200
  ) async throws -> Response {
    let (connector, operation) = try wanted(visit)
    var fields = operation.request.map { field in
      Shell.Field(
        field.name, field.label, .text(typed?.first(field.name) ?? "", .init(maximum: 100)),
        isRequired: field.isRequired,
        error: errors[field.name])
    }
    fields.append(
      Shell.Field(
        "purpose", "事由", .select(typed?.first("purpose") ?? "", purposes(of: connector)),
        isRequired: true, help: "会记入调用记录", error: errors["purpose"]))
    return try await visit.page(
      operation.label, status: status, crumbs: [Crumb(title(visit), "/queries")], subtitle: connector.system
    ) {
      FormView(
        path: "/queries/\(connector.name)/\(operation.name)",
        sections: [Shell.FormSection(id: "query", "查询条件", fields: fields)], errors: errors,
        submit: Action("查询", .submit(name: nil, value: nil), style: .primary, icon: .search), cancelPath: "/queries")
      if let answer { result(answer, connector, operation, typed, visit.principal) }
    }
  }

  private func result(
    _ answer: ConnectorAnswer, _ connector: Connector, _ operation: ConnectorOperation, _ typed: FormData?,
    _ principal: Principal
  ) -> HTML {
    if answer.outcome.isFailure || answer.outcome == .off || answer.outcome == .incomplete {
      return Notice(.warning, "没有查到结果：\(answer.reason ?? "对方没有答复")。请稍后再试。").html
    }
    if operation.rows == nil { return Notice(.warning, "对方没有给出文件：\(answer.reason ?? "没有说明")。").html }
    let fields = operation.rows?.fields ?? []
    let opens = operation.rows?.opens
    let rows = answer.rows.compactMap { try? $0.get() }
    return Card("查询结果", count: .exact(rows.count), isFlush: true) {
      DataTable(
        caption: "查询结果", columns: fields.map { Column($0.label) } + (opens == nil ? [] : [Column("操作", .actions)]),
        rows: rows.enumerated().map { index, row in
          TableRow(
            id: "answer-\(index)", name: "第 \(index + 1) 条", path: nil,
            cells: fields.map { .text(QueryRoutes.shown(row[$0.name] ?? .null, $0, principal)) }
              + (opens.map { [QueryRoutes.opening($0, row, connector, typed)] } ?? []))
        }, opensPanel: false, empty: .empty("没有查到", answer.reason ?? "对方没有符合条件的登记。"))
    }.html
  }

  /// The button of a row, which asks on with the same purpose.
  private static func opening(
    _ opens: ConnectorOpening, _ row: [String: Value], _ connector: Connector, _ typed: FormData?
  ) -> HTML {
    let given = opens.values.map { HiddenField($0.field, row[$0.from]?.plainText ?? "") }
    return Action(
      opens.label,
      .post(
        "/queries/\(connector.name)/\(opens.operation)",
        given + [HiddenField("purpose", typed?.first("purpose") ?? "")]), style: .quiet, icon: .image
    ).html
  }

  /// The file of an answer, to be seen at once; nothing is kept of it.
  private static func file(_ answer: ConnectorAnswer, _ operation: ConnectorOperation) -> Response? {
    guard let field = operation.response.first(where: { $0.type == .file }),
      let text = answer.values[field.name]?.text, let data = Data(base64Encoded: text)
    else { return nil }
    let bytes = Array(data)
    let kind = FileKind.sniff(bytes: bytes)
    guard [.pdf, .png, .jpeg].contains(kind) else { return nil }
    var response = Response.bytes(bytes, type: kind.mediaType)
    response.headers["Content-Disposition"] = "inline; filename=\(operation.name).\(kind.fileExtension)"
    return response
  }

  /// A value as this reader may know it.
  private static func shown(_ value: Value, _ field: ConnectorField, _ principal: Principal) -> String {
    guard let mask = field.mask else { return value.plainText }
    let due: Classification = mask == .id ? .secret : .sensitive
    return principal.clearance >= due ? value.plainText : Masking.masked(value, by: mask).plainText
  }

  private func query(_ visit: Visit) async throws -> Response {
    let (connector, operation) = try wanted(visit)
    let form = try await visit.request.body.form()
    var errors: [FieldError] = []
    var values: [String: Value] = [:]
    for field in operation.request {
      let text = TextForms.trimmed(form.first(field.name) ?? "")
      if text.isEmpty {
        if field.isRequired { errors.append(FieldError(field.name, "请填写\(field.label)。")) }
        continue
      }
      do throws(Refusal) {
        values[field.name] = try field.value(.string(text))
      } catch {
        errors.append(FieldError(field.name, error.message))
      }
    }
    let stated = stated(form, for: connector)
    if stated == nil { errors.append(FieldError("purpose", "请选择查询的事由。")) }
    guard errors.isEmpty, let purpose = stated else { return try await page(visit, form, errors, nil, status: 422) }
    // Before the call: what is asked leaves a trace, whatever becomes of the answer.
    try await note(visit, connector, operation, values, purpose)
    let answer = try await client.call(
      connector.name, operation.name, values, purpose: purpose, by: visit.principal)
    if let file = QueryRoutes.file(answer, operation) { return file }
    return try await page(visit, form, [], answer)
  }

  /// Writes into the log of operations whom or what a query is about, as keyed fingerprints: whoever has a number can ask for
  /// the queries about it, and nobody reads one there. Somebody whom the register of population knows by that number
  /// finds the query among the looks at their data.
  private func note(
    _ visit: Visit, _ connector: Connector, _ operation: ConnectorOperation, _ values: [String: Value],
    _ purpose: String
  ) async throws {
    let store = client.store
    var asked: [(key: String, value: JSON)] = []
    var persons: [Int64] = []
    let knowsPeople = store.catalog.entity("person")?.field("resident_id") != nil
    for field in operation.request {
      guard let text = values[field.name]?.plainText else { continue }
      // Numbers have the fingerprint that stands in the register of population.
      let isNumber = field.mask == .id
      let index = try store.keys.blindIndex(
        isNumber ? "person.resident_id" : "connector_query.\(field.name)", isNumber ? .code : .text)
      guard let print = index.fingerprint(text) else { continue }
      asked.append((field.name, .string(Hex.encode(print))))
      guard isNumber, knowsPeople else { continue }
      let known = try await store.records(as: .system, purpose: "登记外部查询").find(
        "person", where: "resident_id", equals: .text(ResidentID(text)?.text ?? text))
      if let known { persons.append(known.id) }
    }
    let entry = AuditEntry(
      visit.principal, "connector_query.use", entity: ConnectorSettings.entity, origin: visit.request.origin,
      details: [
        "connector": .string(connector.name), "operation": .string(operation.name), "purpose": .string(purpose),
        "asked": .object(asked),
      ])
    let (about, access) = (persons, PersonalAccess(audit: store.audit))
    try await store.database.transaction { transaction in
      try await store.audit.append(entry, in: transaction)
      try await access.record(
        visit.principal, persons: about, fields: operation.rows?.fields.map(\.name) ?? [],
        purpose: "\(connector.label)\(operation.label)：\(purpose)", origin: visit.request.origin, in: transaction)
    }
  }
}
