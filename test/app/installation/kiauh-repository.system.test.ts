// The repository that KIAUH installs: how it is built, what KIAUH demands of it, and the program that its services start.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { killProcess } from '../../support/kill-process.ts'
import { NotifySocket } from '../../support/notify-socket.ts'
import { finished } from '../../support/process-output.ts'
import { absent, programPath } from '../../support/program.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { serverBundle } from '../../support/server-bundle.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const BUILD = join(ROOT, 'scripts', 'build-kiauh.ts')
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string
}
const FOLDER = mkdtempSync(join(tmpdir(), 'kiauh-repository-'))
/** The repository as it is published, and the clone that KIAUH makes of it. */
const PUBLISHED = join(FOLDER, 'published')
const HOME = join(FOLDER, 'home', 'pi')
const CLONE = join(HOME, 'moonraker')
const STUB = join(CLONE, 'moonraker', 'moonraker.py')
const DATA = join(HOME, 'printer_data')
const PYTHON = programPath('python3') ?? ''

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  chmodSync(path, mode)
}

const git = (folder: string, ...args: string[]) =>
  execFileSync('git', ['-C', folder, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trimEnd()

async function build(folder: string, bundle?: string, env: Readonly<Record<string, string>> = {}) {
  const args = [BUILD, folder, bundle ?? (await serverBundle())]
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...env } })
}

before(async () => {
  assert.equal((await build(PUBLISHED)).stderr, '')
  mkdirSync(HOME, { recursive: true })
  git(FOLDER, 'clone', '--quiet', PUBLISHED, CLONE)
  write(
    join(DATA, 'config', 'moonraker.conf'),
    '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n[machine]\nprovider: none\n',
  )
})
after(() => rmSync(FOLDER, { recursive: true, force: true }))

suite('the build', () => {
  test('two builds are the same commit, and a further build changes nothing', async () => {
    const second = join(FOLDER, 'second')
    await build(second, undefined, { TZ: 'Asia/Tokyo', GIT_AUTHOR_NAME: 'Someone' })
    assert.equal(git(second, 'rev-parse', 'HEAD'), git(PUBLISHED, 'rev-parse', 'HEAD'))
    assert.match((await build(second)).stdout, /is in .*second already/)
    assert.equal(git(second, 'rev-list', '--count', 'HEAD'), '1')
  })

  test('a new version is a commit and a tag after the ones before it', async () => {
    const repository = join(FOLDER, 'third')
    git(FOLDER, 'clone', '--quiet', PUBLISHED, repository)
    git(repository, 'tag', '--delete', `v${version}`)
    git(repository, 'tag', 'v0.0.1')
    write(join(repository, 'dist', 'old.cjs'), '')
    git(repository, 'add', '--all')
    git(
      repository,
      '-c',
      'user.name=Ann',
      '-c',
      'user.email=ann@test',
      'commit',
      '--quiet',
      '--message',
      'old',
    )
    assert.equal((await build(repository)).status, 0)
    assert.equal(git(repository, 'tag', '--list'), `v0.0.1\nv${version}`)
    assert.equal(git(repository, 'rev-list', '--count', 'HEAD'), '3')
    assert.ok(!existsSync(join(repository, 'dist', 'old.cjs')))
    assert.equal(git(repository, 'status', '--porcelain'), '')
  })

  test('a version that is tagged with other files is refused, and so is a folder with something else', async () => {
    const other = join(FOLDER, 'other-bundle')
    write(join(other, 'moonraker.cjs'), '')
    const refused = await build(PUBLISHED, other)
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /a new version needs a new number in package\.json/)
    assert.equal(git(PUBLISHED, 'status', '--porcelain'), '')
    assert.match((await build(HOME, other)).stderr, /home\/pi is neither empty nor a git repository/)
    assert.ok(existsSync(CLONE))
  })
})

