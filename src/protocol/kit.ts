/**
 * The kit of a blog: the files and lines by which a handle works on the blog's own domain, and the blog's pages and feed lead to the node
 * (requirements.md W1, W2). Only what each kind of host can do: a redirect with its query where there are any, else files that stand there
 * alone.
 */
import type { Descriptor } from '../model/activity.ts'
import { staticHostDescriptor } from './descriptor.ts'
import { writeJrd } from './jrd.ts'
import { escapeXml } from './xml.ts'
import { writeXrd } from './xrd.ts'

/** The kinds of host, in the order in which they are offered. */
export const KIT_HOSTS = ['netlify', 'cloudflare', 'nginx', 'apache', 'caddy', 'github-pages', 'plain'] as const
export type KitHost = (typeof KIT_HOSTS)[number]

export const isKitHost = (text: string): text is KitHost => (KIT_HOSTS as readonly string[]).includes(text)

/** What a kit is made of. Addresses of the node, then of the blog. */
export type KitFacts = {
  /** PUBLIC_URL. */
  origin: string
  /** URI of the account. */
  uri: string
  hub: string
  /** The account's own feed, which is named where the blog has none. */
  nodeFeed: string
  /** `blog@blog.example`, the handle that is to work; its host serves the files. */
  handle: string
  blog: string
  /** Of the blog. */
  title: string
  feed?: string
  /** WebFinger of the account, for hosts that ignore the query; absent where other accounts share the domain. */
  descriptor?: Descriptor
  /** What the link says that those see who run no script. */
  invitation: string
}

/** `path` from the root of the site; `where` says what to do with it. */
export type KitFile = { path: string; text: string; where: string }
export type KitLine = { id: 'head' | 'front' | 'post' | 'body' | 'feed' | 'rule' | 'config'; text: string; where: string }
export type Kit = { files: KitFile[]; lines: KitLine[] }

const PATHS = ['/.well-known/webfinger', '/.well-known/host-meta', '/.well-known/host-meta.json']
/** Who asks for a post rather than for a page. */
const ACTIVITY = 'application/(activity|ld)\\+json'

/** The files and lines for one kind of host. */
export function makeKit(host: KitHost, facts: KitFacts): Kit {
  const { files, lines = [] } = PARTS[host](facts)
  return { files, lines: [...lines, ...pageLines(facts), ...feedLines(host, facts)] }
}

const PARTS: Record<KitHost, (facts: KitFacts) => { files: KitFile[]; lines?: KitLine[] }> = {
  netlify: facts => ({ files: [redirects(facts, '302!'), ...linkHeader(facts)] }),
  cloudflare: facts => ({ files: [redirects(facts, '302'), ...linkHeader(facts)], lines: [rule(facts)] }),
  nginx: facts => ({ files: [nginx(facts)] }),
  apache: facts => ({ files: [apache(facts)] }),
  caddy: facts => ({ files: [caddy(facts)] }),
  'github-pages': facts => ({ files: staticFiles(facts), lines: gitHubLines }),
  plain: facts => ({ files: staticFiles(facts) })
}

const domainOf = ({ handle }: KitFacts): string => handle.slice(handle.indexOf('@') + 1)

const heading = (facts: KitFacts): string => `# Handles of ${domainOf(facts)} are asked for at ${facts.origin}.`

/**
 * Netlify and Cloudflare hand the query on where the target has none of its own. A redirect and no proxy: their caches would keep one
 * answer for all who ask, in whatever form they ask for it. Netlify serves a file of that name first, unless the status ends in `!`.
 */
function redirects(facts: KitFacts, status: string): KitFile {
  const rows = PATHS.map(path => `${path}  ${facts.origin}${path}  ${status}`)
  return {
    path: '_redirects',
    text: `${[heading(facts), ...rows].join('\n')}\n`,
    where: 'Into the folder that is published. If there is such a file, add these lines at its top.'
  }
}

/** The path of the blog's feed, as far as a rule of the same host can name it. */
function feedPath({ blog, feed }: KitFacts): string | undefined {
  const [own, there] = [URL.parse(blog), URL.parse(feed ?? '')]
  const isPlain = there?.search === '' && /^[\w./~%-]+$/.test(there.pathname)
  return isPlain && own?.host === there.host ? there.pathname : undefined
}

const hubLink = ({ feed, hub }: KitFacts): string => `<${hub}>; rel="hub", <${feed}>; rel="self"`

