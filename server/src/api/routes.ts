import type { Endpoint, EndpointTable } from '@permea/contract'
import type { z } from 'zod'
import type { Principal } from './principal.ts'
import { asRefusal } from './refusal.ts'

type Output<T> = T extends z.ZodType ? z.output<T> : undefined

/** What a handler is given: everything validated, in the shapes of the contract. */
export interface Call<Query, Body> {
  principal: Principal
  params: Record<string, string>
  query: Query
  body: Body
}

export type CallOf<E extends Endpoint> = Call<
  E extends { query: infer Q } ? Output<Q> : Record<string, never>,
  E extends { body: infer B } ? Output<B> : undefined
>

/** Handlers of endpoints with an empty answer may end without a word. */
type NoAnswer = Awaited<ReturnType<() => Promise<void>>>

export type Answer<E extends Endpoint> = E['answer'] extends z.ZodType ? z.input<E['answer']> : NoAnswer

/** One function per endpoint of a table; the compiler sees to it that none is missing. */
export type Handlers<T extends EndpointTable> = { [K in keyof T]: (call: CallOf<T[K]>) => Promise<Answer<T[K]>> }

/** A contract table with its handlers, as the server mounts them. */
export interface RouteSet {
  table: EndpointTable
  handlers: Record<string, (call: Call<unknown, unknown>) => Promise<unknown>>
}

export function routeSet<T extends EndpointTable>(table: T, handlers: Handlers<T>): RouteSet {
  const given = handlers as unknown as RouteSet['handlers']
  const refusing = Object.entries(given).map(([name, handler]): [string, typeof handler] => [
    name,
    async (call) => {
      try {
        return await handler(call)
      } catch (error) {
        throw asRefusal(error)
      }
    },
  ])
  return { table, handlers: Object.fromEntries(refusing) }
}
