import Access
import Addresses
import Core

/// `lifang address place`: gives addresses the road, compound, building, grid, police station and position they lack
/// (A-020, D3-013).
enum AddressPlaceCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: ["json"])
    guard arguments.operands.isEmpty else {
      throw Refusal(.invalid, "command-unknown", "请写 address place [--json]，不带其他内容。")
    }
    let deployment = try await Deployment.open(try Configuration(arguments))
    let isQuiet = arguments.flag("json")
    let counts = try await deployment.addressPlacing().run(by: .system) { counts in
      if !isQuiet { CommandLineTool.complain(counts.words) }
    }
    await deployment.close()
    print(isQuiet ? counts.json.text : counts.words + "。")
    return 0
  }
}
