package import Access
package import Audit
package import Core
import Crypto
import Entities
import SQL

/// Whose account a vouched identity is.
extension Federation {
  /// A binding as its owner sees it.
  package struct Binding: Sendable {
    package let id: Int64
    package let provider: String
    package let level: Assurance
    package let boundAt: Instant
    package let usedAt: Instant?
  }

  static let staffAccount = Refusal(
    .forbidden, "identity-staff", "这个证件号码关联的是工作账号，不能从外部平台登录。请用工作账号和密码登录。")

  func open(
    _ vouched: VouchedIdentity, of provider: IdentityProvider, replacing old: String?, origin: Origin
  ) async throws -> OpenedSession {
    let user = try await identity.database.transaction { transaction in
      try await self.account(vouched, of: provider, origin, in: transaction)
    }
    guard let candidate = try await identity.candidate("u.id = \(user)") else { throw IdentityService.noSuchUser }
    if let refusal = candidate.user.refusal(address: origin.remoteAddress, at: identity.clock.now()) {
      try await identity.note(.notAllowed, origin, candidate.user.account, candidate.user, method: "provider")
      throw refusal
    }
    return try await identity.open(
      candidate.user, identity.fingerprint(account: candidate.user.account), origin, secondFactor: false,
      replacing: old, assurance: vouched.level, method: "provider")
  }

  /// The account of a vouched identity: the one it is bound to, the one of the same person, or a new one.
  func account(
    _ vouched: VouchedIdentity, of provider: IdentityProvider, _ origin: Origin, in transaction: Transaction
  ) async throws -> Int64 {
    try await lock(vouched, of: provider, in: transaction)
    let records = store.records(as: .system, purpose: "实名登录", origin: origin).within(transaction)
    if let known = try await binding(of: provider, vouched.subject, records) {
      guard let user = known["user_id"].integer else { throw Fault("binding-without-user", "\(known.id)") }
      try await checkSame(known, vouched, provider)
      try await refuseStaff(user, in: transaction)
      if let document = vouched.document?.text ?? known["resident_id"].text,
        let person = try await records.find("person", where: "resident_id", equals: .text(document))
      {
        try refuseDeceased(person)
      }
      try await records.update(
        IdentityProvider.binding, known.id, version: nil,
        values(vouched).merging(["used_at": .instant(store.clock.now())]) { $1 },
        input: .code)
      return user
    }
    let person = try await person(vouched, records)
    var user = person?.user
    if user == nil, let document = vouched.document {
      user = try await bindings("resident_id", .text(document.text), records).first?["user_id"].integer
    }
    if let user {
      try await refuseStaff(user, in: transaction)
      try await addBinding(vouched, of: provider, to: user, records, origin)
      return user
    }
    let made = try await makeAccount(vouched, records)
    if let person {
      try await records.update("person", person.id, version: nil, ["user_id": .integer(made)], input: .code)
    }
    try await addBinding(vouched, of: provider, to: made, records, origin)
    return made
  }

  /// What concerns one document number goes one after the other: two first sign-ins at once must not make two accounts.
  private func lock(_ vouched: VouchedIdentity, of provider: IdentityProvider, in transaction: Transaction) async throws
  {
    let key = vouched.document?.text ?? "\(provider.id) \(vouched.subject)"
    try await transaction.execute("select pg_advisory_xact_lock(hashtextextended(\(key), 5117))")
  }

  private func bindings(_ field: String, _ value: Value, _ records: Records) async throws -> [Record] {
    try await records.list(
      ListQuery(
        IdentityProvider.binding, filters: [ListFilter(field, .equals(value))],
        columns: columns(IdentityProvider.binding), limit: 50)
    ).records
  }

  private func binding(of provider: IdentityProvider, _ subject: String, _ records: Records) async throws -> Record? {
    let query = ListQuery(
      IdentityProvider.binding,
      filters: [
        ListFilter("provider_id", .equals(.integer(provider.id))), ListFilter("subject", .equals(.text(subject))),
      ], columns: columns(IdentityProvider.binding), limit: 1)
    return try await records.list(query).records.first
  }

