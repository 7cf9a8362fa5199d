import type { FastifyInstance } from 'fastify'

const TAKEN = 'application/octet-stream'

/**
 * Takes requests of this scope in whatever they call their bodies: `json`, nothing at all, `text/plain; ;`. The framework
 * answers 415 to a header that is no media type, and 400 to a QUERY without one; so it is shown another one until it has
 * read the body.
 *
 * @source InfluxDB 1.6.7 sends `content-type:` with nothing behind it
 */
export function takeAnyContentType(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers, method } = request.raw
    const given = headers['content-type']
    if (given !== undefined || method === 'QUERY') {
      givenTypes.set(request.raw, given)
      headers['content-type'] = TAKEN
    }
    done()
  })
  app.addHook('preValidation', (request, _reply, done) => {
    const { raw } = request
    if (!givenTypes.has(raw)) return done()
    const given = givenTypes.get(raw)
    if (given === undefined) delete raw.headers['content-type']
    else raw.headers['content-type'] = given
    done()
  })
}

const givenTypes = new WeakMap<object, string | undefined>()
