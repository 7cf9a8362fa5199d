import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { Refusal } from '../api/refusal.ts'
import { noteSenders } from '../api/request-bodies.ts'
import type { WebhookResponse } from '../external-events/handle.ts'
import { systemClock } from '../platform/clock.ts'
import { createIds } from '../platform/ids.ts'
import { createMetrics } from '../platform/metrics.ts'
import { createExternalIngress } from './external-ingress.ts'

const SLOW = '00000000-0000-4000-8000-00000000000a'
const OTHER = '00000000-0000-4000-8000-00000000000b'

test('an address that is slow has its share in hand and no more: others are taken in meanwhile', async () => {
  const answered = Promise.withResolvers<WebhookResponse>()
  const response = { status: 200, headers: {}, body: null }
  const atSubscription = (uuid: string) => (uuid === SLOW ? answered.promise : Promise.resolve(response))
  const ingress = createExternalIngress({
    receive: { atSubscription } as never,
    ids: createIds(systemClock),
    metrics: createMetrics(),
    rates: { admit: () => undefined, giveBack: () => undefined },
    quotas: { admit: () => undefined },
    doors: { subscription: () => ({ workspaceId: 'w', customerId: 'c', elementId: 'e' }), global: () => null },
    placeOf: () => null,
    limits: { inHandMax: 8, shareOfOne: 0.25 },
  })
  await using app = Fastify()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error, _request, reply) => reply.status(error instanceof Refusal ? error.status : 500).send())
  noteSenders(app)
  ingress.mount(app)
  const post = (uuid: string, bytes: number) =>
    app.inject({
      method: 'POST',
      url: `/webhooks/external-event-subscriptions/${uuid}`,
      headers: { 'content-type': 'application/x' },
      payload: Buffer.alloc(bytes),
    })
  const first = post(SLOW, 150)
  await app.ready()
  await new Promise(setImmediate)
  // Beyond its share of the requests.
  const second = post(SLOW.toUpperCase(), 10)
  await new Promise(setImmediate)
  expect((await post(SLOW, 1)).statusCode).toBe(503)
  expect((await post(OTHER, 300)).statusCode).toBe(200)
  answered.resolve(response)
  expect([(await first).statusCode, (await second).statusCode]).toEqual([200, 200])
  expect((await post(SLOW, 190)).statusCode).toBe(200)
})
