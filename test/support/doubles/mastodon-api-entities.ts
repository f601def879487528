/** What the API of Mastodon answers: the entities with every field that its documents name (optional ones only where they apply). */

export type Visibility = 'public' | 'unlisted' | 'private' | 'direct'
export type Approval = { automatic: string[]; manual: string[]; current_user: string }
export type Field = { name: string; value: string; verified_at: string | null }
export type Emoji = { shortcode: string; url: string; static_url: string; visible_in_picker: boolean }

export type Account = {
  id: string
  username: string
  /** Without a host for those who live here. */
  acct: string
  url: string | null
  uri: string
  display_name: string
  note: string
  avatar: string
  avatar_static: string
  avatar_description: string
  header: string
  header_static: string
  header_description: string
  locked: boolean
  fields: Field[]
  emojis: Emoji[]
  bot: boolean
  group: boolean
  discoverable: boolean | null
  indexable: boolean
  noindex?: boolean
  moved?: Account
  memorial?: boolean
  suspended?: boolean
  limited?: boolean
  created_at: string
  last_status_at: string | null
  statuses_count: number
  followers_count: number
  following_count: number
  hide_collections: boolean | null
  show_media: boolean
  show_media_replies: boolean
  show_featured: boolean
  roles: { id: string; name: string; color: string }[] | null
  feature_approval: Approval
}

export type CredentialAccount = Account & {
  source: {
    attribution_domains: string[]
    note: string
    fields: Field[]
    privacy: Visibility
    sensitive: boolean
    language: string
    follow_requests_count: number
    hide_collections: boolean
    discoverable: boolean
    indexable: boolean
    quote_policy: string
  }
  role: { id: string; name: string; permissions: string; color: string; highlighted: boolean }
}

export type Status = {
  id: string
  uri: string
  created_at: string
  edited_at: string | null
  account: Account
  content: string
  visibility: Visibility
  sensitive: boolean
  spoiler_text: string
  media_attachments: object[]
  application?: { name: string; website: string | null }
  mentions: { id: string; username: string; url: string; acct: string }[]
  tags: { name: string; url: string }[]
  emojis: Emoji[]
  reblogs_count: number
  favourites_count: number
  quotes_count: number
  replies_count: number
  url: string | null
  in_reply_to_id: string | null
  in_reply_to_account_id: string | null
  reblog: Status | null
  poll: object | null
  card: object | null
  language: string | null
  /** The source, in the answer to a DELETE alone. */
  text?: string
  quote: object | null
  quote_approval: Approval
  tagged_collections: object[]
  /** These six for whoever is signed in; `pinned` for the author. */
  favourited?: boolean
  reblogged?: boolean
  muted?: boolean
  bookmarked?: boolean
  pinned?: boolean
  filtered?: object[]
}

export type Context = { ancestors: Status[]; descendants: Status[] }

/** @param settings what the server allows @param contact shown as the one to write to */
export function instanceV2(host: string, settings: { maxCharacters: number; charactersPerUrl: number; old: boolean }, contact: Account) {
  return {
    domain: host,
    title: 'Stand-in',
    version: settings.old ? '4.2.0' : '4.5.0',
    source_url: 'https://github.com/mastodon/mastodon',
    description: 'Not a real server.',
    usage: { users: { active_month: 1 } },
    thumbnail: { url: contact.header, description: '', blurhash: null, versions: {} },
    icon: [{ src: contact.avatar, size: '36x36' }],
    languages: ['en'],
    configuration: {
      urls: { streaming: `wss://${host}`, status: null, about: null, privacy_policy: null, terms_of_service: null },
      vapid: { public_key: 'none' },
      accounts: { max_featured_tags: 10, max_pinned_statuses: 5 },
      statuses: statusesConfiguration(settings),
      media_attachments: { supported_mime_types: [], image_size_limit: 16777216, image_matrix_limit: 33177600 },
      polls: { max_options: 4, max_characters_per_option: 50, min_expiration: 300, max_expiration: 2629746 },
      translation: { enabled: false },
      limited_federation: false
    },
    registrations: { enabled: false, approval_required: false, reason_required: false, message: null, min_age: null, url: null },
    ...(settings.old ? {} : { api_versions: { mastodon: 7 } }),
    contact: { email: `staff@${host}`, account: contact },
    rules: []
  }
}

/** The shape before 4.0, which newer servers answer too. */
export function instanceV1(host: string, settings: { maxCharacters: number; charactersPerUrl: number; old: boolean }, contact: Account) {
  const { title, description, version, configuration } = instanceV2(host, settings, contact)
  const { accounts, statuses, media_attachments, polls } = configuration
  return {
    uri: host,
    title,
    short_description: description,
    description: '',
    email: `staff@${host}`,
    version,
    urls: { streaming_api: `wss://${host}` },
    stats: { user_count: 1, status_count: 1, domain_count: 1 },
    thumbnail: contact.header,
    languages: ['en'],
    registrations: false,
    approval_required: false,
    invites_enabled: false,
    configuration: { accounts, statuses, media_attachments, polls },
    contact_account: contact,
    rules: []
  }
}

const statusesConfiguration = ({ maxCharacters, charactersPerUrl }: { maxCharacters: number; charactersPerUrl: number }) => ({
  max_characters: maxCharacters,
  max_media_attachments: 4,
  characters_reserved_per_url: charactersPerUrl
})
