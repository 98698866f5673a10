import Access
import Documents
import Entities
import Papers
import Testing

/// Templates of documents as declarations.
@Suite struct DocumentTemplateTests {
  private static let register = """
    entity: resident
    label: 居民
    fields:
      - {name: name, label: 姓名, type: text, required: true}
      - {name: born, label: 出生日期, type: date}
      - {name: household, label: 户号, type: text}
    """

  private func findings(_ yaml: String) -> [String] {
    let texts = [("resident.yaml", DocumentTemplateTests.register), ("paper.yaml", yaml)].map {
      (name: $0.0, text: $0.1)
    }
    return DocumentTemplates(CatalogReading(texts: texts).catalog).findings.map(\.description)
  }

  @Test func theShippedTemplatesAreProved() throws {
    let templates = DocumentTemplates(try CaseFixture.catalog.get())
    #expect(templates.findings.isEmpty, "\(templates.findings)")
    #expect(templates.all.count >= 15)
    let register = try #require(templates.template("household_register"))
    #expect(register.hasFixedPlaces && register.isIssued && register.isSingle)
    #expect(register.page.width == 143 && register.page.height == 105)
    #expect(register.classification == .secret)
    #expect(templates.template("application_form")?.isIssued == false)
  }

  @Test func aRightTemplateHasNoFindings() {
    let right = """
      document: letter
      label: 证明
      of: resident
      series: 证
      holder: "{name}"
      with: [{name: others, register: resident, where: {household: household}, many: true}]
      body:
        - {title: 证明}
        - {text: "{name ?? '无名'}，{born|chinese}出生，同户{others_count}人。", when: "born != null"}
        - {table: others, columns: [{label: 姓名, text: "{others_name}", width: 30}]}
        - {sign: {}}
      """
    #expect(findings(right).isEmpty, "\(findings(right))")
  }

  @Test(arguments: [
    ("of: nobody\nholder: x\nbody: [{title: x}]", "没有登记表“nobody”"),
    ("of: resident\nholder: \"{nam}\"\nbody: [{title: x}]", "nam"),
    ("of: resident\nholder: \"{name\"\nbody: [{title: x}]", "花括号不成对"),
    ("of: resident\nholder: \"{name|chinese}\"\nbody: [{title: x}]", "只用于日期"),
    ("of: resident\nholder: \"{born|lunar}\"\nbody: [{title: x}]", "没有写法“lunar”"),
    ("of: resident\nholder: \"{name}\"\nseries: 证\nbody: [{title: x}]", "验真二维码"),
    ("of: resident\nholder: \"{name}\"\nbody: [{title: x, text: y}]", "恰好有一个"),
    ("of: resident\nholder: \"{name}\"\nbody: [{grid: [[a, b]], columns: [10]}]", "这一行占 2 栏，应占 1 栏"),
    ("of: resident\nholder: \"{name}\"\nbody: [{table: nobody, columns: [{label: a, text: b}]}]", "没有名为“nobody”"),
    ("of: resident\nholder: \"{name}\"\npermission: paper.fly\nbody: [{title: x}]", "没有声明权限“paper.fly”"),
    (
      "of: resident\nholder: \"{name}\"\nwith: [{name: w, register: resident, where: {born: name}}]\nbody: [{title: x}]",
      "要日期"
    ),
  ])
  func whatIsWrongIsFoundAndNamed(_ rest: String, _ said: String) {
    let found = findings("document: letter\nlabel: 证明\n" + rest)
    #expect(found.contains { $0.contains(said) }, "\(found)")
  }
}
