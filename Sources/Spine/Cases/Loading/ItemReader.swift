import Access
import Core
import Entities
import YAML

/// Understands one service item (`item: hukou_001`).
struct ItemReader {
  private let document: DeclarationDocument
  private let catalog: Catalog
  private let materials: [String: MaterialKind]
  private let collector: FindingCollector
  private let reader: MappingReader

  private static let keys = [
    "item", "label", "class", "source", "form", "preset", "hide", "flow", "limit", "channels", "assurance",
    "signature", "conditions", "materials", "result", "guide", "decisions", "golden",
  ]

  init(
    _ document: DeclarationDocument, catalog: Catalog, materials: [String: MaterialKind], _ collector: FindingCollector
  ) {
    self.document = document
    self.catalog = catalog
    self.materials = materials
    self.collector = collector
    reader = MappingReader(document.node, "事项“\(document.name)”", keys: ItemReader.keys, collector)
  }

  func item() -> ServiceItem? {
    guard let form = form() else { return nil }
    let preset = values("preset", of: form)
    return ServiceItem(
      code: document.name, label: reader.label(fallback: document.name),
      category: reader.required("class", limit: 50, fallback: ""), source: reader.texts("source").map(\.text),
      form: form.name, preset: preset, hidden: hidden(form), flows: flows(form),
      limit: reader.integer("limit", in: 1...400) ?? 20, channels: channels(),
      assurance: reader.choice("assurance", Assurance.self) ?? .password,
      signature: signature(), conditions: conditions(form), materials: requirements(form), result: result(),
      guide: reader.text("guide", limit: 4000) ?? "",
      decisions: reader.texts("decisions").map(\.text), goldenCases: goldenCases(form), position: reader.position,
      version: document.node.digest)
  }

  private func form() -> EntityDeclaration? {
    let name = reader.required("form", limit: 50, fallback: "")
    guard let entity = catalog.entity(name) else {
      if !name.isEmpty {
        let forms = catalog.entities.filter { $0.attachedTo == ServiceCase.entity }.map(\.name)
        collector.error(reader.place("form"), "没有表单“\(name)”\(Suggestion.text(for: name, among: forms))")
      }
      return nil
    }
    if entity.attachedTo != ServiceCase.entity {
      collector.error(reader.place("form"), "“\(name)”不是办件的表单（应写 attached_to: \(ServiceCase.entity)）")
    }
    return entity
  }

  // MARK: Values

  /// Plain values of fields: what a form would send, codes as codes.
  private func values(_ key: String, of form: EntityDeclaration) -> [String: Value] {
    guard let node = reader.node(key) else { return [:] }
    return values(node, "\(reader.what)的 \(key)", of: form)
  }

  private func values(_ node: YAMLNode, _ what: String, of form: EntityDeclaration) -> [String: Value] {
    var values: [String: Value] = [:]
    for entry in node.mapping ?? [] {
      guard let field = form.field(entry.key), field.isStored, field.editable else {
        let names = form.fields.map(\.name)
        collector.error(
          entry.keyPosition,
          "\(what)：表单“\(form.name)”没有可填的字段“\(entry.key)”\(Suggestion.text(for: entry.key, among: names))")
        continue
      }
      let text =
        entry.value.sequence.map { $0.compactMap(\.text).joined(separator: "、") }
        ?? entry.value.bool.map { $0 ? "是" : "否" } ?? entry.value.text ?? ""
      do throws(Refusal) {
        values[entry.key] = try catalog.parse(text, for: field)
      } catch {
        collector.error(entry.value.position, "\(what)：\(error.message)")
      }
    }
    return values
  }

  private func hidden(_ form: EntityDeclaration) -> Set<String> {
    var hidden: Set<String> = []
    for (name, position) in reader.texts("hide") {
      if form.field(name) == nil {
        collector.error(
          position, "表单“\(form.name)”没有字段“\(name)”\(Suggestion.text(for: name, among: form.fields.map(\.name)))")
      }
      hidden.insert(name)
    }
    return hidden
  }

