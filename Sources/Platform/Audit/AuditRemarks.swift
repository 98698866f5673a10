import Core

/// From when on something is remarkable (参数“审计报告”).
package struct AuditLimits: Sendable, Hashable {
  /// Refused sign-ins of one account.
  package let failures: Int64
  /// Refusals of one person besides.
  package let refusals: Int64
  /// Looks of one person that are worth comparing at all.
  package let looks: Int64
  /// How many times the looks of whoever stands in the middle.
  package let times: Int64

  package init(failures: Int64, refusals: Int64, looks: Int64, times: Int64) {
    (self.failures, self.refusals, self.looks, self.times) = (failures, refusals, looks, times)
  }
}

extension AuditSurvey {
  /// What an auditor should look into first, as sentences (值得注意).
  ///
  /// Complexity: O(n log n) in the number of people.
  package func remarks(_ limits: AuditLimits, night: (from: Int64, until: Int64)) -> [String] {
    let hours = "\(night.from) 时至 \(night.until) 时"
    func who(_ person: Person) -> String { person.unit.map { "\(person.name)（\($0)）" } ?? person.name }
    var lines = signIns.filter { $0.refused >= limits.failures }.map {
      "\($0.name)登录失败 \($0.refused) 次，来自 \($0.addresses) 个地址，最近一次 \($0.last.display)。"
    }
    let looking = people.map(\.looks).filter { $0 > 0 }.sorted()
    let middle = looking.isEmpty ? 0 : looking[(looking.count - 1) / 2]
    for person in people where person.looks >= limits.looks && person.looks > middle * limits.times {
      lines.append("\(who(person))查看个人信息 \(person.looks) 次，同期查看的人居中的是 \(middle) 次。")
    }
    for person in people where person.nightLooks > 0 {
      lines.append("\(who(person))在 \(hours)查看个人信息 \(person.nightLooks) 次。")
    }
    for person in people where person.nightExports > 0 {
      lines.append("\(who(person))在 \(hours)导出 \(person.nightExports) 次。")
    }
    for person in people where person.refusals >= limits.refusals {
      lines.append("\(who(person))因没有权限被拒绝 \(person.refusals) 次。")
    }
    return lines
  }
}
