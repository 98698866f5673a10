package import Core

/// Somebody in a household, with what deciding about relations needs.
package struct HouseholdMember: Sendable, Hashable {
  /// Of the person's record.
  package let id: Int64
  package let name: String
  package let residentID: String?
  package let isMale: Bool?
  package let birthDate: CivilDate
  package let isSingle: Bool
  /// `nil`: it has to be found out (待核).
  package var relation: Kinship?

  package init(
    id: Int64, name: String, residentID: String?, isMale: Bool?, birthDate: CivilDate, isSingle: Bool,
    relation: Kinship?
  ) {
    self.id = id
    self.name = name
    self.residentID = residentID
    self.isMale = isMale
    self.birthDate = birthDate
    self.isSingle = isSingle
    self.relation = relation
  }
}

/// A household (户) with its people, as one change makes another of it: no state in between is ever written.
///
/// What holds after every change: nobody is in it twice; a household with people has exactly one head; without people it
/// has none and is closed.
package struct HouseholdRoll: Sendable, Hashable {
  package let number: String
  package private(set) var members: [HouseholdMember]

  package init(number: String, members: [HouseholdMember] = []) {
    self.number = number
    self.members = members
  }

  package var head: HouseholdMember? { members.first { $0.relation == .head } }

  /// The member with this record id.
  package func member(_ id: Int64) -> HouseholdMember? { members.first { $0.id == id } }

  /// 入户: somebody comes in. The first in an empty household is its head.
  ///
  /// - Parameter relation: to the head; `nil` when it has to be found out.
  /// - Throws: ``Refusal`` `household-head` and `household-spouse`, when there is one already.
  package mutating func admit(_ person: HouseholdMember, as relation: Kinship?) throws(Refusal) {
    if members.contains(where: { $0.id == person.id }) {
      if let relation { try relate(person.id, as: relation) }
      return
    }
    var person = person
    person.relation = members.isEmpty ? .head : relation
    if !members.isEmpty { try refuse(relation, for: person.id) }
    members.append(person)
  }

  /// Gives somebody in it another relation to the head.
  package mutating func relate(_ id: Int64, as relation: Kinship) throws(Refusal) {
    guard let index = members.firstIndex(where: { $0.id == id }) else { throw HouseholdRoll.stranger }
    if members[index].relation == relation { return }
    if members[index].relation == .head {
      throw Refusal(.unprocessable, "household-head-relation", "这个人是户主，要改与户主关系请先办理户主变更。")
    }
    try refuse(relation, for: id)
    members[index].relation = relation
  }

  private func refuse(_ relation: Kinship?, for id: Int64) throws(Refusal) {
    if relation == .head, let head, head.id != id {
      throw Refusal(.unprocessable, "household-head", "这一户已有户主\(head.name)，不能再登记一个户主。要换户主请办理户主变更。")
    }
    if relation == .spouse, let spouse = members.first(where: { $0.relation == .spouse && $0.id != id }) {
      throw Refusal(.unprocessable, "household-spouse", "这一户已登记\(spouse.name)为户主的配偶，请先核对。")
    }
  }

  /// 户主变更: another of its people becomes the head, and everybody's relation is put right.
  ///
  /// - Parameter stated: what the application says of the others; it goes before what can be worked out.
  /// - Returns: those whose relation cannot be told.
  @discardableResult
  package mutating func appoint(_ id: Int64, stated: [Int64: Kinship] = [:]) throws(Refusal) -> [HouseholdMember] {
    guard let new = member(id) else { throw HouseholdRoll.stranger }
    let old = head
    let role = new.relation
    for index in members.indices {
      let member = members[index]
      if member.id == id {
        members[index].relation = .head
      } else if let known = stated[member.id], known != .head {
        members[index].relation = known
      } else if role == .head {
        continue
      } else if member.id == old?.id {
        members[index].relation = role.flatMap { $0.inverse(headIsMale: member.isMale) }
      } else {
        members[index].relation = role.flatMap { role in
          member.relation?.seen(from: role, isMale: member.isMale, isSingle: member.isSingle)
        }
      }
    }
    return members.filter { $0.relation == nil }
  }

  /// 离户: people go out. When the head is one of them, another becomes the head: the named one, or else the spouse, the
  /// eldest of age, the eldest.
  ///
  /// - Parameter today: to tell who is of age.
  /// - Returns: who became the head, when somebody did, and those whose relation cannot be told now.
  package mutating func release(
    _ leaving: Set<Int64>, successor: Int64? = nil, stated: [Int64: Kinship] = [:], on today: CivilDate
  ) throws(Refusal) -> (head: HouseholdMember?, unknown: [HouseholdMember]) {
    guard leaving.allSatisfy({ member($0) != nil }) else { throw HouseholdRoll.stranger }
    let staying = members.filter { !leaving.contains($0.id) }
    guard let head, leaving.contains(head.id), !staying.isEmpty else {
      members = staying
      return (nil, [])
    }
    if let successor, !staying.contains(where: { $0.id == successor }) {
      throw Refusal(.unprocessable, "household-successor", "新户主应是留在户内的人，请核对。")
    }
    guard let next = successor ?? heir(of: staying, on: today) else { throw HouseholdRoll.stranger }
    let unknown = try appoint(next, stated: stated).filter { !leaving.contains($0.id) }
    members.removeAll { leaving.contains($0.id) }
    return (self.head, unknown)
  }

  private func heir(of others: [HouseholdMember], on today: CivilDate) -> Int64? {
    func eldest(_ people: [HouseholdMember]) -> HouseholdMember? {
      people.min { ($0.birthDate, $0.id) < ($1.birthDate, $1.id) }
    }
    let family = others.filter { $0.relation?.isFamily != false }
    let adults = family.filter { $0.birthDate.years(until: today) >= 18 }
    return (others.first { $0.relation == .spouse } ?? eldest(adults) ?? eldest(family) ?? eldest(others))?.id
  }

  static let stranger = Refusal(.unprocessable, "household-stranger", "这个人不在这一户里。请核对户号和身份证号。")
}
