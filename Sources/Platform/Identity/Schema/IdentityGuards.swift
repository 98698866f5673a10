package import SQL

/// Rules of the database on the declared registers of Identity: the tree of units, the three separated administrators
/// (三员分立), one account a name, and notifications that empty the caches.
///
/// They refer to tables that are made from declarations, so they run after those.
package enum IdentityGuards {
  package static let migrations = [
    Migration(
      id: "0900-identity-guards", sql: [tree, separation, leavers, notifications, uniqueness].joined(separator: "\n"))
  ]

  /// `unit.path` follows `parent_id`: ids from the root, each followed by a dot. A unit below itself is refused.
  private static let tree = """
    create function identity_unit_path() returns trigger language plpgsql as $$
    declare above text := '';
    begin
      if tg_op = 'UPDATE' then
        -- Two moves at once could make a circle that neither sees.
        perform pg_advisory_xact_lock(hashtext('lifang unit tree'));
      end if;
      if new.parent_id is not null then
        select path into above from unit where id = new.parent_id for share;
        if above is null then
          raise exception 'parent unit % does not exist', new.parent_id
            using errcode = 'foreign_key_violation', constraint = 'unit_parent';
        end if;
        if strpos('.' || above, '.' || new.id || '.') > 0 then
          raise exception 'unit % would be below itself', new.id
            using errcode = 'check_violation', constraint = 'unit_tree';
        end if;
      end if;
      new.path := above || new.id || '.';
      return new;
    end $$;
    create function identity_unit_moved() returns trigger language plpgsql as $$
    begin
      update unit set path = new.path || substr(path, length(old.path) + 1)
        where starts_with(path, old.path) and id <> new.id;
      return null;
    end $$;
    create trigger identity_path before insert or update of parent_id on unit
      for each row execute function identity_unit_path();
    create trigger identity_moved after update of parent_id on unit
      for each row when (old.path is distinct from new.path) execute function identity_unit_moved();
    """

  /// An account is of at most one separated kind and holds only separated roles of that kind; permissions reserved for
  /// one kind stand only in roles of that kind, and no role has a permission on every subject.
  private static let separation = """
    create function identity_user_role_separation() returns trigger language plpgsql as $$
    declare wanted text; held text;
    begin
      select separation into wanted from role where id = new.role_id for share;
      select separation into held from app_user where id = new.user_id for share;
      if wanted is not null and wanted is distinct from held then
        raise exception 'role % is for another administrator', new.role_id
          using errcode = 'check_violation', constraint = 'separated_administrators';
      end if;
      return new;
    end $$;
    create trigger identity_separation before insert or update of user_id, role_id on user_role
      for each row execute function identity_user_role_separation();

    create function identity_user_separation() returns trigger language plpgsql as $$
    begin
      if exists (select from user_role h join role r on r.id = h.role_id
          where h.user_id = new.id and r.separation is not null and r.separation is distinct from new.separation) then
        raise exception 'account % holds a role of another administrator', new.id
          using errcode = 'check_violation', constraint = 'separated_administrators';
      end if;
      return new;
    end $$;
    create trigger identity_separation before update of separation on app_user
      for each row when (old.separation is distinct from new.separation) execute function identity_user_separation();

    create function identity_role_separation() returns trigger language plpgsql as $$
    begin
      if exists (select from user_role h join app_user u on u.id = h.user_id
          where h.role_id = new.id and new.separation is not null and u.separation is distinct from new.separation)
        or exists (select from role_grant g join reserved_permission p on p.subject = g.subject
          and (g.action = '*' or p.action = g.action)
          where g.role_id = new.id and p.separation is distinct from new.separation) then
        raise exception 'role % is held by another administrator', new.id
          using errcode = 'check_violation', constraint = 'separated_administrators';
      end if;
      return new;
    end $$;
    create trigger identity_separation before update of separation on role
      for each row when (old.separation is distinct from new.separation) execute function identity_role_separation();

    create function identity_reserved_permission() returns trigger language plpgsql as $$
    declare kind text;
    begin
      select separation into kind from role where id = new.role_id for share;
      if new.subject = '*' or exists (select from reserved_permission p where p.subject = new.subject
          and (new.action = '*' or p.action = new.action) and p.separation is distinct from kind) then
        raise exception '%.% is reserved', new.subject, new.action
          using errcode = 'check_violation', constraint = 'reserved_permission';
      end if;
      return new;
    end $$;
    create trigger identity_reserved before insert or update on role_grant
      for each row execute function identity_reserved_permission();
    """

  /// What belongs to a deleted or cleared user, or to a deleted key, goes with it; a user who may not sign in is off line
  /// at once. A cleared account never comes back (B1-224).
  private static let leavers = """
    create function identity_user_status() returns trigger language plpgsql as $$
    begin
      if old.status = 'cleared' then
        raise exception 'account % is cleared', new.id
          using errcode = 'check_violation', constraint = 'account_cleared';
      end if;
      if new.status = 'cleared' then
        delete from user_role where user_id = new.id;
        delete from credential where user_id = new.id;
        delete from password_history where user_id = new.id;
        delete from second_factor where user_id = new.id;
        delete from recovery_code where user_id = new.id;
      end if;
      if new.status <> 'active' then
        delete from sign_in_challenge where user_id = new.id;
        update session set ended_at = now(), end_reason = 'account' where user_id = new.id and ended_at is null;
      end if;
      return null;
    end $$;
    create trigger identity_status after update of status on app_user
      for each row when (old.status is distinct from new.status) execute function identity_user_status();
    create function identity_user_left() returns trigger language plpgsql as $$
    begin
      delete from credential where user_id = old.id;
      delete from password_history where user_id = old.id;
      delete from second_factor where user_id = old.id;
      delete from recovery_code where user_id = old.id;
      delete from sign_in_challenge where user_id = old.id;
      update session set ended_at = now(), end_reason = 'account' where user_id = old.id and ended_at is null;
      return null;
    end $$;
    create trigger identity_left after delete on app_user
      for each row execute function identity_user_left();
    create function identity_key_left() returns trigger language plpgsql as $$
    begin
      delete from api_key_credential where key_id = old.id;
      return null;
    end $$;
    create trigger identity_left after delete on api_key
      for each row execute function identity_key_left();
    """

  /// Whatever changes a register, by form, import or hand, tells every node what to forget.
  private static let notifications = """
    create function identity_changed() returns trigger language plpgsql as $$
    begin
      perform pg_notify('identity', tg_table_name);
      return null;
    end $$;
    create function identity_users_changed() returns trigger language plpgsql as $$
    declare ids text;
    begin
      select case when count(*) > 200 then '*' else string_agg(id::text, ',') end into ids from changed;
      if ids is not null then perform pg_notify('identity', 'app_user:' || ids); end if;
      return null;
    end $$;
    create trigger identity_changed after insert or update or delete on unit
      for each statement execute function identity_changed();
    create trigger identity_changed after insert or update or delete on role
      for each statement execute function identity_changed();
    create trigger identity_changed after insert or update or delete on role_grant
      for each statement execute function identity_changed();
    create trigger identity_changed after insert or update or delete on user_role
      for each statement execute function identity_changed();
    create trigger identity_changed after insert or update or delete on api_key
      for each statement execute function identity_changed();
    create trigger identity_changed after insert or update or delete on menu_entry
      for each statement execute function identity_changed();
    create trigger identity_changed after update on app_user
      referencing new table as changed for each statement execute function identity_users_changed();
    create trigger identity_deleted after delete on app_user
      referencing old table as changed for each statement execute function identity_users_changed();
    """

  private static let uniqueness = """
    create unique index app_user_account_any_case on app_user (lower(account));
    create unique index app_user_external on app_user (external_source, external_code)
      where external_code is not null;
    create unique index unit_external on unit (external_source, external_code)
      where external_code is not null;
    create unique index user_role_once on user_role (user_id, role_id, coalesce(unit_id, 0));
    """
}
