extension Principal {
  /// Who is written into `created_by` and `updated_by`: a user's id, an integrator's key as its negative id, 0 for the
  /// system and for strangers.
  package var actor: Int64 {
    switch kind {
    case .user: id
    case .key: -id
    case .system, .stranger: 0
    }
  }
}
