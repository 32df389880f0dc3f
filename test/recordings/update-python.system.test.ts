// The recorded refreshes, updates and rollbacks of Python packages, with a pip that only prints and renames.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ReleaseServer } from '../support/release-server.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import { absentRecording, assertStatus, loadUpdates, refresh, replay } from './update-recording.ts'

const RECORDING = 'upd_python'
const COMMIT = '1234567890abcdef1234567890abcdef12345678'
const NEWER = 'fedcba0987654321fedcba0987654321fedcba09'

/** What is better than recorded. */
const IMPROVED: Readonly<Record<string, string>> = {
  update_pip_fails: 'the error names the package and what is installed now',
  rollback_github: 'returns to the previous version without the network',
}

/** A package in an environment of its own. */
interface Package {
  readonly version: string
  /** The version after an update. */
  readonly next?: string
  readonly direct?: object
  readonly changelog?: string
  readonly pip: string
}

const github = (repo: string) => ({
  url: `https://github.com/dummy/${repo}`,
  vcs_info: { vcs: 'git', commit_id: COMMIT },
})
const PACKAGES: Readonly<Record<string, Package>> = {
  pyapp: { version: '1.0.0', next: '1.1.0', pip: '25.2', changelog: 'https://example.org/changelog' },
  pygit: {
    version: '1.0.0',
    next: '1.1.0',
    pip: '22.0.4',
    changelog: 'https://example.org/cl',
    direct: github('pygit'),
  },
  pygitbeta: {
    version: '1.0.0',
    pip: '22.0.4',
    changelog: 'https://example.org/cl',
    direct: github('pygit'),
  },
  pydev: {
    version: '1.0.0.dev3+g12345678',
    next: '1.0.0.dev4+gfedcba09',
    pip: '22.0.4',
    direct: github('pydev'),
  },
  pylocal: { version: '0.1', pip: '22.0.4', direct: { url: 'file:///home/pi/pylocal', dir_info: {} } },
}
const PROJECTS: Readonly<Record<string, string>> = { pyapp: 'pyapp[extra]', pygitbeta: 'pygit' }
const OPTIONS: Readonly<Record<string, string>> = {
  pygitbeta: 'channel: beta\n',
  pydev: 'channel: dev\nprimary_branch: main\n',
}

/** In place of pip. */
const pythonOf = ({ version, next = version }: Package) => `#!/bin/sh
cd "$(dirname "$0")"
site=../lib/python3.11/site-packages
case "$*" in
  *--version) echo "pip $(cat pip.version) from /x (python 3.11)" ;;
  *pip*=25.2) echo 25.2 > pip.version; echo "Successfully installed pip-25.2" ;;
  *--dry-run*)
    [ -e ../../fails ] && exit 1
    [ -e ../../current ] && echo '{"install":[]}' || echo '{"install":[{"metadata":{"version":"1.1.0"}}]}' ;;
  *)
    [ -e ../../fails ] && { echo "ERROR: injected install failure"; exit 1; }
    for info in $site/*-${version}.dist-info; do
      sed -i "s/^Version: .*/Version: ${next}/" $info/METADATA
      [ -e $info/direct_url.json ] && sed -i s/${COMMIT}/${NEWER}/ $info/direct_url.json
      [ ${version} = ${next} ] || mv $info $(echo $info | sed "s/-${version}/-${next}/")
    done
    echo "Collecting things"
    echo "Successfully installed things" ;;
esac
`

