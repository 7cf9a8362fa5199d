import { ConnectButton, CustomerPortal, useConnect, useConnections } from '@permea/connect/react'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'

// A page of a product, as the README of `@permea/connect` has it. Tokens are fetched, as from a product's backend.

interface Given {
  baseUrl: string
  token: string
}
const { baseUrl, token } = JSON.parse(document.getElementById('engine')?.textContent ?? '') as Given
const engine = { baseUrl, token: async () => token }

const signedOut = () => Promise.reject(new Error('signed out'))

function Product() {
  const { connections, isLoading, error } = useConnections(engine)
  const [said, setSaid] = useState('')
  const [hasPortal, setHasPortal] = useState(false)
  return (
    <main>
      <h1>Apps</h1>
      <ConnectButton
        {...engine}
        wish={{ integrationKey: 'crm', allowMultipleConnections: true }}
        className="primary"
        onConnected={({ name }) => setSaid(`connected ${name}`)}
        onError={({ message }) => setSaid(`wrong: ${message}`)}
      >
        Connect the CRM
      </ConnectButton>
      <ConnectButton
        {...engine}
        token={signedOut}
        wish={{ integrationKey: 'crm', mode: 'popup' }}
        onError={({ message }) => setSaid(`wrong: ${message}`)}
      />
      <Renew first={connections[0]?.id} say={setSaid} />
      <button type="button" onClick={() => setHasPortal(!hasPortal)}>
        Webhooks
      </button>
      <output>{said}</output>
      {error !== null && <p role="alert">{error.message}</p>}
      <ul aria-busy={isLoading}>
        {connections.map(({ id, name, disconnected }) => (
          <li key={id}>
            {name}: {disconnected ? 'lost' : 'works'}
          </li>
        ))}
      </ul>
      {hasPortal && <CustomerPortal {...engine} label="Apps and webhooks" className="portal" />}
    </main>
  )
}

function Renew({ first, say }: { first: string | undefined; say(words: string): void }) {
  const { connect, isOpen, error } = useConnect(engine)
  const renew = async () => {
    const connection = await connect({ ...(first === undefined ? {} : { connectionId: first }), mode: 'popup' })
    say(connection === null ? 'nothing' : `renewed ${connection.name}`)
  }
  return (
    <button type="button" onClick={() => void renew()} disabled={isOpen || first === undefined}>
      Renew{error === null ? '' : `: ${error.message}`}
    </button>
  )
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Product />
  </StrictMode>,
)
