import type { ButtonHTMLAttributes, HTMLAttributes, ReactElement, ReactNode } from 'react'
import type { Connection, ConnectWish, PermeaConnectError, Token } from './permea-connect.js'

interface Engine {
  /** Where the engine is. */
  baseUrl: string
  token: Token
}

/** What to connect and how; the token is the hook's. */
export type Wish = Omit<ConnectWish, 'token'>

/** Opens the connect page; `connect` gives the connection, or null where nothing was connected. */
export declare function useConnect(of: Engine & { onConnected?(connection: Connection): void }): {
  connect(wish: Wish): Promise<Connection | null>
  isOpen: boolean
  error: PermeaConnectError | Error | null
}

/** The customer's connections; read again after one is made by `useConnect` or `ConnectButton`. */
export declare function useConnections(of: Engine): {
  connections: Connection[]
  isLoading: boolean
  error: Error | null
  refresh(): Promise<void>
}

export interface ConnectButtonProps extends Engine, Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'onError'> {
  wish: Wish
  onConnected?(connection: Connection): void
  onError?(error: Error): void
  children?: ReactNode
}

/** A button that connects an app; further properties are the button's. */
export declare function ConnectButton(props: ConnectButtonProps): ReactElement

export interface CustomerPortalProps extends Engine, HTMLAttributes<HTMLDivElement> {
  /** What the frame is called. */
  label?: string
}

/** The page for customers; further properties are those of the element around it. */
export declare function CustomerPortal(props: CustomerPortalProps): ReactElement
