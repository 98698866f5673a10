/// One way of reading an address's numbers: which is the plate's, which the building's, unit's and room's.
struct NumberAssignment: Hashable {
  var group: Int32 = 0
  var number: Int32 = 0
  var subNumber: Int32 = 0
  var building: Int32 = 0
  var unit: Int32 = 0
  var floor: Int32 = 0
  var room: Int32 = 0
  /// How far this is from the usual reading.
  var cost: Float = 0

  /// The likeliest readings, likeliest first; always at least one.
  static func all(_ query: AddressQuery) -> [NumberAssignment] {
    var open = [NumberAssignment()]
    for index in query.numbers.indices {
      var next: [NumberAssignment] = []
      for assignment in open { next += assignment.extended(by: index, in: query) }
      next.sort { $0.cost < $1.cost }
      open = Array(next.prefix(8))
    }
    return open
  }

  private func extended(by index: Int, in query: AddressQuery) -> [NumberAssignment] {
    let token = query.numbers[index]
    var ways: [NumberAssignment] = []
    func way(_ slot: WritableKeyPath<NumberAssignment, Int32>, _ cost: Float = 0) {
      guard self[keyPath: slot] == 0 else { return }
      var changed = self
      changed[keyPath: slot] = token.value
      changed.cost += cost
      ways.append(changed)
    }
    switch token.unit {
    case .group: way(\.group)
    case .sub: way(\.subNumber)
    case .building: way(\.building)
    case .unit: way(\.unit)
    case .floor: way(\.floor)
    case .room: way(\.room)
    case .storey:
      way(\.floor, building == 0 && room == 0 ? 0.3 : 0)
      way(\.building, 0.3)
    case .plain:
      let isInside = query.isBehindPlace(token.place)
      way(\.number, isInside ? 0.5 : 0)
      way(\.building, isInside ? 0 : 1)
      if building != 0 || unit != 0 { way(\.room, 0.2) }
    case .bare:
      let isAtRoad = query.isBehindRoad(token.place)
      if isAtRoad { way(\.number) }
      let left = query.numbers[index...].count { $0.unit == .bare }
      if unit == 0, room == 0 { way(\.building, left >= 3 ? 0 : left == 2 ? 0.3 : 0.8) }
      if room == 0 {
        way(\.unit, left >= 2 && building != 0 ? 0 : 0.5)
        way(\.room, left == 1 ? 0 : 0.8)
      }
      if number != 0, building == 0, unit == 0, room == 0 { way(\.subNumber, 0.7) }
    }
    if ways.isEmpty {
      var changed = self
      changed.cost += 1.5
      ways.append(changed)
    }
    return ways
  }
}

extension AddressQuery {
  /// Whether the last name before `place` is that of a compound, so that 3号 is a building there.
  func isBehindPlace(_ place: Int) -> Bool { lastName(before: place).map { $0 == .compound || $0 == .place } ?? false }

  /// Whether the last name before `place` is that of a road.
  func isBehindRoad(_ place: Int) -> Bool {
    lastName(before: place).map { $0 == .road || $0 == .lane || $0 == .community } ?? false
  }

  private func lastName(before place: Int) -> NameFinder.Kind? {
    let index = reading.filter { names[$0].range.upperBound <= place }
      .max { names[$0].range.upperBound < names[$1].range.upperBound }
    guard let index else { return nil }
    let name = names[index]
    // With another number in between the name is not what this one numbers.
    return numbers.contains { $0.place >= name.range.upperBound && $0.place < place } ? nil : name.kind
  }
}
