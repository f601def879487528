import type { Knex } from 'knex'

/** What Salmon needs to know of people: when their keys were last asked for, how new their profile is, whom the owner blocked. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table actors
      -- the last time that keys were asked for because a signature was wrong
      add column keys_asked_at timestamptz,
      -- the date of the signed message from which the profile was taken
      add column profile_at timestamptz,
      add column blocked_at timestamptz;
  `)
}
