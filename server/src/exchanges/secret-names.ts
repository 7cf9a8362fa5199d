import { LRUCache } from 'lru-cache'

/** Words of a name under which a secret stands. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  ...['auth', 'authorization', 'bearer', 'cookie', 'cookies', 'credential', 'credentials', 'hmac', 'jwt', 'otp'],
  ...['passcode', 'passphrase', 'passwd', 'password', 'passwords', 'pin', 'pwd', 'secret', 'secrets', 'session'],
  ...['sessid', 'sessionid', 'sid', 'sig', 'signature', 'signatures', 'token', 'tokens', 'xsrf', 'csrf'],
])

/** Such words written together with the one before them: `clientsecret`, `accesstoken`, `setcookie`. */
const ENDS_AS_SECRET = /(?:authorization|cookie|credentials?|passw(?:or)?d|secret|signature|token)s?$/

/** What makes a key a secret one, before `key`; without such a word a key is a name. */
const SECRET_KEY =
  /(?:access|account|api|app|auth|client|consumer|encryption|function|hash|host|master|private|secret|service|shared|sign|signing|subscription|webhook)keys?$/

/** In headers and queries also these are secrets more often than not: `?key=`, `?code=`, `x-parse-rest-key`. */
const SECRET_IN_ADDRESS = /(?:^|_)(?:key|keys|code|sign)$/

/** What ends so tells about a secret, and is none. */
const PUBLIC_LAST_WORDS: ReadonlySet<string> = new Set([
  ...['algorithm', 'at', 'count', 'description', 'endpoint', 'expires', 'expiry', 'hint', 'id', 'ids', 'in', 'method'],
  ...['name', 'names', 'scope', 'scopes', 'type', 'types', 'version'],
])

/** Tokens that say where a list goes on. */
const PAGING = /(?:page|paging|continuation|next|cursor|sync|delta)_?token$/

/** Tokens that are counted, as those who sell language models do. */
const COUNTED =
  /(?:^|_)(?:max|min|total|used|prompt|completion|input|output|cached|reasoning|thinking|num|new)_(?:\w+_)?tokens$/

/** The longest name that is looked at as a whole, in characters. */
const NAME_CHARS_MAX = 200

/** Fields that name what stands beside them as `value`. */
export const NAMING_FIELDS: readonly string[] = ['name', 'header', 'key', 'field', 'parameter']

/** What is no secret although it stands among some, and is needed to understand what went wrong. */
const PUBLIC_ATTRIBUTE =
  /^(?:error|error_\w+|token_type|tokenType|scopes?|expires\w*|type|name|id|\w+(?:_id|Id|_name|Name|_type|Type))$/

export function isPublicAttribute(name: string): boolean {
  return PUBLIC_ATTRIBUTE.test(name)
}

/** Last words of headers that begin with `x-`, and of parameters, of which nobody makes a secret. */
const PUBLIC_WORDS: ReadonlySet<string> = new Set([
  ...['action', 'after', 'agent', 'api', 'attempt', 'before', 'channel', 'content', 'count', 'country', 'created'],
  ...['currency', 'date', 'delivery', 'direction', 'domain', 'email', 'end', 'env', 'event', 'events', 'expand'],
  ...['expansions', 'field', 'fields', 'filter', 'for', 'format', 'from', 'hook', 'host', 'id', 'ids', 'include'],
  ...['index', 'ip', 'kind', 'lang', 'language', 'length', 'level', 'limit', 'locale', 'max', 'method', 'min', 'mode'],
  ...['model', 'name', 'number', 'object', 'offset', 'on', 'options', 'order', 'orderby', 'page', 'part', 'path'],
  ...['per', 'policy', 'port', 'powered', 'prompt', 'proto', 'protocol', 'q', 'query', 'reason', 'region', 'remaining'],
  ...['request', 'reset', 'resource', 'retry', 'scheme', 'scope', 'search', 'select', 'server', 'shop', 'since'],
  ...[
    'size',
    'skip',
    'sort',
    'source',
    'start',
    'status',
    'step',
    'subject',
    'tag',
    'tags',
    'target',
    'team',
    'tenant',
  ],
  ...['test', 'time', 'timestamp', 'timezone', 'title', 'to', 'top', 'topic', 'total', 'trace', 'type', 'types'],
  ...['until', 'updated', 'url', 'user', 'verb', 'version', 'view', 'with', 'year', 'month', 'day', 'week', 'hour'],
])

/** Whether what stands under this name in an address or a header is known to be none. */
export function isPublicName(name: string): boolean {
  return PUBLIC_WORDS.has(wordsOf(name).at(-1) ?? '')
}

const known = new LRUCache<string, boolean>({ max: 5_000 })

/**
 * Whether what stands under this name is a secret: the one rule of the house, for headers, parameters of addresses,
 * fields of bodies and arguments of functions. It errs on the side of masking; what only tells about a secret
 * (`token_type`, `expires_at`, `access_key_id`) is none.
 *
 * @param where in an address or a header, `key`, `code` and `sign` by themselves are secrets too; in a body they are not
 */
export function isSecretName(name: string, where: 'address' | 'body' = 'body'): boolean {
  const slot = `${where} ${name.length > NAME_CHARS_MAX ? name.slice(-NAME_CHARS_MAX) : name}`
  const before = known.get(slot)
  if (before !== undefined) return before
  const found = judge(slot.slice(where.length + 1), where)
  known.set(slot, found)
  return found
}

function judge(name: string, where: 'address' | 'body'): boolean {
  const words = wordsOf(name)
  const joined = words.join('_')
  if (joined === 'idempotency_key' || joined === 'session_id') return joined === 'session_id'
  if (PUBLIC_LAST_WORDS.has(words.at(-1) ?? '') || words[0] === 'error' || PAGING.test(joined)) return false
  if (COUNTED.test(joined)) return false
  if (words.some((word) => SECRET_WORDS.has(word) || ENDS_AS_SECRET.test(word))) return true
  if (SECRET_KEY.test(words.join(''))) return true
  return where === 'address' && SECRET_IN_ADDRESS.test(joined)
}

/** `X-Api_keyFor` → `x`, `api`, `key`, `for` */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}
