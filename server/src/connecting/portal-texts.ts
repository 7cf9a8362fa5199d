import { de } from './portal-texts/de.ts'
import { en, type PortalTexts } from './portal-texts/en.ts'
import { es } from './portal-texts/es.ts'
import { fr } from './portal-texts/fr.ts'
import { ja } from './portal-texts/ja.ts'
import { pt } from './portal-texts/pt.ts'

const TEXTS: Record<string, PortalTexts> = { en, de, fr, es, pt, ja }

/** What the page for customers says in this language. */
export function portalTexts(language: string): PortalTexts {
  return TEXTS[language] ?? en
}
