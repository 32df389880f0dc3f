// A front-end, a program in an archive, an executable and a Python package, in one folder, with a server that updates them.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { dataPaths } from '../../../src/core/paths.ts'
import type { ReleaseServer } from '../../support/release-server.ts'
import type { WebClient } from '../../support/web-client.ts'
import { zipOf } from '../../support/zip-of.ts'
import { startRepaired } from './crashing-server.ts'

/** Files of a version, so that a change takes a while. */
const FILES = Array.from({ length: 150 }, (_, number) => `part${number % 7}/file${number}`)
export const NAMES = ['web', 'zip', 'executable', 'python'] as const
export type Name = (typeof NAMES)[number]

/** In place of pip: replaces the files of the package one after the other, and its version last. */
const PYTHON = `#!/bin/sh
set -e
env=$(dirname "$(dirname "$0")")
site=$env/lib/python3.11/site-packages
newest=$(cat "$env/../newest")
case "$*" in
  *--version*) echo "pip 25.2 from /x (python 3.11)" ;;
  *--dry-run*) echo "{\\"install\\":[{\\"metadata\\":{\\"version\\":\\"$newest\\"}}]}" ;;
  *)
    for file in "$site"/app/*; do rm "$file"; echo "$newest" > "$file"; done
    rm -r "$site"/app-*.dist-info
    mkdir "$site/app-$newest.dist-info"
    printf 'Name: app\\nVersion: %s\\n' "$newest" > "$site/app-$newest.dist-info/METADATA"
    echo "Successfully installed app-$newest" ;;
esac
`

const info = (version: string, more: object = {}) =>
  JSON.stringify({ project_name: 'app', project_owner: 'dummy', version, ...more })

export class Installations {
  readonly folder = mkdtempSync(join(tmpdir(), 'installations-'))
  readonly releases: ReleaseServer
  child: ChildProcess | null = null
  /** Resolves when the server that was started last has ended. */
  ended: Promise<void> = Promise.resolve()

  /** `more` are further sections of the configuration. */
  constructor(releases: ReleaseServer, more: (folder: string) => string = () => '') {
    this.releases = releases
    for (const file of FILES) {
      this.write(`web/${file}`, '1.0.0')
      this.write(`zip/${file}`, '1.0.0')
    }
    this.write('web/release_info.json', info('v1.0.0'))
    this.write('zip/release_info.json', info('v1.0.0'))
    this.write('executable/release_info.json', info('v1.0.0', { asset_name: 'tool' }))
    this.write('executable/tool', 'v1.0.0')
    for (const name of ['web', 'zip', 'executable']) this.write(`${name}/mine/settings`, 'of the user')
    for (let file = 0; file < 40; file += 1)
      this.write(`python/lib/python3.11/site-packages/app/${file}.py`, '1.0.0\n')
    this.write(
      'python/lib/python3.11/site-packages/app-1.0.0.dist-info/METADATA',
      'Name: app\nVersion: 1.0.0\n',
    )
    for (const name of ['python', 'pip']) {
      this.write(`python/bin/${name}`, PYTHON)
      chmodSync(join(this.folder, 'python/bin', name), 0o755)
    }
    const section = (name: Name, lines: string) =>
      `[update_manager ${name}]\ntype: ${name}\n${lines}\n${name === 'web' ? '' : 'is_system_service: False\n'}`
    const release = (name: Name) => `path: ${join(this.folder, name)}\nrepo: dummy/app\n`
    const persistent = 'persistent_files:\n  mine/settings\n'
    this.write(
      `${dataPaths('data').configFile}`,
      '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n' +
        '[machine]\nprovider: none\n[announcements]\nenable_moonlight: False\n' +
        `[update_manager]\nenable_system_updates: False\nrelease_api: ${releases.url}\n` +
        section('web', release('web') + persistent) +
        section('zip', release('zip') + persistent) +
        section('executable', release('executable')) +
        section('python', `virtualenv: ${join(this.folder, 'python')}\nproject_name: app\n`) +
        more(this.folder),
    )
  }

  write(name: string, content: string): void {
    const path = join(this.folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }

  /** Publishes a version of everything. */
  publish(version: string): void {
    const files = FILES.map(name => ({ name, content: version }))
    const tag = `v${version}`
    const archive = zipOf([...files, { name: 'release_info.json', content: info(tag) }])
    this.releases.repos.set('dummy/app', [{ tag, assets: { 'app.zip': archive, tool: Buffer.from(tag) } }])
    this.write('newest', version)
  }

  /** Starts a server; resolves when it has repaired what it found. */
  start(env?: Readonly<Record<string, string>>): Promise<WebClient> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    const started = (child: ChildProcess) => {
      this.child = child
      child.once('exit', () => resolve())
    }
    return startRepaired(join(this.folder, 'data'), started, env)
  }

  /** Kills the server and what it has started, as a power cut does. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    for (const id of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
      try {
        if (readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(`${this.folder}/python`))
          process.kill(Number(id), 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    await exited
  }

  /** The version of an installation, all of whose files are of that version. */
  wholeVersion(name: Name): string {
    const read = (...parts: string[]) => readFileSync(join(this.folder, name, ...parts), 'utf8').trim()
    if (name === 'python') {
      const site = join('lib/python3.11/site-packages')
      const entries = readdirSync(join(this.folder, name, site)).filter(entry => entry.endsWith('.dist-info'))
      assert.equal(entries.length, 1, entries.join())
      const version = /app-(.*)\.dist-info/.exec(entries[0] ?? '')?.[1] ?? ''
      for (let file = 0; file < 40; file += 1) assert.equal(read(site, `app/${file}.py`), version)
      return version
    }
    assert.equal(read('mine/settings'), 'of the user')
    const version = JSON.parse(read('release_info.json')).version.slice(1)
    if (name === 'executable') assert.equal(read('tool'), `v${version}`)
    else for (const file of FILES) assert.equal(read(file), version)
    return version
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
