// What the published documents are made of: methods as they are served, each with the chapter that it belongs to.
import type { Endpoint } from './endpoint.ts'
import { chapters } from './index.ts'

/** A method that is served: declared in a chapter, or taken over from Klippy. */
export interface DocumentedMethod {
  readonly name: string
  readonly endpoint: Endpoint
}

/** What the documents say of the server as a whole. */
export interface DocumentInfo {
  readonly title: string
  /** The server's version. */
  readonly version: string
  readonly description: string
}

/** A heading of the documents. */
export interface Tag {
  readonly name: string
  readonly description: string
}

/** Klippy's own endpoints, which no chapter declares. */
const KLIPPER: Tag = {
  name: 'Klipper',
  description: "Klipper's own endpoints as it offers them; their arguments go to Klipper as they are",
}

/** The heading under which a method stands. */
export function tagOf(method: string): string {
  for (const [title, chapter] of Object.entries(chapters)) {
    if (Object.hasOwn(chapter, method)) return title
  }
  return KLIPPER.name
}

/** The headings that `methods` need, in the order of the API document. */
export function tagsOf(methods: readonly DocumentedMethod[]): Tag[] {
  const used = new Set(methods.map(({ name }) => tagOf(name)))
  const titles = Object.keys(chapters).map(name => ({ name, description: `API document: "${name}"` }))
  return [...titles, KLIPPER].filter(({ name }) => used.has(name))
}
