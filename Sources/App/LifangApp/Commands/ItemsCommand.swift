import Cases
import Core
import Entities

/// `lifang items`: the service items, and the golden cases that prove them.
enum ItemsCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: ["json"])
    let configuration = try Configuration(arguments)
    let catalog = try Deployment.loadCatalog(configuration)
    let services = Deployment.services(configuration, catalog)
    if services.findings.hasErrors {
      throw Refusal(
        .unprocessable, "declarations-wrong", services.findings.map(\.description).joined(separator: "\n"))
    }
    switch arguments.operands.first {
    case "list": list(services, asJSON: arguments.flag("json"))
    case "check": return check(services, catalog, Array(arguments.operands.dropFirst()))
    default: throw Refusal(.invalid, "command-unknown", "请写 items list [--json] 或 items check [事项编码 …]。")
    }
    return 0
  }

  private static func list(_ services: ServiceCatalog, asJSON: Bool) {
    if asJSON {
      print(
        JSON.array(
          services.items.map { item in
            [
              "code": .string(item.code), "name": .string(item.label), "version": .string(item.version),
              "class": .string(item.category), "form": .string(item.form),
              "goldenCases": .int(Int64(item.goldenCases.count)),
            ]
          }
        ).text)
      return
    }
    for item in services.items {
      print("\(item.code)  \(item.label)　\(item.materials.count) 项材料，\(item.goldenCases.count) 个标准用例")
    }
    print("共 \(services.items.count) 个事项。")
  }

  private static func check(_ services: ServiceCatalog, _ catalog: Catalog, _ codes: [String]) -> Int32 {
    let run = GoldenRun(services, catalog: catalog)
    let items = services.items.filter { codes.isEmpty || codes.contains($0.code) }
    let findings = items.flatMap { run.findings(of: $0) }
    for finding in findings { print(finding) }
    let count = items.reduce(0) { $0 + $1.goldenCases.count }
    print(
      findings.isEmpty
        ? "\(items.count) 个事项的 \(count) 个标准用例全部通过。" : "\(count) 个标准用例中有 \(findings.count) 处不符。")
    return findings.isEmpty ? 0 : 2
  }
}
