// The image's health check: 0 where the engine in this container is up, 1 with one line where not. It asks whether the
// process answers, not whether the database does: an engine without its database is not mended by a restart.
import { get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'

const { HOST = '', PORT = '4000', PERMEA_TLS_CERT = '' } = process.env
const get = PERMEA_TLS_CERT === '' ? getPlain : getSecure
const hostname = HOST === '' || HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '::1' : HOST

const request = get({ hostname, port: PORT, path: '/healthz', timeout: 4000, rejectUnauthorized: false }, (answer) => {
  answer.resume()
  if (answer.statusCode === 200) process.exit(0)
  fail(`it answers ${answer.statusCode}`)
})
request.on('timeout', () => fail('it does not answer within 4 s'))
request.on('error', (error) => fail(error.message))

function fail(why) {
  process.stderr.write(`not healthy: ${why}\n`)
  process.exit(1)
}
