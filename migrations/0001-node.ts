import type { Knex } from 'knex'

/** Everyone seen, what they said, who follows whom; subscriptions both ways; what is to be delivered. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table settings (name text primary key, value jsonb not null);

    -- everyone seen; an account is an actor with a local_name
    create table actors (
      id text collate "C" primary key,
      uri text not null unique,
      acct text unique,
      local_name text unique,
      kind text not null default 'person',
      username text, display_name text, bio text, url text, avatar jsonb, location text, homepage text,
      feed_url text, salmon_url text,
      keys jsonb not null default '[]', keys_at timestamptz,
      magic_key text, private_key text,
      trusted boolean not null default false,
      trace jsonb,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      removed_at timestamptz
    );
    -- every confirmed name by which somebody is found: acct:user@host, URIs, profile pages
    create table actor_names (
      name text primary key,
      actor_id text collate "C" not null references actors on delete cascade
    );
    create index on actor_names (actor_id);

    create table follows (
      follower_id text collate "C" not null references actors on delete cascade,
      followed_id text collate "C" not null references actors on delete cascade,
      via text not null,
      uri text,
      created_at timestamptz not null default now(),
      primary key (follower_id, followed_id)
    );
    create index on follows (followed_id);

    -- posts and shares of everybody; a dead one keeps its row, without content
    create table posts (
      id text collate "C" primary key,
      uri text not null,
      author_id text collate "C" not null references actors on delete cascade,
      verb text not null default 'post',
      kind text not null default 'note',
      url text, entry_url text, activity_url text,
      title text, html text not null default '', body_text text not null default '', warning text, language text,
      published_at timestamptz not null,
      updated_at timestamptz not null,
      received_at timestamptz not null default now(),
      sorted_at timestamptz not null,
      in_reply_to text, in_reply_to_url text,
      parent_id text collate "C" references posts on delete set null,
      conversation text,
      mentions text[] not null default '{}',
      tags text[] not null default '{}',
      enclosures jsonb not null default '[]',
      visibility text not null default 'public',
      sensitive boolean not null default false,
      rightful boolean not null default true,
      shared_id text collate "C" references posts on delete set null,
      quoted jsonb,
      edits integer not null default 0,
      deleted_at timestamptz,
      search tsvector generated always as (to_tsvector('simple', coalesce(title, '') || ' ' || body_text)) stored,
      unique (author_id, uri)
    );
    create index on posts (uri);
    create index on posts (url) where url is not null;
    create index on posts (sorted_at desc, id desc) where deleted_at is null;
    create index on posts (author_id, sorted_at desc, id desc) where deleted_at is null;
    create index on posts (author_id, id desc) where deleted_at is null;
    create index on posts (in_reply_to) where in_reply_to is not null and parent_id is null;
    create index on posts (parent_id) where parent_id is not null;
    create index on posts (shared_id) where shared_id is not null;
    create index on posts ((quoted->>'uri')) where quoted is not null and shared_id is null;
    create index on posts (conversation) where conversation is not null;
    create index on posts (received_at);
    create index on posts using gin (search);

    create table post_versions (
      post_id text collate "C" not null references posts on delete cascade,
      number integer not null,
      title text, html text not null, updated_at timestamptz not null,
      replaced_at timestamptz not null default now(),
      primary key (post_id, number)
    );

    -- favourites, follows and the like, told apart from posts; each once, whatever id it bore
    create table acts (
      actor_id text collate "C" not null references actors on delete cascade,
      verb text not null,
      object text not null,
      uri text,
      post_id text collate "C" references posts on delete set null,
      acted_at timestamptz not null,
      undone boolean not null default false,
      received_at timestamptz not null default now(),
      primary key (actor_id, verb, object)
    );
    create index on acts (post_id) where post_id is not null;
    create index on acts (object);

    -- a delete counts also when it comes before the post
    create table tombstones (
      author_id text collate "C" not null references actors on delete cascade,
      uri text not null,
      deleted_at timestamptz not null,
      primary key (author_id, uri)
    );

    -- we, at theirs: one row a feed that is read, pushed or polled
    create table subscriptions (
      id text collate "C" primary key,
      actor_id text collate "C" references actors on delete set null,
      url text not null,
      topic text not null unique,
      hubs text[] not null default '{}',
      hub text,
      fixed_hub text,
      state text not null default 'polling',
      token_hash text not null unique,
      token text not null,
      secret text not null,
      next_secret text,
      verify_token text,
      pending_mode text, pending_at timestamptz,
      lease_seconds bigint, expires_at timestamptz,
      ask_at timestamptz, ask_failures integer not null default 0,
      verified_at timestamptz, pushed_at timestamptz, bad_signatures integer not null default 0,
      etag text, last_modified text,
      polled_at timestamptz, poll_at timestamptz, poll_failures integer not null default 0,
      news_at timestamptz, news_missed integer not null default 0,
      older_url text, older_pages integer not null default 0,
      status integer, error text,
      ended_at timestamptz,
      created_at timestamptz not null default now()
    );
    create index on subscriptions (actor_id);
    create index on subscriptions (poll_at) where poll_at is not null;
    create index on subscriptions (ask_at) where ask_at is not null;

    -- pushed documents, as they came, until they have been read
    create table pushes (
      id bigint generated always as identity primary key,
      subscription_id text collate "C" not null references subscriptions on delete cascade,
      body bytea not null,
      content_type text,
      received_at timestamptz not null default now()
    );
    create index on pushes (subscription_id, id);

    -- an address to which things are delivered, and how it is doing
    create table recipients (
      id bigint generated always as identity primary key,
      kind text not null,
      url text not null,
      host text not null,
      retry_at timestamptz, failures integer not null default 0, failing_since timestamptz,
      slow boolean not null default false,
      succeeded_at timestamptz, status integer, error text,
      unique (kind, url)
    );
    create index on recipients (retry_at) where retry_at is not null;

    -- who works on which address; worth nothing after a crash of the database, so it is not logged
    create unlogged table claims (
      recipient_id bigint primary key,
      claimed_by integer not null,
      claimed_until timestamptz not null
    );

    -- they, at our hub
    create table subscribers (
      id bigint generated always as identity primary key,
      topic text not null,
      topic_asked text not null,
      callback text not null,
      recipient_id bigint not null references recipients on delete cascade,
      secret text,
      method text not null,
      lease_seconds integer not null,
      expires_at timestamptz not null,
      verified_at timestamptz not null,
      created_at timestamptz not null default now(),
      unique (topic, callback)
    );
    create index on subscribers (recipient_id);
    create index on subscribers (expires_at);

    -- requests at our hub that must still be verified
    create table verifications (
      id bigint generated always as identity primary key,
      version integer not null default 1,
      mode text not null,
      topic text not null, topic_asked text not null, callback text not null, host text not null,
      secret text, method text not null, lease_seconds integer, verify_token text,
      attempts integer not null default 0,
      due_at timestamptz not null default now(), failed_at timestamptz,
      claimed_by integer, claimed_until timestamptz,
      created_at timestamptz not null default now(),
      unique (topic, callback)
    );
    create index on verifications (due_at);
    create index on verifications (host, created_at);

    -- topics of others that an open hub serves
    create table topics (
      url text primary key,
      etag text, last_modified text, hash text, fetched_at timestamptz,
      fetch_wanted boolean not null default false, claimed_until timestamptz,
      window_at timestamptz, window_fetches integer not null default 0,
      status integer, error text
    );

    -- what is delivered: the same bytes for everybody
    create table documents (
      id bigint generated always as identity primary key,
      key text not null unique,
      topic text not null,
      content_type text not null,
      body bytea not null,
      links text,
      created_at timestamptz not null default now()
    );

    -- no foreign keys: thousands of rows come at once, and each key would be looked up for each of them
    create table deliveries (
      id bigint generated always as identity primary key,
      recipient_id bigint not null,
      subscriber_id bigint,
      document_id bigint not null,
      state text not null default 'waiting',
      attempts integer not null default 0,
      created_at timestamptz not null default now(),
      done_at timestamptz,
      status integer,
      error text
    );
    create index deliveries_waiting on deliveries (recipient_id, id) where state = 'waiting';
    create index deliveries_failed on deliveries (id) where state in ('failed', 'dropped');
    create index on deliveries using brin (document_id);
    create index on deliveries using brin (created_at);

    create table sessions (
      hash text primary key,
      kind text not null,
      csrf text,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    create index on sessions (expires_at);
  `)
}
