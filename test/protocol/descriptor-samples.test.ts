import assert from 'node:assert/strict'
import { BadMessage } from '../../src/model/errors.ts'
import { accountLinks, expandTemplate, lrddTemplates, readDescriptor } from '../../src/protocol/descriptor.ts'
import { writeJrd } from '../../src/protocol/jrd.ts'
import { NS } from '../../src/protocol/names.ts'
import { writeXrd } from '../../src/protocol/xrd.ts'
import { readCapture } from '../support/captures.ts'
import { listSamples, readSample, withSamples } from '../support/samples.ts'

withSamples('descriptors of others', () => {
  const expanded: Record<string, string> = {
    'discovery/friendica-squeet.me-host-meta.xml': 'https://squeet.me/xrd/?uri=acct%3Aann%40a.example',
    'discovery/gs-example-host-meta.xml': 'http://gs.example.org/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/gs-heldscal-host-meta.xml': 'https://social.heldscal.la/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/gs-quitter.no-host-meta.xml': 'https://quitter.no/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/gs-stopwatchingus-host-meta.xml':
      'https://social.stopwatchingus-heidelberg.de/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/hubzilla-gerzilla-host-meta.xml': 'https://gerzilla.de/xrd/?uri=acct%3Aann%40a.example',
    'discovery/hubzilla-macgirvin-host-meta.xml': 'https://macgirvin.com/xrd/?uri=acct%3Aann%40a.example',
    'discovery/mastodon-mamot-host-meta.xml': 'https://mamot.fr/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/mastodon.social-host-meta.xml': 'https://mastodon.social/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/pleroma-idn-host-meta.xml': 'https://zetsubou.xn--q9jyb4c/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/pleroma-sakamoto-host-meta.xml': 'https://social.sakamoto.gq/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/split-masto-host-meta.xml': 'https://split.example/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/split-pleroma-host-meta.xml': 'https://split.example/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'discovery/at-salmon-host-meta.xml': 'https://split.example/user?q=acct%3Aann%40a.example',
    'discovery/statusnet-style-framatube-host-meta.xml': 'http://framatube.org/main/xrd?uri=acct%3Aann%40a.example',
    'requests/quitter.no.host-meta.txt': 'https://quitter.no/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'requests/redirected.host-meta.txt': 'https://redirected.com/.well-known/webfinger?resource=acct%3Aann%40a.example',
    'requests/localdomain-hostmeta.txt': 'https://webdomain.com/.well-known/webfinger?resource=acct%3Aann%40a.example'
  }
  const filled = (path: string): Buffer => {
    const text = readSample(path)
      .toString()
      .replaceAll('{{hostauthority}}', 'https://split.example')
      .replaceAll('{{domain}}', 'split.example')
    return path.endsWith('.txt') ? readCapture(Buffer.from(text)).body : Buffer.from(text)
  }
  for (const path of [...listSamples('discovery'), ...listSamples('requests')].filter(path => /host-?meta/.test(path))) {
    it(`D6 expands the first template of ${path}`, () => {
      const [first] = lrddTemplates(readDescriptor(filled(path)))
      assert.equal(expandTemplate(first!.template, 'acct:ann@a.example'), expanded[path])
    })
  }
  it('D11 does not take the key of a host for that of an account', () =>
    assert.equal(readDescriptor(filled('discovery/friendica-squeet.me-host-meta.xml')).properties[0]![0], NS.magicKey))

  const accounts = [
    ...listSamples('discovery').filter(path => !/host-meta|\.html$/.test(path)),
    'feeds/mastodon-mamot-xrd.xml',
    'entries/gs-lain-webfinger.xml',
    ...listSamples('requests').filter(path => path.includes('webfinger'))
  ]
  for (const path of accounts) {
    it(`D5 reads ${path}`, () => {
      const descriptor = readDescriptor(filled(path))
      assert.ok(descriptor.subject)
      assert.ok(descriptor.links.length > 0)
      const hasFeed = !/at-salmon|split-|spoof/.test(path)
      assert.equal(accountLinks(descriptor).feed !== undefined, hasFeed)
      assert.equal(accountLinks(descriptor).keys.length, hasFeed ? 1 : 0)
      assert.deepEqual(readDescriptor(Buffer.from(writeXrd(descriptor))), descriptor)
      assert.deepEqual(readDescriptor(Buffer.from(writeJrd(descriptor))), descriptor)
    })
  }

  it('D5 reads the same from the JRD and the XRD of quitter.no', () =>
    assert.deepEqual(
      readDescriptor(readSample('discovery/gs-quitter.no-webfinger.json')),
      readDescriptor(readSample('discovery/gs-quitter.no-webfinger.xml'))
    ))

  it('D4 refuses the page that GNU social gives for an unknown user', () =>
    assert.throws(() => readDescriptor(readSample('discovery/gs-heldscal-unknown-user.html'), 'application/xrd+xml'), BadMessage))

  for (const server of ['gs-1.20.9', 'gs-2.0.0beta0']) {
    for (const path of listSamples(`gnu-social/${server}`).filter(path => /\/(0[1-9]|1[0-3])-.*\.http$/.test(path))) {
      it(`D4 D5 W2 understands ${path}`, () => {
        const { status, headers, body } = readCapture(readSample(path))
        const read = () => readDescriptor(body, headers['content-type'])
        if (status !== 200) return assert.throws(read, BadMessage)
        const descriptor = read()
        if (path.includes('host-meta')) return assert.equal(lrddTemplates(descriptor).length, 3)
        assert.equal(accountLinks(descriptor).keys.length, 1)
        assert.match(accountLinks(descriptor).feed!, /user_timeline\/1\.atom$/)
      })
    }
  }
})