  /// A provider that suddenly says another document number under a known name of its own is not followed.
  private func checkSame(_ known: Record, _ vouched: VouchedIdentity, _ provider: IdentityProvider) async throws {
    guard let document = vouched.document?.text, let bound = known["resident_id"].text, bound != document else {
      return
    }
    throw Refusal(
      .conflict, "identity-changed", "“\(provider.name)”给出的证件号码与上次绑定时的不同，没有登录。请带身份证到派出所核对，或用其他方式登录后解绑。")
  }

  /// The person of the population register with this document number.
  ///
  /// - Throws: ``Refusal`` when the name differs or the person is dead.
  private func person(_ vouched: VouchedIdentity, _ records: Records) async throws -> (id: Int64, user: Int64?)? {
    guard let document = vouched.document,
      let found = try await records.find("person", where: "resident_id", equals: .text(document.text))
    else { return nil }
    let names = [found["name"].text, found["former_name"].text].compactMap(\.self)
    guard names.contains(vouched.name) else {
      throw Refusal(
        .conflict, "identity-name", "登录平台给出的姓名与人口登记的不一致，没有登录。请带身份证到户籍所在地派出所核对；改过姓名的，请先在登录平台更新。")
    }
    try refuseDeceased(found)
    return (found.id, found["user_id"].integer)
  }

  private func refuseDeceased(_ person: Record) throws(Refusal) {
    guard person["deceased_on"].isBlank else {
      throw Refusal(.forbidden, "identity-deceased", "人口登记显示这个证件号码的本人已故，不能登录。登记有误的，请到派出所核对。")
    }
  }

  private func refuseStaff(_ user: Int64, in transaction: Transaction) async throws {
    let staff = try await transaction.first(
      """
      select 1 from app_user u where u.id = \(user) and (u.unit_id is not null or u.separation is not null
        or exists (select from user_role h where h.user_id = u.id))
      """)
    if staff != nil { throw Federation.staffAccount }
  }

  private func makeAccount(_ vouched: VouchedIdentity, _ records: Records) async throws -> Int64 {
    var values: [String: Value] = [
      "account": .text("u" + identity.configuration.random.digits(12)), "name": .text(vouched.name),
      "status": .text(UserStatus.active.rawValue), "clearance": .text(Classification.open.name),
    ]
    if let phone = vouched.phone { values["phone"] = .text(phone.text) }
    return try await records.insert("app_user", values, input: .code).id
  }

  private func values(_ vouched: VouchedIdentity) -> [String: Value] {
    var values: [String: Value] = ["name": .text(vouched.name), "level": .text(vouched.level.rawValue)]
    if let document = vouched.document { values["resident_id"] = .text(document.text) }
    if let phone = vouched.phone { values["phone"] = .text(phone.text) }
    return values
  }

  private func addBinding(
    _ vouched: VouchedIdentity, of provider: IdentityProvider, to user: Int64, _ records: Records, _ origin: Origin
  ) async throws {
    let now = store.clock.now()
    try await records.insert(
      IdentityProvider.binding,
      values(vouched).merging([
        "user_id": .integer(user), "provider_id": .integer(provider.id), "subject": .text(vouched.subject),
        "bound_at": .instant(now), "used_at": .instant(now),
      ]) { $1 }, input: .code)
    guard let transaction = records.transaction else { throw Fault("binding-without-transaction") }
    let who = Principal(
      kind: .user, id: user, name: vouched.name, unit: nil, grants: Grants([]), clearance: .open)
    try await store.audit.append(
      AuditEntry(
        who, "identity.bind", entity: "app_user", record: user, origin: origin,
        details: ["provider": .string(provider.code), "level": .string(vouched.level.rawValue)]), in: transaction)
  }

  // MARK: Binding and unbinding

