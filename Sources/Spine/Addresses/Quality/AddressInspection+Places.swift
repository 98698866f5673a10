import SQL

extension AddressInspection {
  /// 室号编制错误: the storey that the number says is not that of the room, or higher than its building; more doors than the
  /// unit has.
  func findRooms(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, evidence)
      select 'room_number', a.id, concat_ws('；',
        case when said.floor <> own.floor then '室号“' || a.room || '”在 ' || said.floor || ' 层，登记在 ' || own.floor || ' 层' end,
        case when said.floor > b.storeys then '室号“' || a.room || '”在 ' || said.floor || ' 层，楼栋只有 ' || b.storeys || ' 层' end,
        case when said.door = 0 then '室号“' || a.room || '”的户序是 0'
          when said.door > u.rooms_per_storey then '室号“' || a.room || '”是第 ' || said.door || ' 户，单元每层只有 '
            || u.rooms_per_storey || ' 户' end)
      from address a
        join room r on r.address_id = a.id
        left join building b on b.id = r.building_id
        left join building_unit u on u.id = r.unit_id
        cross join lateral (select substring(a.room from '^([0-9]{3,5})室?$') as digits) d
        cross join lateral (select left(digits, -2)::int as floor, right(digits, 2)::int as door) said
        cross join lateral (select coalesce(substring(a.floor from '^(-?[0-9]{1,3})')::int, r.floor) as floor) own
      where a.kind = 'room' and a.status <> 'cancelled' and d.digits is not null
        and (said.floor <> own.floor or said.floor > b.storeys or said.door = 0 or said.door > u.rooms_per_storey)
      """)
  }

  /// 所属区划错误: the division is another than that of the road (down to the town), the compound, the grid or the address
  /// above.
  func findDivisions(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, evidence)
      select 'division', id, concat_ws('；',
        case when not lifang_same_division(own, road, 9) then '街巷“' || road_name || '”属于' || lifang_division(road) end,
        case when not lifang_same_division(own, compound, 15) then '小区“' || compound_name || '”属于' || lifang_division(compound) end,
        case when not lifang_same_division(own, grid, 15) then '网格“' || grid_name || '”属于' || lifang_division(grid) end,
        case when not lifang_same_division(own, above, 15) then '上级地址属于' || lifang_division(above) end)
        || '，地址写在' || lifang_division(own)
      from (
        select a.id, a.division_code as own, r.division_code as road, r.name as road_name, c.division_code as compound,
          c.name as compound_name, g.division_code as grid, g.name as grid_name, p.division_code as above
        from address a left join road r on r.id = a.road_id left join compound c on c.id = a.compound_id
          left join grid g on g.id = a.grid_id left join address p on p.id = a.parent_id
        where a.status <> 'cancelled') a
      where not (lifang_same_division(own, road, 9) and lifang_same_division(own, compound, 15)
        and lifang_same_division(own, grid, 15) and lifang_same_division(own, above, 15))
      """)
  }

  /// 位置在区划之外, by more than 50 m: of the community, else of the widest division that has a boundary. 位置错误: more
  /// than 150 m from the building or unit it is in.
  func findPlaces(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, evidence)
      select 'outside', id, '位置在' || name || '的界线之外 ' || round(metres) || ' 米'
      from (
        select a.id, d.name, st_distancesphere(a.location, st_closestpoint(d.boundary, a.location)) as metres
        from address a cross join lateral (
          select d.name, d.boundary from division d
          where d.code in (a.division_code, left(a.division_code, 12), left(a.division_code, 9), left(a.division_code, 6))
            and d.boundary is not null
          order by length(d.code) desc limit 1) d
        where a.status <> 'cancelled' and a.location is not null and a.kind <> 'room'
          and not st_intersects(d.boundary, a.location)) o
      where metres > 50
      """)
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, evidence)
      select 'location', a.id, '离上级地址 ' || round(st_distancesphere(a.location, p.location)) || ' 米'
      from address a join address p on p.id = a.parent_id
      where a.status <> 'cancelled' and a.kind in ('unit', 'room') and st_distancesphere(a.location, p.location) > 150
      """)
  }
}
