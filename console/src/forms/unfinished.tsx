import { createContext, type ReactNode, useContext, useMemo } from 'react'

/**
 * Texts of editors that are not a value yet, such as half an object, by the place they stand at. They are part of what
 * is being worked on: they stay while another node is looked at, and nothing is saved while there are any.
 */
export interface Unfinished {
  text: string
  problem: string
}
export type UnfinishedTexts = Readonly<Record<string, Unfinished>>

interface Place {
  texts: UnfinishedTexts
  put(place: string, text: Unfinished | null): void
  prefix: string
}

const Surroundings = createContext<Place>({ texts: {}, put() {}, prefix: '' })

interface UnfinishedProps {
  texts: UnfinishedTexts
  put(place: string, text: Unfinished | null): void
  /** What the places of the editors inside begin with. */
  prefix: string
  children: ReactNode
}

export function UnfinishedAround({ texts, put, prefix, children }: UnfinishedProps) {
  const place = useMemo(() => ({ texts, put, prefix }), [texts, put, prefix])
  return <Surroundings value={place}>{children}</Surroundings>
}

/** The unfinished text of one editor. */
export function useUnfinished(name: string): [Unfinished | undefined, (text: Unfinished | null) => void] {
  const { texts, put, prefix } = useContext(Surroundings)
  const place = `${prefix}${name}`
  return [texts[place], (text) => put(place, text)]
}
