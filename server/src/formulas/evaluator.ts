import type { Budget } from './bounds.ts'

/**
 * What a formula may ask of the world. Each is optional: without it the operator is left in the result with its
 * arguments resolved (`$dataSchemaRef` yields undefined instead). What a resolver throws rejects the evaluation.
 *
 * @source observed on the published client, whose names these are
 */
export interface FormulaResolvers {
  resolveLookup?(request: { lookup: unknown }): Promise<unknown>
  /** `$findAppRecordId`: from the external record to the app's. */
  resolveImportDataLink?(link: DataLink): Promise<unknown>
  /** `$findExternalRecordId`: from the app's record to the external one. */
  resolveExportDataLink?(link: DataLink): Promise<unknown>
  getDataCollection?(key: unknown, parameters: unknown): Promise<{ fieldsSchema?: unknown } | undefined>
  getInternalDataSchema?(key: unknown): Promise<unknown>
}

/** Which row of which data-link table is asked for; never called with an empty key or id. */
export interface DataLink {
  dataLinkTableKey: unknown
  recordId: unknown
}

/** One evaluation of one formula, shared by all its parts. */
export interface Run {
  readonly budget: Budget
  readonly resolvers: FormulaResolvers
  /** What a JSONata expression yields for a scope. */
  evaluateJsonata(expression: string, scope: unknown, run: Run): Promise<unknown>
  /** The `{$copy}` objects this run put into its result, to be replaced once the result is complete. */
  readonly copies: Set<object>
  /** Parts of the scope that were copied because JSONata would mark them, by the original. */
  readonly detached: Map<object, object>
}

/** Where a part is evaluated: the whole formula's scope, or an item's within `$iterate`. */
export interface EvaluationFrame {
  readonly scope: unknown
  readonly run: Run
}

/** Yields the value, or a promise of it where something asynchronous is involved. */
export type Evaluator = (frame: EvaluationFrame) => unknown

type Compile = (formula: unknown) => Evaluator

/** Turns the arguments of one operator into its evaluator; `whole` is the object they stand in, extra keys included. */
export type Operator = (args: unknown, compile: Compile, whole: Record<string, unknown>) => Evaluator

/** Uses the value now, or once it is there. */
export function whenReady(value: unknown, use: (value: unknown) => unknown): unknown {
  return value instanceof Promise ? observed(value.then(use)) : use(value)
}

/** Uses the values now, or once all are there. */
export function whenAllReady(values: readonly unknown[], use: (values: readonly unknown[]) => unknown): unknown {
  return values.some((value) => value instanceof Promise) ? observed(Promise.all(values).then(use)) : use(values)
}

/**
 * Marks a promise as handled, so that its failure reaches whoever awaits it but ends no process when a sibling threw
 * first and nobody does.
 */
export function observed<T>(promise: Promise<T>): Promise<T> {
  promise.then(undefined, () => undefined)
  return promise
}