  // MARK: Expressions

  private func condition(_ reader: MappingReader, _ key: String, _ form: EntityDeclaration) -> Expression? {
    guard let node = reader.node(key) else { return nil }
    guard let text = node.text else {
      collector.error(node.position, "\(reader.what)的 \(key) 应是一个条件")
      return nil
    }
    do throws(ExpressionFailure) {
      let expression = try Expression(parsing: text, at: node.textPosition, for: form, and: CaseFacts.names)
      if expression.type == .boolean || expression.type == .null { return expression }
      collector.error(node.position, "\(reader.what)的 \(key) 得到的是\(expression.type.label)，应能判断是否成立")
    } catch {
      collector.error(error.position, error.message)
    }
    return nil
  }

  private func flows(_ form: EntityDeclaration) -> [FlowChoice] {
    let nodes = reader.nodes("flow")
    if nodes.isEmpty { collector.error(reader.place("flow"), "\(reader.what)没有流程（flow）") }
    return nodes.enumerated().map { index, node in
      let flow = MappingReader(node, "流程选择", keys: ["process", "when"], collector)
      let when = condition(flow, "when", form)
      if index + 1 == nodes.count, flow.has("when") {
        collector.error(node.position, "最后一个流程不应有条件，否则可能没有流程可走")
      } else if index + 1 < nodes.count, !flow.has("when") {
        collector.error(node.position, "前面的流程没有条件，后面的永远走不到")
      }
      return FlowChoice(process: flow.required("process", limit: 50, fallback: ""), when: when, position: node.position)
    }
  }

  private func conditions(_ form: EntityDeclaration) -> [ItemCondition] {
    reader.nodes("conditions").compactMap { node in
      let condition = MappingReader(node, "受理条件", keys: ["name", "check", "message", "field"], collector)
      let message = condition.required("message", limit: 300, fallback: "")
      guard let check = self.condition(condition, "check", form) else {
        if !condition.has("check") { collector.error(node.position, "受理条件缺少 check") }
        return nil
      }
      let field = condition.text("field", limit: 50)
      if let field, ![form, catalog.entity(ServiceCase.entity)].contains(where: { $0?.field(field) != nil }) {
        collector.error(
          condition.place("field"),
          "表单“\(form.name)”没有字段“\(field)”\(Suggestion.text(for: field, among: form.fields.map(\.name)))")
      }
      return ItemCondition(check: check, message: message, field: field, position: node.position)
    }
  }

  // MARK: Materials

  private func requirements(_ form: EntityDeclaration) -> [MaterialRequirement] {
    var names: Set<String> = []
    return reader.nodes("materials").compactMap { node in
      let item = MappingReader(
        node, "材料要求", keys: ["name", "material", "one_of", "label", "need", "when", "medium", "holder"], collector)
      let wanted = item.has("one_of") ? item.texts("one_of") : item.texts("material")
      let kinds = wanted.compactMap { name, position -> MaterialKind? in
        if let kind = materials[name] { return kind }
        collector.error(position, "材料目录里没有“\(name)”\(Suggestion.text(for: name, among: materials.keys))")
        return nil
      }
      guard let first = kinds.first else {
        if wanted.isEmpty { collector.error(node.position, "材料要求应写 material 或 one_of") }
        return nil
      }
      let name = item.has("name") ? item.name("name") ?? first.name : first.name
      if item.has("one_of"), !item.has("name") { collector.error(node.position, "多选一的材料要求应有 name") }
      if !names.insert(name).inserted { collector.error(node.position, "材料要求“\(name)”在事项里重复，请用 name 区分") }
      let narrowed = item.choice("medium", MaterialMedium.self)
      return MaterialRequirement(
        name: name,
        label: item.text("label", limit: 100) ?? kinds.map(\.label).joined(separator: "或"),
        need: item.choice("need", MaterialRequirement.Need.self) ?? .required, kinds: kinds,
        medium: narrowed ?? (kinds.allSatisfy { $0.medium == first.medium } ? first.medium : .either),
        when: condition(item, "when", form), holder: holder(item, form, kinds), position: node.position)
    }
  }

