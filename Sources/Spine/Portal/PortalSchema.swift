package import SQL

/// The tables of the portal that are no registers, and rules on those that are.
package enum PortalSchema {
  package static let before = [
    Migration(
      id: "0066-portal",
      sql: """
        -- A code that was sent to a telephone; neither the number nor the code stands here.
        create table phone_code (
          purpose text not null,
          phone_hash bytea not null,
          code_hash bytea not null,
          failures integer not null default 0,
          sent_at timestamptz not null,
          expires_at timestamptz not null,
          primary key (purpose, phone_hash)
        );
        -- Which cases were evaluated: an anonymous evaluation does not say of which case it is.
        create table case_evaluated (
          case_id bigint primary key,
          evaluation_id bigint,
          at timestamptz not null
        );
        """),
    PageVisits.migration, AppointmentFerry.migration,
  ]

  /// One open appointment a person and item, whatever the code above it does.
  package static let after = [
    Migration(
      id: "0170-portal",
      sql: """
        create unique index appointment_open on appointment (user_id, item_code) where state in ('booked', 'arrived');
        """)
  ]
}
