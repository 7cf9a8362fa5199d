/** Where the token of a client comes from. */
export interface TokenSource {
  /** The token at hand; else a new one, asked for once however many requests wait for it. */
  get(): Promise<string>
  /** Drops a token that was refused. Returns whether another can be had. */
  forget(token: string): boolean
}

export function createTokenSource(from: string | (() => Promise<string>)): TokenSource {
  if (typeof from === 'string') return { get: async () => from, forget: () => false }
  return new FetchedToken(from)
}

class FetchedToken implements TokenSource {
  readonly #fetchToken: () => Promise<string>
  #pending: Promise<string> | null = null
  #token: string | null = null

  constructor(fetchToken: () => Promise<string>) {
    this.#fetchToken = fetchToken
  }

  async get(): Promise<string> {
    if (this.#token !== null) return this.#token
    this.#pending ??= this.#fetchToken().finally(() => {
      this.#pending = null
    })
    this.#token = await this.#pending
    return this.#token
  }

  forget(token: string): boolean {
    if (this.#token === token) this.#token = null
    return true
  }
}
