/** Documents of ActivityPub as they are sent. */
import { type Written as Told, writeDocument } from '../protocol/activitystreams-writer.ts'
import { TYPE } from '../protocol/names.ts'
import { type Written, written } from './conditional.ts'

/**
 * A document of ours, ready to be sent: asked for again each time, so that no cache gives it to somebody who wants the page.
 * @param multikey whether it bears keys in the form of FEP-521a
 */
export const activity = (object: Told, multikey = false): Written =>
  written(writeDocument(object, multikey), {
    ...{ 'Content-Type': `${TYPE.activity}; charset=utf-8`, 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff' }
  })
