// Downloads: ranges and conditional requests, as attachments that no browser runs (security.md).
import { basename } from 'node:path'
import { sendFile } from '../../../core/send-file.ts'
import type { RawRequest } from '../../../rpc/registry.ts'
import type { Place } from '../roots/roots.ts'

/** What clients show as text though the type is in no list; rotated logs have a number or a date behind the name. */
const TEXT = /\.(gcode|g|gco|nc|cfg|conf|log|txt|ini|bkp)(\.[\d-]+)?$/i

/** Nothing runs and nothing is fetched, should a browser show the file after all; pictures (SVG) keep their own style. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

/**
 * Sends the file at `place`; `relative` is what it is called. Throws ApiError 404 where there is none, 403 for a folder
 * and what else is no file, 416 for a range that it does not have.
 */
export function sendDownload(
  { req, res }: RawRequest,
  { real, relative }: Pick<Place, 'real' | 'relative'>,
): Promise<void> {
  const headers = {
    ...(TEXT.test(relative) && { 'Content-Type': 'text/plain; charset=utf-8' }),
    'Content-Disposition': contentDisposition(basename(relative)),
    'Content-Security-Policy': POLICY,
    // Clients ask with a new query for what has changed; the others must not show an old file.
    'Cache-Control': 'no-cache',
  }
  return sendFile(req, res, { path: real, shown: relative, etag: false, headers })
}

/** The name for old and for new readers (RFC 6266, section 4.1). */
function contentDisposition(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\]/g, '\\$&')
  const encoded = encodeURIComponent(name).replace(/['()*]/g, char => `%${char.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
