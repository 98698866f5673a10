import Core

extension WriteRules {
  /// Everything that is wrong with the values of a record, in declared order.
  ///
  /// - Parameter changed: the fields whose values are new; the others are not looked at again, except that required
  ///   ones must be there. `nil`: all are new.
  func faults(of values: [String: Value], changed: Set<String>? = nil) -> [Refusal] {
    let lookup = { (name: String) in values[name] ?? .null }
    var faults: [Refusal] = []
    for field in entity.storedFields {
      let value = lookup(field.name)
      do throws(Refusal) {
        if value.isBlank {
          if try isRequired(field, lookup) { throw fault(field, "field-required", "请填写\(field.label)。") }
        } else if changed?.contains(field.name) ?? true {
          try check(value, field)
        }
      } catch {
        faults.append(error)
      }
    }
    guard faults.isEmpty else { return faults }
    for rule in entity.rules {
      do throws(Refusal) {
        if try rule.check.evaluate(in: context, lookup) == .boolean(false) {
          faults.append(Refusal(.unprocessable, "rule", "\(rule.message)。", field: rule.field))
        }
      } catch {
        faults.append(error)
      }
    }
    return faults
  }

  private func isRequired(_ field: FieldDeclaration, _ lookup: (String) -> Value) throws(Refusal) -> Bool {
    guard field.required || field.requiredWhen != nil else { return false }
    if let visible = field.visible, try !visible.holds(in: context, lookup) { return false }
    if field.required { return true }
    return try field.requiredWhen?.holds(in: context, lookup) ?? false
  }

  private func check(_ value: Value, _ field: FieldDeclaration) throws(Refusal) {
    switch (value, field.valueKind) {
    case (.text(let text), .text): try check(text, field)
    case (.list(let texts), .list): for text in texts { try check(text, field) }
    case (.integer(let number), .integer):
      if field.target == nil { try check(FixedDecimal(number), field) }
    case (.decimal(let number), .decimal): try check(number, field)
    case (.money(let money), .money): try check(money.yuan, field)
    case (.geometry(let json), .geometry): _ = try GeometryForm.stored(json, for: field)
    case (.boolean, .boolean), (.date, .date), (.instant, .instant), (.json, .json): break
    default: throw fault(field, "value-kind", "\(field.label)应为\(field.type.label)。")
    }
  }

  private func check(_ text: String, _ field: FieldDeclaration) throws(Refusal) {
    if text.unicodeScalars.contains(where: { $0.value == 0 }) {
      throw fault(field, "text-invalid", "\(field.label)含有不可保存的字符。")
    }
    if let maximum = field.maximumLength, text.unicodeScalars.count > maximum {
      throw fault(field, "text-too-long", "\(field.label)最多 \(maximum) 个字，现有 \(text.unicodeScalars.count) 个。")
    }
    switch field.type {
    case .code(let dictionary):
      guard let code = catalog.dictionary(dictionary)?.code(text) else {
        throw fault(field, "code-unknown", "\(field.label)“\(text)”不在可选项中，请重新选择。")
      }
      if code.retired { throw fault(field, "code-retired", "\(field.label)“\(code.label)”已停用，请重新选择。") }
    case .residentID:
      guard ResidentID(text)?.text == text else { throw fault(field, "resident-id", "\(field.label)不是有效的居民身份证号，请核对校验位和出生日期。") }
    case .creditCode:
      guard UnifiedCreditCode(text)?.text == text else { throw fault(field, "credit-code", "\(field.label)不是有效的统一社会信用代码，请核对校验位。") }
    case .phone:
      guard PhoneNumber(text) != nil else { throw fault(field, "phone", "\(field.label)不是有效的电话号码。") }
    case .division:
      guard (2...12).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else {
        throw fault(field, "division", "\(field.label)应为 2 到 12 位数字的行政区划代码。")
      }
    default: break
    }
  }

  private func check(_ number: FixedDecimal?, _ field: FieldDeclaration) throws(Refusal) {
    guard let number else { throw fault(field, "number-too-large", "\(field.label)超出可保存的范围。") }
    if let minimum = field.minimum, number < minimum {
      throw fault(field, "number-too-small", "\(field.label)不能小于 \(minimum)。")
    }
    if let maximum = field.maximum, number > maximum {
      throw fault(field, "number-too-large", "\(field.label)不能大于 \(maximum)。")
    }
  }

  private func fault(_ field: FieldDeclaration, _ code: String, _ message: String) -> Refusal {
    Refusal(.unprocessable, code, message, field: field.name)
  }
}
