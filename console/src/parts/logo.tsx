import { useState } from 'react'

const SHOWN = /^(?:https?:|data:image\/)/
const LETTERS_MAX = 2

/** The name of an app with its logo before it; with its initials where it has none, or where that does not load. */
export function Logo({ uri, name }: { uri: string | undefined; name: string }) {
  const [broken, setBroken] = useState('')
  const isShown = uri !== undefined && SHOWN.test(uri) && uri !== broken
  return (
    <span className="logo-name">
      {isShown ? (
        <img
          src={uri}
          width={20}
          height={20}
          alt=""
          loading="lazy"
          referrerPolicy="no-referrer"
          onError={() => setBroken(uri)}
        />
      ) : (
        <span className="initials" aria-hidden>
          {initialsOf(name)}
        </span>
      )}
      {name}
    </span>
  )
}

function initialsOf(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')
  return words
    .slice(0, LETTERS_MAX)
    .map((word) => String.fromCodePoint(word.codePointAt(0) ?? 0).toUpperCase())
    .join('')
}
