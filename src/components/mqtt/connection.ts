// From the options of [mqtt] to the options of the library.
import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { getCACertificates } from 'node:tls'
import type { IClientOptions } from 'mqtt'
import type { Core } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import type { ReadSection } from '../../config/index.ts'
import { messageOf } from '../../core/errors.ts'
import { readSmallFile } from '../../core/small-file.ts'
import type { mqttOptions } from './options.ts'

type Section = ReadSection<typeof mqttOptions>

/** Bytes of a file with a password or with certificates; all authorities of a system have a quarter of it. */
const MAX_FILE_BYTES = 1024 * 1024

const PROTOCOLS = {
  'v3.1': { protocolId: 'MQIsdp', protocolVersion: 3 },
  'v3.1.1': { protocolId: 'MQTT', protocolVersion: 4 },
  v5: { protocolId: 'MQTT', protocolVersion: 5 },
} as const

/** Reads files and renders templates with the secrets. Rejects with ConfigError. */
export async function connectionOptions(
  core: Pick<Core, 'log' | 'secrets'>,
  section: Section,
): Promise<IClientOptions> {
  const { options } = section
  const { address, port, enable_tls: tls, transport, mqtt_protocol } = options
  const scheme = transport === 'tcp' ? (tls ? 'mqtts' : 'mqtt') : tls ? 'wss' : 'ws'
  const username = await rendered(core, section, 'username')
  const password = (await rendered(core, section, 'password')) ?? passwordOfFile(section)
  return {
    ...PROTOCOLS[mqtt_protocol],
    protocol: scheme,
    host: address,
    hostname: address,
    port,
    path: options.websocket_path,
    clientId: options.client_id ?? (mqtt_protocol === 'v3.1' ? randomId() : ''),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && tlsOptions(section)),
  }
}

/** MQTT 3.1 has no client without a name. */
function randomId(): string {
  return `mrts${randomBytes(8).toString('hex')}`
}

async function rendered(
  core: Pick<Core, 'log' | 'secrets'>,
  section: Section,
  name: 'username' | 'password',
): Promise<string | undefined> {
  const source = section.options[name]
  if (source === undefined) return undefined
  const text = await new SectionTemplate(core, section, name, source).renderOnce()
  return text === '' ? undefined : text
}

function passwordOfFile(section: Section): string | undefined {
  if (section.options.password_file === undefined) return undefined
  return contentOf(section, 'password_file').toString().trim()
}

function tlsOptions(section: Section): IClientOptions {
  const { address, ca_certificate, client_certificate, client_key } = section.options
  if ((client_certificate === undefined) !== (client_key === undefined)) {
    throw section.error('section [mqtt] needs both client_certificate and client_key, or neither')
  }
  return {
    ca: ca_certificate === undefined ? systemCertificates() : contentOf(section, 'ca_certificate'),
    ...(client_certificate !== undefined && {
      cert: contentOf(section, 'client_certificate'),
      key: contentOf(section, 'client_key'),
    }),
    ...(isIP(address) === 0 && { servername: address }),
    rejectUnauthorized: true,
  }
}

/** Node's own authorities and those that the system trusts, among them those that a person has installed. */
function systemCertificates(): string[] {
  return [...new Set([...getCACertificates('bundled'), ...getCACertificates('system')])]
}

function contentOf(
  section: Section,
  name: 'password_file' | 'ca_certificate' | 'client_certificate' | 'client_key',
): Buffer {
  try {
    return readSmallFile(section.options[name] ?? '', MAX_FILE_BYTES)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? messageOf(error)
    throw section.error(
      `the file of the option "${name}" of section [mqtt] cannot be read (${reason}); check its path and permissions`,
      name,
    )
  }
}
