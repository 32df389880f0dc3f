// A request over HTTPS, as a client that knows the certificate makes it.
import { once } from 'node:events'
import { get } from 'node:https'
import { CERTIFICATE } from './certificate.ts'

/** The status of the reply to GET `path` on this port. Rejects where the certificate is another. */
export async function statusOverTls(port: number | null, path: string): Promise<number> {
  const request = get({ host: 'localhost', port, path, ca: CERTIFICATE, agent: false })
  const [response] = await once(request, 'response')
  response.resume()
  return response.statusCode
}
