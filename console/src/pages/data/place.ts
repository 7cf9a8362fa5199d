/** A collection on a connection, and what it is told. */
export interface Place {
  connectionId: string
  key: string
  parameters: Record<string, string>
}

/** What the API is asked for a collection with. */
export const requestAt = ({ connectionId, key, parameters }: Place) => ({
  params: { connectionSelector: connectionId, key },
  query: parameters,
})
