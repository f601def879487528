/** Servers on 127.0.0.1 for tests: started on a free port, stopped with every socket when the test file ends. */
import { createServer, type IncomingMessage, type RequestListener, type Server as WebServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'

export type Loopback = { port: number; origin: string; hits: () => number; connections: () => number; close: () => Promise<void> }

export const serve = (answer: RequestListener): Promise<Loopback> => listen(createServer(answer))

/** Any server, of TLS or of bare sockets too. `hits` counts what it emits as `request`. */
export async function listen(server: Server | WebServer): Promise<Loopback> {
  const sockets = new Set<Socket>()
  let hits = 0
  let connections = 0
  server.on('request', () => hits++)
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>(done => {
      server.close(() => done())
      for (const socket of sockets) socket.destroy()
    })
  return { port, origin: `http://127.0.0.1:${port}`, hits: () => hits, connections: () => connections, close }
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
