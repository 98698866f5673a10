package import SQL

/// The tables of messages (消息).
package enum MessagingSchema {
  package static let migrations = [
    Migration(
      id: "0065-messages",
      sql: """
        -- What was said to one recipient; for users with the in-site channel it stands in their box.
        create table message (
          id bigint generated always as identity primary key,
          template text collate "C" not null,
          label text not null,
          priority text collate "C" not null check (priority in ('urgent', 'normal', 'low')),
          -- user:12, or phone: and email: with a keyed fingerprint of the address
          recipient text collate "C" not null,
          user_id bigint,
          dedupe text collate "C" not null,
          -- sealed: title, texts, link and address
          content bytea not null,
          holds_at_night boolean not null,
          in_box boolean not null,
          created_at timestamptz not null,
          read_at timestamptz,
          unique (template, dedupe, recipient)
        );
        create index message_of_user on message (user_id, created_at desc, id desc) where in_box;
        create index message_unread on message (user_id) where in_box and read_at is null;
        create index message_age on message (created_at);
        comment on table message is '消息';

        -- The outbox: one message by one channel.
        create table message_delivery (
          id bigint generated always as identity primary key,
          message_id bigint not null references message on delete cascade,
          channel text collate "C" not null check (channel in ('site', 'sms', 'email', 'wechat')),
          state text collate "C" not null
            check (state in ('queued', 'sent', 'delivered', 'failed', 'expired', 'skipped')),
          rank bigint not null,
          run_at timestamptz not null,
          expires_at timestamptz,
          attempt bigint not null default 0,
          -- tries made before somebody asked for the delivery to be repeated
          earlier bigint not null default 0,
          worker text,
          lease_until timestamptz,
          reason text,
          -- 138****5678
          masked_address text,
          -- what the gateway calls it
          reference text,
          sent_at timestamptz,
          finished_at timestamptz,
          unique (message_id, channel)
        );
        create index message_delivery_queue on message_delivery (rank desc, run_at, id) where state = 'queued';
        create index message_delivery_expiry on message_delivery (expires_at)
          where state = 'queued' and expires_at is not null;
        create index message_delivery_reference on message_delivery (channel, reference) where reference is not null;
        create index message_delivery_state on message_delivery (state, id desc);
        comment on table message_delivery is '消息发送';

        create table message_attempt (
          delivery_id bigint not null references message_delivery on delete cascade,
          attempt bigint not null,
          worker text not null,
          started_at timestamptz,
          finished_at timestamptz not null,
          outcome text collate "C" not null check (outcome in ('sent', 'failed', 'lost')),
          reason text,
          primary key (delivery_id, attempt)
        );
        comment on table message_attempt is '消息发送记录';

        -- What somebody does not want, except urgent messages.
        create table message_refusal (
          user_id bigint not null,
          channel text collate "C" not null check (channel in ('sms', 'email', 'wechat')),
          primary key (user_id, channel)
        );
        comment on table message_refusal is '不接收的渠道';

        -- Addresses that the register of users does not hold: e-mail and WeChat, sealed.
        create table message_address (
          user_id bigint not null,
          channel text collate "C" not null check (channel in ('email', 'wechat')),
          address bytea not null,
          confirmed_at timestamptz not null,
          primary key (user_id, channel)
        );
        comment on table message_address is '消息地址';

        -- An address that somebody says is theirs, until the code that was sent there is typed in.
        create table message_address_claim (
          user_id bigint not null,
          channel text collate "C" not null check (channel in ('email')),
          address bytea not null,
          code_hash bytea not null,
          failures bigint not null default 0,
          expires_at timestamptz not null,
          primary key (user_id, channel)
        );
        comment on table message_address_claim is '待确认的消息地址';
        """),
    Migration(
      id: "0077-message-gateways",
      sql: """
        -- The code of the gateway that took it over, where a channel has several.
        alter table message_delivery add column via text collate "C";
        -- What a channel sent in the last minute.
        create index message_delivery_sent on message_delivery (channel, sent_at) where sent_at is not null;
        create index message_person on message (user_id, id) where user_id is not null;
        """),
  ]
}
