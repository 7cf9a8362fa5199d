import type { FastifyReply, FastifyRequest } from 'fastify'
import { basePathOf } from '../platform/base-path.ts'

interface Cookie {
  read(request: FastifyRequest): string | undefined
  set(reply: FastifyReply, value: string, lifeSeconds: number): void
  clear(reply: FastifyReply): void
}

export interface ConsoleCookies {
  session: Cookie
  /** What single sign-on keeps in the browser while it is away at the provider, and comes back from another site with. */
  signOn: Cookie
}

/** Cookies do not tell ports apart, so engines on one host are told apart by the name. */
export function consoleCookies(publicUrl: string): ConsoleCookies {
  const { protocol, port } = new URL(publicUrl)
  const isSecure = protocol === 'https:'
  const cookie = (suffix: string, path: string, sameSite: 'Strict' | 'Lax'): Cookie => {
    const name = `${isSecure ? '__Secure-' : ''}permea-console${suffix}${port === '' ? '' : `-${port}`}`
    const attributes = `Path=${basePathOf(publicUrl)}${path}; HttpOnly; SameSite=${sameSite}${isSecure ? '; Secure' : ''}`
    const add = (reply: FastifyReply, text: string) => {
      const before = [reply.getHeader('set-cookie') ?? []].flat().map(String)
      reply.removeHeader('set-cookie')
      reply.header('set-cookie', [...before.filter((each) => !each.startsWith(`${name}=`)), text])
    }
    return {
      read(request) {
        const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='))
        return pairs.find(([each]) => each === name)?.[1]
      },
      set: (reply, value, lifeSeconds) => add(reply, `${name}=${value}; ${attributes}; Max-Age=${lifeSeconds}`),
      clear: (reply) => add(reply, `${name}=; ${attributes}; Max-Age=0`),
    }
  }
  return {
    session: cookie('', '/console/session', 'Strict'),
    signOn: cookie('-sso', '/console/session/sso', 'Lax'),
  }
}