function linkHeader(facts: KitFacts): KitFile[] {
  const path = feedPath(facts)
  if (path === undefined) return []
  const where = 'Into the folder that is published: it names the hub of the feed. If there is such a file, add these lines to it.'
  return [{ path: '_headers', text: `${path}\n  Link: ${hubLink(facts)}\n`, where }]
}

/** For a site that lies elsewhere and only goes through Cloudflare. */
function rule({ origin }: KitFacts): KitLine {
  const list = PATHS.map(path => `"${path}"`).join(' ')
  return {
    id: 'rule',
    text: `When:  http.request.uri.path in {${list}}\nThen:  dynamic redirect to  concat("${origin}", http.request.uri.path)\n       status 302, preserve query string: on`,
    where: 'Instead of the file, where your pages lie elsewhere and only go through Cloudflare: a Redirect Rule of the domain.'
  }
}

/** `if` with nothing but `set` and `return` is what nginx calls safe; a condition of two parts needs the variable. */
function nginx(facts: KitFacts): KitFile {
  const { blog, origin } = facts
  const locations = PATHS.map(
    path => `location = ${path} {\n    add_header Access-Control-Allow-Origin * always;\n    return 302 ${origin}$request_uri;\n}`
  )
  const posts = [
    '# Whoever asks for a post by ActivityPub gets it from the node.',
    'set $tidings "";',
    `if ($http_accept ~* "${ACTIVITY}") { set $tidings yes; }`,
    'if ($uri ~ "^/\\.well-known/") { set $tidings ""; }',
    `if ($tidings) { return 302 ${origin}/conversation?url=${new URL(blog).origin}$request_uri; }`
  ]
  return {
    path: 'tidings.conf',
    text: `${[heading(facts), ...locations, '', ...posts].join('\n')}\n`,
    where: 'Beside the configuration of nginx, and into the `server` of the site the line `include tidings.conf;` with its full path.'
  }
}

function apache(facts: KitFacts): KitFile {
  const { blog, origin } = facts
  const path = feedPath(facts)
  const hub = path === undefined ? [] : [`Header add Link "${hubLink(facts).replaceAll('"', '\\"')}" "expr=%{REQUEST_URI} == '${path}'"`]
  const rows = [
    heading(facts),
    `RedirectMatch 302 "^/\\.well-known/(webfinger|host-meta|host-meta\\.json)$" "${origin}/.well-known/$1"`,
    '<IfModule mod_headers.c>',
    ...[`Header always set Access-Control-Allow-Origin "*" "expr=%{REQUEST_URI} =~ m#^/\\.well-known/(webfinger|host-meta)#"`, ...hub],
    '</IfModule>',
    '# Whoever asks for a post by ActivityPub gets it from the node.',
    '<IfModule mod_rewrite.c>',
    'RewriteEngine On',
    `RewriteCond %{HTTP:Accept} "${ACTIVITY}" [NC]`,
    'RewriteCond %{REQUEST_URI} "!^/\\.well-known/"',
    `RewriteRule ^ "${origin}/conversation?url=${new URL(blog).origin}%{REQUEST_URI}" [R=302,L]`,
    '</IfModule>'
  ]
  return {
    path: '.htaccess',
    text: `${rows.join('\n')}\n`,
    where: 'Into the root of the site. If there is such a file, add these lines at its top. It needs `AllowOverride FileInfo`.'
  }
}

function caddy(facts: KitFacts): KitFile {
  const { blog, origin } = facts
  const path = feedPath(facts)
  const rows = [
    heading(facts),
    `@tidings path ${PATHS.join(' ')}`,
    'header @tidings Access-Control-Allow-Origin *',
    `redir @tidings ${origin}{uri} 302`,
    ...(path === undefined ? [] : [`header ${path} +Link "${hubLink(facts).replaceAll('"', '\\"')}"`]),
    '# Whoever asks for a post by ActivityPub gets it from the node.',
    ...['@tidingsPosts {', `\theader_regexp Accept (?i)${ACTIVITY}`, '\tnot path /.well-known/*', '}'],
    `redir @tidingsPosts ${origin}/conversation?url=${new URL(blog).origin}{uri} 302`
  ]
  return {
    path: 'tidings.caddy',
    text: `${rows.join('\n')}\n`,
    where: 'Beside the Caddyfile, and into the block of the site the line `import tidings.caddy`.'
  }
}

/**
 * host-meta alone is enough for who reads it; Misskey asks for WebFinger only, and a file answers it as long as the domain has one account.
 */
