// The documents as a site, for tests.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Site {
  readonly files: ReadonlyMap<string, Buffer>
  readonly problems: readonly string[]
}

export const { docsSite } = (await import(new URL('../../scripts/docs-site.mjs', import.meta.url).href)) as {
  docsSite: (options?: { readonly root?: string; readonly served?: boolean }) => Promise<Site>
}

/** Writes files by their paths in `folder`. */
export function writeFiles(folder: string, files: Iterable<readonly [string, string | Buffer]>): void {
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}
