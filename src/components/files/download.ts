// Downloads: ranges and conditional requests, as attachments that no browser runs (security.md).

import { ApiError } from '../../core/errors.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import type { Place } from './roots.ts'

/** Content types that clients expect of files that they show. */
const TEXT = /\.(gcode|g|gco|nc|cfg|conf|log|txt|ini|bkp|json|md)(\.\d+)?$/i

/** Sends the file at `place`. Throws ApiError 404 where there is none, 416 for a range that it does not have. */
export async function sendFile({ req, res }: RawRequest, { root, relative, absolute }: Place): Promise<void> {
  const { default: send } = await import('@fastify/send')
  const target = encodeURI(relative).replace(/[?#]/g, encodeURIComponent)
  const result = await send(req, `/${target}`, {
    root: root.path,
    etag: false,
    dotfiles: 'allow',
    index: false,
  })
  if (result.statusCode === 416) {
    res.setHeader('Content-Range', result.headers['Content-Range'] ?? 'bytes */*')
    throw new ApiError(416, 'The range lies beyond the end of the file')
  }
  if (result.type !== 'file') throw new ApiError(404, `File does not exist: ${relative}`)
  for (const [name, value] of Object.entries(result.headers)) res.setHeader(name, value)
  if (TEXT.test(absolute)) res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.setHeader('Content-Disposition', contentDisposition(absolute.split('/').at(-1) ?? ''))
  res.setHeader('Content-Security-Policy', "default-src 'none'; sandbox")
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.writeHead(result.statusCode)
  result.stream.on('error', () => res.destroy())
  res.on('close', () => result.stream.destroy())
  result.stream.pipe(res)
}

/** The name for old and for new readers (RFC 6266, section 4.1). */
function contentDisposition(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\]/g, '\\$&')
  const encoded = encodeURIComponent(name).replace(/['()*]/g, char => `%${char.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
