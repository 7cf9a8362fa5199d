import type { Socket } from 'node:net'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'

/** Makes the socket to a server instead of the client. */
export type NatsDial = () => Promise<Socket>

/** Options of a connection with what makes its sockets. */
interface WithDial {
  permeaDial?: NatsDial
}

/**
 * Connects to NATS; over sockets that `dial` makes, where it is given. Every connection of the engine is made here,
 * because the client keeps one maker of sockets for the whole process: this one tells connections apart by their options.
 */
export async function natsConnect(options: NodeConnectionOptions, dial?: NatsDial): Promise<NatsConnection> {
  const { NatsConnectionImpl, setTransportFactory } = await import('@nats-io/transport-node')
  const { NodeTransport, nodeResolveHost } = await import('@nats-io/transport-node/lib/node_transport.js')
  class DialledTransport extends NodeTransport {
    override dial(place: { hostname: string; port: number }): Promise<Socket> {
      const { permeaDial } = this.options as WithDial
      return permeaDial === undefined ? super.dial(place) : permeaDial()
    }
  }
  setTransportFactory({ factory: () => new DialledTransport(), dnsResolveFn: nodeResolveHost })
  const given: NodeConnectionOptions & WithDial = dial === undefined ? options : { ...options, permeaDial: dial }
  return NatsConnectionImpl.connect(given)
}
