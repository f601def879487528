/** What strangers may call themselves and say in order to break a page, and people and posts made of it. */
import type { Account, Actor, KeptPost } from '../../src/model/kept.ts'
import type { Tools } from '../../src/tools.ts'
import { keepPost, meet } from './residents.ts'

const MARKS = '\u0301\u0323\u030d\u0489'

/** Each is a name, a bio, a text, a title, a tag and a part of addresses at once. */
export const HOSTILE: Record<string, string> = {
  script: '"><script>document.title="run"</script>',
  handler: '\'" onmouseover="document.title=\'run\'" autofocus onfocus="document.title=\'run\'" x="',
  picture: '<img src=x onerror="document.title=\'run\'"><svg onload="document.title=\'run\'">',
  frame:
    '</textarea></title></style><iframe src="https://evil.example/"></iframe><base href="https://evil.example/"><style>*{display:none}</style>',
  template: '<%= it.viewer.csrf %> {{csrf}} {count, plural} <a>',
  turned: '\u202eevil\u202d \u2067rtl\u2066 \u200f\u061c',
  piled: `Z${MARKS.repeat(40)}a${MARKS.repeat(40)}l${MARKS.repeat(40)}go`,
  endless: 'W'.repeat(10_000),
  wide: '𒐫﷽꧅'.repeat(60),
  control: '\u0001\u0008\u000b\u001b[31m\ufffe\u2028'
}

const EVIL = 'javascript:document.title="run"'

/** Somebody, followed by an account and following it, with posts of every kind: `pages` show them. */
export async function settleHostile(
  tools: Tools,
  account: Account,
  name: string
): Promise<{ pages: string[]; own: KeptPost; actor: Actor }> {
  const text = HOSTILE[name]!
  const html = `<p>${text}</p><p style="position:fixed" onclick="document.title='run'">needle</p><a href='${EVIL}'>link</a>`
  const profile = {
    ids: [],
    kind: 'person' as const,
    displayName: text,
    username: text,
    bio: text,
    location: text,
    url: EVIL,
    homepage: EVIL
  }
  const actor = await meet(tools, name, {
    profile: { ...profile, avatar: { url: `https://a.example/${encodeURIComponent(text).slice(0, 1500)}` } }
  })
  const at = new Date()
  await tools.follows.add({ followerId: account.id, followedId: actor.id, via: 'feed' }, at)
  await tools.follows.add({ followerId: actor.id, followedId: account.id, via: 'inbox' }, at)
  const tags = Array.from({ length: 500 }, (_, n) => `${text.slice(0, 30)}${n}`)
  const enclosures = [
    { url: EVIL, title: text },
    { url: 'https://a.example/x.png', type: 'image/png', title: text },
    { url: `https://a.example/${text.slice(0, 500)}`, type: text, title: text }
  ]
  const own = await keepPost(tools, account, { title: text.slice(0, 500), html, text: `needle ${text}`, tags })
  const hostile = { title: text, warning: text, language: text, tags, url: EVIL, inReplyTo: EVIL, inReplyToUrl: `data:text/html,${text}` }
  const answer = await keepPost(tools, actor, { ...hostile, html, text: 'needle', enclosures, parentId: own.id })
  const plain = await keepPost(tools, actor, { html, text: 'needle', enclosures, sensitive: true })
  const quoted = { html, authorName: text, authorUrl: EVIL, url: EVIL, title: text }
  const share = await keepPost(tools, actor, { verb: 'share', uri: `https://a.example/share/${name}`, html: '', quoted })
  const named = encodeURIComponent(text.slice(0, 500))
  return {
    ...{ own, actor },
    pages: [
      '/',
      `/people/${actor.id}`,
      ...[answer, plain, share].map(({ id }) => `/posts/${id}`),
      ...['', '/edit', '/delete'].map(path => `/users/${account.localName}/posts/${own.id}${path}`),
      `/users/${account.localName}`,
      `/users/${account.localName}/followers`,
      '/search?q=needle',
      `/search?q=${named}`,
      `/authorize_interaction?uri=${encodeURIComponent(`${actor.acct}`)}`
    ]
  }
}
