import Core
package import Ferry
import SQL

/// What travels about cases, and what each has to look like.
enum CaseFerryKind {
  static let application = "case.application"
  static let move = "case.move"
  static let urge = "case.urge"
  static let progress = "case.progress"
  static let signature = "case.signature"

  private static let number = FerryShape.text(max: 40)

  private static let materials = FerryShape.list(
    .members(
      [
        ("requirement", .text(max: 60)), ("kind", .text(max: 60)), ("way", .word(["submitted", "held", "promised"])),
        (
          "files",
          .list(
            .members([("digest", .digest), ("name", .text(max: 200)), ("size", .integer(1...(200 << 20)))]), max: 40)
        ),
      ], optional: [("issued", .text(max: 10)), ("licence", .text(max: 4000))]), max: 100)

  static let applicationShape = FerryShape.members([
    ("number", number), ("item", .text(max: 50)), ("submitted", .instant), ("values", .map(.value, max: 60)),
    ("form", .map(.value, max: 400)), ("materials", materials),
  ])

  static let moveShape = FerryShape.members(
    [
      ("number", number), ("move", .word(["complete", "void"])), ("values", .map(.value, max: 60)),
      ("form", .map(.value, max: 400)), ("case", .map(.value, max: 60)), ("materials", materials),
    ], optional: [("task", .integer(1...1_000_000)), ("opinion", .text(max: 1000))])

  static let urgeShape = FerryShape.members([("number", number)], optional: [("note", .text(max: 1000))])

  static let progressShape = FerryShape.members(
    [
      ("number", number), ("process", .text(max: 60)), ("instance", .document(maxBytes: 500_000)),
      ("state", .word(["active", "supplement", "completed", "refused", "shelved", "void", "withdrawn"])),
    ],
    optional: [
      ("step", .text(max: 200)), ("due", .instant), ("finished", .instant), ("courier", .text(max: 60)),
      ("signed", .boolean),
      (
        "event",
        .members(
          [("action", .text(max: 30)), ("at", .instant), ("office", .text(max: 100))],
          optional: [
            ("step", .text(max: 100)), ("step_label", .text(max: 200)), ("result", .text(max: 200)),
            ("opinion", .text(max: 1000)),
          ])
      ),
    ])
}

extension CaseStore {
  /// What this side does with messages about cases.
  package func ferryReceivers() -> [FerryReceiver] {
    guard let ferry else { return [] }
    let store = self
    return [
      ferry.parts.receiver(from: .outside),
      FerryReceiver(CaseFerryKind.application, "网上申请", from: .outside, CaseFerryKind.applicationShape) {
        try await store.takeApplication($0.payload, in: $1)
      },
      FerryReceiver(CaseFerryKind.move, "补正和撤销", from: .outside, CaseFerryKind.moveShape) {
        try await store.takeMove($0.payload, in: $1)
      },
      FerryReceiver(CaseFerryKind.urge, "催办", from: .outside, CaseFerryKind.urgeShape) {
        try await store.takeUrge($0.payload, in: $1)
      },
      FerryReceiver(CaseFerryKind.signature, "电子签名", from: .outside, CaseStore.signatureShape) {
        try await store.takeSignature($0.payload, in: $1)
      },
      FerryReceiver(CaseFerryKind.progress, "办理进度和结果", from: .inside, CaseFerryKind.progressShape) {
        try await store.takeProgress($0.payload, in: $1)
      },
    ]
  }

  /// The case of a number, on this side.
  func ferried(_ payload: JSON, in transaction: Transaction) async throws -> (id: Int64, number: String) {
    let number = payload["number"]?.string ?? ""
    guard
      let id: Int64 = try await transaction.query("select case_id from case_ferry where number = \(number)").first?
        .get("case_id")
    else { throw Refusal(.notFound, "ferry-case", "本侧没有受理编号为 \(number) 的网上办件。") }
    return (id, number)
  }
}
