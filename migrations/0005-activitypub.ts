import type { Knex } from 'knex'

/** What ActivityPub needs to know of people: where they are reached, and by which keys they sign. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table actors
      -- the best protocol by which they were met: it only rises (X19)
      add column speaks text not null default 'ostatus',
      add column inbox_url text,
      add column shared_inbox_url text,
      add column followers_url text,
      add column outbox_url text,
      -- [{id, pem}], and when their document was read last
      add column signing_keys jsonb not null default '[]',
      add column document_at timestamptz,
      add column moved_to text,
      add column also_known_as text[] not null default '{}',
      -- false: they do not want to be found by searching (FEP-5feb)
      add column indexable boolean;

    create index on follows (followed_id, follower_id);
    -- the same post by two protocols (X13)
    create index on posts (activity_url) where activity_url is not null;
  `)
}
