import Access
import Core
import Entities

/// A record that a plan makes for one period.
struct PlanDraft {
  let entity: EntityDeclaration
  /// What is done with the record as it is made, such as dispatching an order.
  let action: ActionDeclaration?
  /// With the defaults of the register; what its hooks and its numbering add is not there yet.
  let values: [String: Value]

  /// - Parameters:
  ///   - plan: the fields of the plan.
  ///   - assignee: whose turn it is.
  ///   - records: as whoever answers for the plan.
  /// - Throws: ``Refusal`` `plan-register`, `plan-content`.
  init(
    _ plan: [String: Value], _ schedule: PlanSchedule, on day: CivilDate, assignee: Int64?, _ records: Records
  ) async throws {
    guard let entity = plan["register"]?.text.flatMap({ records.store.catalog.entity($0) }), let role = entity.plannable
    else {
      throw Refusal(.unprocessable, "plan-register", "选中的登记表不能按计划生成。请重新选择“生成什么”。", field: "register")
    }
    self.entity = entity
    action = role.action.flatMap { entity.action($0) }
    let context = EvaluationContext(now: records.store.clock.now(), principal: records.principal)
    var values = try RecordValidator(entity, catalog: records.store.catalog).defaults(in: context)
    if let unit = entity.scope.unit { values[unit] = plan["unit_id"] ?? .null }
    let content = try await PlanContent(plan["content"]?.text ?? "", entity, role).values(records)
    values.merge(content) { $1 }
    if let field = role.assignee { values[field] = assignee.map { .integer($0) } ?? .null }
    if let field = role.day { values[field] = .date(day) }
    if let field = role.from { values[field] = .instant(schedule.begin(of: day)) }
    if let field = role.until { values[field] = .instant(schedule.end(of: day)) }
    for assignment in role.set {
      guard let field = entity.field(assignment.field) else { continue }
      let known = values
      values[field.name] = try assignment.value.stored(as: field, in: context) { known[$0] ?? .null }
    }
    self.values = values
  }

  /// Nobody gets by a plan what they may not enter and do themselves.
  ///
  /// - Throws: ``Refusal`` `permission-missing`.
  func requireRights(of principal: Principal) throws(Refusal) {
    try principal.require(Permission(entity.name, "create"), toDo: "制定生成\(entity.label)的计划")
    guard let action else { return }
    try principal.require(Permission(entity.name, action.name), toDo: "制定生成后即\(action.label)的计划")
  }

  /// What the rules of the register say against it.
  func refusals(_ records: Records) -> [Refusal] {
    RecordValidator(entity, catalog: records.store.catalog).refusals(
      for: values, in: EvaluationContext(now: records.store.clock.now(), principal: records.principal))
  }
}
