import type { Knex } from 'knex'

/** Blogs and their posts, the one toot of each, what is answered to it, and what the owner decided of answers. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table blogs (
      account_id text collate "C" primary key references actors on delete cascade,
      url text not null,
      feed_url text, sitemap_url text, title text, icon text, language text,
      since timestamptz not null,
      found_at timestamptz, find_at timestamptz, sitemap_at timestamptz,
      error text
    );
    create index on blogs (find_at) where find_at is not null;

    -- every address under which a page of a blog is known, without its scheme; canonical: the key of the one address of that page
    create table pages (
      key text collate "C" primary key,
      canonical text collate "C" not null,
      account_id text collate "C" not null references actors on delete cascade,
      modified_at timestamptz
    );
    create index on pages (canonical);

    -- posts of blogs: one row for one post, whatever found it
    create table entries (
      key text collate "C" primary key,
      account_id text collate "C" not null references actors on delete cascade,
      url text not null,
      guid text,
      post_id text collate "C" not null unique references posts on delete cascade,
      source text not null,
      news boolean not null,
      seen_at timestamptz not null,
      announce_at timestamptz, told_at timestamptz,
      check_at timestamptz, missing_at timestamptz,
      unique (account_id, guid)
    );
    create index on entries (check_at) where check_at is not null;

    create table toots (
      key text collate "C" primary key,
      account_id text collate "C" not null references actors on delete cascade,
      url text not null,
      state text not null,
      toot_id text, toot_url text, host text, username text,
      visibility text, text text, title_from text, asked text,
      due_at timestamptz,
      claim text, claimed_until timestamptz, attempts integer not null default 0,
      created_at timestamptz not null,
      tooted_at timestamptz,
      status integer, error text,
      edit_at timestamptz, edit_failures integer not null default 0,
      poll_at timestamptz, polled_at timestamptz, poll_failures integer not null default 0,
      favourites integer not null default 0, shares integer not null default 0
    );
    create index on toots (account_id, tooted_at) where tooted_at is not null;
    create index on toots (due_at) where due_at is not null;
    create index on toots (edit_at) where edit_at is not null;
    create index on toots (poll_at) where poll_at is not null;
    create unique index on toots (claim) where claim is not null;
    create index on toots (account_id, state);

    -- the owner's account on a Mastodon server; secrets are sealed
    create table connections (
      account_id text collate "C" primary key references actors on delete cascade,
      host text not null,
      token text not null,
      client_id text, client_secret text, scope text,
      mastodon_id text, username text, url text, avatar text,
      state text not null default 'ok', error text,
      connected_at timestamptz not null
    );
    -- a connection that somebody is about to allow in a browser
    create table authorisations (
      hash text primary key,
      account_id text collate "C" not null references actors on delete cascade,
      host text not null,
      sealed text not null,
      expires_at timestamptz not null
    );

    -- what the server of a toot tells of its thread
    create table answers (
      toot text collate "C" not null references toots on update cascade on delete cascade,
      id text not null,
      uri text not null, url text not null, parent_id text,
      handle text not null, person jsonb not null,
      html text not null, language text,
      published timestamptz not null, updated timestamptz,
      visibility text not null,
      primary key (toot, id)
    );
    create index on answers (uri);
    create table reactions (
      toot text collate "C" not null references toots on update cascade on delete cascade,
      verb text not null,
      handle text not null,
      person jsonb not null,
      primary key (toot, verb, handle)
    );

    -- what the owner decided: of a comment by its URI, of a person by acct: or URI, of a host by host:
    create table verdicts (
      subject text primary key,
      verdict text not null,
      at timestamptz not null,
      -- before it was hidden or blocked, which may be taken back
      was_approved boolean not null default false
    );

    create index on posts using gin (mentions) where deleted_at is null;

    create table pictures (
      id text collate "C" primary key,
      url text not null unique,
      type text, body bytea, etag text,
      fetched_at timestamptz, used_at timestamptz,
      error text
    );
    create index on pictures (used_at) where body is not null;
  `)
}
