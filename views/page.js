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

/** `<div id="…" data-again="SECONDS">` is fetched anew until it comes without that: what goes on by itself is seen going on. */
const addLookingAgain = () => {
  const block = document.querySelector('[data-again][id]')
  if (!block) return
  setTimeout(async () => {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => undefined)
    const fresh = answer?.ok && new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById(block.id)
    // nobody is thrown out of what they are about to press
    if (fresh && !block.contains(document.activeElement)) {
      block.replaceWith(document.adoptNode(fresh))
      showTimes(fresh)
    }
    addLookingAgain()
  }, block.dataset.again * 1000)
}

showTimes(document)
addCopying()
addLookingAgain()
