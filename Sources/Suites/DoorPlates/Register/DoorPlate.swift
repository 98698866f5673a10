/// A door plate (门牌) in the register: its states and which may follow which (A-060…A-067).
package enum DoorPlate {
  package static let entity = "door_plate"
  package static let batch = "plate_batch"

  /// 办理状态; the raw values are the codes of the dictionary `plate_state`.
  package enum State: String, Sendable, Hashable, CaseIterable {
    case pending, refused, withdrawn, approved, making, made, abnormal, installed, damaged, lost, scrapping, scrapped

    /// What may come next. A scrapping that is not agreed to goes back to where it came from.
    package var next: Set<State> {
      switch self {
      case .pending: [.approved, .refused, .withdrawn]
      case .approved: [.making, .abnormal]
      case .making: [.made, .abnormal]
      case .abnormal: [.approved, .scrapping]
      case .made: [.installed, .scrapping]
      case .installed: [.damaged, .lost, .scrapping]
      case .damaged: [.lost, .scrapping]
      case .lost: [.scrapping]
      case .scrapping: [.scrapped, .made, .abnormal, .installed, .damaged, .lost]
      case .refused, .withdrawn, .scrapped: []
      }
    }

    /// Whether another plate of the same address has to wait for this one.
    package var isLive: Bool {
      switch self {
      case .refused, .withdrawn, .scrapped, .damaged, .lost: false
      default: true
      }
    }

    /// What the register of addresses shows, a code of `plate_status`; `nil` leaves it.
    var addressStatus: String? {
      switch self {
      case .pending: "applied"
      case .approved, .abnormal: "approved"
      case .making: "making"
      case .made: "made"
      case .installed: "installed"
      case .damaged: "damaged"
      case .lost: "lost"
      case .scrapped: "scrapped"
      case .refused, .withdrawn, .scrapping: nil
      }
    }
  }

  static let liveStates = State.allCases.filter(\.isLive).map(\.rawValue)
}
