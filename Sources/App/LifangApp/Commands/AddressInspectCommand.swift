import Addresses
import Core
import Entities

/// `lifang address inspect`: goes over the whole base of addresses and says what is wrong with it.
enum AddressInspectCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued.union(["only"]), flagged: ["json"])
    guard arguments.operands.isEmpty else {
      throw Refusal(.invalid, "command-unknown", "请写 address inspect [--only duplicate,gap…] [--json]。")
    }
    let kinds = try kinds(arguments.value("only"))
    let deployment = try await Deployment.open(try Configuration(arguments))
    let begin = ContinuousClock.now
    let store = deployment.makeStore()
    let outcome = try await deployment.addressInspection(store).run(kinds) { _, _, what in
      if !arguments.flag("json") { CommandLineTool.complain("\(what)…") }
    }
    let seconds = (ContinuousClock.now - begin) / .seconds(1)
    await store.close()
    await deployment.close()
    if arguments.flag("json") {
      print(
        JSON.object((outcome.json.object ?? []) + [("seconds", .double((seconds * 1000).rounded() / 1000))]).text)
      return 0
    }
    print("检查 \(outcome.addresses) 条地址，用时 \((seconds * 10).rounded() / 10) 秒：")
    for kind in AddressDefect.Kind.allCases where kinds.contains(kind) {
      print("  \(kind.label)  \(outcome.found[kind] ?? 0)")
    }
    print("新增 \(outcome.new)，重新列出 \(outcome.reopened)，已消除 \(outcome.gone)。")
    return 0
  }

  private static func kinds(_ text: String?) throws -> Set<AddressDefect.Kind> {
    guard let text else { return Set(AddressDefect.Kind.allCases) }
    return Set(
      try text.split(separator: ",").map { name throws(Refusal) in
        guard let kind = AddressDefect.Kind(rawValue: String(name)) else {
          throw Refusal(
            .invalid, "defect-kind",
            "没有名为“\(name)”的问题。可用的有：\(AddressDefect.Kind.allCases.map(\.rawValue).joined(separator: "、"))。")
        }
        return kind
      })
  }
}
