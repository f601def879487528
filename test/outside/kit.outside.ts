/** The kits of nginx, Apache and Caddy in those very servers, which we did not write. NGINX, APACHE and CADDY name other programs. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { findAccount } from '../../src/federation/accounts.ts'
import { findBlog, readBlogNow, setBlog } from '../../src/federation/blog.ts'
import { checkKit } from '../../src/federation/check-kit.ts'
import { follow } from '../../src/federation/follow.ts'
import { findBlogKit, type Kit, makeKit } from '../../src/federation/kit.ts'
import type { Account } from '../../src/model/kept.ts'
import { temporaryFolder } from '../support/database.ts'
import { writeKitBlog } from '../support/kit-blog.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

type Place = { folder: string; site: string; port: number }

/** How each server is started: its configuration, which includes the file of the kit as the kit says, and its command. */
const SERVERS = {
  nginx: {
    program: process.env.NGINX ?? '/usr/sbin/nginx',
    args: ({ folder }: Place) => ['-p', folder, '-c', join(folder, 'server.conf'), '-e', join(folder, 'log')],
    config: ({ folder, port, site }: Place) => `
      daemon off; pid ${folder}/pid; user root; events {}
      http {
        access_log off; default_type application/octet-stream; types { text/html html; application/atom+xml xml; }
        server { listen 127.0.0.1:${port}; root ${site}; include ${folder}/tidings.conf; }
      }`
  },
  apache: {
    program: process.env.APACHE ?? '/usr/sbin/apache2',
    args: ({ folder }: Place) => ['-X', '-d', folder, '-f', join(folder, 'server.conf')],
    config: ({ folder, port, site }: Place) => `
      ${['mpm_event', 'authz_core', 'alias', 'rewrite', 'headers', 'mime', 'dir']
        .map(name => `LoadModule ${name}_module ${process.env.APACHE_MODULES ?? '/usr/lib/apache2/modules'}/mod_${name}.so`)
        .join('\n')}
      Listen 127.0.0.1:${port}
      ServerName 127.0.0.1
      DefaultRuntimeDir ${folder}
      PidFile ${folder}/pid
      ErrorLog ${folder}/log
      User www-data
      Group www-data
      TypesConfig /dev/null
      AddType text/html .html
      AddType application/atom+xml .xml
      DocumentRoot ${site}
      <Directory ${site}>
        AllowOverride FileInfo
        Require all granted
      </Directory>
    `
  },
  caddy: {
    program: process.env.CADDY ?? '/usr/bin/caddy',
    args: ({ folder }: Place) => ['run', '--config', join(folder, 'server.conf'), '--adapter', 'caddyfile'],
    config: ({ folder, port, site }: Place) =>
      `{\n\tadmin off\n\tauto_https off\n}\nhttp://127.0.0.1:${port} {\n\troot * ${site}\n\timport ${folder}/tidings.caddy\n\tfile_server\n}\n`
  }
}

const freePort = (): Promise<number> =>
  new Promise(done => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })

describe('the kit in a web server', function () {
  this.timeout(60_000)
  let node: TestNode
  let reader: TestNode
  let account: Account
  let child: ChildProcess | undefined
  const said: string[] = []

  before(async () => {
    reader = await startNode({ accounts: ['bob'] })
  })
  afterEach(async () => {
    await stop()
    await node?.close()
  })
  after(() => reader?.close())

  const stop = async () => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    const ended = new Promise(done => running.once('exit', done))
    running.kill('SIGTERM')
    await ended
  }

  /** Starts a server over what is in its folder, and waits until it answers. */
  const run = async (name: keyof typeof SERVERS, place: Place) => {
    await stop()
    const { args, config, program } = SERVERS[name]
    writeFileSync(join(place.folder, 'server.conf'), config(place))
    const env = { ...process.env, HOME: place.folder, XDG_DATA_HOME: place.folder, XDG_CONFIG_HOME: place.folder }
    child = spawn(program, args(place), { env, stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr!.on('data', text => said.push(String(text)))
    const answers = () =>
      fetch(`http://127.0.0.1:${place.port}/`).then(
        ({ ok }) => ok,
        () => false
      )
    await until(`an answer of ${name}: ${said.join('')}`, answers, 20_000)
  }

  const put = (kit: Kit, { folder, site }: Place) => {
    for (const { path, text } of kit.files) {
      const file = join(path.startsWith('.') ? site : folder, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
  }

  for (const name of Object.keys(SERVERS) as (keyof typeof SERVERS)[]) {
    it(`W1 W2 ${name} leads to the node: handle, hub and posts by ActivityPub`, async () => {
      const folder = temporaryFolder()
      const place = { folder, site: join(folder, 'site'), port: await freePort() }
      const origin = `http://127.0.0.1:${place.port}`
      mkdirSync(place.site)
      for (const path of [folder, place.site]) chmodSync(path, 0o755)
      const blog = writeKitBlog(place.site, origin)
      blog.put()
      for (const file of ['tidings.conf', 'tidings.caddy']) writeFileSync(join(folder, file), '\n')
      await run(name, place)
      node = await startNode({ env: { BLOG_URL: `${origin}/`, HANDLE_HOST: `127.0.0.1:${place.port}` }, accounts: ['blog'] })
      account = await findAccount(node.tools, 'blog')
      await setBlog(node.tools, account, `${origin}/`)
      await findBlog(node.tools, account.id)
      await readBlogNow(node.tools, account.id)
      const facts = await findBlogKit(node.tools, account, 'Read and reply')
      const kit = makeKit(name, facts)
      blog.put({ ...kit, files: [] })
      put(kit, place)
      await run(name, place)

      const checks = await checkKit(node.tools, facts)
      assert.deepEqual(
        checks.filter(({ state }) => state !== 'ok'),
        []
      )
      const { actor } = await follow(reader.tools, `acct:blog@127.0.0.1:${place.port}`, { as: await findAccount(reader.tools, 'bob') })
      assert.deepEqual([actor.uri, actor.acct], [account.uri, `blog@127.0.0.1:${place.port}`])
      await until('the answer', async () => reader.tools.follows.find((await findAccount(reader.tools, 'bob')).id, actor.id))

      const accept = 'application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams", text/html;q=0.1'
      for (const [address, type] of [
        [blog.post, 'Note'],
        [`${origin}/`, 'Person']
      ]) {
        const answer = await fetch(address!, { headers: { accept } })
        assert.equal(((await answer.json()) as { type: string }).type, type)
      }
      const page = await fetch(blog.post, { headers: { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' } })
      assert.match(await page.text(), /<title>One<\/title>/)
      const script = await fetch(`${origin}/.well-known/webfinger?resource=x`, { redirect: 'manual' })
      assert.equal(script.headers.get('access-control-allow-origin'), '*')
      assert.equal(script.headers.get('location'), `${node.url}/.well-known/webfinger?resource=x`)
    })
  }
})
