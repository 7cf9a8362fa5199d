/** A customer's token, or what makes one: it is asked each time. */
export type Token = string | (() => string | Promise<string>)

/** A customer's link to an app, as `GET /connections/{id}` answers. */
export interface Connection {
  id: string
  name?: string
  disconnected?: boolean
  integrationId?: string
  integration?: { id: string; key: string; name: string; logoUri?: string }
  error?: { message: string }
  [more: string]: unknown
}

export interface ConnectWish {
  token: Token
  /** What to connect: one of these; a connection is renewed. */
  integrationKey?: string
  integrationId?: string
  connectorKey?: string
  connectionId?: string
  /** Which way to connect, where the app has several; a person chooses where this is absent. */
  authOptionKey?: string
  name?: string
  allowMultipleConnections?: boolean
  connectionKey?: string
  /** Filled into the form beforehand. */
  input?: Record<string, unknown>
  /** `dialog` unless set: over your page; `popup`: a window, opened from a click; `redirect`: leaves the page. */
  mode?: 'dialog' | 'popup' | 'redirect'
  /** Where `redirect` comes back to; this page unless set. */
  redirectUri?: string
  /** What the dialog is called, and its button that closes. */
  label?: string
  closeLabel?: string
  signal?: AbortSignal
}

export interface PortalWish {
  /** Where it is a function, the page asks for another one when the first has ended. */
  token: Token
  element: HTMLElement
  /** What the frame is called. */
  label?: string
}

export interface PermeaConnect {
  /**
   * Resolves once something is connected. Rejects with a `PermeaConnectError` where the person closed the dialog or
   * window, or the browser opened none. With `redirect` it never settles: `takeResult` has the outcome after it.
   */
  connect(wish: ConnectWish): Promise<{ requestId: string; connection: Connection }>
  takeResult: typeof takeResult
  /** Shows the page for customers in an element of this page. `remove` takes it away again. */
  portal(wish: PortalWish): { frame: HTMLIFrameElement; ready: Promise<void>; remove(): void }
  /** Every connection of the customer. */
  listConnections(token: Token): Promise<Connection[]>
}

/** Why nothing was connected: `cancelled`, `blocked` (the browser opened no window), `failed`, `refused`. */
export declare class PermeaConnectError extends Error {
  code: 'cancelled' | 'blocked' | 'failed' | 'refused'
  data?: unknown
  constructor(code: PermeaConnectError['code'], message: string, data?: unknown)
}

/** `baseUrl` is where the engine is; not needed where the engine served this script. */
export declare function createPermeaConnect(options?: { baseUrl?: string }): PermeaConnect

/** Takes what the engine added to this page's address when it sent the browser back; null where it did not. */
export declare function takeResult():
  | { requestId: string; connectionId: string | null; error?: undefined }
  | { requestId: string; connectionId?: undefined; error: PermeaConnectError }
  | null

/** For the script that the engine serves. */
export declare const permea: PermeaConnect
