// `fleet certificate NAME…`: a certificate of the fleet's own, for hub and engine. Printers learn it when they join.
import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { StartError } from '../../core/errors.ts'
import { makeFoldersSync } from '../../core/make-folders.ts'
import { runCommand } from '../../core/run-command.ts'
import type { FleetFiles } from './files.ts'

/** Days that it is valid. */
const DAYS = 3650
const TIMEOUT = 30

/** Makes a certificate and its key. Rejects with StartError where there is one, and where openssl is missing or refuses. */
export async function makeCertificate(
  { certificate, key, certificates }: FleetFiles,
  names: readonly string[],
): Promise<void> {
  if (existsSync(certificate) || existsSync(key)) {
    throw new StartError(
      `there is a certificate already: ${certificate}. Printers trust it; move it away to make another, after which ` +
        'they have to join again',
    )
  }
  const invalid = names.find(name => isIP(name) === 0 && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name))
  if (invalid !== undefined) throw new StartError(`'${invalid}' is not a host name or an address`)
  makeFoldersSync(certificates, 0o700)
  const alternatives = names.map(name => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`)
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256'.split(' ')
  const { code, stderr } = await runCommand(
    'openssl',
    [
      ...request,
      '-days',
      String(DAYS),
      '-subj',
      `/CN=${names[0]?.slice(0, 64)}`,
      '-addext',
      `subjectAltName=${alternatives.join(',')}`,
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    { timeoutSeconds: TIMEOUT },
  ).catch(() => {
    throw new StartError('openssl is not installed: apt install openssl')
  })
  if (code !== 0) throw new StartError(`openssl made no certificate: ${stderr.trim().split('\n').at(-1)}`)
}
