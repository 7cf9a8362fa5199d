import { BUILDING } from './building.ts'
import { BUSINESS } from './business.ts'
import { MESSAGING } from './messaging.ts'
import { PAYMENTS } from './payments.ts'
import { PLATFORMS } from './platforms.ts'
import type { Schemes } from './scheme.ts'
import { WORK } from './work.ts'

/** Every vendor whose signatures can be verified, by the name of its function. */
export const SCHEMES: Schemes = { ...PAYMENTS, ...MESSAGING, ...WORK, ...PLATFORMS, ...BUILDING, ...BUSINESS }
