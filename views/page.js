/* What our own pages do with a script; each works without it. Times in the reader's zone, and buttons that copy. */
const words = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' })
const exact = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'full', timeStyle: 'long' })

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

/**
 * `<section id data-again>` is asked for every two seconds, until it comes without: what is under way shows how far it is. Its link to
 * the same page is for those without a script.
 */
const watch = section => {
  if (section.dataset.again === undefined) return
  setTimeout(async () => {
    const text = await fetch(location.href, { headers: { accept: 'text/html' } }).then(
      answer => (answer.ok ? answer.text() : ''),
      () => ''
    )
    const fresh = new DOMParser().parseFromString(text, 'text/html').getElementById(section.id)
    if (fresh !== null && fresh.innerHTML !== section.innerHTML) {
      showTimes(fresh)
      const held = section.contains(document.activeElement)
      section.replaceChildren(...fresh.childNodes)
      if (held) section.focus()
    }
    if (fresh !== null && fresh.dataset.again === undefined) delete section.dataset.again
    watch(section)
  }, 2000)
}

showTimes(document)
addCopying()
for (const section of document.querySelectorAll('[data-again][id]')) watch(section)
