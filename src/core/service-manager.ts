// Messages to the service manager (systemd) that started this process: ready, stopping, and its watchdog. One datagram to
// a unix socket each, as sd_notify(3) describes. Node has no such sockets: koffi calls the C library. Without koffi the
// program systemd-notify sends them; its process is a child, so the service needs `NotifyAccess=all`.
import type { Clock, Timer } from './clock.ts'
import { messageOf } from './errors.ts'
import type { Log } from './log.ts'
import { runCommand } from './run-command.ts'

/** Sends one message, such as `READY=1`. */
type Send = (text: string) => Promise<void> | void

const AF_UNIX = 1
const SOCK_DGRAM = 2
/** SOCK_CLOEXEC | SOCK_NONBLOCK: a service manager that does not read must not stop the process. */
const FLAGS = 0o2000000 | 0o4000
/** The longest path of a unix socket, with its final zero. */
const MAX_PATH = 108
/** Seconds that the program systemd-notify may need. */
const PROGRAM_SECONDS = 5

/** The environment variables of a service. */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined
  readonly WATCHDOG_USEC?: string | undefined
  readonly WATCHDOG_PID?: string | undefined
}

/** What the service manager learns from this process. */
export interface ServiceManager {
  /** The process works. From now on it reports that its event loop runs, if the service has a watchdog. */
  ready(): Promise<void>
  /** The process ends. */
  stopping(): Promise<void>
}

/** The service manager of this process; null if no service manager started it. Messages that are lost are only logged. */
export async function findServiceManager(
  env: ServiceEnvironment,
  clock: Clock,
  log: Log,
): Promise<ServiceManager | null> {
  const { NOTIFY_SOCKET: path } = env
  // An address of another family (vsock) is for virtual machines.
  if (path === undefined || !/^[/@]./.test(path) || Buffer.byteLength(path) >= MAX_PATH) return null
  const send = (await datagrams(path)) ?? program
  const notify = async (text: string) => {
    try {
      await send(text)
    } catch (error) {
      log.warning(`the service manager does not receive ${text}: ${messageOf(error)}`)
    }
  }
  let watchdog: Timer | null = null
  const seconds = watchdogSeconds(env)
  return {
    async ready() {
      await notify('READY=1')
      if (seconds !== null) watchdog ??= clock.every(seconds, () => void notify('WATCHDOG=1'))
    },
    async stopping() {
      watchdog?.stop()
      await notify('STOPPING=1')
    },
  }
}

/** Seconds between two signs of life: a third of what the watchdog allows. Null without a watchdog for this process. */
function watchdogSeconds({ WATCHDOG_USEC: allowed, WATCHDOG_PID: pid }: ServiceEnvironment): number | null {
  const seconds = Number(allowed ?? '') / 1e6
  if (!(seconds > 0) || (pid !== undefined && pid !== String(process.pid))) return null
  return seconds / 3
}

/** Sends datagrams to the socket at `path`; `@` at its start is the abstract name space. Null without koffi. */
async function datagrams(path: string): Promise<Send | null> {
  try {
    const { default: koffi } = await import('koffi')
    const library = koffi.load(null)
    const open = library.func('int socket(int domain, int type, int protocol)')
    const sendTo = library.func(
      'long sendto(int file, const void *data, size_t size, int flags, const void *address, uint32_t length)',
    )
    const file = open(AF_UNIX, SOCK_DGRAM | FLAGS, 0)
    if (file < 0) return null
    const address = addressOf(path)
    return text => {
      const data = Buffer.from(text)
      if (sendTo(file, data, data.length, 0, address, address.length) < 0)
        throw new Error(`errno ${koffi.errno()}`)
    }
  } catch {
    return null
  }
}

/** A sockaddr_un: the family in the byte order of the machine, and the path. */
function addressOf(path: string): Buffer {
  const name = Buffer.from(path)
  if (path.startsWith('@')) name[0] = 0
  const family = Buffer.from(new Uint16Array([AF_UNIX]).buffer)
  return Buffer.concat([family, name])
}

async function program(text: string): Promise<void> {
  const { code, stderr } = await runCommand('systemd-notify', [text], { timeoutSeconds: PROGRAM_SECONDS })
  if (code !== 0) throw new Error(stderr.trim() || `systemd-notify ended with ${code}`)
}
