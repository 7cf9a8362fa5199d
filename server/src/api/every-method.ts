import { METHODS } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** Webhooks come with whatever an app thinks fit, and WebDAV has verbs of its own. CONNECT never gets to a route. */
export function takeEveryMethod(app: FastifyInstance): void {
  for (const method of METHODS)
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true })
}
