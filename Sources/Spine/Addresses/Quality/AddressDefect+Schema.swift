package import SQL

extension AddressDefect {
  /// Functions that the inspection's statements are written with; they refer to declared tables.
  package static let migration = Migration(
    id: "0340-address-quality",
    sql: """
      -- Whether two codes are one division, or one lies in the other, down to so many digits; unknown ones agree.
      create function lifang_same_division(a text, b text, digits int) returns boolean
        language sql immutable parallel safe as
        $$ select coalesce(left(a, least(length(a), length(b), digits)) = left(b, least(length(a), length(b), digits)), true) $$;

      -- Numbers of reports whose sender gave none.
      create sequence address_report_number;

      create function lifang_division(code text) returns text language sql stable parallel safe as
        $$ select '“' || coalesce((select d.name from division d where d.code = $1), $1) || '”' $$;
      """)
}
