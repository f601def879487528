import type { Knex } from 'knex'

/**
 * What pages need: sessions that can be told apart and ended, the feed that the owner named, the import of old posts; lists of feeds that
 * are being followed; indexes of what pages list; and words that are found however they are written, in any language.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(String.raw`
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
