import Addresses
import Core

extension CommunityBuilder {
  /// The day on which the demo's ages are counted.
  private static let today = CivilDate(daysSinceEpoch: 20_454)

  /// Households of one to five in as many homes as it takes to settle as many people as the community has rooms.
  mutating func settle() throws {
    var left = community.rooms
    var taken: Set<Int> = []
    for (number, dwelling) in dwellings.enumerated() where left > 0 {
      // People left per home left, against the size of a mean household.
      let share = Double(left) / Double(dwellings.count - number) / 2.4
      guard random.chance(share) else { continue }
      let size = min(left, random.weighted([26, 33, 22, 12, 7]) + 1)
      try addHousehold(size, in: dwelling, &taken)
      left -= size
    }
    // A community of vacant homes only still has its people: they are settled in the rooms there are.
    let homes =
      dwellings.isEmpty ? batch.rooms.map { Dwelling(addressID: $0.addressID, roomID: $0.id, isLet: false) } : dwellings
    var number = 0
    while left > 0, !homes.isEmpty {
      try addHousehold(1, in: homes[number % homes.count], &taken)
      left -= 1
      number += 1
    }
  }

  private mutating func addHousehold(_ size: Int, in dwelling: Dwelling, _ taken: inout Set<Int>) throws {
    let household = batch.persons.count + 1
    let residency = dwelling.isLet || random.chance(0.1) ? "floating" : random.chance(0.2) ? "permanent" : "registered"
    let isForeign = residency == "floating" && random.chance(0.006)
    let headAge = random.within(size == 1 ? 19...88 : 26...72)
    let headSex: ResidentID.Sex = random.chance(0.7) ? .male : .female
    let surname = plan.words.surnames[random.weighted(plan.words.surnameWeights)]
    let origin = residency == "floating" ? random.pick(CommunityBuilder.origins) : 5117
    for member in 0..<size {
      var age = headAge
      var sex = headSex
      var relation = "head"
      switch member {
      case 0: break
      case 1:
        (age, sex, relation) = (max(22, headAge + random.within(-6...4)), headSex == .male ? .female : .male, "spouse")
      case 4 where headAge < 55: (age, sex, relation) = (headAge + random.within(21...32), .female, "parent")
      default:
        sex = random.chance(0.52) ? .male : .female
        (age, relation) = (max(0, headAge - random.within(21...34)), sex == .male ? "son" : "daughter")
      }
      let name = plan.words.personName(
        sex, surname: member == 1 || relation == "parent" ? nil : surname, &random)
      try addPerson(
        name: name, age: age, sex: sex, relation: relation, residency: isForeign ? "foreign" : residency,
        origin: origin,
        household: household, isAlone: size == 1, in: dwelling, &taken)
    }
  }

  private mutating func addPerson(
    name: String, age: Int, sex: ResidentID.Sex, relation: String, residency: String, origin: Int, household: Int,
    isAlone: Bool, in dwelling: Dwelling, _ taken: inout Set<Int>
  ) throws {
    let isForeign = residency == "foreign"
    let birthday = freeBirthday(age, sex, &taken)
    let number = batch.persons.count + 1
    let id = base + Int64(number)
    let groups = specialGroups(age, isAlone)
    let document = isForeign ? ForeignDocument(kind: .passport, "DM\(id)") : nil
    batch.persons.append(
      DemoPerson(
        id: id, name: isForeign ? foreignName() : name,
        residentID: isForeign ? nil : try residentID(origin, birthday, sex), document: document, sex: sex,
        birthDate: birthday, nationality: isForeign ? random.pick(["USA", "KOR", "VNM", "PAK", "RUS", "FRA"]) : "CHN",
        ethnicity: isForeign ? nil : random.chance(0.97) ? "01" : "15",
        phone: age < 12 ? nil : DemoPhone.number(index * 50_000 + number % 45_000), residency: residency,
        division: community.code, addressID: dwelling.addressID, roomID: dwelling.roomID,
        householdNumber: "\(base + Int64(household))", relation: relation, specialGroups: groups))
    let basis = dwelling.isLet || isForeign ? "rent" : residency == "floating" ? "relative" : "own"
    let earliest = max(birthday.daysSinceEpoch, 14_000)
    batch.residences.append(
      DemoResidence(
        id: id, personID: id, addressID: dwelling.addressID, roomID: dwelling.roomID, division: community.code,
        kind: residency, relation: relation, basis: basis,
        since: CivilDate(daysSinceEpoch: random.within(earliest...CommunityBuilder.today.daysSinceEpoch))))
  }

  private mutating func foreignName() -> String {
    String(random.pick(plan.words[.foreignName]).map { $0 == "_" ? " " : $0 })
  }

  private mutating func specialGroups(_ age: Int, _ isAlone: Bool) -> [String] {
    var groups: [String] = []
    if age >= 80 { groups.append("elder_80") }
    if age >= 65, isAlone { groups.append("elder_alone") }
    if random.chance(0.012) { groups.append("disabled") }
    if random.chance(0.01) { groups.append("low_income") }
    return groups
  }

  /// A day of the wanted age that nobody of this sex in the community was born on, so that numbers stay unique.
  private mutating func freeBirthday(_ age: Int, _ sex: ResidentID.Sex, _ taken: inout Set<Int>) -> CivilDate {
    var day = CommunityBuilder.today.daysSinceEpoch - age * 365 - age / 4 - random.within(1...364)
    while !taken.insert(day * 2 + (sex == .male ? 1 : 0)).inserted { day -= 1 }
    return CivilDate(daysSinceEpoch: day)
  }

  /// Each community has its own pair of sequence numbers and one of ten county codes that were never assigned.
  private func residentID(_ origin: Int, _ birthday: CivilDate, _ sex: ResidentID.Sex) throws -> ResidentID {
    let sequence = index % 500 * 2 + (sex == .male ? 1 : 0)
    guard
      let id = ResidentID(region: origin * 100 + 90 + index / 500, birthDate: birthday, sequence: sequence)
    else { throw Fault("demo-resident-id", "\(origin)") }
    return id
  }

  /// Cities that people come from.
  private static let origins = [5001, 5101, 5113, 5116, 5119, 6101, 4401, 4403, 3301, 3101, 5201, 4201, 4301]
}
