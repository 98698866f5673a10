package import SQL

/// How many addresses stand in each square of the map, by community, kept by triggers.
///
/// A tile of a whole county would otherwise count hundreds of thousands of points; from the squares it adds a few
/// thousand numbers. Because every number belongs to one community, a scope by division applies to them as it applies to
/// the addresses themselves.
package enum AddressCells {
  /// The zoom level whose tiles are the squares: about 260 m wide in Dazhou.
  static let level = 17

  package static let migration = Migration(
    id: "0310-address-cell",
    sql: """
      create table address_cell (
        x integer not null,
        y integer not null,
        division_code text not null,
        addresses bigint not null,
        longitude double precision not null,
        latitude double precision not null,
        primary key (x, y, division_code));
      comment on table address_cell is 'Sums of the positions of addresses by map square and community';

      create function lifang_address_cells() returns trigger language plpgsql as $$
      begin
        if tg_op in ('UPDATE', 'DELETE') then
          insert into address_cell as c (x, y, division_code, addresses, longitude, latitude)
          select floor((st_x(location) + 180) / 360 * 131072)::int,
            floor((1 - asinh(tan(radians(st_y(location)))) / pi()) / 2 * 131072)::int,
            division_code, -count(*), -sum(st_x(location)), -sum(st_y(location))
          from gone where location is not null group by 1, 2, 3 order by 1, 2, 3
          on conflict (x, y, division_code) do update set addresses = c.addresses + excluded.addresses,
            longitude = c.longitude + excluded.longitude, latitude = c.latitude + excluded.latitude;
        end if;
        if tg_op in ('UPDATE', 'INSERT') then
          insert into address_cell as c (x, y, division_code, addresses, longitude, latitude)
          select floor((st_x(location) + 180) / 360 * 131072)::int,
            floor((1 - asinh(tan(radians(st_y(location)))) / pi()) / 2 * 131072)::int,
            division_code, count(*), sum(st_x(location)), sum(st_y(location))
          from come where location is not null group by 1, 2, 3 order by 1, 2, 3
          on conflict (x, y, division_code) do update set addresses = c.addresses + excluded.addresses,
            longitude = c.longitude + excluded.longitude, latitude = c.latitude + excluded.latitude;
        end if;
        return null;
      end $$;
      """)

  /// Attaches the triggers to the address table, which comes from its declaration.
  package static let triggers = Migration(
    id: "0311-address-cell-triggers",
    sql: """
      create trigger address_cells_insert after insert on address
        referencing new table as come for each statement execute function lifang_address_cells();
      create trigger address_cells_update after update on address
        referencing old table as gone new table as come for each statement execute function lifang_address_cells();
      create trigger address_cells_delete after delete on address
        referencing old table as gone for each statement execute function lifang_address_cells();
      """)

  /// The conditions of a data scope on the squares; `nil` when the scope cannot be told from them.
  static func scope(divisions: [String], all: Bool) -> SQL? {
    if all { return "true" }
    guard !divisions.isEmpty else { return nil }
    return SQL.join(
      divisions.map { code in "left(c.division_code, \(unsafe: String(code.utf8.count))) = \(code)" },
      separator: " or ")
  }
}
