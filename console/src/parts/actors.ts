/** Kinds of who acts, for people to read. */
export const ACTORS = {
  'workspace-secret': 'Workspace secret',
  user: 'Person',
  'api-key': 'API key',
  customer: 'Customer',
  engine: 'The engine',
  nobody: 'Nobody known',
}

/** Who is named, or the kind of key where it has no name. */
export const nameOfActor = (by: string): string => ACTORS[by as keyof typeof ACTORS] ?? by
