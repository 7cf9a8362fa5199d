import { useEffect, useRef, useState } from 'react'
import { isSameJson } from './same.ts'
import { useUnfinished } from './unfinished.tsx'

/** What a text stands for, or why it stands for nothing yet. */
export interface Reading {
  value: unknown
  problem: string | null
}

interface ValueTextOptions<T> {
  /** Where the value stands; its unfinished text is kept under this name. */
  place: string
  value: T
  textOf(value: T): string
  read(text: string): Reading
  onChange(value: unknown): void
}

/** A value that is written as text. What is no value yet is kept as text, and says why. */
export function useValueText<T>({ place, value, textOf, read, onChange }: ValueTextOptions<T>) {
  const [unfinished, setUnfinished] = useUnfinished(place)
  const [text, setText] = useState(() => unfinished?.text ?? textOf(value))
  const sent = useRef<unknown>(value)
  const wasUnfinished = useRef(unfinished !== undefined)
  useEffect(() => {
    // What was set from outside: changes undone, or what the engine made of them.
    const isUndone = wasUnfinished.current && unfinished === undefined
    wasUnfinished.current = unfinished !== undefined
    if (!isUndone && (unfinished !== undefined || isSameJson(sent.current, value))) return
    sent.current = value
    setText((now) => (isSameJson(read(now).value, value) ? now : textOf(value)))
  }, [value, unfinished, read, textOf])
  return {
    text,
    problem: unfinished?.problem,
    write(to: string) {
      setText(to)
      const { value: made, problem } = read(to)
      if (problem !== null) return setUnfinished({ text: to, problem })
      wasUnfinished.current = false
      if (unfinished !== undefined) setUnfinished(null)
      sent.current = made
      onChange(made)
    },
  }
}

/** An object as JSON. */
export const objectText = (value: object): string => JSON.stringify(value, null, 2)

export function readObject(text: string): Reading {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value, problem: null }
    return { value: undefined, problem: 'It has to be an object: { … }' }
  } catch (error) {
    return { value: undefined, problem: `Not valid JSON yet: ${(error as Error).message}` }
  }
}