suite('what KIAUH demands', () => {
  test('system packages for Debian, which Raspbian and Ubuntu name as the one that they are like', () => {
    const lists = JSON.parse(readFileSync(join(CLONE, 'scripts', 'system-dependencies.json'), 'utf8'))
    assert.ok(lists.debian.length > 0)
    // Without conditions, each is needed on all of them.
    for (const name of lists.debian) assert.match(name, /^[a-z0-9][a-z0-9+.-]+$/)
  })

  test('requirements of Python that pip installs everywhere: none', () => {
    for (const name of ['moonraker-requirements.txt', 'moonraker-speedups.txt']) {
      for (const line of readFileSync(join(CLONE, 'scripts', name), 'utf8')
        .trimEnd()
        .split('\n')) {
        assert.match(line, /^#/, name)
      }
    }
  })

  test('a script for the rule of polkit, whose output on stderr would be a failure', () => {
    const script = join(CLONE, 'scripts', 'set-policykit-rules.sh')
    const bin = join(FOLDER, 'polkit-bin')
    const calls = join(FOLDER, 'sudo-calls')
    write(join(bin, 'sudo'), `#!/bin/sh\necho "$@" >> ${calls}\necho noise >&2\n`, 0o755)
    const set = (...args: string[]) => {
      rmSync(calls, { force: true })
      const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
      const { status, stderr } = spawnSync(script, args, { encoding: 'utf8', env })
      assert.equal(stderr, '')
      return { status, calls: existsSync(calls) ? readFileSync(calls, 'utf8') : '' }
    }
    const cleared = set('--clear')
    assert.equal(cleared.status, 0)
    for (const rule of [
      '/usr/share/polkit-1/rules.d/moonraker.rules',
      '/etc/polkit-1/rules.d/moonraker.rules',
      '/etc/polkit-1/localauthority/50-local.d/10-moonraker.pkla',
    ]) {
      assert.ok(cleared.calls.includes(rule), rule)
    }
    const installed = set('--disable-systemctl')
    const places = ['/usr/share/polkit-1/rules.d', '/etc/polkit-1/rules.d'].filter(existsSync)
    assert.equal(installed.status, places.length > 0 ? 0 : 1)
    if (places.length > 0)
      assert.ok(installed.calls.includes(`${places[0]}/moonraker.rules`), installed.calls)
    assert.ok(!installed.calls.includes('systemctl'))
    assert.equal(set('--unknown').status, 1)
  })
})

/** A process that runs the stub with the arguments and the environment of the service. */
function start(
  env: Readonly<Record<string, string>>,
  stdio: readonly number[] = [],
  data = DATA,
): ChildProcess {
  return spawn(PYTHON, [STUB, '-d', data], {
    env: { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...stdio],
  })
}

/** The port at which the server listens. Rejects with its output if it ends. */
async function portOf(child: ChildProcess): Promise<number> {
  let text = ''
  child.stderr?.on('data', part => {
    text += part
  })
  for await (const part of child.stdout ?? []) {
    text += part
    const port = /is up: http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1]
    if (port !== undefined) return Number(port)
  }
  throw new Error(`it has ended: ${text}`)
}

async function stops(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
}

