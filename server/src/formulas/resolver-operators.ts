import { member } from './coercion.ts'
import { type DataLink, type FormulaResolvers, type Operator, observed, whenAllReady, whenReady } from './evaluator.ts'

/** Asks `resolveLookup`; without it, `{$lookup: args}` with the arguments resolved. */
export const lookup: Operator = (args, compile) => {
  const evaluate = compile(args)
  return (frame) =>
    whenReady(evaluate(frame), (resolved) => {
      const { resolvers } = frame.run
      if (resolvers.resolveLookup === undefined) return { $lookup: resolved }
      return observed(resolvers.resolveLookup({ lookup: resolved }))
    })
}

/** Follows a data-link table from the external record to the app's. */
export const findAppRecordId: Operator = ofDataLink('$findAppRecordId', (resolvers, link) =>
  resolvers.resolveImportDataLink?.(link),
)

/** Follows a data-link table from the app's record to the external one. */
export const findExternalRecordId: Operator = ofDataLink('$findExternalRecordId', (resolvers, link) =>
  resolvers.resolveExportDataLink?.(link),
)

function ofDataLink(
  key: '$findAppRecordId' | '$findExternalRecordId',
  ask: (resolvers: FormulaResolvers, link: DataLink) => Promise<unknown> | undefined,
): Operator {
  const resolverName = key === '$findAppRecordId' ? 'resolveImportDataLink' : 'resolveExportDataLink'
  return (args, compile) => {
    const evaluate = compile(args)
    return (frame) =>
      whenReady(evaluate(frame), (resolved) => {
        const { resolvers } = frame.run
        if (resolvers[resolverName] === undefined) return { [key]: resolved }
        const dataLinkTableKey = member(member(resolved, 'dataLinkTable'), 'key')
        const recordId = member(resolved, 'recordId')
        if (!dataLinkTableKey || !recordId) return undefined
        const answer = ask(resolvers, { dataLinkTableKey, recordId })
        return answer === undefined ? undefined : observed(answer)
      })
  }
}

/**
 * The schema of a data collection (its `fieldsSchema`) or of an internal data schema; undefined without the resolver
 * and for a type that is neither. The type is literal, key and parameters may be formulas.
 */
export const dataSchemaRef: Operator = (args, compile) => {
  const type = member(args, 'type')
  const key = compile(member(args, 'key'))
  const parameters = compile(member(args, 'parameters'))
  return (frame) =>
    whenAllReady([key(frame), parameters(frame)], ([readyKey, readyParameters]) => {
      const { resolvers } = frame.run
      if (type === 'data-collection' && resolvers.getDataCollection !== undefined) {
        const collection = observed(resolvers.getDataCollection(readyKey, readyParameters))
        return whenReady(collection, (found) => member(found, 'fieldsSchema'))
      }
      if (type === 'internal-data-schema' && resolvers.getInternalDataSchema !== undefined) {
        return observed(resolvers.getInternalDataSchema(readyKey))
      }
      return undefined
    })
}
