import type { ErrorData } from '@permea/contract'
import { FormulaTooLarge } from '../formulas/bounds.ts'
import type { Log } from '../platform/log.ts'

/** What is recorded of a node that threw: what is wrong with it, or that we are, which the log explains. */
export function nodeFault(error: Error, log: Log, where: { run: string; node: string }): ErrorData {
  if (error instanceof FormulaTooLarge)
    return { type: 'configuration', key: 'formula_too_large', message: error.message }
  log.error({ ...where, message: error.message, stack: error.stack }, 'a node failed by our own mistake')
  return { type: 'internal', key: 'internal', message: 'something went wrong on our side; the log has the details' }
}
