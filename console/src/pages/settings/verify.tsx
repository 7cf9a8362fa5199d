import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { Copy } from '../../parts/copy.tsx'
import { VERIFY_SNIPPETS } from './verify-snippets.ts'

/** A whole receiver in the reader's language that checks each message. */
export function Verify() {
  const [language, setLanguage] = useState('Node')
  const snippet = VERIFY_SNIPPETS.find((each) => each.language === language)
  if (snippet === undefined) return null
  return (
    <div className="stack">
      <p className="dim">
        Every message is signed by the Standard Webhooks rules. This receiver checks it; the secret of the endpoint is
        in its environment as <code>PERMEA_SECRET</code>.
      </p>
      <SegmentedControl
        size="xs"
        aria-label="Language"
        value={language}
        onChange={setLanguage}
        data={VERIFY_SNIPPETS.map((each) => each.language)}
      />
      <Code text={snippet.install} what="what to install" />
      <Code text={snippet.code} what={`receiver in ${language}`} />
    </div>
  )
}

function Code({ text, what }: { text: string; what: string }) {
  return (
    <div className="code-box">
      <div className="code-tools">
        <Copy text={text} what={what} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is wider than the page is scrolled by the keyboard too */}
      <pre tabIndex={0}>{text}</pre>
    </div>
  )
}
