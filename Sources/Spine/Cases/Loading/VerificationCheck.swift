import Connectors
import Entities

/// Whether the forms of items hold what the verification of their materials has to be asked with.
struct VerificationCheck {
  let items: [ServiceItem]
  let connectors: Connectors
  let catalog: Catalog
  let collector: FindingCollector

  init(items: [ServiceItem], connectors: Connectors, catalog: Catalog, _ collector: FindingCollector) {
    self.items = items
    self.connectors = connectors
    self.catalog = catalog
    self.collector = collector
  }

  /// A form without them is a hint: its material is verified by hand, which the case says.
  func run() {
    var told: Set<String> = []
    for item in items {
      guard let form = catalog.entity(item.form), let own = catalog.entity(ServiceCase.entity) else { continue }
      for kind in item.materials.flatMap(\.kinds) {
        guard let check = kind.check, let operation = connectors.connector(check)?.verification,
          told.insert("\(item.form) \(kind.name)").inserted
        else { continue }
        for field in operation.request where field.isRequired {
          let isThere = field.sources.contains { form.field($0) != nil || own.field($0) != nil }
          if !isThere {
            collector.warning(
              item.position, "表单“\(form.label)”没有“\(field.label)”，“\(kind.label)”只能由受理人员人工核验")
          }
        }
      }
    }
  }
}
