/** What a kind of node is called and how it is configured, for people and for forms. */
export interface NodeAbout {
  title: string
  summary: string
  /** JSON Schema of `config`; `format` says what a text stands for. */
  config: Record<string, unknown>
}
