import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RequestHandler } from 'express'
import express from 'express'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'

type Fields = Record<string, unknown>

/** What the handler of the seed was called with. */
export interface Notification {
  messageId: string
  eventType: string
  data: { connection?: Fields; flowRun?: Fields; alert?: Fields }
  /** The body, byte by byte. */
  raw: string
}

/** The backend of an application: an Express server with the handler of the seed behind a check of signatures. */
export interface WebhookApp extends AsyncDisposable {
  url: string
  port: number
  notifications: Notification[]
  /** What the handler did about them. */
  reactions: string[]
  /** Whose signatures could not be verified, and why. */
  forgeries: string[]
  /** The secret that signatures are checked with; nothing is accepted before it is set. */
  trust(secret: string): void
  /** Has the next answers be other than 200, one after the other. */
  answerNext(...statuses: number[]): void
}

/** Keeps the raw body, checks it with both libraries that receivers use, and only then parses it. */
function checkSignature(secretNow: () => string, refused: (why: string) => void): RequestHandler {
  return (request, response, next) => {
    const raw = (request.body as Buffer).toString('utf8')
    const headers = request.headers as Record<string, string>
    try {
      new StandardWebhook(secretNow()).verify(raw, headers)
      new SvixWebhook(secretNow()).verify(raw, headers)
    } catch (error) {
      refused((error as Error).message)
      response.sendStatus(401)
      return
    }
    response.locals.raw = raw
    request.body = JSON.parse(raw)
    next()
  }
}

export async function startWebhookApp(): Promise<WebhookApp> {
  const notifications: Notification[] = []
  const reactions: string[] = []
  const forgeries: string[] = []
  let statuses: number[] = []
  let secret = ''
  const app = express()

  app.use('/api/membrane-webhook', express.raw({ type: 'application/json', limit: '10mb' }))
  app.use(
    '/api/membrane-webhook',
    checkSignature(
      () => secret,
      (why) => forgeries.push(why),
    ),
  )
  app.post('/api/membrane-webhook', async (req, res) => {
    const status = statuses.shift()
    if (status !== undefined) {
      res.sendStatus(status)
      return
    }
    const { eventType, data } = req.body
    notifications.push({ messageId: String(req.headers['webhook-id']), eventType, data, raw: res.locals.raw })

    switch (eventType) {
      case 'connection.created':
        // Run an action on the new connection
        reactions.push(`run an action on ${data.connection.id}`)
        break
      case 'connection.disconnected':
        // Notify user to reconnect
        reactions.push(`ask for ${data.connection.integrationKey} to be reconnected`)
        break
      case 'flowRun.failed':
        // Log or alert on flow run failure
        reactions.push(`flow run failed: ${data.flowRun.errors[0].message}`)
        break
      case 'alert.created':
        // Forward alert to your monitoring system
        reactions.push(`alert: ${data.alert.type}`)
        break
    }

    res.sendStatus(200)
  })

  const server = createHttpServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/api/membrane-webhook`,
    port,
    notifications,
    reactions,
    forgeries,
    trust(next) {
      secret = next
    },
    answerNext(...next) {
      statuses = next
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
