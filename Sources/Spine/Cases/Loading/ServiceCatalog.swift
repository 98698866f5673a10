package import Connectors
import Core
package import Entities
import Glibc
import Papers
package import Processes
import YAML

/// All service items with what they refer to: materials, processes and calendars; loaded and proved together.
package struct ServiceCatalog: Sendable {
  /// By code, in the order of files.
  package let items: [ServiceItem]
  package let materials: [String: MaterialKind]
  package let processes: [String: RunnableProcess]
  package let calendars: [String: WorkCalendar]
  /// The systems of others that verify materials, screen people and fill forms in.
  package let connectors: Connectors
  /// By form.
  private let outcomes: [String: Outcome]
  /// What is wrong, in the order of files and lines.
  package let findings: [Finding]

  private let index: [String: Int]
  /// What each item says, by code: versions are told apart by it.
  let itemContents: [String: String]

  /// Reads items, materials and calendars of `catalog`, and the processes under `folders`
  /// (`<area>/processes/<id>.bpmn`; a later folder's file replaces one of the same name).
  ///
  /// - Parameter designed: processes made in the browser as BPMN texts, by name; they replace the files'.
  package init(_ catalog: Catalog, folders: [String], designed: [String: String] = [:]) {
    let collector = FindingCollector()
    var definitions: [String: ProcessDefinition] = [:]
    for folder in folders {
      for (name, path) in ServiceCatalog.processFiles(in: folder) {
        guard let process = ServiceCatalog.process(path, named: name, collector) else { continue }
        definitions[name] = process
      }
    }
    for (name, text) in designed.sorted(by: { $0.key < $1.key }) {
      if let process = ServiceCatalog.process(Array(text.utf8), file: "\(name).bpmn", named: name, collector) {
        definitions[name] = process
      }
    }
    let processes = ServiceCatalog.proved(definitions, collector)
    let connectors = Connectors(catalog)
    for finding in connectors.findings { collector.add(finding) }
    var materials: [String: MaterialKind] = [:]
    var calendars: [String: WorkCalendar] = [:]
    for document in catalog.others {
      switch document.kind {
      case .materials:
        for (kind, position) in MaterialReader(document, connectors, collector).kinds() {
          if materials.updateValue(kind, forKey: kind.name) != nil {
            collector.error(position, "材料“\(kind.name)”重复，材料名称在全部目录中应唯一")
          }
        }
      case .calendar:
        do throws(YAMLFailure) {
          calendars[document.name] = try WorkCalendar(document.node)
        } catch {
          collector.error(error.position, error.message)
        }
      default: break
      }
    }
    var outcomes: [String: Outcome] = [:]
    let documents = DocumentTemplates(catalog)
    let steps = Set(
      processes.values.flatMap { process in
        process.definition.nodes.filter { process.rule(of: $0.id) != nil }.map(\.id)
      })
    for document in catalog.others where document.kind == .outcome {
      if let outcome = OutcomeReader(document, catalog: catalog, documents: documents, steps: steps, collector)
        .outcome()
      {
        outcomes[outcome.form] = outcome
      }
    }
    var items: [ServiceItem] = []
    for document in catalog.others where document.kind == .item {
      let reader = ItemReader(document, catalog: catalog, materials: materials, collector)
      if let item = reader.item() { items.append(item) }
    }
    for item in items { ItemCheck(item, catalog: catalog, processes: processes, collector).run() }
    VerificationCheck(items: items, connectors: connectors, catalog: catalog, collector).run()
    for (_, process) in processes.sorted(by: { $0.key < $1.key }) {
      ItemCheck.check(
        process.source, callers: ServiceCatalog.callers(of: process.source.id, in: processes), catalog: catalog,
        items: items, collector)
    }
    self.items = items
    self.materials = materials
    self.processes = processes
    self.calendars = calendars
    self.connectors = connectors
    self.outcomes = outcomes
    index = Dictionary(items.enumerated().map { ($1.code, $0) }, uniquingKeysWith: { first, _ in first })
    findings = (documents.findings + collector.findings).sortedByPlace
    itemContents = Dictionary(
      catalog.others.filter { $0.kind == .item }.map { ($0.name, $0.node.json.text) },
      uniquingKeysWith: { first, _ in first })
  }

  package func item(_ code: String) -> ServiceItem? { index[code].map { items[$0] } }

  /// What completed cases of a form change in the registers.
  package func outcome(of form: String) -> Outcome? { outcomes[form] }

  // MARK: Files

  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  private static func processFiles(in folder: String) -> [(name: String, path: String)] {
    names(in: folder).flatMap { area in
      names(in: "\(folder)/\(area)/processes").filter { $0.hasSuffix(".bpmn") }.map {
        (String($0.dropLast(5)), "\(folder)/\(area)/processes/\($0)")
      }
    }
  }

  private static func process(_ path: String, named name: String, _ collector: FindingCollector)
    -> ProcessDefinition?
  {
    let start = SourcePosition(file: path, line: 1, column: 1)
    guard let file = fopen(path, "rb") else {
      collector.error(start, "文件打不开：\(String(cString: strerror(errno)))")
      return nil
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return process(bytes, file: path, named: name, collector)
  }

  private static func process(_ bytes: [UInt8], file: String, named name: String, _ collector: FindingCollector)
    -> ProcessDefinition?
  {
    let start = SourcePosition(file: file, line: 1, column: 1)
    do throws(ProcessFailure) {
      let process = try ProcessDefinition(bpmn: bytes, file: file)
      if process.id != name { collector.error(start, "流程的编号“\(process.id)”应与文件名一致：\(name)") }
      return process
    } catch {
      for problem in error.problems { collector.error(problem.position, problem.message) }
      return nil
    }
  }

  /// Those that run, each with what it calls of the others.
  private static func proved(_ definitions: [String: ProcessDefinition], _ collector: FindingCollector)
    -> [String: RunnableProcess]
  {
    var processes: [String: RunnableProcess] = [:]
    for (name, definition) in definitions {
      do {
        processes[name] = try RunnableProcess(definition, calling: definitions)
      } catch {
        for problem in error.problems { collector.error(problem.position, problem.message) }
      }
    }
    return processes
  }

  /// The processes that call one, directly or by way of others.
  private static func callers(of name: String, in processes: [String: RunnableProcess]) -> [String] {
    processes.filter { $0.value.calls(name) }.keys.sorted()
  }

  /// The processes that go through one: itself, and those that call it.
  package func processes(through name: String) -> [String] {
    [name] + ServiceCatalog.callers(of: name, in: processes)
  }

  /// Every process by its id, as it was drawn.
  package var library: [String: ProcessDefinition] { processes.mapValues(\.source) }
}
