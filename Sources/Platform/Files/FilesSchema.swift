package import SQL

/// The tables of stored files (文件): what is kept once, and who refers to it.
package enum FilesSchema {
  package static let migrations = [
    FileMeasures.migration, FileMeasures.delays,
    Migration(
      id: "0031-files",
      sql: """
        create table file_object (
          id bigint generated always as identity primary key,
          digest text collate "C" not null,
          sealed boolean not null,
          size bigint not null,
          content_type text not null,
          location text collate "C" not null unique,
          created_at timestamptz not null,
          unique (digest, sealed)
        );
        comment on table file_object is '文件内容';

        create table file_reference (
          key text collate "C" primary key,
          object_id bigint not null references file_object,
          name text not null,
          classification bigint not null,
          entity text,
          record_id bigint,
          field text,
          created_at timestamptz not null,
          created_by bigint not null,
          attached_at timestamptz,
          released_at timestamptz
        );
        create index file_reference_object on file_reference (object_id);
        create index file_reference_record on file_reference (entity, record_id);
        create index file_reference_draft on file_reference (created_at) where attached_at is null;
        create index file_reference_released on file_reference (released_at) where released_at is not null;
        comment on table file_reference is '文件引用';
        """),
  ]
}
