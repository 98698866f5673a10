import AddressParsing
import Addresses
import Core
import Foundation

/// `lifang address`: parses and matches lines of text, places and inspects addresses, trains the parser and measures it.
enum AddressCommand {
  static let usage = """
    请写 lifang address train --train FILE --out MODEL [--gazetteer DIR] [--seed N]、lifang address eval FILE [--json] [--by-label] \
    [--model MODEL]、lifang address parse [--threads N] [--model MODEL]（每行一条地址，从标准输入读）、\
    lifang address match [FILE] [--base FILE] [--threads N]（每行一条地址，对应到标准地址）、lifang address place（补上地址缺少的归属和位置）或 \
    lifang address inspect [--only duplicate,gap…] [--json]（检查地址库的质量，登记问题地址）。
    """

  static func run(_ words: [String]) async throws -> Int32 {
    if words.first == "place" { return try await AddressPlaceCommand.run(Array(words.dropFirst())) }
    if words.first == "match" { return try await AddressMatchCommand.run(Array(words.dropFirst())) }
    if words.first == "inspect" { return try await AddressInspectCommand.run(Array(words.dropFirst())) }
    let arguments = try Arguments(
      words, valued: ["train", "out", "gazetteer", "seed", "rounds", "model", "threads", "resources"],
      flagged: ["json", "by-label"])
    switch (arguments.operands.first, arguments.operands.count) {
    case ("train", 1): return try train(arguments)
    case ("eval", 2): return try evaluate(arguments)
    case ("parse", 1):
      let threads = try arguments.integer("threads", in: 1...64, default: 1)
      try await ParseStream(model: try model(arguments), threads: threads).run()
      return 0
    default: throw Refusal(.invalid, "address-usage", usage)
    }
  }

  /// The model that ships, or the one named by `--model`.
  private static func model(_ arguments: Arguments) throws -> ParserModel {
    if let path = arguments.value("model") { return try ParserModel(file: bytes(path)) }
    return try ParserModel(installation: try Installation.find(arguments.value("resources")))
  }

  fileprivate static func bytes(_ path: String) throws(Refusal) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path), data.count <= 256 << 20 else {
      throw Refusal(.notFound, "file-unreadable", "读不到文件 \(path)，或它超过 256 MB。请检查路径和权限。")
    }
    return Array(data)
  }

  private static func train(_ arguments: Arguments) throws -> Int32 {
    guard let path = arguments.value("train"), let target = arguments.value("out") else {
      throw Refusal(.invalid, "address-usage", usage)
    }
    let folder = try arguments.value("gazetteer") ?? Installation.find(arguments.value("resources")).divisions
    let names = PlaceNames(try PlaceNames.divisions(try Gazetteer.load(folder: folder), folder: folder))
    var settings = ParserTraining.Settings()
    settings.seed = UInt64(try arguments.integer("seed", in: 0...Int.max, default: Int(settings.seed)))
    settings.rounds = try arguments.integer("rounds", in: 1...100, default: settings.rounds)
    let corpus = try ConllCorpus.read(bytes(path), name: path)
    let rounds = settings.rounds
    let model = ParserTraining(settings, names: names).run(corpus) { round, likelihood in
      CommandLineTool.complain("第 \(round)/\(rounds) 轮，平均对数似然 \((likelihood * 1000).rounded() / 1000)")
    }
    let file = model.file
    guard FileManager.default.createFile(atPath: target, contents: Data(file)) else {
      throw Refusal(.invalid, "file-unwritable", "无法写入 \(target)。请检查目录和权限。")
    }
    print("由 \(corpus.count) 条地址得到 \(model.featureCount) 个特征，写入 \(target)，\(file.count) 字节。")
    return 0
  }

  private static func evaluate(_ arguments: Arguments) throws -> Int32 {
    let path = arguments.operands[1]
    let corpus = try ConllCorpus.read(bytes(path), name: path)
    let score = ParserScore.of(try model(arguments), on: corpus)
    if arguments.flag("json") {
      print(score.json(byLabel: arguments.flag("by-label")).text)
      return 0
    }
    func percent(_ share: Double) -> String { "\((share * 10000).rounded() / 100)%" }
    print(
      "\(score.addresses) 条地址：准确率 \(percent(score.all.precision))，召回率 \(percent(score.all.recall))，"
        + "F1 \(percent(score.all.f1))，整条正确 \(percent(score.wholeAddress))")
    if arguments.flag("by-label") {
      for label in AddressLabel.allCases {
        let tally = score.byLabel[Int(label.rawValue)]
        print("  \(label.title)（\(label.name)）：应有 \(tally.expected)，F1 \(percent(tally.f1))")
      }
    }
    return 0
  }
}

extension ParserModel {
  /// The model that ships.
  init(installation: Installation) throws(Refusal) {
    try self.init(file: AddressCommand.bytes(installation.addressModel))
  }
}
