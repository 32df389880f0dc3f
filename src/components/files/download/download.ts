// Downloads: with ranges and conditional requests, as attachments that no browser runs.
import { basename } from 'node:path'
import { sendFile } from '../../../core/send-file.ts'
import type { RawRequest } from '../../../rpc/registry.ts'
import type { Place, Roots } from '../roots/roots.ts'

/** Clients show these as text, but no list of types has them. Rotated logs end with a number or a date. */
const TEXT = /\.(gcode|g|gco|nc|cfg|conf|log|txt|ini|bkp)(\.[\d-]+)?$/i

/** Forbids scripts and requests if a browser shows the file in spite of all; images (SVG) keep their own style. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

/**
 * Sends a file; `relative` gives its name. With `roots`, its calls are queued if it is on a network disk. Throws
 * ApiError 404 if it does not exist, 403 if it is not a regular file, 416 for a range beyond its end.
 */
export function sendDownload(
  { req, res }: RawRequest,
  { real, relative }: Pick<Place, 'real' | 'relative'>,
  roots?: Roots,
): Promise<void> {
  const headers = {
    ...(TEXT.test(relative) && { 'Content-Type': 'text/plain; charset=utf-8' }),
    'Content-Disposition': contentDisposition(basename(relative)),
    'Content-Security-Policy': POLICY,
    // Front-ends request a changed file with a new query; other clients must not show an old file.
    'Cache-Control': 'no-cache',
  }
  const calls = roots?.calls.forFile(real)
  return sendFile(req, res, { path: real, shown: relative, etag: false, headers, calls })
}

/** The name in ASCII and in UTF-8 (RFC 6266, section 4.1). */
function contentDisposition(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\]/g, '\\$&')
  const encoded = encodeURIComponent(name).replace(/['()*]/g, char => `%${char.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
