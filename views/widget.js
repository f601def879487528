/**
 * The conversation under a blog post, in one line of the blog's template:
 *
 *     <script src="https://NODE/widget.js" defer></script>
 *
 * Options, all of them attributes of that line: data-target (a CSS selector: where it goes), data-url (the post's address, when the
 * page's canonical link does not tell it), data-faces="off", lang. Looks: the custom properties in STYLE. Events on `document`:
 * `tidings:toot` and `tidings:comments`, with the node's answers as detail. Pages that load without a reload call `tidings.load()`.
 *
 * It asks this node and nobody else, sets text as text, and copies of the node's cleaned HTML only what ALLOWED names.
 */
;(() => {
  const script = document.currentScript ?? document.querySelector('script[src*="/widget.js"]')
  const node = new URL(script.src).origin

  const WORDS = {
    en: {
      heading: 'Comments',
      none: 'No comments yet. Be the first to answer.',
      comments: n => (n === 1 ? '1 comment' : `${n} comments`),
      likes: n => (n === 1 ? '1 like' : `${n} likes`),
      shares: n => (n === 1 ? '1 share' : `${n} shares`),
      liked: 'Liked by',
      shared: 'Shared by',
      edited: 'edited',
      reply: 'Reply',
      replyTo: name => `Reply to ${name}`,
      own: 'Reply from your own server',
      account: 'Your account or server',
      hint: 'Mastodon, GNU social, Friendica, Misskey and the like, such as @you@server.example',
      remember: 'Remember it on this site',
      go: 'Go there',
      wait: 'Looking for your server …',
      gone: 'Your server opens in a new window. If it does not:',
      open: host => `Open ${host}`,
      failed: 'That did not work. Please try again.',
      more: 'More comments',
      there: 'Read it on'
    },
    de: {
      heading: 'Kommentare',
      none: 'Noch keine Kommentare. Schreib den ersten.',
      comments: n => (n === 1 ? '1 Kommentar' : `${n} Kommentare`),
      likes: n => (n === 1 ? '1 Favorit' : `${n} Favoriten`),
      shares: n => `${n}-mal geteilt`,
      liked: 'Favorisiert von',
      shared: 'Geteilt von',
      edited: 'geändert',
      reply: 'Antworten',
      replyTo: name => `${name} antworten`,
      own: 'Vom eigenen Server aus antworten',
      account: 'Dein Konto oder Server',
      hint: 'Mastodon, GNU social, Friendica, Misskey und andere, etwa @du@server.example',
      remember: 'Auf dieser Seite merken',
      go: 'Dorthin',
      wait: 'Dein Server wird gesucht …',
      gone: 'Dein Server öffnet sich in einem neuen Fenster. Wenn nicht:',
      open: host => `${host} öffnen`,
      failed: 'Das hat nicht geklappt. Bitte versuche es noch einmal.',
      more: 'Weitere Kommentare',
      there: 'Zu lesen auf'
    }
  }
  const lang = (script.lang || document.documentElement.lang || navigator.language || 'en').toLowerCase()
  const language = lang.split('-')[0] in WORDS ? lang.split('-')[0] : 'en'
  const say = WORDS[language]

  const STYLE = `
    :host { display: block; margin: 2rem 0; font: var(--tidings-font, inherit); color: var(--tidings-text, inherit);
      --line: var(--tidings-line, color-mix(in srgb, currentColor 22%, transparent));
      --soft: var(--tidings-soft, color-mix(in srgb, currentColor 78%, transparent));
      --link: var(--tidings-accent, inherit); --round: var(--tidings-radius, 0.5rem); }
    * { box-sizing: border-box; }
    h2 { font-size: 1.3em; margin: 0 0 0.5rem; }
    p { margin: 0.5em 0; }
    a { color: var(--link); text-underline-offset: 0.15em; overflow-wrap: anywhere; }
    :focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
    .soft { color: var(--soft); font-size: 0.9em; }
    .faces { display: flex; flex-wrap: wrap; gap: 0.25rem 0.75rem; align-items: center; margin: 0.4rem 0; }
    .faces ul { display: flex; flex-wrap: wrap; gap: 0.25rem; list-style: none; margin: 0; padding: 0; }
    .faces a { display: block; border-radius: 50%; }
    .faces .face { width: 2rem; height: 2rem; font-size: 0.8rem; }
    ol { list-style: none; margin: 1rem 0; padding: 0; }
    li li { padding-inline-start: clamp(0.5rem, 3vw, 1.25rem); border-inline-start: 2px solid var(--line); }
    .deep li li { padding-inline-start: 0; border: 0; }
    article { padding: 0.75rem 0; overflow-wrap: anywhere; }
    header { display: flex; gap: 0.6rem; align-items: center; }
    header > div { min-width: 0; }
    .name { font-weight: 600; color: inherit; text-decoration: none; }
    .name:hover { text-decoration: underline; }
    .face { flex: none; width: 2.5rem; height: 2.5rem; border-radius: 50%; object-fit: cover; background: var(--line);
      display: grid; place-items: center; font-weight: 600; }
    .text { margin: 0.4rem 0; }
    summary { margin: 0.4rem 0; cursor: pointer; }
    .text > :first-child { margin-top: 0; }
    pre { overflow-x: auto; }
    blockquote { margin: 0.5em 0; padding-inline-start: 0.75rem; border-inline-start: 2px solid var(--line); }
    button, input { font: inherit; color: inherit; }
    button { background: none; border: 1px solid var(--soft); border-radius: var(--round); padding: 0.35rem 0.75rem;
      cursor: pointer; min-height: 2rem; }
    button:hover { background: var(--line); }
    article > button { border: 0; padding: 0.25rem 0; text-decoration: underline; text-underline-offset: 0.15em; font-size: 0.9em; }
    article > button:hover { background: none; }
    form { border: 1px solid var(--line); border-radius: var(--round); padding: 0.75rem 1rem; margin: 0.5rem 0 1rem; max-width: 34rem; }
    label { display: block; font-weight: 600; }
    .row { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0.4rem 0; }
    .row input { flex: 1 1 12rem; min-width: 0; min-height: 2rem; padding: 0.35rem 0.6rem; background: transparent;
      border: 1px solid var(--soft); border-radius: var(--round); }
    .check { font-weight: 400; display: flex; gap: 0.4rem; align-items: center; }
    .check input { width: 1.1rem; height: 1.1rem; }
    @media (prefers-reduced-motion: no-preference) { li { animation: in 0.25s; } @keyframes in { from { opacity: 0; } } }`

  /** An element with properties (or attributes, where there is no such property) and children; text stays text. */
  const make = (name, properties = {}, ...children) => {
    const element = document.createElement(name)
    for (const [key, value] of Object.entries(properties)) {
      if (value === undefined || value === null) continue
      if (key in element && typeof value !== 'string') element[key] = value
      else element.setAttribute(key === 'className' ? 'class' : key, value)
    }
    element.append(...children.filter(child => child !== undefined && child !== ''))
    return element
  }
  const web = address => (/^https?:\/\//i.test(address ?? '') && URL.canParse(address) ? address : undefined)
  const OUT = { rel: 'nofollow ugc noopener', target: '_blank' }
  const link = (address, properties, ...children) => make(web(address) ? 'a' : 'span', { href: web(address), ...properties }, ...children)

  const ALLOWED = new Set(
    'P BR A B I EM STRONG DEL S U CODE PRE BLOCKQUOTE UL OL LI SPAN H1 H2 H3 H4 H5 H6 SUB SUP RUBY RT RP HR'.split(' ')
  )

  /** The node has cleaned it. What is copied here could not run even if it had not. */
  const copy = (from, into) => {
    for (const child of from.childNodes) {
      if (child.nodeType === 3) into.append(child.data)
      if (child.nodeType !== 1) continue
      if (!ALLOWED.has(child.nodeName)) copy(child, into)
      else if (child.nodeName === 'A') into.append(filled(child, link(child.getAttribute('href'), OUT)))
      else into.append(filled(child, make(child.nodeName.toLowerCase(), { lang: child.getAttribute('lang') || undefined, dir: 'auto' })))
    }
  }
  const filled = (from, element) => {
    copy(from, element)
    return element
  }
  const policy = globalThis.trustedTypes?.createPolicy('tidings', { createHTML: html => html })
  const parse = html => new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, 'text/html').body

  const ask = async (path, parameters) => {
    const url = new URL(path, node)
    for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value)
    const answer = await fetch(url, { headers: { accept: 'application/json' }, credentials: 'omit', cache: 'no-cache' })
    const body = await answer.json().catch(() => ({}))
    if (!answer.ok) throw Object.assign(new Error(body.error ?? say.failed), { status: answer.status, code: body.code })
    return body
  }

  /** The page's one address: what it calls itself, else where it is, without query, fragment, user and password. */
  const findAddress = () => {
    const told = document.querySelector('link[rel~="canonical" i]')?.href ?? document.querySelector('meta[property="og:url"]')?.content
    const url = new URL(script.dataset.url || web(told) || location.origin + location.pathname, document.baseURI)
    url.hash = url.username = url.password = ''
    return url.href
  }

  const findPlace = () => {
    const named = document.querySelector(script.dataset.target || '[data-tidings]')
    if (named) return place => named.append(place)
    if (document.body.contains(script)) return place => script.after(place)
    const main = document.querySelector('main article') ?? document.querySelector('article, main') ?? document.body
    return place => main.append(place)
  }

  const when = (iso, edited) => {
    const date = new Date(iso)
    const text = new Intl.DateTimeFormat(lang, { dateStyle: 'medium' }).format(date)
    const exact = new Intl.DateTimeFormat(lang, { dateStyle: 'full', timeStyle: 'short' }).format(date)
    return make('time', { datetime: iso, title: exact }, edited ? `${text}, ${say.edited}` : text)
  }

  /** The picture of somebody, from the node; until it is there, and where there is none, the first letter of the name. */
  const face = ({ avatar, name, handle }) => {
    const letter = () => make('span', { className: 'face', 'aria-hidden': 'true' }, [...(name || handle || '?')][0].toUpperCase())
    if (script.dataset.faces === 'off' || !web(avatar) || new URL(avatar).origin !== node) return letter()
    const image = make('img', { className: 'face', src: avatar, alt: '', loading: 'lazy', decoding: 'async', width: '40', height: '40' })
    image.addEventListener('error', () => image.replaceWith(letter()))
    return image
  }

  /** How many, and who of them, as far as their servers tell. */
  const faces = (tally, title, people) => {
    if (!tally) return []
    const items = people.map(person =>
      make('li', {}, link(person.url, { ...OUT, title: person.name, 'aria-label': person.name }, face(person)))
    )
    const list = items.length > 0 && script.dataset.faces !== 'off' ? make('ul', { 'aria-label': title }, ...items) : ''
    return [make('div', { className: 'faces', part: 'faces' }, make('span', { className: 'soft' }, tally), list)]
  }

  const remembered = {
    get: () => {
      try {
        return localStorage.getItem('tidings-account') ?? ''
      } catch {
        return ''
      }
    },
    set: account => {
      try {
        if (account) localStorage.setItem('tidings-account', account)
        else localStorage.removeItem('tidings-account')
      } catch {
        // Storage is forbidden here: it is asked for again next time.
      }
    }
  }

  /** Where the visitor's own server is asked for; it opens at what is answered. Only one stands open at a time. */
  const replyForm = (address, opener) => {
    const status = make('p', { className: 'soft', role: 'status' })
    const account = make('input', {
      id: 'account',
      name: 'account',
      value: remembered.get(),
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: false,
      required: true,
      'aria-describedby': 'hint',
      maxlength: '300'
    })
    const keep = make('input', { type: 'checkbox', name: 'keep', checked: remembered.get() !== '' })
    const form = make(
      'form',
      { part: 'reply-form', 'aria-label': say.own },
      make('label', { for: 'account' }, say.own),
      make('p', { className: 'row' }, account, make('button', { type: 'submit' }, say.go)),
      make('p', { className: 'soft', id: 'hint' }, say.hint),
      make('label', { className: 'check' }, keep, say.remember),
      status
    )
    account.setAttribute('aria-label', say.account)
    form.addEventListener('submit', async event => {
      event.preventDefault()
      status.replaceChildren(say.wait)
      remembered.set(keep.checked ? account.value.trim() : '')
      try {
        const { url } = await ask('/api/remote', { account: account.value.trim(), url: address })
        if (!web(url)) throw new Error(say.failed)
        status.replaceChildren(`${say.gone} `, link(url, OUT, say.open(new URL(url).host)))
        window.open(url, '_blank', 'noopener')
      } catch (error) {
        status.replaceChildren(error.message || say.failed)
        account.focus()
      }
    })
    form.addEventListener('keydown', event => {
      if (event.key !== 'Escape') return
      form.remove()
      opener.setAttribute('aria-expanded', 'false')
      opener.focus()
    })
    return form
  }

  const replyButton = (root, text, label, address) => {
    const button = make('button', { type: 'button', 'aria-label': label, 'aria-expanded': 'false', part: 'reply' }, text)
    button.addEventListener('click', () => {
      const mine = button.getAttribute('aria-expanded') === 'true'
      root.querySelector('form')?.remove()
      for (const other of root.querySelectorAll('[aria-expanded]')) other.setAttribute('aria-expanded', 'false')
      if (mine) return
      const form = replyForm(address, button)
      button.setAttribute('aria-expanded', 'true')
      button.after(form)
      form.querySelector('input').focus()
    })
    return button
  }

  const showComment = (root, comment) => {
    const { author } = comment
    const spoken = { lang: comment.language, dir: 'auto' }
    const body = filled(parse(comment.html), make('div', { className: 'text', part: 'text', ...spoken }))
    const folded = comment.warning && make('details', { part: 'warning' }, make('summary', spoken, comment.warning), body)
    const edited = comment.updated && comment.updated !== comment.published
    return make(
      'article',
      { id: `tidings-${comment.id}`, part: 'comment', 'aria-label': author.name || author.handle },
      make(
        'header',
        {},
        face(author),
        make(
          'div',
          {},
          link(author.url, { className: 'name', dir: 'auto', part: 'name', ...OUT }, author.name || author.handle),
          make(
            'div',
            { className: 'soft' },
            author.handle ? `@${author.handle} · ` : '',
            link(comment.url, OUT, when(comment.published, edited))
          )
        )
      ),
      folded || body,
      replyButton(root, say.reply, say.replyTo(author.name || author.handle), comment.url)
    )
  }

  /** Answers stand under what they answer, four deep at most. */
  const showThread = (root, list, comments) => {
    for (const comment of comments) {
      const item = make('li', {}, showComment(root, comment))
      const parent = comment.in_reply_to && root.getElementById(`tidings-${comment.in_reply_to}`)?.parentElement
      let under = list
      if (parent) {
        under = parent.querySelector(':scope > ol') ?? parent.appendChild(make('ol'))
        let depth = 0
        for (let up = parent; up; up = up.parentElement.closest('li')) depth++
        under.classList.toggle('deep', depth > 3)
      }
      under.append(item)
    }
  }

  const show = (host, address, conversation) => {
    const { comments, counts, faces: people = { likes: [], shares: [] }, links = {} } = conversation
    const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
    root.adoptedStyleSheets = [sheet]
    const list = make('ol', { part: 'list' })
    const section = make(
      'section',
      { lang: language, 'aria-labelledby': 'heading', part: 'section' },
      make('h2', { id: 'heading', part: 'heading' }, counts.replies ? say.comments(counts.replies) : say.heading),
      ...faces(counts.likes && say.likes(counts.likes), say.liked, people.likes),
      ...faces(counts.shares && say.shares(counts.shares), say.shared, people.shares),
      comments.length === 0 ? make('p', { part: 'none' }, say.none) : list,
      replyButton(root, say.own, undefined, address)
    )
    root.replaceChildren(section)
    showThread(root, list, comments)
    if (links.next) list.after(more(root, list, links.next))
    if (links.toot) section.append(make('p', { className: 'soft' }, `${say.there} `, link(links.toot, OUT, new URL(links.toot).host)))
  }

  const more = (root, list, next) => {
    const button = make('button', { type: 'button' }, say.more)
    button.addEventListener('click', async () => {
      const page = await ask(next, {}).catch(() => undefined)
      if (!page) return
      showThread(root, list, page.comments)
      if (page.links?.next) button.replaceWith(more(root, list, page.links.next))
      else button.remove()
      root.getElementById(`tidings-${page.comments[0]?.id}`)?.querySelector('button').focus()
    })
    return button
  }

  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`tidings:${name}`, { detail }))

  /** Whether the node says that a page is no post, or none yet: then there is nothing to ask for. */
  const isNone = error => error?.status >= 400 && error.status < 500 && error.status !== 429

  let loads = 0
  /** A page that is no post shows nothing; one whose toot fails shows what is known. */
  const load = async () => {
    const mine = ++loads
    const address = findAddress()
    const put = findPlace()
    const host = document.createElement('tidings-comments')
    let shown
    const showAll = async () => {
      const conversation = await ask('/api/comments', { url: address }).catch(() => undefined)
      // the page may have become another meanwhile
      if (!conversation || mine !== loads) return
      for (const old of document.querySelectorAll('tidings-comments')) if (old !== host) old.remove()
      show(host, address, conversation)
      if (!shown) put(host)
      shown = conversation
      tell('comments', conversation)
    }
    const asked = ask('/api/toot', { url: address }).then(
      toot => {
        tell('toot', toot)
        return toot
      },
      error => {
        console.info(`tidings: ${error.message}`)
        return { error }
      }
    )
    // of a known post the toot is told at once; one that is still being made does not hold up what was said
    const soon = await Promise.race([asked, new Promise(done => setTimeout(done, 2000))])
    if (isNone(soon?.error)) return
    await showAll()
    const toot = await asked
    const isNews = shown ? toot.toot_url && !shown.links?.toot && !host.shadowRoot.querySelector('form') : toot.state
    if (isNews) await showAll()
  }

  window.tidings = { load }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', load)
  else load()
})()
