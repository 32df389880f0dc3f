// Runs programs in user and mount namespaces of their own, where they may mount file systems and set limits.
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

/** Milliseconds for one program: less than a test has, and enough for a busy machine. */
const TIMEOUT = 110_000
/** Own users, own mounts, and root in them. */
const UNSHARE = ['--user', '--map-root-user', '--mount']

/** Why no such namespaces can be made here, as a reason to skip; false if they can. */
export function namespacesMissing(): string | false {
  const { status, stderr } = spawnSync('unshare', [...UNSHARE, 'mount', '-t', 'tmpfs', 'none', '/mnt'], {
    encoding: 'utf8',
  })
  return status === 0
    ? false
    : `no namespace in which to mount: ${stderr?.trim() || 'unshare is not installed'}`
}

/** Runs a module with arguments in namespaces of its own. Rejects with its output if it fails. */
export async function runInNamespaces(module: string, ...args: string[]): Promise<void> {
  try {
    await promisify(execFile)('unshare', [...UNSHARE, process.execPath, module, ...args], {
      timeout: TIMEOUT,
    })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${args.join(' ')}:\n${stdout}${stderr}`, { cause: error })
  }
}
