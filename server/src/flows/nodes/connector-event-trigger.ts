import { checkFormula } from '../../formulas/check-formula.ts'
import { configOf, type NodeProblem, type NodeType, passOn } from '../node-type.ts'

function parametersOf(config: Record<string, unknown>): Record<string, unknown> {
  const given = config.eventParameters ?? config.parameters ?? {}
  return typeof given === 'object' && given !== null && !Array.isArray(given) ? (given as Record<string, unknown>) : {}
}

/**
 * Fires on an event of the connection's app: `config.eventKey` names one that the connector defines,
 * `config.eventParameters` says which of them. The output is the event. External Event Types of the workspace cannot
 * be used here.
 *
 * @source seeds/002; wire facts E.3
 */
const connectorEventTrigger: NodeType = {
  type: 'connector-event-trigger',
  isTrigger: true,
  hasEffect: false,
  needsConnection: true,
  check(node) {
    const config = configOf(node)
    const problems: NodeProblem[] = checkFormula(parametersOf(config)).map((each) => ({
      path: `config.eventParameters ${each.path}`,
      message: each.message,
    }))
    if (typeof config.eventKey !== 'string' || config.eventKey === '')
      problems.push({
        path: 'config.eventKey',
        message: 'the key of an event that the connector defines is needed',
        isIncomplete: true,
      })
    return problems
  },
  prepare: () => passOn,
  wish(node) {
    const config = configOf(node)
    return { kind: 'connector-event', eventKey: String(config.eventKey), parameters: parametersOf(config) }
  },
}

export default connectorEventTrigger
