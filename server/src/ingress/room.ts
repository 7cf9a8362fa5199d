import type { FastifyInstance } from 'fastify'
import { takeAnyContentType } from './any-content-type.ts'
import { type AddressLookups, createDoors } from './doors.ts'
import { createExternalIngress, type ExternalIngressOptions } from './external-ingress.ts'
import { createIngress, type IngressOptions } from './ingress.ts'

export interface IngressRoomOptions
  extends Omit<IngressOptions, 'doors'>,
    Pick<ExternalIngressOptions, 'receive' | 'ids'> {
  addresses: AddressLookups
}

/** Every webhook URL, of your application and of external apps. */
export interface IngressRoom {
  mount(app: FastifyInstance): void
  /** Resolves when every request taken in so far is answered. */
  drained(): Promise<void>
}

export function createIngressRoom({ addresses, receive, ids, ...options }: IngressRoomOptions): IngressRoom {
  const { metrics, rates, quotas, placeOf } = options
  const doors = createDoors(addresses)
  const internal = createIngress({ ...options, doors: doors.internal })
  const external = createExternalIngress({ receive, ids, metrics, rates, quotas, placeOf, doors: doors.external })
  return {
    mount(app) {
      takeAnyContentType(app)
      internal.mount(app)
      external.mount(app)
    },
    drained: () => internal.drained(),
  }
}
