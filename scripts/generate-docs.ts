// Writes docs/generated from the declarations: methods, notifications, events, and the options of moonraker.conf.
// node scripts/generate-docs.ts; with --check it writes nothing and exits with 1 if a file is not up to date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventsPage, methodsPage, notificationsPage } from './docs/api-pages.ts'
import { configurationPage } from './docs/configuration-page.ts'

const FOLDER = join(import.meta.dirname, '..', 'docs', 'generated')

const header = (source: string) =>
  `<!-- Generated from ${source} by scripts/generate-docs.ts; change that and run npm run docs. -->\n\n`

const FILES: Readonly<Record<string, string>> = {
  'methods.md': header('src/api') + methodsPage(),
  'notifications.md': header('src/api') + notificationsPage(),
  'events.md': header('src/api') + eventsPage(),
  'configuration.md': header('the options that components declare') + (await configurationPage()),
}

/** The text of a file; empty if it does not exist. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const stale = Object.entries(FILES).filter(([name, text]) => readIfThere(join(FOLDER, name)) !== text)
if (process.argv.includes('--check')) {
  for (const [name] of stale) {
    process.stderr.write(`docs/generated/${name} is not up to date: run npm run docs\n`)
  }
  process.exitCode = stale.length === 0 ? 0 : 1
} else {
  mkdirSync(FOLDER, { recursive: true })
  for (const [name, text] of stale) {
    writeFileSync(join(FOLDER, name), text)
    process.stdout.write(`docs/generated/${name}\n`)
  }
}
