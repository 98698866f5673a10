package import Core
import Entities

extension ProcessInstance {
  /// Everything of the instance, as it is kept between moves.
  package var json: JSON {
    [
      "state": .string(state.rawValue), "counter": .int(Int64(counter)),
      "variables": .object(
        variables.sorted { $0.key < $1.key }.compactMap { name, value in value.kept.map { (name, $0) } }),
      "tokens": .array(tokens.map(\.json)), "visits": .array(visits.map(\.json)), "joins": .array(joins.map(\.json)),
      "calls": .array(calls.map(\.json)),
    ]
  }

  /// - Throws: `Fault` when the text was not made by ``json``.
  package init(json: JSON) throws(Fault) {
    var variables: [String: Value] = [:]
    for (name, kept) in json["variables"]?.object ?? [] { variables[name] = try Value(kept: kept) }
    self.init(variables: variables)
    state = try json.value("state")
    counter = try json.number("counter")
    tokens = try json.list("tokens").map { one throws(Fault) in try ProcessToken(json: one) }
    visits = try json.list("visits").map { one throws(Fault) in try StepVisit(json: one) }
    joins = try json.list("joins").map { one throws(Fault) in try JoinRecord(json: one) }
    // Cases that began before processes could be called have none.
    calls = try (json["calls"]?.array ?? []).map { one throws(Fault) in try ProcessCall(json: one) }
  }
}

// MARK: Parts

extension ProcessToken {
  fileprivate var json: JSON {
    [
      "id": .int(Int64(id)), "node": .string(node), "via": via.map { .string($0) } ?? .null,
      "branches": .array(branches.map(\.json)), "cause": cause.map { .int(Int64($0)) } ?? .null,
      "visit": visit.map { .int(Int64($0)) } ?? .null,
    ]
  }

  fileprivate init(json: JSON) throws(Fault) {
    self.init(
      id: try json.number("id"), node: try json.word("node"), via: json["via"]?.string,
      branches: try json.list("branches").map { one throws(Fault) in try ProcessBranch(json: one) },
      cause: json["cause"]?.int.map { Int($0) }, visit: json["visit"]?.int.map { Int($0) })
  }
}

extension ProcessBranch {
  fileprivate var json: JSON {
    ["split": .string(split), "activation": .int(Int64(activation)), "flow": .string(flow)]
  }

  fileprivate init(json: JSON) throws(Fault) {
    self.init(split: try json.word("split"), activation: try json.number("activation"), flow: try json.word("flow"))
  }
}

extension StepVisit {
  fileprivate var json: JSON {
    [
      "id": .int(Int64(id)), "node": .string(node), "branches": .array(branches.map(\.json)),
      "cause": cause.map { .int(Int64($0)) } ?? .null, "state": .string(state.rawValue),
      "tasks": .array(tasks.map(\.json)), "fired": .array(fired.sorted().map { .string($0) }),
      "effects": .bool(hasEffects),
    ]
  }

  fileprivate init(json: JSON) throws(Fault) {
    self.init(
      id: try json.number("id"), node: try json.word("node"),
      branches: try json.list("branches").map { one throws(Fault) in try ProcessBranch(json: one) },
      cause: json["cause"]?.int.map { Int($0) }, state: try json.value("state"),
      tasks: try json.list("tasks").map { one throws(Fault) in try ProcessTask(json: one) },
      fired: Set(try json.list("fired").compactMap(\.string)), hasEffects: json["effects"]?.bool ?? false)
  }
}

extension ProcessCall {
  fileprivate var json: JSON {
    [
      "id": .int(Int64(id)), "node": .string(node), "branches": .array(branches.map(\.json)),
      "cause": cause.map { .int(Int64($0)) } ?? .null, "state": .string(state.rawValue),
      "fired": .array(fired.sorted().map { .string($0) }),
    ]
  }

  fileprivate init(json: JSON) throws(Fault) {
    self.init(
      id: try json.number("id"), node: try json.word("node"),
      branches: try json.list("branches").map { one throws(Fault) in try ProcessBranch(json: one) },
      cause: json["cause"]?.int.map { Int($0) }, state: try json.value("state"),
      fired: Set(try json.list("fired").compactMap(\.string)))
  }
}

extension ProcessTask {
  fileprivate var json: JSON {
    [
      "id": .int(Int64(id)), "holder": .string(holder.name), "state": .string(state.rawValue),
      "kind": .string(kind.rawValue), "parent": parent.map { .int(Int64($0)) } ?? .null,
    ]
  }

  fileprivate init(json: JSON) throws(Fault) {
    self.init(
      id: try json.number("id"), holder: Participant(try json.word("holder")), state: try json.value("state"),
      kind: try json.value("kind"), parent: json["parent"]?.int.map { Int($0) })
  }
}

extension JoinRecord {
  fileprivate var json: JSON {
    [
      "node": .string(node), "consumed": .array(consumed.map(\.json)), "branches": .array(branches.map(\.json)),
      "cause": cause.map { .int(Int64($0)) } ?? .null,
    ]
  }

  fileprivate init(json: JSON) throws(Fault) {
    self.init(
      node: try json.word("node"),
      consumed: try json.list("consumed").map { one throws(Fault) in try ProcessToken(json: one) },
      branches: try json.list("branches").map { one throws(Fault) in try ProcessBranch(json: one) },
      cause: json["cause"]?.int.map { Int($0) })
  }
}

extension JSON {
  fileprivate func number(_ key: String) throws(Fault) -> Int {
    guard let number = self[key]?.int else { throw Fault("process-instance", key) }
    return Int(number)
  }

  fileprivate func word(_ key: String) throws(Fault) -> String {
    guard let text = self[key]?.string else { throw Fault("process-instance", key) }
    return text
  }

  fileprivate func value<T: RawRepresentable>(_ key: String) throws(Fault) -> T where T.RawValue == String {
    guard let value = T(rawValue: try word(key)) else { throw Fault("process-instance", key) }
    return value
  }

  fileprivate func list(_ key: String) throws(Fault) -> [JSON] {
    guard let list = self[key]?.array else { throw Fault("process-instance", key) }
    return list
  }
}
