/*
 * What our own pages do with a script; each works without it: times in the reader's zone, buttons that copy, news as they come, and keys.
 */
const { lang } = document.documentElement
const locale = navigator.languages.find(one => one.startsWith(lang)) ?? lang
const words = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })
const exact = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long' })

/** Puts every time below an element into the reader's zone, with the exact time on hover. */
const showTimes = root => {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (Number.isNaN(at.getTime())) continue
    time.textContent = words.format(at)
    time.title = exact.format(at)
  }
}

/** `<button data-copy="ID" data-copied="Copied" hidden>` copies the text of the element of that id, and says so. */
const addCopying = () => {
  for (const button of document.querySelectorAll('button[data-copy]')) {
    const label = button.textContent
    button.hidden = !navigator.clipboard
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy)?.textContent ?? '')
      button.textContent = button.dataset.copied
      setTimeout(() => {
        button.textContent = label
      }, 2000)
    })
  }
}

/** A row of tabs that is moved sideways starts with the current one in its middle. */
const showCurrent = () => {
  for (const tab of document.querySelectorAll('.tabs [aria-current]')) {
    const row = tab.parentElement
    row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2
  }
}

/** `<p data-events="/events…"><a hidden>`: the link appears when there is something new, as long as the page is looked at. */
const addNews = () => {
  const place = document.querySelector('[data-events]')
  if (place === null) return
  let source
  const listen = () => {
    source?.close()
    if (document.hidden) return
    source = new EventSource(place.dataset.events)
    source.addEventListener('news', ({ data }) => {
      place.firstElementChild.textContent = data
      place.firstElementChild.hidden = false
    })
  }
  document.addEventListener('visibilitychange', listen)
  addEventListener('pagehide', () => source?.close())
  listen()
}

/** Keys for what the links and buttons of the post in focus do, marked by `data-key`; the dialog #keys lists them and turns them off. */
const addKeys = () => {
  const [dialog, opener, choice] = ['keys', 'keys-open', 'keys-on'].map(id => document.getElementById(id))
  const posts = [...document.querySelectorAll('.post[id]')]
  for (const post of posts) post.tabIndex = -1
  // after a reply, a favourite or a share the page comes back to its post, which stays chosen
  if (document.activeElement === document.body) document.querySelector('.post:target')?.focus({ preventScroll: true })
  const here = () => document.activeElement.closest('.post[id]')
  const go = step => {
    const at = posts.indexOf(here() ?? document.querySelector('.post:target'))
    const post = posts[at < 0 ? 0 : at + step]
    post?.focus()
    post?.scrollIntoView({ block: 'nearest' })
  }
  // what is done is told to others: so it is done to no post but the one that was chosen
  const press = key => here()?.querySelector(`[data-key="${key}"]`)?.click()
  const open = () => here()?.querySelector('.when a, h2 a')?.click()
  const acts = { j: () => go(1), k: () => go(-1), o: open, '/': () => document.getElementById('q').focus(), '?': () => dialog.showModal() }
  choice.checked = localStorage.getItem('keys') !== 'off'
  choice.addEventListener('change', () => localStorage.setItem('keys', choice.checked ? 'on' : 'off'))
  opener.hidden = false
  opener.addEventListener('click', () => dialog.showModal())
  document.addEventListener('keydown', event => {
    const { altKey, ctrlKey, key, metaKey, target } = event
    if (!choice.checked || altKey || ctrlKey || metaKey || dialog.open || target.closest('input, textarea, select, [contenteditable]'))
      return
    const act = acts[key] ?? ('rfs'.includes(key) ? () => press(key) : key === 'Enter' && target === here() ? open : undefined)
    if (act === undefined) return
    event.preventDefault()
    act()
  })
}

/** Takes over what is new in a part of the page, and leaves the keyboard where it was as far as that is still there. */
const renew = (part, fresh) => {
  if (fresh.innerHTML !== part.innerHTML) {
    showTimes(fresh)
    const held = part.contains(document.activeElement)
    part.replaceChildren(...fresh.childNodes)
    if (held) part.focus()
  }
  if (fresh.dataset.again === undefined) delete part.dataset.again
}

/** How often a page is asked for again: the last of these is some ten minutes after the first. */
const TURNS = 40

/**
 * The page is asked for again after two seconds, then ever more slowly, as long as it has parts `<section id data-again tabindex="-1">`, and these are renewed:
 * what is under way shows how far it is. An answer of failure ends it, such as to somebody who is signed out by now. A link to the same
 * page is for those without a script.
 */
const watch = (turn = 0) => {
  if (turn === TURNS || document.querySelector('[data-again]') === null) return
  setTimeout(
    async () => {
      const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => undefined)
      if (answer?.ok === false) return
      const page = new DOMParser().parseFromString((await answer?.text()) ?? '', 'text/html')
      for (const part of document.querySelectorAll('[data-again]')) {
        const fresh = page.getElementById(part.id)
        if (fresh !== null) renew(part, fresh)
      }
      watch(turn + 1)
    },
    Math.min(2000 * 1.1 ** turn, 30_000)
  )
}

showTimes(document)
addCopying()
addNews()
showCurrent()
addEventListener('resize', showCurrent)
addKeys()
watch()
