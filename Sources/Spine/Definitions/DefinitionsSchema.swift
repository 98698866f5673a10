package import SQL

/// The tables of drafts and published definitions.
package enum DefinitionsSchema {
  package static let migrations = [
    Migration(
      id: "0070-definitions",
      sql: """
        -- One draft for each definition; a trial belongs to the text it was made with.
        create table definition_draft (
          kind text not null check (kind in ('process', 'item', 'materials', 'calendar', 'message')),
          name text not null,
          content text not null,
          base integer not null,
          updated_at timestamptz not null,
          updated_by bigint not null,
          trial jsonb,
          trial_digest bytea,
          primary key (kind, name)
        );
        -- What was published: never changed, never deleted.
        create table definition_release (
          kind text not null check (kind in ('process', 'item', 'materials', 'calendar', 'message')),
          name text not null,
          version integer not null check (version > 0),
          content text not null,
          note text not null,
          drafted_by bigint not null,
          published_by bigint not null,
          published_at timestamptz not null,
          primary key (kind, name, version)
        );
        -- Which version is in force since when; the latest row of a definition counts, version 0 is what was delivered.
        create table definition_force (
          id bigint generated always as identity primary key,
          kind text not null,
          name text not null,
          version integer not null,
          rollback boolean not null,
          at timestamptz not null,
          by bigint not null,
          note text not null
        );
        create index definition_force_name on definition_force (kind, name, id desc);
        """)
  ]
}
