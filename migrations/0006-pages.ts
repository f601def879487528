import type { Knex } from 'knex'

/**
 * What the owner's pages need: sessions that can be told apart and ended, the feed that the owner named, the import of old posts; lists
 * of feeds that are being followed, and indexes of what pages list.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
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
  `)
}
