package import Access
package import YAML

/// A number of a register on the workbench (首页统计), counted within what the person who looks may see.
package struct WorkbenchTile: Sendable {
  package let label: String
  /// Only records of the list with these filters are counted: items of its address.
  package let filters: [StatisticsRole.Filter]
  /// The dimension whose values are counted apart, in a table; `nil` makes one number.
  package let by: String?
  package let icon: String?
  /// What is to be done about it, shown while it is not zero.
  package let note: String?
  package let order: Int
  /// Who is shown it, beside being allowed to view the register, such as those who may decide.
  package let permission: Permission?
  package let position: SourcePosition

  package init(
    label: String, filters: [StatisticsRole.Filter], by: String?, icon: String?, note: String?, order: Int,
    permission: Permission? = nil, position: SourcePosition
  ) {
    self.label = label
    self.filters = filters
    self.by = by
    self.icon = icon
    self.note = note
    self.order = order
    self.permission = permission
    self.position = position
  }
}
