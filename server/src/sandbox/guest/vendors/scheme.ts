/**
 * Where something stands in a request: `header:NAME`, `query:NAME`, `json:PATH` (of the payload), `form:NAME`,
 * `pair:NAME` (of a signature header made of pairs), `claim:NAME` (of a token), `option:NAME` (of what the caller gave),
 * `body:text` (all of it), `packed:HEADER.PATH` (of a header that holds JSON in base64).
 */
export type RequestLocator =
  `${'header' | 'query' | 'json' | 'form' | 'pair' | 'claim' | 'option' | 'body' | 'packed'}:${string}`

/**
 * How a vendor proves that a request is its own: a row of data that one of the engines of `webhooks.ts` reads.
 * What is left out is what most vendors do: HMAC-SHA256 of the raw body, in hex, with the secret as text.
 */
export interface Scheme {
  /** As people know the vendor. */
  name: string
  /**
   * `hmac`: a keyed digest. `digest`: one of a text that holds the secret. `signature`: a public key. `jwt`: a token.
   * `jws`: a token whose payload may stand elsewhere. `message`: the headers of RFC 9421. `token`: the secret itself.
   * `none`: nothing is signed.
   */
  engine?: 'hmac' | 'digest' | 'signature' | 'jwt' | 'jws' | 'message' | 'token' | 'none'
  /** Where the proof stands; the first of them that is there counts. */
  at?: RequestLocator | readonly RequestLocator[]
  /** What stands before it; several where each is as good. */
  prefix?: string | readonly string[]
  /** The header is a list of pairs, so divided; the proof is each field of this name, in any case where it says so. */
  pairs?: { between: string; fields: readonly string[]; is?: string; isCaseless?: boolean }
  /** The header holds several proofs, so divided: one good one is enough, since secrets are rolled. */
  between?: string
  hash?: Hash
  /** Where the request names the digest, what is found there, and which one each name means; others are refused. */
  hashBy?: { at: RequestLocator; find: RegExp; means: Readonly<Record<string, Hash>> }
  encoding?: 'hex' | 'base64' | 'base64url'
  /**
   * What is signed, with `{body}`, `{url}`, `{method}`, `{path}`, `{secret}`, `{sortedForm}`, the names of `SIGNED_TEXTS`
   * and locators in braces; after
   * `lower:` in small letters. What stands in `[…]` is left out where what it names is not there.
   */
  signed?: string | readonly string[]
  /** Of the URL, what proxies and libraries make of it counts too: with and without the usual port, and escaped. */
  isUrlLoose?: boolean
  /** How the secret becomes the key. */
  key?: 'text' | 'hex' | 'base64' | 'whsec' | 'sha1' | 'ampersand' | 'nfkd'
  /** Where the request names the key, of several. */
  keyId?: RequestLocator
  /** Where the vendor serves its key set, for whoever gives no key. */
  keySet?: string
  /** The option that a token’s audience must be. */
  audience?: string
  /** The token brings its certificates, which lead to a root; each has these bytes (hex) in it. */
  chain?: { marks: readonly string[] }
  /** Of public keys: what kind, and how the text that vendors show becomes one. */
  publicKey?: 'ed25519 hex' | 'ed25519 base64' | 'spki base64' | 'pem' | 'certificate' | 'jwk'
  padding?: 'pkcs1' | 'pss'
  /** Where the certificate is to be fetched from, and of which hosts it may be. */
  certificate?: { at: RequestLocator; hosts: RegExp }
  /** Claims of a token that are digests of the request; `isOfBodies` where one is there for a request with a body only. */
  claims?: Readonly<Record<string, ClaimedDigest>>
  /** Who issues the tokens. */
  issuer?: string | readonly string[]
  /** Seconds by which the vendor's clock may differ, of tokens. */
  clockTolerance?: number
  algorithms?: readonly string[]
  /** A digest of the body that stands in the request and is signed in its place. */
  bodyDigest?: { at: RequestLocator; hash: 'sha256'; encoding: 'hex' | 'base64' }
  /** The time that is signed, and how old the request may be, in seconds; null where the vendor checks no age. */
  time?: { at: RequestLocator; unit: 's' | 'ms' | 'iso'; tolerance: number | null; isBoth?: boolean }
  /** The bytes that are signed are those after unpacking. */
  isUnpacked?: boolean
  /** The payload is the value of this field of a form, or what a token claims. */
  payload?: `form:${string}` | `multipart:${string}` | 'claims'
  /** The proof is within each of these elements of the payload. */
  each?: string
  /** What the caller gives: the name of the option and what it is at the vendor. */
  takes: Readonly<Record<string, string>>
  /** What is the same when the vendor sends the event again; empty where nothing is. */
  id: readonly RequestLocator[]
  /** The handshake of its registration, a key of `HANDSHAKES`. */
  handshake?: string
  /** What the vendor wants as an answer, where any 2xx will not do. */
  answer?: string
  /** Where the vendor says so. */
  source: string
  /** Package and version with which it was checked; null where it is written from the source alone. */
  checked: string | null
}

type Hash = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'

interface ClaimedDigest {
  of: 'body' | 'url'
  hash: 'sha256'
  encoding: 'hex' | 'base64' | 'base64url'
  isOfBodies?: boolean
}

/** How a vendor makes sure that a URL wants its requests. */
export interface Handshake {
  name: string
  when: string
  method?: 'GET' | 'POST' | 'HEAD' | 'OPTIONS'
  /** The request is a handshake where this is there, and has this value where one is given. */
  at?: RequestLocator
  is?: string | number
  /** The scheme that it must be signed with. */
  verify?: string
  /** What must be equal to what the caller gives. */
  expect?: { at: RequestLocator; option: string }
  /** A digest that the answer holds as `{hmac}`; without a key it is one of the text alone. */
  hmac?: { of: string; hash: 'sha1' | 'sha256'; encoding: 'hex' | 'base64'; key?: 'text' | 'sha1' | 'none' }
  /** Templates, as in `Scheme.signed`. A body that is an object goes out as JSON. */
  answer: {
    status?: number
    headers?: Readonly<Record<string, string>>
    data?: string | Readonly<Record<string, string>>
  }
  /** What `handle` keeps for later signatures. */
  state?: Readonly<Record<string, string>>
  /** An address that has to be asked. */
  visit?: { at: RequestLocator; hosts: RegExp }
  takes: Readonly<Record<string, string>>
  withinSeconds?: number
  source: string
  checked: string | null
}

export type Schemes = Readonly<Record<string, Scheme>>
export type Handshakes = Readonly<Record<string, Handshake>>

export const SECRET = { secret: 'signing secret of the webhook' } as const
