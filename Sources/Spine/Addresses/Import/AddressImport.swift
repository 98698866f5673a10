package import SQL

/// Tables behind the import of address lists: what each run did with each row, and the numbers address codes are made of.
package enum AddressImport {
  package static let migrations = [
    Migration(
      id: "0320-address-import",
      sql: """
        create table address_code_series (
          division_code text primary key,
          last bigint not null
        );
        comment on table address_code_series is '地址编码顺序号：一个区划一行，只增不减';

        create table address_import_run (
          id bigint generated always as identity primary key,
          label text not null,
          last_row bigint not null default 0,
          created bigint not null default 0,
          matched bigint not null default 0,
          doubtful bigint not null default 0,
          rejected bigint not null default 0,
          finished boolean not null default false,
          started_at timestamptz not null,
          started_by bigint not null
        );
        comment on table address_import_run is '地址导入批次';

        create table address_import_row (
          run_id bigint not null references address_import_run on delete cascade,
          row bigint not null,
          outcome text not null check (outcome in ('created', 'matched', 'doubtful', 'rejected')),
          address_id bigint,
          reason_codes text[] not null default '{}',
          reason text,
          source_text text not null,
          primary key (run_id, row)
        );
        comment on table address_import_row is '地址导入逐行结果';
        """)
  ]
}

/// How many rows of a run ended in each way.
package struct AddressImportCounts: Sendable, Hashable {
  package var created: Int64 = 0
  package var matched: Int64 = 0
  package var doubtful: Int64 = 0
  package var rejected: Int64 = 0

  package init() {}

  package var total: Int64 { created + matched + doubtful + rejected }

  mutating func count(_ outcome: AddressOutcome) {
    switch outcome {
    case .created: created += 1
    case .matched: matched += 1
    case .doubtful: doubtful += 1
    case .rejected: rejected += 1
    }
  }

  static func + (a: AddressImportCounts, b: AddressImportCounts) -> AddressImportCounts {
    var sum = a
    sum.created += b.created
    sum.matched += b.matched
    sum.doubtful += b.doubtful
    sum.rejected += b.rejected
    return sum
  }
}
