import type { FastifyReply, FastifyRequest } from 'fastify'
import { hashOf } from './connect-request.ts'

/** What holds for every answer: it is nobody else's to keep, to guess at, or to be told of. */
export function guarded(reply: FastifyReply): FastifyReply {
  return (
    reply
      .header('cache-control', 'no-store')
      // Our own forms say where they come from, and nobody else is told.
      .header('referrer-policy', 'same-origin')
      .header('x-content-type-options', 'nosniff')
  )
}

/** The page that a request came from, as far as the browser tells; not our own, whose forms carry it along. */
export function originOf(request: FastifyRequest, header: 'origin' | 'referer'): string | null {
  const value = request.headers.origin ?? (header === 'referer' ? request.headers.referer : undefined)
  const url = URL.parse(value ?? '')
  return url !== null && /^https?:$/.test(url.protocol) ? url.origin : null
}

/** One cookie for each redirect under way, so that two in one browser do not disturb each other. */
export function cookieNameFor(state: string): string {
  return `permea_connect_${hashOf(state).slice(0, 12)}`
}

export function cookieIn(header: string | undefined, name: string): string | null {
  const found = (header ?? '').split(/;\s*/).find((each) => each.startsWith(`${name}=`))
  return found === undefined ? null : found.slice(name.length + 1)
}

/** Whether the page is asked for to be shown inside another one. */
export function isFramed({ request }: FastifyReply): boolean {
  return request.headers['sec-fetch-dest'] === 'iframe'
}
