package import Core

/// The first thing in an audit chain that is not as it was written.
package enum AuditFinding: Sendable, Hashable, CustomStringConvertible {
  /// 内容被改动: the entry no longer has the hash its link holds.
  case altered(sequence: Int64, entry: Int64, time: Instant, action: String)
  /// 记录缺失: the link is there and its entry is not.
  case entryMissing(sequence: Int64, entry: Int64)
  /// 序号缺失: links are missing from `sequence` on.
  case linkMissing(sequence: Int64)
  /// 链接断开: the link does not hold the hash of the one before.
  case relinked(sequence: Int64)
  /// 链头不符: somebody calculated hashes anew; the change lies after the last good head and up to this one.
  case headMismatch(sequence: Int64, lastGoodHead: Int64)
  /// 签名无效: the head's signature is not from a trusted key.
  case headForged(sequence: Int64)
  /// 链尾被截断: a head was signed over more entries than there are.
  case truncated(sequence: Int64, signedUpTo: Int64)
  /// 链外记录: the entry was put in or taken out of the queue by hand.
  case unchained(entry: Int64)
  /// 文本有误: the line of an export is not of the documented form.
  case unreadable(line: Int)

  package var description: String {
    switch self {
    case .altered(let sequence, let entry, let time, let action):
      "第 \(sequence) 条审计记录（编号 \(entry)，\(time.display)，\(action)）的内容被改动。"
    case .entryMissing(let sequence, let entry): "第 \(sequence) 条审计记录（编号 \(entry)）已被删除。"
    case .linkMissing(let sequence): "从第 \(sequence) 条起审计链缺失。"
    case .relinked(let sequence): "第 \(sequence) 条审计记录与前一条的链接断开。"
    case .headMismatch(let sequence, let lastGoodHead):
      "第 \(lastGoodHead + 1) 至 \(sequence) 条之间的审计记录被改动并重新计算过，与签名的链头不符。"
    case .headForged(let sequence): "第 \(sequence) 条处的链头签名无效。"
    case .truncated(let sequence, let signedUpTo):
      "审计链在第 \(sequence) 条之后被截断，签名的链头在第 \(signedUpTo) 条。"
    case .unchained(let entry): "编号 \(entry) 的审计记录不在链中，是绕过系统写入或移出的。"
    case .unreadable(let line): "导出文件第 \(line) 行不是有效的审计记录。"
    }
  }
}

/// What a check of the chain found.
package struct AuditReport: Sendable, Hashable {
  /// Entries that were checked, up to the finding.
  package var checked: Int64 = 0
  /// Entries not yet in the chain (待封存).
  package var pending: Int64 = 0
  /// The last entry that a valid head covers.
  package var signedUpTo: Int64 = 0
  /// The hash of the last entry checked, in hex: noted down outside, it proves the chain later.
  package var lastHash = ""
  package var finding: AuditFinding?

  package var isIntact: Bool { finding == nil }
}
