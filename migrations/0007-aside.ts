import type { Knex } from 'knex'

/** What an address refuses to take again and again waits by itself, so that it keeps nothing else waiting (W10). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- until then the delivery is passed over, and what comes after it is sent
    alter table deliveries add column aside_until timestamptz;
    create index deliveries_aside on deliveries (aside_until) where aside_until is not null and state = 'waiting';
  `)
}
