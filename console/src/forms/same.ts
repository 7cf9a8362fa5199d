/** Whether two values are the same JSON, keys in the same order. */
export const isSameJson = (one: unknown, other: unknown): boolean =>
  Object.is(one, other) || JSON.stringify(one) === JSON.stringify(other)
