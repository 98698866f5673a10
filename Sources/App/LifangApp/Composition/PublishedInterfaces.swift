import CasesWeb
import EntitiesWeb
import SignOnWeb
import SpineWeb

/// What the published description (OpenAPI) tells beside the registers.
enum PublishedInterfaces {
  static let parts = [
    ApplicationDescription.part, ParseDescription.part, AddressCodeDescription.part, RightsInterface.part,
  ]
}
