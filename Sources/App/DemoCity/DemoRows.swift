package import Addresses
package import Core
package import Geo

/// One row of `division`; `id` is stable for the same seed.
package struct DemoDivision: Sendable {
  package let id: Int64
  package let code: DivisionCode
  package let name: String
  package let fullName: String
  package let shortName: String
  /// A code of `division_kind`.
  package let kind: String
  package let parentID: Int64?
  /// `nil` for the province.
  package let boundary: Polygon?
}

/// One row of `grid`.
package struct DemoGrid: Sendable {
  package let id: Int64
  package let code: DivisionCode
  package let name: String
  package let community: DivisionCode
  package let workerName: String
  package let workerPhone: PhoneNumber
  package let boundary: Polygon
  package let households: Int
}

/// One row of `police_station`: a station for every town and a room (警务室) for every urban community.
package struct DemoPoliceStation: Sendable {
  package let id: Int64
  package let code: String
  package let name: String
  /// `station` or `room`.
  package let kind: String
  package let parentID: Int64?
  /// What it is responsible for.
  package let division: DivisionCode
  package let phone: PhoneNumber
  package let officerName: String
  package let officerNumber: String
  package let officerPhone: PhoneNumber
  package let location: Coordinate
  package let jurisdiction: Polygon
}

/// One row of `road`: trunk roads between towns and a street for every grid.
package struct DemoRoad: Sendable {
  package let id: Int64
  package let code: String
  package let name: String
  /// A code of `road_kind`.
  package let kind: String
  package let division: DivisionCode
  package let line: Line
  package let smallestNumber: String?
  package let largestNumber: String?
}

/// One row of `compound`.
package struct DemoCompound: Sendable {
  package let id: Int64
  package let code: String
  package let name: String
  /// A code of `compound_kind`.
  package let kind: String
  package let division: DivisionCode
  package let gridID: Int64
  package let roadID: Int64
  package let houseNumber: String
  package let boundary: Polygon
  package let buildings: Int
  package let households: Int
  package let builtYear: Int
}

/// One row of `address`.
package struct DemoAddress: Sendable {
  package let id: Int64
  package let code: AddressCode
  package let standard: StandardAddress
  /// The community, twelve digits.
  package let division: DivisionCode
  package let location: Coordinate
  package let roadID: Int64?
  package let compoundID: Int64?
  package let parentID: Int64?
  package let gridID: Int64
  package let policeStationID: Int64
  /// 责任区.
  package let beat: String
  /// A code of `plate_kind`.
  package let plateKind: String
  /// A code of `plate_status`.
  package let plateStatus: String
  /// A code of `address_status`.
  package let status: String
}

/// One row of `building`.
package struct DemoBuilding: Sendable {
  package let id: Int64
  package let code: String
  package let name: String
  /// A code of `building_kind`.
  package let kind: String
  package let addressID: Int64
  package let compoundID: Int64?
  package let gridID: Int64
  package let division: DivisionCode
  package let number: String
  package let storeys: Int
  package let units: Int
  package let rooms: Int
  package let builtYear: Int
  package let footprint: Polygon
}

/// One row of `building_unit`.
package struct DemoUnit: Sendable {
  package let id: Int64
  package let name: String
  package let buildingID: Int64
  package let number: String
  package let addressID: Int64
  package let division: DivisionCode
  package let storeys: Int
  package let roomsPerStorey: Int
  package let location: Coordinate
}

/// One row of `room`.
package struct DemoRoom: Sendable {
  package let id: Int64
  package let name: String
  package let buildingID: Int64?
  package let unitID: Int64?
  package let addressID: Int64
  package let division: DivisionCode
  package let floor: Int
  package let number: String
  /// A code of `room_usage`.
  package let usage: String
  /// A code of `room_state`.
  package let state: String
  /// Hundredths of a square metre.
  package let areaHundredths: Int
  package let isLet: Bool
}

/// One row of `organisation`.
package struct DemoOrganisation: Sendable {
  package let id: Int64
  package let name: String
  package let creditCode: UnifiedCreditCode
  /// A code of `organisation_kind`.
  package let kind: String
  /// A code of `industry` (GB/T 4754).
  package let industry: String
  package let addressID: Int64
  package let gridID: Int64
  package let division: DivisionCode
  package let legalPerson: String
  package let phone: PhoneNumber
  package let location: Coordinate
  package let staff: Int
  package let registeredOn: CivilDate
}

/// One row of `person`.
package struct DemoPerson: Sendable {
  package let id: Int64
  package let name: String
  /// `nil` for foreigners, who have a ``document``.
  package let residentID: ResidentID?
  package let document: ForeignDocument?
  package let sex: ResidentID.Sex
  package let birthDate: CivilDate
  /// A code of `nationality`.
  package let nationality: String
  /// A code of `ethnicity`.
  package let ethnicity: String?
  package let phone: PhoneNumber?
  /// A code of `residency`.
  package let residency: String
  package let division: DivisionCode
  package let addressID: Int64
  package let roomID: Int64
  package let householdNumber: String
  /// A code of `household_relation`.
  package let relation: String
  /// Codes of `special_group`.
  package let specialGroups: [String]
}

/// One row of `residence`.
package struct DemoResidence: Sendable {
  package let id: Int64
  package let personID: Int64
  package let addressID: Int64
  package let roomID: Int64
  package let division: DivisionCode
  /// A code of `residency`.
  package let kind: String
  package let relation: String
  /// A code of `residence_basis`.
  package let basis: String
  package let since: CivilDate
}

/// One row of `public_facility`.
package struct DemoFacility: Sendable {
  package let id: Int64
  package let code: String
  package let name: String
  /// A code of `facility_kind`.
  package let kind: String
  package let division: DivisionCode
  package let addressText: String
  package let phone: PhoneNumber?
  package let openingHours: String?
  package let busLines: String?
  package let capacity: Int?
  package let location: Coordinate
}

/// Somebody who works for the city and may be given an account.
package struct DemoStaff: Sendable {
  /// The name of a role in `Resources/spine/roles`.
  package let role: String
  package let name: String
  package let phone: PhoneNumber
  /// Whose records they care for.
  package let division: DivisionCode
  /// The police station they serve at, for officers.
  package let policeStationID: Int64?
}

/// All rows of one community; made on demand and independent of all others.
package struct DemoBatch: Sendable {
  package internal(set) var compounds: [DemoCompound] = []
  package internal(set) var addresses: [DemoAddress] = []
  package internal(set) var buildings: [DemoBuilding] = []
  package internal(set) var units: [DemoUnit] = []
  package internal(set) var rooms: [DemoRoom] = []
  package internal(set) var organisations: [DemoOrganisation] = []
  package internal(set) var persons: [DemoPerson] = []
  package internal(set) var residences: [DemoResidence] = []
  package internal(set) var facilities: [DemoFacility] = []
}
