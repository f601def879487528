import type { Knex } from 'knex'

/** What the owner's pages need: sessions that can be told apart and ended, the feed that the owner named, the import of old posts. */
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
  `)
}
