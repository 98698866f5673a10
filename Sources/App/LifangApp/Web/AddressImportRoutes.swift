import Access
import Addresses
import Core
import Documents
import Entities
import Foundation
import HTML
import HTTP
import Jobs
import SQL
import Shell
import Site

/// Importing an address list in the browser: send, map columns, look at a preview, run, download what became of each row.
struct AddressImportRoutes: Sendable {
  let site: Site
  let importer: AddressImporter
  let jobs: JobQueue
  let database: Database
  let store: RecordStore
  let directory: AddressDirectory
  /// The data folder; files wait in `imports` below it.
  let folder: String

  private static let outcomes: [(name: String, label: String, tone: Tone)] = [
    ("created", "新建", .success), ("matched", "匹配已有", .info), ("doubtful", "存疑", .warning),
    ("rejected", "拒绝", .danger),
  ]

  func register(in router: inout Router) {
    router.on(.get, "/import/addresses", at: site) { visit in try await upload(visit, error: nil) }
    router.on(.post, "/import/addresses", maximumBody: 200 << 20, at: site) { visit in try await receive(visit) }
    router.on(.get, "/import/addresses/preview/{file}", at: site) { visit in try await preview(visit) }
    router.on(.post, "/import/addresses/start/{file}", at: site) { visit in try await start(visit) }
    router.on(.get, "/import/addresses/{run}", at: site) { visit in try await result(visit) }
    router.on(.get, "/import/addresses/{run}/rows.csv", at: site) { visit in try await download(visit) }
    router.on(.get, "/import/addresses/{run}/rows/{row}", at: site) { visit in try await choose(visit, error: nil) }
    router.on(.post, "/import/addresses/{run}/rows/{row}", at: site) { visit in try await decide(visit) }
  }

  func require(_ visit: Visit) throws {
    try visit.principal.require(Permission("address", "import"), toDo: "导入标准地址")
  }

  private func upload(_ visit: Visit, error: String?, status: Int = 200) async throws -> Response {
    try require(visit)
    let runs = try await database.query(
      "select * from address_import_run where \(AddressImportRoutes.readable(visit)) order by id desc limit 20")
    let rows = try runs.map { run in
      let id = try run.get("id", as: Int64.self)
      return TableRow(
        id: String(id), name: try run.get("label"), path: "/import/addresses/\(id)",
        cells: [
          .text(try run.get("label")), .text(try run.get("started_at", as: Instant.self).display),
          .text(grouped(Int(try run.get("created", as: Int64.self)))),
          .text(grouped(Int(try run.get("matched", as: Int64.self)))),
          .text(grouped(Int(try run.get("doubtful", as: Int64.self)))),
          .text(grouped(Int(try run.get("rejected", as: Int64.self)))),
        ])
    }
    return try await visit.page(
      "导入标准地址", status: status, crumbs: [Crumb("标准地址", "/r/address")], subtitle: "每一行都会得到结论：新建、匹配已有、存疑或拒绝，并说明原因"
    ) {
      FormView(
        path: "/import/addresses",
        sections: [
          FormSection(
            id: "file", "选择文件",
            fields: [
              Shell.Field(
                "file", "地址表",
                .file(
                  Control.FileField(accept: ".csv,.xlsx,.txt", limit: "CSV、XLSX 或每行一条地址的文本，UTF-8 或 GB18030，不超过 200 MB")),
                isRequired: true, help: "表格第一行是表头；有“地址”列即可，另有区县、街道、社区、经纬度列时会一并使用。", error: error)
            ])
        ], errors: error.map { [FieldError("file", $0)] } ?? [],
        submit: Action("上传并预览", .submit(name: nil, value: nil), style: .primary), cancelPath: "/r/address",
        isMultipart: true, note: "预览之前不会写入任何地址。")
      Card("最近的导入", isFlush: true) {
        DataTable(
          caption: "最近的导入",
          columns: [
            Column("文件", .wide), Column("时间", .date), Column("新建", .number), Column("匹配", .number),
            Column("存疑", .number), Column("拒绝", .number),
          ], rows: rows, opensPanel: false, empty: .empty("还没有导入过", "选择一个文件开始。"))
      }
    }
  }

