package import Access
package import YAML

/// Where a gathered field (汇集字段) takes its values from: the records of another register that belong to a record, such
/// as the roles a user holds (B1-225).
package struct Gathering: Sendable {
  /// The register whose records are looked at.
  package let register: String
  /// Its reference to the record that shows them.
  package let field: String
  /// Its reference to what is shown.
  package let shown: String
  /// The scope rule of that register which its records must meet, such as being in force; `nil`: all of them count.
  package let rule: String?
  /// Where it is declared, for findings.
  package let position: SourcePosition

  package init(register: String, field: String, shown: String, rule: String?, position: SourcePosition) {
    self.register = register
    self.field = field
    self.shown = shown
    self.rule = rule
    self.position = position
  }
}

extension FieldDeclaration {
  /// Whether `principal` meets this field at all: what is gathered from a register that one may not view is not there.
  package func isOpen(to principal: Principal) -> Bool {
    gathering.map { principal.may(Permission($0.register, "view")) } ?? true
  }
}
