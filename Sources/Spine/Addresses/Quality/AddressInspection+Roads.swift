import SQL

extension AddressInspection {
  /// What can be seen along a road: order, sides, holes, and how far a plate is from its road.
  func findAlongRoads(in transaction: Transaction) async throws {
    // Numbers of one row: those of a side, or all where a road is numbered in sequence.
    try await transaction.execute(
      """
      create temp table road_plate on commit drop as
      select a.id, a.road_id, a.kind, a.location, a.number, a.is_sided, case when a.is_sided then a.number % 2 else 0 end as side_of,
        a.place * a.metres as at, st_distancesphere(a.location, st_lineinterpolatepoint(a.line, a.place)) as aside,
        sign((st_x(w.ahead) - st_x(w.behind)) * (st_y(a.location) - st_y(w.behind))
          - (st_y(w.ahead) - st_y(w.behind)) * (st_x(a.location) - st_x(w.behind))) as hand
      from (
        select a.id, a.road_id, a.kind, a.location, substring(a.house_number from '^([0-9]{1,6})号?$')::int as number,
          r.line, r.metres, r.is_sided, st_linelocatepoint(r.line, a.location) as place
        from address a join (
          select id, st_linemerge(line) as line, st_length(line::geography) as metres,
            coalesce(numbering, 'odd_even') = 'odd_even' as is_sided
          from road where line is not null and st_geometrytype(st_linemerge(line)) = 'ST_LineString') r on r.id = a.road_id
        where a.kind in ('roadside', 'compound') and a.status <> 'cancelled' and a.location is not null
          and a.sub_number is null and a.building_number is null) a,
        lateral (select st_lineinterpolatepoint(a.line, least(a.place + 0.002, 1)) as ahead,
          st_lineinterpolatepoint(a.line, greatest(a.place - 0.002, 0)) as behind) w
      where a.number is not null
      """)
    try await transaction.execute("analyze road_plate")
    try await findDisorder(in: transaction)
    try await findWrongSides(in: transaction)
    try await findGaps(in: transaction)
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, evidence)
      select 'location', id, '离所在街巷 ' || round(aside) || ' 米' from road_plate where kind = 'roadside' and aside > 300
      """)
  }

  /// 门牌号编制错误: no figure, a number beyond the road's own, or a place that lies outside of where the three numbers
  /// before and the three behind lie, by more than 60 m.
  private func findDisorder(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, evidence)
      select 'house_number', a.id, case
          when a.house_number !~ '[0-9]' then '门牌号“' || a.house_number || '”里没有数字'
          when n.number = 0 then '门牌号是 0'
          when n.number > 9999 then '门牌号 ' || n.number || ' 过大'
          else '门牌号 ' || n.number || ' 超出街巷登记的最大门牌号 ' || r.largest_number end
      from address a cross join lateral (select substring(a.house_number from '([0-9]{1,9})')::bigint as number) n
        left join road r on r.id = a.road_id
      where a.status <> 'cancelled' and a.house_number is not null and a.kind in ('roadside', 'compound')
        and (a.house_number !~ '[0-9]' or n.number = 0 or n.number > 9999
          or n.number > substring(r.largest_number from '^([0-9]{1,9})')::bigint)
      """)
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, evidence)
      select 'house_number', id,
        '按门牌号应在' || before_number || '号和' || behind_number || '号之间，实际偏离 '
          || round(greatest(low - at, at - high)) || ' 米'
      from (
        select p.*, (select min(x) from unnest(before_at || behind_at) x) as low,
          (select max(x) from unnest(before_at || behind_at) x) as high
        from (
          select id, kind, at, array_agg(at) over b as before_at, array_agg(at) over f as behind_at,
            lag(number) over w as before_number, lead(number) over w as behind_number
          from road_plate where kind = 'roadside'
          window w as (partition by road_id, side_of order by number, id),
            b as (partition by road_id, side_of order by number, id rows between 3 preceding and 1 preceding),
            f as (partition by road_id, side_of order by number, id rows between 1 following and 3 following)) p
        where cardinality(before_at) >= 2 and cardinality(behind_at) >= 2) p
      where at < low - 60 or at > high + 60
      """)
  }

  /// 单双号错侧: at least eight plates of a parity, nearly all on one hand of the road, and this one on the other.
  private func findWrongSides(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, evidence)
      select 'parity', id, case when side_of = 0 then '双号' else '单号' end || '，而在单双号的另一侧：同侧编号的 '
        || plates || ' 块中 ' || greatest(on_left, on_right) || ' 块在街对面'
      from (
        select id, side_of, hand, count(*) over w as plates, count(*) filter (where hand > 0) over w as on_left,
          count(*) filter (where hand < 0) over w as on_right
        from road_plate where kind = 'roadside' and is_sided and aside between 4 and 60
        window w as (partition by road_id, side_of)) s
      where plates >= 8 and least(on_left, on_right) * 7 <= plates
        and hand = case when on_left > on_right then -1 else 1 end
      """)
  }

  /// 门牌号缺漏: more than nine numbers missing in an otherwise dense row, within less than 200 m.
  private func findGaps(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, other_id, evidence)
      select 'gap', id, behind_id,
        number || '号到' || behind || '号之间缺 ' || ((behind - number) / step - 1) || ' 个号，两处相距 ' || round(metres) || ' 米'
      from (
        select id, number, case when is_sided then 2 else 1 end as step, lead(id) over w as behind_id,
          lead(number) over w as behind, number - lag(number) over w as before_step,
          lag(number) over w - lag(number, 2) over w as far_step, lead(number, 2) over w - lead(number) over w as behind_step,
          st_distancesphere(location, lead(location) over w) as metres
        from road_plate window w as (partition by road_id, side_of order by number, id)) g
      where (behind - number) / step > 10 and metres < 200 and before_step is not null and behind_step is not null
        and greatest(before_step, far_step, behind_step) <= 2 * step
      """)
  }

  /// 门牌副号编制错误: no figure or one too large, far from the plate it belongs to, or without all that come before it.
  func findSubNumbers(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      create temp table sub_plate on commit drop as
      select a.id, a.sub_number, substring(a.sub_number from '([0-9]{1,9})')::bigint as number, a.location,
        regexp_replace(a.canonical_key, '\\|s[^|]*', '') as main_key
      from address a where a.sub_number is not null and a.kind = 'roadside' and a.status <> 'cancelled'
      """)
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, evidence)
      select 'sub_number', s.id, case
          when s.number is null then '副号“' || s.sub_number || '”里没有数字'
          when s.number = 0 or s.number > 500 then '副号 ' || s.number || ' 不在 1 至 500 之间'
          when m.id is not null then '离主门牌 ' || round(st_distancesphere(m.location, s.location)) || ' 米'
          else '没有主门牌，也没有更小的副号' end
      from sub_plate s left join address m on m.canonical_key = s.main_key and m.status <> 'cancelled'
      where s.number is null or s.number = 0 or s.number > 500
        or (m.id is not null and st_distancesphere(m.location, s.location) > 150)
        or (m.id is null and s.number > 1
          and not exists (select from sub_plate o where o.main_key = s.main_key and o.number < s.number))
      """)
  }
}