  private func receive(_ visit: Visit) async throws -> Response {
    try require(visit)
    let form = try await visit.request.body.form()
    guard let file = form.file("file"), file.size > 0 else {
      return try await upload(visit, error: "请选择一个文件。", status: 422)
    }
    let name = "\(visit.principal.id)-\(site.newVisitor())"
    let imports = folder + "/imports"
    try FileManager.default.createDirectory(
      atPath: imports, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try file.move(to: "\(imports)/\(name)")
    do {
      _ = try AddressFile(path: "\(imports)/\(name)")
    } catch let refusal as Refusal where refusal.code != "address-column" {
      try? FileManager.default.removeItem(atPath: "\(imports)/\(name)")
      return try await upload(visit, error: refusal.message, status: refusal.kind.status)
    } catch is Refusal {}
    return .redirect(
      to: "/import/addresses/preview/\(name)?label=\(PercentEncoding.encode(String(file.filename.suffix(80))))")
  }

  /// The waiting file of this user; another's looks missing.
  private func waiting(_ visit: Visit) throws -> String {
    let name = try visit.request.parameter("file")
    guard name.hasPrefix("\(visit.principal.id)-"),
      name.utf8.allSatisfy({ $0 == 0x2D || $0 == 0x5F || ($0 >= 0x30 && $0 <= 0x7A) }),
      FileManager.default.fileExists(atPath: "\(folder)/imports/\(name)")
    else { throw Refusal(.notFound, "import-file", "没有找到上传的文件，可能已经开始导入或已过期。请重新上传。") }
    return "\(folder)/imports/\(name)"
  }

  private func mapping(_ query: QueryItems) -> [AddressFile.Meaning: Int]? {
    var mapping: [AddressFile.Meaning: Int] = [:]
    for meaning in AddressFile.Meaning.allCases {
      if let column = query.first("column.\(meaning.rawValue)").flatMap({ Int($0) }), column >= 0 {
        mapping[meaning] = column
      }
    }
    return mapping.isEmpty ? nil : mapping
  }

  private func preview(_ visit: Visit) async throws -> Response {
    try require(visit)
    let path = try waiting(visit)
    let query = visit.request.query
    let label = query.first("label") ?? "地址表"
    let headings = try TableHeadings.read(path)
    let asked = mapping(query)
    let used = asked ?? AddressFile.guess(headings)
    var rows: [Shell.TableRow] = []
    var problem: String?
    do {
      let file = try AddressFile(path: path, mapping: asked)
      for (entry, outcome) in try await importer.preview(file, rows: 30) {
        let look = AddressImportRoutes.outcomes.first { $0.name == outcome.name }
        var standard = ""
        switch outcome {
        case .created(let address), .matched(_, let address): standard = address.fullName
        case .doubtful(_, let address): standard = address?.fullName ?? ""
        case .rejected: break
        }
        rows.append(
          TableRow(
            id: String(entry.row), name: "第 \(entry.row) 行", path: nil,
            cells: [
              .text(String(entry.row)), .text(entry.text), Badge(look?.label ?? "", look?.tone ?? .neutral).html,
              .text(standard), .text(outcome.reason ?? ""),
            ]))
      }
    } catch let refusal as Refusal {
      problem = refusal.message
    }
    let choices = headings.enumerated().map {
      Choice(String($0.offset), $0.element.isEmpty ? "第 \($0.offset + 1) 列" : $0.element)
    }
    return try await visit.page(
      "预览：\(label)", layout: .wide, crumbs: [Crumb("标准地址", "/r/address"), Crumb("导入", "/import/addresses")],
      subtitle: "前 30 行的结论；还没有写入任何地址"
    ) {
      if let problem { Notice(.danger, problem) }
      if !headings.isEmpty {
        FilterBar(
          path: visit.request.path, search: nil,
          basic: AddressFile.Meaning.allCases.prefix(3).map { field($0, used, choices) },
          more: AddressFile.Meaning.allCases.dropFirst(3).map { field($0, used, choices) },
          kept: [HiddenField("label", label)])
      }
      DataTable(
        caption: "预览",
        columns: [
          Column("行", .number), Column("原文", .wide), Column("结论", .state), Column("标准地址", .wide), Column("原因", .wide),
        ], rows: rows, opensPanel: false, empty: .empty("没有可以预览的行", "请确认哪一列是地址。"))
      if problem == nil {
        form(
          .class("inline-form"), .method(.post),
          .action("/import/addresses/start/\(visit.request.parameters["file"] ?? "")")
        ) {
          formTokenField()
          HiddenField("label", label)
          used.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            HiddenField("column.\($0.key.rawValue)", String($0.value))
          }
          Action("开始导入", .submit(name: nil, value: nil), style: .primary, icon: .upload)
          a(.class("button button-quiet"), .href("/import/addresses")) { "换一个文件" }
        }
      }
    }
  }

  private func field(_ meaning: AddressFile.Meaning, _ used: [AddressFile.Meaning: Int], _ choices: [Choice])
    -> Shell.Field
  {
    Shell.Field(
      "column.\(meaning.rawValue)", "\(meaning.label)列",
      .select(used[meaning].map { String($0) } ?? "", choices, blank: "不使用"))
  }

  private func start(_ visit: Visit) async throws -> Response {
    try require(visit)
    let path = try waiting(visit)
    let form = try await visit.request.body.form()
    let label = String((form.first("label") ?? "地址表").prefix(80))
    let run = try await importer.begin(label: label, by: visit.principal)
    let payload = AddressImportJob(
      run: run, path: path, user: visit.principal.id, mapping: mapping(form.fields) ?? [:])
    let job = try await jobs.add(payload, label: "导入 \(label)", by: visit.principal)
    return .redirect(to: "/jobs/\(job)")
  }

