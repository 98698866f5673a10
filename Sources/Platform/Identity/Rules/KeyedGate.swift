/// Lets one task at a time through for each key, in the order they came.
actor KeyedGate {
  private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

  func enter(_ key: String) async {
    guard waiting[key] != nil else {
      waiting[key] = []
      return
    }
    await withCheckedContinuation { waiting[key]?.append($0) }
  }

  func leave(_ key: String) {
    guard let next = waiting[key]?.first else {
      waiting[key] = nil
      return
    }
    waiting[key]?.removeFirst()
    next.resume()
  }
}
