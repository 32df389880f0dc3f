// The hub's connection to the engine: it connects, and connects again whenever the connection ends.
import { readFileSync } from 'node:fs'
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { certificateCheck } from '../../../core/certificate-names.ts'
import { type Clock, sleep } from '../../../core/clock.ts'
import { messageOf, StartError } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'

/** Seconds that the first connection may take: an engine with much data needs some to start. */
const CONNECT_SECONDS = 60
const RETRY_SECONDS = 0.5
/** Between checks whether the engine still answers. */
const PING_MILLISECONDS = 20_000

/** How to connect. */
export interface LinkOptions {
  /** `nats://HOST:PORT` or `tls://HOST:PORT`. */
  readonly servers: readonly string[]
  /** The file with the hub's credentials. */
  readonly credentials: string
  /** The CA certificate of the engine, in PEM; the system's are used where it is left out. */
  readonly ca?: string | undefined
  /** Accepts any name in the engine's certificate: the hub itself started it on this machine. */
  readonly anyName?: boolean
  /** Shown by the engine, for its operators. */
  readonly name: string
  readonly clock: Clock
  readonly log: Log
}

/** Connects to the engine. Rejects with StartError if that does not succeed within a minute. */
export async function connectEngine(options: LinkOptions): Promise<NatsConnection> {
  const { servers, clock, log } = options
  const until = clock.monotonic() + CONNECT_SECONDS
  const connectOptions = natsOptions(options)
  for (;;) {
    try {
      return await connect(connectOptions)
    } catch (error) {
      const text = `the engine at ${servers.join(', ')} does not answer: ${messageOf(error)}`
      // Wrong credentials stay wrong.
      if (clock.monotonic() > until || /authorization/i.test(messageOf(error))) throw new StartError(text)
      log.debug(text)
    }
    await sleep(clock, RETRY_SECONDS)
  }
}

function natsOptions({ servers, credentials, ca, anyName = false, name }: LinkOptions) {
  const isSecure = servers.some(server => server.startsWith('tls:'))
  const tls = {
    ...(ca !== undefined && { ca }),
    checkServerIdentity: anyName ? () => undefined : certificateCheck(servers),
  }
  return {
    servers: servers.map(server => server.replace(/^(nats|tls):\/\//, '')),
    authenticator: credsAuthenticator(readCredentials(credentials)),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    pingInterval: PING_MILLISECONDS,
    ...(isSecure && { tls }),
  }
}

function readCredentials(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new StartError(`the credentials ${file} cannot be read: ${messageOf(error)}`)
  }
}
