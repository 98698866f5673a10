import Connectors
import Core
import Entities

/// `lifang connectors`: the systems of others, and the contracts that their owners have to keep.
enum ConnectorsCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: [])
    let catalog = try Deployment.loadCatalog(try Configuration(arguments))
    let connectors = Connectors(catalog)
    if connectors.findings.hasErrors {
      throw Refusal(
        .unprocessable, "declarations-wrong", connectors.findings.map(\.description).joined(separator: "\n"))
    }
    let names = Array(arguments.operands.dropFirst())
    for name in names where connectors.connector(name) == nil {
      throw Refusal(
        .notFound, "connector-unknown",
        "没有对接系统“\(name)”\(Suggestion.text(for: name, among: connectors.all.map(\.name)))。")
    }
    switch arguments.operands.first {
    case "describe":
      print(ConnectorContract.text(connectors.all.filter { names.isEmpty || names.contains($0.name) }))
    case "list":
      for connector in connectors.all {
        print("\(connector.name)  \(connector.label)　\(connector.system)，\(connector.operations.count) 个接口")
      }
    default: throw Refusal(.invalid, "command-unknown", "请写 connectors describe [名称 …] 或 connectors list。")
    }
    return 0
  }
}
