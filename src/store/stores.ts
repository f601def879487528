import type { PgBoss } from 'pg-boss'
import { makeActors } from './actors.ts'
import { makeActs } from './acts.ts'
import { makeAnswers } from './answers.ts'
import { makeBlogs } from './blogs.ts'
import { makeChanges } from './changes.ts'
import { makeCondition } from './condition.ts'
import { makeConnections } from './connections.ts'
import { makeDeliveries } from './deliveries.ts'
import { makeFollows } from './follows.ts'
import { makeHistory } from './history.ts'
import { makeIdentities } from './identities.ts'
import { makeImports } from './imports.ts'
import { makeNodeKeys } from './node-keys.ts'
import { makeOutgoing } from './outgoing.ts'
import { makePictures } from './pictures.ts'
import { makePings } from './pings.ts'
import { makeQueue } from './queue.ts'
import { makeReading } from './reading.ts'
import { makeRecipients } from './recipients.ts'
import { makeRefusals } from './refusals.ts'
import type { Db } from './rows.ts'
import { makeSessions } from './sessions.ts'
import { makeSettings } from './settings.ts'
import { makeSubscribers } from './subscribers.ts'
import { makeSubscriptions } from './subscriptions.ts'
import { makeTimelines } from './timelines.ts'
import { makeToots } from './toots.ts'
import { makeTopics } from './topics.ts'
import type { Vault } from './vault.ts'
import { type KnownVerdicts, makeVerdicts } from './verdicts.ts'

export type Stores = ReturnType<typeof makeStores>

/** All stores over one connection or one transaction. `known` is shared by all of a process. */
export function makeStores(db: Db, vault: Vault, boss: PgBoss, known: KnownVerdicts) {
  return {
    acts: makeActs(db),
    actors: makeActors(db, vault),
    answers: makeAnswers(db),
    blogs: makeBlogs(db),
    changes: makeChanges(db),
    condition: makeCondition(db),
    connections: makeConnections(db, vault),
    identities: makeIdentities(db),
    imports: makeImports(db),
    nodeKeys: makeNodeKeys(db, vault),
    outgoing: makeOutgoing(db),
    pictures: makePictures(db),
    pings: makePings(db),
    refusals: makeRefusals(db),
    toots: makeToots(db),
    verdicts: makeVerdicts(db, known),
    deliveries: makeDeliveries(db, vault),
    follows: makeFollows(db),
    history: makeHistory(db),
    queue: makeQueue(boss, db),
    reading: makeReading(db),
    recipients: makeRecipients(db),
    sessions: makeSessions(db),
    settings: makeSettings(db),
    subscribers: makeSubscribers(db, vault),
    subscriptions: makeSubscriptions(db, vault),
    timelines: makeTimelines(db),
    topics: makeTopics(db)
  }
}
