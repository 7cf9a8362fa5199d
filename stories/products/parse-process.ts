import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import ParseServer from 'parse-server'

export interface Parse {
  url: string
  port: number
  /** The REST API with the master key. */
  call(method: string, path: string, body?: object): Promise<unknown>
}

/** Parse Server in this process, with a master key. */
export async function startParse(
  databaseUrl: string,
  { applicationId, masterKey, webhookKey }: { applicationId: string; masterKey: string; webhookKey?: string },
): Promise<Parse & AsyncDisposable> {
  const app = express()
  const listening: Server = createServer(app)
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/parse`
  const server = new ParseServer({
    ...databaseOf(databaseUrl),
    appId: applicationId,
    masterKey,
    masterKeyIps: ['127.0.0.1', '::1'],
    ...(webhookKey === undefined ? {} : { webhookKey }),
    serverURL: url,
    allowClientClassCreation: true,
    silent: true,
    logsFolder: null,
  })
  await server.start()
  // What it closes when it is shut down.
  server.server = listening
  app.use('/parse', server.app)
  return {
    url,
    port,
    async call(method, path, body) {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          'x-parse-application-id': applicationId,
          'x-parse-master-key': masterKey,
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const value: unknown = await answer.json()
      if (!answer.ok) throw new Error(`Parse Server answered ${answer.status}: ${JSON.stringify(value)}`)
      return value
    },
    async [Symbol.asyncDispose]() {
      listening.closeAllConnections()
      await server.handleShutdown()
    },
  }
}

/** Parse Server does not read the directory of a socket from the address. */
function databaseOf(databaseUrl: string): Record<string, unknown> {
  // No host before the path, which the standard's parser does not take for this scheme.
  const { pathname, searchParams } = new URL(databaseUrl.replace(/^postgres:\/\/[^/]*\//, 'http://socket/'))
  const host = searchParams.get('host')
  if (host === null) return { databaseURI: databaseUrl }
  return {
    databaseURI: `postgres://postgres@localhost${pathname}`,
    databaseOptions: { host, port: Number(searchParams.get('port')) },
  }
}
