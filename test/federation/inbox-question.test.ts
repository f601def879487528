/** What was posted to an inbox, before anything of it is proven (X7, X36, S3-10). */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readQuestion } from '../../src/federation/inbox-question.ts'
import { isFailure } from '../../src/model/errors.ts'

describe('what is posted to an inbox', () => {
  it('X7 S3-10 has an id of their actor’s host, however little of one it bears', () => {
    const actor = 'https://a.example/users/ann'
    const idOf = (id: unknown) =>
      readQuestion(Buffer.from(JSON.stringify({ id, type: 'Like', actor, object: 'https://b.example/1' }))).activity.id
    assert.equal(idOf('https://a.example/acts/1'), 'https://a.example/acts/1')
    assert.equal(idOf('/0f7ff0f4-8d8e-4b9f-9fd4-6ee7eab2ba4e'), 'https://a.example/0f7ff0f4-8d8e-4b9f-9fd4-6ee7eab2ba4e')
    for (const id of [undefined, null, '', 'urn:uuid:1', '#likes/1', '//a.example/x', 7])
      assert.equal(new URL(idOf(id)).origin, 'https://a.example', String(id))
    for (const id of ['https://b.example/1', 'http://a.example/1', 'https://a.example:444/1'])
      assert.throws(
        () => idOf(id),
        error => isFailure(error) && error.status === 403
      )
    // what names another host without a scheme stays with the actor, or is refused
    assert.throws(() => idOf('//b.example/x'), isFailure)
  })

  it('X36 throws nothing but failures, whatever is posted', () => {
    const keys = fc.constantFrom('id', 'type', 'actor', 'object', 'to', 'target', 'attributedTo', 'inReplyTo', '@id', '@type', '__proto__')
    const leaf = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.constantFrom('https://a.example/1', 'Create', 'Undo', 'Move', 'Note', 'Person')
    )
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 6 })
      )
    }))
    fc.assert(
      fc.property(fc.dictionary(keys, value), document => {
        try {
          readQuestion(Buffer.from(JSON.stringify({ actor: 'https://a.example/ann', ...document })))
        } catch (error) {
          assert.ok(isFailure(error), String((error as Error).stack))
        }
      })
    )
  })
})
