// The macro file in the user's configuration: shown, installed and updated on request.
import { readFile, writeFile } from 'node:fs/promises'
import { ApiError } from '../../core/errors.ts'
import { makeDurable } from '../../core/make-durable.ts'
import type { FilesService } from '../files/service.ts'

/** The file below the root `config`, which printer.cfg includes by this name. */
const FILENAME = 'timelapse.cfg'

/** What clients receive. */
interface MacroFileInfo {
  readonly filename: string
  readonly version: string
  readonly installed: 'missing' | 'current' | 'outdated' | 'other'
}

/** The installed file, and the text of the server's own. */
export async function describeMacros(
  files: FilesService,
): Promise<MacroFileInfo & { readonly content: string }> {
  const { MACRO_TEXT, MACRO_VERSION, MACRO_HEADING } = await import('./macro-text.ts')
  const { real } = await files.roots.locate(`config/${FILENAME}`)
  const text = await readFile(real, 'utf8').catch(() => null)
  const installed =
    text === null
      ? 'missing'
      : text === MACRO_TEXT
        ? 'current'
        : text.startsWith(MACRO_HEADING)
          ? 'outdated'
          : 'other'
  return { filename: FILENAME, version: MACRO_VERSION, installed, content: MACRO_TEXT }
}

/**
 * Writes the file. Rejects with ApiError 403 if the configuration is read-only, and with 409 for a file that this server
 * did not write, unless `replace` is true; of a link, the link is replaced.
 */
export async function installMacros(files: FilesService, replace: boolean): Promise<MacroFileInfo> {
  const { installed, content } = await describeMacros(files)
  if (installed === 'other' && !replace) {
    throw new ApiError(
      409,
      `config/${FILENAME} is a file of another program: it works, and stays without 'replace'`,
    )
  }
  const place = await files.roots.locate(`config/${FILENAME}`)
  if (!place.root.writable) throw new ApiError(403, `Files of root 'config' may not be written`)
  await files.withStagingPath(place, async draft => {
    await writeFile(draft, content)
    await makeDurable(draft)
    await files.lock.run({ write: [place.absolute] }, () => files.publishFile(draft, place))
  })
  const { content: _content, ...info } = await describeMacros(files)
  return info
}
