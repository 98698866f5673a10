import Core
import SQL

/// Turns what PostgreSQL refuses into what the user can act on.
struct WriteFailure {
  let entity: EntityDeclaration
  let catalog: Catalog

  /// The refusal behind `error`, or the error itself.
  func explain(_ error: any Error) -> any Error {
    guard let failure = SQLFailure.within(error) else { return error }
    switch failure.sqlState {
    case "23505": return duplicate(failure.constraint)
    case "23503": return reference(failure)
    case "23514": return check(failure.constraint)
    case "23502":
      let field = failure.column.flatMap { entity.field($0) }
      return Refusal(
        .unprocessable, "field-required", "请填写\(field?.label ?? failure.column ?? "必填项")。", field: field?.name)
    case "42501" where failure.message.contains("row-level security"): return WriteFailure.outOfScope(entity)
    case "22003":
      return Refusal(.unprocessable, "number-too-large", "有数字超出可保存的范围，记录没有保存。请检查后重新提交。")
    default: return error
    }
  }

  /// - Parameter index: the unique index that was violated.
  func duplicate(_ index: String?) -> Refusal {
    let fields = entity.plannedIndexes.first { $0.name == index }?.keys ?? []
    let declared = fields.compactMap { column in
      entity.field(column) ?? entity.fields.first { $0.indexColumn == column }
    }
    let labels = declared.map(\.label).joined(separator: "、")
    return Refusal(
      .conflict, "duplicate", "已有\(labels.isEmpty ? "内容" : labels)相同的\(entity.label)，没有保存。请核对是否重复登记，或修改后重新提交。",
      field: declared.first?.name)
  }

  private func reference(_ failure: SQLFailure) -> Refusal {
    if let field = entity.fields.first(where: {
      SchemaName.reference(entity.name, $0.name) == failure.constraint
    }), failure.table == entity.name {
      return missingReference(field)
    }
    for other in catalog.entities {
      for field in other.fields where SchemaName.reference(other.name, field.name) == failure.constraint {
        return referenced([(other, field, nil)])
      }
    }
    return Refusal(.conflict, "referenced", "这条\(entity.label)仍被其他记录引用，不能删除。")
  }

  func missingReference(_ field: FieldDeclaration) -> Refusal {
    let target = field.target.flatMap { catalog.entity($0)?.label } ?? "记录"
    return Refusal(
      .unprocessable, "reference-missing", "\(field.label)所选的\(target)不存在或已被删除，没有保存。请重新选择。", field: field.name)
  }

  /// - Parameter uses: who refers to the record, how often where that is known.
  func referenced(_ uses: [(entity: EntityDeclaration, field: FieldDeclaration, count: Int?)]) -> Refusal {
    let list = uses.map { use in
      "\(use.entity.label)的“\(use.field.label)”" + (use.count.map { "（\($0 > 999 ? "1000 条以上" : "\($0) 条")）" } ?? "")
    }.joined(separator: "、")
    return Refusal(
      .conflict, "referenced", "这条\(entity.label)仍被\(list)引用，没有删除。请先处理这些记录。")
  }

  private func check(_ constraint: String?) -> Refusal {
    let field = entity.fields.first { SchemaName.check(entity.name, $0.name) == constraint }
    let reason =
      switch field?.type {
      case .polygon: "的边界与自身相交或有多余的线"
      case .division: "不是 2 到 12 位的行政区划代码"
      default: "不符合要求"
      }
    return Refusal(
      .unprocessable, "value-invalid", "\(field?.label ?? "有一项内容")\(reason)，没有保存。请改正后重新提交。", field: field?.name)
  }

  static func outOfScope(_ entity: EntityDeclaration) -> Refusal {
    Refusal(
      .forbidden, "out-of-scope",
      "保存后的\(entity.label)不在您的数据范围内，没有保存。请检查所属区划和机构；确需登记时请由所属单位办理。")
  }
}
