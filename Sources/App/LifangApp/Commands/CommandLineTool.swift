import Core
import Foundation

/// `lifang <command>`: what an operator types.
package enum CommandLineTool {
  struct Command: Sendable {
    let name: String
    let summary: String
    let usage: String
    let run: @Sendable ([String]) async throws -> Int32
  }

  static let commands: [Command] = [
    Command(
      name: "serve", summary: "启动服务（需要时先建库）", usage: "serve [--demo] [--port N] [--data DIR] [--city NAME]",
      run: ServeCommand.run),
    Command(
      name: "migrate", summary: "按声明建表、改表；--plan 只看不做", usage: "migrate [--plan] [--data DIR]",
      run: MigrateCommand.run),
    Command(
      name: "check", summary: "检查全部声明，指出文件与行号", usage: "check [--city NAME]", run: CheckCommand.run),
    Command(
      name: "demo", summary: "装入演示城市；accounts 列出演示账号；export-addresses 导出地址表",
      usage: "demo [accounts|export-addresses FILE] [--scale S] [--json]", run: DemoCommand.run),
    Command(
      name: "import", summary: "导入地址表（CSV、XLSX、纯文本或 CoNLL）",
      usage: "import addresses FILE [--json] [--result FILE] [--dry-run]",
      run: ImportCommand.run),
    Command(
      name: "address", summary: "解析地址、把各种写法的地址对应到标准地址（每行一条，输出 JSON）；补上地址的归属和位置，检查地址库的质量；训练、评测解析模型",
      usage:
        "address parse [--threads N] | address match [FILE] [--base FILE] [--threads N] | address place [--json] | address inspect [--only KINDS] [--json] | address train --train FILE --out MODEL [--seed N] | address eval FILE [--json] [--by-label]",
      run: AddressCommand.run),
    Command(
      name: "audit", summary: "校验或导出审计日志链", usage: "audit verify|export [FILE]", run: AuditCommand.run),
    Command(
      name: "backup", summary: "把数据库和文件备份到一个空目录（密钥另存）", usage: "backup DIR [--data DIR]",
      run: BackupCommand.backup),
    Command(
      name: "restore", summary: "把备份恢复到一个空的数据目录（先放回密钥）", usage: "restore DIR [--data DIR]",
      run: BackupCommand.restore),
    Command(
      name: "archive", summary: "查验电子档案：文件、目录、申请内容和办理过程是否与归档时一致",
      usage: "archive verify [档号] [--json]", run: ArchiveCommand.run),
    Command(
      name: "signature", summary: "离线核验导出的签名证据：签名值、逐项内容、签名的 PDF；输出平台的签名公钥",
      usage: "signature verify FILE… [--sheet PDF] [--key PEM] [--json] | signature key", run: SignatureCommand.run),
    Command(
      name: "cluster", summary: "启动、停止私有数据库，显示连接串", usage: "cluster start|stop|conninfo", run: ClusterCommand.run),
    Command(
      name: "administrators", summary: "为新装的系统建立三员账号（系统、安全保密、审计）", usage: "administrators",
      run: AdministratorsCommand.run),
    Command(
      name: "process", summary: "检查流程定义（BPMN 2.0）、按本系统的写法输出，或在命令行里试走一遍",
      usage: "process check FILE… | process print FILE | process simulate FILE [FILE…] [--set 变量=值,…] [--json]",
      run: ProcessCommand.run),
    Command(
      name: "items", summary: "列出办事事项，或运行它们的标准用例", usage: "items list [--json] | items check [事项编码 …]",
      run: ItemsCommand.run),
    Command(
      name: "connectors", summary: "输出对接系统的接口约定（Markdown），或逐个列出", usage: "connectors describe [名称 …] | connectors list",
      run: ConnectorsCommand.run),
    Command(
      name: "feed", summary: "数据同步：列出同步源，从接口同步，或装入文件（JSON 行、CSV、XLSX）；--full 为全量核对",
      usage: "feed list [--json] | feed run NAME [--full] [--json] | feed load NAME FILE [--full] [--json]",
      run: FeedCommand.run),
    Command(
      name: "peers", summary: "在本机模拟各对接系统，供演示和联调", usage: "peers [--port N] [--secret S] [--addresses N] [--changes N]",
      run: PeersCommand.run),
    Command(
      name: "ferry", summary: "网间摆渡：生成和安装密钥、运行一轮、查看情况、检查文件",
      usage: "ferry keys [--peer FILE] | ferry publish | ferry run | ferry status [--json] | ferry verify FILE…",
      run: FerryCommand.run),
    Command(
      name: "identity-provider", summary: "演示用的统一身份认证平台（OpenID Connect，只含虚构的市民，不可用于生产）",
      usage: "identity-provider --client ID --secret TEXT --redirect URL [--port N] [--scale S]",
      run: IdentityProviderCommand.run),
    Command(
      name: "plate", summary: "门牌：输出验真公钥，离线核验二维码签名和制牌包，写出打样文件（--count --design --cut）；把升级前待审核的门牌转为申领办件",
      usage:
        "plate key | plate verify [TEXT…] --key FILE | plate batch verify FILE… --key FILE | plate proof FILE | plate applications",
      run: PlateCommand.run),
    Command(name: "openapi", summary: "输出接口说明（OpenAPI 3.1）", usage: "openapi", run: OpenAPICommand.run),
  ]

  /// Runs the command that the process was started with, and ends the process with its status: 0 done, 1 failed,
  /// 2 refused.
  package static func run() async -> Never {
    let words = Array(CommandLine.arguments.dropFirst())
    let task = Task.detached { await execute(words) }
    exit(await task.value)
  }

  static func execute(_ words: [String]) async -> Int32 {
    guard let name = words.first, name != "help", name != "--help" else {
      print("里坊 Lifang\n")
      for command in commands { print("  lifang \(command.usage)\n      \(command.summary)") }
      return words.isEmpty ? 2 : 0
    }
    guard let command = commands.first(where: { $0.name == name }) else {
      complain("没有命令“\(name)”。可用的有：\(commands.map(\.name).joined(separator: " "))")
      return 2
    }
    do {
      return try await command.run(Array(words.dropFirst()))
    } catch let refusal as Refusal {
      for one in [refusal] + refusal.others { complain(one.message) }
      return 2
    } catch {
      complain("没有完成：\(String(reflecting: error))")
      return 1
    }
  }

  static func complain(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
