import { autocompletion, type CompletionSource, closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { javascript, javascriptLanguage } from '@codemirror/lang-javascript'
import { json, jsonLanguage, jsonParseLinter } from '@codemirror/lang-json'
import {
  bracketMatching,
  codeFolding,
  defaultHighlightStyle,
  foldGutter,
  foldKeymap,
  indentOnInput,
  syntaxHighlighting,
} from '@codemirror/language'
import { linter } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { Annotation, EditorState, type Extension } from '@codemirror/state'
import { oneDarkHighlightStyle } from '@codemirror/theme-one-dark'
import { EditorView, keymap, lineNumbers, tooltips } from '@codemirror/view'
import { STYLE_NONCE } from '../base.ts'

export type Language = 'json' | 'javascript'

export const looks = (isDark: boolean): Extension => [
  EditorView.cspNonce.of(STYLE_NONCE),
  EditorView.theme(
    {
      '&': { color: 'var(--mantine-color-text)' },
      '.cm-content': { caretColor: 'var(--mantine-color-text)', padding: '8px 0' },
      '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
      '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--chosen) !important' },
      '.cm-foldPlaceholder': { background: 'var(--chosen)', border: 0, color: 'inherit', padding: '0 6px' },
      '.cm-tooltip': { background: 'var(--mantine-color-body)', border: '1px solid var(--line)', borderRadius: '8px' },
      '.cm-tooltip-autocomplete ul li[aria-selected]': { background: 'var(--chosen)', color: 'inherit' },
      '.cm-panels': { background: 'var(--soft)', color: 'inherit' },
    },
    { dark: isDark },
  ),
  syntaxHighlighting(isDark ? oneDarkHighlightStyle : defaultHighlightStyle),
]

/** What is only looked at: folds, can be searched and reached by keyboard. */
export function reading(label: string, isDark: boolean, language: Language): Extension {
  return [
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0', 'aria-readonly': 'true' }),
    codeFolding(),
    foldGutter({ openText: '▾', closedText: '▸' }),
    language === 'json' ? json() : javascript(),
    highlightSelectionMatches(),
    keymap.of([...searchKeymap, ...foldKeymap]),
    EditorView.lineWrapping,
    looks(isDark),
  ]
}

/** On what a page puts into an editor: nobody typed it, so it is no change to be saved. */
export const fromOutside = Annotation.define<boolean>()

export interface WritingOptions {
  language: Language
  complete: CompletionSource
  isField: boolean
  onChange(text: string): void
}

export function writing({ language, complete, isField, onChange }: WritingOptions): Extension {
  return [
    isField ? [] : lineNumbers(),
    history(),
    isField ? [] : foldGutter({ openText: '▾', closedText: '▸' }),
    indentOnInput(),
    bracketMatching(),
    // A field may hold a text that begins with a bracket.
    isField ? [] : closeBrackets(),
    // At the end of the page, because the box of an editor of one line would cut them off.
    tooltips({ position: 'fixed', parent: document.body }),
    autocompletion(),
    (language === 'json' ? jsonLanguage : javascriptLanguage).data.of({ autocomplete: complete }),
    language === 'json' ? [json(), isField ? [] : linter(jsonOrNothing)] : javascript(),
    overwriting,
    // Where Tab indents, Escape, then Tab leaves the editor.
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...(isField ? [] : [indentWithTab]),
    ]),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return
      if (update.transactions.every((each) => !each.docChanged || each.annotation(fromOutside) === true)) return
      onChange(update.state.doc.toString())
    }),
    isField ? EditorView.lineWrapping : [],
  ]
}

/**
 * What is typed over a selection is put in by the editor: browsers would put it in with styles of their own, which the
 * policy of the page refuses.
 */
const overwriting = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== 'insertText' || event.data === null || view.state.selection.main.empty) return false
    event.preventDefault()
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: 'input.type', scrollIntoView: true })
    return true
  },
})

const parseJson = jsonParseLinter()
const jsonOrNothing = (view: EditorView) => (view.state.doc.length === 0 ? [] : parseJson(view))