  // MARK: Results

  /// The runs somebody may read: rows stand in them as they were sent, of whatever district, so that a narrower scope
  /// than everything reaches one's own only.
  private static func readable(_ visit: Visit) -> SQL {
    visit.principal.grants.scope(for: Permission("address", "import")) == .all
      ? "true" : "started_by = \(visit.principal.actor)"
  }

  /// The run in the path; another's looks missing.
  func run(_ visit: Visit) async throws -> Int64 {
    try require(visit)
    let run = try visit.request.integer("run")
    let found = try await database.query(
      "select 1 from address_import_run where id = \(run) and \(AddressImportRoutes.readable(visit))")
    guard !found.isEmpty else { throw Refusal(.notFound, "import-unknown", "没有这个导入批次。") }
    return run
  }

  private func result(_ visit: Visit) async throws -> Response {
    let run = try await run(visit)
    let (_, counts) = try await importer.progress(of: run)
    let outcome = visit.request.query.first("outcome") ?? "doubtful"
    let rows = try await database.query(
      """
      select row, source_text, reason, address_id from address_import_row
      where run_id = \(run) and outcome = \(outcome) order by row limit 200
      """)
    let numbers = [
      "created": counts.created, "matched": counts.matched, "doubtful": counts.doubtful, "rejected": counts.rejected,
    ]
    let path = "/import/addresses/\(run)"
    let tabs = Tabs(
      AddressImportRoutes.outcomes.map {
        .init(
          $0.label, path: "\(path)?outcome=\($0.name)", isCurrent: $0.name == outcome, count: Int(numbers[$0.name] ?? 0)
        )
      }, label: "结论")
    let table = DataTable(
      caption: "逐行结果", columns: [Column("行", .number), Column("原文", .wide), Column("说明", .wide)],
      rows: try rows.map { row in
        let number = try row.get("row", as: Int64.self)
        let id = try row.get("address_id", as: Int64?.self)
        return TableRow(
          id: String(number), name: "第 \(number) 行",
          path: id.map { "/r/address/\($0)" } ?? (outcome == "doubtful" ? "\(path)/rows/\(number)" : nil),
          cells: [
            .text(String(number)), .text(try row.get("source_text")),
            .text(try row.get("reason", as: String?.self) ?? (outcome == "created" ? "已新建" : "与已有地址相同")),
          ])
      }, opensPanel: false, empty: .empty("没有这一类的行", "换一个结论看看。"))
    return try await visit.page(
      "导入结果", layout: .wide, crumbs: [Crumb("标准地址", "/r/address"), Crumb("导入", "/import/addresses")],
      subtitle:
        "共 \(grouped(Int(counts.total))) 行；每类显示前 200 行，全部结果请下载\(outcome == "doubtful" && !rows.isEmpty ? "。点开存疑的行，从候选中选一条" : "")",
      actions: [Action("下载全部结果", .download("\(path)/rows.csv"), style: .primary, icon: .download)], tabs: tabs
    ) { table }
  }

  private func download(_ visit: Visit) async throws -> Response {
    let run = try await run(visit)
    let database = database
    var response = Response.stream(type: "text/csv; charset=utf-8") { writer in
      let encoder = CSVEncoder()
      var bytes: [UInt8] = []
      encoder.begin(into: &bytes)
      encoder.encode(["行", "原文", "结论", "说明", "地址编码", "标准地址"], into: &bytes)
      var last: Int64 = 0
      while true {
        let rows = try await database.query(
          """
          select r.row, r.source_text, r.outcome, r.reason, a.code, a.full_name from address_import_row r
          left join address a on a.id = r.address_id
          where r.run_id = \(run) and r.row > \(last) order by r.row limit 2000
          """)
        for row in rows {
          last = try row.get("row")
          let name = try row.get("outcome", as: String.self)
          encoder.encode(
            [
              String(last), try row.get("source_text"),
              AddressImportRoutes.outcomes.first { $0.name == name }?.label ?? name,
              try row.get("reason", as: String?.self) ?? "", try row.get("code", as: String?.self) ?? "",
              try row.get("full_name", as: String?.self) ?? "",
            ], into: &bytes)
        }
        try await writer.write(bytes)
        bytes = []
        if rows.isEmpty { return }
      }
    }
    response.attach(as: "地址导入结果-\(run).csv")
    return response
  }
}

/// The headings of a table; none for a text.
enum TableHeadings {
  static func read(_ path: String) throws -> [String] {
    if let file = try? AddressFile(path: path) { return file.headings }
    return try TableReader(.file(path)).header.cells
  }
}
