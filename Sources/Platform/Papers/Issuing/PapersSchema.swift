package import SQL

/// The tables of documents on paper (证照).
package enum PapersSchema {
  /// Refers to the ledger, so it comes after the declared tables.
  package static let after = [
    Migration(
      id: "0171-document-setting",
      sql: """
        -- Issued documents whose file is still to be set: written with the entry, gone with the file.
        create table document_setting (
          document_id bigint primary key references issued_document (id),
          -- sealed: the values that the document was issued with
          content bytea not null,
          run_at timestamptz not null,
          tries bigint not null default 0
        );
        create index document_setting_due on document_setting (run_at);
        comment on table document_setting is '待制证照';
        """)
  ]
}
