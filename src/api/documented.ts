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
  readonly description?: string
}

/** What the chapters are about, by their titles. */
const ABOUT: Readonly<Record<string, string>> = {
  'Server Administration': 'The server itself, who is connected, and what was recorded',
  Printer: 'Klipper: status and subscriptions, G-code, prints, restarts',
  'Machine Requests': 'The computer: its load, its system, its services and devices',
  'File Operations': 'G-code, configuration and logs: list, read, upload, move, delete',
  Authorization: 'Logins, tokens, API keys and users',
  'Database APIs': 'Values that clients keep on the server, each in a namespace of its own',
  'Job Queue APIs': 'Files that wait to be printed',
  'Announcement APIs': 'News for the users of printers',
  'Webcam APIs': 'The cameras that look at the printer, and how to show them',
  'Notifier APIs': 'Messages to people when something happens',
  'Update Manager APIs': 'New versions of what is installed',
  'Power APIs': 'Devices that can be switched on and off',
  'WLED APIs': 'Strips of light',
  'Sensor APIs': 'Sensors beside those of Klipper',
  'Spoolman APIs': 'Spools of filament, kept by Spoolman',
  'OctoPrint API emulation': 'What slicers that know OctoPrint ask for',
  'History APIs': 'Prints of the past and their sums',
  'MQTT APIs': 'Messages through an MQTT broker',
  'Extension APIs': 'Programs that add methods of their own',
  'Debug APIs': 'For developers; served with the option -g only',
  'Service Discovery': 'What the server can do, for programs',
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

/** The headings that `methods` need in the order of the API document, with those of `others` that no method has. */
export function tagsOf(methods: readonly DocumentedMethod[], others: readonly string[] = []): Tag[] {
  const used = new Set([...methods.map(({ name }) => tagOf(name)), ...others])
  const titles = new Set([...Object.keys(chapters), KLIPPER.name, ...others])
  return [...titles].filter(name => used.has(name)).map(tagNamed)
}

function tagNamed(name: string): Tag {
  if (name === KLIPPER.name) return KLIPPER
  const description = ABOUT[name]
  return { name, ...(description !== undefined && { description }) }
}
