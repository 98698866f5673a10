import Cases
import Core
import Entities
import Ferry
import Foundation
import Identity
import Messaging
import Operations
import Processes

/// What plans and alarms need and is made after the store whose registers they stand in (运维管理).
final class OperationsWiring: RecordRules {
  private let cases = Later<CaseStore>("work-plans")

  func begin(_ cases: CaseStore) { self.cases.begin(cases) }

  /// By the working calendar that deadlines count by.
  private func isWorkday(_ day: CivilDate) -> Bool { (cases.value?.calendar ?? .standard).isWorkday(day) }

  func addHooks(to hooks: inout RecordHooks) {
    PlanRules { [self] in isWorkday($0) }.addHooks(to: &hooks)
  }

  func plans(_ store: RecordStore, _ messages: MessageCenter, _ identity: IdentityService) -> WorkPlans {
    WorkPlans(
      store: store, messages: messages, isWorkday: { [self] in isWorkday($0) },
      principal: { try await identity.principal(actor: $0) })
  }

  /// Enters what is delivered: the library first, since rules name its entries.
  static func deliver(_ configuration: Configuration, _ store: RecordStore) async throws {
    for register in DeliveredRecords.registers {
      try await DeliveredRecords.read(
        register, folder: configuration.installation.resources + "/platform/delivered", catalog: store.catalog
      ).publish(in: store)
    }
  }
}

extension WebApplication {
  /// Makes what plans have due once a minute, until the task is cancelled.
  func followPlans() async {
    await deployment.rounds.every(.seconds(60), "work-plans-failed") { try await plans.run(log: deployment.log) }
  }

  /// Looks at the figures of this node by the rules of alarms, until the task is cancelled.
  func watchAlarms() async {
    let gauges = RunGauges(deployment: deployment)
    RunGauges.describe(deployment.metrics)
    await AlarmWatch(
      desk: alarms, metrics: deployment.metrics, node: OperationsWiring.node, refresh: { try await gauges.refresh() },
      ferry: { [dock, parameters] in
        guard let settings = FerrySettings(parameters) else { return nil }
        return try await dock.status().alarm(settings)
      }
    ).run(deployment.rounds)
  }
}

extension OperationsWiring {
  /// What this machine is called.
  static let node: String = {
    let name = try? String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8)
    return name?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "node"
  }()
}