  /// Binds an identity to the account of a session.
  ///
  /// - Throws: ``Refusal`` when it belongs to another account or to another person, or the account is staff's.
  func bind(_ vouched: VouchedIdentity, of provider: IdentityProvider, to session: Session, origin: Origin) async throws
  {
    try await identity.database.transaction { transaction in
      try await self.refuseStaff(session.user.id, in: transaction)
      try await self.lock(vouched, of: provider, in: transaction)
      let records = self.store.records(as: .system, purpose: "绑定登录方式", origin: origin).within(transaction)
      if let known = try await self.binding(of: provider, vouched.subject, records) {
        if known["user_id"].integer == session.user.id { return }
        throw Refusal(
          .conflict, "identity-taken", "这个“\(provider.name)”身份已经绑定了另一个账号，没有绑定。请用它登录那个账号，解绑后再来绑定。")
      }
      let person = try await self.person(vouched, records)
      try await self.requireOwn(vouched, person, provider, session.user.id, records, in: transaction)
      if let person, person.user == nil {
        try await records.update(
          "person", person.id, version: nil, ["user_id": .integer(session.user.id)], input: .code)
      }
      try await self.addBinding(vouched, of: provider, to: session.user.id, records, origin)
    }
  }

  /// An account is one person's and a person's account is one: what a provider vouches for somebody else would lend
  /// them this account's cases, and this account their assurance.
  private func requireOwn(
    _ vouched: VouchedIdentity, _ person: (id: Int64, user: Int64?)?, _ provider: IdentityProvider, _ user: Int64,
    _ records: Records, in transaction: Transaction
  ) async throws {
    guard let document = vouched.document?.text else { return }
    let holders = try await bindings("resident_id", .text(document), records).compactMap { $0["user_id"].integer }
    guard (holders + [person?.user].compactMap(\.self)).allSatisfy({ $0 == user }) else {
      throw Refusal(
        .conflict, "identity-person", "这个证件号码的本人已经有另一个账号，没有绑定。请直接用“\(provider.name)”登录。")
    }
    let own = try await RealName.of(user: user, in: transaction)
    let bound = try await bindings("user_id", .integer(user), records).compactMap { $0["resident_id"].text }
    guard own == nil || own?.person == person?.id, bound.allSatisfy({ $0 == document }) else {
      throw Refusal(
        .conflict, "identity-other", "“\(provider.name)”给出的证件号码不是这个账号本人的，没有绑定。请确认是本人的“\(provider.name)”账号。")
    }
  }

  /// The bindings of an account, the latest first.
  package func bindings(of user: Int64) async throws -> [Binding] {
    let query = ListQuery(
      IdentityProvider.binding, filters: [ListFilter("user_id", .equals(.integer(user)))], limit: 50)
    return try await store.records(as: .system, purpose: "本人查看登录方式").list(query).records.compactMap { record in
      guard let bound = record["bound_at"].instant else { return nil }
      return Binding(
        id: record.id, provider: record.titles["provider_id"] ?? "",
        level: Assurance(rawValue: record["level"].text ?? "") ?? .password,
        boundAt: bound, usedAt: record["used_at"].instant)
    }
  }

  /// Takes a binding away (解绑). The last way into an account cannot be taken.
  package func unbind(_ id: Int64, of session: Session, origin: Origin) async throws {
    try await identity.database.transaction { transaction in
      // One at a time, so that two unbindings do not each leave the other as the last.
      try await transaction.execute("select from app_user where id = \(session.user.id) for no key update")
      let records = self.store.records(as: .system, purpose: "解绑登录方式", origin: origin).within(transaction)
      let query = ListQuery(
        IdentityProvider.binding, filters: [ListFilter("user_id", .equals(.integer(session.user.id)))], limit: 50)
      let all = try await records.list(query).records
      guard let mine = all.first(where: { $0.id == id }) else {
        throw Refusal(.notFound, "binding-missing", "没有找到这个绑定，可能已经解绑。请刷新后查看。")
      }
      let hasPassword =
        try await transaction.first("select 1 from credential where user_id = \(session.user.id)") != nil
      guard hasPassword || all.count > 1 else {
        throw Refusal(.conflict, "binding-last", "这是这个账号唯一的登录方式，解绑后就不能再登录，没有解绑。请先绑定另一种登录方式。")
      }
      try await records.delete(IdentityProvider.binding, id, version: nil)
      try await self.store.audit.append(
        AuditEntry(
          session.principal, "identity.unbind", entity: "app_user", record: session.user.id, origin: origin,
          details: ["provider": .string(mine.titles["provider_id"] ?? "")]), in: transaction)
    }
  }
}
