// Sends metrics as the reply to a request.
import type { RawRequest } from '../../rpc/registry.ts'
import { CONTENT_TYPES, type Format } from './exposition.ts'

/** Sends `text`, metrics in `format`. */
export function sendMetrics(
  { req, res }: Pick<RawRequest, 'req' | 'res'>,
  format: Format,
  text: string,
): void {
  const body = Buffer.from(text)
  res
    .writeHead(200, { 'Content-Type': CONTENT_TYPES[format], 'Content-Length': body.length })
    .end(req.method === 'HEAD' ? undefined : body)
}
