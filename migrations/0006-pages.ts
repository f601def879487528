import type { Knex } from 'knex'

/**
 * What the owner's and the visitor's pages need to know, and to find quickly: sessions that can be told apart and ended, the feed that
 * the owner named, the import of old posts, lists of feeds that are being followed, where each post went, what was refused; and words
 * that are found however they are written, in any language.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(String.raw`
    -- sessions that can be told apart and ended
    alter table sessions
      add column id uuid not null default gen_random_uuid(),
      -- the browser, in two words; and when it was seen last, to within a day
      add column browser text,
      add column used_at timestamptz not null default now();

    alter table blogs
      -- the owner named it: no other is looked for
      add column fixed_feed text,
      -- how far it is, see OldImport of src/model/blog.ts
      add column old_import jsonb;

    -- a list of whom to follow, and what came of each
    create table imports (
      id text collate "C" primary key,
      account_id text collate "C" not null references actors on delete cascade,
      name text,
      digest text not null,
      created_at timestamptz not null,
      ended_at timestamptz
    );
    -- the same list at the same time is one
    create unique index on imports (account_id, digest) where ended_at is null;
    create index on imports (created_at desc);
    create table import_items (
      import_id text collate "C" not null references imports on delete cascade,
      place integer not null,
      who text not null,
      title text,
      state text not null default 'waiting',
      tries integer not null default 0,
      due_at timestamptz not null,
      claimed_until timestamptz,
      actor_id text collate "C" references actors on delete set null,
      why text,
      primary key (import_id, place)
    );
    create index on import_items (due_at) where state = 'waiting';
    create index on import_items (import_id) where state = 'waiting';
    create index on import_items (actor_id) where actor_id is not null;

    -- whom an account follows, newest first
    create index on follows (follower_id, created_at desc, followed_id desc);
    create index on verdicts (verdict, at desc, subject);
    -- threads are climbed down by it alone, without looking at the posts
    drop index posts_parent_id_idx;
    create index on posts (parent_id, id, author_id) where parent_id is not null;

    -- the post that a document tells of: so the log finds where a post went
    alter table documents add column post_id text collate "C";
    create index on documents (post_id) where post_id is not null;

    -- those of one document lie side by side; smaller steps find them without reading all that went out in two weeks
    drop index deliveries_document_id_idx;
    create index on deliveries using brin (document_id) with (pages_per_range = 16, autosummarize = on);

    -- external hubs, and how our last pings of them went; a ping names a topic and no post
    create table pings (
      hub text not null,
      topic text not null,
      pinged_at timestamptz not null,
      succeeded_at timestamptz,
      status integer, error text,
      primary key (hub, topic)
    );

    alter table subscriptions
      -- atom, entry, rss or json, as it was read last
      add column format text,
      -- 3: it is gone, 2: it cannot be read, 1: it is read, but its hub does not push, 0: all is well
      add column trouble smallint not null generated always as (
        case when state = 'gone' then 3 when poll_failures > 0 then 2
          when state in ('denied', 'expired') or bad_signatures > 0 or news_missed > 0 then 1
          when state in ('polling', 'asking') and hub is not null and ask_failures > 1 then 1 else 0 end) stored;
    create index on subscriptions (trouble desc, id desc);

    create index on follows (followed_id, created_at desc, follower_id desc);
    create index on recipients (failing_since, host) where failing_since is not null;
    -- whose it is where something was delivered to
    create index on actors (inbox_url) where inbox_url is not null;
    create index on actors (salmon_url) where salmon_url is not null;

    -- what was refused of what came in, each kind of each sender once; the newest stay
    create table refusals (
      id bigint generated always as identity primary key,
      way text not null,
      who text not null,
      code text not null,
      -- somebody whom we know: strangers without number push none of these out
      known boolean not null,
      host text, path text not null,
      status integer not null, sentence text not null,
      times integer not null default 1,
      first_at timestamptz not null, at timestamptz not null,
      unique (way, who, code)
    );
    create index on refusals (known, at desc, id desc);

    -- a text as the search reads it, of posts and of what is looked for: small letters without their marks, and signs of writing without
    -- spaces (Chinese, Japanese, Thai …) each as a word of its own
    create function search_text(text) returns text language sql immutable parallel safe return
      regexp_replace(
        regexp_replace(normalize(lower(normalize($1, NFKC)), NFD), '[\u0300-\u036f]+', '', 'g'),
        '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])', ' \1 ', 'g');

    alter table posts drop column search;
    alter table posts add column search tsvector
      generated always as (to_tsvector('simple', search_text(coalesce(title, '') || ' ' || body_text))) stored;
    create index on posts using gin (search);

    -- what people tell of themselves as a table: [{name, html}]
    alter table actors add column fields jsonb;

    -- from:somebody
    create index on actors (lower(username));
    create index on actors (lower(display_name));
  `)
}
