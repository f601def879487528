import type { Knex } from 'knex'

/** Whom we told of a post by Salmon: they are told of its edits and of its end, however the post has changed since. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table told (
      post_id text collate "C" not null references posts on delete cascade,
      actor_id text collate "C" not null references actors on delete cascade,
      primary key (post_id, actor_id)
    );
  `)
}