suite('the program that the services start', { skip: absent('python3') }, () => {
  /** Neither a Node of this machine nor the network. */
  const NO_NODE = { MOONRAKER_TS_NODE: join(FOLDER, 'no-node'), npm_config_registry: 'http://127.0.0.1:9' }

  test('runs the server in its own process, with its open files, and ends at SIGTERM', async () => {
    const NOTIFY_SOCKET = join(FOLDER, 'notify')
    using socket = new NotifySocket(NOTIFY_SOCKET)
    const file = openSync(join(FOLDER, 'passed'), 'w')
    const NODE_PATH = join(ROOT, 'node_modules')
    const watchdog = { NOTIFY_SOCKET, NODE_PATH, WATCHDOG_USEC: '30000000' }
    const child = start({ MOONRAKER_TS_NODE: process.execPath, ...watchdog }, [file])
    try {
      const port = await portOf(child)
      assert.equal((await sendRequest(port, '/readyz')).status, 200)
      assert.equal(readlinkSync(`/proc/${child.pid}/exe`), process.execPath)
      assert.equal(readlinkSync(`/proc/${child.pid}/fd/3`), join(FOLDER, 'passed'))
      assert.ok(readFileSync(`/proc/${child.pid}/environ`, 'utf8').includes('WATCHDOG_USEC=30000000'))
      await stops(child)
      assert.deepEqual(socket.received(), ['READY=1', 'STOPPING=1'])
    } finally {
      await killProcess(child)
    }
  })

  test('finds Node in the PATH, but not one that is too old', async () => {
    const bin = join(FOLDER, 'old-node')
    write(join(bin, 'node'), '#!/bin/sh\necho v20.19.0\n', 0o755)
    const { code, err } = await finished(
      start({ ...NO_NODE, MOONRAKER_TS_NODE: join(bin, 'node'), MOONRAKER_TS_WAIT: '0' }),
    )
    assert.equal(code, 78)
    assert.match(err, /Node cannot be installed: .*refused[\s\S]*there is no Node 22\.16 or later/)
    const child = start({ MOONRAKER_TS_NODE: '' })
    try {
      await portOf(child)
      await stops(child)
    } finally {
      await killProcess(child)
    }
  })

  test('restores files that a power cut has damaged', async () => {
    writeFileSync(join(CLONE, 'dist', 'server.cjs'), Buffer.alloc(100))
    const child = start({ MOONRAKER_TS_NODE: process.execPath })
    try {
      await portOf(child)
      assert.equal(git(CLONE, 'status', '--porcelain'), '')
      await stops(child)
    } finally {
      await killProcess(child)
    }
  })

  test('without Node, logs what to do, waits for Node, and then exits with another code than a crash', async () => {
    const { code, err } = await finished(start({ ...NO_NODE, MOONRAKER_TS_WAIT: '0' }))
    assert.equal(code, 78)
    assert.match(err, /no Node 22\.16 or later, and no backup of Moonraker in .*kiauh_backups\/moonraker/)
    assert.match(err, /docs\/install\.md/)
  })

  test('without Node, starts the Moonraker of the newest backup that has one', async () => {
    const backups = join(HOME, 'kiauh_backups', 'moonraker')
    for (const time of ['20260101-100000', '20260301-100000', '20260401-100000']) {
      write(
        join(backups, `moonraker_${time}`, 'moonraker', 'moonraker.py'),
        `import sys\nprint("${time}", sys.argv[1:])\n`,
      )
      mkdirSync(join(backups, `moonraker-env_${time}`, 'bin'), { recursive: true })
      symlinkSync(PYTHON, join(backups, `moonraker-env_${time}`, 'bin', 'python'))
      // The newest one is a backup of this repository.
      if (!time.startsWith('202604')) write(join(backups, `moonraker_${time}`, 'moonraker', 'server.py'), '')
    }
    const { code, out, err } = await finished(start(NO_NODE))
    rmSync(backups, { recursive: true })
    assert.equal(code, 0, err)
    assert.equal(out, `20260301-100000 ['-d', '${DATA}']\n`)
    assert.match(
      err,
      /there is no Node 22\.16 or later: starting the backup of Moonraker, .*moonraker_20260301-100000/,
    )
  })

  test('without Node, installs that of the repository from a registry, once for all services', async () => {
    const registry = join(FOLDER, 'registry')
    const list = join(CLONE, 'scripts', 'node-packages.json')
    const original = readFileSync(list, 'utf8')
    const names = ['node-linux-some', 'koffi', '@koromix/koffi-linux-some']
    const packages = names.map(name => ({ name, version: '1.2.3', integrity: publish(registry, name) }))
    const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim()
    const writeList = (listed: readonly object[]) =>
      writeFileSync(list, JSON.stringify({ registry: 'http://127.0.0.1:9', machines: { [machine]: listed } }))
    writeList(packages)
    const requests: string[] = []
    const server = createServer((request, response) => {
      requests.push(request.url ?? '')
      // Slow enough that both services are at work.
      setTimeout(() => response.end(readFileSync(join(registry, request.url ?? ''))), 300)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const npm_config_registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    try {
      const second = join(HOME, 'printer_two_data')
      cpSync(join(DATA, 'config'), join(second, 'config'), { recursive: true })
      const children = [DATA, second].map(data => start({ ...NO_NODE, npm_config_registry }, [], data))
      try {
        await Promise.all(children.map(portOf))
        await Promise.all(children.map(stops))
      } finally {
        await Promise.all(children.map(killProcess))
      }
      assert.deepEqual(requests, [
        '/node-linux-some/-/node-linux-some-1.2.3.tgz',
        '/koffi/-/koffi-1.2.3.tgz',
        '/@koromix/koffi-linux-some/-/koffi-linux-some-1.2.3.tgz',
      ])
      assert.ok(!existsSync(join(CLONE, 'node_modules', 'node-linux-some', 'include')))
      assert.equal(git(CLONE, 'status', '--porcelain'), ' M scripts/node-packages.json')

      rmSync(join(CLONE, 'node_modules'), { recursive: true })
      writeList(packages.map(each => ({ ...each, integrity: 'sha512-other' })))
      const refused = await finished(start({ ...NO_NODE, npm_config_registry, MOONRAKER_TS_WAIT: '0' }))
      assert.equal(refused.code, 78)
      assert.match(
        refused.err,
        /node-linux-some-1\.2\.3\.tgz is not the file that this version was tested with/,
      )
    } finally {
      server.close()
      rmSync(join(CLONE, 'node_modules'), { recursive: true, force: true })
      writeFileSync(list, original)
    }
  })
})

/** Writes a package as a registry has it; Node is the one of this process. Returns its checksum. */
function publish(registry: string, name: string): string {
  const source = join(FOLDER, 'package-source')
  const file = join(registry, name, '-', `${name.split('/').at(-1)}-1.2.3.tgz`)
  rmSync(source, { recursive: true, force: true })
  write(join(source, 'package', 'package.json'), JSON.stringify({ name, version: '1.2.3' }))
  write(join(source, 'package', 'bin', 'node'), `#!/bin/sh\nexec ${process.execPath} "$@"\n`, 0o755)
  write(join(source, 'package', 'include', 'node.h'), '')
  mkdirSync(dirname(file), { recursive: true })
  execFileSync('tar', ['--create', '--gzip', '--file', file, '--directory', source, 'package'])
  return `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`
}
