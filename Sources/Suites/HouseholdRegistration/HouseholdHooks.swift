package import Entities
import Households

/// What only household registration has (户籍业务): sampling of its cases and tasks that go out by the list.
package enum HouseholdHooks {
  /// What its registers do by themselves.
  package static func addHooks(to hooks: inout RecordHooks) {
    InspectionDraw.addHooks(to: &hooks)
    BatchTasks.addHooks(to: &hooks)
    BatchRoster.addHooks(to: &hooks)
    HouseholdLedger.addHooks(to: &hooks)
    ChangeRestoration.addHooks(to: &hooks)
    OnlineMigration.addHooks(to: &hooks)
  }
}
