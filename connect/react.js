import { createElement, useCallback, useEffect, useRef, useState } from 'react'
import { createPermeaConnect, PermeaConnectError } from './permea-connect.js'

/** Opens the connect page; says whether it is open and what went wrong last. */
export function useConnect({ baseUrl, token, onConnected }) {
  const [isOpen, setIsOpen] = useState(false)
  const [error, setError] = useState(null)
  const latest = useRef({ baseUrl, token, onConnected })
  latest.current = { baseUrl, token, onConnected }
  const connect = useCallback(async (wish) => {
    const now = latest.current
    setIsOpen(true)
    setError(null)
    try {
      const result = await createPermeaConnect({ baseUrl: now.baseUrl }).connect({ token: now.token, ...wish })
      latest.current.onConnected?.(result.connection)
      announce()
      return result.connection
    } catch (cause) {
      if (!(cause instanceof PermeaConnectError && cause.code === 'cancelled')) setError(cause)
      return null
    } finally {
      setIsOpen(false)
    }
  }, [])
  return { connect, isOpen, error }
}

/** The customer's connections; read again after one is made by `useConnect` or `ConnectButton`. */
export function useConnections({ baseUrl, token }) {
  const [state, setState] = useState({ connections: [], isLoading: true, error: null })
  const latest = useRef(token)
  latest.current = token
  const refresh = useCallback(async () => {
    try {
      const connections = await createPermeaConnect({ baseUrl }).listConnections(latest.current)
      setState({ connections, isLoading: false, error: null })
    } catch (error) {
      setState((before) => ({ ...before, isLoading: false, error }))
    }
  }, [baseUrl])
  useEffect(() => {
    void refresh()
    listeners.add(refresh)
    return () => void listeners.delete(refresh)
  }, [refresh])
  return { ...state, refresh }
}

/** A button that connects an app; further properties are the button's. */
export function ConnectButton({ baseUrl, token, wish, onConnected, onError, children, ...button }) {
  const { connect, isOpen, error } = useConnect({ baseUrl, token, onConnected })
  const heard = useRef(onError)
  heard.current = onError
  // Told of once: a function that is written in place is another one each time, and the error the same.
  useEffect(() => {
    if (error !== null) heard.current?.(error)
  }, [error])
  return createElement(
    'button',
    { type: 'button', ...button, disabled: button.disabled === true || isOpen, onClick: () => void connect(wish) },
    children ?? 'Connect',
  )
}

/** The page for customers; further properties are those of the element around it. */
export function CustomerPortal({ baseUrl, token, label, ...around }) {
  const place = useRef(null)
  const latest = useRef(token)
  latest.current = token
  useEffect(() => {
    const given = () => (typeof latest.current === 'function' ? latest.current() : latest.current)
    const shown = createPermeaConnect({ baseUrl }).portal({ token: given, element: place.current, label })
    return () => shown.remove()
  }, [baseUrl, label])
  return createElement('div', { ...around, ref: place })
}

const listeners = new Set()
const announce = () => {
  for (const listener of listeners) listener()
}
