package import Access

extension Catalog {
  /// What an action of the audit log is called (日志操作): the word of the dictionary `audit_action` for it, else that of the
  /// register or of the right it is an action of, else the dictionary's for its verb.
  ///
  /// - Parameter action: As in an audit entry, `subject.verb` or a verb alone.
  /// - Returns: `nil` when nothing names it.
  package func label(ofAction action: String) -> String? {
    let words = dictionary("audit_action")
    if let word = words?.label(of: action) { return word }
    let parts = action.split(separator: ".", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return nil }
    return entity(parts[0])?.action(parts[1])?.label
      ?? permission(parts[0])?.actions.first { $0.name == parts[1] }?.label ?? words?.label(of: parts[1])
  }

  /// The actions that permissions on `subject` may name; `nil` when it is neither a register nor declared.
  package func actions(of subject: String) -> [String]? {
    if let entity = entity(subject) { return EntityDeclaration.standardActions + entity.actions.map(\.name) }
    return permission(subject)?.actions.map(\.name)
  }

  /// Whether anything asks for this permission.
  package func knows(_ permission: Permission) -> Bool {
    actions(of: permission.subject)?.contains(permission.action) ?? false
  }
}
