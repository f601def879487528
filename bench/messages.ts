/** What the benches of signed messages share: people who tell their keys, messages posted many at once, and what one core could verify. */
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export const AT_ONCE = 20

/** `address`: from where what they send first comes; `asked`: how many requests and connections their server has seen. */
export type Person = {
  uri: string
  host: string
  publicKey: KeyObject
  privateKey: KeyObject
  address: string
  asked: () => number
  close: () => void
}
export type Message = { url: string; headers: Record<string, string>; body: Buffer }
/** What a person's server answers at a path. */
type Tell = (person: Person, path: string) => { type: string; body: string }

/** Somebody with a server on a port of its own, which tells who they are. @param n gives them an address of their own */
export async function startPerson(n: number, tell: Tell): Promise<Person> {
  let asked = 0
  const server = createServer(({ url = '/' }, response) => {
    asked++
    const { body, type } = tell(person, url)
    response.writeHead(200, { 'content-type': type }).end(body)
  })
  server.on('connection', () => asked++)
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const person = { ...keys, uri: `http://${host}/ann`, host, address: `127.0.1.${n + 1}`, asked: () => asked, close }
  return person
}

/** @param from the address from which it comes, on a connection of its own @returns the status */
export const postFrom = (from: string, message: Message): Promise<number> => post(message, { agent: false, localAddress: from })

const post = ({ body, headers, url }: Message, way: { agent: Agent } | { agent: false; localAddress: string }): Promise<number> =>
  new Promise((done, fail) => {
    const options = { method: 'POST', headers: { ...headers, 'content-length': body.length }, ...way }
    const asked = request(url, options, answer => {
      answer.resume().on('end', () => done(answer.statusCode ?? 0))
    })
    asked.on('error', fail).end(body)
  })

/** Posts all, so many at once. @returns how many per second, and how often each status came */
export async function load(messages: Message[]): Promise<{ rate: number; statuses: Record<number, number> }> {
  const statuses: Record<number, number> = {}
  const rest = messages.values()
  // connections of its own: the node closes those that idled
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const begun = performance.now()
  const work = async () => {
    for (const message of rest) {
      const status = await post(message, { agent })
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  agent.destroy()
  return { rate: (messages.length * 1000) / (performance.now() - begun), statuses }
}

/** Verifications of RSA-2048 per second by one core: what no node can go beyond. */
export function verifications(ms: number): number {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const data = Buffer.alloc(2000, 'x')
  const signature = sign('RSA-SHA256', data, privateKey)
  const begun = performance.now()
  let count = 0
  for (; performance.now() - begun < ms; count++) verify('RSA-SHA256', data, publicKey, signature)
  return (count * 1000) / (performance.now() - begun)
}
