import type { Endpoint } from '@permea/contract'

/**
 * One endpoint as a function. What it takes and gives follows from its row in the contract; it gives nothing where
 * the endpoint answers with an empty body.
 */
export type EndpointCall<E extends Endpoint> = E['answer'] extends null
  ? (...args: CallArguments<E>) => Promise<void>
  : (...args: CallArguments<E>) => Promise<OutputOf<E['answer']>>

/** The input may be left out where nothing in it is required; an endpoint that takes nothing is given nothing. */
export type CallArguments<E extends Endpoint> = [keyof CallInput<E>] extends [never]
  ? [input?: Record<string, never>, options?: CallOptions]
  : Partial<CallInput<E>> extends CallInput<E>
    ? [input?: CallInput<E>, options?: CallOptions]
    : [input: CallInput<E>, options?: CallOptions]

/** `params`, `query` and `body`, each only where the endpoint has it. */
export type CallInput<E extends Endpoint> = Flat<ParamsPart<E['path']> & QueryPart<E> & BodyPart<E>>

export interface CallOptions {
  /** Gives the call up; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** What a call carries once the types are gone. */
export interface LooseInput {
  params?: Readonly<Record<string, string>> | undefined
  query?: Readonly<Record<string, QueryValue>> | undefined
  body?: unknown
}

/** What can be turned into the text of a query; `undefined` leaves the name out. */
export type QueryValue = string | number | boolean | Date | undefined

type ParamsPart<Path extends string> = [ParamName<Path>] extends [never]
  ? unknown
  : { params: { [Name in ParamName<Path>]: string } }

type ParamName<Path extends string> = Path extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer Tail}`
    ? Name | ParamName<Tail>
    : Rest
  : never

type QueryPart<E> = E extends { query: infer Shape }
  ? Part<'query', NaturalQuery<InputOf<Shape>, OutputOf<Shape>>>
  : unknown

type BodyPart<E> = E extends { body: infer Shape } ? Part<'body', InputOf<Shape>> : unknown

type Part<Name extends string, Value> =
  Partial<Value> extends Value ? { [N in Name]?: Value | undefined } : { [N in Name]: Value }

/** A query field is given as the text that the wire has or as the value it stands for. */
type NaturalQuery<In, Out> = { [Name in keyof Out]: Natural<Name extends keyof In ? In[Name] : never, Out[Name]> }

/** A coercing shape takes `unknown`, which says nothing; a moment may also be given in milliseconds since 1970. */
type Natural<In, Out> = (unknown extends In ? never : In) | Out | (Out extends Date ? number : never) | undefined

type Flat<T> = { [K in keyof T]: T[K] }

/** `z.input` and `z.output` without zod, which only the contract depends on. */
type InputOf<Shape> = Shape extends { _zod: { input: infer In } } ? In : never
type OutputOf<Shape> = Shape extends { _zod: { output: infer Out } } ? Out : never