class Bench implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'update-python-'))
  readonly #releases: ReleaseServer
  #server: RestartableServer | null = null

  private constructor(releases: ReleaseServer) {
    this.#releases = releases
  }

  static async start() {
    const bench = new Bench(await ReleaseServer.start())
    for (const [name, each] of Object.entries(PACKAGES)) bench.#install(name, each)
    const releases = bench.#releases
    const published = (tag: string, prerelease: boolean) => ({ tag_name: tag, name: tag, prerelease })
    releases.api = ({ url = '' }, response) => {
      const [stable, beta] = [published('v1.1.0', false), published('v1.2.0b1', true)]
      const found = url.includes('/commits')
        ? [{ sha: NEWER }]
        : url.endsWith('/latest')
          ? stable
          : [beta, stable]
      response.end(JSON.stringify(found))
    }
    const sections = Object.keys(PACKAGES).map(
      name =>
        `[update_manager ${name}]\ntype: python\nis_system_service: False\nproject_name: ${PROJECTS[name] ?? name}\n` +
        `virtualenv: ${join(bench.#folder, name)}\n${OPTIONS[name] ?? ''}`,
    )
    const general = `[update_manager]\nenable_system_updates: False\nrelease_api: ${releases.url}\n`
    const server = await RestartableServer.start({ conf: general + sections.join('') })
    bench.#server = server
    const client = await server.client()
    await refresh(client)
    return { bench, client }
  }

  #install(name: string, { version, direct, changelog = '', pip }: Package): void {
    const write = (path: string, content: string, mode = 0o644) => {
      const file = join(this.#folder, name, path)
      mkdirSync(join(file, '..'), { recursive: true })
      writeFileSync(file, content, { mode })
    }
    const project = (PROJECTS[name] ?? name).replace(/\[.*/, '')
    const site = 'lib/python3.11/site-packages'
    const info = `${site}/${project}-${version}.dist-info`
    write(`${info}/METADATA`, `Name: ${project}\nVersion: ${version}\n`)
    if (direct !== undefined) write(`${info}/direct_url.json`, JSON.stringify(direct))
    const urls = { changelog, repository: `https://github.com/dummy/${project}` }
    write(`${site}/${project}/release_info`, JSON.stringify({ urls }))
    write(`${info}/RECORD`, `${project}/release_info,,\n`)
    for (const program of ['python', 'pip'])
      write(`bin/${program}`, pythonOf(PACKAGES[name] as Package), 0o755)
    write('bin/pip.version', pip)
  }

  /** What pip does from now on: fails, finds nothing newer, or neither. */
  set pip(behaviour: 'fails' | 'current' | null) {
    for (const name of ['fails', 'current']) rmSync(join(this.#folder, name), { force: true })
    if (behaviour !== null) writeFileSync(join(this.#folder, behaviour), '')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
    await this.#releases[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A state of the recording: the requests before it that were not handed out, and the fields that are better now. */
interface State {
  readonly method?: string
  readonly pip?: 'current'
  readonly improved?: readonly string[]
}

/** The states in their order. */
const STATES: readonly State[] = [
  {},
  {},
  {},
  { method: 'machine.update.client' },
  // The update is offered again.
  { method: 'machine.update.rollback', improved: ['remote_hash'] },
  // No update is left.
  { method: 'machine.update.refresh', pip: 'current', improved: ['remote_hash'] },
  // The recorded pip changed no commit.
  { improved: ['current_hash', 'remote_hash'] },
]

test('Python packages are updated as recorded', { skip: absentRecording(RECORDING) }, async t => {
  const { bench, client } = await Bench.start()
  await using _ = bench
  const states = STATES.values()
  for (const recorded of loadUpdates(RECORDING)) {
    const { name, request, response } = recorded
    bench.pip = name.endsWith('pip_fails') ? 'fails' : null
    if (request !== undefined) await replay(t, client, recorded, IMPROVED[name])
    else if (name.startsWith('status_of_')) {
      const entry = name.slice('status_of_'.length)
      const { method, pip = null, improved } = states.next().value as State
      bench.pip = pip
      if (method !== undefined) await client.call(method, { name: entry })
      const { result } = await client.call('machine.update.status')
      await t.test(`${name} ${response.version}`, () =>
        assertStatus(result.version_info[entry], response, improved),
      )
    }
  }
})