  private func holder(_ item: MappingReader, _ form: EntityDeclaration, _ kinds: [MaterialKind]) -> String? {
    guard let name = item.text("holder", limit: 60) else { return nil }
    let field = [catalog.entity(ServiceCase.entity), form].compactMap(\.self).lazy.compactMap { $0.field(name) }.first
    if field?.type != .residentID {
      collector.error(item.place("holder"), "持证人（holder）应是办件或表单里的身份证号字段，没有“\(name)”")
    }
    if !kinds.contains(where: { $0.licence != nil }) {
      collector.error(item.place("holder"), "这些材料都没有电子证照（licence），不应有 holder")
    }
    return name
  }

  // MARK: The rest

  private func channels() -> [CaseChannel] {
    let found = reader.texts("channels").compactMap { text, position -> CaseChannel? in
      if let channel = CaseChannel(rawValue: text) { return channel }
      let names = CaseChannel.allCases.map(\.rawValue)
      collector.error(
        position, "没有受理渠道“\(text)”（可用：\(names.joined(separator: "、"))）\(Suggestion.text(for: text, among: names))")
      return nil
    }
    return found.isEmpty ? CaseChannel.forCitizens : found
  }

  /// Officers' own applications are signed by what they do; only an application on line can be sent without a hand on paper.
  private func signature() -> SignatureDemand {
    let channels = reader.texts("channels").map(\.text)
    let isOnline = channels.isEmpty || channels.contains(CaseChannel.online.rawValue)
    guard let demand = reader.choice("signature", SignatureDemand.self) else { return isOnline ? .optional : .unasked }
    if !isOnline, demand != .unasked {
      collector.error(reader.place("signature"), "事项不在网上受理，signature 只能是 \(SignatureDemand.unasked.rawValue)，或不写")
    }
    return demand
  }

  private func result() -> ItemResult {
    guard let reader = reader.mapping("result", "办理结果", keys: ["document", "delivery"]) else {
      return ItemResult(document: nil, delivery: [])
    }
    let delivery = reader.texts("delivery").compactMap { text, position -> CaseDelivery? in
      if let delivery = CaseDelivery(rawValue: text) { return delivery }
      collector.error(position, "没有取件方式“\(text)”（可用：window、courier）")
      return nil
    }
    return ItemResult(document: reader.text("document", limit: 60), delivery: delivery)
  }

  private func goldenCases(_ form: EntityDeclaration) -> [GoldenCase] {
    let nodes = reader.nodes("golden")
    if nodes.isEmpty { collector.error(reader.place("golden"), "\(reader.what)没有一个标准用例（golden）") }
    return nodes.compactMap { node in
      let one = MappingReader(
        node, "标准用例", keys: ["name", "channel", "accepted_by", "given", "expect"], collector)
      guard
        let expect = one.mapping(
          "expect", "标准用例的 expect", keys: ["materials", "optional", "process", "approvers", "result"])
      else {
        collector.error(node.position, "标准用例缺少 expect")
        return nil
      }
      return GoldenCase(
        name: one.label("name", fallback: "用例"), channel: one.choice("channel", CaseChannel.self) ?? .window,
        acceptedBy: one.text("accepted_by", limit: 40) ?? "officer",
        given: one.node("given").map { values($0, "标准用例", of: form) } ?? [:],
        materials: expect.texts("materials").map(\.text), optional: expect.texts("optional").map(\.text),
        process: expect.required("process", limit: 50, fallback: ""), approvers: expect.texts("approvers").map(\.text),
        result: expect.text("result", limit: 60), position: node.position)
    }
  }
}
