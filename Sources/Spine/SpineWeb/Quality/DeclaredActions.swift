import Access
import Core
import Entities
import EntitiesWeb
import Shell
import Site

/// The buttons of a record's declared actions on a hand-written page: those that are open now and to this person.
struct DeclaredActions {
  let store: RecordStore
  let visit: Visit

  /// - Parameter leading: whether the first of them is the page's main action.
  func open(for record: Record, _ entity: EntityDeclaration, leading: Bool) -> [Action] {
    let register = Register(
      entity, catalog: store.catalog,
      context: EvaluationContext(now: store.clock.now(), principal: visit.principal), divisions: store.divisionNames)
    let open = entity.actions.filter {
      visit.principal.may(Permission(entity.name, $0.name)) && register.isOpen($0, for: record)
    }
    return open.enumerated().map { index, action in
      Action(
        action.label, .dialog(register.path(of: action.name, on: record)),
        style: leading && index == 0 ? .primary : .normal)
    }
  }
}
