import Entities

/// The contract of a connector (接口约定), generated from its declaration: what the other side has to offer.
package enum ConnectorContract {
  /// Markdown, one section a connector.
  package static func text(_ connectors: [Connector]) -> String {
    var lines = [
      "# 对接系统接口约定", "",
      "由声明生成（`lifang connectors describe`）。请求一律为 `POST`，正文为一层的 JSON（UTF-8），日期写 2026-11-21，时间按 RFC 3339；个人信息不进入地址。",
      "`X-Lifang-Request` 是请求编号：重试时不变，对方应保证同一编号只办一次。", "",
      "签名：`X-Lifang-Signature` 为 HMAC-SM3（十六进制小写），密钥为双方约定的密钥，内容为五行、以换行相连："
        + "`POST`、接口路径、`X-Lifang-Time`、`X-Lifang-Request`、正文 SM3 摘要的十六进制。时间相差超过 \(ConnectorSignature.tolerance) 秒的应拒绝。",
      "",
      "答复 2xx 为受理；401、403 为密钥或签名不对；429、5xx 和超时会重试；其余为不受理。", "",
    ]
    for connector in connectors { lines += section(connector) }
    return lines.joined(separator: "\n")
  }

  private static func section(_ connector: Connector) -> [String] {
    let limits = connector.limits
    var lines = [
      "## \(connector.label)（`\(connector.name)`）", "", "\(connector.system)。\(connector.help ?? "")", "",
      "认证：\(connector.authentication.label)。每次最多等 \(limits.timeout) 秒，共试 \(limits.attempts) 次，间隔 \(limits.delay) 毫秒起逐次加倍；"
        + "每分钟最多 \(limits.quota) 次；连续失败 \(limits.failures) 次暂停 \(limits.pause) 秒起。", "",
    ]
    for operation in connector.operations {
      lines += ["### \(operation.label)：`POST \(operation.path)`（\(operation.use.label)）", ""]
      lines += table("请求", operation.request) + table("答复", operation.response)
      if let rows = operation.rows {
        lines += ["答复的 `\(rows.name)` 是列表，每条为一层的 JSON：", ""] + table("每条", rows.fields)
      }
      if let yes = operation.yes { lines += ["“是”：`\(yes.text)`"] }
      if let no = operation.no { lines += ["，“否”：`\(no.text)`"] }
      if operation.yes != nil { lines += ["，其余为“未能核验”。", ""] }
    }
    return lines
  }

  private static func table(_ title: String, _ fields: [ConnectorField]) -> [String] {
    let rows = fields.map { field in
      "|`\(field.name)`|\(field.label)|\(field.type == .file ? "文件（Base64）" : field.type.label)|\(field.isRequired ? "必填" : "")|\(field.mask == nil ? "" : "个人信息")|\(field.example ?? "")|"
    }
    return ["|\(title)|名称|类型|必填|说明|示例|", "|-|-|-|-|-|-|"] + rows + [""]
  }
}
