package import Core
package import SQL

/// What the audit of a period comes to (审计报告, C-616): who signed in and failed, who looked at personal data and why,
/// what was taken out, which rights were changed, and what was refused. Names of accounts and counts; nothing of what was
/// looked at.
package struct AuditSurvey: Sendable {
  package struct Totals: Sendable, Hashable {
    package let entries: Int64
    /// Users and keys that did anything.
    package let people: Int64
    package let signIns: Int64
    package let refusedSignIns: Int64
    /// Looks at personal data, lists and exports included.
    package let looks: Int64
    /// Looks behind the mask (查看完整信息).
    package let reveals: Int64
    package let exports: Int64
    package let changes: Int64
    /// Besides refused sign-ins.
    package let refusals: Int64
    package let failures: Int64
  }

  /// An account, or what was typed where there is none, that could not sign in.
  package struct SignIns: Sendable {
    package let name: String
    package let refused: Int64
    package let succeeded: Int64
    /// Different addresses that the refused ones came from.
    package let addresses: Int64
    package let last: Instant
  }

  /// Looks at personal data that share a purpose, a unit or a register; `nil` where none was stated.
  package struct Looks: Sendable {
    package let of: String?
    package let looks: Int64
    /// Records that the lists and exports among them held.
    package let rows: Int64
    package let reveals: Int64
    package let people: Int64
  }

  package struct Exports: Sendable {
    package let person: String
    package let unit: String?
    package let entity: String
    package let times: Int64
    package let rows: Int64
  }

  /// Changes of accounts, roles, keys and settings.
  package struct Changes: Sendable {
    package let person: String
    package let unit: String?
    package let action: String
    package let entity: String
    package let times: Int64
    package let last: Instant
  }

  package struct Refusals: Sendable {
    package let person: String
    package let unit: String?
    package let action: String
    package let entity: String
    package let outcome: AuditEntry.Outcome
    package let times: Int64
  }

  /// One user or key, with what may stand out of what they did.
  package struct Person: Sendable {
    package let name: String
    package let unit: String?
    package let looks: Int64
    package let nightLooks: Int64
    package let nightExports: Int64
    package let refusals: Int64
  }

  package let totals: Totals
  package let signIns: [SignIns]
  package let byPurpose: [Looks]
  package let byUnit: [Looks]
  package let byRegister: [Looks]
  package let exports: [Exports]
  package let changes: [Changes]
  package let refusals: [Refusals]
  /// Everybody who looked at personal data, took out or was refused, at most ``most``.
  package let people: [Person]

  /// Lines of a table at most; the totals count everything.
  package static let longest = 100
  private static let most = 10_000

  /// Registers whose every change is one of rights.
  private static let rights = [
    "api_key", "app_user", "application_access", "application_grant", "application_permission", "client_application",
    "identity_provider", "post", "role", "role_grant", "sign_in_certificate", "user_role",
  ]

  /// Reads the entries of some days.
  ///
  /// - Parameters:
  ///   - personal: the registers that hold personal data.
  ///   - night: the hours from which and until which work is not expected, such as 22 and 6.
  package static func read(
    from since: CivilDate, to until: CivilDate, personal: [String], night: (from: Int64, until: Int64),
    in session: any SQLSession
  ) async throws -> AuditSurvey {
    try await Reading(
      session: session,
      marked: marked(from: since.start, to: until.adding(days: 1).start, personal: personal, night: night)
    ).survey()
  }

  /// The entries of the period, each with what kind of thing it is.
  private static func marked(
    from: Instant, to: Instant, personal: [String], night: (from: Int64, until: Int64)
  ) -> SQL {
    // Over midnight either will do.
    let joined: SQL = night.from > night.until ? "or" : "and"
    return """
      (select *,
        principal_kind in ('user', 'key') as acts,
        action = 'session.sign-in' as signs,
        verb = 'reveal' or entity = any(\(personal)) and verb in ('list', 'view', 'history', 'export') as looks,
        verb = 'export' as exports,
        outcome = 'done' and (
          entity = any(\(rights)) and verb not in ('list', 'view', 'history', 'export', 'reveal')
            and not starts_with(action, 'session.')
            and action not in ('credential.change', 'credential.enrol-second-factor', 'client_application.enter')
          or action in ('parameter.update', 'policy.label', 'entity.update', 'token_key.rotate',
            'platform.administrators')) as changes,
        (hour >= \(night.from) \(joined) hour < \(night.until)) as at_night
      from (
        select *, substring(action from '[^.]*$') as verb, coalesce((details ->> 'count')::bigint, 1) as amount,
          extract(hour from occurred_at at time zone 'Asia/Shanghai')::bigint as hour
        from audit_entry where occurred_at >= \(from) and occurred_at < \(to)) e) e
      """
  }

  /// One period being read.
  private struct Reading {
    let session: any SQLSession
    let marked: SQL

    func survey() async throws -> AuditSurvey {
      AuditSurvey(
        totals: try await totals(), signIns: try await signIns(),
        byPurpose: try await looks(by: "nullif(btrim(purpose), '')"), byUnit: try await looks(by: "unit_name"),
        byRegister: try await looks(by: "entity"), exports: try await exports(), changes: try await changes(),
        refusals: try await refusals(), people: try await people())
    }

    private func totals() async throws -> Totals {
      let rows = try await session.query(
        """
        select count(*) as entries, count(distinct (principal_kind, principal_id)) filter (where acts) as people,
          count(*) filter (where signs and outcome = 'done') as sign_ins,
          count(*) filter (where signs and outcome <> 'done') as refused_sign_ins,
          count(*) filter (where looks) as looks, count(*) filter (where verb = 'reveal') as reveals,
          count(*) filter (where exports) as exports, count(*) filter (where changes) as changes,
          count(*) filter (where outcome = 'refused' and not signs) as refusals,
          count(*) filter (where outcome = 'failed') as failures
        from \(marked)
        """)
      guard let row = rows.first else { throw Fault("audit-survey", "no totals") }
      return Totals(
        entries: try row.get("entries"), people: try row.get("people"), signIns: try row.get("sign_ins"),
        refusedSignIns: try row.get("refused_sign_ins"), looks: try row.get("looks"), reveals: try row.get("reveals"),
        exports: try row.get("exports"), changes: try row.get("changes"), refusals: try row.get("refusals"),
        failures: try row.get("failures"))
    }

    private func signIns() async throws -> [SignIns] {
      try await session.query(
        """
        select max(principal_name) as name, count(*) filter (where outcome <> 'done') as refused,
          count(*) filter (where outcome = 'done') as succeeded,
          count(distinct remote_address) filter (where outcome <> 'done') as addresses,
          max(occurred_at) filter (where outcome <> 'done') as last
        from \(marked) where signs
        group by principal_kind, principal_id, case when principal_id = 0 then principal_name end
        having count(*) filter (where outcome <> 'done') > 0 order by refused desc, name limit \(AuditSurvey.longest)
        """
      ).map {
        SignIns(
          name: try $0.get("name"), refused: try $0.get("refused"), succeeded: try $0.get("succeeded"),
          addresses: try $0.get("addresses"), last: try $0.get("last"))
      }
    }

    private func looks(by what: SQL) async throws -> [Looks] {
      try await session.query(
        """
        select \(what) as of, count(*) as looks, sum(amount)::bigint as rows,
          count(*) filter (where verb = 'reveal') as reveals,
          count(distinct (principal_kind, principal_id)) as people
        from \(marked) where looks group by 1 order by looks desc, 1 limit \(AuditSurvey.longest)
        """
      ).map {
        Looks(
          of: try $0.get("of"), looks: try $0.get("looks"), rows: try $0.get("rows"), reveals: try $0.get("reveals"),
          people: try $0.get("people"))
      }
    }

    private func exports() async throws -> [Exports] {
      try await session.query(
        """
        select max(principal_name) as person, max(unit_name) as unit, entity, count(*) as times,
          sum(amount)::bigint as rows
        from \(marked) where exports group by principal_kind, principal_id, entity
        order by rows desc, person, entity limit \(AuditSurvey.longest)
        """
      ).map {
        Exports(
          person: try $0.get("person"), unit: try $0.get("unit"), entity: try $0.get("entity"),
          times: try $0.get("times"), rows: try $0.get("rows"))
      }
    }

    private func changes() async throws -> [Changes] {
      try await session.query(
        """
        select max(principal_name) as person, max(unit_name) as unit, action, entity, count(*) as times,
          max(occurred_at) as last
        from \(marked) where changes group by principal_kind, principal_id, action, entity
        order by last desc, action limit \(AuditSurvey.longest)
        """
      ).map {
        Changes(
          person: try $0.get("person"), unit: try $0.get("unit"), action: try $0.get("action"),
          entity: try $0.get("entity"), times: try $0.get("times"), last: try $0.get("last"))
      }
    }

    private func refusals() async throws -> [Refusals] {
      try await session.query(
        """
        select max(principal_name) as person, max(unit_name) as unit, action, entity, outcome, count(*) as times
        from \(marked) where outcome <> 'done' and not signs
        group by principal_kind, principal_id, action, entity, outcome
        order by times desc, person, action limit \(AuditSurvey.longest)
        """
      ).map {
        Refusals(
          person: try $0.get("person"), unit: try $0.get("unit"), action: try $0.get("action"),
          entity: try $0.get("entity"), outcome: AuditEntry.Outcome(rawValue: try $0.get("outcome")) ?? .failed,
          times: try $0.get("times"))
      }
    }

    private func people() async throws -> [Person] {
      try await session.query(
        """
        select max(principal_name) as name, max(unit_name) as unit, count(*) filter (where looks) as looks,
          count(*) filter (where looks and at_night) as night_looks,
          count(*) filter (where exports and at_night) as night_exports,
          count(*) filter (where outcome = 'refused' and not signs) as refusals
        from \(marked) where acts and (looks or exports or outcome = 'refused' and not signs)
        group by principal_kind, principal_id order by looks desc, name limit \(AuditSurvey.most)
        """
      ).map {
        Person(
          name: try $0.get("name"), unit: try $0.get("unit"), looks: try $0.get("looks"),
          nightLooks: try $0.get("night_looks"), nightExports: try $0.get("night_exports"),
          refusals: try $0.get("refusals"))
      }
    }
  }
}
