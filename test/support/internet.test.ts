import assert from 'node:assert/strict'
import { Refused, Unreachable } from '../../src/model/errors.ts'
import { makeInternet } from './internet.ts'

describe('the written internet', () => {
  it('gives the page of a URL, that of a method first, and notes what was sent', async () => {
    const { http, sent, requests, set } = makeInternet({
      'https://a.example': { headers: { ETag: '"1"' }, body: 'hello' },
      'POST https://a.example/': request => ({ status: 202, body: request.body.toUpperCase() })
    })
    const got = await http.request('https://a.example/#x')
    assert.deepEqual([got.status, got.headers.etag, got.body.toString(), got.trusted], [200, '"1"', 'hello', true])
    assert.equal((await http.request('https://a.example/', { method: 'POST', body: 'x', headers: { Link: 'y' } })).body.toString(), 'X')
    assert.deepEqual(requests(), ['GET https://a.example/', 'POST https://a.example/'])
    assert.deepEqual(sent[1], { method: 'POST', url: 'https://a.example/', headers: { link: 'y' }, body: 'x' })
    set('https://a.example/', { error: new Unreachable('down') })
    await assert.rejects(http.request('https://a.example/'), /down/)
  })

  it('knows 404 on a known host and Unreachable elsewhere', async () => {
    const { http } = makeInternet({ 'GET https://a.example/x?y': {} })
    assert.equal((await http.request('https://a.example/x')).status, 404)
    await assert.rejects(http.request('https://b.example/'), Unreachable)
  })

  it('keeps the rules of the real client: redirects, plain http, limits, the guard', async () => {
    const { http } = makeInternet({
      'https://a.example/': { redirectTo: 'https://b.example/' },
      'https://b.example/': { status: 301, redirectTo: '/c' },
      'https://b.example/c': { body: 'x'.repeat(100) },
      'https://a.example/down': { redirectTo: 'http://a.example/' },
      'https://a.example/in': { redirectTo: 'https://127.0.0.1/' },
      'http://a.example/': {}
    })
    const answer = await http.request('https://a.example/')
    assert.deepEqual([answer.url, answer.hops.length], ['https://b.example/c', 2])
    await assert.rejects(http.request('https://a.example/', { maxBytes: 99 }), { status: 413 })
    await assert.rejects(http.request('https://a.example/down'), Refused)
    await assert.rejects(http.request('https://a.example/in'), Refused)
    await assert.rejects(http.request('http://a.example/', { plainHttp: 'never' }), Refused)
    assert.equal((await http.request('http://a.example/')).trusted, false)
  })
})
