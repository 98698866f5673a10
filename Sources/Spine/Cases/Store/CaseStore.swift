import Access
package import Connectors
package import Core
package import Entities
package import Identity
package import Messaging
package import Papers
package import Processes
import SQL

/// The cases (办件): starting, moving and reading them.
///
/// A move changes the instance, its tasks and timers, the case's own record, the history and the audit in one
/// transaction, so that an inbox asked right after it is right.
package struct CaseStore: Sendable {
  package let store: RecordStore
  package let versions: CaseVersions
  package let responsibility: Responsibility
  package let parameters: Parameters
  package let messages: MessageCenter
  /// Issues what cases result in.
  package let office: DocumentOffice
  /// Asks other systems; `nil` where none is asked.
  package let connectors: ConnectorClient?
  /// The way to the other network; `nil` where none is ferried.
  package let ferry: CaseFerry?

  package init(
    store: RecordStore, versions: CaseVersions, parameters: Parameters, messages: MessageCenter,
    office: DocumentOffice, connectors: ConnectorClient? = nil, ferry: CaseFerry? = nil
  ) {
    self.office = office
    self.connectors = connectors
    self.messages = messages
    self.ferry = ferry
    self.store = store
    self.versions = versions
    self.parameters = parameters
    responsibility = Responsibility(clock: store.clock)
  }

  package var services: ServiceCatalog { versions.services }

  /// The calendar that deadlines count by: the one that the parameter `case.calendar` names.
  package var calendar: WorkCalendar {
    let name = (try? parameters.text("case.calendar")) ?? ""
    return services.calendars[name] ?? .standard
  }

  /// Somebody with what a case needs written on their behalf; Cases has judged what they may.
  func acting(for principal: Principal, form: String) -> Principal {
    let subjects = [
      ServiceCase.entity, ServiceCase.material, ServiceCase.signature, ServiceCase.cityWide, ServiceCase.cityWideResult,
      CaseStore.parcels,
      IssuedDocument.entity, form,
    ]
    return principal.entrusted(with: subjects)
  }

  /// The engine of a process for one case.
  func engine(_ process: RunnableProcess, _ directory: CaseDirectory) -> ProcessEngine {
    ProcessEngine(
      process, context: EvaluationContext(now: store.clock.now()),
      dispatch: { step, pool, dispatch in directory.dispatch?.choose(step, pool, dispatch) },
      find: { handler, isShared, _ in directory.find(handler, isShared) })
  }

  /// For the transactions of moves: their statements look up by keys, and planning them anew for each value costs more than
  /// they do.
  static let sharedPlans: SQL = "select set_config('plan_cache_mode', 'force_generic_plan', true)"

  /// The same with ``Inbox/openScope``.
  static let openScopeAndPlans: SQL = """
    select set_config('lifang.scope_service_case', '{"all":true}', true),
      set_config('plan_cache_mode', 'force_generic_plan', true)
    """

  package static let missing = Refusal(.notFound, "case-missing", "没有找到这件办件：编号不对，或不在您的数据范围内。请从待办或列表重新进入。")
}
