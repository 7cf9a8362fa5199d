import { isRecord } from '../formulas/coercion.ts'
import { asObject } from './apps.ts'

/**
 * What counts as a token, wherever credentials come from: an exchange or a renewal by OAuth, a connector's function or
 * mapping. A token is a text with something in it; nothing else ever takes the place of one.
 */

/** Fields that hold tokens, by the end of their name, the most telling first. */
const RANKS = [
  /access_?token$/i,
  /(?<!(?:refresh|id|csrf|xsrf|identity)_?)(?:token|jwt|bearer)$/i,
  /id(?:entity)?_?token$/i,
  /(?:key|secret|session|session_?id|sid|ticket|cookie|password|passwd|authorization)$/i,
  /refresh_?token$/i,
] as const
const REFRESH = RANKS.length - 1
/** Below any token: text of which nobody can say what it is for. */
const OTHER = RANKS.length

/** As deep as credentials are looked into: Slack has a person's token within `authed_user`. */
const DEPTH_MAX = 4

/** What an app says beside tokens, or in their place. */
const BESIDE =
  /^(?:ok|success|error\w*|err\w+|message|msg|detail|title|reason|status|code|type|token_?type|scopes?|expire\w*|created_?at|issued_?at)$/i

export function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

const rankOf = (name: string): number => {
  const found = RANKS.findIndex((rank) => rank.test(name))
  return found === -1 ? OTHER : found
}

interface Place {
  path: string
  rank: number
  value: unknown
  isGood: boolean
}

function placesIn(value: unknown, path = '', depth = 0): Place[] {
  if (depth > DEPTH_MAX) return []
  return Object.entries(asObject(value)).flatMap(([name, each]) => {
    const at = path === '' ? name : `${path}.${name}`
    if (isRecord(each)) return placesIn(each, at, depth + 1)
    return BESIDE.test(name) ? [] : [{ path: at, rank: rankOf(name), value: each, isGood: isToken(each) }]
  })
}

const bestOf = (places: readonly Place[]): number =>
  Math.min(Number.POSITIVE_INFINITY, ...places.map(({ rank }) => rank))

/**
 * Whether there are tokens in it: where fields are named as tokens are, one of the most telling kind that is named has to be
 * there; where none is, any text will do.
 */
function holdsToken(credentials: unknown): boolean {
  if (isToken(credentials)) return true
  const places = placesIn(credentials)
  const best = bestOf(places)
  return places.some(({ rank, isGood }) => rank === best && isGood)
}

/** Whether a function made credentials of what a person filled in: some apps want no token, but every one wants something. */
export function isCredentials(made: unknown): boolean {
  if (holdsToken(made)) return true
  const places = placesIn(made)
  return bestOf(places) === OTHER && places.some(({ value }) => !isEmpty(value))
}

/** Whether a function kept the tokens of an answer: under a name of tokens, or one that the answer held. */
export function keepsToken(made: unknown, answer: unknown): boolean {
  if (!holdsToken(made)) return false
  const given = placesIn(answer).filter(({ rank, isGood }) => rank < REFRESH && isGood)
  return (
    isToken(made) ||
    placesIn(made).some(
      ({ rank, isGood, value }) => isGood && (rank < REFRESH || given.some((each) => each.value === value)),
    )
  )
}

/**
 * Whether a renewal gave what the credentials are made of: a token where they hold one, or one that is more telling than any
 * they hold. A token that stands elsewhere is used by nobody.
 */
export function renewsToken(before: unknown, fresh: unknown): boolean {
  if (isToken(fresh)) return true
  const held = placesIn(before).filter(({ isGood }) => isGood)
  const best = bestOf(held)
  const paths = new Set(held.filter(({ rank }) => rank === best).map(({ path }) => path))
  if (paths.size === 0) return holdsToken(fresh)
  return placesIn(fresh).some(
    ({ path, rank, isGood }) => isGood && (paths.has(path) || (rank < best && rank !== REFRESH && !path.includes('.'))),
  )
}

/** Where the credentials hold what a renewal has to give, for people. */
export function tokenPlaces(credentials: unknown): string[] {
  const held = placesIn(credentials).filter(({ isGood }) => isGood)
  const best = bestOf(held)
  return held.filter(({ rank }) => rank === best).map(({ path }) => path)
}

const EXPIRY = ['expires_at', 'expiresAt', 'expires_in', 'expiresIn']

/**
 * What there was, with what a renewal gave laid over it, object by object. Most apps leave the refresh token out where the
 * old one goes on being good (RFC 6749 section 6), and some write nothing in its place: a value is never overwritten by
 * nothing, and a token only by a token. An expiry is that of the tokens that came with it: one that is not said again is
 * gone, and one that came without a token says nothing of the old one.
 */
export function renewedCredentials(
  before: Record<string, unknown>,
  fresh: Record<string, unknown>,
  depth = 0,
): Record<string, unknown> {
  if (depth > 0 && namesToken(before) && !namesToken(fresh)) return before
  const kept = Object.entries(before).filter(([name]) => !EXPIRY.includes(name))
  const given = Object.entries(fresh).flatMap(([name, value]): [string, unknown][] => {
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    if (isRecord(old) && isRecord(value))
      return depth < DEPTH_MAX ? [[name, renewedCredentials(old, value, depth + 1)]] : [[name, value]]
    const isLess = isEmpty(value) || isRecord(old) || (rankOf(name) < OTHER && isToken(old) && !isToken(value))
    return isLess && !isEmpty(old) ? [] : [[name, value]]
  })
  return Object.fromEntries([...kept, ...given])
}

function namesToken(value: unknown): boolean {
  return placesIn(value).some(({ rank, isGood }) => rank < OTHER && isGood)
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
}
