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

/**
 * The page is asked for again every two seconds as long as it has parts `<section id data-again tabindex="-1">`, and these are renewed:
 * what is under way shows how far it is. A link to the same page is for those without a script.
 */
const watch = () => {
  if (document.querySelector('[data-again]') === null) return
  setTimeout(async () => {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => undefined)
    const page = new DOMParser().parseFromString(answer?.ok ? await answer.text() : '', 'text/html')
    for (const part of document.querySelectorAll('[data-again]')) {
      const fresh = page.getElementById(part.id)
      if (fresh !== null) renew(part, fresh)
    }
    watch()
  }, 2000)
}

showTimes(document)
addCopying()
watch()