function staticFiles({ descriptor, origin }: KitFacts): KitFile[] {
  const where = 'Into the root of the domain, under exactly this name, which has no ending.'
  const templates = { xrd: `${origin}/.well-known/webfinger.xml?resource={uri}`, jrd: `${origin}/.well-known/webfinger?resource={uri}` }
  const hostMeta = { path: '.well-known/host-meta', text: writeXrd(staticHostDescriptor(templates)), where }
  if (descriptor === undefined) return [hostMeta]
  return [hostMeta, { path: '.well-known/webfinger', text: `${JSON.stringify(JSON.parse(writeJrd(descriptor)), null, 2)}\n`, where }]
}

/** GitHub leaves out what begins with a dot, in two places. */
const gitHubLines: KitLine[] = [
  {
    id: 'config',
    text: 'include: [".well-known"]',
    where: 'Where GitHub itself builds the pages (Jekyll): into `_config.yml`. Where nothing is built: an empty file `.nojekyll` instead.'
  },
  {
    id: 'config',
    text: '- uses: actions/upload-pages-artifact@v5\n  with:\n    include-hidden-files: true',
    where: 'Where a workflow builds and uploads the pages: this setting of its step, without which `.well-known` is left out.'
  }
]

const link = (attributes: Record<string, string>): string => {
  const text = Object.entries(attributes).map(([name, value]) => `${name}="${escapeXml(value)}"`)
  return `<link ${text.join(' ')}>`
}

/** What stands in the pages of the blog, whoever serves them. */
function pageLines({ feed, handle, invitation, nodeFeed, origin, title, uri }: KitFacts): KitLine[] {
  const alternate = /\.json$/i.test(feed ?? '')
    ? 'application/feed+json'
    : /atom/i.test(feed ?? 'atom')
      ? 'application/atom+xml'
      : 'application/rss+xml'
  return [
    {
      id: 'head',
      text: [
        link({ rel: 'me', href: uri }),
        `<meta name="fediverse:creator" content="@${escapeXml(handle)}">`,
        link({ rel: 'alternate', type: alternate, title, href: feed ?? nodeFeed })
      ].join('\n'),
      where: 'Into the `<head>` of every page: who you are, who wrote it, and where the feed is.'
    },
    {
      id: 'front',
      text: link({ rel: 'alternate', type: 'application/activity+json', href: uri }),
      where: 'Into the `<head>` of the front page only: whoever searches for the blog’s address finds the account.'
    },
    {
      id: 'post',
      text: link({ rel: 'alternate', type: 'application/activity+json', href: `${origin}/conversation?url=ADDRESS` }),
      where:
        'Into the `<head>` of each post, with its own address, percent-encoded, for `ADDRESS`: in Hugo `{{ .Permalink | urlquery }}`, in ' +
        'Jekyll `{{ page.url | absolute_url | cgi_escape }}`.'
    },
    {
      id: 'body',
      text:
        `<script src="${origin}/widget.js" defer></script>\n` +
        `<noscript><a href="${origin}/conversation" referrerpolicy="unsafe-url">${escapeXml(invitation)}</a></noscript>`,
      where: 'Into the `<body>` of each post, where the conversation is to stand: the same on every page.'
    }
  ]
}

/** The hub, in the feed itself, unless the host sends it as a header. */
function feedLines(host: KitHost, facts: KitFacts): KitLine[] {
  const { feed, hub } = facts
  const isHeader = ['netlify', 'cloudflare', 'apache', 'caddy'].includes(host) && feedPath(facts) !== undefined
  if (feed === undefined || isHeader) return []
  const [h, f] = [escapeXml(hub), escapeXml(feed)]
  const atom = 'xmlns:atom="http://www.w3.org/2005/Atom"'
  const xml = [
    '<!-- Atom: inside <feed> -->',
    `<link rel="hub" href="${h}"/>\n<link rel="self" href="${f}"/>`,
    '<!-- RSS: inside <channel> -->',
    `<atom:link ${atom} rel="hub" href="${h}"/>\n<atom:link ${atom} rel="self" href="${f}"/>`
  ].join('\n')
  const text = /\.json$/i.test(new URL(feed).pathname) ? `"hubs": [{ "type": "WebSub", "url": ${JSON.stringify(hub)} }]` : xml
  return [{ id: 'feed', text, where: 'Into the template of the feed: readers that know WebSub are then told of new posts at once.' }]
}
