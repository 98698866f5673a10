package import Core

/// One row of a file or payload of units or users, by field name (第三方机构、用户数据).
package struct DirectoryRow: Sendable {
  /// The line of the file, or the place in the payload, from 1.
  package let line: Int
  /// Only fields that the source has; an empty text clears a field, a missing one leaves it.
  package let values: [String: String]

  /// - Parameter values: by field name or by one of the headings of ``headings``; others are ignored.
  package init(line: Int, values: [String: String]) {
    self.line = line
    var named: [String: String] = [:]
    for (key, value) in values {
      if let name = DirectoryRow.headings[key.trimmed.lowercased()] { named[name] = value.trimmed }
    }
    self.values = named
  }

  subscript(_ field: String) -> String? { values[field] }

  /// The value unless it is missing or empty.
  func filled(_ field: String) -> String? { values[field].flatMap { $0.isEmpty ? nil : $0 } }

  /// The rows of a JSON array of objects; numbers and booleans are taken as text.
  ///
  /// - Throws: ``Refusal`` when it is something else.
  package static func rows(_ payload: JSON) throws(Refusal) -> [DirectoryRow] {
    guard let items = payload.array else {
      throw Refusal(.invalid, "rows-expected", "请提交一个 JSON 数组，每个元素是一条机构或用户。")
    }
    var rows: [DirectoryRow] = []
    for (index, item) in items.enumerated() {
      guard let members = item.object else {
        throw Refusal(.invalid, "row-expected", "第 \(index + 1) 个元素不是对象。每个元素须是一条机构或用户。")
      }
      var values: [String: String] = [:]
      for (key, value) in members {
        switch value {
        case .null: values[key] = ""
        case .string(let text): values[key] = text
        case .int, .double, .bool: values[key] = value.text
        case .array(let parts): values[key] = parts.compactMap(\.string).joined(separator: ",")
        case .object: break
        }
      }
      rows.append(DirectoryRow(line: index + 1, values: values))
    }
    return rows
  }

  /// What columns of files are called, by the field they mean.
  package static let headings: [String: String] = [
    "code": "code", "external_code": "code", "编码": "code", "机构编码": "code", "机构代码": "code", "外部编码": "code",
    "工号": "code", "人员编码": "code", "用户编码": "code",
    "name": "name", "名称": "name", "机构名称": "name", "姓名": "name", "用户姓名": "name",
    "parent_code": "parent_code", "parent": "parent_code", "上级编码": "parent_code", "上级机构编码": "parent_code",
    "上级机构": "parent_code",
    "kind": "kind", "类别": "kind", "机构类别": "kind", "机构类型": "kind",
    "division_code": "division_code", "行政区划": "division_code", "行政区划代码": "division_code", "区划代码": "division_code",
    "phone": "phone", "联系电话": "phone", "手机号码": "phone", "手机号": "phone", "电话": "phone",
    "address": "address", "地址": "address", "description": "description", "描述": "description", "说明": "description",
    "account": "account", "账号": "account", "帐号": "account", "登录名": "account", "用户名": "account",
    "unit_code": "unit_code", "unit": "unit_code", "所属机构编码": "unit_code", "所属机构": "unit_code",
    "post": "post", "岗位": "post", "status": "status", "状态": "status",
    "expires_on": "expires_on", "有效期至": "expires_on", "到期日期": "expires_on",
    "roles": "roles", "role": "roles", "角色": "roles", "角色编码": "roles",
  ]
}

/// What became of the rows of an import.
package struct DirectoryReport: Sendable {
  package enum Outcome: Sendable, Hashable {
    case created
    case updated(fields: [String])
    case unchanged
    case rejected(String)

    package var label: String {
      switch self {
      case .created: "新增"
      case .updated: "更新"
      case .unchanged: "未变"
      case .rejected: "拒绝"
      }
    }
  }

  package struct Row: Sendable {
    package let line: Int
    package let code: String
    package let outcome: Outcome
  }

  /// In the order of the file.
  package private(set) var rows: [Row] = []
  /// Records of this source that the file does not have; they are left as they are.
  package private(set) var absent = 0
  /// Nothing was written: this is what an import would do (预演).
  package let isDryRun: Bool

  package func count(_ label: String) -> Int { rows.count { $0.outcome.label == label } }

  init(isDryRun: Bool) { self.isDryRun = isDryRun }

  mutating func add(_ row: DirectoryRow, _ outcome: Outcome) {
    rows.append(Row(line: row.line, code: row["code"] ?? "", outcome: outcome))
  }

  mutating func finish(absent: Int) {
    self.absent = absent
    rows.sort { $0.line < $1.line }
  }

  var details: JSON {
    [
      "created": .int(Int64(count("新增"))), "updated": .int(Int64(count("更新"))),
      "unchanged": .int(Int64(count("未变"))), "rejected": .int(Int64(count("拒绝"))), "absent": .int(Int64(absent)),
    ]
  }
}
